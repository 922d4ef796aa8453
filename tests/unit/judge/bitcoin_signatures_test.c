/*
 * tests/unit/judge/bitcoin_signatures_test.c: signatures alone: BIP 340's
 * examples, and Wycheproof's of ECDSA as Bitcoin wants it.
 */
#include "tests/unit/judge/bitcoin.h"
#include "verifier/scheme_secp256k1_schnorr.h"
#include "verifier/scheme_secp256k1_verify.h"

#define SCHNORR BITCOIN_VECTORS "bips/bip-0340/test-vectors.csv"
#define WYCHEPROOF                                                             \
    "signatures/wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json"

/* One line: index, secret, key, random, message, signature, result, words. */
static bool schnorr_line(char *line, bool *out_wanted)
{
    struct bytes fields[6];
    const char *result;
    bool found;

    for (int i = 0; i < 6; i++) {
        const char *text = strsep(&line, ",");

        fields[i] = i == 0 ? BYTES_NONE : bitcoin_hex(text);
    }
    result = strsep(&line, ",");
    *out_wanted = strcmp(result, "TRUE") == 0;
    EXPECT(*out_wanted || strcmp(result, "FALSE") == 0);
    EXPECT_INT(fields[2].count, 32);
    EXPECT_INT(fields[5].count, 64);
    found = scheme_schnorr_verify(fields[5].data, fields[4], fields[2].data);
    for (int i = 1; i < 6; i++)
        free((void *)(uintptr_t)fields[i].data);
    return found;
}

TEST(signatures_of_bip_340_are_what_it_says)
{
    const char *path = vectors_path(SCHNORR);
    size_t good = 0, bad = 0;
    char *text, *rest, *line;

    if (path == NULL)
        return;
    text = rest = harness_read_file(path, NULL);
    strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        bool wanted, found = schnorr_line(line, &wanted);

        EXPECT(found == wanted);
        good += found;
        bad += !found;
    }
    printf("bip340: %zu good, %zu refused as expected\n", good, bad);
    EXPECT_INT(good + bad, 19);
    free(text);
}

/* As check_ecdsa and the judge see it, by rule set 2. */
static bool ecdsa_is_good(struct bytes der, struct bytes message,
                          const struct scheme_secp256k1_key *key)
{
    uint8_t rs[64], hash[HASH_BYTES];

    if (bitcoin_signature_read(der, rs) != REASON_NONE ||
        bitcoin_signature_high(rs))
        return false;
    hash_sha256(message, hash);
    return scheme_secp256k1_verify(hash, rs, key, true);
}

TEST(signatures_of_wycheproof_are_what_it_says)
{
    const char *path = vectors_path(WYCHEPROOF);
    size_t i, k, good = 0, bad = 0;
    json_t *doc, *group, *test;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    json_array_foreach(json_object_get(doc, "testGroups"), i, group)
    {
        struct bytes key = bitcoin_hex(json_string_value(json_object_get(
            json_object_get(group, "publicKey"), "uncompressed")));
        struct scheme_secp256k1_key parsed;

        EXPECT_INT(scheme_secp256k1_key_parse(key, &parsed), 0);
        json_array_foreach(json_object_get(group, "tests"), k, test)
        {
            struct bytes message =
                bitcoin_hex(json_string_value(json_object_get(test, "msg")));
            struct bytes der =
                bitcoin_hex(json_string_value(json_object_get(test, "sig")));
            bool wanted =
                strcmp(json_string_value(json_object_get(test, "result")),
                       "valid") == 0;

            if (ecdsa_is_good(der, message, &parsed) != wanted)
                printf("case %lld: %s\n",
                       json_integer_value(json_object_get(test, "tcId")),
                       json_string_value(json_object_get(test, "comment")));
            EXPECT(ecdsa_is_good(der, message, &parsed) == wanted);
            good += wanted;
            bad += !wanted;
            free((void *)(uintptr_t)message.data);
            free((void *)(uintptr_t)der.data);
        }
        free((void *)(uintptr_t)key.data);
    }
    printf("wycheproof, bitcoin: %zu good, %zu refused as expected\n", good,
           bad);
    EXPECT_INT(good + bad, 463);
    json_decref(doc);
}
