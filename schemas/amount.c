/*
 * schemas/amount.c: 256-bit numbers as decimal text, and one product.
 *
 * Eight words of 32 bits, the smallest first, so that every step fits 64 bits.
 * Decimal digits come nine at a time.
 *
 * From: schemas/result.c, schemas/chain.c, schemas/ethereum_rules.c.
 * To:   schemas/base/bytes.h.
 */
#include "schemas/amount.h"

#include <string.h>

#include "schemas/base/fail.h"

#define WORDS 8
#define BILLION 1000000000u

int amount_set(struct bytes be, uint8_t out[AMOUNT_BYTES])
{
    while (be.count > 0 && be.data[0] == 0)
        be = bytes_slice(be, 1, be.count - 1);
    if (be.count > AMOUNT_BYTES)
        return FAIL_TOO_BIG;
    memset(out, 0, AMOUNT_BYTES);
    if (be.count > 0)
        memcpy(out + AMOUNT_BYTES - be.count, be.data, be.count);
    return 0;
}

static void load(const uint8_t amount[AMOUNT_BYTES], uint32_t words[WORDS])
{
    for (int i = 0; i < WORDS; i++)
        words[i] = bytes_get_be32(amount + 4 * (WORDS - 1 - i));
}

/* Divides in place; returns the rest. `count` drops as high words empty. */
static uint32_t divide_by_billion(uint32_t words[WORDS], int *count)
{
    uint64_t rest = 0;

    for (int i = *count - 1; i >= 0; i--) {
        rest = rest << 32 | words[i];
        words[i] = (uint32_t)(rest / BILLION);
        rest %= BILLION;
    }
    while (*count > 0 && words[*count - 1] == 0)
        (*count)--;
    return (uint32_t)rest;
}

size_t amount_format(const uint8_t amount[AMOUNT_BYTES],
                     char out[AMOUNT_TEXT_MAX + 1])
{
    char text[9 * 9]; /* ends with the digits; zeros before them */
    char *at = text + sizeof(text);
    uint32_t words[WORDS];
    int count = WORDS;
    size_t digits;

    load(amount, words);
    while (count > 0 && words[count - 1] == 0)
        count--;
    while (count > 0) {
        uint32_t rest = divide_by_billion(words, &count);

        for (int i = 0; i < 9; i++, rest /= 10)
            *--at = (char)('0' + rest % 10);
    }
    while (at < text + sizeof(text) && *at == '0')
        at++;
    if (at == text + sizeof(text))
        *--at = '0';
    digits = (size_t)(text + sizeof(text) - at);
    memcpy(out, at, digits);
    out[digits] = '\0';
    return digits;
}

/* words = words * times + add; returns what does not fit. */
static uint32_t multiply_add(uint32_t words[WORDS], uint32_t times,
                             uint32_t add)
{
    uint64_t carry = add;

    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)words[i] * times;
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (uint32_t)carry;
}

int amount_parse(struct bytes text, uint8_t out[AMOUNT_BYTES])
{
    uint32_t words[WORDS] = {0};

    if (text.count == 0 || (text.count > 1 && text.data[0] == '0'))
        return FAIL_MALFORMED;
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return FAIL_MALFORMED;
    }
    for (size_t i = 0; i < text.count; i++) {
        if (multiply_add(words, 10, (uint32_t)(text.data[i] - '0')) != 0)
            return FAIL_TOO_BIG;
    }
    for (int i = 0; i < WORDS; i++)
        bytes_put_be32(out + 4 * (WORDS - 1 - i), words[i]);
    return 0;
}

int amount_add_product(uint8_t sum[AMOUNT_BYTES], uint64_t count,
                       const uint8_t price[AMOUNT_BYTES])
{
    uint32_t low[WORDS], high[WORDS], add[WORDS];
    uint64_t carry = 0;
    uint32_t over_low, over_high;

    load(price, low);
    load(price, high);
    load(sum, add);
    over_low = multiply_add(low, (uint32_t)count, 0);
    over_high = multiply_add(high, (uint32_t)(count >> 32), 0);
    if (over_low != 0 || over_high != 0 || high[WORDS - 1] != 0)
        return FAIL_TOO_BIG;
    /* `high` stands one word further up. */
    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)low[i] + add[i] + (i > 0 ? high[i - 1] : 0);
        low[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        return FAIL_TOO_BIG;
    for (int i = 0; i < WORDS; i++)
        bytes_put_be32(sum + 4 * (WORDS - 1 - i), low[i]);
    return 0;
}

bool amount_cost_fits(uint64_t count, const uint8_t price[AMOUNT_BYTES],
                      const uint8_t value[AMOUNT_BYTES])
{
    uint8_t sum[AMOUNT_BYTES];

    memcpy(sum, value, sizeof(sum));
    return amount_add_product(sum, count, price) == 0;
}
