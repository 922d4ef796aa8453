/*
 * deploy/ctl/http_client.c: requests out of a stream, answers into a parser.
 *
 *      OFF --send--> WAITING --answer, keep-alive--> IDLE --send--> WAITING
 *       ^               |                             |
 *       '--- closed ----'------------- closed --------'
 *
 * From: the commands of this folder.
 * To:   consumer/base/stream.c; deploy/ctl/answer.c reads what comes back.
 */
#include "deploy/ctl/http_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/command.h"
#include "consumer/base/loop.h"
#include "consumer/base/stream.h"
#include "schemas/base/fail.h"

#define CONNECT_MS 5000
#define ANSWER_MS 15000
#define BODY_BYTES_MAX 1048576
#define HEAD_BYTES_MAX 4096
#define REQUEST_BYTES_MAX (8 * 1048576)

struct http_client {
    struct http_client_options o;
    struct stream *stream; /* NULL: no connection */
    struct loop_timer *timer;
    struct answer answer;
    struct buffer request; /* head and body of the request under way */
    http_client_fn done;   /* NULL: idle */
    void *arg;
    int64_t deadline_ms;
    bool connected;
    bool closing;  /* http_client_close() was called: freed by on_closed() */
    bool finished; /* this stream is ending: nothing more goes out on it */
};

static void on_connected(void *arg);
static void on_data(void *arg, struct bytes b);
static void on_closed(void *arg, enum stream_end why);
static void on_timer(void *arg);

static const struct stream_events events = {
    .connected = on_connected,
    .data = on_data,
    .closed = on_closed,
};

struct http_client *http_client_open(const struct http_client_options *o)
{
    struct http_client *c = calloc(1, sizeof(*c));

    CHECK(c != NULL);
    c->o = *o;
    if (c->o.connect_ms == 0)
        c->o.connect_ms = CONNECT_MS;
    if (c->o.answer_ms == 0)
        c->o.answer_ms = ANSWER_MS;
    if (c->o.body_bytes_max == 0)
        c->o.body_bytes_max = BODY_BYTES_MAX;
    answer_init(&c->answer, c->o.body_bytes_max);
    buffer_init(&c->request, REQUEST_BYTES_MAX);
    c->timer = loop_timer_open(o->loop, "http_client.deadline", on_timer, c);
    return c;
}

static void release(struct http_client *c)
{
    loop_timer_close(c->timer);
    answer_fini(&c->answer);
    buffer_fini(&c->request);
    free(c);
}

void http_client_close(struct http_client *c)
{
    if (c == NULL || c->closing)
        return;
    c->closing = true;
    c->done = NULL;
    loop_timer_stop(c->timer);
    if (c->stream != NULL)
        stream_close(c->stream); /* on_closed() frees */
    else
        release(c);
}

bool http_client_idle(const struct http_client *c)
{
    return c->done == NULL;
}

/* Ends the request under way. `c` may be gone or busy again afterwards. */
static void finish(struct http_client *c, int rc, const char *why)
{
    struct http_outcome o = {rc, why, rc == 0 ? &c->answer : NULL};
    http_client_fn done = c->done;

    c->done = NULL;
    if (done != NULL)
        done(c->arg, &o);
}

/* The request goes out, as soon as there is a connection. */
static void put(struct http_client *c)
{
    if (stream_send_bytes(c->stream, buffer_bytes(&c->request)) < 0)
        stream_close(c->stream);
}

static void connect_now(struct http_client *c)
{
    struct stream_limits limits = {.queued_bytes_max = REQUEST_BYTES_MAX};
    int rc = stream_connect(c->o.loop, c->o.url->host, c->o.url->port,
                            c->o.connect_ms, &events, c, &c->stream);

    c->connected = false;
    c->finished = false;
    if (rc < 0) {
        c->stream = NULL; /* the timer tells, not this call */
        return;
    }
    stream_limit(c->stream, &limits);
    put(c);
}

static void append_request(struct http_client *c, const char *method,
                           const char *target, const char *content_type,
                           struct bytes body)
{
    struct buffer *b = &c->request;

    buffer_clear(b);
    buffer_append_format(b,
                         "%s %s%s HTTP/1.1\r\nHost: %s\r\n"
                         "User-Agent: tidemill\r\nAccept: */*\r\n",
                         method, c->o.url->path, target, c->o.url->authority);
    if (content_type != NULL)
        buffer_append_format(b, "Content-Type: %s\r\nContent-Length: %zu\r\n",
                             content_type, body.count);
    buffer_append_text(b, "\r\n");
    if (content_type != NULL)
        buffer_append_bytes(b, body);
    CHECK(!b->overflow);
}

void http_client_send(struct http_client *c, const char *method,
                      const char *target, const char *content_type,
                      struct bytes body, http_client_fn done, void *arg)
{
    int64_t now = loop_now_ms(c->o.loop);

    CHECK(c->done == NULL && !c->closing && target[0] == '/');
    c->done = done;
    c->arg = arg;
    append_request(c, method, target, content_type, body);
    answer_next(&c->answer);
    if (c->stream == NULL)
        connect_now(c);
    else if (!c->finished)
        put(c);
    c->deadline_ms = now + (c->stream != NULL ? c->o.answer_ms : 0);
    /* A running timer comes early at worst, and starts itself again. */
    if (!loop_timer_running(c->timer) || c->stream == NULL)
        loop_timer_start(c->timer, c->deadline_ms - now, 0);
}

static void on_connected(void *arg)
{
    struct http_client *c = arg;

    c->connected = true;
}

/* One whole answer, or a broken one. */
static void answered(struct http_client *c, int rc)
{
    if (rc < 0 || !c->answer.keep_alive) {
        c->finished = true;
        stream_close(c->stream);
    }
    finish(c, rc < 0 ? rc : 0, rc < 0 ? answer_why(&c->answer) : "");
}

static void on_data(void *arg, struct bytes b)
{
    struct http_client *c = arg;
    int rc;

    if (c->closing || c->finished)
        return;
    if (c->done == NULL) {
        /* Bytes that nobody asked for: what follows could not be trusted. */
        c->finished = true;
        stream_close(c->stream);
        return;
    }
    rc = answer_read(&c->answer, &b);
    if (rc == 1 && b.count > 0)
        c->answer.keep_alive = false;
    if (rc != 0)
        answered(c, rc);
}

static void on_closed(void *arg, enum stream_end why)
{
    struct http_client *c = arg;
    bool fresh = !c->connected, replaced = c->finished;

    c->stream = NULL;
    if (c->closing) {
        release(c);
        return;
    }
    if (c->done == NULL)
        return;
    if (replaced) {
        /* The next request was sent while the old connection ended. */
        connect_now(c);
        if (c->stream == NULL)
            finish(c, FAIL_UNREACHABLE, "no socket");
        return;
    }
    if (why == STREAM_END_PEER && answer_end(&c->answer) == 1) {
        finish(c, 0, "");
        return;
    }
    finish(c, fresh ? FAIL_UNREACHABLE : FAIL_GONE,
           fresh ? (why == STREAM_END_TIMEOUT ? "connecting took too long"
                                              : "nobody answers there")
                 : "the connection ended without an answer");
}

static void on_timer(void *arg)
{
    struct http_client *c = arg;
    int64_t now = loop_now_ms(c->o.loop);

    if (c->done == NULL)
        return;
    if (c->stream == NULL) {
        finish(c, FAIL_UNREACHABLE, "no such host, or no socket");
        return;
    }
    if (now < c->deadline_ms) {
        loop_timer_start(c->timer, c->deadline_ms - now, 0);
        return;
    }
    c->finished = true;
    stream_close(c->stream);
    finish(c, c->connected ? FAIL_TIMEOUT : FAIL_UNREACHABLE,
           "no answer in time");
}

struct asked {
    http_client_fn done;
    void *arg;
    bool over;
};

static void on_asked(void *arg, const struct http_outcome *o)
{
    struct asked *a = arg;

    a->over = true;
    a->done(a->arg, o);
}

int http_client_ask(const struct http_client_options *o, const char *method,
                    const char *target, const char *content_type,
                    struct bytes body, http_client_fn done, void *arg)
{
    struct asked a = {done, arg, false};
    struct http_client *c = http_client_open(o);
    int rc;

    http_client_send(c, method, target, content_type, body, on_asked, &a);
    rc = command_run_until(o->loop, &a.over, 0);
    http_client_close(c);
    return rc;
}
