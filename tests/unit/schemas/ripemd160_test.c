/*
 * tests/unit/schemas/ripemd160_test.c: the examples of its authors, and other
 * people's inputs of every length.
 */
#include "schemas/ripemd160.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/hex.h"
#include "tests/support/harness.h"

static const char *hash_of(struct bytes b)
{
    static char text[2 * RIPEMD160_BYTES + 1];
    uint8_t hash[RIPEMD160_BYTES];

    ripemd160(b, hash);
    hex_encode(bytes_of(hash, sizeof(hash)), text);
    return text;
}

TEST(ripemd160_of_its_authors_examples_is_theirs)
{
    EXPECT_TEXT(hash_of(BYTES_NONE),
                "9c1185a5c5e9fc54612808977ee8f548b2258d31");
    EXPECT_TEXT(hash_of(BYTES_LITERAL("a")),
                "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe");
    EXPECT_TEXT(hash_of(BYTES_LITERAL("abc")),
                "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    EXPECT_TEXT(hash_of(BYTES_LITERAL("message digest")),
                "5d0689ef49d2fae572b881b123a85ffa21595f36");
    EXPECT_TEXT(hash_of(BYTES_LITERAL("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
                                      "opqrstuvwxyz0123456789")),
                "b0e20b6e3116640286ed3a87a5713079b21f5189");
}

/* The files are gzip; the hashes stand in "ripemd160". */
TEST(ripemd160_of_other_peoples_inputs_is_theirs)
{
    const char *root = harness_vectors();
    char command[4200];
    json_error_t error;
    size_t i, cases = 0;
    json_t *doc, *one;
    FILE *f;

    if (root == NULL) {
        harness_absent("hashes.json.gz");
        return;
    }
    snprintf(command, sizeof(command),
             "gzip -dc '%s/ethereum/ethers/hashes.json.gz'", root);
    f = popen(command, "r");
    EXPECT(f != NULL);
    doc = json_loadf(f, 0, &error);
    EXPECT_INT(pclose(f), 0);
    EXPECT(doc != NULL);
    json_array_foreach(doc, i, one)
    {
        const char *data = json_string_value(json_object_get(one, "data"));
        const char *wanted =
            json_string_value(json_object_get(one, "ripemd160"));
        uint8_t bytes[4096];
        size_t count;

        EXPECT(data != NULL && wanted != NULL);
        EXPECT_INT(
            hex_decode_0x(bytes_text(data), bytes, sizeof(bytes), &count), 0);
        EXPECT_TEXT(hash_of(bytes_of(bytes, count)), wanted + 2);
        cases++;
    }
    printf("ripemd160: %zu inputs\n", cases);
    EXPECT(cases > 250);
    json_decref(doc);
}
