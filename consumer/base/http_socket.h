/*
 * consumer/base/http_socket.h: what a server and its connections are made of.
 *
 * Internal to consumer/base/http_server.c and http_socket.c. Thread: the
 * loop's.
 */
#ifndef CONSUMER_BASE_HTTP_SOCKET_H
#define CONSUMER_BASE_HTTP_SOCKET_H

#include "consumer/base/http_connection.h"
#include "consumer/base/loop.h"
#include "consumer/base/stream_socket.h"

struct http_socket {
    struct http_connection http;
    struct http_server *server;
    struct stream *stream;                         /* NULL after an upgrade */
    struct http_socket *next, *previous;           /* of all */
    struct http_socket *wait_next, *wait_previous; /* of its waiting list */
    struct http_socket *touched_next;
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
    struct http_socket *first;
    struct http_socket *touched;
    struct {
        struct http_socket *first, *last;
    } waits[HTTP_WAIT_COUNT];
    size_t count; /* clients */
    void (*drained)(void *arg);
    void *drained_arg;
    struct metric *connections, *accepted;
};

/* What connections ask of their sockets. */
extern const struct http_wire http_socket_wire;

/* A client for an accepted socket, which it owns. */
void http_socket_open(struct http_server *s, int fd, const char *peer);

/* Something happened to it: it is looked at when the turn ends. */
void http_socket_touch(struct http_socket *client);

/* At the end of a turn: looks at every client that was touched. */
void http_sockets_settle(void *server);

/* Ends those whose deadline has passed; the last step of a drain. */
void http_sockets_tick(void *server);

/* Nobody is left: tells who asked for the drain. The server may be gone then.
 */
void http_server_drained(struct http_server *s);

/* The last client of a server that closes has gone. */
void http_server_free(struct http_server *s);

#endif
