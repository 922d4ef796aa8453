/*
 * consumer/base/http_connection.c: bytes in, requests out.
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
 * To:   the application through struct http_options; its answers come back by
 *       way of consumer/base/http_answer.c and leave by http_line.c.
 */
#include "consumer/base/http_connection.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "consumer/base/clock.h"
#include "consumer/base/metrics.h"

/* One read beyond a head: what may wait while the line is full. */
#define KEPT_BYTES_MAX (HTTP_HEAD_BYTES_MAX + 2 * 65536)

static void parse(struct http_connection *c);
static bool read_head(struct http_connection *c);
static void take_head(struct http_connection *c, size_t count);
static void begin_body(struct http_connection *c, struct http_exchange *x,
                       const struct http_head *head, size_t limit);
static bool read_body(struct http_connection *c);
static bool read_chunks(struct http_connection *c);
static void dispatch(struct http_connection *c, struct http_exchange *x);

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
    if (c->phase != HTTP_PHASE_HELD || http_line_is_full(c))
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

/* One head, or the start of one. Returns whether there is more to parse. */
static bool read_head(struct http_connection *c)
{
    if (c->scan.pos == 0 && http_line_is_full(c)) {
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
    http_line_add(c, x);
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
        http_line_advance(c);
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
        http_line_add(c, x);
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
