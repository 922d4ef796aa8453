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
