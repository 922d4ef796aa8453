/*
 * schemas/base64url.c: four characters at a time, by one table.
 *
 * The table has the value of a character in its low six bits, and the top bit
 * for what is no character of this alphabet; the top bits of four are looked at
 * once.
 *
 * From: schemas/jws.c, schemas/cursor.c.
 * To:   nothing.
 */
#include "schemas/base64url.h"

#include "schemas/base/fail.h"

#define NO 0x80
#define NO_4 NO, NO, NO, NO
#define NO_16 NO_4, NO_4, NO_4, NO_4

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* clang-format off */
static const uint8_t values[256] = {
    NO_16, NO_16,
    NO_4, NO_4, NO_4, NO, 62, NO, NO,                               /* -   */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO_4,           /* 0-9 */
    NO, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,           /* A-O */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, 63, /* P-Z _ */
    NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, /* a-o */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO_4,           /* p-z */
    NO_16, NO_16, NO_16, NO_16, NO_16, NO_16, NO_16, NO_16,
};
/* clang-format on */

size_t base64url_encode(struct bytes b, char *out)
{
    size_t written = 0;
    uint32_t bits = 0;
    int held = 0;

    for (size_t i = 0; i < b.count; i++) {
        bits = bits << 8 | b.data[i];
        for (held += 8; held >= 6; held -= 6)
            out[written++] = digits[bits >> (held - 6) & 63];
    }
    if (held > 0)
        out[written++] = digits[bits << (6 - held) & 63];
    out[written] = '\0';
    return written;
}

/* The two or three characters at the end: one or two bytes. */
static int decode_rest(const uint8_t *at, size_t count, uint8_t *out)
{
    uint32_t bits = 0, all = 0;

    for (size_t i = 0; i < count; i++) {
        all |= values[at[i]];
        bits = bits << 6 | (values[at[i]] & 63);
    }
    if (all >= NO)
        return FAIL_MALFORMED;
    bits <<= 6 * (4 - count);
    out[0] = (uint8_t)(bits >> 16);
    if (count == 3)
        out[1] = (uint8_t)(bits >> 8);
    return (bits & (count == 3 ? 0xff : 0xffff)) == 0 ? 0 : FAIL_UNSUPPORTED;
}

int base64url_decode(struct bytes text, uint8_t *out, size_t *out_count)
{
    const uint8_t *at = text.data;
    uint8_t *to = out;
    size_t rest = text.count % 4;
    int rc = 0;

    if (rest == 1)
        return FAIL_MALFORMED;
    for (size_t left = text.count / 4; left > 0; left--, at += 4, to += 3) {
        uint32_t a = values[at[0]], b = values[at[1]];
        uint32_t c = values[at[2]], d = values[at[3]];
        uint32_t bits = a << 18 | b << 12 | c << 6 | d;

        if ((a | b | c | d) >= NO)
            return FAIL_MALFORMED;
        to[0] = (uint8_t)(bits >> 16);
        to[1] = (uint8_t)(bits >> 8);
        to[2] = (uint8_t)bits;
    }
    if (rest > 0)
        rc = decode_rest(at, rest, to);
    if (rc < 0)
        return rc;
    *out_count = BASE64URL_BYTES(text.count);
    return 0;
}
