/*
 * tests/support/peer.h: a client connection that remembers what it received.
 */
#ifndef TESTS_SUPPORT_PEER_H
#define TESTS_SUPPORT_PEER_H

#include <stdio.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "consumer/base/stream.h"
#include "tests/support/harness.h"

struct peer {
    struct loop *loop;
    struct stream *stream; /* NULL once closed */
    struct buffer received;
    bool connected, closed, drained;
    enum stream_end why;
    const char *awaited; /* `seen` once this was received */
    bool seen;
};

static inline void peer_connected(void *arg)
{
    ((struct peer *)arg)->connected = true;
}

static inline void peer_look(struct peer *p)
{
    p->seen = p->awaited != NULL && p->received.count > 0 &&
              memmem(p->received.data, p->received.count, p->awaited,
                     strlen(p->awaited)) != NULL;
}

static inline void peer_data(void *arg, struct bytes b)
{
    struct peer *p = arg;

    buffer_append_bytes(&p->received, b);
    peer_look(p);
}

static inline void peer_drained(void *arg)
{
    ((struct peer *)arg)->drained = true;
}

static inline void peer_closed(void *arg, enum stream_end why)
{
    struct peer *p = arg;

    p->closed = true;
    p->why = why;
    p->stream = NULL;
}

static const struct stream_events peer_events = {.connected = peer_connected,
                                                 .data = peer_data,
                                                 .drained = peer_drained,
                                                 .closed = peer_closed};

static inline void peer_open(struct peer *p, struct loop *loop,
                             const char *host, int port)
{
    *p = (struct peer){.loop = loop};
    buffer_init(&p->received, 64 * 1024 * 1024);
    EXPECT_INT(
        stream_connect(loop, host, port, 5000, &peer_events, p, &p->stream), 0);
}

static inline void peer_send(struct peer *p, const char *text)
{
    EXPECT_INT(stream_send_bytes(p->stream, bytes_text(text)), 0);
}

/* Runs the loop until `text` was received. */
static inline bool peer_await(struct peer *p, const char *text)
{
    p->awaited = text;
    peer_look(p);
    return p->seen || loop_run_until(p->loop, &p->seen, 5000);
}

static inline bool peer_await_close(struct peer *p)
{
    return p->closed || loop_run_until(p->loop, &p->closed, 5000);
}

static inline void peer_close(struct peer *p)
{
    if (p->stream != NULL)
        stream_close(p->stream);
    peer_await_close(p);
    buffer_fini(&p->received);
}

/* How many times `text` was received. */
static inline size_t peer_count(const struct peer *p, const char *text)
{
    const uint8_t *at = p->received.data;
    const uint8_t *end = at + p->received.count;
    size_t count = 0;

    while (at != NULL && at < end &&
           (at = memmem(at, (size_t)(end - at), text, strlen(text))) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

#endif
