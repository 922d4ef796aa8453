/*
 * tests/unit/judge/ed25519_test.c: the rule for ed25519 signatures is the
 * strict one, on other people's signatures and on our own.
 */
#include "tests/unit/judge/vectors.h"
#include "verifier/scheme_ed25519.h"
#include "verifier/scheme_ed25519_sign.h"

/* Plain hex of a JSON member; free() the data. */
static struct bytes member(json_t *from, const char *name)
{
    const char *text = json_string_value(json_object_get(from, name));
    size_t count = strlen(text) / 2;
    uint8_t *data = malloc(count + 1);

    CHECK(data != NULL);
    EXPECT_INT(hex_decode(bytes_text(text), data, count + 1, &count), 0);
    return bytes_of(data, count);
}

/* A signature or key of another width is none; nothing asks the curve. */
static bool accepted(struct bytes key, struct bytes message,
                     struct bytes signature)
{
    if (key.count != 32 || signature.count != 64)
        return false;
    return scheme_ed25519_verify(signature.data, message, key.data);
}

static void free_bytes(struct bytes b)
{
    free((void *)b.data);
}

TEST(the_library_here_is_strict)
{
    scheme_ed25519_prove();
}

TEST(all_of_wycheproof_is_judged_as_it_says)
{
    const char *path = vectors_path("signatures/wycheproof/ed25519_test.json");
    size_t good = 0, bad = 0, g, i;
    json_t *doc, *group, *test;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    json_array_foreach(json_object_get(doc, "testGroups"), g, group)
    {
        struct bytes key = member(json_object_get(group, "publicKey"), "pk");

        json_array_foreach(json_object_get(group, "tests"), i, test)
        {
            struct bytes message = member(test, "msg");
            struct bytes signature = member(test, "sig");
            const char *result =
                json_string_value(json_object_get(test, "result"));
            bool valid = strcmp(result, "valid") == 0;

            EXPECT(valid || strcmp(result, "invalid") == 0);
            EXPECT_INT(accepted(key, message, signature), valid);
            *(valid ? &good : &bad) += 1;
            free_bytes(message);
            free_bytes(signature);
        }
        free_bytes(key);
    }
    EXPECT_INT(good + bad,
               json_integer_value(json_object_get(doc, "numberOfTests")));
    printf("wycheproof ed25519: %zu accepted, %zu refused as expected\n", good,
           bad);
    json_decref(doc);
}

/* "Taming the many EdDSAs": of the 12, the strict rule accepts number 3. */
TEST(of_the_speccheck_cases_only_number_3_is_accepted)
{
    const char *path = vectors_path("signatures/ed25519-speccheck/cases.json");
    json_t *doc, *test;
    size_t i;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    EXPECT_INT(json_array_size(doc), 12);
    json_array_foreach(doc, i, test)
    {
        struct bytes key = member(test, "pub_key");
        struct bytes message = member(test, "message");
        struct bytes signature = member(test, "signature");

        EXPECT_INT(accepted(key, message, signature), i == 3);
        free_bytes(key);
        free_bytes(message);
        free_bytes(signature);
    }
    printf("ed25519-speccheck: 1 accepted, 11 refused as expected\n");
    json_decref(doc);
}

static void sign(const uint8_t seed[32], struct bytes message, uint8_t key[32],
                 uint8_t signature[64])
{
    scheme_ed25519_public(seed, key);
    scheme_ed25519_sign(seed, message, signature);
}

TEST(what_we_sign_is_verified_and_no_other_bit_of_it)
{
    uint8_t seed[32] = {7}, key[32], signature[64], message[100] = {1, 2, 3};
    struct bytes m = bytes_of(message, sizeof(message));
    size_t flips = 0;

    sign(seed, m, key, signature);
    EXPECT(scheme_ed25519_verify(signature, m, key));
    for (size_t bit = 0; bit < 8 * (32 + 64 + 100); bit++) {
        uint8_t *at = bit < 256         ? key + bit / 8
                      : bit < 256 + 512 ? signature + (bit - 256) / 8
                                        : message + (bit - 768) / 8;

        *at ^= (uint8_t)(1 << bit % 8);
        EXPECT(!scheme_ed25519_verify(signature, m, key));
        *at ^= (uint8_t)(1 << bit % 8);
        flips++;
    }
    printf("flipped bits: %zu, all refused\n", flips);
}

TEST(no_bytes_can_be_signed_too)
{
    uint8_t seed[32] = {9}, key[32], signature[64];

    sign(seed, BYTES_NONE, key, signature);
    EXPECT(scheme_ed25519_verify(signature, BYTES_NONE, key));
    EXPECT(!scheme_ed25519_verify(signature, BYTES_LITERAL("\0"), key));
}

/* s + L is the same number modulo the order L; a lenient check takes it. */
TEST(s_has_one_form)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                      0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                      0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    uint8_t seed[32] = {11}, key[32], signature[64];
    struct bytes message = bytes_text("one form");
    unsigned carry = 0;

    sign(seed, message, key, signature);
    EXPECT(scheme_ed25519_verify(signature, message, key));
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)signature[32 + i] + order[i];
        signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    EXPECT_INT(carry, 0);
    EXPECT(!scheme_ed25519_verify(signature, message, key));
}
