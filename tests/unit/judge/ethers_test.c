/*
 * tests/unit/judge/ethers_test.c: the vectors of ethers.js: hashes, accounts,
 * and every signed form of 3,200 random transactions.
 */
#include <secp256k1.h>

#include "schemas/hash.h"
#include "tests/unit/judge/vectors.h"

static const char *member(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* The address of a private key, by the library itself. */
static void address_of(const char *key_text, uint8_t out[20])
{
    static secp256k1_context *ctx;
    uint8_t serialized[65], hash[32];
    struct bytes key = vectors_hex(key_text);
    secp256k1_pubkey public_key;
    size_t count = sizeof(serialized);

    if (ctx == NULL)
        ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    EXPECT_INT(key.count, 32);
    EXPECT(secp256k1_ec_pubkey_create(ctx, &public_key, key.data));
    secp256k1_ec_pubkey_serialize(ctx, serialized, &count, &public_key,
                                  SECP256K1_EC_UNCOMPRESSED);
    hash_keccak256(bytes_of(serialized + 1, 64), hash);
    memcpy(out, hash + 12, 20);
    free((void *)key.data);
}

TEST(hashes_equal_those_of_ethers)
{
    const char *path = vectors_path("ethereum/ethers/hashes.json.gz");
    json_t *doc, *test;
    size_t i, count = 0;

    if (path == NULL)
        return;
    doc = vectors_json_gz(path);
    json_array_foreach(doc, i, test)
    {
        struct bytes data = vectors_hex(member(test, "data"));
        struct hash_keccak256 keccak;
        struct hash_sha256 sha;
        uint8_t hash[32];

        hash_keccak256(data, hash);
        EXPECT_TEXT(vectors_text(bytes_of(hash, 32)),
                    member(test, "keccak256"));
        hash_sha256(data, hash);
        EXPECT_TEXT(vectors_text(bytes_of(hash, 32)), member(test, "sha256"));

        /* And in two pieces, cut at every place. */
        for (size_t cut = 0; cut <= data.count; cut++) {
            struct bytes rest = bytes_slice(data, cut, data.count - cut);

            hash_keccak256_init(&keccak);
            hash_keccak256_update(&keccak, bytes_slice(data, 0, cut));
            hash_keccak256_update(&keccak, rest);
            hash_keccak256_final(&keccak, hash);
            EXPECT_TEXT(vectors_text(bytes_of(hash, 32)),
                        member(test, "keccak256"));
        }
        hash_sha256_init(&sha);
        hash_sha256_update(&sha, bytes_slice(data, 0, 7));
        hash_sha256_update(&sha, bytes_slice(data, 7, data.count));
        hash_sha256_final(&sha, hash);
        EXPECT_TEXT(vectors_text(bytes_of(hash, 32)), member(test, "sha256"));
        free((void *)data.data);
        count++;
    }
    json_decref(doc);
    printf("ethers hashes: %zu of 257\n", count);
    EXPECT_INT(count, 257);
}

TEST(addresses_equal_those_of_ethers)
{
    const char *path = vectors_path("ethereum/ethers/accounts.json.gz");
    json_t *doc, *test;
    size_t i, count = 0;

    if (path == NULL)
        return;
    doc = vectors_json_gz(path);
    json_array_foreach(doc, i, test)
    {
        struct bytes wanted = vectors_hex(member(test, "address"));
        uint8_t address[20];

        address_of(member(test, "privateKey"), address);
        EXPECT_BYTES(bytes_of(address, 20), wanted);
        free((void *)wanted.data);
        count++;
    }
    json_decref(doc);
    printf("ethers accounts: %zu of 259\n", count);
    EXPECT_INT(count, 259);
}

TEST(every_signed_form_of_ethers_is_verified_with_its_sender)
{
    static const struct {
        const char *name;
        uint8_t type;
        size_t count;
    } forms[] = {
        {"signedLegacy", 0, 3200}, {"signedEip155", 0, 1664},
        {"signedBerlin", 1, 3200}, {"signedLondon", 2, 3200},
        {"signedCancun", 3, 1664},
    };
    const char *path = vectors_path("ethereum/ethers/transactions.json.gz");
    size_t counts[5] = {0};
    struct judge *judge;
    json_t *doc, *test;
    size_t i;

    if (path == NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    doc = vectors_json_gz(path);
    json_array_foreach(doc, i, test)
    {
        json_t *fields = json_object_get(test, "transaction");
        uint8_t sender[20], id[32];

        address_of(member(test, "privateKey"), sender);
        for (size_t k = 0; k < 5; k++) {
            const char *text = member(test, forms[k].name);
            struct bytes raw;
            struct chain chain;
            struct verdict v;

            if (text == NULL || *text == '\0')
                continue;
            raw = vectors_hex(text);
            chain = vectors_chain_of(raw);
            judge_payload(judge, &chain, 1, raw, &v);
            if (forms[k].type == 3)
                EXPECT_INT(v.reason, REASON_UNSUPPORTED_TYPE);
            else
                EXPECT_TEXT(reason_name(v.reason), "none");
            judge_payload(judge, &chain, 3, raw, &v);
            counts[k]++;
            hash_keccak256(raw, id);
            EXPECT_TEXT(reason_name(v.reason), "none");
            EXPECT_INT(v.tx.type, forms[k].type);
            EXPECT_BYTES(bytes_of(v.tx.id, 32), bytes_of(id, 32));
            EXPECT_BYTES(bytes_of(v.tx.sender, v.tx.sender_count),
                         bytes_of(sender, 20));
            EXPECT_INT(v.tx.has_chain_id, k != 0);
            vectors_expect_canonical(raw);
            EXPECT_INT(v.tx.nonce,
                       json_integer_value(json_object_get(fields, "nonce")));
            free((void *)raw.data);
        }
    }
    json_decref(doc);
    judge_close(judge);
    for (size_t k = 0; k < 5; k++) {
        printf("ethers %s: %zu of %zu verified\n", forms[k].name, counts[k],
               forms[k].count);
        EXPECT_INT(counts[k], forms[k].count);
    }
}

TEST(keys_have_the_addresses_of_the_basic_tests)
{
    const char *path =
        vectors_path("ethereum/ethereum-tests/BasicTests/keyaddrtest.json");
    json_t *doc, *test;
    size_t i, count = 0;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    json_array_foreach(doc, i, test)
    {
        char key[80];
        uint8_t address[20];

        snprintf(key, sizeof(key), "0x%s", member(test, "key"));
        address_of(key, address);
        EXPECT_TEXT(vectors_text(bytes_of(address, 20)) + 2,
                    member(test, "addr"));
        count++;
    }
    json_decref(doc);
    printf("keyaddrtest: %zu of 2\n", count);
    EXPECT_INT(count, 2);
}
