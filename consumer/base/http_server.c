/*
 * consumer/base/http_server.c: listening, accepting, and how a server ends.
 *
 *   listening socket ── accept ──> client = stream + http_connection
 *
 * From: services and tests, by way of consumer/base/http.h.
 * To:   consumer/base/http_socket.c, with each accepted socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumer/base/http_socket.h"
#include "consumer/base/listen.h"
#include "consumer/base/log.h"
#include "consumer/base/metrics.h"

/* Accepted in one go before others get their turn. */
#define ACCEPT_MAX 64
/* Without descriptors there is nothing to do but wait for one. */
#define ACCEPT_PAUSE_MS 100
/* How often a drain looks whether the last client has gone. */
#define DRAIN_MS 50

static void on_acceptable(void *arg, bool readable, bool writable, bool error);
static int accept_some(struct http_server *s, int most);
static void pause_accepting(struct http_server *s);
static void end_pause(void *arg);

/* ---- opening and accepting ---- */

static void open_metrics(struct http_server *s, const char *name)
{
    char labels[128];

    snprintf(labels, sizeof(labels), "server=\"%s\"", name);
    s->connections = metric_gauge("tidemill_http_connections", labels,
                                  "open HTTP connections");
    s->accepted = metric_counter("tidemill_http_accepted_total", labels,
                                 "connections accepted");
    s->core.answers = metric_counter("tidemill_http_answers_total", labels,
                                     "requests answered");
    s->core.refused =
        metric_counter("tidemill_http_refused_total", labels,
                       "requests refused before the application saw them");
}

int http_server_open(struct loop *loop, const struct http_options *options,
                     struct http_server **out_server)
{
    struct http_server *s = calloc(1, sizeof(*s));
    int rc;

    CHECK(s != NULL && options->listen != NULL);
    http_core_init(&s->core, options, &http_socket_wire);
    rc =
        listen_open(options->listen, s->core.options.backlog, &s->fd, &s->port);
    if (rc < 0)
        goto undo;
    s->poll = loop_poll_open(loop, "http.accept", s->fd, on_acceptable, s);
    CHECK(s->poll != NULL);
    loop_poll_want(s->poll, true, false);
    s->loop = loop;
    s->core.options.listen = NULL;
    s->core.options.name = NULL;
    s->pool = stream_pool_hold(loop);
    s->tick = loop_timer_open(loop, "http.deadlines", http_sockets_tick, s);
    s->pause = loop_timer_open(loop, "http.accept.pause", end_pause, s);
    s->settle = loop_hook_open(loop, "http.settle", http_sockets_settle, s);
    open_metrics(s, options->name ? options->name : "http");
    *out_server = s;
    return 0;

undo:
    http_core_fini(&s->core);
    free(s);
    return rc;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

size_t http_server_connections(const struct http_server *s)
{
    return s->count;
}

size_t http_server_requests(const struct http_server *s)
{
    return s->core.requests;
}

static void on_acceptable(void *arg, bool readable, bool writable, bool error)
{
    struct http_server *s = arg;

    (void)readable;
    (void)writable;
    (void)error;
    accept_some(s, ACCEPT_MAX);
}

static void peer_text(const struct sockaddr_storage *address,
                      char out[STREAM_PEER_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        snprintf(out, STREAM_PEER_MAX, "%s:%d", host, ntohs(v4->sin_port));
        return;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, host, sizeof(host));
        snprintf(out, STREAM_PEER_MAX, "%s:%d", host, ntohs(v6->sin6_port));
        return;
    }
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
    snprintf(out, STREAM_PEER_MAX, "[%s]:%d", host, ntohs(v6->sin6_port));
}

/* Returns how many were accepted. */
static int accept_some(struct http_server *s, int most)
{
    int count = 0;

    while (count < most) {
        struct sockaddr_storage address;
        socklen_t size = sizeof(address);
        char peer[STREAM_PEER_MAX];
        int fd = accept4(s->fd, (struct sockaddr *)&address, &size,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                pause_accepting(s);
            return count;
        }
        count++;
        peer_text(&address, peer);
        http_socket_open(s, fd, peer);
    }
    return count;
}

/* The queue would be reported again and again, so it is not asked for. */
static void pause_accepting(struct http_server *s)
{
    if (!s->paused)
        log_warn("http.paused", "port=%d why=%s", s->port,
                 strerrorname_np(errno));
    s->paused = true;
    loop_poll_want(s->poll, false, false);
    loop_timer_start(s->pause, ACCEPT_PAUSE_MS, 0);
}

static void end_pause(void *arg)
{
    struct http_server *s = arg;

    if (s->fd < 0)
        return;
    if (accept_some(s, ACCEPT_MAX) == 0 && loop_timer_running(s->pause))
        return;
    s->paused = false;
    log_info("http.resumed", "port=%d", s->port);
    loop_timer_stop(s->pause);
    loop_poll_want(s->poll, true, false);
}

/* ---- the end ---- */

static void stop_listening(struct http_server *s)
{
    if (s->fd < 0)
        return;
    loop_poll_close(s->poll);
    s->poll = NULL;
    loop_timer_stop(s->pause);
    close(s->fd);
    s->fd = -1;
}

void http_server_drain(struct http_server *s, void (*done)(void *arg),
                       void *arg)
{
    struct http_socket *client, *next;

    CHECK(!s->closing && s->drained == NULL && done != NULL);
    s->drained = done;
    s->drained_arg = arg;
    /* What is in the accept queue would be reset by close(). */
    while (s->fd >= 0 && accept_some(s, ACCEPT_MAX) == ACCEPT_MAX)
        continue;
    stop_listening(s);
    s->core.draining = true;
    for (client = s->first; client != NULL; client = next) {
        next = client->next;
        if (client->stream != NULL)
            http_connection_drain(&client->http);
        http_socket_touch(client);
    }
    /* With nobody there, done() still comes later: from the timer. */
    loop_timer_start(s->tick, 0, DRAIN_MS);
}

void http_server_drained(struct http_server *s)
{
    void (*drained)(void *arg);

    if (s->drained == NULL || s->count > 0)
        return;
    drained = s->drained;
    s->drained = NULL;
    drained(s->drained_arg);
}

void http_server_close(struct http_server *s)
{
    struct http_socket *client, *next;

    if (s == NULL)
        return;
    CHECK(!s->closing);
    s->closing = true;
    s->drained = NULL;
    stop_listening(s);
    for (client = s->first; client != NULL; client = next) {
        next = client->next;
        if (client->stream != NULL)
            stream_close(client->stream);
    }
    if (s->count == 0)
        http_server_free(s);
}

void http_server_free(struct http_server *s)
{
    loop_timer_close(s->tick);
    loop_timer_close(s->pause);
    loop_hook_close(s->settle);
    stream_pool_drop(s->pool);
    http_core_fini(&s->core);
    free(s);
}
