/*
 * consumer/base/stream.h: one TCP connection on the loop.
 *
 * Bytes come in through `data`; chunks go out through a bounded queue that is
 * written with one writev a flush. A stream says how much is queued, so that
 * its owner can cut a listener that does not keep up instead of buffering for
 * it.
 *
 * A stream comes from http_upgrade() or stream_connect(). It lives until
 * `closed` has returned, which is called exactly once, whoever ended it, and
 * never from inside stream_send(), stream_flush() or stream_close().
 *
 * Thread: the loop's.
 */
#ifndef CONSUMER_BASE_STREAM_H
#define CONSUMER_BASE_STREAM_H

#include "consumer/base/chunk.h"
#include "schemas/base/bytes.h"
#include "schemas/base/check.h"
#include "schemas/base/fail.h"

struct loop;
struct stream;

/* Who ended it and how. */
enum stream_end {
    STREAM_END_PEER,        /* the peer finished in order */
    STREAM_END_RESET,       /* the peer or the network broke it off */
    STREAM_END_OURS,        /* stream_close() or stream_finish() */
    STREAM_END_UNREACHABLE, /* stream_connect() did not succeed */
    STREAM_END_TIMEOUT      /* a deadline passed: connecting or finishing */
};

/* The words of `why` for a log line: "peer", "reset", … Static. */
const char *stream_end_name(enum stream_end why);

/* Any of them may be NULL. `arg` is what stream_listen() was given. */
struct stream_events {
    /* Only after stream_connect(): bytes may be sent now. */
    void (*connected)(void *arg);
    /* `b` is borrowed for the call. Never empty. */
    void (*data)(void *arg, struct bytes b);
    /* The queue has become empty after a flush could not write all of it. */
    void (*drained)(void *arg);
    /* Last call: the stream is freed when this returns. */
    void (*closed)(void *arg, enum stream_end why);
};

/* Zero means the default in brackets. */
struct stream_limits {
    size_t queued_bytes_max;  /* stream_send() refuses beyond it [1 MiB] */
    size_t queued_chunks_max; /* likewise [1024] */
    int notsent_lowat;        /* TCP_NOTSENT_LOWAT in bytes [not set] */
};

/*
 * Connects to `host` (a name or a numeric address, [] around an IPv6 one or
 * not) and `port`, trying its addresses in turn, within `connect_ms`.
 * `connected` or `closed` follows, never from inside this call. Bytes may be
 * queued at once. Returns 0, or
 *   FAIL_MALFORMED  no such form of host or port;
 *   FAIL_SYSTEM     no socket could be made.
 */
MUST_CHECK int stream_connect(struct loop *loop, const char *host, int port,
                              int connect_ms,
                              const struct stream_events *events, void *arg,
                              struct stream **out_stream);

/*
 * Sets who is told. Bytes that were read before are delivered from inside this
 * call, so it comes after http_upgrade() when the owner is ready for them.
 * `events` outlives the stream.
 */
void stream_listen(struct stream *s, const struct stream_events *events,
                   void *arg);

/* Sets the limits; what is queued already stays. */
void stream_limit(struct stream *s, const struct stream_limits *limits);

/*
 * Queues a chunk and holds it until it is written. It goes out at
 * stream_flush(), or at the end of this turn. Returns 0, or
 *   FAIL_FULL  a limit is reached; nothing was queued;
 *   FAIL_GONE  the stream is closing; nothing was queued.
 */
int stream_send(struct stream *s, struct chunk *c);

/* The same with a copy of `b`, written at once when nothing is queued. */
int stream_send_bytes(struct stream *s, struct bytes b);

/* Writes what the socket takes now, in one writev of up to 64 chunks. */
void stream_flush(struct stream *s);

/* What is queued and not yet taken by the kernel. */
size_t stream_queued_bytes(const struct stream *s);
size_t stream_queued_chunks(const struct stream *s);

/* Stops and resumes reading. The peer is held back by TCP meanwhile. */
void stream_pause(struct stream *s);
void stream_resume(struct stream *s);

/*
 * Sends what is queued, then closes our direction and waits for the peer's end,
 * all that while for at most `finish_ms` in which the peer takes nothing;
 * `closed` follows. Nothing can be sent any more, and `data` goes on until the
 * end.
 */
void stream_finish(struct stream *s, int finish_ms);

/* Ends it now; what is queued is lost. `closed` follows in another turn. */
void stream_close(struct stream *s);

/* The peer's address and port as text, or "?" when unknown. Borrowed. */
const char *stream_peer(const struct stream *s);

#endif
