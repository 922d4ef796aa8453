/*
 * consumer/base/service_management.c: answers about the process itself.
 *
 * Nothing here waits: every answer is made from what is in memory now, so that
 * /livez answers exactly when the loop turns.
 *
 * From: consumer/base/http_exchange.c, one call for each request.
 * To:   the program's ready() and status() by way of service.c; metrics.c.
 */
#include "consumer/base/service_management.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/http.h"
#include "consumer/base/metrics.h"

#define METRICS_BYTES_MAX (8 << 20)
#define STATUS_BYTES_MAX (1 << 20)
#define WHY_BYTES_MAX 4096
#define CONNECTIONS_MAX 256

struct service_management {
    struct http_server *server;
    struct service_answers answers;
    int64_t started_ms;
    int64_t started_at; /* wall clock */
};

typedef void (*answer_fn)(struct service_management *m, struct http_exchange *x,
                          const struct http_request *r);

/* A C string as a JSON string. */
static void put_text(struct buffer *out, const char *text)
{
    buffer_append_byte(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buffer_append_format(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            buffer_append_format(out, "\\u%04x", (unsigned char)*text);
        else
            buffer_append_byte(out, (uint8_t)*text);
    }
    buffer_append_byte(out, '"');
}

static void reply(struct http_exchange *x, int status, const char *type,
                  const struct buffer *body)
{
    http_reply(x, status, type, BYTES_NONE, buffer_bytes(body));
}

static void answer_live(struct service_management *m, struct http_exchange *x,
                        const struct http_request *r)
{
    (void)m;
    (void)r;
    http_reply_text(x, 200, "alive\n");
}

static void answer_ready(struct service_management *m, struct http_exchange *x,
                         const struct http_request *r)
{
    struct buffer why, out;
    bool ready;

    buffer_init(&why, WHY_BYTES_MAX);
    buffer_init(&out, 8 * WHY_BYTES_MAX);
    ready = m->answers.ready(m->answers.arg, &why);
    if (http_header_has(r, "accept", "application/json")) {
        buffer_append_format(
            &out, "{\"ready\":%s,\"why\":", ready ? "true" : "false");
        if (ready)
            buffer_append_text(&out, "null");
        else
            put_text(&out, buffer_text(&why));
        buffer_append_text(&out, "}\n");
        reply(x, ready ? 200 : 503, "application/json", &out);
    } else {
        buffer_append_format(&out, ready ? "ready%s\n" : "not ready: %s\n",
                             ready ? "" : buffer_text(&why));
        http_reply_text(x, ready ? 200 : 503, buffer_text(&out));
    }
    buffer_fini(&why);
    buffer_fini(&out);
}

static void answer_metrics(struct service_management *m,
                           struct http_exchange *x,
                           const struct http_request *r)
{
    struct buffer out;

    (void)m;
    (void)r;
    buffer_init(&out, METRICS_BYTES_MAX);
    metrics_expose(&out);
    reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
    buffer_fini(&out);
}

static void put_version(struct service_management *m, struct buffer *out)
{
    buffer_append_text(out, "\"name\":");
    put_text(out, m->answers.name);
    buffer_append_text(out, ",\"version\":");
    put_text(out, TIDEMILL_VERSION);
}

static void answer_version(struct service_management *m,
                           struct http_exchange *x,
                           const struct http_request *r)
{
    struct buffer out;

    (void)r;
    buffer_init(&out, STATUS_BYTES_MAX);
    buffer_append_byte(&out, '{');
    put_version(m, &out);
    buffer_append_text(&out, "}\n");
    reply(x, 200, "application/json", &out);
    buffer_fini(&out);
}

static void put_ready(struct service_management *m, struct buffer *out)
{
    struct buffer why;
    bool ready;

    buffer_init(&why, WHY_BYTES_MAX);
    ready = m->answers.ready(m->answers.arg, &why);
    buffer_append_format(out,
                         "\"ready\":%s,\"why\":", ready ? "true" : "false");
    if (ready)
        buffer_append_text(out, "null");
    else
        put_text(out, buffer_text(&why));
    buffer_fini(&why);
}

static void answer_status(struct service_management *m, struct http_exchange *x,
                          const struct http_request *r)
{
    struct buffer out;
    size_t before;

    (void)r;
    buffer_init(&out, STATUS_BYTES_MAX);
    buffer_append_byte(&out, '{');
    put_version(m, &out);
    buffer_append_format(&out, ",\"pid\":%d,\"state\":\"%s\",", (int)getpid(),
                         m->answers.state(m->answers.arg));
    put_ready(m, &out);
    buffer_append_format(&out, ",\"started_at\":%lld,\"uptime_ms\":%lld",
                         (long long)m->started_at,
                         (long long)(clock_ms() - m->started_ms));
    buffer_append_text(&out, ",\"program\":");
    before = out.count;
    m->answers.status(m->answers.arg, &out);
    if (out.count == before)
        buffer_append_text(&out, "null");
    buffer_append_text(&out, "}\n");
    reply(x, out.overflow ? 500 : 200, "application/json", &out);
    buffer_fini(&out);
}

static const struct {
    const char *path;
    answer_fn answer;
} routes[] = {
    {"/livez", answer_live},      {"/readyz", answer_ready},
    {"/metrics", answer_metrics}, {"/version", answer_version},
    {"/status", answer_status},
};

static void on_request(void *arg, struct http_exchange *x,
                       const struct http_request *r)
{
    size_t i;

    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!bytes_equal_text(r->path, routes[i].path))
            continue;
        if (http_method_is(r, "GET") || http_method_is(r, "HEAD")) {
            routes[i].answer(arg, x, r);
            return;
        }
        http_add_header(x, "Allow", "GET, HEAD");
        http_reply_problem(x, 405, "method_not_allowed", NULL, NULL);
        return;
    }
    http_reply_problem(
        x, 404, "not_found", NULL,
        "this port has /livez /readyz /metrics /version /status");
}

int service_management_open(struct loop *l, const char *address, int port,
                            const struct service_answers *answers,
                            struct service_management **out)
{
    struct service_management *m = calloc(1, sizeof(*m));
    char listen[300];
    int rc;

    CHECK(m != NULL);
    m->answers = *answers;
    m->started_ms = clock_ms();
    m->started_at = clock_wall_ms();
    /* An IPv6 address stands in brackets before a port. */
    snprintf(listen, sizeof(listen),
             strchr(address, ':') != NULL && *address != '[' ? "[%s]:%d"
                                                             : "%s:%d",
             address, port);
    rc = http_server_open(l,
                          &(struct http_options){
                              .listen = listen,
                              .name = "management",
                              .arg = m,
                              .request = on_request,
                              .connections_max = CONNECTIONS_MAX,
                          },
                          &m->server);
    if (rc < 0) {
        free(m);
        return rc;
    }
    *out = m;
    return 0;
}

int service_management_port(const struct service_management *m)
{
    return http_server_port(m->server);
}

void service_management_close(struct service_management *m)
{
    if (m == NULL)
        return;
    http_server_close(m->server);
    free(m);
}
