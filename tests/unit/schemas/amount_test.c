/*
 * tests/unit/schemas/amount_test.c: 256-bit numbers.
 */
#include "schemas/amount.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

#define LARGEST                                                                \
    "1157920892373161954235709850086879078532699846656405640394575840079131"   \
    "29639935"

static void parse(const char *text, uint8_t out[32])
{
    EXPECT_INT(amount_parse(bytes_text(text), out), 0);
}

TEST(decimal_text_survives_the_round_trip)
{
    static const char *const texts[] = {
        "0",          "1",
        "9",          "10",
        "999999999",  "1000000000",
        "1000000001", "4294967295",
        "4294967296", "18446744073709551616",
        LARGEST,      "1000000000000000000000000000000000000000000000000000"};
    char text[AMOUNT_TEXT_MAX + 1];
    uint8_t amount[32];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        parse(texts[i], amount);
        EXPECT_INT(amount_format(amount, text), strlen(texts[i]));
        EXPECT_TEXT(text, texts[i]);
    }
}

TEST(every_power_of_two_is_twice_the_one_before)
{
    uint8_t amount[32], again[32];
    char text[AMOUNT_TEXT_MAX + 1];

    for (size_t bit = 0; bit < 256; bit++) {
        memset(amount, 0, sizeof(amount));
        amount[31 - bit / 8] = (uint8_t)(1 << bit % 8);
        amount_format(amount, text);
        parse(text, again);
        EXPECT_BYTES(bytes_of(again, 32), bytes_of(amount, 32));
    }
}

TEST(other_texts_are_no_amounts)
{
    static const char *const cases[] = {"",   "00", "01",  "-1",  "+1",
                                        " 1", "1 ", "1.0", "1e3", "0x1"};
    uint8_t amount[32];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_INT(amount_parse(bytes_text(cases[i]), amount), FAIL_MALFORMED);
    /* 2^256, and 10^100. */
    EXPECT_INT(amount_parse(bytes_text("11579208923731619542357098500868790785"
                                       "3269984665640564039457584007913129639"
                                       "936"),
                            amount),
               FAIL_TOO_BIG);
    EXPECT_INT(amount_parse(bytes_text("10000000000000000000000000000000000000"
                                       "00000000000000000000000000000000000000"
                                       "0000000000000000000000000"),
                            amount),
               FAIL_TOO_BIG);
}

TEST(big_endian_bytes_are_aligned_to_the_right)
{
    uint8_t amount[32], long_one[40] = {0};

    EXPECT_INT(amount_set(BYTES_LITERAL("\x01\x02"), amount), 0);
    EXPECT_BYTES(bytes_of(amount + 29, 3), BYTES_LITERAL("\0\x01\x02"));
    EXPECT_INT(amount_set(BYTES_NONE, amount), 0);
    EXPECT_INT(amount[31], 0);
    long_one[39] = 5;
    EXPECT_INT(amount_set(bytes_of(long_one, 40), amount), 0);
    EXPECT_INT(amount[31], 5);
    long_one[7] = 1;
    EXPECT_INT(amount_set(bytes_of(long_one, 40), amount), FAIL_TOO_BIG);
}

TEST(a_cost_fits_up_to_the_last_unit)
{
    uint8_t price[32], value[32], zero[32] = {0}, one[32] = {0};

    one[31] = 1;
    parse(LARGEST, price);
    EXPECT(amount_cost_fits(1, price, zero));
    EXPECT(!amount_cost_fits(1, price, one));
    EXPECT(!amount_cost_fits(2, price, zero));
    EXPECT(amount_cost_fits(0, price, price));

    /* (2^64 - 1) * (2^192 + 2^128 + 2^64 + 1) = 2^256 - 1 */
    memset(price, 0, sizeof(price));
    price[7] = price[15] = price[23] = price[31] = 1;
    EXPECT(amount_cost_fits(UINT64_MAX, price, zero));
    EXPECT(!amount_cost_fits(UINT64_MAX, price, one));

    /* 2^63 * 2^192 = 2^255, and as much again. */
    memset(price, 0, sizeof(price));
    price[7] = 1;
    memset(value, 0, sizeof(value));
    value[0] = 0x80;
    EXPECT(amount_cost_fits(UINT64_C(1) << 63, price, zero));
    EXPECT(!amount_cost_fits(UINT64_C(1) << 63, price, value));
    value[0] = 0x7f;
    EXPECT(amount_cost_fits(UINT64_C(1) << 63, price, value));

    /* 2^32 * 2^223 fits, 2^32 * 2^224 does not. */
    memset(price, 0, sizeof(price));
    price[4] = 0x80;
    EXPECT(amount_cost_fits(UINT64_C(1) << 32, price, zero));
    price[3] = 1;
    EXPECT(!amount_cost_fits(UINT64_C(1) << 32, price, zero));
}

TEST(a_product_is_added_only_if_the_sum_fits)
{
    static const char sum_text[] =
        "6277101735386680763495507056286727953638980837032266301440";
    char text[AMOUNT_TEXT_MAX + 1];
    uint8_t sum[32], price[32];

    parse("1000000000000000000000", sum);
    parse("340282366920938463463374607431768211456", price);
    EXPECT_INT(amount_add_product(sum, UINT64_C(18446744073709551615), price),
               0);
    amount_format(sum, text);
    EXPECT_TEXT(text, sum_text);
    memset(price, 0xff, sizeof(price));
    EXPECT_INT(amount_add_product(sum, 1, price), FAIL_TOO_BIG);
    amount_format(sum, text);
    EXPECT_TEXT(text, sum_text);
    EXPECT_INT(amount_add_product(sum, 0, price), 0);
}
