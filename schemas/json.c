/*
 * schemas/json.c: proves that a text is JSON, byte by byte, once.
 *
 * There is no recursion and no memory: one bit for each open array or object
 * says what closes it. A text that passes is walked by schemas/json_value.c,
 * which trusts it and has no way to fail.
 *
 * From: producer/ (bodies, JSON-RPC), notifier/gateway/ (client frames),
 *       schemas/result.c.
 * To:   schemas/json_value.c, with a text that is good.
 */
#include "schemas/json.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/utf8.h"

struct scan {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    uint64_t objects; /* bit d: the container at depth d is an object */
    int depth;
    int depth_max;
    int rc;
    const char *why; /* NULL while all is well */
};

static bool fail(struct scan *s, int rc, const char *why)
{
    s->rc = rc;
    s->why = why;
    return false;
}

static bool refuse(struct scan *s, const char *why)
{
    return fail(s, FAIL_MALFORMED, why);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

/* Whether the next byte is `c`; if so, goes past it. */
static bool take(struct scan *s, uint8_t c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool take_digits(struct scan *s)
{
    const uint8_t *before = s->at;

    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return s->at > before;
}

static bool scan_number(struct scan *s)
{
    take(s, '-');
    if (!take(s, '0') && !take_digits(s))
        return refuse(s, "a number without digits");
    if (take(s, '.') && !take_digits(s))
        return refuse(s, "a number without digits after the point");
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        if (!take_digits(s))
            return refuse(s, "a number without digits in the exponent");
    }
    return true;
}

/* `at` is behind the backslash. */
static bool scan_escape(struct scan *s)
{
    if (s->at == s->end)
        return refuse(s, "a string without end");
    switch (*s->at++) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return true;
    case 'u':
        if (utf8_read_escape(&s->at, s->end) < 0)
            return refuse(s, "not a code point, or half of one");
        return true;
    default:
        return refuse(s, "an escape that does not exist");
    }
}

/* Printable ASCII other than quote and backslash, eight bytes at a time. */
static void skip_plain(struct scan *s)
{
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;

    while (s->end - s->at >= 8) {
        uint64_t word, quote, slash;

        memcpy(&word, s->at, 8);
        quote = word ^ ones * '"';
        slash = word ^ ones * '\\';
        /* A top bit rises where a byte is below 0x20, equal, or not ASCII. */
        if (((word | (word - ones * 0x20) | (quote - ones) | (slash - ones)) &
             tops) != 0)
            break;
        s->at += 8;
    }
    while (s->at < s->end && *s->at >= 0x20 && *s->at < 0x80 && *s->at != '"' &&
           *s->at != '\\')
        s->at++;
}

/* `at` is behind the opening quote; ends behind the closing one. */
static bool scan_string(struct scan *s)
{
    for (;;) {
        size_t count;

        skip_plain(s);
        if (s->at == s->end)
            return refuse(s, "a string without end");
        if (take(s, '"'))
            return true;
        if (take(s, '\\')) {
            if (!scan_escape(s))
                return false;
            continue;
        }
        if (*s->at < 0x20)
            return refuse(s, "a control character in a string");
        count = utf8_count(s->at, s->end);
        if (count == 0)
            return refuse(s, "not UTF-8");
        s->at += count;
    }
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t count = strlen(word);

    if ((size_t)(s->end - s->at) < count || memcmp(s->at, word, count) != 0)
        return refuse(s, "not a value");
    s->at += count;
    return true;
}

static bool inside_object(const struct scan *s)
{
    return (s->objects >> (s->depth - 1) & 1) != 0;
}

static bool scan_open(struct scan *s, bool object)
{
    if (s->depth == s->depth_max)
        return fail(s, FAIL_TOO_BIG, "nested too deeply");
    s->at++;
    s->objects &= ~(UINT64_C(1) << s->depth);
    s->objects |= (uint64_t)object << s->depth;
    s->depth++;
    return true;
}

/* A member's name and colon. */
static bool scan_name(struct scan *s)
{
    skip_space(s);
    if (!take(s, '"'))
        return refuse(s, "a member without a name");
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (!take(s, ':'))
        return refuse(s, "a name without a colon");
    return true;
}

/* A value without insides. */
static bool scan_scalar(struct scan *s)
{
    switch (*s->at) {
    case '"':
        s->at++;
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        if (*s->at != '-' && !is_digit(*s->at))
            return refuse(s, "not a value");
        return scan_number(s);
    }
}

/*
 * Behind a value: closes what ends here, and goes past the comma before the
 * next value. False with `why` NULL: the text's one value is complete.
 */
static bool scan_after(struct scan *s)
{
    while (s->depth > 0) {
        bool object = inside_object(s);

        skip_space(s);
        if (take(s, ','))
            return !object || scan_name(s);
        if (!take(s, object ? '}' : ']'))
            return refuse(s, "neither a comma nor an end");
        s->depth--;
    }
    return false;
}

/* `at` is before a value. False: see scan_after(). */
static bool scan_value(struct scan *s)
{
    bool object;

    skip_space(s);
    if (s->at == s->end)
        return refuse(s, "a value is missing");
    if (*s->at != '{' && *s->at != '[')
        return scan_scalar(s) && scan_after(s);
    object = *s->at == '{';
    if (!scan_open(s, object))
        return false;
    skip_space(s);
    if (s->at < s->end && *s->at == (object ? '}' : ']'))
        return scan_after(s);
    return !object || scan_name(s);
}

int json_parse(struct bytes text, int depth_max, struct json_value *out,
               struct json_fault *out_fault)
{
    struct scan s = {.depth_max = depth_max};
    const uint8_t *first;

    CHECK(depth_max >= 0 && depth_max <= JSON_DEPTH_MAX);
    s.start = text.count == 0 ? (const uint8_t *)"" : text.data;
    s.at = s.start;
    s.end = s.start + text.count;
    skip_space(&s);
    first = s.at;
    while (scan_value(&s))
        continue;
    if (s.why == NULL) {
        const uint8_t *last = s.at;

        skip_space(&s);
        if (s.at == s.end) {
            *out = (struct json_value){json_type_of(*first),
                                       bytes_of(first, (size_t)(last - first))};
            return 0;
        }
        refuse(&s, "more than one value");
    }
    if (out_fault != NULL)
        *out_fault = (struct json_fault){(size_t)(s.at - s.start), s.why};
    return s.rc;
}
