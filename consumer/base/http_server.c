/*
 * consumer/base/http_server.c: sockets under HTTP connections.
 *
 *   listening socket ── accept ──> client = stream + http_connection
 *
 * Deadlines are five lists, one a kind of waiting, each in the order its
 * clients were put there, so that only the front is ever looked at, by one
 * timer. A client is put anew at the end of a turn in which something happened
 * to it: moving one is cheaper than setting a timer, and nothing is set for
 * each request.
 *
 * From: the kernel; consumer/base/stream.c.
 * To:   consumer/base/http_connection.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumer/base/http_connection.h"
#include "consumer/base/listen.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/stream_socket.h"

/* Accepted in one go before others get their turn. */
#define ACCEPT_MAX 64
/* Without descriptors there is nothing to do but wait for one. */
#define ACCEPT_PAUSE_MS 100
/* Above connections_max: they are told so, and these not even that. */
#define LOBBY_MAX 64
#define TICK_MS 250
/* How long a finished client may take to close, and how much it may send. */
#define FINISH_MS 2000
#define DISCARD_BYTES_MAX (16 * 1024 * 1024)
/* Body bytes that count as progress against body_ms. */
#define PROGRESS_BYTES 16384

struct http_client {
    struct http_connection http;
    struct http_server *server;
    struct stream *stream;                         /* NULL after an upgrade */
    struct http_client *next, *previous;           /* of all */
    struct http_client *wait_next, *wait_previous; /* of its waiting list */
    struct http_client *touched_next;
    bool touched, resume;
    enum http_wait wait;
    uint32_t wait_serial;
    int64_t wait_since_ms;
    uint64_t wait_mark; /* progress when it was put there */
    size_t discarded;
};

struct http_server {
    struct http_core core;
    struct loop *loop;
    struct stream_pool *pool; /* kept, so that it is not made anew each time */
    int fd;                   /* -1: not listening any more */
    int port;
    bool paused; /* no descriptors left */
    bool closing;
    struct loop_poll *poll;
    struct loop_timer *tick, *pause;
    struct loop_hook *settle; /* what was touched, at the end of the turn */
    struct http_client *first;
    struct http_client *touched;
    struct {
        struct http_client *first, *last;
    } waits[HTTP_WAIT_COUNT];
    size_t count; /* clients */
    void (*drained)(void *arg);
    void *drained_arg;
    struct metric *connections, *accepted;
};

static void on_acceptable(void *arg, bool readable, bool writable, bool error);
static int accept_some(struct http_server *s, int most);
static void pause_accepting(struct http_server *s);
static void end_pause(void *arg);
static void take_socket(struct http_server *s, int fd, const char *peer);
static void touch(struct http_client *client);
static void settle(void *arg);
static void file_client(struct http_client *client);
static void unfile_client(struct http_client *client);
static void tick(void *arg);
static void finish_drain(struct http_server *s);
static void free_server(struct http_server *s);
static void on_data(void *arg, struct bytes b);
static void on_eof(void *arg);
static void on_drained(void *arg);
static void on_closed(void *arg, enum stream_end why);

static const struct stream_events events = {
    .data = on_data, .drained = on_drained, .closed = on_closed};

/* ---- what a connection asks of its socket ---- */

static void wire_write(void *wire, struct bytes first, struct bytes second)
{
    struct http_client *client = wire;

    stream_write(client->stream, first, second);
    touch(client);
}

static void wire_share(void *wire, struct chunk *c)
{
    struct http_client *client = wire;

    stream_send(client->stream, c);
    touch(client);
}

static size_t wire_queued(void *wire)
{
    struct http_client *client = wire;

    return client->stream ? stream_queued_bytes(client->stream) : 0;
}

static void wire_reading(void *wire, bool wanted)
{
    struct http_client *client = wire;

    if (wanted)
        stream_resume(client->stream);
    else
        stream_pause(client->stream);
}

static void wire_resume(void *wire)
{
    struct http_client *client = wire;

    client->resume = true;
    touch(client);
}

static void wire_finish(void *wire)
{
    struct http_client *client = wire;

    stream_finish(client->stream, FINISH_MS);
    touch(client);
}

static void wire_abort(void *wire)
{
    struct http_client *client = wire;

    stream_close(client->stream);
}

/* The client is freed at the end of the turn: its caller still looks at it. */
static struct stream *wire_take(void *wire, struct bytes head,
                                struct bytes rest)
{
    struct http_client *client = wire;
    struct stream *s = client->stream;

    stream_write(s, head, BYTES_NONE);
    if (s->closing || s->ended)
        return NULL;
    stream_hand_over(s, rest);
    s->bytes_max = 1024 * 1024;
    s->chunks_max = 1024;
    client->stream = NULL;
    touch(client);
    return s;
}

static const char *wire_peer(void *wire)
{
    struct http_client *client = wire;

    return stream_peer(client->stream);
}

static const struct http_wire wire = {
    .write = wire_write,
    .share = wire_share,
    .queued = wire_queued,
    .reading = wire_reading,
    .resume = wire_resume,
    .finish = wire_finish,
    .abort = wire_abort,
    .take = wire_take,
    .peer = wire_peer,
};

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
    http_core_init(&s->core, options, &wire);
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
    s->tick = loop_timer_open(loop, "http.deadlines", tick, s);
    s->pause = loop_timer_open(loop, "http.accept.pause", end_pause, s);
    s->settle = loop_hook_open(loop, "http.settle", settle, s);
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
        take_socket(s, fd, peer);
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

static void take_socket(struct http_server *s, int fd, const char *peer)
{
    size_t most = (size_t)s->core.options.connections_max;

    if (s->count >= most + LOBBY_MAX) {
        close(fd);
        return;
    }
    struct http_client *client = calloc(1, sizeof(*client));
    CHECK(client != NULL);
    client->server = s;
    client->stream = stream_new(s->loop);
    client->stream->events = &events;
    client->stream->eof = on_eof;
    client->stream->arg = client;
    client->stream->bytes_max = SIZE_MAX / 2;
    client->stream->chunks_max = SIZE_MAX / 2;
    http_connection_init(&client->http, &s->core, client);
    client->next = s->first;
    if (s->first != NULL)
        s->first->previous = client;
    s->first = client;
    s->count++;
    metric_add(s->accepted, 1);
    metric_set(s->connections, (double)s->count);
    if (stream_open(client->stream, fd, peer) < 0) {
        close(fd);
        stream_close(client->stream);
    } else if (s->count > most) {
        http_connection_refuse(&client->http, NULL, 503);
    }
    touch(client);
    if (!loop_timer_running(s->tick))
        loop_timer_start(s->tick, TICK_MS, TICK_MS);
}

/* ---- what the socket says ---- */

static void on_data(void *arg, struct bytes b)
{
    struct http_client *client = arg;

    touch(client);
    if (client->http.phase < HTTP_PHASE_DISCARD) {
        http_connection_input(&client->http, b);
        return;
    }
    client->discarded += b.count;
    if (client->discarded > DISCARD_BYTES_MAX)
        stream_close(client->stream);
}

static void on_eof(void *arg)
{
    struct http_client *client = arg;

    touch(client);
    http_connection_eof(&client->http);
}

static void on_drained(void *arg)
{
    struct http_client *client = arg;

    touch(client);
    http_connection_drained(&client->http);
}

static void remove_client(struct http_client *client)
{
    struct http_server *s = client->server;

    http_connection_gone(&client->http);
    unfile_client(client);
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        s->first = client->next;
    if (client->next != NULL)
        client->next->previous = client->previous;
    s->count--;
    metric_set(s->connections, (double)s->count);
    free(client);
    if (s->count == 0 && s->closing)
        free_server(s);
}

static void on_closed(void *arg, enum stream_end why)
{
    struct http_client *client = arg;
    struct http_client **at = &client->server->touched;

    (void)why;
    if (client->touched) {
        while (*at != client)
            at = &(*at)->touched_next;
        *at = client->touched_next;
    }
    remove_client(client);
}

/* ---- the end of a turn ---- */

static void touch(struct http_client *client)
{
    struct http_server *s = client->server;

    if (client->touched)
        return;
    client->touched = true;
    client->touched_next = s->touched;
    s->touched = client;
    loop_hook_arm(s->settle);
}

static void settle(void *arg)
{
    struct http_server *s = arg;
    struct http_client *client;

    while ((client = s->touched) != NULL) {
        s->touched = client->touched_next;
        client->touched = false;
        if (client->stream == NULL) {
            bool last = s->count == 1 && s->closing;
            remove_client(client);
            if (last)
                return;
            continue;
        }
        if (client->resume) {
            client->resume = false;
            http_connection_resume(&client->http);
        }
        if (client->stream != NULL)
            file_client(client);
    }
}

static uint64_t progress(const struct http_client *client)
{
    if (client->wait == HTTP_WAIT_WRITE)
        return stream_taken(client->stream);
    return http_connection_progress(&client->http);
}

static void put_last(struct http_client *client)
{
    struct http_server *s = client->server;

    client->wait_since_ms = loop_now_ms(s->loop);
    client->wait_mark = progress(client);
    client->wait_next = NULL;
    client->wait_previous = s->waits[client->wait].last;
    if (client->wait_previous != NULL)
        client->wait_previous->wait_next = client;
    else
        s->waits[client->wait].first = client;
    s->waits[client->wait].last = client;
}

static void file_client(struct http_client *client)
{
    enum http_wait wait = http_connection_wait(&client->http);

    if (wait == client->wait && client->wait_serial == client->http.serial)
        return;
    unfile_client(client);
    client->wait = wait;
    client->wait_serial = client->http.serial;
    if (wait != HTTP_WAIT_NONE)
        put_last(client);
}

static void unfile_client(struct http_client *client)
{
    struct http_server *s = client->server;

    if (client->wait == HTTP_WAIT_NONE)
        return;
    if (client->wait_previous != NULL)
        client->wait_previous->wait_next = client->wait_next;
    else
        s->waits[client->wait].first = client->wait_next;
    if (client->wait_next != NULL)
        client->wait_next->wait_previous = client->wait_previous;
    else
        s->waits[client->wait].last = client->wait_previous;
    client->wait = HTTP_WAIT_NONE;
}

/* ---- deadlines ---- */

static bool made_progress(const struct http_client *client)
{
    uint64_t least = client->wait == HTTP_WAIT_BODY ? PROGRESS_BYTES : 1;

    return (client->wait == HTTP_WAIT_BODY ||
            client->wait == HTTP_WAIT_WRITE) &&
           progress(client) - client->wait_mark >= least;
}

static void expire_list(struct http_server *s, enum http_wait wait,
                        int64_t limit_ms)
{
    int64_t now = loop_now_ms(s->loop);
    struct http_client *client;

    while ((client = s->waits[wait].first) != NULL &&
           now - client->wait_since_ms >= limit_ms) {
        bool again = made_progress(client);
        unfile_client(client);
        if (again) {
            client->wait = wait;
            put_last(client);
            continue;
        }
        http_connection_expire(&client->http, wait);
        touch(client);
    }
}

static void tick(void *arg)
{
    struct http_server *s = arg;
    const struct http_options *o = &s->core.options;

    expire_list(s, HTTP_WAIT_IDLE, o->idle_ms);
    expire_list(s, HTTP_WAIT_HEAD, o->head_ms);
    expire_list(s, HTTP_WAIT_BODY, o->body_ms);
    expire_list(s, HTTP_WAIT_WRITE, o->write_ms);
    if (s->count == 0) {
        loop_timer_stop(s->tick);
        finish_drain(s);
    }
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
    struct http_client *client, *next;

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
        touch(client);
    }
    /* With nobody there, done() still comes later: from the timer. */
    loop_timer_start(s->tick, 0, TICK_MS);
}

static void finish_drain(struct http_server *s)
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
    struct http_client *client, *next;

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
        free_server(s);
}

static void free_server(struct http_server *s)
{
    loop_timer_close(s->tick);
    loop_timer_close(s->pause);
    loop_hook_close(s->settle);
    stream_pool_drop(s->pool);
    http_core_fini(&s->core);
    free(s);
}
