/*
 * consumer/base/stream_socket.h: the side of a stream that servers see.
 *
 * Internal to consumer/base/stream*.c and http_server.c. Thread: the loop's.
 */
#ifndef CONSUMER_BASE_STREAM_SOCKET_H
#define CONSUMER_BASE_STREAM_SOCKET_H

#include <uv.h>

#include "consumer/base/loop.h"
#include "consumer/base/stream.h"

/* "[" 45 "]:" 5 and a NUL. */
#define STREAM_PEER_MAX 56

/* One read takes at most this much, into one buffer for the whole loop. */
#define STREAM_READ_BYTES 65536
/* Chunks in one writev. */
#define STREAM_WRITEV_MAX 64

/*
 * What the streams of one loop share: the read buffer, the flush at the end of
 * the turn, the clock of those that finish. Counted by reference, since the
 * loop does not know of it.
 */
struct stream_pool {
    struct loop *loop;
    struct stream_pool *next; /* of this thread */
    size_t holders;
    struct loop_hook *flush;
    struct loop_timer *clock;
    struct stream *dirty;     /* to be flushed at the end of this turn */
    struct stream *finishing; /* under a deadline */
    uint8_t *read_buffer;
};

struct stream_pool *stream_pool_hold(struct loop *loop);
void stream_pool_drop(struct stream_pool *p);

/* Chunks that wait for the socket; exists only while there are some. */
struct stream_queue {
    uv_write_t write;
    struct stream *stream;
    struct chunk **ring;
    size_t capacity, head, count;
    size_t written;      /* bytes of the first chunk that are gone */
    size_t in_flight;    /* chunks given to uv_write(), 0: none */
    size_t flight_bytes; /* bytes given to it */
};

struct stream {
    uint32_t magic;
    uv_tcp_t tcp;
    struct stream_pool *pool;
    const struct stream_events *events; /* NULL: nobody listens yet */
    void (*eof)(void *arg); /* servers: the peer sends no more, but may read */
    void *arg;
    struct stream_queue *queue;
    size_t queued_bytes; /* in the queue, the flight included */
    uint64_t taken;      /* bytes the kernel has taken, finished flights */
    size_t bytes_max, chunks_max;
    struct stream *dirty_next, **dirty_at;
    struct stream *finish_next, **finish_at; /* NULL: no deadline */
    int64_t finish_by_ms;
    uint64_t finish_taken; /* `taken` when the deadline was set */
    int finish_ms;
    struct dial *dial;   /* still connecting */
    struct buffer early; /* read before anybody listened */
    enum stream_end why;
    bool open;      /* has a socket */
    bool paused;    /* by its owner */
    bool finishing; /* nothing more may be sent */
    bool shut;      /* our direction is closed */
    bool ended;     /* the peer's direction is closed */
    bool closing;
    char peer[STREAM_PEER_MAX];
};

/* A stream without a socket. */
struct stream *stream_new(struct loop *loop);

/* Gives it a connected socket, which it owns from then on, and reads. */
int stream_open(struct stream *s, int fd, const char *peer);

/* Ends it for that reason. `closed` follows. */
void stream_end(struct stream *s, enum stream_end why);

/* Writes both at once and queues what is left, whatever the limits. */
void stream_write(struct stream *s, struct bytes first, struct bytes second);

/* Keeps `rest` for whoever listens next, and reads no more until then. */
void stream_hand_over(struct stream *s, struct bytes rest);

/* Bytes the kernel has taken so far: whether the peer makes progress. */
uint64_t stream_taken(const struct stream *s);

/* Puts it under a deadline, or out of it. */
void stream_deadline(struct stream *s, int ms);
void stream_deadline_off(struct stream *s);

/* Gives up connecting. */
void stream_dial_cancel(struct dial *d);

#endif
