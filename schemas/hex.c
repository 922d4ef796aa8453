/*
 * schemas/hex.c: two digits a byte, by table.
 *
 * Decoding looks up both digits and only then asks whether either was none:
 * one branch a byte, and it is never taken on good input.
 *
 * From: whoever prints or reads hashes, addresses and payloads.
 * To:   schemas/base/bytes.h.
 */
#include "schemas/hex.h"

#include "schemas/base/fail.h"

#define NOT_A_DIGIT 0x10

static const char digits[] = "0123456789abcdef";

static uint8_t digit_value(uint8_t c)
{
    /* 0 means "no digit" here, so that the table needs 22 entries only. */
    static const uint8_t values[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };

    return (uint8_t)(values[c] - 1);
}

static void encode(struct bytes b, uint8_t *at)
{
    for (size_t i = 0; i < b.count; i++) {
        *at++ = (uint8_t)digits[b.data[i] >> 4];
        *at++ = (uint8_t)digits[b.data[i] & 15];
    }
}

int hex_append(struct buffer *out, struct bytes b)
{
    uint8_t *at = buffer_reserve(out, 2 * b.count);

    if (at == NULL)
        return FAIL_FULL;
    encode(b, at);
    buffer_commit(out, 2 * b.count);
    return 0;
}

void hex_encode(struct bytes b, char *out)
{
    encode(b, (uint8_t *)out);
    out[2 * b.count] = '\0';
}

int hex_decode(struct bytes text, uint8_t *out, size_t out_max,
               size_t *out_count)
{
    size_t count = text.count / 2;

    if (text.count % 2 != 0)
        return FAIL_MALFORMED;
    if (count > out_max)
        return FAIL_TOO_BIG;
    for (size_t i = 0; i < count; i++) {
        uint8_t high = digit_value(text.data[2 * i]);
        uint8_t low = digit_value(text.data[2 * i + 1]);

        if ((high | low) >= NOT_A_DIGIT)
            return FAIL_MALFORMED;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *out_count = count;
    return 0;
}

int hex_decode_0x(struct bytes text, uint8_t *out, size_t out_max,
                  size_t *out_count)
{
    if (text.count < 2 || text.data[0] != '0' || text.data[1] != 'x')
        return FAIL_MALFORMED;
    return hex_decode(bytes_slice(text, 2, text.count - 2), out, out_max,
                      out_count);
}
