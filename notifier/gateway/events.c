/*
 * notifier/gateway/events.c: the same frames as the WebSocket's, as SSE.
 *
 * A browser resumes by itself with Last-Event-ID, which is our cursor. A
 * comment every few seconds keeps proxies from ending a quiet stream.
 *
 * From: notifier/gateway/route.c.
 * To:   notifier/gateway/subscriber.c.
 */
#include "notifier/gateway/events.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/base/chunk.h"
#include "consumer/base/http.h"
#include "consumer/base/log.h"
#include "notifier/gateway/gateway.h"
#include "notifier/gateway/protocol.h"
#include "notifier/gateway/subscriber.h"
#include "schemas/base/fail.h"

#define BEAT_MS 15000
#define CURSOR_QUERY_MAX (CURSOR_TEXT_MAX + 8)

struct events {
    struct subscriber subscriber; /* first */
    struct http_exchange *exchange;
    struct loop_timer *end; /* ends it outside of whoever cut it */
    int64_t beat_ms;
};

static bool read_request(struct http_exchange *x, const struct http_request *r,
                         struct protocol_request *out);
static bool read_cursor(const struct http_request *r,
                        struct protocol_request *out);
static void close_events(void *arg);
static void gone(void *arg);
static void drained(void *arg);
static int op_send(struct subscriber *s, struct chunk *c);
static size_t op_queued(const struct subscriber *s);
static void op_flush(struct subscriber *s);
static void op_heart(struct subscriber *s, int64_t now_ms);
static void op_answer(struct subscriber *s, const struct subscription *sub,
                      bool recovered, const char *cursor);
static void op_cut(struct subscriber *s, int code, const char *why);

static const struct subscriber_ops ops = {
    .form = FANOUT_SSE,
    .send = op_send,
    .queued = op_queued,
    .flush = op_flush,
    .heart = op_heart,
    .answer = op_answer,
    .cut = op_cut,
};

void events_accept(struct gateway *g, struct http_exchange *x,
                   const struct http_request *r)
{
    struct protocol_request request;
    enum protocol_fault fault;
    struct events *e;

    if (!read_request(x, r, &request))
        return;
    if (request.channel.kind == CHANNEL_KIND_TRANSACTIONS &&
        !gateway_options(g)->open) {
        http_reply_problem(x, 403, protocol_code(PROTOCOL_TOKEN_REQUIRED), NULL,
                           protocol_words(PROTOCOL_TOKEN_REQUIRED));
        return;
    }
    if (!gateway_serving(g) ||
        gateway_clients(g) >= gateway_options(g)->clients_max) {
        http_add_header(x, "Retry-After", "1");
        http_reply_problem(x, 503, "not_ready", NULL, NULL);
        return;
    }
    e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    subscriber_init(&e->subscriber, g, &ops);
    e->exchange = x;
    e->end = loop_timer_open(gateway_loop(g), "events.end", close_events, e);
    e->beat_ms = loop_now_ms(gateway_loop(g));
    http_on_gone(x, gone, e);
    http_on_drained(x, drained, e);
    http_reply_begin(x, 200, "text/event-stream",
                     BYTES_LITERAL("Cache-Control: no-store\r\n"
                                   "X-Accel-Buffering: no\r\n"));
    http_reply_chunk(x, BYTES_LITERAL("retry: 1000\n\n"));
    fault = subscriber_do(&e->subscriber, &request);
    CHECK(fault == PROTOCOL_FINE);
}

static bool read_request(struct http_exchange *x, const struct http_request *r,
                         struct protocol_request *out)
{
    char name[CHANNEL_NAME_MAX + 1];
    int count = http_query(r, "channel", name, sizeof(name));

    *out = (struct protocol_request){.id = "null", .op = PROTOCOL_SUBSCRIBE};
    if (count < 0 ||
        channel_parse(bytes_of(name, (size_t)count), &out->channel) < 0) {
        http_reply_problem(x, 400, protocol_code(PROTOCOL_BAD_CHANNEL), NULL,
                           protocol_words(PROTOCOL_BAD_CHANNEL));
        return false;
    }
    if (!read_cursor(r, out)) {
        http_reply_problem(x, 400, protocol_code(PROTOCOL_BAD_CURSOR), NULL,
                           protocol_words(PROTOCOL_BAD_CURSOR));
        return false;
    }
    return true;
}

/* The header is newer than the query, which a browser repeats for ever. */
static bool read_cursor(const struct http_request *r,
                        struct protocol_request *out)
{
    struct bytes header = http_header(r, "last-event-id");
    char text[CURSOR_QUERY_MAX];
    int count;

    if (header.data != NULL && header.count > 0) {
        out->has_cursor = true;
        return cursor_parse(header, &out->cursor) == 0;
    }
    count = http_query(r, "cursor", text, sizeof(text));
    if (count == FAIL_NOT_FOUND)
        return true;
    out->has_cursor = true;
    return count >= 0 &&
           cursor_parse(bytes_of(text, (size_t)count), &out->cursor) == 0;
}

/* In a turn of its own, for whoever cut it may still hold it. */
static void close_events(void *arg)
{
    struct events *e = arg;
    struct http_exchange *x = e->exchange;

    http_on_gone(x, NULL, NULL);
    http_on_drained(x, NULL, NULL);
    subscriber_fini(&e->subscriber);
    loop_timer_close(e->end);
    free(e);
    http_reply_end(x);
}

static void gone(void *arg)
{
    struct events *e = arg;

    e->subscriber.ended = true;
    loop_timer_start(e->end, 0, 0);
}

static void drained(void *arg)
{
    struct events *e = arg;

    subscriber_drained(&e->subscriber);
}

static int op_send(struct subscriber *s, struct chunk *c)
{
    struct events *e = (struct events *)s;

    return s->ended ? FAIL_GONE : http_reply_shared(e->exchange, c);
}

static size_t op_queued(const struct subscriber *s)
{
    return http_reply_queued(((const struct events *)s)->exchange);
}

/* Its queue tells us by itself when it is empty. */
static void op_flush(struct subscriber *s)
{
    (void)s;
}

static void op_heart(struct subscriber *s, int64_t now_ms)
{
    struct events *e = (struct events *)s;

    if (now_ms - e->beat_ms < BEAT_MS)
        return;
    e->beat_ms = now_ms;
    if (http_reply_queued(e->exchange) == 0)
        http_reply_chunk(e->exchange, BYTES_LITERAL(":\n\n"));
}

static void op_answer(struct subscriber *s, const struct subscription *sub,
                      bool recovered, const char *cursor)
{
    struct events *e = (struct events *)s;
    struct buffer text;

    if (s->ended)
        return;
    buffer_init(&text, 4096);
    buffer_append_format(&text,
                         "id: %s\nevent: subscribed\ndata: {\"channel\":\"%s\""
                         ",\"recovered\":%s,\"cursor\":\"%s\"}\n\n",
                         cursor, sub->channel.name,
                         recovered ? "true" : "false", cursor);
    http_reply_chunk(e->exchange, buffer_bytes(&text));
    buffer_fini(&text);
}

/* The stream has no close code; the browser comes again with its cursor. */
static void op_cut(struct subscriber *s, int code, const char *why)
{
    struct events *e = (struct events *)s;

    if (s->ended)
        return;
    s->ended = true;
    gateway_count_cut(s->gateway, code);
    log_debug("events.cut", "code=%d why=%s", code, LOG_TEXT(why));
    loop_timer_start(e->end, 0, 0);
}
