/*
 * tests/unit/judge/rules_test.c: every refusal that needs no curve, with its
 * reason and with the words that geth has for it.
 */
#include <stdlib.h>

#include "tests/unit/judge/sign.h"
#include "tests/unit/judge/vectors.h"

#define RLP_ERROR(what, type, into)                                            \
    "rlp: " what " for " type ", decoding into (types." into

static struct transaction_words words;

static enum reason decode_by(const char *name, int rules, struct bytes raw)
{
    struct chain chain = vectors_chain(name);
    struct transaction t;

    return transaction_decode(&chain, rules, raw, &t, &words);
}

static void expect(const char *name, int rules, struct bytes raw,
                   enum reason reason, const char *text)
{
    EXPECT_TEXT(reason_name(decode_by(name, rules, raw)), reason_name(reason));
    EXPECT_TEXT(words.text, text);
}

/* Set 2 of chain 1337. */
static void expect_built(struct signing *t, enum reason reason,
                         const char *text)
{
    struct buffer out;

    expect("eip155:1337", 2, sign_encode(t, &out), reason, text);
    buffer_fini(&out);
}

static void expect_hex(const char *hex, enum reason reason, const char *text)
{
    struct bytes raw = vectors_hex(hex);

    expect("eip155:1337", 2, raw, reason, text);
    free((void *)raw.data);
}

TEST(what_is_no_transaction_is_refused_in_geths_words)
{
    static const struct {
        const char *hex;
        enum reason reason;
        const char *text;
    } cases[] = {
        {"0x", REASON_EMPTY, "typed transaction too short"},
        {"0x00", REASON_MALFORMED, "typed transaction too short"},
        {"0x02", REASON_MALFORMED, "typed transaction too short"},
        {"0x05c0", REASON_UNSUPPORTED_TYPE, "transaction type not supported"},
        {"0x7fc0", REASON_UNSUPPORTED_TYPE, "transaction type not supported"},
        {"0x7ec0", REASON_UNSUPPORTED_TYPE, "transaction type not supported"},
        {"0x03c0", REASON_UNSUPPORTED_TYPE, "transaction type not supported"},
        {"0x04c0", REASON_UNSUPPORTED_TYPE, "transaction type not supported"},
        {"0x68656c6c6f", REASON_UNSUPPORTED_TYPE,
         "transaction type not supported"},
        {"0x80", REASON_MALFORMED,
         "rlp: expected input list for types.LegacyTx"},
        {"0x8101", REASON_MALFORMED,
         "rlp: expected input list for types.LegacyTx"},
        {"0xb80105", REASON_MALFORMED,
         "rlp: expected input list for types.LegacyTx"},
        {"0x028101", REASON_MALFORMED,
         "rlp: expected input list for types.DynamicFeeTx"},
        {"0x0180", REASON_MALFORMED,
         "rlp: expected input list for types.AccessListTx"},
        {"0x0205", REASON_MALFORMED,
         "rlp: expected input list for types.DynamicFeeTx"},
        {"0xc0", REASON_MALFORMED, "rlp: too few elements for types.LegacyTx"},
        {"0xc180", REASON_MALFORMED,
         "rlp: too few elements for types.LegacyTx"},
        {"0x01c0", REASON_MALFORMED,
         "rlp: too few elements for types.AccessListTx"},
        {"0x02c0", REASON_MALFORMED,
         "rlp: too few elements for types.DynamicFeeTx"},
        {"0xc1", REASON_MALFORMED,
         "rlp: value size exceeds available input length"},
        {"0xf8ff80", REASON_MALFORMED,
         "rlp: value size exceeds available input length"},
        {"0xff0f000000000000021111", REASON_MALFORMED,
         "rlp: value size exceeds available input length"},
        {"0xf800", REASON_NON_CANONICAL,
         "rlp: non-canonical size information for types.LegacyTx"},
        {"0xc182", REASON_MALFORMED,
         "rlp: element is larger than containing list"},
        {"0xc100", REASON_NON_CANONICAL,
         RLP_ERROR("non-canonical integer (leading zero bytes)", "uint64",
                   "LegacyTx).Nonce")},
        {"0xc28105", REASON_NON_CANONICAL,
         RLP_ERROR("non-canonical size information", "uint64",
                   "LegacyTx).Nonce")},
        {"0xca89010000000000000000", REASON_FIELD_RANGE,
         RLP_ERROR("input string too long", "uint64", "LegacyTx).Nonce")},
        {"0xc1c0", REASON_MALFORMED,
         RLP_ERROR("expected input string or byte", "uint64",
                   "LegacyTx).Nonce")},
        {"0xc280c0", REASON_MALFORMED,
         RLP_ERROR("expected input string or byte", "*big.Int",
                   "LegacyTx).GasPrice")},
        {"0x02c5808082000b", REASON_NON_CANONICAL,
         RLP_ERROR("non-canonical integer (leading zero bytes)", "*big.Int",
                   "DynamicFeeTx).GasTipCap")},
        {"0xc6808080821234", REASON_FIELD_RANGE,
         RLP_ERROR("input string too short", "common.Address", "LegacyTx).To")},
        {"0xc480808005", REASON_FIELD_RANGE,
         RLP_ERROR("input string too short", "common.Address", "LegacyTx).To")},
        {"0xc4808080c0", REASON_MALFORMED,
         RLP_ERROR("wrong kind of empty value (got List, want String)",
                   "*common.Address", "LegacyTx).To")},
        {"0xc6808080808"
         "0c0",
         REASON_MALFORMED,
         RLP_ERROR("expected input string or byte", "[]uint8",
                   "LegacyTx).Data")},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_hex(cases[i].hex, cases[i].reason, cases[i].text);
}

/* A type 2 transaction whose access list is these items. */
static void expect_access_list(const char *items, enum reason reason,
                               const char *text)
{
    struct bytes raw = vectors_hex(items);
    struct signing t;

    sign_init(&t, 2);
    t.f.access_list = raw;
    t.f.gas = 1000000;
    sign_now(&t);
    expect_built(&t, reason, text);
    free((void *)raw.data);
}

#define ADDRESS "940101010101010101010101010101010101010101"
#define KEY "a00202020202020202020202020202020202020202020202020202020202020202"

TEST(an_access_list_has_its_shape_to_the_last_item)
{
    expect_access_list("0xd6" ADDRESS "c0", REASON_NONE, "");
    expect_access_list("0xf7" ADDRESS "e1" KEY, REASON_NONE, "");
    expect_access_list("0x80", REASON_MALFORMED,
                       RLP_ERROR("expected input list", "types.AccessTuple",
                                 "DynamicFeeTx).AccessList[0]"));
    expect_access_list("0xc0", REASON_MALFORMED,
                       RLP_ERROR("too few elements", "types.AccessTuple",
                                 "DynamicFeeTx).AccessList[0]"));
    expect_access_list("0xd6" ADDRESS "c0d5" ADDRESS, REASON_MALFORMED,
                       RLP_ERROR("too few elements", "types.AccessTuple",
                                 "DynamicFeeTx).AccessList[1]"));
    expect_access_list("0xd6" ADDRESS "c0d6" ADDRESS "80", REASON_MALFORMED,
                       RLP_ERROR("expected input list", "[]common.Hash",
                                 "DynamicFeeTx).AccessList[1].StorageKeys"));
    expect_access_list("0xd7" ADDRESS "c080", REASON_MALFORMED,
                       RLP_ERROR("input list has too many elements",
                                 "types.AccessTuple",
                                 "DynamicFeeTx).AccessList[0]"));
    expect_access_list("0xc4820101c0", REASON_FIELD_RANGE,
                       RLP_ERROR("input string too short", "common.Address",
                                 "DynamicFeeTx).AccessList[0].Address"));
    expect_access_list("0xd7" ADDRESS "c105", REASON_FIELD_RANGE,
                       RLP_ERROR("input string too short", "common.Hash",
                                 "DynamicFeeTx).AccessList[0].StorageKeys[0]"));
    expect_access_list(
        "0xf8"
        "38" ADDRESS "e2" KEY "c0",
        REASON_MALFORMED,
        RLP_ERROR("expected input string or byte", "common.Hash",
                  "DynamicFeeTx).AccessList[0].StorageKeys"
                  "[1]"));
}

/* Adds one item to, or takes the last from, the list of a transaction. */
static void expect_resized(uint8_t type, bool more, const char *text)
{
    struct buffer out, items, again;
    struct bytes list, raw;
    struct rlp_item item;
    struct signing t;

    sign_init(&t, type);
    sign_now(&t);
    raw = sign_encode(&t, &out);
    list = type == 0 ? raw : bytes_slice(raw, 1, raw.count - 1);
    EXPECT_INT(rlp_read(&list, &item), RLP_GOOD);
    buffer_init(&items, 1000);
    if (more) {
        buffer_append_bytes(&items, item.payload);
        buffer_append_byte(&items, 0x80);
    } else {
        /* s takes 33 bytes */
        buffer_append(&items, item.payload.data, item.payload.count - 33);
    }
    buffer_init(&again, 1000);
    if (type != 0)
        buffer_append_byte(&again, type);
    rlp_append_list(&again, buffer_bytes(&items));
    expect("eip155:1337", 2, buffer_bytes(&again), REASON_MALFORMED, text);
    buffer_fini(&out);
    buffer_fini(&items);
    buffer_fini(&again);
}

TEST(a_field_more_or_less_is_refused)
{
    expect_resized(0, false, "rlp: too few elements for types.LegacyTx");
    expect_resized(1, false, "rlp: too few elements for types.AccessListTx");
    expect_resized(2, false, "rlp: too few elements for types.DynamicFeeTx");
    expect_resized(0, true,
                   "rlp: input list has too many elements for types.LegacyTx");
    expect_resized(
        1, true,
        "rlp: input list has too many elements for types.AccessListTx");
    expect_resized(
        2, true,
        "rlp: input list has too many elements for types.DynamicFeeTx");
}

TEST(a_trailing_byte_is_refused)
{
    for (uint8_t type = 0; type <= 2; type++) {
        struct buffer out;
        struct signing t;

        sign_init(&t, type);
        sign_now(&t);
        sign_encode(&t, &out);
        buffer_append_byte(&out, 0);
        expect("eip155:1337", 2, buffer_bytes(&out), REASON_NON_CANONICAL,
               "rlp: input contains more than one value");
        buffer_fini(&out);
    }
}

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf,
                                  0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c,
                                  0xd0, 0x36, 0x41, 0x41};

/* n - s, in place. */
static void negate(uint8_t s[32])
{
    int borrow = 0;

    for (int i = 31; i >= 0; i--) {
        int rest = order[i] - s[i] - borrow;

        borrow = rest < 0;
        s[i] = (uint8_t)rest;
    }
}

#define BAD_SIGNATURE "invalid sender: invalid transaction v, r, s values"

static void expect_values(uint8_t type, struct bytes r, struct bytes s,
                          enum reason reason)
{
    struct signing t;

    sign_init(&t, type);
    sign_now(&t);
    if (r.data != NULL)
        t.f.r = r;
    if (s.data != NULL)
        t.f.s = s;
    expect_built(&t, reason, reason == REASON_NONE ? "" : BAD_SIGNATURE);
}

TEST(r_and_s_are_in_their_range_and_s_in_the_lower_half)
{
    uint8_t below[32], half[32], above[32], wide[33] = {1};
    struct bytes zero = bytes_of("", 0), one = BYTES_LITERAL("\x01");
    uint8_t all[32];

    memset(all, 0xff, sizeof(all));
    memcpy(below, order, 32);
    below[31]--;
    /* (n - 1) / 2, the largest low s, and the one above it. */
    memcpy(half, order, 32);
    for (int i = 31; i >= 0; i--)
        half[i] = (uint8_t)(order[i] >> 1 | (i > 0 ? order[i - 1] << 7 : 0));
    memcpy(above, half, 32);
    above[31]++;
    for (uint8_t type = 0; type <= 2; type++) {
        expect_values(type, zero, BYTES_NONE, REASON_OUT_OF_RANGE);
        expect_values(type, BYTES_NONE, zero, REASON_OUT_OF_RANGE);
        expect_values(type, bytes_of(order, 32), BYTES_NONE,
                      REASON_OUT_OF_RANGE);
        expect_values(type, BYTES_NONE, bytes_of(order, 32),
                      REASON_OUT_OF_RANGE);
        expect_values(type, bytes_of(all, 32), BYTES_NONE, REASON_OUT_OF_RANGE);
        expect_values(type, bytes_of(wide, 33), BYTES_NONE,
                      REASON_OUT_OF_RANGE);
        expect_values(type, BYTES_NONE, bytes_of(wide, 33),
                      REASON_OUT_OF_RANGE);
        expect_values(type, bytes_of(below, 32), BYTES_NONE, REASON_NONE);
        expect_values(type, one, one, REASON_NONE);
        expect_values(type, one, bytes_of(half, 32), REASON_NONE);
        expect_values(type, one, bytes_of(above, 32), REASON_HIGH_S);
        expect_values(type, one, bytes_of(below, 32), REASON_HIGH_S);
    }
}

TEST(the_twin_of_a_signature_is_refused_for_its_high_s)
{
    for (uint8_t type = 0; type <= 2; type++) {
        struct signing t;

        sign_init(&t, type);
        sign_now(&t);
        negate(t.s);
        t.v[31] ^= 1;
        if (type == 0)
            sign_set_parity(&t, t.v[31] & 1);
        expect_built(&t, REASON_HIGH_S, BAD_SIGNATURE);
    }
}

TEST(a_y_parity_is_0_or_1_and_nothing_else)
{
    static const uint8_t bad[] = {2, 3, 4, 27, 28, 31, 128, 255};

    for (uint8_t type = 1; type <= 2; type++) {
        for (size_t i = 0; i < sizeof(bad); i++) {
            struct signing t;

            sign_init(&t, type);
            sign_now(&t);
            t.f.v = bytes_of(&bad[i], 1);
            expect_built(&t, REASON_BAD_RECOVERY_ID, BAD_SIGNATURE);
        }
    }
}

/* All of one byte: 27 and 28 name no chain, from 35 on they name one. */
TEST(every_v_of_a_legacy_transaction_means_one_thing)
{
    for (int v = 0; v < 256; v++) {
        uint8_t byte = (uint8_t)v;
        char text[128];
        struct buffer out;
        struct bytes raw;
        struct signing t;
        struct chain chain;
        bool has = false;
        int rc;

        sign_init(&t, 0);
        sign_now(&t);
        t.f.v = bytes_of(&byte, 1);
        raw = sign_encode(&t, &out);
        rc = transaction_chain(raw, &has, &chain);
        if (v >= 35) {
            snprintf(text, sizeof(text),
                     "invalid sender: invalid chain id for signer: have %d "
                     "want 1337",
                     (v - 35) / 2);
            expect("eip155:1337", 2, raw, REASON_WRONG_CHAIN, text);
            EXPECT_INT(rc, 0);
            EXPECT(has);
            EXPECT_INT(atoi(chain.name + 7), (v - 35) / 2);
            EXPECT_INT(decode_by(chain.name, 2, raw), REASON_NONE);
        } else if (v == 27 || v == 28) {
            EXPECT_INT(rc, 0);
            EXPECT(!has);
            expect("eip155:1337", 1, raw, REASON_NONE, "");
            expect("eip155:1337", 2, raw, REASON_CHAIN_REQUIRED,
                   "only replay-protected (EIP-155) transactions allowed over "
                   "RPC");
        } else {
            EXPECT(rc < 0);
            expect("eip155:1337", 1, raw, REASON_BAD_RECOVERY_ID,
                   BAD_SIGNATURE);
            expect("eip155:1337", 2, raw, REASON_BAD_RECOVERY_ID,
                   v <= 1 ? "only replay-protected (EIP-155) transactions "
                            "allowed over RPC"
                          : BAD_SIGNATURE);
        }
        buffer_fini(&out);
    }
}

TEST(another_chain_is_refused_by_both_sets)
{
    for (uint8_t type = 0; type <= 2; type++) {
        for (int rules = 1; rules <= 2; rules++) {
            struct buffer out;
            struct signing t;
            struct bytes raw;

            sign_init(&t, type);
            t.f.chain_id = BYTES_LITERAL("\x01");
            sign_now(&t);
            raw = sign_encode(&t, &out);
            expect("eip155:1337", rules, raw, REASON_WRONG_CHAIN,
                   "invalid sender: invalid chain id for signer: have 1 want "
                   "1337");
            expect("eip155:1", rules, raw, REASON_NONE, "");
            expect("eip155:11", rules, raw, REASON_WRONG_CHAIN,
                   "invalid sender: invalid chain id for signer: have 1 want "
                   "11");
            buffer_fini(&out);
        }
    }
}

/* 10^32 - 1 has a name, 10^32 and 2^256 - 1 have none. */
TEST(a_chain_id_without_a_name_is_served_by_nobody)
{
    static const uint8_t largest[] = {0x04, 0xee, 0x2d, 0x6d, 0x41, 0x5b, 0x85,
                                      0xac, 0xef, 0x80, 0xff, 0xff, 0xff, 0xff};
    uint8_t over[14], all[32];

    memset(all, 0xff, sizeof(all));
    memcpy(over, largest, sizeof(over));
    over[9] = 0x81;
    memset(over + 10, 0, 4);
    for (uint8_t type = 0; type <= 2; type++) {
        struct buffer out;
        struct signing t;
        struct chain chain;
        struct bytes raw;
        bool has = false;

        sign_init(&t, type);
        t.f.chain_id = bytes_of(largest, sizeof(largest));
        sign_now(&t);
        raw = sign_encode(&t, &out);
        EXPECT_INT(transaction_chain(raw, &has, &chain), 0);
        EXPECT_TEXT(chain.name, "eip155:99999999999999999999999999999999");
        EXPECT_INT(decode_by(chain.name, 2, raw), REASON_NONE);
        buffer_fini(&out);

        t.f.chain_id = bytes_of(over, sizeof(over));
        sign_now(&t);
        raw = sign_encode(&t, &out);
        EXPECT(transaction_chain(raw, &has, &chain) < 0);
        EXPECT_INT(decode_by("eip155:1", 1, raw), REASON_CHAIN_NOT_SERVED);
        buffer_fini(&out);

        if (type == 0)
            continue;
        t.f.chain_id = bytes_of(all, sizeof(all));
        sign_now(&t);
        raw = sign_encode(&t, &out);
        EXPECT_INT(decode_by("eip155:1", 1, raw), REASON_CHAIN_NOT_SERVED);
        buffer_fini(&out);
    }
}

TEST(pool_rules_are_refused_in_geths_words_by_set_2_alone)
{
    static uint8_t wide[33] = {1}, zeros[50000];
    struct signing t;
    struct buffer out;

    sign_init(&t, 2);
    t.f.nonce = UINT64_MAX;
    sign_now(&t);
    expect_built(&t, REASON_NONCE_TOO_HIGH, "nonce has max value");
    expect("eip155:1337", 1, sign_encode(&t, &out), REASON_NONE, "");
    buffer_fini(&out);

    sign_init(&t, 2);
    t.f.gas = 20000;
    sign_now(&t);
    expect_built(&t, REASON_INTRINSIC_GAS,
                 "intrinsic gas too low: gas 20000, minimum needed 21000");
    expect("eip155:1337", 1, sign_encode(&t, &out), REASON_NONE, "");
    buffer_fini(&out);

    sign_init(&t, 2);
    t.f.tip = BYTES_LITERAL("\x77\x35\x94\x01");
    sign_now(&t);
    expect_built(&t, REASON_TIP_ABOVE_CAP,
                 "max priority fee per gas higher than max fee per gas");
    expect("eip155:1337", 1, sign_encode(&t, &out), REASON_NONE, "");
    buffer_fini(&out);

    sign_init(&t, 2);
    t.f.to = BYTES_NONE;
    t.f.data = bytes_of(zeros, 50000);
    t.f.gas = 10000000;
    sign_now(&t);
    expect_built(&t, REASON_INITCODE_SIZE,
                 "max initcode size exceeded: code size 50000 limit 49152");
    t.f.data.count = 49152;
    sign_now(&t);
    expect_built(&t, REASON_NONE, "");

    sign_init(&t, 2);
    t.f.price = bytes_of(wide, 32);
    t.f.gas = UINT64_C(1) << 32;
    sign_now(&t);
    expect_built(&t, REASON_COST_OVERFLOW,
                 "insufficient funds for gas * price + value");
    expect("eip155:1337", 1, sign_encode(&t, &out), REASON_NONE, "");
    buffer_fini(&out);
}

TEST(fields_wider_than_256_bits_are_refused_by_both_sets)
{
    static uint8_t wide[33] = {1};

    for (int rules = 1; rules <= 2; rules++) {
        struct buffer out;
        struct signing t;

        sign_init(&t, 2);
        t.f.value = bytes_of(wide, 33);
        sign_now(&t);
        expect("eip155:1337", rules, sign_encode(&t, &out), REASON_FIELD_RANGE,
               "insufficient funds for gas * price + value");
        buffer_fini(&out);
        sign_init(&t, 2);
        t.f.price = bytes_of(wide, 33);
        sign_now(&t);
        expect("eip155:1337", rules, sign_encode(&t, &out), REASON_FIELD_RANGE,
               "max fee per gas higher than 2^256-1");
        buffer_fini(&out);
    }
}

TEST(a_transaction_may_be_131072_bytes_and_not_one_more)
{
    static uint8_t data[140000];
    struct buffer out;
    struct signing t;
    struct bytes raw;
    size_t over;

    sign_init(&t, 2);
    t.f.data = bytes_of(data, 131000);
    sign_now(&t);
    raw = sign_encode(&t, &out);
    over = TRANSACTION_BYTES_MAX - raw.count;
    buffer_fini(&out);
    for (size_t more = 0; more <= 1; more++) {
        t.f.data.count = 131000 + over + more;
        sign_now(&t);
        raw = sign_encode(&t, &out);
        EXPECT_INT(raw.count, TRANSACTION_BYTES_MAX + more);
        EXPECT_INT(decode_by("eip155:1337", 1, raw),
                   more == 0 ? REASON_NONE : REASON_TOO_LARGE);
        buffer_fini(&out);
    }
    EXPECT_TEXT(words.text,
                "oversized data: transaction size 131073, limit 131072");
}

/* Base, data bytes of both kinds, init code words, addresses and keys. */
TEST(intrinsic_gas_is_exact_to_the_unit)
{
    static uint8_t data[65];
    struct bytes access = vectors_hex("0xf7" ADDRESS "e1" KEY);
    struct {
        bool create;
        size_t data;
        bool access;
        uint64_t gas;
    } cases[] = {
        {false, 0, false, 21000},
        {true, 0, false, 53000},
        {false, 65, false, 21000 + 33 * 4 + 32 * 16},
        {true, 65, false, 53000 + 33 * 4 + 32 * 16 + 3 * 2},
        {true, 64, false, 53000 + 32 * 4 + 32 * 16 + 2 * 2},
        {false, 0, true, 21000 + 2400 + 1900},
        {true, 1, true, 53000 + 4 + 2 + 2400 + 1900},
    };

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = i % 2 == 0 ? 0 : 7;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct signing t;
        char text[128];

        sign_init(&t, 1);
        if (cases[i].create)
            t.f.to = BYTES_NONE;
        t.f.data = bytes_of(data, cases[i].data);
        if (cases[i].access)
            t.f.access_list = access;
        t.f.gas = cases[i].gas;
        sign_now(&t);
        expect_built(&t, REASON_NONE, "");
        t.f.gas = cases[i].gas - 1;
        sign_now(&t);
        snprintf(text, sizeof(text),
                 "intrinsic gas too low: gas %llu, minimum needed %llu",
                 (unsigned long long)t.f.gas, (unsigned long long)cases[i].gas);
        expect_built(&t, REASON_INTRINSIC_GAS, text);
    }
    free((void *)access.data);
}

/* The vector of EIP-155 itself: key 46.., nonce 9, 20 gwei, 1 ether. */
TEST(the_signing_hash_is_the_one_of_eip_155)
{
    struct bytes raw = vectors_hex(
        "0xf86c098504a817c800825208943535353535353535353535353535353535353535"
        "880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71"
        "ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc6421"
        "4b297fb1966a3b6d83");
    struct chain chain = vectors_chain("eip155:1");
    struct transaction t;

    EXPECT_INT(transaction_decode(&chain, 2, raw, &t, NULL), REASON_NONE);
    transaction_signing_hash(&t);
    EXPECT_TEXT(vectors_text(bytes_of(t.signing_hash, 32)),
                "0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4"
                "c8e53");
    EXPECT_INT(t.nonce, 9);
    EXPECT_INT(t.parity, 0);
    EXPECT_INT(t.signature_count, 65);
    free((void *)raw.data);
}

TEST(a_chain_without_rule_set_is_unsupported)
{
    expect("cosmos:hub", 1, BYTES_LITERAL("x"), REASON_UNSUPPORTED_CHAIN,
           reason_words(REASON_UNSUPPORTED_CHAIN));
}
