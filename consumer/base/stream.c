/*
 * consumer/base/stream.c: reading, the queue, and how a stream ends.
 *
 *   stream_send ─> queue ─ end of turn ─> one writev ─ taken whole ─> no queue
 *                                            │
 *                                            └ socket full ─> uv_write waits ─>
 *                                              the rest, then `drained`
 *
 * Most streams have nothing queued, so the queue is memory of its own that
 * exists only while a socket is full.
 *
 * From: consumer/base/http_server.c and consumer/base/stream_connect.c, which
 *       make streams; their owners.
 * To:   the kernel, through libuv; the owner's struct stream_events.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumer/base/stream_socket.h"

#define STREAM_MAGIC 0x5354524du /* STRM */
#define QUEUED_BYTES_MAX (1024 * 1024)
#define QUEUED_CHUNKS_MAX 1024

static void start_reading(struct stream *s);
static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buf);
static void enqueue(struct stream *s, struct chunk *c);
static size_t gather(const struct stream_queue *q, uv_buf_t *bufs,
                     size_t *out_bytes);
static void consume(struct stream *s, size_t bytes);
static void wait_for_socket(struct stream *s);
static void free_queue(struct stream *s);
static void mark_dirty(struct stream *s);
static void mark_clean(struct stream *s);
static void shut_if_done(struct stream *s);
static void on_closed(uv_handle_t *handle);

const char *stream_end_name(enum stream_end why)
{
    static const char *const names[] = {"peer", "reset", "ours", "unreachable",
                                        "timeout"};

    CHECK((size_t)why < sizeof(names) / sizeof(names[0]));
    return names[why];
}

struct stream *stream_new(struct loop *loop)
{
    struct stream *s = calloc(1, sizeof(*s));

    CHECK(s != NULL);
    s->magic = STREAM_MAGIC;
    s->pool = stream_pool_hold(loop);
    s->bytes_max = QUEUED_BYTES_MAX;
    s->chunks_max = QUEUED_CHUNKS_MAX;
    buffer_init(&s->early, SIZE_MAX / 2);
    CHECK(uv_tcp_init(loop_uv(loop), &s->tcp) == 0);
    s->tcp.data = s;
    memcpy(s->peer, "?", 2);
    return s;
}

int stream_open(struct stream *s, int fd, const char *peer)
{
    int on = 1;

    CHECK(!s->open && !s->closing);
    if (uv_tcp_open(&s->tcp, fd) != 0)
        return FAIL_SYSTEM;
    s->open = true;
    /* We gather writes ourselves; waiting for acks on top only delays. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    memccpy(s->peer, peer, '\0', sizeof(s->peer) - 1);
    start_reading(s);
    return 0;
}

/* ---- reading ---- */

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct stream *s = handle->data;

    (void)suggested;
    *buf = uv_buf_init((char *)s->pool->read_buffer, STREAM_READ_BYTES);
}

static void start_reading(struct stream *s)
{
    if (s->open && !s->paused && !s->ended && !s->closing)
        uv_read_start((uv_stream_t *)&s->tcp, give_buffer, on_read);
}

static void end_of_peer(struct stream *s)
{
    s->ended = true;
    uv_read_stop((uv_stream_t *)&s->tcp);
    if (s->finishing)
        shut_if_done(s);
    else if (s->eof != NULL)
        s->eof(s->arg);
    else
        stream_end(s, STREAM_END_PEER);
}

static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buf)
{
    struct stream *s = CHECKED_CAST(struct stream, handle->data, STREAM_MAGIC);
    struct loop *loop = s->pool->loop;
    int64_t since = loop_enter(loop);

    if (count == UV_EOF)
        end_of_peer(s);
    else if (count < 0)
        stream_end(s, STREAM_END_RESET);
    else if (count > 0 && s->events != NULL && s->events->data != NULL)
        s->events->data(s->arg, bytes_of(buf->base, (size_t)count));
    loop_leave(loop, "stream.read", since);
}

void stream_pause(struct stream *s)
{
    s->paused = true;
    if (s->open && !s->closing)
        uv_read_stop((uv_stream_t *)&s->tcp);
}

void stream_resume(struct stream *s)
{
    s->paused = false;
    start_reading(s);
}

void stream_hand_over(struct stream *s, struct bytes rest)
{
    s->events = NULL;
    s->eof = NULL;
    s->arg = NULL;
    if (rest.count > 0)
        buffer_append_bytes(&s->early, rest);
    stream_pause(s);
}

void stream_listen(struct stream *s, const struct stream_events *events,
                   void *arg)
{
    bool waited = s->events == NULL;
    struct buffer early = s->early;

    s->events = events;
    s->arg = arg;
    buffer_init(&s->early, SIZE_MAX / 2);
    if (waited)
        stream_resume(s);
    if (early.count > 0 && events->data != NULL)
        events->data(arg, buffer_bytes(&early));
    buffer_fini(&early);
}

void stream_limit(struct stream *s, const struct stream_limits *limits)
{
    uv_os_fd_t fd;

    if (limits->queued_bytes_max > 0)
        s->bytes_max = limits->queued_bytes_max;
    if (limits->queued_chunks_max > 0)
        s->chunks_max = limits->queued_chunks_max;
    if (limits->notsent_lowat > 0 && s->open && !s->closing &&
        uv_fileno((uv_handle_t *)&s->tcp, &fd) == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &limits->notsent_lowat,
                   sizeof(limits->notsent_lowat));
}

/* ---- writing ---- */

/* Bytes of the flight that libuv has not brought to the kernel yet. */
static size_t flight_left(const struct stream *s)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);
}

size_t stream_queued_bytes(const struct stream *s)
{
    if (s->queue == NULL || s->queue->in_flight == 0)
        return s->queued_bytes;
    return s->queued_bytes - s->queue->flight_bytes + flight_left(s);
}

size_t stream_queued_chunks(const struct stream *s)
{
    return s->queue != NULL ? s->queue->count : 0;
}

uint64_t stream_taken(const struct stream *s)
{
    if (s->queue == NULL || s->queue->in_flight == 0)
        return s->taken;
    return s->taken + s->queue->flight_bytes - flight_left(s);
}

int stream_send(struct stream *s, struct chunk *c)
{
    size_t count = chunk_bytes(c).count;

    CHECK(s->magic == STREAM_MAGIC);
    if (s->closing || s->finishing)
        return FAIL_GONE;
    if (count == 0)
        return 0;
    size_t queued = stream_queued_bytes(s);
    if (queued > s->bytes_max || count > s->bytes_max - queued ||
        stream_queued_chunks(s) >= s->chunks_max)
        return FAIL_FULL;
    enqueue(s, chunk_hold(c));
    mark_dirty(s);
    return 0;
}

int stream_send_bytes(struct stream *s, struct bytes b)
{
    if (s->closing || s->finishing)
        return FAIL_GONE;
    size_t queued = stream_queued_bytes(s);
    if (queued > s->bytes_max || b.count > s->bytes_max - queued ||
        stream_queued_chunks(s) >= s->chunks_max)
        return FAIL_FULL;
    stream_write(s, b, BYTES_NONE);
    return 0;
}

/* Tries both parts; returns how many bytes were taken, or an error. */
static int try_both(struct stream *s, struct bytes first, struct bytes second)
{
    uv_buf_t bufs[2] = {
        uv_buf_init((char *)first.data, (unsigned)first.count),
        uv_buf_init((char *)second.data, (unsigned)second.count),
    };

    return uv_try_write((uv_stream_t *)&s->tcp, bufs, second.count > 0 ? 2 : 1);
}

void stream_write(struct stream *s, struct bytes first, struct bytes second)
{
    size_t done = 0;

    if (s->closing || first.count + second.count == 0)
        return;
    if (s->queue == NULL && s->open) {
        int rc = try_both(s, first, second);
        if (rc < 0 && rc != UV_EAGAIN) {
            stream_end(s, STREAM_END_RESET);
            return;
        }
        done = rc > 0 ? (size_t)rc : 0;
        s->taken += done;
    }
    if (done < first.count) {
        enqueue(s, chunk_new(bytes_slice(first, done, first.count)));
        done = 0;
    } else {
        done -= first.count;
    }
    if (done < second.count)
        enqueue(s, chunk_new(bytes_slice(second, done, second.count)));
    if (s->queue != NULL)
        stream_flush(s);
}

/* Takes the hold on `c` over. */
static void enqueue(struct stream *s, struct chunk *c)
{
    struct stream_queue *q = s->queue;

    if (q == NULL) {
        q = calloc(1, sizeof(*q));
        CHECK(q != NULL);
        q->stream = s;
        s->queue = q;
    }
    if (q->count == q->capacity) {
        size_t capacity = q->capacity > 0 ? q->capacity * 2 : 4;
        struct chunk **ring = calloc(capacity, sizeof(*ring));
        CHECK(ring != NULL);
        for (size_t i = 0; i < q->count; i++)
            ring[i] = q->ring[(q->head + i) % q->capacity];
        free(q->ring);
        q->ring = ring;
        q->capacity = capacity;
        q->head = 0;
    }
    q->ring[(q->head + q->count++) % q->capacity] = c;
    s->queued_bytes += chunk_bytes(c).count;
}

/* Up to 64 chunks from the front of the queue. Returns how many. */
static size_t gather(const struct stream_queue *q, uv_buf_t *bufs,
                     size_t *out_bytes)
{
    size_t count = q->count < STREAM_WRITEV_MAX ? q->count : STREAM_WRITEV_MAX;
    size_t skip = q->written;

    *out_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct bytes b = chunk_bytes(q->ring[(q->head + i) % q->capacity]);
        b = bytes_slice(b, skip, b.count);
        skip = 0;
        bufs[i] = uv_buf_init((char *)b.data, (unsigned)b.count);
        *out_bytes += b.count;
    }
    return count;
}

/* `bytes` of the front of the queue are gone. */
static void consume(struct stream *s, size_t bytes)
{
    struct stream_queue *q = s->queue;

    s->taken += bytes;
    s->queued_bytes -= bytes;
    while (bytes > 0) {
        struct chunk *c = q->ring[q->head];
        size_t left = chunk_bytes(c).count - q->written;
        if (bytes < left) {
            q->written += bytes;
            return;
        }
        bytes -= left;
        q->written = 0;
        q->head = (q->head + 1) % q->capacity;
        q->count--;
        chunk_drop(c);
    }
    if (q->count == 0)
        free_queue(s);
}

void stream_flush(struct stream *s)
{
    uv_buf_t bufs[STREAM_WRITEV_MAX];
    size_t bytes;

    mark_clean(s);
    while (s->queue != NULL && s->queue->in_flight == 0 && s->open &&
           !s->closing) {
        size_t count = gather(s->queue, bufs, &bytes);
        int rc = uv_try_write((uv_stream_t *)&s->tcp, bufs, (unsigned)count);
        if (rc < 0 && rc != UV_EAGAIN) {
            stream_end(s, STREAM_END_RESET);
            return;
        }
        if (rc > 0)
            consume(s, (size_t)rc);
        if (rc < 0 || (size_t)rc < bytes)
            wait_for_socket(s);
    }
    shut_if_done(s);
}

static void on_written(uv_write_t *write, int status)
{
    struct stream_queue *q = write->data;
    struct stream *s = q->stream;
    struct loop *loop = s->pool->loop;
    int64_t since = loop_enter(loop);

    if (s->closing || status < 0) {
        q->in_flight = 0;
        if (!s->closing)
            stream_end(s, STREAM_END_RESET);
        loop_leave(loop, "stream.write", since);
        return;
    }
    size_t bytes = q->flight_bytes;
    q->in_flight = 0;
    consume(s, bytes);
    stream_flush(s);
    if (s->queue == NULL && !s->closing && s->events != NULL &&
        s->events->drained != NULL)
        s->events->drained(s->arg);
    loop_leave(loop, "stream.write", since);
}

/* The socket is full: libuv writes on when it takes more. */
static void wait_for_socket(struct stream *s)
{
    struct stream_queue *q = s->queue;
    uv_buf_t bufs[STREAM_WRITEV_MAX];

    size_t count = gather(q, bufs, &q->flight_bytes);
    q->in_flight = count;
    q->write.data = q;
    if (uv_write(&q->write, (uv_stream_t *)&s->tcp, bufs, (unsigned)count,
                 on_written) != 0) {
        q->in_flight = 0;
        stream_end(s, STREAM_END_RESET);
    }
}

static void free_queue(struct stream *s)
{
    struct stream_queue *q = s->queue;

    for (size_t i = 0; i < q->count; i++)
        chunk_drop(q->ring[(q->head + i) % q->capacity]);
    free(q->ring);
    free(q);
    s->queue = NULL;
    s->queued_bytes = 0;
}

static void mark_dirty(struct stream *s)
{
    struct stream_pool *p = s->pool;

    if (s->dirty_at != NULL || s->queue->in_flight > 0)
        return;
    s->dirty_next = p->dirty;
    if (s->dirty_next != NULL)
        s->dirty_next->dirty_at = &s->dirty_next;
    p->dirty = s;
    s->dirty_at = &p->dirty;
    loop_hook_arm(p->flush);
}

static void mark_clean(struct stream *s)
{
    if (s->dirty_at == NULL)
        return;
    *s->dirty_at = s->dirty_next;
    if (s->dirty_next != NULL)
        s->dirty_next->dirty_at = s->dirty_at;
    s->dirty_at = NULL;
}

/* ---- ending ---- */

void stream_finish(struct stream *s, int finish_ms)
{
    if (s->closing || s->finishing)
        return;
    s->finishing = true;
    stream_deadline(s, finish_ms);
    /* The peer's end is what we wait for now, so it has to be read. */
    stream_resume(s);
    stream_flush(s);
}

/* All is sent: our direction closes; with the peer's, the stream does. */
static void shut_if_done(struct stream *s)
{
    uv_os_fd_t fd;

    if (!s->finishing || s->closing || !s->open || s->queue != NULL)
        return;
    if (!s->shut && uv_fileno((uv_handle_t *)&s->tcp, &fd) == 0)
        shutdown(fd, SHUT_WR);
    s->shut = true;
    if (s->ended)
        stream_end(s, STREAM_END_OURS);
}

void stream_close(struct stream *s)
{
    stream_end(s, STREAM_END_OURS);
}

void stream_end(struct stream *s, enum stream_end why)
{
    CHECK(s->magic == STREAM_MAGIC);
    if (s->closing)
        return;
    s->closing = true;
    s->why = why;
    mark_clean(s);
    stream_deadline_off(s);
    if (s->dial != NULL)
        stream_dial_cancel(s->dial);
    s->dial = NULL;
    uv_close((uv_handle_t *)&s->tcp, on_closed);
}

static void on_closed(uv_handle_t *handle)
{
    struct stream *s = CHECKED_CAST(struct stream, handle->data, STREAM_MAGIC);
    struct loop *loop = s->pool->loop;
    int64_t since = loop_enter(loop);

    if (s->queue != NULL)
        free_queue(s);
    if (s->events != NULL && s->events->closed != NULL)
        s->events->closed(s->arg, s->why);
    loop_leave(loop, "stream.closed", since);
    buffer_fini(&s->early);
    stream_pool_drop(s->pool);
    s->magic = 0;
    free(s);
}

const char *stream_peer(const struct stream *s)
{
    return s->peer;
}
