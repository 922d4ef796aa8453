/*
 * consumer/base/http_head.c: scan and parser of a request head.
 *
 *   POST /v1/transactions HTTP/1.1 CRLF      request line, at most 4 KiB target
 *   Host: tidemill.example CRLF              exactly one
 *   Content-Length: 110 CRLF                 or Transfer-Encoding, never both
 *   CRLF
 *
 * What two programs could read differently is refused, because the other
 * program may be a proxy in front of us: that is how requests are smuggled.
 * Hence no bare LF or CR, no folded lines, no space before a colon, no TAB
 * beside a length, no second length, no name that only looks like one.
 *
 * From: consumer/base/http_connection.c, with the bytes of a connection.
 * To:   consumer/base/http_target.c, which reads the target and the Host.
 */
#include "consumer/base/http_head.h"

#include <string.h>

#include "consumer/base/http_target.h"

enum {
    TOKEN = 1, /* may be in a token */
    TEXT = 2   /* may be in a line: no control byte but TAB */
};

static const uint8_t classes[256] = {
    ['\t'] = TEXT,
    [' '] = TEXT,
    ['!'] = TEXT | TOKEN,
    ['"'] = TEXT,
    ['#' ... '\''] = TEXT | TOKEN,
    ['('] = TEXT,
    [')'] = TEXT,
    ['*'] = TEXT | TOKEN,
    ['+'] = TEXT | TOKEN,
    [','] = TEXT,
    ['-'] = TEXT | TOKEN,
    ['.'] = TEXT | TOKEN,
    ['/'] = TEXT,
    ['0' ... '9'] = TEXT | TOKEN,
    [':' ... '@'] = TEXT,
    ['A' ... 'Z'] = TEXT | TOKEN,
    ['[' ... ']'] = TEXT,
    ['^' ... 'z'] = TEXT | TOKEN,
    ['{'] = TEXT,
    ['|'] = TEXT | TOKEN,
    ['}'] = TEXT,
    ['~'] = TEXT | TOKEN,
    [0x80 ... 0xff] = TEXT,
};

/* What the request line may have beside its target. */
#define METHOD_BYTES_MAX 32
#define LINE_BYTES_MAX                                                         \
    (METHOD_BYTES_MAX + 1 + HTTP_TARGET_BYTES_MAX + sizeof(" HTTP/1.1\r\n") - 1)

static int scan_line_end(struct http_scan *s);
static int scan_limits(const struct http_scan *s);
static int parse_request_line(struct bytes line, struct http_head *h);
static int parse_version(struct bytes version, struct http_head *h);
static int parse_field(struct bytes line, struct http_head *h,
                       size_t *host_count, bool *te);
static int read_framing(const struct http_field *f, bool tab,
                        struct http_head *h, bool *te);
static int read_length(struct bytes value, struct http_head *h);
static int read_encoding(struct bytes value, struct http_head *h);
static void read_connection(struct bytes value, bool *close, bool *upgrade);

bool http_is_token_byte(uint8_t byte)
{
    return (classes[byte] & TOKEN) != 0;
}

int http_scan(struct http_scan *s, struct bytes received)
{
    while (s->pos < received.count) {
        uint8_t byte = received.data[s->pos++];
        int rc;

        if (s->cr) {
            if (byte != '\n')
                return -400;
            s->cr = false;
            rc = scan_line_end(s);
            if (rc != 0)
                return rc;
            continue;
        }
        if (byte == '\r')
            s->cr = true;
        else if ((classes[byte] & TEXT) == 0)
            return -400;
        rc = scan_limits(s);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* CRLF was read: the head may end here. */
static int scan_line_end(struct http_scan *s)
{
    bool empty = s->pos - s->line == 2;

    s->line = s->pos;
    if (!empty) {
        s->line_count++;
        return s->line_count > HTTP_HEADERS_MAX + 1 ? -431 : 0;
    }
    if (s->line_count > 0)
        return (int)s->pos;
    /* RFC 9112 2.2: one empty line before a request is an old client's. */
    if (s->blank)
        return -400;
    s->blank = true;
    return 0;
}

static int scan_limits(const struct http_scan *s)
{
    size_t line = s->pos - s->line;

    if (s->line_count == 0)
        return line > LINE_BYTES_MAX ? -414 : 0;
    if (line > HTTP_FIELD_BYTES_MAX || s->pos > HTTP_HEAD_BYTES_MAX)
        return -431;
    return 0;
}

/* Takes one line from the front of `*rest`; the scan has seen every CRLF. */
static struct bytes take_line(struct bytes *rest)
{
    const uint8_t *lf = memchr(rest->data, '\n', rest->count);
    size_t count;

    CHECK(lf != NULL && lf > rest->data && lf[-1] == '\r');
    count = (size_t)(lf - rest->data) - 1;
    struct bytes line = bytes_of(rest->data, count);
    *rest = bytes_of(lf + 1, rest->count - count - 2);
    return line;
}

int http_head_parse(struct bytes head, struct http_head *out_head)
{
    struct bytes rest = head;
    size_t host_count = 0;
    bool te = false;
    int rc;

    out_head->field_count = 0;
    out_head->content_length = -1;
    out_head->chunked = false;
    out_head->expect_continue = false;
    out_head->host = BYTES_NONE;

    if (rest.data[0] == '\r')
        take_line(&rest);
    rc = parse_request_line(take_line(&rest), out_head);
    if (rc < 0)
        return rc;
    bool close = out_head->minor == 0;
    bool upgrade = false, upgrade_named = false;

    for (;;) {
        struct bytes line = take_line(&rest);
        if (line.count == 0)
            break;
        rc = parse_field(line, out_head, &host_count, &te);
        if (rc < 0)
            return rc;
        const struct http_field *f =
            &out_head->fields[out_head->field_count - 1];
        if (bytes_equal_text_any_case(f->name, "connection"))
            read_connection(f->value, &close, &upgrade);
        else if (bytes_equal_text_any_case(f->name, "upgrade"))
            upgrade_named = true;
    }
    out_head->keep_alive = !close;
    out_head->upgrade = upgrade && upgrade_named && out_head->minor == 1;

    if (te && (out_head->content_length >= 0 || out_head->minor == 0))
        return -400;
    if (host_count > 1 || (host_count == 0 && out_head->minor == 1))
        return -400;
    return http_target_split(out_head);
}

static int parse_request_line(struct bytes line, struct http_head *h)
{
    const uint8_t *end = line.data + line.count;
    const uint8_t *at = line.data;

    while (at < end && http_is_token_byte(*at))
        at++;
    h->method = bytes_of(line.data, (size_t)(at - line.data));
    if (at == end || *at != ' ' || h->method.count == 0)
        return -400;
    if (h->method.count > METHOD_BYTES_MAX)
        return -501;
    const uint8_t *target = ++at;
    at = memchr(target, ' ', (size_t)(end - target));
    if (at == NULL || at == target)
        return -400;
    h->target = bytes_of(target, (size_t)(at - target));
    if (h->target.count > HTTP_TARGET_BYTES_MAX)
        return -414;
    return parse_version(bytes_of(at + 1, (size_t)(end - at - 1)), h);
}

/* "HTTP/" digit "." digit, and only 1.1 and 1.0 are spoken here. */
static int parse_version(struct bytes version, struct http_head *h)
{
    const uint8_t *v = version.data;

    if (version.count != 8 || memcmp(v, "HTTP/", 5) != 0 || v[6] != '.' ||
        v[5] < '0' || v[5] > '9' || v[7] < '0' || v[7] > '9')
        return -400;
    if (v[5] != '1' || v[7] > '1')
        return -505;
    h->minor = v[7] - '0';
    return 0;
}

int http_field_parse(struct bytes line, struct http_field *out_field,
                     bool *out_tab)
{
    size_t pos = 0, end = line.count;

    while (pos < end && http_is_token_byte(line.data[pos]))
        pos++;
    /* Also refuses a folded line, an empty name, a space before the colon. */
    if (pos == 0 || pos == end || line.data[pos] != ':')
        return -400;
    out_field->name = bytes_of(line.data, pos);
    *out_tab = false;
    for (pos++; pos < end; pos++) {
        if (line.data[pos] == '\t')
            *out_tab = true;
        else if (line.data[pos] != ' ')
            break;
    }
    for (; end > pos; end--) {
        if (line.data[end - 1] == '\t')
            *out_tab = true;
        else if (line.data[end - 1] != ' ')
            break;
    }
    out_field->value = bytes_of(line.data + pos, end - pos);
    return 0;
}

static int parse_field(struct bytes line, struct http_head *h,
                       size_t *host_count, bool *te)
{
    struct http_field *f = &h->fields[h->field_count];
    bool tab;
    int rc = http_field_parse(line, f, &tab);

    if (rc < 0)
        return rc;
    CHECK(h->field_count < HTTP_HEADERS_MAX);
    h->field_count++;
    switch (f->name.count) {
    case 4:
        if (bytes_equal_text_any_case(f->name, "host")) {
            h->host = f->value;
            ++*host_count;
        }
        return 0;
    case 6:
        if (!bytes_equal_text_any_case(f->name, "expect"))
            return 0;
        /* RFC 9110 10.1.1: a 1.0 client cannot mean it. */
        if (h->minor == 0)
            return 0;
        if (!bytes_equal_text_any_case(f->value, "100-continue"))
            return -417;
        h->expect_continue = true;
        return 0;
    case 14:
    case 17:
        return read_framing(f, tab, h, te);
    default:
        return 0;
    }
}

/* Content-Length and Transfer-Encoding, and what only looks like them. */
static int read_framing(const struct http_field *f, bool tab,
                        struct http_head *h, bool *te)
{
    if (bytes_equal_text_any_case(f->name, "content_length") ||
        bytes_equal_text_any_case(f->name, "transfer_encoding"))
        return -400;
    if (bytes_equal_text_any_case(f->name, "content-length")) {
        if (tab || h->content_length >= 0)
            return -400;
        return read_length(f->value, h);
    }
    if (bytes_equal_text_any_case(f->name, "transfer-encoding")) {
        if (tab || *te)
            return -400;
        *te = true;
        return read_encoding(f->value, h);
    }
    return 0;
}

/* Digits only, no zero in front, at most 18 of them. */
static int read_length(struct bytes value, struct http_head *h)
{
    int64_t length = 0;

    if (value.count == 0 || (value.data[0] == '0' && value.count > 1))
        return -400;
    for (size_t i = 0; i < value.count; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || i >= 18)
            return -400;
        length = length * 10 + (value.data[i] - '0');
    }
    h->content_length = length;
    return 0;
}

/* Exactly "chunked". Another coding is 501, which closes as well. */
static int read_encoding(struct bytes value, struct http_head *h)
{
    if (bytes_equal_text_any_case(value, "chunked")) {
        h->chunked = true;
        return 0;
    }
    if (value.count == 0)
        return -400;
    for (size_t i = 0; i < value.count; i++)
        if (!http_is_token_byte(value.data[i]) && value.data[i] != ',' &&
            value.data[i] != ' ')
            return -400;
    return -501;
}

static void read_connection(struct bytes value, bool *close, bool *upgrade)
{
    if (http_list_has(value, "close"))
        *close = true;
    if (http_list_has(value, "upgrade"))
        *upgrade = true;
}
