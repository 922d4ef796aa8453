/*
 * consumer/base/http_socket.c: a socket under an HTTP connection.
 *
 * Deadlines are lists, one a kind of waiting, each in the order its clients
 * were put there, so that only the front is ever looked at, by one timer. A
 * client is put anew at the end of a turn in which something happened to it:
 * moving one is cheaper than setting a timer, and nothing is set for each
 * request.
 *
 * From: consumer/base/http_server.c, which accepts; consumer/base/stream.c,
 *       with what the socket says.
 * To:   consumer/base/http_connection.c and http_line.c.
 */
#include "consumer/base/http_socket.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/base/metrics.h"

/* Above connections_max: they are told so, and these not even that. */
#define LOBBY_MAX 64
#define TICK_MS 250
/* How long a finished client may take to close, and how much it may send. */
#define FINISH_MS 2000
#define DISCARD_BYTES_MAX (16 * 1024 * 1024)
/* Body bytes that count as progress against body_ms. */
#define PROGRESS_BYTES 16384

static void file_client(struct http_socket *client);
static void unfile_client(struct http_socket *client);
static void on_data(void *arg, struct bytes b);
static void on_eof(void *arg);
static void on_drained(void *arg);
static void on_closed(void *arg, enum stream_end why);

static const struct stream_events events = {
    .data = on_data, .drained = on_drained, .closed = on_closed};

void http_socket_open(struct http_server *s, int fd, const char *peer)
{
    size_t most = (size_t)s->core.options.connections_max;

    if (s->count >= most + LOBBY_MAX) {
        close(fd);
        return;
    }
    struct http_socket *client = calloc(1, sizeof(*client));
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
    http_socket_touch(client);
    if (!loop_timer_running(s->tick))
        loop_timer_start(s->tick, TICK_MS, TICK_MS);
}

/* ---- what a connection asks of its socket ---- */

static void wire_write(void *wire, struct bytes first, struct bytes second)
{
    struct http_socket *client = wire;

    stream_write(client->stream, first, second);
    http_socket_touch(client);
}

static void wire_share(void *wire, struct chunk *c)
{
    struct http_socket *client = wire;

    stream_send(client->stream, c);
    http_socket_touch(client);
}

static size_t wire_queued(void *wire)
{
    struct http_socket *client = wire;

    return client->stream ? stream_queued_bytes(client->stream) : 0;
}

static void wire_reading(void *wire, bool wanted)
{
    struct http_socket *client = wire;

    if (wanted)
        stream_resume(client->stream);
    else
        stream_pause(client->stream);
}

static void wire_resume(void *wire)
{
    struct http_socket *client = wire;

    client->resume = true;
    http_socket_touch(client);
}

static void wire_finish(void *wire)
{
    struct http_socket *client = wire;

    stream_finish(client->stream, FINISH_MS);
    http_socket_touch(client);
}

static void wire_abort(void *wire)
{
    struct http_socket *client = wire;

    stream_close(client->stream);
}

/* The client is freed at the end of the turn: its caller still looks at it. */
static struct stream *wire_take(void *wire, struct bytes head,
                                struct bytes rest)
{
    struct http_socket *client = wire;
    struct stream *s = client->stream;

    stream_write(s, head, BYTES_NONE);
    if (s->closing || s->ended)
        return NULL;
    stream_hand_over(s, rest);
    s->bytes_max = 1024 * 1024;
    s->chunks_max = 1024;
    client->stream = NULL;
    http_socket_touch(client);
    return s;
}

static const char *wire_peer(void *wire)
{
    struct http_socket *client = wire;

    return stream_peer(client->stream);
}

const struct http_wire http_socket_wire = {
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

/* ---- what the socket says ---- */

static void on_data(void *arg, struct bytes b)
{
    struct http_socket *client = arg;

    http_socket_touch(client);
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
    struct http_socket *client = arg;

    http_socket_touch(client);
    http_connection_eof(&client->http);
}

static void on_drained(void *arg)
{
    struct http_socket *client = arg;

    http_socket_touch(client);
    http_connection_drained(&client->http);
}

static void remove_client(struct http_socket *client)
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
        http_server_free(s);
}

static void on_closed(void *arg, enum stream_end why)
{
    struct http_socket *client = arg;
    struct http_socket **at = &client->server->touched;

    (void)why;
    if (client->touched) {
        while (*at != client)
            at = &(*at)->touched_next;
        *at = client->touched_next;
    }
    remove_client(client);
}

/* ---- the end of a turn ---- */

void http_socket_touch(struct http_socket *client)
{
    struct http_server *s = client->server;

    if (client->touched)
        return;
    client->touched = true;
    client->touched_next = s->touched;
    s->touched = client;
    loop_hook_arm(s->settle);
}

void http_sockets_settle(void *arg)
{
    struct http_server *s = arg;
    struct http_socket *client;

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

static uint64_t progress(const struct http_socket *client)
{
    if (client->wait == HTTP_WAIT_WRITE)
        return stream_taken(client->stream);
    return http_connection_progress(&client->http);
}

static void put_last(struct http_socket *client)
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

static void file_client(struct http_socket *client)
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

static void unfile_client(struct http_socket *client)
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

static bool made_progress(const struct http_socket *client)
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
    struct http_socket *client;

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
        http_socket_touch(client);
    }
}

void http_sockets_tick(void *arg)
{
    struct http_server *s = arg;
    const struct http_options *o = &s->core.options;

    expire_list(s, HTTP_WAIT_IDLE, o->idle_ms);
    expire_list(s, HTTP_WAIT_HEAD, o->head_ms);
    expire_list(s, HTTP_WAIT_BODY, o->body_ms);
    expire_list(s, HTTP_WAIT_WRITE, o->write_ms);
    if (s->count == 0) {
        loop_timer_stop(s->tick);
        http_server_drained(s);
    }
}
