/*
 * schemas/json_value.c: walks a JSON text that was proven good.
 *
 * A string is skipped by its closing quote and a container by counting
 * brackets; nothing here can run past the end, because json_parse() saw it.
 *
 *   {"a":[1,"x"],"b":2}
 *        ^------^            json_next() gives a = [1,"x"], skipped as a whole
 *
 * From: schemas/json.c, which proved the text.
 * To:   whoever asked for the values.
 */
#include "schemas/json.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/utf8.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

enum json_type json_type_of(uint8_t first)
{
    switch (first) {
    case 'n':
        return JSON_NULL;
    case 'f':
        return JSON_FALSE;
    case 't':
        return JSON_TRUE;
    case '"':
        return JSON_STRING;
    case '[':
        return JSON_ARRAY;
    case '{':
        return JSON_OBJECT;
    default:
        return JSON_NUMBER;
    }
}

static const uint8_t *past_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* `at` is on the opening quote; the closing one is known to be there. */
static const uint8_t *past_string(const uint8_t *at)
{
    for (at++;; at++) {
        const uint8_t *before;

        at = rawmemchr(at, '"');
        for (before = at; before[-1] == '\\'; before--)
            continue;
        /* After an even number of backslashes the quote is not escaped. */
        if ((at - before) % 2 == 0)
            return at + 1;
    }
}

static const uint8_t *past_container(const uint8_t *at)
{
    int depth = 0;

    do {
        if (*at == '"') {
            at = past_string(at);
            continue;
        }
        if (*at == '[' || *at == '{')
            depth++;
        else if (*at == ']' || *at == '}')
            depth--;
        at++;
    } while (depth > 0);
    return at;
}

static const uint8_t *past_value(const uint8_t *at, const uint8_t *end)
{
    if (*at == '"')
        return past_string(at);
    if (*at == '[' || *at == '{')
        return past_container(at);
    while (at < end && *at != ',' && *at != ']' && *at != '}' && !is_space(*at))
        at++;
    return at;
}

struct json_walk json_walk(struct json_value container)
{
    struct json_walk w = {0};

    if (container.type != JSON_ARRAY && container.type != JSON_OBJECT)
        return w;
    w.at = container.raw.data + 1;
    w.end = container.raw.data + container.raw.count - 1;
    w.object = container.type == JSON_OBJECT;
    w.at = past_space(w.at, w.end);
    return w;
}

static struct json_value take_value(struct json_walk *w)
{
    const uint8_t *first = past_space(w->at, w->end);

    w->at = past_value(first, w->end);
    return (struct json_value){json_type_of(*first),
                               bytes_of(first, (size_t)(w->at - first))};
}

/* Past one separator, if it is there, and the space around it. */
static void skip_separator(struct json_walk *w, uint8_t c)
{
    w->at = past_space(w->at, w->end);
    if (w->at < w->end && *w->at == c)
        w->at = past_space(w->at + 1, w->end);
}

bool json_next(struct json_walk *w, struct json_value *out_name,
               struct json_value *out_value)
{
    struct json_value name = {JSON_ABSENT, BYTES_NONE};

    if (w->at == w->end)
        return false;
    if (w->object) {
        name = take_value(w);
        skip_separator(w, ':');
    }
    *out_value = take_value(w);
    skip_separator(w, ',');
    if (out_name != NULL)
        *out_name = name;
    return true;
}

/* The contents of a string, still escaped. */
static struct bytes inside(struct json_value v)
{
    return bytes_of(v.raw.data + 1, v.raw.count - 2);
}

/* One code point of a string, as UTF-8; returns how many bytes. */
static size_t unescape(const uint8_t **at, const uint8_t *end, uint8_t out[4])
{
    uint8_t c = *(*at)++;

    if (c != '\\') {
        out[0] = c;
        return 1;
    }
    c = *(*at)++;
    switch (c) {
    case 'b':
        out[0] = '\b';
        return 1;
    case 'f':
        out[0] = '\f';
        return 1;
    case 'n':
        out[0] = '\n';
        return 1;
    case 'r':
        out[0] = '\r';
        return 1;
    case 't':
        out[0] = '\t';
        return 1;
    case 'u':
        return utf8_encode((uint32_t)utf8_read_escape(at, end), out);
    default:
        out[0] = c;
        return 1;
    }
}

bool json_is_text(struct json_value v, const char *text)
{
    struct bytes in;
    const uint8_t *at, *end;
    size_t pos = 0, count = strlen(text);

    if (v.type != JSON_STRING)
        return false;
    in = inside(v);
    at = in.data;
    end = in.data + in.count;
    while (at < end) {
        uint8_t point[4];
        size_t bytes = unescape(&at, end, point);

        if (bytes > count - pos || memcmp(text + pos, point, bytes) != 0)
            return false;
        pos += bytes;
    }
    return pos == count;
}

int json_plain(struct json_value v, struct bytes *out)
{
    struct bytes in;

    if (v.type != JSON_STRING)
        return FAIL_MALFORMED;
    in = inside(v);
    if (memchr(in.data, '\\', in.count) != NULL)
        return FAIL_UNSUPPORTED;
    *out = in;
    return 0;
}

int json_unescape(struct json_value v, uint8_t *out, size_t out_max,
                  size_t *out_count)
{
    struct bytes in;
    const uint8_t *at, *end;
    size_t pos = 0;

    if (v.type != JSON_STRING)
        return FAIL_MALFORMED;
    in = inside(v);
    at = in.data;
    end = in.data + in.count;
    while (at < end) {
        uint8_t point[4];
        size_t bytes = unescape(&at, end, point);

        if (bytes > out_max - pos)
            return FAIL_TOO_BIG;
        memcpy(out + pos, point, bytes);
        pos += bytes;
    }
    *out_count = pos;
    return 0;
}

/* Digits that RFC 8259 already proved to have no leading zero. */
static int read_digits(struct bytes digits, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits.count; i++) {
        uint64_t digit = (uint64_t)digits.data[i] - '0';

        if (digit > 9)
            return FAIL_MALFORMED;
        if (value > (max - digit) / 10)
            return FAIL_TOO_BIG;
        value = value * 10 + digit;
    }
    *out = value;
    return 0;
}

int json_uint64(struct json_value v, uint64_t *out)
{
    if (v.type != JSON_NUMBER)
        return FAIL_MALFORMED;
    return read_digits(v.raw, UINT64_MAX, out);
}

int json_int64(struct json_value v, int64_t *out)
{
    struct bytes digits = v.raw;
    uint64_t value;
    bool minus;
    int rc;

    if (v.type != JSON_NUMBER)
        return FAIL_MALFORMED;
    minus = digits.data[0] == '-';
    if (minus)
        digits = bytes_slice(digits, 1, digits.count - 1);
    rc = read_digits(digits, (uint64_t)INT64_MAX + (minus ? 1 : 0), &value);
    if (rc < 0)
        return rc;
    if (minus && value == 0)
        return FAIL_MALFORMED;
    *out = (int64_t)(minus ? 0 - value : value);
    return 0;
}

int json_member(struct json_value object, const char *name,
                struct json_value *out)
{
    return json_members(object, &name, 1, false, out);
}

static size_t find_name(struct json_value name, const char *const *names,
                        size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (json_is_text(name, names[i]))
            break;
    }
    return i;
}

int json_members(struct json_value object, const char *const *names,
                 size_t count, bool strict, struct json_value *out)
{
    struct json_value name, value;
    struct json_walk w;

    if (object.type != JSON_OBJECT)
        return FAIL_MALFORMED;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct json_value){JSON_ABSENT, BYTES_NONE};
    for (w = json_walk(object); json_next(&w, &name, &value);) {
        size_t i = find_name(name, names, count);

        if (i == count && strict)
            return FAIL_UNSUPPORTED;
        if (i == count)
            continue;
        if (out[i].type != JSON_ABSENT)
            return FAIL_MALFORMED;
        out[i] = value;
    }
    return 0;
}
