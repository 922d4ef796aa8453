/*
 * tests/unit/judge/judge_test.c: the examples, and what happens to them when
 * one bit, one byte or the length is not what was signed.
 */
#include "verifier/judge.h"

#include <pthread.h>
#include <stdlib.h>

#include "schemas/amount.h"
#include "schemas/hash.h"
#include "tests/unit/judge/sign.h"
#include "tests/unit/judge/vectors.h"

#define EXAMPLES "schemas/examples/"
#define EXAMPLES_MAX 16
#define COLUMNS 11

enum column {
    COLUMN_FILE,
    COLUMN_CHAIN,
    COLUMN_RULES,
    COLUMN_TYPE,
    COLUMN_HASH,
    COLUMN_SENDER,
    COLUMN_RECIPIENT,
    COLUMN_AMOUNT,
    COLUMN_NONCE
};

struct example {
    char *columns[COLUMNS];
    struct bytes raw;
};

static struct example examples[EXAMPLES_MAX];
static size_t examples_count;
static struct judge *judge;

static struct bytes read_example(const char *file)
{
    char path[256], *text;
    struct bytes raw;

    snprintf(path, sizeof(path), EXAMPLES "%s", file);
    text = harness_read_file(path, NULL);
    EXPECT(text != NULL);
    text[strcspn(text, "\n")] = '\0';
    raw = vectors_hex(text);
    EXPECT(raw.count > 0);
    free(text);
    return raw;
}

/* Reads the examples of Ethereum once and opens the judge; both stay. */
static void setup(void)
{
    static char *index;
    char *rest, *line;

    if (judge != NULL)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    index = harness_read_file(EXAMPLES "examples.tsv", NULL);
    EXPECT(index != NULL);
    rest = index;
    strsep(&rest, "\n"); /* the heading */
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        struct example *e = &examples[examples_count++];

        EXPECT(examples_count <= EXAMPLES_MAX);
        for (size_t i = 0; i < COLUMNS; i++) {
            e->columns[i] = strsep(&line, "\t");
            EXPECT(e->columns[i] != NULL);
        }
        if (strncmp(e->columns[COLUMN_CHAIN], "eip155:", 7) == 0)
            e->raw = read_example(e->columns[COLUMN_FILE]);
        else
            examples_count--; /* examples_test.c has all of them */
    }
}

static void judge_by(const char *chain_name, int rules, struct bytes raw,
                     struct verdict *out)
{
    struct chain chain = vectors_chain(chain_name);

    memset(out, 0xee, sizeof(*out)); /* nothing may depend on what was there */
    judge_payload(judge, &chain, rules, raw, out);
}

static void expect_as_indexed(const struct example *e, int rules)
{
    char amount[AMOUNT_TEXT_MAX + 1];
    struct verdict v;

    judge_by(e->columns[COLUMN_CHAIN], rules, e->raw, &v);
    EXPECT_TEXT(reason_name(v.reason), "none");
    EXPECT(v.verified);
    EXPECT_INT(v.tx.type, atoi(e->columns[COLUMN_TYPE]));
    EXPECT_TEXT(vectors_text(bytes_of(v.tx.id, 32)), e->columns[COLUMN_HASH]);
    EXPECT_TEXT(vectors_text(bytes_of(v.tx.sender, v.tx.sender_count)),
                e->columns[COLUMN_SENDER]);
    EXPECT_TEXT(v.tx.recipient.data == NULL ? "-"
                                            : vectors_text(v.tx.recipient),
                e->columns[COLUMN_RECIPIENT]);
    amount_format(v.tx.amount, amount);
    EXPECT_TEXT(amount, e->columns[COLUMN_AMOUNT]);
    EXPECT_INT(v.tx.nonce, atoll(e->columns[COLUMN_NONCE]));
    EXPECT(v.tx.id_covers_all);
    EXPECT_BYTES(v.tx.canonical, e->raw);
    vectors_expect_canonical(e->raw);
}

TEST(every_example_is_what_its_index_says)
{
    setup();
    for (size_t i = 0; i < examples_count; i++) {
        int rules = atoi(examples[i].columns[COLUMN_RULES]);

        expect_as_indexed(&examples[i], 1);
        if (rules == 2) {
            expect_as_indexed(&examples[i], 2);
        } else {
            struct verdict v;

            judge_by("eip155:1", 2, examples[i].raw, &v);
            EXPECT_INT(v.reason, REASON_CHAIN_REQUIRED);
        }
    }
    printf("examples: %zu\n", examples_count);
    EXPECT_INT(examples_count, 10);
}

TEST(an_example_of_another_chain_is_rejected_under_its_id)
{
    setup();
    for (size_t i = 0; i < examples_count; i++) {
        struct verdict v;
        uint8_t sha[32];

        judge_by("eip155:10", 1, examples[i].raw, &v);
        if (atoi(examples[i].columns[COLUMN_RULES]) == 1) {
            EXPECT(v.verified); /* without chain id: good on any chain */
            continue;
        }
        EXPECT(!v.verified);
        EXPECT_INT(v.reason, REASON_WRONG_CHAIN);
        EXPECT(v.tx.has_id && v.tx.id_covers_all);
        EXPECT_INT(v.tx.sender_count, 0);
        EXPECT_TEXT(vectors_text(bytes_of(v.tx.id, 32)),
                    examples[i].columns[COLUMN_HASH]);
        EXPECT_TEXT(v.tx.chain_in_bytes.name, "eip155:1");
        hash_sha256(examples[i].raw, sha);
        EXPECT_BYTES(bytes_of(v.payload_sha256, 32), bytes_of(sha, 32));
    }
}

/* The smallest example of each form; flipping every bit of all takes long. */
static bool is_small(const struct example *e)
{
    return e->raw.count < 900;
}

TEST(every_flipped_bit_changes_the_sender_or_the_verdict)
{
    size_t flips = 0, refused = 0, others = 0;

    setup();
    for (size_t i = 0; i < examples_count; i++) {
        struct bytes raw = examples[i].raw;
        uint8_t *data;
        struct verdict v;

        if (!is_small(&examples[i]))
            continue;
        data = malloc(raw.count);
        memcpy(data, raw.data, raw.count);
        for (size_t bit = 0; bit < 8 * raw.count; bit++) {
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            judge_by("eip155:1", 1, bytes_of(data, raw.count), &v);
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            flips++;
            if (!v.verified) {
                refused++;
                continue;
            }
            others++;
            EXPECT(strcmp(vectors_text(bytes_of(v.tx.sender, 20)),
                          examples[i].columns[COLUMN_SENDER]) != 0);
            EXPECT(strcmp(vectors_text(bytes_of(v.tx.id, 32)),
                          examples[i].columns[COLUMN_HASH]) != 0);
        }
        free(data);
    }
    printf("flipped bits: %zu; %zu refused, %zu with another sender\n", flips,
           refused, others);
    EXPECT(refused > 0 && others > 0);
}

/* The forms that no example has: under set 4 with chain id, under set 5 without
 * one, where the twin of the signature is good too. */
TEST(every_flipped_bit_of_every_form_changes_id_and_sender_or_the_verdict)
{
    static const struct {
        uint8_t type;
        bool protect;
        int rules;
    } forms[] = {{0, true, 4}, {1, true, 4}, {2, true, 4},
                 {3, true, 4}, {4, true, 4}, {0, false, 5}};

    setup();
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t refused = 0, others = 0;
        struct verdict good, v;
        struct buffer out;
        struct signing t;

        sign_init(&t, forms[i].type);
        t.protect = forms[i].protect;
        sign_now(&t);
        sign_encode(&t, &out);
        judge_by("eip155:1337", forms[i].rules, buffer_bytes(&out), &good);
        EXPECT(good.verified);
        for (size_t bit = 0; bit < 8 * out.count; bit++) {
            out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            judge_by("eip155:1337", forms[i].rules, buffer_bytes(&out), &v);
            out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused += !v.verified;
            others += v.verified;
            EXPECT(!v.verified || memcmp(v.tx.id, good.tx.id, 32) != 0);
            EXPECT(!v.verified || memcmp(v.tx.sender, good.tx.sender, 20) != 0);
        }
        printf(
            "type %d by set %d, flipped bits: %zu refused, %zu with another "
            "sender\n",
            forms[i].type, forms[i].rules, refused, others);
        EXPECT(refused > 0 && others > 0);
        buffer_fini(&out);
    }
}

TEST(an_example_cut_anywhere_does_not_decode)
{
    size_t cuts = 0;

    setup();
    for (size_t i = 0; i < examples_count; i++) {
        for (size_t count = 0; count < examples[i].raw.count; count++) {
            /* Memory of exactly this size, so that a sanitizer sees a step
             * past its end. */
            uint8_t *data = malloc(count + (count == 0));
            struct verdict v;

            memcpy(data, examples[i].raw.data, count);
            judge_by("eip155:1", 1, bytes_of(data, count), &v);
            EXPECT_TEXT(reason_name(v.reason),
                        count == 0 ? "empty" : "malformed");
            EXPECT(!v.tx.has_id);
            free(data);
            cuts++;
        }
    }
    printf("cuts: %zu, all malformed\n", cuts);
}

TEST(an_example_with_a_byte_behind_it_is_not_canonical)
{
    setup();
    for (size_t i = 0; i < examples_count; i++) {
        struct bytes raw = examples[i].raw;
        uint8_t *data = malloc(raw.count + 1);
        struct verdict v;

        memcpy(data, raw.data, raw.count);
        for (int byte = 0; byte < 256; byte++) {
            data[raw.count] = (uint8_t)byte;
            judge_by("eip155:1", 1, bytes_of(data, raw.count + 1), &v);
            EXPECT_INT(v.reason, REASON_NON_CANONICAL);
            EXPECT(!v.tx.has_id);
        }
        free(data);
    }
}

TEST(a_record_without_value_is_rejected_as_empty)
{
    uint8_t sha[32];
    struct verdict v;

    setup();
    hash_sha256(BYTES_NONE, sha);
    judge_by("eip155:1", 1, BYTES_NONE, &v);
    EXPECT_INT(v.reason, REASON_EMPTY);
    EXPECT_BYTES(bytes_of(v.payload_sha256, 32), bytes_of(sha, 32));
    judge_by("eip155:1", 2, bytes_of("", 0), &v);
    EXPECT_INT(v.reason, REASON_EMPTY);
    EXPECT(!v.tx.has_id);
}

TEST(a_chain_without_rule_set_is_never_verified)
{
    struct verdict v;

    setup();
    judge_by("cosmos:abc", 1, examples[0].raw, &v);
    EXPECT_INT(v.reason, REASON_UNSUPPORTED_CHAIN);
    EXPECT(!v.verified && !v.tx.has_id);
}

/* About half of all x are on the curve; for the others nobody signed. */
TEST(an_r_that_is_not_on_the_curve_fails_recovery)
{
    size_t verified = 0, failed = 0;

    setup();
    for (uint8_t r = 1; r <= 40; r++) {
        struct buffer out;
        struct signing t;
        struct verdict v;

        sign_init(&t, 2);
        sign_now(&t);
        t.f.r = bytes_of(&r, 1);
        judge_by("eip155:1337", 2, sign_encode(&t, &out), &v);
        buffer_fini(&out);
        if (v.verified) {
            verified++;
            continue;
        }
        EXPECT_INT(v.reason, REASON_RECOVERY_FAILED);
        EXPECT(v.tx.has_id && v.tx.id_covers_all);
        EXPECT_INT(v.tx.sender_count, 0);
        failed++;
    }
    EXPECT(verified > 5 && failed > 5);
}

/* All types and both ways to sign, with the address of key 46.. */
TEST(what_we_sign_ourselves_has_our_address)
{
    setup();
    for (int form = 0; form <= 5; form++) {
        struct buffer out;
        struct signing t;
        struct verdict v;

        sign_init(&t, (uint8_t)(form == 5 ? 0 : form));
        t.protect = form != 5;
        sign_now(&t);
        judge_by("eip155:1337", 3, sign_encode(&t, &out), &v);
        buffer_fini(&out);
        EXPECT(v.verified);
        EXPECT_TEXT(vectors_text(bytes_of(v.tx.sender, 20)),
                    "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
    }
}

static void *judge_many(void *arg)
{
    size_t *good = arg;
    struct chain chain = vectors_chain("eip155:1");

    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < examples_count; i++) {
            struct verdict v;

            judge_payload(judge, &chain, 1, examples[i].raw, &v);
            *good += v.verified;
        }
    }
    return NULL;
}

TEST(one_judge_serves_several_threads)
{
    pthread_t threads[4];
    size_t good[4] = {0};

    setup();
    for (int i = 0; i < 4; i++)
        EXPECT_INT(pthread_create(&threads[i], NULL, judge_many, &good[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_INT(good[i], 20 * examples_count);
    }
}
