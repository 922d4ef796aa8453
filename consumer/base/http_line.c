/*
 * consumer/base/http_line.c: answers out, in the order of their requests.
 *
 *   line:  GET /a (answered)   GET /b (open)   GET /c (answered)
 *          leaves now          leaves when      waits for /b
 *                              answered
 *
 * Only the first exchange of the line writes. When it is over, the next writes
 * what it has ready, and so on. Here is also how a connection ends: by an
 * answer after which nothing follows, by a deadline, or because the client or
 * the server goes.
 *
 * From: consumer/base/http_answer.c, with answers; consumer/base/http_server.c,
 *       with ends and deadlines.
 * To:   the wire of the connection.
 */
#include <stdlib.h>

#include "consumer/base/http_connection.h"

/* Answers that the kernel has not taken stop us from reading more requests. */
#define QUEUED_BYTES_MAX (256 * 1024)
/* A cork is pulled when this much is behind it. */
#define CORK_BYTES_MAX 65536

static void finish(struct http_connection *c);
static void want_resume(struct http_connection *c);

/* The line is full, or the client reads too slowly to be given more. */
bool http_line_is_full(const struct http_connection *c)
{
    return c->line_count >= HTTP_PIPELINE_MAX ||
           (c->last != NULL && c->last->upgrade) ||
           c->core->wire->queued(c->wire) > QUEUED_BYTES_MAX;
}

void http_line_add(struct http_connection *c, struct http_exchange *x)
{
    if (c->last == NULL)
        c->first = x;
    else
        c->last->next = x;
    c->last = x;
    c->line_count++;
}

void http_connection_uncork(struct http_connection *c)
{
    struct buffer *cork = &c->core->cork;

    if (cork->count == 0)
        return;
    c->core->wire->write(c->wire, buffer_bytes(cork), BYTES_NONE);
    buffer_clear(cork);
}

/* To the wire, or behind what the wire gets when this input is parsed. */
static void emit(struct http_connection *c, struct bytes first,
                 struct bytes second)
{
    struct buffer *cork = &c->core->cork;

    if (c->core->corked != c) {
        c->core->wire->write(c->wire, first, second);
        return;
    }
    if (cork->count + first.count + second.count > CORK_BYTES_MAX) {
        http_connection_uncork(c);
        c->core->wire->write(c->wire, first, second);
        return;
    }
    buffer_append_bytes(cork, first);
    buffer_append_bytes(cork, second);
}

void http_connection_write(struct http_exchange *x, struct bytes first,
                           struct bytes second)
{
    struct http_connection *c = x->connection;

    if (c == NULL || c->phase == HTTP_PHASE_OVER)
        return;
    if (c->first == x) {
        emit(c, first, second);
        return;
    }
    buffer_append_bytes(&x->out, first);
    buffer_append_bytes(&x->out, second);
}

void http_connection_answered(struct http_exchange *x)
{
    struct http_connection *c = x->connection;

    x->stage = HTTP_STAGE_DONE;
    if (x->counted) {
        x->counted = false;
        if (c != NULL)
            c->core->requests--;
    }
    if (c == NULL)
        http_exchange_free(x);
    else
        http_line_advance(c);
}

/* Takes finished exchanges out of a line that will not be written any more. */
static void sweep(struct http_connection *c)
{
    struct http_exchange **at = &c->first, *x;

    c->last = NULL;
    while ((x = *at) != NULL) {
        if (x->stage == HTTP_STAGE_DONE || x->stage == HTTP_STAGE_READING) {
            *at = x->next;
            c->line_count--;
            http_exchange_free(x);
            continue;
        }
        c->last = x;
        at = &x->next;
    }
}

/* The first of the line is over: no more reading or writing after it. */
static void end_after(struct http_connection *c, struct http_exchange *x)
{
    bool broken = x->broken;

    if (c->core->corked == c)
        http_connection_uncork(c);
    c->phase = HTTP_PHASE_OVER;
    sweep(c);
    if (broken)
        c->core->wire->abort(c->wire);
    else
        c->core->wire->finish(c->wire);
}

/* Writes what the line has ready, as far as it goes. */
void http_line_advance(struct http_connection *c)
{
    struct http_exchange *x;

    if (c->phase == HTTP_PHASE_OVER) {
        sweep(c);
        return;
    }
    while ((x = c->first) != NULL) {
        if (x->continue_due) {
            x->continue_due = false;
            emit(c, BYTES_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"), BYTES_NONE);
        }
        if (x->out.count > 0) {
            emit(c, buffer_bytes(&x->out), BYTES_NONE);
            buffer_fini(&x->out);
        }
        if (x->stage != HTTP_STAGE_DONE)
            break;
        if (!x->keep_alive) {
            end_after(c, x);
            return;
        }
        c->first = x->next;
        c->line_count--;
        if (c->first == NULL)
            c->last = NULL;
        http_exchange_free(x);
    }
    if (c->eof && c->first == NULL && c->phase != HTTP_PHASE_HELD)
        finish(c);
    else
        want_resume(c);
}

static void finish(struct http_connection *c)
{
    if (c->core->corked == c)
        http_connection_uncork(c);
    c->phase = HTTP_PHASE_OVER;
    c->core->wire->finish(c->wire);
}

/* Asks for the parser at the end of the turn, if there is room again. */
static void want_resume(struct http_connection *c)
{
    if (c->phase != HTTP_PHASE_HELD || c->resuming || http_line_is_full(c))
        return;
    c->resuming = true;
    c->core->wire->resume(c->wire);
}

void http_connection_drained(struct http_connection *c)
{
    struct http_exchange *x = c->first;

    want_resume(c);
    if (x != NULL && x->stage == HTTP_STAGE_STREAMING && x->drained != NULL)
        x->drained(x->drained_arg);
}

/*
 * The client sends no more. What it asked is answered first; a request that
 * is not whole will never be. A listener of a streamed answer has gone: its
 * kind closes, it does not half-close.
 */
void http_connection_eof(struct http_connection *c)
{
    struct http_exchange *x = c->first;

    c->eof = true;
    if (c->phase == HTTP_PHASE_OVER || c->phase == HTTP_PHASE_HELD) {
        if (x != NULL && x->stage == HTTP_STAGE_STREAMING)
            c->core->wire->abort(c->wire);
        return;
    }
    if (x != NULL && x->stage == HTTP_STAGE_STREAMING) {
        c->phase = HTTP_PHASE_OVER;
        c->core->wire->abort(c->wire);
        return;
    }
    if (c->reading != NULL) {
        c->reading->stage = HTTP_STAGE_DONE;
        c->reading->keep_alive = false;
        c->reading->continue_due = false;
        c->reading = NULL;
    } else if (c->last != NULL) {
        c->last->keep_alive = false;
    }
    c->phase = HTTP_PHASE_DISCARD;
    http_line_advance(c);
}

void http_connection_drain(struct http_connection *c)
{
    if (c->phase >= HTTP_PHASE_DISCARD)
        return;
    if (c->reading != NULL) {
        c->reading->keep_alive = false;
        return;
    }
    /* A head that has begun is read to its end and answered. */
    if (c->kept.count > 0 && c->phase == HTTP_PHASE_HEAD)
        return;
    if (c->last != NULL) {
        c->last->keep_alive = false;
        c->phase = HTTP_PHASE_DISCARD;
        return;
    }
    finish(c);
}

enum http_wait http_connection_wait(const struct http_connection *c)
{
    if (c->phase == HTTP_PHASE_OVER)
        return HTTP_WAIT_NONE;
    if (c->core->wire->queued(c->wire) > 0)
        return HTTP_WAIT_WRITE;
    if (c->phase == HTTP_PHASE_BODY)
        return HTTP_WAIT_BODY;
    if (c->phase != HTTP_PHASE_HEAD)
        return HTTP_WAIT_NONE;
    if (c->kept.count > 0)
        return HTTP_WAIT_HEAD;
    return c->first == NULL ? HTTP_WAIT_IDLE : HTTP_WAIT_NONE;
}

size_t http_connection_progress(const struct http_connection *c)
{
    return c->reading != NULL ? c->reading->body.count : 0;
}

void http_connection_expire(struct http_connection *c, enum http_wait wait)
{
    switch (wait) {
    case HTTP_WAIT_IDLE:
        finish(c);
        return;
    case HTTP_WAIT_HEAD:
    case HTTP_WAIT_BODY:
        http_connection_refuse(c, c->reading, 408);
        return;
    case HTTP_WAIT_WRITE:
        c->phase = HTTP_PHASE_OVER;
        c->core->wire->abort(c->wire);
        return;
    case HTTP_WAIT_NONE:
    case HTTP_WAIT_COUNT:
        return;
    }
}

void http_connection_gone(struct http_connection *c)
{
    struct http_exchange *x;

    free(c->chunked);
    c->chunked = NULL;
    c->reading = NULL;
    buffer_fini(&c->kept);
    c->phase = HTTP_PHASE_OVER;
    sweep(c);
    while ((x = c->first) != NULL) {
        c->first = x->next;
        x->connection = NULL;
        x->next = NULL;
        if (x->counted) {
            x->counted = false;
            c->core->requests--;
        }
        if (x->gone != NULL)
            x->gone(x->gone_arg);
    }
    c->last = NULL;
    c->line_count = 0;
}
