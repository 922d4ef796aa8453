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
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consumer/base/http_connection.h"
#include "consumer/base/metrics.h"

#define CHUNK_MAGIC_BYTES 18 /* 16 digits and CRLF in front of a piece */

static void put_head(struct http_exchange *x, int status,
                     const char *content_type, struct bytes extra_headers,
                     const char *framing, size_t length);
static void put_date(struct http_core *core);
static void put_timing(struct http_exchange *x);
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
    struct chunk *c = chunk_blank(CHUNK_MAGIC_BYTES + piece.count + 2);
    uint8_t *at = chunk_space(c);
    char head[CHUNK_MAGIC_BYTES + 1];

    snprintf(head, sizeof(head), "%016zx\r\n", piece.count);
    memcpy(at, head, CHUNK_MAGIC_BYTES);
    memcpy(at + CHUNK_MAGIC_BYTES, piece.data, piece.count);
    memcpy(at + CHUNK_MAGIC_BYTES + piece.count, "\r\n", 2);
    return c;
}

int http_reply_shared(struct http_exchange *x, struct chunk *chunk)
{
    struct bytes all = chunk_bytes(chunk);
    struct bytes piece =
        bytes_slice(all, CHUNK_MAGIC_BYTES, all.count - CHUNK_MAGIC_BYTES - 2);
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

/* The head of an answer, in the scratch buffer. `framing` is whole, or takes
 * `length` behind it. */
static void put_head(struct http_exchange *x, int status,
                     const char *content_type, struct bytes extra_headers,
                     const char *framing, size_t length)
{
    struct http_core *core = x->connection->core;
    struct buffer *out = &core->scratch;

    if (core->answers != NULL)
        metric_add(core->answers, 1);
    buffer_clear(out);
    buffer_append_format(out, "HTTP/1.1 %d %s\r\nDate: ", status,
                         http_status_words(status));
    put_date(core);
    buffer_append_text(out, "\r\nX-Request-Id: ");
    buffer_append_text(out, x->request.request_id);
    put_timing(x);
    if (content_type != NULL) {
        buffer_append_text(out, "Content-Type: ");
        buffer_append_text(out, content_type);
        buffer_append_text(out, "\r\n");
    }
    if (framing != NULL) {
        buffer_append_text(out, framing);
        if (length != SIZE_MAX)
            buffer_append_format(out, "%zu\r\n", length);
    }
    buffer_append_bytes(out, extra_headers);
    buffer_append_bytes(out, buffer_bytes(&x->added));
    if (!x->keep_alive)
        buffer_append_text(out, "Connection: close\r\n");
    buffer_append_text(out, "\r\n");
}

static void put_date(struct http_core *core)
{
    int64_t second = core->wall_ms() / 1000;

    if (second != core->date_second) {
        time_t now = (time_t)second;
        struct tm tm;
        gmtime_r(&now, &tm);
        strftime(core->date, sizeof(core->date), "%a, %d %b %Y %H:%M:%S GMT",
                 &tm);
        core->date_second = second;
    }
    buffer_append_text(&core->scratch, core->date);
}

/* How long the request was with us, in milliseconds. */
static void put_timing(struct http_exchange *x)
{
    struct http_core *core = x->connection->core;
    int64_t us = (core->now_ns() - x->request.started_ns) / 1000;

    buffer_append_format(&core->scratch,
                         "\r\nServer-Timing: app;dur=%" PRId64 ".%03" PRId64
                         "\r\n",
                         us / 1000, us % 1000);
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
