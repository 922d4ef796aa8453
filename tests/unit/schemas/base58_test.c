/*
 * tests/unit/schemas/base58_test.c: one text for every byte string, both ways,
 * at a bounded cost.
 */
#include "schemas/base58.h"

#include <stdio.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "tests/support/harness.h"

/* What its draft (draft-msporny-base58) gives, and what Solana shows. */
static const struct {
    const char *hex, *text;
} pairs[] = {
    {"", ""},
    {"00", "1"},
    {"0000287fb4cd", "11233QC4"},
    {"48656c6c6f20576f726c6421", "2NEpo7TZRRrLZSi2U"},
    {"39", "z"},
    {"3a", "21"},
    {"ff", "5Q"},
    {"0000000000000000000000000000000000000000000000000000000000000000",
     "11111111111111111111111111111111"},
    {"06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9",
     "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"},
};

TEST(known_bytes_have_their_known_text)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        uint8_t bytes[64], back[64];
        char text[BASE58_TEXT_BYTES(64)];
        size_t count, back_count;

        EXPECT_INT(hex_decode(bytes_text(pairs[i].hex), bytes, sizeof(bytes),
                              &count),
                   0);
        EXPECT_INT(base58_encode(bytes_of(bytes, count), text),
                   strlen(pairs[i].text));
        EXPECT_TEXT(text, pairs[i].text);
        EXPECT_INT(base58_decode(bytes_text(text), back, sizeof(back),
                                 &back_count, NULL),
                   0);
        EXPECT_BYTES(bytes_of(back, back_count), bytes_of(bytes, count));
    }
}

/* All lengths, all numbers of leading zeros, the largest and the smallest. */
TEST(what_is_encoded_comes_back)
{
    static const uint8_t fills[] = {0xff, 0x01, 0x80, 0x3a, 0x5c};

    for (size_t count = 0; count <= BASE58_ENCODED_MAX; count++) {
        for (size_t zeros = 0; zeros <= count; zeros++) {
            uint8_t bytes[BASE58_ENCODED_MAX], back[BASE58_ENCODED_MAX];
            char text[BASE58_TEXT_BYTES(BASE58_ENCODED_MAX)];
            size_t back_count, written;

            memset(bytes, fills[(count + zeros) % sizeof(fills)], count);
            memset(bytes, 0, zeros);
            written = base58_encode(bytes_of(bytes, count), text);
            EXPECT(written < BASE58_TEXT_BYTES(count));
            EXPECT_INT(base58_decode(bytes_of(text, written), back,
                                     sizeof(back), &back_count, NULL),
                       0);
            EXPECT_BYTES(bytes_of(back, back_count), bytes_of(bytes, count));
        }
    }
}

TEST(every_other_character_is_refused_where_it_stands)
{
    size_t refused = 0;

    for (int c = 0; c < 256; c++) {
        char text[] = "2NEpo7TZRRrLZSi2U";
        uint8_t out[16];
        size_t count, fault = 99;
        int rc;

        text[13] = (char)c;
        rc =
            base58_decode(bytes_of(text, 17), out, sizeof(out), &count, &fault);
        if (rc == 0)
            continue;
        EXPECT_INT(rc, FAIL_MALFORMED);
        EXPECT_INT(fault, 13);
        refused++;
    }
    EXPECT_INT(refused, 256 - 58);
}

TEST(a_text_has_a_limit_and_so_have_its_bytes)
{
    static char text[BASE58_TEXT_MAX + 1];
    uint8_t out[BASE58_DECODED_MAX];
    size_t count;

    /* 1683 digits may hold a little more than 1232 bytes. */
    memset(text, 'z', sizeof(text));
    EXPECT_INT(base58_decode(bytes_of(text, BASE58_TEXT_MAX), out, sizeof(out),
                             &count, NULL),
               FAIL_TOO_BIG);
    text[0] = '2';
    EXPECT_INT(base58_decode(bytes_of(text, BASE58_TEXT_MAX - 1), out,
                             sizeof(out), &count, NULL),
               0);
    EXPECT_INT(count, BASE58_DECODED_MAX);
    EXPECT_INT(base58_decode(bytes_of(text, BASE58_TEXT_MAX + 1), out,
                             sizeof(out), &count, NULL),
               FAIL_TOO_BIG);
    /* Ones are bytes too. */
    memset(text, '1', sizeof(text));
    EXPECT_INT(base58_decode(bytes_of(text, BASE58_DECODED_MAX), out,
                             sizeof(out), &count, NULL),
               0);
    EXPECT_INT(count, BASE58_DECODED_MAX);
    EXPECT_INT(base58_decode(bytes_of(text, BASE58_DECODED_MAX + 1), out,
                             sizeof(out), &count, NULL),
               FAIL_TOO_BIG);
    EXPECT_INT(base58_decode(bytes_text("2NEpo7TZRRrLZSi2U"), out, 11, &count,
                             NULL),
               FAIL_TOO_BIG);
}
