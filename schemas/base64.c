/*
 * schemas/base64.c: four digits, three bytes.
 *
 *   "TQ=="   4d           two digits hold 12 bits: the last four are zero
 *   "TWE="   4d 61        three hold 18: the last two are zero
 *   "TWFu"   4d 61 6e
 *
 * From: those who take base64 from a client.
 * To:   schemas/base/bytes.h.
 */
#include "schemas/base64.h"

#include <stdbool.h>

#include "schemas/base/fail.h"

#define NOT_A_DIGIT 64

static uint8_t digit_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : NOT_A_DIGIT;
}

static int fault(size_t pos, size_t *out_fault)
{
    if (out_fault != NULL)
        *out_fault = pos;
    return FAIL_MALFORMED;
}

/* How many digits stand before the padding. */
static size_t count_digits(struct bytes text)
{
    size_t count = text.count;

    for (int i = 0; i < 2 && count > 0 && text.data[count - 1] == '='; i++)
        count--;
    return count;
}

int base64_decode(struct bytes text, uint8_t *out, size_t out_max,
                  size_t *out_count, size_t *out_fault)
{
    size_t digits = count_digits(text), count = 0;
    uint32_t bits = 0;

    for (size_t i = 0; i < digits; i++) {
        uint8_t value = digit_value(text.data[i]);

        if (value == NOT_A_DIGIT)
            return fault(i, out_fault);
        bits = bits << 6 | value;
        if (i % 4 == 0)
            continue;
        if (count == out_max)
            return FAIL_TOO_BIG;
        out[count++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    if (text.count % 4 != 0 || digits % 4 == 1)
        return fault(text.count, out_fault);
    if ((digits % 4 == 2 && (bits & 15) != 0) ||
        (digits % 4 == 3 && (bits & 3) != 0))
        return fault(digits - 1, out_fault);
    *out_count = count;
    return 0;
}
