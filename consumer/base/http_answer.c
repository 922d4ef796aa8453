/*
 * consumer/base/http_answer.c: answers, whole or in pieces.
 *
 * Each is put together in the server's scratch buffer and handed to the
 * connection, which writes it or keeps it until its turn. An exchange without a
 * connection takes every call and sends nothing.
 *
 * From: the application, once for each exchange.
 * To:   consumer/base/http_connection.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consumer/base/http_connection.h"
#include "consumer/base/metrics.h"

/* 16 digits and CRLF in front of a shared piece. */
#define SHARED_HEAD_BYTES 18
/* A head without what the application adds: status line 64, date 37, id 80,
 * timing 48, length 48, connection 19, and some air. */
#define HEAD_BYTES_MAX 512
/* How old a date may be. */
#define DATE_NS 200000000

static void put_head(struct http_exchange *x, int status,
                     const char *content_type, struct bytes extra_headers,
                     const char *framing, size_t length);
static char *put_date(struct http_core *core, int64_t now_ns, char *at);
static char *put_timing(struct http_exchange *x, int64_t now_ns, char *at);
static void put_json(struct buffer *out, const char *name, const char *value);
static int can_send(struct http_exchange *x, size_t count);

static bool is_live(const struct http_exchange *x)
{
    return x->connection != NULL && x->connection->phase != HTTP_PHASE_OVER;
}

bool http_gone(const struct http_exchange *x)
{
    return !is_live(x);
}

void http_on_gone(struct http_exchange *x, void (*gone)(void *arg), void *arg)
{
    x->gone = gone;
    x->gone_arg = arg;
}

void http_on_drained(struct http_exchange *x, void (*drained)(void *arg),
                     void *arg)
{
    x->drained = drained;
    x->drained_arg = arg;
}

void http_add_header(struct http_exchange *x, const char *name,
                     const char *value)
{
    size_t count = strlen(value);
    size_t before = x->added.count;

    buffer_append_text(&x->added, name);
    buffer_append_text(&x->added, ": ");
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)value[i];
        buffer_append_byte(&x->added, byte < 0x20 || byte == 0x7f ? ' ' : byte);
    }
    buffer_append_text(&x->added, "\r\n");
    if (x->added.overflow) {
        x->added.count = before;
        x->added.overflow = false;
    }
}

void http_reply(struct http_exchange *x, int status, const char *content_type,
                struct bytes extra_headers, struct bytes body)
{
    bool bodyless = status == 204 || status == 304;

    CHECK(x->stage == HTTP_STAGE_OPEN);
    CHECK(status >= 200 && status <= 599);
    if (is_live(x)) {
        put_head(x, status, content_type, extra_headers,
                 bodyless ? NULL : "Content-Length: ", body.count);
        if (bodyless || x->head_only)
            body = BYTES_NONE;
        http_connection_write(x, buffer_bytes(&x->connection->core->scratch),
                              body);
    }
    http_connection_answered(x);
}

void http_reply_text(struct http_exchange *x, int status, const char *text)
{
    http_reply(x, status, "text/plain; charset=utf-8", BYTES_NONE,
               bytes_text(text));
}

void http_reply_problem(struct http_exchange *x, int status, const char *code,
                        const char *title, const char *detail)
{
    struct buffer body;

    buffer_init(&body, 8192);
    buffer_append_text(&body, "{\"title\":");
    put_json(&body, NULL, title ? title : http_status_words(status));
    buffer_append_format(&body, ",\"status\":%d", status);
    put_json(&body, "code", code);
    if (detail != NULL)
        put_json(&body, "detail", detail);
    buffer_append_text(&body, "}\n");
    http_reply(x, status, "application/problem+json", BYTES_NONE,
               buffer_bytes(&body));
    buffer_fini(&body);
}

/* ,"name":"value" or, without a name, "value". Long values are cut. */
static void put_json(struct buffer *out, const char *name, const char *value)
{
    if (name != NULL)
        buffer_append_format(out, ",\"%s\":", name);
    buffer_append_byte(out, '"');
    for (size_t i = 0; value[i] != '\0' && i < 1024; i++) {
        uint8_t byte = (uint8_t)value[i];
        if (byte == '"' || byte == '\\')
            buffer_append_format(out, "\\%c", byte);
        else if (byte < 0x20)
            buffer_append_format(out, "\\u%04x", byte);
        else
            buffer_append_byte(out, byte);
    }
    buffer_append_byte(out, '"');
}

void http_reply_begin(struct http_exchange *x, int status,
                      const char *content_type, struct bytes extra_headers)
{
    CHECK(x->stage == HTTP_STAGE_OPEN);
    x->stage = HTTP_STAGE_STREAMING;
    x->framed = x->request.minor == 1;
    if (!x->framed)
        x->keep_alive = false;
    if (!is_live(x))
        return;
    put_head(x, status, content_type, extra_headers,
             x->framed ? "Transfer-Encoding: chunked\r\n" : NULL, SIZE_MAX);
    http_connection_write(x, buffer_bytes(&x->connection->core->scratch),
                          BYTES_NONE);
}

size_t http_reply_queued(const struct http_exchange *x)
{
    if (!is_live(x))
        return 0;
    if (x->connection->first != x)
        return x->out.count;
    return x->connection->core->wire->queued(x->connection->wire);
}

/* 0, FAIL_FULL or FAIL_GONE. One piece larger than the limit may go alone. */
static int can_send(struct http_exchange *x, size_t count)
{
    CHECK(x->stage == HTTP_STAGE_STREAMING);
    if (!is_live(x))
        return FAIL_GONE;
    size_t queued = http_reply_queued(x);
    size_t most = x->connection->core->options.answer_bytes_max;
    if (queued > 0 && (queued > most || count > most - queued))
        return FAIL_FULL;
    return 0;
}

int http_reply_chunk(struct http_exchange *x, struct bytes piece)
{
    int rc = can_send(x, piece.count);

    if (rc < 0 || piece.count == 0 || x->head_only)
        return rc;
    if (!x->framed) {
        http_connection_write(x, piece, BYTES_NONE);
        return 0;
    }
    struct buffer *scratch = &x->connection->core->scratch;
    buffer_clear(scratch);
    buffer_append_format(scratch, "%zx\r\n", piece.count);
    buffer_append_bytes(scratch, piece);
    buffer_append_text(scratch, "\r\n");
    http_connection_write(x, buffer_bytes(scratch), BYTES_NONE);
    return 0;
}

/* A shared piece is framed with 16 digits, so that the frame has one length:
 * a client of HTTP/1.0 gets it without. */
struct chunk *http_shared_new(struct bytes piece)
{
    CHECK(piece.count > 0);
    struct chunk *c = chunk_blank(SHARED_HEAD_BYTES + piece.count + 2);
    uint8_t *at = chunk_space(c);
    char head[SHARED_HEAD_BYTES + 1];

    snprintf(head, sizeof(head), "%016zx\r\n", piece.count);
    memcpy(at, head, SHARED_HEAD_BYTES);
    memcpy(at + SHARED_HEAD_BYTES, piece.data, piece.count);
    memcpy(at + SHARED_HEAD_BYTES + piece.count, "\r\n", 2);
    return c;
}

int http_reply_shared(struct http_exchange *x, struct chunk *chunk)
{
    struct bytes all = chunk_bytes(chunk);
    struct bytes piece =
        bytes_slice(all, SHARED_HEAD_BYTES, all.count - SHARED_HEAD_BYTES - 2);
    int rc = can_send(x, piece.count);

    if (rc < 0 || x->head_only)
        return rc;
    struct http_connection *c = x->connection;
    if (!x->framed || c->first != x) {
        http_connection_write(x, x->framed ? all : piece, BYTES_NONE);
        return 0;
    }
    if (c->core->corked == c)
        http_connection_uncork(c);
    c->core->wire->share(c->wire, chunk);
    return 0;
}

void http_reply_end(struct http_exchange *x)
{
    CHECK(x->stage == HTTP_STAGE_STREAMING);
    if (is_live(x) && x->framed && !x->head_only)
        http_connection_write(x, BYTES_LITERAL("0\r\n\r\n"), BYTES_NONE);
    http_connection_answered(x);
}

void http_reply_abort(struct http_exchange *x)
{
    CHECK(x->stage == HTTP_STAGE_OPEN || x->stage == HTTP_STAGE_STREAMING);
    x->keep_alive = false;
    x->broken = true;
    http_connection_answered(x);
}

struct stream *http_upgrade(struct http_exchange *x, struct bytes head)
{
    struct http_connection *c = x->connection;

    CHECK(x->stage == HTTP_STAGE_OPEN);
    if (!is_live(x) || c->eof || c->first != x || x->next != NULL ||
        x->request.has_body)
        return NULL;
    if (c->core->corked == c)
        http_connection_uncork(c);
    struct bytes rest = c->parsing ? c->input : buffer_bytes(&c->kept);
    struct stream *s = c->core->wire->take(c->wire, head, rest);
    if (s == NULL)
        return NULL;
    c->phase = HTTP_PHASE_OVER;
    c->first = c->last = NULL;
    c->line_count = 0;
    c->core->requests--;
    http_exchange_free(x);
    return s;
}

static char *put(char *at, const void *data, size_t count)
{
    memcpy(at, data, count);
    return at + count;
}

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t pos = sizeof(digits);

    do {
        digits[--pos] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, digits + pos, sizeof(digits) - pos);
}

/*
 * The head of an answer, in the scratch buffer. `framing` is whole, or takes
 * `length` behind it. It is written once for every request, so by hand.
 */
static void put_head(struct http_exchange *x, int status,
                     const char *content_type, struct bytes extra_headers,
                     const char *framing, size_t length)
{
    struct http_core *core = x->connection->core;
    struct buffer *out = &core->scratch;
    size_t type_count = content_type ? strlen(content_type) : 0;
    int64_t now = core->now_ns();

    if (core->answers != NULL)
        metric_add(core->answers, 1);
    buffer_clear(out);
    char *from =
        (char *)buffer_reserve(out, HEAD_BYTES_MAX + type_count +
                                        extra_headers.count + x->added.count);
    char *at = put_text(from, "HTTP/1.1 ");
    at = put_number(at, (uint64_t)status);
    at = put_text(at, " ");
    at = put_text(at, http_status_words(status));
    at = put_text(at, "\r\nDate: ");
    at = put_date(core, now, at);
    at = put_text(at, "\r\nX-Request-Id: ");
    at = put_text(at, x->request.request_id);
    at = put_timing(x, now, at);
    if (content_type != NULL) {
        at = put_text(at, "Content-Type: ");
        at = put(at, content_type, type_count);
        at = put_text(at, "\r\n");
    }
    if (framing != NULL)
        at = put_text(at, framing);
    if (framing != NULL && length != SIZE_MAX) {
        at = put_number(at, length);
        at = put_text(at, "\r\n");
    }
    if (extra_headers.count > 0)
        at = put(at, extra_headers.data, extra_headers.count);
    if (x->added.count > 0)
        at = put(at, x->added.data, x->added.count);
    if (!x->keep_alive)
        at = put_text(at, "Connection: close\r\n");
    at = put_text(at, "\r\n");
    buffer_commit(out, (size_t)(at - from));
}

/* The date changes once a second; the clock is not asked more often. */
static char *put_date(struct http_core *core, int64_t now_ns, char *at)
{
    if (core->date[0] == '\0' || now_ns - core->date_ns > DATE_NS) {
        time_t now = (time_t)(core->wall_ms() / 1000);
        struct tm tm;
        gmtime_r(&now, &tm);
        strftime(core->date, sizeof(core->date), "%a, %d %b %Y %H:%M:%S GMT",
                 &tm);
        core->date_ns = now_ns;
    }
    return put_text(at, core->date);
}

/* How long the request was with us, in milliseconds. */
static char *put_timing(struct http_exchange *x, int64_t now_ns, char *at)
{
    uint64_t us = (uint64_t)(now_ns - x->request.started_ns) / 1000;

    at = put_text(at, "\r\nServer-Timing: app;dur=");
    at = put_number(at, us / 1000);
    *at++ = '.';
    *at++ = (char)('0' + us / 100 % 10);
    *at++ = (char)('0' + us / 10 % 10);
    *at++ = (char)('0' + us % 10);
    return put_text(at, "\r\n");
}

const char *http_status_words(int status)
{
    static const struct {
        int status;
        const char *words;
    } list[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {207, "Multi-Status"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {425, "Too Early"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (list[i].status == status)
            return list[i].words;
    return "";
}
