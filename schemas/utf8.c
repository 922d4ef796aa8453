/*
 * schemas/utf8.c: UTF-8, strictly.
 *
 * From: schemas/json.c, schemas/json_writer.c.
 * To:   nothing.
 */
#include "schemas/utf8.h"

static bool follows(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* The second byte decides about overlong forms, surrogates and the top. */
static bool second_is_good(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return follows(second);
    }
}

size_t utf8_count(const uint8_t *at, const uint8_t *end)
{
    size_t count;

    if (at == end)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    count = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if ((size_t)(end - at) < count || !second_is_good(at[0], at[1]))
        return 0;
    for (size_t i = 2; i < count; i++) {
        if (!follows(at[i]))
            return 0;
    }
    return count;
}

size_t utf8_encode(uint32_t point, uint8_t out[4])
{
    CHECK(point <= 0x10ffff && (point < 0xd800 || point > 0xdfff));
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (point & 0x3f));
    return 4;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four digits of \uXXXX, or -1. */
static int read_unit(const uint8_t *at, const uint8_t *end)
{
    int unit = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

int32_t utf8_read_escape(const uint8_t **at, const uint8_t *end)
{
    int high = read_unit(*at, end);
    int low;

    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
        return -1;
    *at += 4;
    if (high < 0xd800 || high > 0xdbff)
        return high;
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return -1;
    low = read_unit(*at + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    *at += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

bool utf8_is_valid(struct bytes text)
{
    const uint8_t *at = text.data, *end;

    if (text.count == 0)
        return true;
    for (end = at + text.count; at < end;) {
        size_t count = utf8_count(at, end);

        if (count == 0)
            return false;
        at += count;
    }
    return true;
}
