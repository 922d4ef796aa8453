/*
 * consumer/base/http_chunked.c: one byte after the other, but for the data.
 *
 *   5;name="value" CRLF SIZE, EXTENSION, SIZE_LF
 *   hello CRLF          DATA, DATA_CR, DATA_LF
 *   0 CRLF              SIZE …
 *   Field: value CRLF   TRAILER, at most 2 KiB of them, checked and dropped
 *   CRLF                done
 *
 * From: consumer/base/http_connection.c.
 * To:   the same, which collects the pieces.
 */
#include "consumer/base/http_chunked.h"

#include <string.h>

#include "consumer/base/http_target.h"

enum { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, DONE };

static int read_size(struct http_chunked *c, uint8_t byte);
static int end_size(struct http_chunked *c, uint8_t byte);
static int read_extension(struct http_chunked *c, uint8_t byte);
static int read_trailer(struct http_chunked *c, uint8_t byte);
static int check_trailer(struct bytes line);

void http_chunked_init(struct http_chunked *c, uint64_t limit)
{
    memset(c, 0, offsetof(struct http_chunked, line));
    c->limit = limit;
}

/* What one byte outside the data does: 0, 1 when the body is whole, -status. */
static int step(struct http_chunked *c, uint8_t byte)
{
    switch (c->state) {
    case SIZE:
        return read_size(c, byte);
    case EXTENSION:
        return read_extension(c, byte);
    case SIZE_LF:
        if (byte != '\n')
            return -400;
        c->state = c->left > 0 ? DATA : TRAILER;
        return 0;
    case DATA_CR:
        c->state = DATA_LF;
        return byte == '\r' ? 0 : -400;
    case DATA_LF:
        c->state = SIZE;
        c->digits = 0;
        return byte == '\n' ? 0 : -400;
    case TRAILER:
        return read_trailer(c, byte);
    default:
        CHECK(c->state != DATA && c->state != DONE);
        return -400;
    }
}

int http_chunked_read(struct http_chunked *c, struct bytes *in,
                      struct bytes *out_piece)
{
    *out_piece = BYTES_NONE;
    while (in->count > 0) {
        if (c->state == DATA) {
            size_t count = in->count < c->left ? in->count : (size_t)c->left;
            *out_piece = bytes_slice(*in, 0, count);
            *in = bytes_slice(*in, count, in->count);
            c->left -= count;
            if (c->left == 0)
                c->state = DATA_CR;
            return 0;
        }
        int rc = step(c, in->data[0]);
        *in = bytes_slice(*in, 1, in->count);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int read_size(struct http_chunked *c, uint8_t byte)
{
    int digit = http_hex_digit(byte);

    if (digit < 0)
        return end_size(c, byte);
    if (++c->digits > 16)
        return -400;
    c->left =
        c->digits == 1 ? (uint64_t)digit : (c->left << 4) + (uint64_t)digit;
    return 0;
}

static int end_size(struct http_chunked *c, uint8_t byte)
{
    if (c->digits == 0 || (byte != '\r' && byte != ';'))
        return -400;
    if (c->left > c->limit - c->total)
        return -413;
    c->total += c->left;
    c->extension = 0;
    c->state = byte == ';' ? EXTENSION : SIZE_LF;
    return 0;
}

/* ;token=token;token="quoted \"string\"" */
static int read_extension(struct http_chunked *c, uint8_t byte)
{
    if ((byte < 0x20 && byte != '\r') || byte >= 0x7f)
        return -400;
    if (byte == '\r') {
        c->state = SIZE_LF;
        return c->quoted ? -400 : 0;
    }
    if (c->escaped)
        c->escaped = false;
    else if (c->quoted && byte == '\\')
        c->escaped = true;
    else if (byte == '"')
        c->quoted = !c->quoted;
    else if (!c->quoted && !http_is_token_byte(byte) && byte != '=' &&
             byte != ';')
        return -400;
    if (++c->extension > HTTP_EXTENSION_BYTES_MAX ||
        ++c->extensions > HTTP_EXTENSIONS_BYTES_MAX)
        return -400;
    return 0;
}

static int read_trailer(struct http_chunked *c, uint8_t byte)
{
    if (c->cr) {
        if (byte != '\n')
            return -400;
        c->cr = false;
        struct bytes line = bytes_of(c->line, c->line_count);
        c->line_count = 0;
        if (line.count == 0) {
            c->state = DONE;
            return 1;
        }
        return check_trailer(line);
    }
    if (byte == '\r') {
        c->cr = true;
        return 0;
    }
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
        return -400;
    if (++c->trailers > HTTP_TRAILER_BYTES_MAX ||
        c->line_count == sizeof(c->line))
        return -431;
    c->line[c->line_count++] = byte;
    return 0;
}

/* A trailer is dropped; one that would change the request is refused. */
static int check_trailer(struct bytes line)
{
    static const char *const refused[] = {
        "host",
        "content-length",
        "transfer-encoding",
        "content_length",
        "transfer_encoding",
        "authorization",
        "connection",
        "upgrade",
        "expect",
        "content-type",
        "content-encoding",
        "te",
        "trailer",
        "cookie",
    };
    struct http_field field;
    bool tab;

    if (http_field_parse(line, &field, &tab) < 0)
        return -400;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (bytes_equal_text_any_case(field.name, refused[i]))
            return -400;
    return 0;
}
