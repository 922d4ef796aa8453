/*
 * tests/unit/judge/sets_test.c: what sets 3, 4 and 5 say beside sets 1 and 2.
 */
#include <stdlib.h>

#include "tests/unit/judge/sign.h"
#include "tests/unit/judge/vectors.h"

static struct judge *judge;
static struct transaction_words words;

static enum reason decode(int rules, struct signing *t)
{
    struct chain chain = vectors_chain("eip155:1337");
    struct transaction out;
    struct buffer raw;
    enum reason reason;

    reason =
        transaction_decode(&chain, rules, sign_encode(t, &raw), &out, &words);
    buffer_fini(&raw);
    return reason;
}

static void expect(struct signing *t, int rules, enum reason reason,
                   const char *text)
{
    EXPECT_TEXT(reason_name(decode(rules, t)), reason_name(reason));
    EXPECT_TEXT(words.text, text);
}

static void judge_by(int rules, struct bytes raw, struct verdict *out)
{
    struct chain chain = vectors_chain("eip155:1337");

    if (judge == NULL)
        EXPECT_INT(judge_open(&judge), 0);
    judge_payload(judge, &chain, rules, raw, out);
}

/* Floor and cap do not touch what these have: one of each fault of set 2. */
TEST(sets_3_and_4_agree_with_1_and_2_about_types_0_to_2)
{
    size_t cases = 0;

    for (uint8_t type = 0; type <= 2; type++) {
        struct buffer out;
        struct signing t;
        uint8_t *data;
        struct bytes raw;

        sign_init(&t, type);
        sign_now(&t);
        raw = sign_encode(&t, &out);
        data = malloc(raw.count);
        memcpy(data, raw.data, raw.count);
        for (size_t bit = 0; bit < 8 * raw.count; bit++) {
            struct verdict old, new;

            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            for (int rules = 1; rules <= 2; rules++) {
                judge_by(rules, bytes_of(data, raw.count), &old);
                judge_by(rules + 2, bytes_of(data, raw.count), &new);
                cases++;
                /* Another type is another matter, and so is much more gas. */
                if (data[0] == 3 || data[0] == 4 ||
                    new.reason == REASON_GAS_ABOVE_CAP)
                    continue;
                EXPECT_INT(new.reason, old.reason);
                EXPECT(!old.verified ||
                       memcmp(new.tx.sender, old.tx.sender, 20) == 0);
            }
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(data);
        buffer_fini(&out);
    }
    printf("flipped bits under both: %zu\n", cases);
}

/* 21000 and 10 or 40 a byte, whatever the intrinsic gas is. (That of type 4
 * is above this floor.) */
TEST(the_floor_is_exact_to_the_unit_and_of_set_4_alone)
{
    static uint8_t data[1000];
    const uint64_t floor = 21000 + 250 * 10 + 750 * 40;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = i % 4 == 0 ? 0 : 0x77;
    for (uint8_t type = 0; type <= 3; type++) {
        struct signing t;
        char text[128];

        sign_init(&t, type);
        t.f.data = bytes_of(data, sizeof(data));
        t.f.gas = floor;
        sign_now(&t);
        expect(&t, 4, REASON_NONE, "");
        t.f.gas = floor - 1;
        sign_now(&t);
        snprintf(text, sizeof(text),
                 "insufficient gas for floor data gas cost: gas %llu, minimum "
                 "needed %llu",
                 (unsigned long long)floor - 1, (unsigned long long)floor);
        expect(&t, 4, REASON_FLOOR_GAS, text);
        if (type <= 2)
            expect(&t, 2, REASON_NONE, "");
        expect(&t, 3, REASON_NONE, "");
    }
}

/* A creation has 32000 less to the floor than to its intrinsic gas. */
TEST(the_floor_of_a_contract_creation_begins_at_21000_too)
{
    static uint8_t data[3000];
    struct signing t;

    memset(data, 7, sizeof(data));
    sign_init(&t, 2);
    t.f.to = BYTES_NONE;
    t.f.data = bytes_of(data, sizeof(data));
    t.f.gas = 21000 + 3000 * 40;
    sign_now(&t);
    expect(&t, 4, REASON_NONE, "");
    t.f.gas--;
    sign_now(&t);
    expect(&t, 4, REASON_FLOOR_GAS,
           "insufficient gas for floor data gas cost: gas 140999, minimum "
           "needed 141000");
    t.f.gas = 53000 + 3000 * 16 + 94 * 2 - 1;
    sign_now(&t);
    expect(&t, 4, REASON_INTRINSIC_GAS,
           "intrinsic gas too low: gas 101187, minimum needed 101188");
}

TEST(gas_is_capped_by_set_4_alone)
{
    for (uint8_t type = 0; type <= 4; type++) {
        struct signing t;

        sign_init(&t, type);
        t.f.gas = 16777216;
        sign_now(&t);
        expect(&t, 4, REASON_NONE, "");
        t.f.gas++;
        sign_now(&t);
        expect(&t, 4, REASON_GAS_ABOVE_CAP,
               "transaction gas limit too high (cap: 16777216, tx: 16777217)");
        if (type <= 2)
            expect(&t, 2, REASON_NONE, "");
        expect(&t, 3, REASON_NONE, "");
    }
}

/* With the words and in the order of set 2, for types 3 and 4 as well. */
TEST(the_rules_of_set_2_hold_for_types_3_and_4_in_set_4)
{
    static uint8_t most[32];

    memset(most, 0xff, sizeof(most));
    for (uint8_t type = 3; type <= 4; type++) {
        struct signing t;

        sign_init(&t, type);
        t.f.tip = BYTES_LITERAL("\x77\x35\x94\x01");
        sign_now(&t);
        expect(&t, 4, REASON_TIP_ABOVE_CAP,
               "max priority fee per gas higher than max fee per gas");
        expect(&t, 3, REASON_NONE, "");
        sign_init(&t, type);
        t.f.nonce = UINT64_MAX;
        sign_now(&t);
        expect(&t, 4, REASON_NONCE_TOO_HIGH, "nonce has max value");
        expect(&t, 3, REASON_NONE, "");
        sign_init(&t, type);
        t.f.price = bytes_of(most, 32);
        sign_now(&t);
        expect(&t, 4, REASON_COST_OVERFLOW,
               "insufficient funds for gas * price + value");
        expect(&t, 3, REASON_NONE, "");
        sign_init(&t, type);
        t.f.gas = 20999;
        sign_now(&t);
        EXPECT_INT(decode(4, &t), REASON_INTRINSIC_GAS);
        sign_init(&t, type);
        t.f.chain_id = BYTES_LITERAL("\x01");
        sign_now(&t);
        for (int rules = 3; rules <= 4; rules++)
            expect(&t, rules, REASON_WRONG_CHAIN,
                   "invalid sender: invalid chain id for signer: have 1 want "
                   "1337");
    }
}

#define BAD_SIGNATURE "invalid sender: invalid transaction v, r, s values"

TEST(signatures_of_types_3_and_4_are_in_their_range)
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf,
                                      0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c,
                                      0xd0, 0x36, 0x41, 0x41};
    uint8_t high[32];

    memcpy(high, order, sizeof(high));
    high[31]--;
    for (uint8_t type = 3; type <= 4; type++) {
        for (int rules = 3; rules <= 4; rules++) {
            struct signing t;

            sign_init(&t, type);
            sign_now(&t);
            t.f.v = BYTES_LITERAL("\x02");
            expect(&t, rules, REASON_BAD_RECOVERY_ID, BAD_SIGNATURE);
            t.f.v = BYTES_LITERAL("\x1b");
            expect(&t, rules, REASON_BAD_RECOVERY_ID, BAD_SIGNATURE);
            sign_now(&t);
            t.f.r = BYTES_NONE;
            expect(&t, rules, REASON_OUT_OF_RANGE, BAD_SIGNATURE);
            t.f.r = bytes_of(order, 32);
            expect(&t, rules, REASON_OUT_OF_RANGE, BAD_SIGNATURE);
            sign_now(&t);
            t.f.s = bytes_of(high, 32);
            expect(&t, rules, REASON_HIGH_S, BAD_SIGNATURE);
        }
    }
}

TEST(set_5_takes_either_s_of_a_legacy_transaction_without_chain_id)
{
    uint8_t high[32];
    struct verdict low, twin;
    struct buffer out;
    struct signing t;
    int borrow = 0;

    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf,
                                      0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c,
                                      0xd0, 0x36, 0x41, 0x41};

    sign_init(&t, 0);
    t.protect = false;
    sign_now(&t);
    judge_by(5, sign_encode(&t, &out), &low);
    EXPECT(low.verified);
    buffer_fini(&out);
    for (int i = 31; i >= 0; i--) {
        int rest = order[i] - t.s[i] - borrow;

        borrow = rest < 0;
        high[i] = (uint8_t)rest;
    }
    t.f.s = bytes_of(high, 32);
    sign_set_parity(&t, t.v[31] == 27);
    expect(&t, 1, REASON_HIGH_S, BAD_SIGNATURE);
    expect(&t, 3, REASON_HIGH_S, BAD_SIGNATURE);
    judge_by(5, sign_encode(&t, &out), &twin);
    EXPECT(twin.verified);
    EXPECT_BYTES(bytes_of(twin.tx.sender, 20), bytes_of(low.tx.sender, 20));
    EXPECT(memcmp(twin.tx.id, low.tx.id, 32) != 0);
    buffer_fini(&out);

    t.f.s = bytes_of(order, 32);
    expect(&t, 5, REASON_OUT_OF_RANGE, BAD_SIGNATURE);
    t.f.s = BYTES_NONE;
    expect(&t, 5, REASON_OUT_OF_RANGE, BAD_SIGNATURE);
}

TEST(set_5_knows_no_chain_id_and_no_type)
{
    struct signing t;

    sign_init(&t, 0);
    sign_now(&t);
    expect(&t, 5, REASON_BAD_RECOVERY_ID, BAD_SIGNATURE);
    for (int v = 0; v < 256; v++) {
        uint8_t byte = (uint8_t)v;

        t.f.v = bytes_of(&byte, 1);
        EXPECT_INT(decode(5, &t),
                   v == 27 || v == 28 ? REASON_NONE : REASON_BAD_RECOVERY_ID);
    }
    for (uint8_t type = 1; type <= 4; type++) {
        sign_init(&t, type);
        sign_now(&t);
        expect(&t, 5, REASON_UNSUPPORTED_TYPE,
               "transaction type not supported");
    }
}

TEST(no_set_knows_a_type_above_4)
{
    for (int type = 0; type <= 0x7f; type++) {
        uint8_t raw[2] = {(uint8_t)type, 0xc0};
        struct chain chain = vectors_chain("eip155:1");
        struct transaction t;

        for (int rules = 1; rules <= 5; rules++) {
            int known = rules <= 2 ? 2 : rules <= 4 ? 4 : 0;

            EXPECT_INT(transaction_decode(&chain, rules, bytes_of(raw, 2), &t,
                                          NULL),
                       type >= 1 && type <= known ? REASON_MALFORMED
                                                  : REASON_UNSUPPORTED_TYPE);
        }
    }
}
