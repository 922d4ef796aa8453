/*
 * tests/unit/schemas/hash_test.c: known hashes; many more come from the
 * vectors in tests/unit/judge/ethers_test.c.
 */
#include "schemas/hash.h"

#include <stdio.h>
#include <string.h>

#include "schemas/hex.h"
#include "schemas/sha256.h"
#include "tests/support/harness.h"

static const char *text_of(const uint8_t hash[32])
{
    static char text[65];

    hex_encode(bytes_of(hash, 32), text);
    return text;
}

TEST(keccak_of_nothing_is_ethereums_and_not_sha3s)
{
    uint8_t hash[32];

    hash_keccak256(BYTES_NONE, hash);
    EXPECT_TEXT(text_of(hash),
                "c5d2460186f7233c927e7db2dcc703c0"
                "e500b653ca82273b7bfad8045d85a470");
}

TEST(sha256_of_abc_is_the_one_of_the_standard)
{
    uint8_t hash[32];

    hash_sha256(BYTES_LITERAL("abc"), hash);
    EXPECT_TEXT(text_of(hash),
                "ba7816bf8f01cfea414140de5dae2223"
                "b00361a396177a9cb410ff61f20015ad");
    hash_sha256(BYTES_NONE, hash);
    EXPECT_TEXT(text_of(hash),
                "e3b0c44298fc1c149afbf4c8996fb924"
                "27ae41e4649b934ca495991b7852b855");
}

TEST(a_hash_in_pieces_equals_the_hash_of_the_whole)
{
    uint8_t data[600], whole[32], pieces[32];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + 3);
    for (size_t count = 0; count <= sizeof(data); count++) {
        struct hash_keccak256 h;
        size_t step = count % 149 + 1;

        hash_keccak256(bytes_of(data, count), whole);
        hash_keccak256_init(&h);
        for (size_t pos = 0; pos < count; pos += step)
            hash_keccak256_update(&h, bytes_slice(bytes_of(data, count), pos,
                                                  step));
        hash_keccak256_final(&h, pieces);
        EXPECT_BYTES(bytes_of(pieces, 32), bytes_of(whole, 32));
    }
}

TEST(random_bytes_differ_from_each_other)
{
    uint8_t a[32] = {0}, b[32] = {0};

    EXPECT_INT(hash_random(a, sizeof(a)), 0);
    EXPECT_INT(hash_random(b, sizeof(b)), 0);
    EXPECT(memcmp(a, b, sizeof(a)) != 0);
}

/* By the processor, if it can, and by libsodium, which takes pieces. */
TEST(sha256_is_the_same_by_either_of_its_two_makers)
{
    static uint8_t data[70000];
    uint8_t one[32], two[32];
    struct hash_sha256 h;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * i / 7 + i);
    for (size_t count = 0; count <= sizeof(data); count += count / 13 + 1) {
        hash_sha256(bytes_of(data, count), one);
        hash_sha256_init(&h);
        hash_sha256_update(&h, bytes_of(data, count));
        hash_sha256_final(&h, two);
        EXPECT_BYTES(bytes_of(one, 32), bytes_of(two, 32));
    }
    printf("this processor has instructions for it: %s\n",
           sha256_here() ? "yes" : "no");
}
