/*
 * tests/unit/judge/set_code_test.c: type 4: authorizations have their shape,
 * and are otherwise nobody's reason to refuse the transaction.
 */
#include <stdlib.h>

#include "tests/unit/judge/sign.h"
#include "tests/unit/judge/vectors.h"

#define INTO "(types.SetCodeTx).AuthList"

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

/* A transaction whose authorization list is these items. */
static void expect_list(const char *hex, enum reason reason, const char *text)
{
    struct bytes items = vectors_hex(hex);
    struct signing t;

    sign_init(&t, 4);
    t.f.authorizations = items;
    t.f.gas = 1000000;
    sign_now(&t);
    expect(&t, 3, reason, text);
    expect(&t, 4, reason, text);
    free((void *)items.data);
}

#define ADDRESS "940101010101010101010101010101010101010101"
#define TUPLE "820539" ADDRESS "80010101" /* 28 bytes: 1c */
#define GOOD "dc" TUPLE

TEST(an_authorization_has_six_fields)
{
    expect_list("0x" GOOD, REASON_NONE, "");
    expect_list("0x" GOOD GOOD GOOD, REASON_NONE, "");
    expect_list("0x80", REASON_MALFORMED,
                "rlp: expected input list for types.SetCodeAuthorization, "
                "decoding into " INTO "[0]");
    expect_list("0xc0", REASON_MALFORMED,
                "rlp: too few elements for types.SetCodeAuthorization, "
                "decoding into " INTO "[0]");
    expect_list("0x" GOOD "db820539" ADDRESS "800101", REASON_MALFORMED,
                "rlp: too few elements for types.SetCodeAuthorization, "
                "decoding into " INTO "[1]");
    expect_list("0xdd" TUPLE "01", REASON_MALFORMED,
                "rlp: input list has too many elements for "
                "types.SetCodeAuthorization, decoding into " INTO "[0]");
    expect_list("0xdd" TUPLE, REASON_MALFORMED,
                "rlp: element is larger than containing list");
    expect_list("0xc5c0" GOOD, REASON_MALFORMED,
                "rlp: expected input string or byte for *uint256.Int, "
                "decoding into " INTO "[0].ChainID");
}

TEST(the_fields_of_an_authorization_are_in_their_range)
{
    expect_list(
        "0xdb820539"
        "9301010101010101010101010101010101010101"
        "80010101",
        REASON_FIELD_RANGE,
        "rlp: input string too short for common.Address, decoding "
        "into " INTO "[0].Address");
    expect_list("0xca0180800101018080808080", REASON_FIELD_RANGE,
                "rlp: input string too short for common.Address, decoding "
                "into " INTO "[0].Address");
    expect_list("0xe301" ADDRESS "8901000000000000000001010180",
                REASON_FIELD_RANGE,
                "rlp: input string too long for uint64, decoding into " INTO
                "[0].Nonce");
    expect_list("0xdc01" ADDRESS "80820100010105", REASON_FIELD_RANGE,
                "rlp: input string too long for uint8, decoding into " INTO
                "[0].V");
    expect_list("0xda01" ADDRESS "00010101", REASON_NON_CANONICAL,
                "rlp: non-canonical integer (leading zero bytes) for uint64, "
                "decoding into " INTO "[0].Nonce");
    expect_list("0xda01" ADDRESS "80010001", REASON_NON_CANONICAL,
                "rlp: non-canonical integer (leading zero bytes) for "
                "*uint256.Int, decoding into " INTO "[0].R");
    expect_list("0xdb01" ADDRESS "8001810101", REASON_NON_CANONICAL,
                "rlp: non-canonical size information for *uint256.Int, "
                "decoding into " INTO "[0].R");
    expect_list("0xf83b01" ADDRESS
                "800101"
                "a1010000000000000000000000000000000000000000000000000000000000"
                "00000000",
                REASON_FIELD_RANGE, "rlp: value too large for uint256");
}

/* Chain 0 or another, nonce 2^64 - 1, y parity 255, r and s 0 or all ones. */
TEST(an_authorization_that_nobody_signed_rejects_nothing)
{
    expect_list("0xda80" ADDRESS "80808080", REASON_NONE, "");
    expect_list("0xe363" ADDRESS "88ffffffffffffffff81ff8080", REASON_NONE, "");
    expect_list(
        "0xf8"
        "5a01" ADDRESS
        "8001"
        "a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffff"
        "a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffff",
        REASON_NONE, "");
}

TEST(set_4_wants_an_authorization_and_set_3_does_not)
{
    struct signing t;

    sign_init(&t, 4);
    t.f.authorizations = BYTES_NONE;
    sign_now(&t);
    expect(&t, 3, REASON_NONE, "");
    expect(&t, 4, REASON_NO_AUTHORIZATION,
           "set code tx must have at least one authorization tuple");
}

TEST(an_authorization_costs_25000_gas)
{
    static uint8_t three[3 * sizeof(sign_authorization)];

    for (size_t count = 1; count <= 3; count++) {
        struct signing t;
        char text[128];

        memcpy(three + (count - 1) * sizeof(sign_authorization),
               sign_authorization, sizeof(sign_authorization));
        sign_init(&t, 4);
        t.f.authorizations =
            bytes_of(three, count * sizeof(sign_authorization));
        t.f.gas = 21000 + 25000 * count;
        sign_now(&t);
        expect(&t, 4, REASON_NONE, "");
        t.f.gas--;
        sign_now(&t);
        snprintf(text, sizeof(text),
                 "intrinsic gas too low: gas %llu, minimum needed %llu",
                 (unsigned long long)t.f.gas, (unsigned long long)t.f.gas + 1);
        expect(&t, 4, REASON_INTRINSIC_GAS, text);
        expect(&t, 3, REASON_NONE, "");
    }
}

TEST(a_set_code_transaction_creates_no_contract)
{
    struct signing t;

    sign_init(&t, 4);
    t.f.to = BYTES_NONE;
    sign_now(&t);
    expect(&t, 3, REASON_FIELD_RANGE,
           "rlp: input string too short for common.Address, decoding into "
           "(types.SetCodeTx).To");
}

TEST(what_is_no_list_of_fields_is_refused_in_geths_words)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        {"0x04", "typed transaction too short"},
        {"0x0480", "rlp: expected input list for types.SetCodeTx"},
        {"0x04c0", "rlp: too few elements for types.SetCodeTx"},
        {"0x04c1", "rlp: value size exceeds available input length"},
        {"0x04c1c0",
         "rlp: expected input string or byte for *uint256.Int, decoding into "
         "(types.SetCodeTx).ChainID"},
    };
    struct chain chain = vectors_chain("eip155:1337");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes raw = vectors_hex(cases[i].hex);
        struct transaction t;

        EXPECT_INT(transaction_decode(&chain, 4, raw, &t, &words),
                   REASON_MALFORMED);
        EXPECT_TEXT(words.text, cases[i].text);
        free((void *)raw.data);
    }
}
