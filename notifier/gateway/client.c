/*
 * notifier/gateway/client.c: a WebSocket client: handshake, messages, pings.
 *
 *   upgrade --> stream --> websocket_read --> protocol_read --> subscriber_do
 *   fanout --> subscriber --> stream_send --> one writev a turn
 *
 * A client that breaks the protocol is closed with its RFC 6455 code; one that
 * asks too fast with 1008; one that does not answer a ping is dropped.
 *
 * From: notifier/gateway/route.c, with an upgrade.
 * To:   notifier/gateway/subscriber.c, with what it asks for.
 */
#include "notifier/gateway/client.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/base/chunk.h"
#include "consumer/base/clock.h"
#include "consumer/base/http.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/stream.h"
#include "notifier/gateway/gateway.h"
#include "notifier/gateway/history.h"
#include "notifier/gateway/protocol.h"
#include "notifier/gateway/subscriber.h"
#include "notifier/gateway/websocket.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"

#define ANSWER_BYTES_MAX 2048
#define HEAD_BYTES_MAX 1024
#define QUERY_BYTES_MAX (HISTORY_BYTES_MAX + 8192)
#define QUERIES_MAX 8   /* of one client under way */
#define FINISH_MS 10000 /* to read what is queued, and why it was cut */
#define PING_MS 20000   /* of silence */
#define PONG_MS 20000   /* for the answer */
/* Messages and pings: so many a second, and so many at once. */
#define RATE_PER_SECOND 50
#define RATE_BURST 300
/* Room beside the queue for a last close frame. */
#define CLOSE_ROOM 4096
#define NOTSENT_LOWAT 16384

struct query {
    struct query *next;
    struct client *client;
    struct history_query *query;
    char id[PROTOCOL_ID_MAX + 1];
};

struct client {
    struct subscriber subscriber; /* first */
    struct stream *stream;
    struct websocket websocket;
    struct query *queries;
    size_t queries_count;
    int64_t heard_ms;  /* when the client last said anything */
    int64_t pinged_ms; /* 0: no ping is out */
    int64_t rate_ms;
    int64_t rate; /* messages it may still send, in thousandths */
};

static bool refuse(struct gateway *g, struct http_exchange *x,
                   const struct http_request *r, struct websocket_offer *o);
static void data(void *arg, struct bytes b);
static bool one(struct client *c, struct bytes *in);
static void message(struct client *c, struct bytes text);
static void ask(struct client *c, const struct protocol_request *r);
static void answered(void *arg, int rc, struct bytes results, size_t count);
static void forget(struct query *q);
static bool within_rate(struct client *c);
static void pong(struct client *c, struct bytes payload);
static void drained(void *arg);
static void closed(void *arg, enum stream_end why);
static void op_heart(struct subscriber *s, int64_t now_ms);
static void say(struct client *c, struct buffer *text);
static int op_send(struct subscriber *s, struct chunk *chunk);
static size_t op_queued(const struct subscriber *s);
static void op_flush(struct subscriber *s);
static void op_answer(struct subscriber *s, const struct subscription *sub,
                      bool recovered, const char *cursor);
static void op_cut(struct subscriber *s, int code, const char *why);

static const struct subscriber_ops ops = {
    .form = FANOUT_WEBSOCKET,
    .send = op_send,
    .queued = op_queued,
    .flush = op_flush,
    .heart = op_heart,
    .answer = op_answer,
    .cut = op_cut,
};

static const struct stream_events events = {
    .data = data,
    .drained = drained,
    .closed = closed,
};

void client_accept(struct gateway *g, struct http_exchange *x,
                   const struct http_request *r)
{
    struct websocket_offer offer;
    struct stream_limits limits = {
        .queued_bytes_max = gateway_options(g)->queued_bytes_max,
        .notsent_lowat = NOTSENT_LOWAT,
    };
    struct client *c;
    struct buffer head;
    struct stream *stream;

    if (refuse(g, x, r, &offer))
        return;
    buffer_init(&head, HEAD_BYTES_MAX);
    CHECK(websocket_offer_accept(&offer,
                                 websocket_offer_has(&offer,
                                                     NAMES_WEBSOCKET_PROTOCOL)
                                     ? NAMES_WEBSOCKET_PROTOCOL
                                     : NULL,
                                 BYTES_NONE, &head) == 0);
    stream = http_upgrade(x, buffer_bytes(&head));
    buffer_fini(&head);
    if (stream == NULL) {
        http_reply_problem(x, 400, "upgrade_refused", NULL,
                           "an upgrade follows no unanswered request and has "
                           "no body");
        return;
    }
    c = calloc(1, sizeof(*c));
    CHECK(c != NULL);
    subscriber_init(&c->subscriber, g, &ops);
    websocket_init(&c->websocket, WEBSOCKET_SERVER, NULL);
    c->stream = stream;
    c->heard_ms = clock_ms();
    c->rate_ms = c->heard_ms;
    c->rate = RATE_BURST * 1000;
    stream_limit(stream, &limits);
    stream_listen(stream, &events, c);
}

/* Answers what cannot become a WebSocket. */
static bool refuse(struct gateway *g, struct http_exchange *x,
                   const struct http_request *r, struct websocket_offer *o)
{
    const char *why = "";
    int status = websocket_offer_read(r, o, &why);

    if (status != 0) {
        if (status == 426)
            http_add_header(x, "Sec-WebSocket-Version", "13");
        http_reply_problem(x, status, "bad_handshake", NULL, why);
    } else if (!gateway_origin_allowed(g, o->origin, r->host)) {
        http_reply_problem(x, 403, "origin_refused", NULL,
                           "this page may not connect here");
    } else if (gateway_clients(g) >= gateway_options(g)->clients_max) {
        http_add_header(x, "Retry-After", "5");
        http_reply_problem(x, 503, "full", NULL,
                           "as many clients as there may be are connected");
    } else if (!gateway_serving(g)) {
        http_add_header(x, "Retry-After", "1");
        http_reply_problem(x, 503, "not_ready", NULL,
                           "the last results are being read");
    } else {
        return false;
    }
    return true;
}

static void data(void *arg, struct bytes b)
{
    struct client *c = arg;

    c->heard_ms = clock_ms();
    c->pinged_ms = 0;
    while (b.count > 0 && !c->subscriber.ended && one(c, &b))
        ;
}

/* Reads one event of the decoder. False: nothing more for now. */
static bool one(struct client *c, struct bytes *in)
{
    struct websocket_event e;

    switch (websocket_read(&c->websocket, in, &e)) {
    case WEBSOCKET_MORE:
        return false;
    case WEBSOCKET_TEXT:
        if (within_rate(c))
            message(c, e.data);
        return true;
    case WEBSOCKET_BINARY:
        op_cut(&c->subscriber, 1003, "text only");
        return false;
    case WEBSOCKET_PING:
        if (within_rate(c))
            pong(c, e.data);
        return true;
    case WEBSOCKET_PONG:
        return true;
    case WEBSOCKET_CLOSE:
        op_cut(&c->subscriber,
               e.code == WEBSOCKET_CODE_NO_STATUS ? 1000 : e.code, "");
        return false;
    case WEBSOCKET_FAILED:
        op_cut(&c->subscriber, e.code, e.why);
        return false;
    }
    return false;
}

static void message(struct client *c, struct bytes text)
{
    struct protocol_request r;
    enum protocol_fault fault = protocol_read(text, &r);
    struct buffer out;

    if (fault == PROTOCOL_FINE && r.op == PROTOCOL_QUERY) {
        ask(c, &r);
        return;
    }
    if (fault == PROTOCOL_FINE && r.op != PROTOCOL_PING)
        fault = subscriber_do(&c->subscriber, &r);
    /* A subscribe is answered by op_answer(). */
    if (fault == PROTOCOL_FINE && r.op == PROTOCOL_SUBSCRIBE)
        return;
    buffer_init(&out, ANSWER_BYTES_MAX);
    if (fault == PROTOCOL_FINE)
        protocol_ok(&out, r.id, NULL, NULL);
    else
        protocol_error(&out, r.id, fault);
    say(c, &out);
    buffer_fini(&out);
}

/* {"id":3,"ok":true,"events":[…]} comes when the database has answered. */
static void ask(struct client *c, const struct protocol_request *r)
{
    struct gateway *g = c->subscriber.gateway;
    enum protocol_fault fault = PROTOCOL_NO_HISTORY;
    struct query *q;
    struct buffer out;

    if (r->channel.kind == CHANNEL_KIND_TRANSACTIONS &&
        !gateway_options(g)->open)
        fault = PROTOCOL_TOKEN_REQUIRED;
    else if (r->channel.kind == CHANNEL_KIND_SYSTEM)
        fault = PROTOCOL_BAD_CHANNEL;
    else if (c->queries_count >= QUERIES_MAX)
        fault = PROTOCOL_BUSY;
    else {
        q = calloc(1, sizeof(*q));
        CHECK(q != NULL);
        q->client = c;
        memcpy(q->id, r->id, sizeof(q->id));
        q->query = history_channel(gateway_history(g), &r->channel,
                                   HISTORY_ROWS_MAX, answered, q);
        if (q->query != NULL) {
            q->next = c->queries;
            c->queries = q;
            c->queries_count++;
            return;
        }
        free(q);
    }
    buffer_init(&out, ANSWER_BYTES_MAX);
    protocol_error(&out, r->id, fault);
    say(c, &out);
    buffer_fini(&out);
}

static void answered(void *arg, int rc, struct bytes results, size_t count)
{
    struct query *q = arg;
    struct client *c = q->client;
    struct buffer out;

    (void)count;
    q->query = NULL;
    buffer_init(&out, QUERY_BYTES_MAX);
    if (rc < 0) {
        protocol_error(&out, q->id, PROTOCOL_NO_HISTORY);
    } else {
        buffer_append_format(&out, "{\"id\":%s,\"ok\":true,\"events\":[",
                             q->id);
        buffer_append_bytes(&out, results);
        buffer_append_text(&out, "]}");
    }
    forget(q);
    say(c, &out);
    buffer_fini(&out);
}

static void forget(struct query *q)
{
    struct query **at = &q->client->queries;

    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    q->client->queries_count--;
    history_cancel(q->query);
    free(q);
}

static bool within_rate(struct client *c)
{
    int64_t now = clock_ms();

    c->rate += (now - c->rate_ms) * RATE_PER_SECOND;
    if (c->rate > RATE_BURST * 1000)
        c->rate = RATE_BURST * 1000;
    c->rate_ms = now;
    c->rate -= 1000;
    if (c->rate >= 0)
        return true;
    op_cut(&c->subscriber, WEBSOCKET_CODE_POLICY, "too many messages");
    return false;
}

static void pong(struct client *c, struct bytes payload)
{
    struct chunk *frame = websocket_frame(WEBSOCKET_OP_PONG, payload);

    if (op_send(&c->subscriber, frame) == FAIL_FULL)
        op_cut(&c->subscriber, SUBSCRIBER_SLOW, "slow listener");
    chunk_drop(frame);
}

static void drained(void *arg)
{
    struct client *c = arg;

    subscriber_drained(&c->subscriber);
}

static void closed(void *arg, enum stream_end why)
{
    struct client *c = arg;

    log_debug("client.closed", "peer=%s why=%s", stream_peer(c->stream),
              stream_end_name(why));
    (void)why;
    while (c->queries != NULL)
        forget(c->queries);
    subscriber_fini(&c->subscriber);
    websocket_fini(&c->websocket);
    free(c);
}

/* Pings whoever is silent, drops whoever stays so. */
static void op_heart(struct subscriber *s, int64_t now_ms)
{
    struct client *c = (struct client *)s;
    struct chunk *frame;

    if (c->pinged_ms != 0) {
        if (now_ms - c->pinged_ms < PONG_MS)
            return;
        s->ended = true;
        stream_close(c->stream);
        return;
    }
    if (now_ms - c->heard_ms < PING_MS)
        return;
    frame = websocket_frame(WEBSOCKET_OP_PING, BYTES_NONE);
    op_send(s, frame);
    chunk_drop(frame);
    c->pinged_ms = now_ms;
}

static void say(struct client *c, struct buffer *text)
{
    struct chunk *frame;

    if (c->subscriber.ended)
        return;
    CHECK(!text->overflow);
    frame = websocket_frame(WEBSOCKET_OP_TEXT, buffer_bytes(text));
    if (op_send(&c->subscriber, frame) == FAIL_FULL)
        op_cut(&c->subscriber, SUBSCRIBER_SLOW, "slow listener");
    chunk_drop(frame);
}

static int op_send(struct subscriber *s, struct chunk *chunk)
{
    struct client *c = (struct client *)s;

    return s->ended ? FAIL_GONE : stream_send(c->stream, chunk);
}

static size_t op_queued(const struct subscriber *s)
{
    return stream_queued_bytes(((const struct client *)s)->stream);
}

static void op_flush(struct subscriber *s)
{
    stream_flush(((struct client *)s)->stream);
}

static void op_answer(struct subscriber *s, const struct subscription *sub,
                      bool recovered, const char *cursor)
{
    struct buffer out;

    buffer_init(&out, ANSWER_BYTES_MAX);
    protocol_ok(&out, sub->id, recovered ? "true" : "false", cursor);
    say((struct client *)s, &out);
    buffer_fini(&out);
}

/* Says why, and ends it in order. The cursor is in the last frame it got. */
static void op_cut(struct subscriber *s, int code, const char *why)
{
    struct client *c = (struct client *)s;
    struct stream_limits limits = {
        .queued_bytes_max =
            gateway_options(s->gateway)->queued_bytes_max + CLOSE_ROOM,
        .queued_chunks_max = 4096,
        .notsent_lowat = NOTSENT_LOWAT,
    };
    struct chunk *frame;

    if (s->ended)
        return;
    s->ended = true;
    if (code == SUBSCRIBER_SLOW)
        log_info("client.cut", "peer=%s why=%s queued_bytes=%zu",
                 stream_peer(c->stream), LOG_TEXT(why),
                 stream_queued_bytes(c->stream));
    gateway_count_cut(s->gateway, code);
    stream_limit(c->stream, &limits);
    frame = websocket_frame_close(code, why);
    stream_send(c->stream, frame);
    chunk_drop(frame);
    stream_finish(c->stream, FINISH_MS);
}
