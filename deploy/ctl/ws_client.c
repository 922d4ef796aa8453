/*
 * deploy/ctl/ws_client.c: handshake, frames and heartbeats of one connection.
 *
 *      CONNECTING --101, right key--> OPEN --close frame, silence--> ENDING
 *
 * From: deploy/ctl/feed.c.
 * To:   consumer/base/stream.c; notifier/gateway/websocket.c reads and frames.
 */
#include "deploy/ctl/ws_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/loop.h"
#include "consumer/base/stream.h"
#include "notifier/gateway/websocket.h"
#include "schemas/base/fail.h"
#include "schemas/hash.h"

#define CONNECT_MS 5000
#define HANDSHAKE_MS 10000
#define HEART_MS 15000 /* silence after which we ping, then give up */
#define FINISH_MS 1000
#define HEAD_BYTES_MAX 16384
#define WHY_MAX 160

enum state { CONNECTING, OPEN, ENDING };

struct ws_client {
    struct ws_client_options o;
    struct stream *stream; /* NULL only when there was no socket */
    struct loop_timer *heart;
    struct websocket websocket;
    struct buffer head; /* the answer to the handshake so far */
    char key[WEBSOCKET_KEY_CHARS + 1];
    enum state state;
    bool heard;  /* something came since the heart last beat */
    bool silent; /* ws_client_close(): tell nobody */
    int code;
    char why[WHY_MAX];
};

static void on_connected(void *arg);
static void on_data(void *arg, struct bytes b);
static void on_closed(void *arg, enum stream_end why);
static void on_heart(void *arg);

static const struct stream_events events = {
    .connected = on_connected,
    .data = on_data,
    .closed = on_closed,
};

static void note(struct ws_client *c, int code, struct bytes why)
{
    if (c->why[0] != '\0' || c->code != 0)
        return;
    c->code = code;
    snprintf(c->why, sizeof(c->why), "%.*s", (int)why.count,
             why.count > 0 ? (const char *)why.data : "");
}

static void send_frame(struct ws_client *c, enum websocket_opcode opcode,
                       struct bytes payload)
{
    uint8_t mask[4];
    struct chunk *frame;

    CHECK(hash_random(mask, sizeof(mask)) == 0);
    frame = websocket_frame_masked(opcode, payload, mask);
    /* Refused when the stream is ending: then it does not matter. */
    (void)stream_send(c->stream, frame);
    chunk_drop(frame);
}

static void send_close(struct ws_client *c, int code)
{
    uint8_t mask[4];
    struct chunk *frame;

    CHECK(hash_random(mask, sizeof(mask)) == 0);
    frame = websocket_frame_close_masked(code, "", mask);
    (void)stream_send(c->stream, frame);
    chunk_drop(frame);
}

/* Ends the connection, politely or at once. */
static void end(struct ws_client *c, int code)
{
    if (c->state == ENDING)
        return;
    if (c->state == OPEN && code != 0) {
        send_close(c, code);
        stream_finish(c->stream, FINISH_MS);
    } else {
        stream_close(c->stream);
    }
    c->state = ENDING;
}

struct ws_client *ws_client_open(const struct ws_client_options *o)
{
    struct websocket_limits limits = {.message_bytes_max =
                                          o->message_bytes_max};
    struct ws_client *c = calloc(1, sizeof(*c));
    uint8_t random[16];

    CHECK(c != NULL && hash_random(random, sizeof(random)) == 0);
    c->o = *o;
    websocket_key(random, c->key);
    websocket_init(&c->websocket, WEBSOCKET_CLIENT, &limits);
    buffer_init(&c->head, HEAD_BYTES_MAX);
    c->heart = loop_timer_open(o->loop, "ws_client.heart", on_heart, c);
    if (stream_connect(o->loop, o->url->host, o->url->port, CONNECT_MS, &events,
                       c, &c->stream) < 0)
        c->stream = NULL;
    loop_timer_start(c->heart, c->stream != NULL ? HANDSHAKE_MS : 0, HEART_MS);
    return c;
}

static void release(struct ws_client *c)
{
    loop_timer_close(c->heart);
    websocket_fini(&c->websocket);
    buffer_fini(&c->head);
    free(c);
}

void ws_client_close(struct ws_client *c)
{
    if (c == NULL)
        return;
    c->silent = true;
    if (c->stream == NULL) {
        release(c);
        return;
    }
    if (c->state == OPEN) {
        send_close(c, WEBSOCKET_CODE_NORMAL);
        stream_flush(c->stream);
    }
    c->state = ENDING;
    stream_close(c->stream);
}

void ws_client_send(struct ws_client *c, struct bytes message)
{
    if (c->state == OPEN)
        send_frame(c, WEBSOCKET_OP_TEXT, message);
}

static void on_connected(void *arg)
{
    struct ws_client *c = arg;
    char target[URL_PATH_MAX + 256];
    struct buffer ask;

    if (c->state == ENDING)
        return;
    snprintf(target, sizeof(target), "%s%s", c->o.url->path, c->o.target);
    buffer_init(&ask, 4096);
    CHECK(websocket_ask(c->o.url->authority, target, c->key, c->o.protocol,
                        BYTES_NONE, &ask) == 0);
    (void)stream_send_bytes(c->stream, buffer_bytes(&ask));
    buffer_fini(&ask);
}

/* Reads the answer to the handshake; `in` moves to the first frame. */
static bool opened(struct ws_client *c, struct bytes *in)
{
    size_t had = c->head.count;
    char why[WHY_MAX];
    int rc, status = 0;

    if (buffer_append_bytes(&c->head, *in) < 0)
        rc = FAIL_MALFORMED;
    else
        rc = websocket_answered(buffer_bytes(&c->head), c->key, c->o.protocol,
                                &status);
    if (rc == 0)
        return false;
    if (rc < 0) {
        snprintf(why, sizeof(why),
                 status != 0 ? "the gateway answers %d"
                             : "the answer is no WebSocket handshake",
                 status);
        note(c, status, bytes_text(why));
        end(c, 0);
        return false;
    }
    *in = bytes_slice(*in, (size_t)rc - had, in->count);
    c->state = OPEN;
    loop_timer_start(c->heart, HEART_MS, HEART_MS);
    if (c->o.events->opened != NULL)
        c->o.events->opened(c->o.arg);
    return c->state == OPEN;
}

/* One event of the codec; false: nothing more now. */
static bool one(struct ws_client *c, struct bytes *in)
{
    struct websocket_event e;

    switch (websocket_read(&c->websocket, in, &e)) {
    case WEBSOCKET_MORE:
        return false;
    case WEBSOCKET_TEXT:
        if (!c->silent)
            c->o.events->text(c->o.arg, e.data);
        return true;
    case WEBSOCKET_PING:
        send_frame(c, WEBSOCKET_OP_PONG, e.data);
        return true;
    case WEBSOCKET_BINARY:
    case WEBSOCKET_PONG:
        return true;
    case WEBSOCKET_CLOSE:
        note(c, e.code, e.data);
        end(c, e.code == WEBSOCKET_CODE_NO_STATUS ? WEBSOCKET_CODE_NORMAL
                                                  : e.code);
        return false;
    case WEBSOCKET_FAILED:
        note(c, e.code, bytes_text(e.why));
        end(c, e.code);
        return false;
    }
    return false;
}

static void on_data(void *arg, struct bytes b)
{
    struct ws_client *c = arg;

    c->heard = true;
    if (c->state == CONNECTING && !opened(c, &b))
        return;
    while (c->state == OPEN && b.count > 0 && one(c, &b))
        ;
}

static void on_heart(void *arg)
{
    struct ws_client *c = arg;

    if (c->stream == NULL) {
        note(c, 0, bytes_text("no such host, or no socket"));
        if (!c->silent)
            c->o.events->closed(c->o.arg, c->code, c->why);
        release(c);
    } else if (c->state == CONNECTING) {
        note(c, 0, bytes_text("no answer to the handshake"));
        end(c, 0);
    } else if (!c->heard && c->state == OPEN) {
        note(c, 0, bytes_text("the gateway is silent"));
        end(c, 0);
    } else if (c->state == OPEN) {
        c->heard = false;
        send_frame(c, WEBSOCKET_OP_PING, BYTES_NONE);
    }
}

static void on_closed(void *arg, enum stream_end why)
{
    struct ws_client *c = arg;

    note(c, 0,
         bytes_text(why == STREAM_END_UNREACHABLE ? "nobody answers there"
                    : why == STREAM_END_PEER      ? "the gateway closed it"
                                                  : stream_end_name(why)));
    if (!c->silent)
        c->o.events->closed(c->o.arg, c->code, c->why);
    release(c);
}
