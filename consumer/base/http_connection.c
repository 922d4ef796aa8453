/*
 * consumer/base/http_connection.c: requests in, answers out, in order.
 *
 *   HEAD ── head whole, a body follows ──> BODY ── whole ──> HEAD
 *    │ │                                    │
 *    │ └── 16 unanswered, or an upgrade ──> HELD ── answered ──> HEAD
 *    └── refused, or the client's last request ──> DISCARD ──> OVER
 *
 * The application may answer from inside request(): then the answer is corked,
 * and all answers of one input leave in one write. When an answer makes room in
 * the line, parsing goes on at the end of the turn and not from inside
 * http_reply(), so that request() is never called by way of http_reply().
 *
 * From: consumer/base/http_server.c, with what the sockets say.
 * To:   the application through struct http_options, and
 *       consumer/base/http_answer.c, which comes back with answers.
 */
#include "consumer/base/http_connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "consumer/base/clock.h"
#include "consumer/base/metrics.h"

/* Answers that the kernel has not taken stop us from reading more requests. */
#define QUEUED_BYTES_MAX (256 * 1024)
/* One read beyond a head: what may wait while the line is full. */
#define KEPT_BYTES_MAX (HTTP_HEAD_BYTES_MAX + 2 * 65536)
/* A cork is pulled when this much is behind it. */
#define CORK_BYTES_MAX 65536

static void parse(struct http_connection *c);
static bool read_head(struct http_connection *c);
static void take_head(struct http_connection *c, size_t count);
static void begin_body(struct http_connection *c, struct http_exchange *x,
                       const struct http_head *head, size_t limit);
static bool read_body(struct http_connection *c);
static bool read_chunks(struct http_connection *c);
static void dispatch(struct http_connection *c, struct http_exchange *x);
static bool is_full(const struct http_connection *c);
static void advance(struct http_connection *c);
static void want_resume(struct http_connection *c);
static void finish(struct http_connection *c);

static int default_to(int value, int otherwise)
{
    return value > 0 ? value : otherwise;
}

void http_core_init(struct http_core *core, const struct http_options *options,
                    const struct http_wire *wire)
{
    *core = (struct http_core){.options = *options, .wire = wire};
    struct http_options *o = &core->options;

    CHECK(o->request != NULL);
    o->connections_max = default_to(o->connections_max, 10000);
    o->backlog = default_to(o->backlog, 1024);
    o->head_ms = default_to(o->head_ms, 5000);
    o->body_ms = default_to(o->body_ms, 10000);
    o->idle_ms = default_to(o->idle_ms, 75000);
    o->write_ms = default_to(o->write_ms, 10000);
    if (o->answer_bytes_max == 0)
        o->answer_bytes_max = 1024 * 1024;
    core->now_ns = clock_ns;
    core->wall_ms = clock_wall_ms;
    CHECK(getrandom(&core->id_start, sizeof(core->id_start), 0) ==
          sizeof(core->id_start));
    buffer_init(&core->cork, SIZE_MAX / 2);
    buffer_init(&core->scratch, SIZE_MAX / 2);
}

void http_core_fini(struct http_core *core)
{
    buffer_fini(&core->cork);
    buffer_fini(&core->scratch);
}

void http_connection_init(struct http_connection *c, struct http_core *core,
                          void *wire)
{
    *c = (struct http_connection){.core = core, .wire = wire};
    buffer_init(&c->kept, KEPT_BYTES_MAX);
}

/*
 * Input is parsed where it lies. Only what is left over, a partial head or what
 * has to wait, is kept, and then new input goes behind it.
 */
void http_connection_input(struct http_connection *c, struct bytes b)
{
    if (c->phase >= HTTP_PHASE_DISCARD)
        return;
    bool kept = c->kept.count > 0;
    if (kept && buffer_append_bytes(&c->kept, b) < 0) {
        c->core->wire->abort(c->wire);
        c->phase = HTTP_PHASE_OVER;
        return;
    }
    c->input = kept ? buffer_bytes(&c->kept) : b;
    parse(c);
    if (c->phase >= HTTP_PHASE_DISCARD)
        c->input.count = 0;
    if (kept)
        buffer_consume(&c->kept, c->kept.count - c->input.count);
    else if (c->input.count > 0)
        CHECK(buffer_append_bytes(&c->kept, c->input) == 0);
    if (c->kept.count == 0)
        buffer_fini(&c->kept);
    c->input = BYTES_NONE;
}

void http_connection_resume(struct http_connection *c)
{
    c->resuming = false;
    if (c->phase != HTTP_PHASE_HELD || is_full(c))
        return;
    c->phase = HTTP_PHASE_HEAD;
    if (!c->eof)
        c->core->wire->reading(c->wire, true);
    struct buffer kept = c->kept;
    buffer_init(&c->kept, KEPT_BYTES_MAX);
    c->scan = (struct http_scan){0};
    if (kept.count > 0)
        http_connection_input(c, buffer_bytes(&kept));
    buffer_fini(&kept);
    if (c->eof && c->phase < HTTP_PHASE_HELD)
        http_connection_eof(c);
}

static void parse(struct http_connection *c)
{
    bool more = true;

    CHECK(!c->parsing && c->core->corked == NULL);
    c->parsing = true;
    c->core->corked = c;
    while (more) {
        switch (c->phase) {
        case HTTP_PHASE_HEAD:
            more = c->input.count > 0 && read_head(c);
            break;
        case HTTP_PHASE_BODY:
            more = c->input.count > 0 && read_body(c);
            break;
        case HTTP_PHASE_HELD:
        case HTTP_PHASE_DISCARD:
        case HTTP_PHASE_OVER:
            more = false;
            break;
        }
    }
    if (c->core->corked == c)
        http_connection_uncork(c);
    c->core->corked = NULL;
    c->parsing = false;
}

/* The line is full, or the client reads too slowly to be given more. */
static bool is_full(const struct http_connection *c)
{
    return c->line_count >= HTTP_PIPELINE_MAX ||
           (c->last != NULL && c->last->upgrade) ||
           c->core->wire->queued(c->wire) > QUEUED_BYTES_MAX;
}

/* One head, or the start of one. Returns whether there is more to parse. */
static bool read_head(struct http_connection *c)
{
    if (c->scan.pos == 0 && is_full(c)) {
        c->phase = HTTP_PHASE_HELD;
        c->core->wire->reading(c->wire, false);
        return false;
    }
    int rc = http_scan(&c->scan, c->input);
    if (rc == 0)
        return false;
    if (rc < 0)
        http_connection_refuse(c, NULL, -rc);
    else
        take_head(c, (size_t)rc);
    return true;
}

static void take_head(struct http_connection *c, size_t count)
{
    struct bytes bytes = bytes_slice(c->input, 0, count);
    const struct http_options *o = &c->core->options;
    struct http_head head;
    int rc = http_head_parse(bytes, &head);

    c->scan = (struct http_scan){0};
    c->serial++;
    if (rc < 0) {
        http_connection_refuse(c, NULL, -rc);
        return;
    }
    c->input = bytes_slice(c->input, count, c->input.count);
    struct http_exchange *x = http_exchange_new(c, &head, bytes);
    if (c->last == NULL)
        c->first = x;
    else
        c->last->next = x;
    c->last = x;
    c->line_count++;
    if (c->core->draining)
        x->keep_alive = false;
    size_t limit = o->body_limit ? o->body_limit(o->arg, &x->request) : 0;
    if (x->request.has_body)
        begin_body(c, x, &head, limit);
    else
        dispatch(c, x);
}

static void begin_body(struct http_connection *c, struct http_exchange *x,
                       const struct http_head *head, size_t limit)
{
    if (limit == 0) {
        /* Nobody wants it, so nobody knows what follows it. */
        x->keep_alive = false;
        dispatch(c, x);
        return;
    }
    if (head->content_length >= 0 && (uint64_t)head->content_length > limit) {
        http_connection_refuse(c, x, 413);
        return;
    }
    buffer_init(&x->body, limit);
    c->reading = x;
    c->phase = HTTP_PHASE_BODY;
    if (head->chunked) {
        c->chunked = malloc(sizeof(*c->chunked));
        CHECK(c->chunked != NULL);
        http_chunked_init(c->chunked, limit);
    }
    if (head->expect_continue && c->input.count == 0) {
        x->continue_due = true;
        advance(c);
    }
}

/* Some of the body. Returns whether there is more to parse. */
static bool read_body(struct http_connection *c)
{
    struct http_exchange *x = c->reading;

    /* What came without waiting for our 100 needs none. */
    x->continue_due = false;
    if (c->chunked != NULL)
        return read_chunks(c);
    size_t left = (size_t)x->request.content_length - x->body.count;
    struct bytes piece = bytes_slice(c->input, 0, left);
    CHECK(buffer_append_bytes(&x->body, piece) == 0);
    c->input = bytes_slice(c->input, piece.count, c->input.count);
    if (piece.count == left)
        dispatch(c, x);
    return true;
}

static bool read_chunks(struct http_connection *c)
{
    struct http_exchange *x = c->reading;
    struct bytes piece;
    int rc = http_chunked_read(c->chunked, &c->input, &piece);

    if (rc < 0) {
        http_connection_refuse(c, x, -rc);
        return true;
    }
    CHECK(buffer_append_bytes(&x->body, piece) == 0);
    if (rc == 1)
        dispatch(c, x);
    return true;
}

/* The request is whole: it is the application's until it is answered. */
static void dispatch(struct http_connection *c, struct http_exchange *x)
{
    free(c->chunked);
    c->chunked = NULL;
    c->reading = NULL;
    c->phase = x->keep_alive ? HTTP_PHASE_HEAD : HTTP_PHASE_DISCARD;
    x->stage = HTTP_STAGE_OPEN;
    x->request.body =
        x->body.data != NULL ? buffer_bytes(&x->body) : BYTES_LITERAL("");
    x->counted = true;
    c->core->requests++;
    c->core->options.request(c->core->options.arg, x, &x->request);
}

void http_connection_refuse(struct http_connection *c, struct http_exchange *x,
                            int status)
{
    static const struct {
        int status;
        const char *code, *detail;
    } refusals[] = {
        {400, "malformed_request", "The request is not proper HTTP/1.1."},
        {408, "request_timeout", "The request took too long to arrive."},
        {413, "body_too_large", "The body is larger than this call takes."},
        {414, "target_too_long", "The request target is too long."},
        {417, "expectation_failed", "Only 100-continue can be expected."},
        {431, "head_too_large", "There are too many or too long fields."},
        {503, "too_many_connections", "Try again in a moment."},
        {501, "not_implemented", "The method or coding is not spoken here."},
        {505, "version_not_supported", "Only HTTP/1.1 and 1.0 are spoken."},
    };
    size_t i = 0;

    if (x == NULL) {
        struct http_head none = {.method = BYTES_LITERAL(""),
                                 .target = BYTES_LITERAL(""),
                                 .path = BYTES_LITERAL(""),
                                 .minor = 1,
                                 .content_length = -1};
        x = http_exchange_new(c, &none, BYTES_NONE);
        if (c->last == NULL)
            c->first = x;
        else
            c->last->next = x;
        c->last = x;
        c->line_count++;
    }
    free(c->chunked);
    c->chunked = NULL;
    c->reading = NULL;
    c->phase = HTTP_PHASE_DISCARD;
    x->stage = HTTP_STAGE_OPEN;
    x->keep_alive = false;
    x->continue_due = false;
    if (c->core->refused != NULL)
        metric_add(c->core->refused, 1);
    if (status == 503)
        http_add_header(x, "Retry-After", "1");
    while (refusals[i].status != status)
        CHECK(++i < sizeof(refusals) / sizeof(refusals[0]));
    http_reply_problem(x, status, refusals[i].code, NULL, refusals[i].detail);
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
        advance(c);
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
static void advance(struct http_connection *c)
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
    if (c->phase != HTTP_PHASE_HELD || c->resuming || is_full(c))
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
    advance(c);
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
