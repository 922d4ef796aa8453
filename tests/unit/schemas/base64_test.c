/*
 * tests/unit/schemas/base64_test.c: one text for every byte string.
 */
#include "schemas/base64.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, section 10. */
static const struct {
    const char *text, *bytes;
} pairs[] = {
    {"", ""},
    {"Zg==", "f"},
    {"Zm8=", "fo"},
    {"Zm9v", "foo"},
    {"Zm9vYg==", "foob"},
    {"Zm9vYmE=", "fooba"},
    {"Zm9vYmFy", "foobar"},
};

TEST(the_vectors_of_the_standard_are_decoded)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        uint8_t out[6];
        size_t count;

        EXPECT_INT(base64_decode(bytes_text(pairs[i].text), out, sizeof(out),
                                 &count, NULL),
                   0);
        EXPECT_BYTES(bytes_of(out, count), bytes_text(pairs[i].bytes));
    }
}

/* Of all texts of four characters that end in ==, 256 are good, and so on. */
TEST(every_byte_string_has_one_text)
{
    size_t one = 0, two = 0;

    for (int a = 0; a < 64; a++) {
        for (int b = 0; b < 64; b++) {
            char text[4] = {alphabet[a], alphabet[b], '=', '='};
            uint8_t out[3];
            size_t count = 0;

            if (base64_decode(bytes_of(text, 4), out, 3, &count, NULL) == 0) {
                EXPECT_INT(count, 1);
                EXPECT_INT(out[0], a << 2 | b >> 4);
                one++;
            }
            for (int c = 0; c < 64; c++) {
                text[2] = alphabet[c];
                if (base64_decode(bytes_of(text, 4), out, 3, &count, NULL) < 0)
                    continue;
                EXPECT_INT(count, 2);
                EXPECT_INT(out[1], (b & 15) << 4 | c >> 2);
                two++;
            }
        }
    }
    EXPECT_INT(one, 256);
    EXPECT_INT(two, 65536);
}

static void expect_fault(const char *text, size_t pos)
{
    uint8_t out[16];
    size_t count, fault = 99;

    EXPECT_INT(base64_decode(bytes_text(text), out, sizeof(out), &count,
                             &fault),
               FAIL_MALFORMED);
    EXPECT_INT(fault, pos);
}

TEST(what_is_not_base64_is_refused_where_it_stands)
{
    expect_fault("Zg", 2);
    expect_fault("Zg=", 3);
    expect_fault("Z===", 1);
    expect_fault("Zm9vZ", 5);
    expect_fault("Zg==Zg==", 2);
    expect_fault("Zh==", 1);
    expect_fault("Zm9=", 2);
    expect_fault("Zm9v\n", 4);
    expect_fault("Zm 9v", 2);
    expect_fault("Zm9_", 3);
    expect_fault("Zm9-", 3);
    expect_fault("====", 0);
}

TEST(more_bytes_than_there_is_room_for_are_too_big)
{
    uint8_t out[5];
    size_t count;

    EXPECT_INT(base64_decode(bytes_text("Zm9vYmFy"), out, 5, &count, NULL),
               FAIL_TOO_BIG);
}
