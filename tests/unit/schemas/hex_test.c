/*
 * tests/unit/schemas/hex_test.c: bytes as digits and back.
 */
#include "schemas/hex.h"

#include <stdio.h>

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

TEST(every_byte_survives_hex_in_both_cases)
{
    for (int i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i, back = 0;
        char text[3], upper[3];
        size_t count = 0;

        hex_encode(bytes_of(&byte, 1), text);
        snprintf(upper, sizeof(upper), "%02X", (unsigned)i);
        EXPECT_INT(hex_decode(bytes_text(text), &back, 1, &count), 0);
        EXPECT_INT(back, i);
        EXPECT_INT(count, 1);
        EXPECT_INT(hex_decode(bytes_text(upper), &back, 1, &count), 0);
        EXPECT_INT(back, i);
    }
}

TEST(no_other_character_is_a_digit)
{
    size_t digits = 0, count = 0;

    for (int i = 0; i < 256; i++) {
        uint8_t text[2] = {(uint8_t)i, '0'}, out[1];
        int first = hex_decode(bytes_of(text, 2), out, 1, &count);
        int second;

        text[0] = '0';
        text[1] = (uint8_t)i;
        second = hex_decode(bytes_of(text, 2), out, 1, &count);
        EXPECT_INT(first, second);
        digits += first == 0;
    }
    EXPECT_INT(digits, 22);
}

TEST(half_a_byte_is_malformed)
{
    uint8_t out[4];
    size_t count = 7;

    EXPECT_INT(hex_decode(bytes_text("abc"), out, 4, &count), FAIL_MALFORMED);
    EXPECT_INT(hex_decode(bytes_text("0xab"), out, 4, &count), FAIL_MALFORMED);
    EXPECT_INT(hex_decode(bytes_text("a b "), out, 4, &count), FAIL_MALFORMED);
    EXPECT_INT(count, 7);
}

TEST(more_bytes_than_there_is_room_for_are_too_big)
{
    uint8_t out[2];
    size_t count = 0;

    EXPECT_INT(hex_decode(bytes_text("aabbcc"), out, 2, &count), FAIL_TOO_BIG);
    EXPECT_INT(hex_decode(bytes_text("aabb"), out, 2, &count), 0);
    EXPECT_INT(count, 2);
}

TEST(hex_with_0x_needs_a_lower_case_x)
{
    uint8_t out[2];
    size_t count = 9;

    EXPECT_INT(hex_decode_0x(bytes_text("0xaAbB"), out, 2, &count), 0);
    EXPECT_BYTES(bytes_of(out, count), BYTES_LITERAL("\xaa\xbb"));
    EXPECT_INT(hex_decode_0x(bytes_text("0x"), out, 2, &count), 0);
    EXPECT_INT(count, 0);
    EXPECT_INT(hex_decode_0x(bytes_text("0Xaa"), out, 2, &count),
               FAIL_MALFORMED);
    EXPECT_INT(hex_decode_0x(bytes_text("aa"), out, 2, &count), FAIL_MALFORMED);
    EXPECT_INT(hex_decode_0x(BYTES_NONE, out, 2, &count), FAIL_MALFORMED);
}

TEST(appended_hex_is_all_or_nothing)
{
    struct buffer b;

    buffer_init(&b, 5);
    EXPECT_INT(hex_append(&b, BYTES_LITERAL("\x0f\xf0")), 0);
    EXPECT_BYTES(buffer_bytes(&b), BYTES_LITERAL("0ff0"));
    EXPECT_INT(hex_append(&b, BYTES_LITERAL("\x01")), FAIL_FULL);
    EXPECT_BYTES(buffer_bytes(&b), BYTES_LITERAL("0ff0"));
    buffer_fini(&b);
}
