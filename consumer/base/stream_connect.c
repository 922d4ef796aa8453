/*
 * consumer/base/stream_connect.c: outgoing connections.
 *
 *   host ── resolve ──> addresses ── one after the other ──> socket ──> stream
 *
 * From: commands and tests that speak HTTP or WebSocket to a server.
 * To:   consumer/base/stream.c, with a connected socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumer/base/resolve.h"
#include "consumer/base/stream_socket.h"

struct dial {
    struct stream *stream;
    struct resolve *resolve; /* while names are looked up */
    struct loop_poll *poll;  /* while one address is tried */
    int fd;                  /* -1: none */
    int port;
    char addresses[RESOLVE_MAX][INET6_ADDRSTRLEN + 16];
    size_t count, next;
};

static void on_resolved(void *arg, int rc, const char *const *addresses,
                        size_t count);
static void try_next(struct dial *d);
static bool try_one(struct dial *d, const char *address);
static void on_ready(void *arg, bool readable, bool writable, bool error);
static void done(struct dial *d);
static void drop_socket(struct dial *d);

int stream_connect(struct loop *loop, const char *host, int port,
                   int connect_ms, const struct stream_events *events,
                   void *arg, struct stream **out_stream)
{
    char name[256];
    size_t count = strlen(host);

    if (count > 2 && host[0] == '[' && host[count - 1] == ']') {
        host++;
        count -= 2;
    }
    if (count == 0 || count >= sizeof(name) || port < 1 || port > 65535)
        return FAIL_MALFORMED;
    memcpy(name, host, count);
    name[count] = '\0';

    struct dial *d = calloc(1, sizeof(*d));
    CHECK(d != NULL);
    d->stream = stream_new(loop);
    d->fd = -1;
    d->port = port;
    d->stream->dial = d;
    d->stream->events = events;
    d->stream->arg = arg;
    d->resolve = resolve_start(loop, name, on_resolved, d);
    stream_deadline(d->stream, connect_ms);
    *out_stream = d->stream;
    return 0;
}

static void on_resolved(void *arg, int rc, const char *const *addresses,
                        size_t count)
{
    struct dial *d = arg;

    d->resolve = NULL;
    if (rc == 0)
        for (size_t i = 0; i < count && i < RESOLVE_MAX; i++)
            snprintf(d->addresses[d->count++], sizeof(d->addresses[0]), "%s",
                     addresses[i]);
    try_next(d);
}

/* Ends in a connection, in on_ready(), or with no address left. */
static void try_next(struct dial *d)
{
    drop_socket(d);
    while (d->next < d->count)
        if (try_one(d, d->addresses[d->next++]))
            return;
    stream_end(d->stream, STREAM_END_UNREACHABLE);
}

static bool try_one(struct dial *d, const char *address)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;

    v4.sin_port = v6.sin6_port = htons((uint16_t)d->port);
    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
        return false;
    d->fd = socket(is_v4 ? AF_INET : AF_INET6,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0)
        return false;
    int rc = is_v4 ? connect(d->fd, (struct sockaddr *)&v4, sizeof(v4))
                   : connect(d->fd, (struct sockaddr *)&v6, sizeof(v6));
    if (rc == 0 || errno == EINPROGRESS) {
        d->poll = loop_poll_open(d->stream->pool->loop, "stream.connect", d->fd,
                                 on_ready, d);
        if (d->poll != NULL) {
            loop_poll_want(d->poll, false, true);
            return true;
        }
    }
    drop_socket(d);
    return false;
}

static void on_ready(void *arg, bool readable, bool writable, bool error)
{
    struct dial *d = arg;
    int code = 0;
    socklen_t count = sizeof(code);

    (void)readable;
    (void)writable;
    if (error || getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &code, &count) < 0 ||
        code != 0) {
        try_next(d);
        return;
    }
    done(d);
}

static void done(struct dial *d)
{
    struct stream *s = d->stream;
    char peer[STREAM_PEER_MAX];
    const char *address = d->addresses[d->next - 1];
    int fd = d->fd;

    snprintf(peer, sizeof(peer),
             strchr(address, ':') ? "[%.45s]:%d" : "%.45s:%d", address,
             d->port);
    loop_poll_close(d->poll);
    d->poll = NULL;
    d->fd = -1;
    s->dial = NULL;
    free(d);
    stream_deadline_off(s);
    if (stream_open(s, fd, peer) < 0) {
        close(fd);
        stream_end(s, STREAM_END_UNREACHABLE);
        return;
    }
    if (s->events->connected != NULL)
        s->events->connected(s->arg);
    if (s->finishing && !s->closing)
        stream_deadline(s, s->finish_ms);
    if (!s->closing)
        stream_flush(s);
}

static void drop_socket(struct dial *d)
{
    loop_poll_close(d->poll);
    d->poll = NULL;
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

void stream_dial_cancel(struct dial *d)
{
    resolve_cancel(d->resolve);
    drop_socket(d);
    free(d);
}
