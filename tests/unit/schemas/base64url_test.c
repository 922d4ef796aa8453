/*
 * tests/unit/schemas/base64url_test.c: every byte string has one spelling.
 */
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/base64url.h"
#include "tests/support/harness.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int decode(const char *text, uint8_t *out, size_t *out_count)
{
    return base64url_decode(bytes_text(text), out, out_count);
}

TEST(the_examples_of_rfc_4648_come_out_without_their_padding)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[16];
        uint8_t back[16];
        size_t count;

        EXPECT_INT(base64url_encode(bytes_text(pairs[i][0]), text),
                   strlen(pairs[i][1]));
        EXPECT_TEXT(text, pairs[i][1]);
        EXPECT_INT(decode(text, back, &count), 0);
        EXPECT_BYTES(bytes_of(back, count), bytes_text(pairs[i][0]));
    }
}

/* Of all 2^8 and 2^16 short strings, exactly one text decodes to each. */
TEST(no_two_texts_decode_to_the_same_bytes)
{
    static uint8_t seen[1 << 16];
    char text[5] = "";
    uint8_t out[3];
    size_t count, good = 0, other = 0;

    for (int i = 0; i < 64 * 64; i++) {
        text[0] = alphabet[i / 64];
        text[1] = alphabet[i % 64];
        if (decode(text, out, &count) < 0)
            continue;
        EXPECT_INT(count, 1);
        EXPECT(!seen[out[0]]++);
        good++;
    }
    EXPECT_INT(good, 256);
    memset(seen, 0, sizeof(seen));
    good = 0;
    for (int i = 0; i < 64 * 64 * 64; i++) {
        text[0] = alphabet[i / 4096];
        text[1] = alphabet[i / 64 % 64];
        text[2] = alphabet[i % 64];
        switch (decode(text, out, &count)) {
        case 0:
            EXPECT_INT(count, 2);
            EXPECT(!seen[out[0] << 8 | out[1]]++);
            good++;
            break;
        case FAIL_UNSUPPORTED:
            other++;
            break;
        default:
            EXPECT(false);
        }
    }
    EXPECT_INT(good, 1 << 16);
    EXPECT_INT(other, 64 * 64 * 64 - (1 << 16));
}

TEST(what_is_no_character_of_the_alphabet_is_refused_at_every_place)
{
    for (int c = 0; c < 256; c++) {
        for (size_t count = 2; count <= 11; count++) {
            for (size_t at = 0; at < count; at++) {
                uint8_t text[12], out[12];
                size_t written;
                int rc;

                if (count % 4 == 1)
                    continue;
                memset(text, 'A', sizeof(text));
                text[at] = (uint8_t)c;
                rc = base64url_decode(bytes_of(text, count), out, &written);
                if (c == 0 || strchr(alphabet, c) == NULL)
                    EXPECT_INT(rc, FAIL_MALFORMED);
                else
                    EXPECT(rc == 0 ||
                           (rc == FAIL_UNSUPPORTED && at == count - 1));
            }
        }
    }
}

TEST(a_lone_last_character_is_refused)
{
    uint8_t out[8];
    size_t count;

    EXPECT_INT(decode("A", out, &count), FAIL_MALFORMED);
    EXPECT_INT(decode("AAAAA", out, &count), FAIL_MALFORMED);
    EXPECT_INT(decode("AA==", out, &count), FAIL_MALFORMED);
}
