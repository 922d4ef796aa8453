/*
 * tests/unit/judge/ethereum_tests_test.c: the transaction tests that all
 * Ethereum clients share, under rule set 2 of eip155:1, judged by the latest
 * fork each file lists.
 */
#include "tests/unit/judge/vectors.h"

static struct judge *judge;
static size_t valid, unprotected, refused, not_covered, wrong;

static json_t *latest_fork(json_t *result)
{
    const char *name;
    json_t *value, *latest = NULL;

    json_object_foreach(result, name, value) latest = value;
    return latest;
}

static void check_valid(const char *name, const struct verdict *v,
                        json_t *expected)
{
    const char *hash = json_string_value(json_object_get(expected, "hash"));
    const char *sender = json_string_value(json_object_get(expected, "sender"));

    if (v->verified &&
        strcmp(vectors_text(bytes_of(v->tx.id, 32)), hash) == 0 &&
        strcmp(vectors_text(bytes_of(v->tx.sender, v->tx.sender_count)),
               sender) == 0) {
        valid++;
        return;
    }
    /* Valid in these tests, but set 2 wants a chain id; set 1 verifies it. */
    if (v->reason == REASON_CHAIN_REQUIRED) {
        printf("not covered  %s: valid without chain id\n", name);
        unprotected++;
        return;
    }
    printf("WRONG        %s: %s\n", name, reason_name(v->reason));
    wrong++;
}

static void check_case(const char *name, json_t *test)
{
    struct bytes raw =
        vectors_hex(json_string_value(json_object_get(test, "txbytes")));
    json_t *expected = latest_fork(json_object_get(test, "result"));
    json_t *exception = json_object_get(expected, "exception");
    struct chain chain = vectors_chain("eip155:1");
    struct verdict v;

    judge_payload(judge, &chain, 2, raw, &v);
    if (v.verified)
        vectors_expect_canonical(raw);
    if (exception == NULL) {
        check_valid(name, &v, expected);
    } else if (v.verified) {
        printf("not covered  %s: %s\n", name, json_string_value(exception));
        not_covered++;
    } else {
        printf("refused      %-40s %-16s %s\n", name, reason_name(v.reason),
               json_string_value(exception));
        refused++;
    }
    free((void *)raw.data);
}

TEST(every_transaction_test_of_ethereum_has_the_verdict_of_its_latest_fork)
{
    const char *pattern =
        vectors_path("ethereum/ethereum-tests/TransactionTests/*/*.json");
    glob_t files;

    if (pattern == NULL)
        return;
    valid = unprotected = refused = not_covered = wrong = 0;
    EXPECT_INT(judge_open(&judge), 0);
    EXPECT_INT(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *doc = vectors_json(files.gl_pathv[i]);
        const char *name;
        json_t *test;

        json_object_foreach(doc, name, test) check_case(name, test);
        json_decref(doc);
    }
    globfree(&files);
    judge_close(judge);
    printf(
        "ethereum-tests under set 2: %zu valid, %zu refused as expected, "
        "%zu not covered (valid without chain id), %zu verified although "
        "invalid, %zu wrong\n",
        valid, refused, unprotected, not_covered, wrong);
    EXPECT_INT(wrong, 0);
    EXPECT_INT(valid, 17);
    EXPECT_INT(unprotected, 33);
    EXPECT_INT(refused, 160);
    EXPECT_INT(not_covered, 0);
}

/* Set 1 knows no pool rules: exactly the 12 that only those refuse pass. */
TEST(set_1_refuses_every_fault_of_encoding_and_signature)
{
    const char *pattern =
        vectors_path("ethereum/ethereum-tests/TransactionTests/*/*.json");
    struct chain chain = vectors_chain("eip155:1");
    size_t passed = 0, encoding_faults = 0, good = 0;
    glob_t files;

    if (pattern == NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    EXPECT_INT(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *doc = vectors_json(files.gl_pathv[i]);
        const char *name;
        json_t *test;

        json_object_foreach(doc, name, test)
        {
            struct bytes raw = vectors_hex(
                json_string_value(json_object_get(test, "txbytes")));
            json_t *expected = latest_fork(json_object_get(test, "result"));
            const char *exception =
                json_string_value(json_object_get(expected, "exception"));
            struct verdict v;

            judge_payload(judge, &chain, 1, raw, &v);
            if (exception != NULL && v.verified) {
                passed++;
                printf("set 1 verifies  %s: %s\n", name, exception);
            } else if (exception != NULL) {
                encoding_faults++;
            } else {
                EXPECT(v.verified);
                good++;
            }
            free((void *)raw.data);
        }
        json_decref(doc);
    }
    globfree(&files);
    judge_close(judge);
    printf(
        "ethereum-tests under set 1: %zu valid, %zu refused, %zu verified "
        "that only set 2 refuses\n",
        good, encoding_faults, passed);
    EXPECT_INT(good, 50);
    EXPECT_INT(encoding_faults, 148);
    EXPECT_INT(passed, 12);
}

/* These tests end before Osaka: what set 4 refuses beside set 2 is the gas cap
 * and the floor, and is counted. */
TEST(set_4_refuses_no_valid_transaction_but_for_its_new_rules)
{
    const char *pattern =
        vectors_path("ethereum/ethereum-tests/TransactionTests/*/*.json");
    struct chain chain = vectors_chain("eip155:1");
    size_t good = 0, bad = 0, of_osaka = 0, without = 0;
    glob_t files;

    if (pattern == NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    EXPECT_INT(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *doc = vectors_json(files.gl_pathv[i]), *test;
        const char *name;

        json_object_foreach(doc, name, test)
        {
            struct bytes raw = vectors_hex(
                json_string_value(json_object_get(test, "txbytes")));
            json_t *expected = latest_fork(json_object_get(test, "result"));
            bool invalid = json_object_get(expected, "exception") != NULL;
            struct verdict two, four;

            judge_payload(judge, &chain, 2, raw, &two);
            judge_payload(judge, &chain, 4, raw, &four);
            EXPECT(!invalid || !four.verified);
            if (invalid)
                bad++;
            else if (four.reason == REASON_GAS_ABOVE_CAP ||
                     four.reason == REASON_FLOOR_GAS)
                of_osaka++;
            else if (four.reason == REASON_CHAIN_REQUIRED)
                without++;
            else
                good += four.verified;
            if (four.reason != REASON_GAS_ABOVE_CAP &&
                four.reason != REASON_FLOOR_GAS &&
                two.reason != REASON_UNSUPPORTED_TYPE)
                EXPECT_TEXT(reason_name(four.reason), reason_name(two.reason));
            free((void *)raw.data);
        }
        json_decref(doc);
    }
    globfree(&files);
    judge_close(judge);
    printf(
        "ethereum-tests under set 4: %zu valid, %zu refused as expected, "
        "%zu not covered (valid without chain id), %zu above the gas cap or "
        "below the floor\n",
        good, bad, without, of_osaka);
    EXPECT_INT(good + of_osaka + without, 50);
    EXPECT_INT(bad, 160);
}

/* The verdict of Frontier is that of set 5, but for gas and prices. */
TEST(set_5_has_the_verdict_of_frontier)
{
    static const char *const not_covered_here[] = {
        "TransactionException.INTRINSIC_GAS_TOO_LOW",
        "TransactionException.GASLIMIT_PRICE_PRODUCT_OVERFLOW",
        "TransactionException.NONCE_TOO_BIG",
    };
    const char *pattern =
        vectors_path("ethereum/ethereum-tests/TransactionTests/*/*.json");
    struct chain chain = vectors_chain("eip155:1");
    size_t good = 0, bad = 0, policy = 0, high = 0;
    glob_t files;

    if (pattern == NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    EXPECT_INT(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *doc = vectors_json(files.gl_pathv[i]), *test;
        const char *name;

        json_object_foreach(doc, name, test)
        {
            struct bytes raw = vectors_hex(
                json_string_value(json_object_get(test, "txbytes")));
            json_t *expected =
                json_object_get(json_object_get(test, "result"), "Frontier");
            const char *exception =
                json_string_value(json_object_get(expected, "exception"));
            struct verdict v, one;
            bool ours = false;

            EXPECT(expected != NULL);
            judge_payload(judge, &chain, 5, raw, &v);
            judge_payload(judge, &chain, 1, raw, &one);
            for (size_t k = 0; exception != NULL && k < 3; k++)
                ours |= strcmp(exception, not_covered_here[k]) == 0;
            if (ours) {
                policy++;
            } else if (exception != NULL) {
                if (v.verified)
                    printf("set 5 verifies  %s: %s\n", name, exception);
                EXPECT(!v.verified);
                bad++;
            } else {
                if (!v.verified)
                    printf("set 5 refuses  %s: %s\n", name,
                           reason_name(v.reason));
                EXPECT(v.verified);
                EXPECT_TEXT(
                    vectors_text(bytes_of(v.tx.sender, v.tx.sender_count)),
                    json_string_value(json_object_get(expected, "sender")));
                high += one.reason == REASON_HIGH_S;
                good++;
            }
            free((void *)raw.data);
        }
        json_decref(doc);
    }
    globfree(&files);
    judge_close(judge);
    printf(
        "ethereum-tests of Frontier under set 5: %zu valid (%zu with a high "
        "s), %zu refused as expected, %zu with a fault that no set without "
        "pool rules knows\n",
        good, high, bad, policy);
    EXPECT_INT(good, 37);
    EXPECT_INT(good + bad + policy, 210);
}

static size_t nameless; /* the file does not say who sent it */

/* The transactions of a block as RLP, and their senders as JSON. */
static size_t check_block(json_t *block, size_t by_type[5])
{
    struct bytes raw =
        vectors_hex(json_string_value(json_object_get(block, "rlp")));
    struct bytes rest = vectors_item(vectors_item(raw, 0).payload, 1).payload;
    json_t *list = json_object_get(block, "transactions");
    size_t count;

    for (count = 0; rest.count > 0; count++) {
        json_t *sender = json_object_get(json_array_get(list, count), "sender");
        struct rlp_item item;
        struct chain chain;
        struct verdict v;

        EXPECT_INT(rlp_read(&rest, &item), RLP_GOOD);
        chain = vectors_chain_of(vectors_transaction(item));
        judge_payload(judge, &chain, 3, vectors_transaction(item), &v);
        EXPECT_TEXT(reason_name(v.reason), "none");
        if (sender == NULL)
            nameless++;
        else
            EXPECT_TEXT(vectors_text(bytes_of(v.tx.sender, 20)),
                        json_string_value(sender));
        vectors_expect_canonical(vectors_transaction(item));
        by_type[v.tx.type]++;
    }
    free((void *)raw.data);
    return count;
}

TEST(every_transaction_of_the_blockchain_tests_has_its_sender)
{
    const char *pattern = vectors_path(
        "ethereum/ethereum-tests/BlockchainTests/ValidBlocks/*/*.json");
    size_t blocks = 0, by_type[5] = {0}, count = 0;
    glob_t files;

    if (pattern == NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    EXPECT_INT(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        json_t *doc = vectors_json(files.gl_pathv[i]), *test, *block;
        const char *name;
        size_t b;

        json_object_foreach(doc, name, test)
        {
            json_array_foreach(json_object_get(test, "blocks"), b, block)
            {
                count += check_block(block, by_type);
                blocks++;
            }
        }
        json_decref(doc);
    }
    globfree(&files);
    judge_close(judge);
    printf(
        "BlockchainTests: %zu blocks, %zu + %zu + %zu + %zu of types 0 to 3 "
        "verified, %zu of them without a sender to compare\n",
        blocks, by_type[0], by_type[1], by_type[2], by_type[3], nameless);
    EXPECT_INT(nameless, 2);
    EXPECT_INT(blocks, 99);
    EXPECT_INT(count, 205);
    EXPECT(by_type[3] > 0);
}
