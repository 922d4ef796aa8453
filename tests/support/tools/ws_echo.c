/*
 * tests/support/tools/ws_echo.c: a WebSocket server that says everything back,
 * for conformance suites from outside.
 *
 *   ws_echo 127.0.0.1:22001        prints "listening 22001"
 *
 * From: a suite's client, through consumer/base/http.h.
 * To:   the same client, through notifier/gateway/websocket.h.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/http.h"
#include "consumer/base/loop.h"
#include "consumer/base/stream.h"
#include "notifier/gateway/websocket.h"

#define MESSAGE_BYTES_MAX (32 * 1024 * 1024)
#define FINISH_MS 1000

struct echo {
    struct stream *stream;
    struct websocket websocket;
    bool closing;
};

static void send_chunk(struct echo *e, struct chunk *c)
{
    stream_send(e->stream, c);
    chunk_drop(c);
}

static void say_goodbye(struct echo *e, int code)
{
    e->closing = true;
    send_chunk(e, websocket_frame_close(code, ""));
    stream_finish(e->stream, FINISH_MS);
}

static void answer(struct echo *e, enum websocket_kind kind,
                   const struct websocket_event *event)
{
    switch (kind) {
    case WEBSOCKET_TEXT:
        send_chunk(e, websocket_frame(WEBSOCKET_OP_TEXT, event->data));
        break;
    case WEBSOCKET_BINARY:
        send_chunk(e, websocket_frame(WEBSOCKET_OP_BINARY, event->data));
        break;
    case WEBSOCKET_PING:
        send_chunk(e, websocket_frame(WEBSOCKET_OP_PONG, event->data));
        break;
    case WEBSOCKET_CLOSE:
    case WEBSOCKET_FAILED:
        say_goodbye(e, event->code);
        break;
    case WEBSOCKET_PONG:
    case WEBSOCKET_MORE:
        break;
    }
}

static void on_data(void *arg, struct bytes in)
{
    struct echo *e = arg;
    struct websocket_event event;

    while (in.count > 0 && !e->closing)
        answer(e, websocket_read(&e->websocket, &in, &event), &event);
}

static void on_closed(void *arg, enum stream_end why)
{
    struct echo *e = arg;

    (void)why;
    websocket_fini(&e->websocket);
    free(e);
}

static void request(void *arg, struct http_exchange *x,
                    const struct http_request *r)
{
    static const struct stream_events events = {.data = on_data,
                                                .closed = on_closed};
    static const struct websocket_limits limits = {
        .message_bytes_max = MESSAGE_BYTES_MAX, .fragments_max = SIZE_MAX};
    static const struct stream_limits queue = {.queued_bytes_max =
                                                   4 * MESSAGE_BYTES_MAX,
                                               .queued_chunks_max = 1000000};
    struct websocket_offer offer;
    struct buffer head;
    const char *why;

    (void)arg;
    int status = websocket_offer_read(r, &offer, &why);
    if (status != 0) {
        if (status == 426)
            http_add_header(x, "Sec-WebSocket-Version", "13");
        http_reply_problem(x, status, "not_a_websocket", NULL, why);
        return;
    }
    buffer_init(&head, 4096);
    CHECK(websocket_offer_accept(&offer, NULL, BYTES_NONE, &head) == 0);
    struct stream *s = http_upgrade(x, buffer_bytes(&head));
    buffer_fini(&head);
    if (s == NULL) {
        http_reply_abort(x);
        return;
    }
    struct echo *e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    e->stream = s;
    websocket_init(&e->websocket, WEBSOCKET_SERVER, &limits);
    stream_limit(s, &queue);
    stream_listen(s, &events, e);
}

int main(int argc, char **argv)
{
    struct http_options options = {.listen = argc > 1 ? argv[1] : "127.0.0.1:0",
                                   .request = request};
    struct loop *loop;
    struct http_server *server;

    CHECK(loop_open(&loop) == 0);
    int rc = http_server_open(loop, &options, &server);
    if (rc < 0) {
        fprintf(stderr, "ws_echo: %s: %s\n", options.listen, fail_words(rc));
        return 1;
    }
    printf("listening %d\n", http_server_port(server));
    fflush(stdout);
    loop_run(loop);
    return 0;
}
