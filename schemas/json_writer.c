/*
 * schemas/json_writer.c: JSON onto a buffer.
 *
 * The writer remembers one bit for each open container: whether something is
 * in it already, which is where commas come from.
 *
 * From: producer/ (answers, problems), notifier/gateway/, deploy/ctl/.
 * To:   schemas/utf8.h, schemas/base/bytes.h.
 */
#include "schemas/json_writer.h"

#include <inttypes.h>
#include <math.h>

#include "schemas/hex.h"
#include "schemas/utf8.h"

void json_writer_init(struct json_writer *w, struct buffer *out)
{
    *w = (struct json_writer){.out = out};
}

static bool inside_object(const struct json_writer *w)
{
    return w->depth > 0 && (w->objects >> (w->depth - 1) & 1) != 0;
}

/* A comma, unless this is the first in its container. */
static void separate(struct json_writer *w)
{
    uint32_t bit;

    if (w->depth == 0)
        return;
    bit = UINT32_C(1) << (w->depth - 1);
    if ((w->filled & bit) != 0)
        buffer_append_byte(w->out, ',');
    w->filled |= bit;
}

/* Before every value: in an object its name is there, in an array a comma. */
static void begin(struct json_writer *w)
{
    if (inside_object(w)) {
        CHECK(w->named);
        w->named = false;
        return;
    }
    separate(w);
}

static void open_container(struct json_writer *w, bool object)
{
    begin(w);
    CHECK(w->depth < JSON_WRITER_DEPTH_MAX);
    buffer_append_byte(w->out, object ? '{' : '[');
    w->objects &= ~(UINT32_C(1) << w->depth);
    w->objects |= (uint32_t)object << w->depth;
    w->filled &= ~(UINT32_C(1) << w->depth);
    w->depth++;
}

void json_writer_object(struct json_writer *w)
{
    open_container(w, true);
}

void json_writer_array(struct json_writer *w)
{
    open_container(w, false);
}

void json_writer_end(struct json_writer *w)
{
    CHECK(w->depth > 0 && !w->named);
    buffer_append_byte(w->out, inside_object(w) ? '}' : ']');
    w->depth--;
}

void json_writer_name(struct json_writer *w, const char *name)
{
    CHECK(inside_object(w) && !w->named);
    separate(w);
    json_append_string(w->out, bytes_text(name));
    buffer_append_byte(w->out, ':');
    w->named = true;
}

void json_writer_text(struct json_writer *w, const char *text)
{
    json_writer_bytes(w, text == NULL ? BYTES_NONE : bytes_text(text));
}

void json_writer_bytes(struct json_writer *w, struct bytes text)
{
    begin(w);
    if (text.data == NULL)
        buffer_append_text(w->out, "null");
    else
        json_append_string(w->out, text);
}

void json_writer_int(struct json_writer *w, int64_t value)
{
    begin(w);
    buffer_append_format(w->out, "%" PRId64, value);
}

void json_writer_double(struct json_writer *w, double value)
{
    begin(w);
    /* JSON has no word for what is not a number. */
    if (isfinite(value))
        buffer_append_format(w->out, "%.15g", value);
    else
        buffer_append_text(w->out, "null");
}

void json_writer_bool(struct json_writer *w, bool value)
{
    begin(w);
    buffer_append_text(w->out, value ? "true" : "false");
}

void json_writer_null(struct json_writer *w)
{
    begin(w);
    buffer_append_text(w->out, "null");
}

void json_writer_hex(struct json_writer *w, struct bytes b)
{
    begin(w);
    if (b.data == NULL) {
        buffer_append_text(w->out, "null");
        return;
    }
    buffer_append_text(w->out, "\"0x");
    hex_append(w->out, b);
    buffer_append_byte(w->out, '"');
}

void json_writer_raw(struct json_writer *w, struct bytes json)
{
    begin(w);
    buffer_append_bytes(w->out, json);
}

/* A byte that may not stand in a string as it is. */
static void append_escape(struct buffer *out, uint8_t c)
{
    switch (c) {
    case '"':
    case '\\':
        buffer_append_byte(out, '\\');
        buffer_append_byte(out, c);
        return;
    case '\n':
        buffer_append_text(out, "\\n");
        return;
    case '\r':
        buffer_append_text(out, "\\r");
        return;
    case '\t':
        buffer_append_text(out, "\\t");
        return;
    default:
        buffer_append_format(out, "\\u%04x", c);
    }
}

static bool stands_as_it_is(uint8_t c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

void json_append_string(struct buffer *out, struct bytes text)
{
    const uint8_t *at = text.data;
    const uint8_t *end = text.count == 0 ? at : at + text.count;

    buffer_append_byte(out, '"');
    while (at < end) {
        const uint8_t *first = at;
        size_t count = 1;

        while (at < end && stands_as_it_is(*at) &&
               (count = utf8_count(at, end)) > 0)
            at += count;
        buffer_append(out, first, (size_t)(at - first));
        if (at == end)
            break;
        if (count == 0)
            buffer_append_text(out, "\xef\xbf\xbd");
        else
            append_escape(out, *at);
        at++;
    }
    buffer_append_byte(out, '"');
}
