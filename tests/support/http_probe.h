/*
 * tests/support/http_probe.h: a connection without a socket, and what it did as
 * text.
 *
 *   request POST /a "hello"      what reached the application
 *   continue                     100 was sent
 *   answer 202                   an answer left, in this order
 *   answer 400 malformed_request
 *   closed | broken | open       how it stands at the end
 *
 * The application answers 202 at once, or keeps exchanges whose path begins
 * with /later until the test answers them.
 */
#ifndef TESTS_SUPPORT_HTTP_PROBE_H
#define TESTS_SUPPORT_HTTP_PROBE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/http_connection.h"

#define PROBE_HELD_MAX 64

struct http_probe {
    struct http_core core;
    struct http_connection connection;
    struct buffer sent; /* raw bytes to the client */
    struct buffer log;
    size_t sent_read; /* of `sent`, already in the log */
    size_t body_limit;
    bool finished, broken, reading, resume;
    bool never_upgrade; /* what follows an upgrade depends on the cuts */
    size_t queued;
    struct http_exchange *held[PROBE_HELD_MAX];
    size_t held_count;
    size_t request_count;
};

static inline int64_t http_probe_now(void)
{
    return 1000000;
}

static inline void http_probe_write(void *wire, struct bytes first,
                                    struct bytes second)
{
    struct http_probe *p = wire;

    CHECK(!p->finished && !p->broken);
    buffer_append_bytes(&p->sent, first);
    buffer_append_bytes(&p->sent, second);
}

static inline void http_probe_share(void *wire, struct chunk *c)
{
    http_probe_write(wire, chunk_bytes(c), BYTES_NONE);
}

static inline size_t http_probe_queued(void *wire)
{
    return ((struct http_probe *)wire)->queued;
}

static inline void http_probe_reading(void *wire, bool wanted)
{
    ((struct http_probe *)wire)->reading = wanted;
}

static inline void http_probe_resume(void *wire)
{
    ((struct http_probe *)wire)->resume = true;
}

static inline void http_probe_finish(void *wire)
{
    ((struct http_probe *)wire)->finished = true;
}

static inline void http_probe_abort(void *wire)
{
    ((struct http_probe *)wire)->broken = true;
}

static inline struct stream *http_probe_take(void *wire, struct bytes head,
                                             struct bytes rest)
{
    struct http_probe *p = wire;

    http_probe_write(p, head, BYTES_NONE);
    buffer_append_format(&p->log, "upgraded \"%.*s\"\n", (int)rest.count,
                         (const char *)rest.data);
    p->finished = true;
    return (struct stream *)p;
}

static inline const char *http_probe_peer(void *wire)
{
    (void)wire;
    return "127.0.0.1:4000";
}

static inline bool http_probe_starts(struct bytes b, const char *text)
{
    return bytes_equal_text(bytes_slice(b, 0, strlen(text)), text);
}

/* What left since the last look, as lines of the log. */
static inline void http_probe_look(struct http_probe *p)
{
    for (;;) {
        struct bytes rest =
            bytes_slice(buffer_bytes(&p->sent), p->sent_read, p->sent.count);
        if (rest.count == 0)
            return;
        const uint8_t *end = memmem(rest.data, rest.count, "\r\n\r\n", 4);
        CHECK(end != NULL && http_probe_starts(rest, "HTTP/1.1 "));
        size_t head = (size_t)(end - rest.data) + 4;
        int status = atoi((const char *)rest.data + 9);
        p->sent_read += head;
        if (status == 100) {
            buffer_append_text(&p->log, "continue\n");
            continue;
        }
        if (status == 101)
            return;
        buffer_append_format(&p->log, "answer %d", status);
        const uint8_t *length = memmem(rest.data, head, "Content-Length: ", 16);
        /* The answer to HEAD has a length and no body. */
        bool bodyless =
            rest.count == head ||
            http_probe_starts(bytes_slice(rest, head, 9), "HTTP/1.1 ");
        if (length != NULL && !bodyless) {
            size_t count = strtoul((const char *)length + 16, NULL, 10);
            struct bytes body = bytes_slice(rest, head, count);
            const uint8_t *code =
                memmem(body.data, body.count, "\"code\":\"", 8);
            if (code != NULL)
                buffer_append_format(
                    &p->log, " %.*s",
                    (int)((const uint8_t *)strchr((const char *)code + 8, '"') -
                          code - 8),
                    (const char *)code + 8);
            p->sent_read += count;
        }
        buffer_append_text(&p->log, "\n");
    }
}

static inline size_t http_probe_limit(void *arg, const struct http_request *r)
{
    struct http_probe *p = arg;

    return http_probe_starts(r->path, "/nobody") ? 0 : p->body_limit;
}

static inline void http_probe_request(void *arg, struct http_exchange *x,
                                      const struct http_request *r)
{
    struct http_probe *p = arg;

    p->request_count++;
    http_connection_uncork(&p->connection);
    http_probe_look(p);
    buffer_append_format(&p->log, "request %.*s %.*s", (int)r->method.count,
                         (const char *)r->method.data, (int)r->path.count,
                         (const char *)r->path.data);
    if (r->query.count > 0)
        buffer_append_format(&p->log, "?%.*s", (int)r->query.count,
                             (const char *)r->query.data);
    if (r->body.count > 0)
        buffer_append_format(&p->log, " \"%.*s\"", (int)r->body.count,
                             (const char *)r->body.data);
    buffer_append_text(&p->log, "\n");
    if (http_probe_starts(r->path, "/later") && p->held_count < PROBE_HELD_MAX)
        p->held[p->held_count++] = x;
    else if (!p->never_upgrade && http_probe_starts(r->path, "/upgrade") &&
             http_upgrade(x, BYTES_LITERAL("HTTP/1.1 101 x\r\n\r\n")) != NULL)
        return;
    else
        http_reply(x, 202, "text/plain", BYTES_NONE, BYTES_LITERAL("ok"));
}

static inline void http_probe_open(struct http_probe *p)
{
    static const struct http_wire wire = {
        .write = http_probe_write,
        .share = http_probe_share,
        .queued = http_probe_queued,
        .reading = http_probe_reading,
        .resume = http_probe_resume,
        .finish = http_probe_finish,
        .abort = http_probe_abort,
        .take = http_probe_take,
        .peer = http_probe_peer,
    };
    const struct http_options options = {.arg = p,
                                         .body_limit = http_probe_limit,
                                         .request = http_probe_request};

    *p = (struct http_probe){.body_limit = 1024, .reading = true};
    buffer_init(&p->sent, 64 * 1024 * 1024);
    buffer_init(&p->log, 64 * 1024 * 1024);
    http_core_init(&p->core, &options, &wire);
    p->core.now_ns = http_probe_now;
    p->core.wall_ms = http_probe_now;
    p->core.id_start = 0;
    http_connection_init(&p->connection, &p->core, p);
}

static inline void http_probe_close(struct http_probe *p)
{
    http_connection_gone(&p->connection);
    for (size_t i = 0; i < p->held_count; i++)
        if (p->held[i] != NULL)
            http_reply(p->held[i], 202, NULL, BYTES_NONE, BYTES_NONE);
    http_core_fini(&p->core);
    buffer_fini(&p->sent);
    buffer_fini(&p->log);
}

/* Feeds in pieces of at most `piece` bytes. */
static inline void http_probe_feed(struct http_probe *p, struct bytes b,
                                   size_t piece)
{
    while (b.count > 0 && !p->finished && !p->broken) {
        /* A copy of exactly that size lets sanitizers see reads past it. */
        size_t count = b.count < piece ? b.count : piece;
        uint8_t *copy = malloc(count);
        CHECK(copy != NULL);
        memcpy(copy, b.data, count);
        http_connection_input(&p->connection, bytes_of(copy, count));
        free(copy);
        b = bytes_slice(b, count, b.count);
        while (p->resume) {
            p->resume = false;
            http_connection_resume(&p->connection);
        }
    }
}

/* The whole story so far, with how it stands. */
static inline const char *http_probe_story(struct http_probe *p)
{
    http_probe_look(p);
    buffer_append_text(&p->log, p->broken     ? "broken\n"
                                : p->finished ? "closed\n"
                                              : "open\n");
    return buffer_text(&p->log);
}

#endif
