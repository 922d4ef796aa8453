/*
 * tests/unit/gateway/channel_test.c: one spelling for every channel.
 *
 * From: notifier/gateway/channel.h.
 * To:   nobody.
 */
#include <string.h>

#include "notifier/gateway/channel.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

#define HASH "5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"
#define HASH_UPPER                                                             \
    "5C504ED432CB51138BCF09AA5E8A410DD4A1E204EF84BFED1BE16DFBA1B22060"

TEST(channel_folds_hex_and_keeps_the_chain)
{
    struct channel c;

    EXPECT_INT(
        channel_parse(bytes_text("transaction:eip155:1:0X" HASH_UPPER), &c), 0);
    EXPECT_TEXT(c.name, "transaction:eip155:1:0x" HASH);
    EXPECT_TEXT(c.chain, "eip155:1");
    EXPECT(bytes_equal_text(channel_value(&c), "0x" HASH));
    EXPECT_INT(channel_parse(bytes_text("account:0xABcd"), &c), 0);
    EXPECT_TEXT(c.name, "account:0xabcd");
    EXPECT(bytes_equal_text(channel_value(&c), "0xabcd"));
    EXPECT_INT(channel_parse(bytes_text("transaction:jws:0x" HASH), &c), 0);
    EXPECT_TEXT(c.chain, "jws");
    EXPECT_INT(channel_parse(bytes_text("transactions"), &c), 0);
    EXPECT(channel_value(&c).data == NULL);
}

/* The System Program, and the key of a token program. */
TEST(channel_spells_base58_of_solana_as_its_hex)
{
#define TOKEN "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
#define TOKEN_HEX                                                              \
    "0x06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9"
    struct channel c;

    EXPECT_INT(channel_parse(bytes_text("account:" TOKEN), &c), 0);
    EXPECT_TEXT(c.name, "account:" TOKEN_HEX);
    EXPECT(bytes_equal_text(channel_value(&c), TOKEN_HEX));
    EXPECT_INT(channel_parse(
                   bytes_text("account:11111111111111111111111111111111"), &c),
               0);
    EXPECT(bytes_equal_text(channel_value(&c),
                            "0x00000000000000000000000000000000000000000000"
                            "00000000000000000000"));
    EXPECT_INT(channel_parse(bytes_text("transaction:solana:abc:" TOKEN), &c),
               0);
    EXPECT_TEXT(c.name, "transaction:solana:abc:" TOKEN_HEX);
    EXPECT_TEXT(c.chain, "solana:abc");

    /* 31 and 33 bytes, another character, another chain. */
    EXPECT(channel_parse(bytes_text("account:1111111111111111111111111111111"),
                         &c) < 0);
    EXPECT(
        channel_parse(bytes_text("account:111111111111111111111111111111111"),
                      &c) < 0);
    EXPECT(channel_parse(bytes_text("account:l1111111111111111111111111111111"),
                         &c) < 0);
    EXPECT(channel_parse(bytes_text("transaction:eip155:1:" TOKEN), &c) < 0);
    EXPECT(channel_parse(bytes_text("transaction:jws:" TOKEN), &c) < 0);
}

TEST(channel_takes_the_names_that_people_give_for_a_look_up)
{
#define TXID "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    struct bytes solana = BYTES_LITERAL("solana:abc"),
                 bitcoin = BYTES_LITERAL("bip122:abc");
    char zeros[65], digits[131] = "0x";
    struct channel c;

    memset(zeros, '1', 64);
    memset(digits + 2, '0', 128);
    zeros[64] = digits[130] = '\0';
    EXPECT_INT(channel_parse_alias(solana, bytes_text(zeros), &c), 0);
    EXPECT(bytes_equal_text(channel_value(&c), digits));
    EXPECT_TEXT(c.chain, "solana:abc");
    EXPECT_INT(channel_parse_alias(solana, bytes_text(digits), &c), 0);
    EXPECT(bytes_equal_text(channel_value(&c), digits));
    EXPECT_INT(channel_parse_alias(bitcoin, bytes_text(TXID), &c), 0);
    EXPECT(bytes_equal_text(channel_value(&c), "0x" TXID));

    /* Another length, another chain, and never to listen to. */
    EXPECT(channel_parse_alias(solana, bytes_text(zeros + 1), &c) < 0);
    EXPECT(channel_parse_alias(solana, bytes_text(TXID), &c) < 0);
    EXPECT(channel_parse_alias(bitcoin, bytes_text("0x" TXID), &c) < 0);
    EXPECT(channel_parse_alias(BYTES_LITERAL("eip155:1"), bytes_text(TXID),
                               &c) < 0);
    EXPECT(channel_parse(bytes_text("transaction:bip122:abc:" TXID), &c) < 0);
}

TEST(channel_refuses_what_could_never_match)
{
    static const char *const names[] = {"",
                                        "Transactions",
                                        "transactions ",
                                        "system:",
                                        "account:",
                                        "account",
                                        "account:0x",
                                        "account:0xa",
                                        "account:abcd",
                                        "account:0xgg",
                                        "transaction:0x" HASH,
                                        "transaction:eip155:1:" HASH,
                                        "transaction:eip155:1:0x" HASH "00",
                                        "transaction:eip155:01:0x" HASH,
                                        "transaction:eip155:1",
                                        "transaction:EIP155:1:0x" HASH};
    struct channel c;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (channel_parse(bytes_text(names[i]), &c) == 0)
            EXPECT_TEXT(names[i], "refused");
    EXPECT_INT(channel_parse(bytes_of("account:0x\0a", 12), &c),
               FAIL_MALFORMED);
}

TEST(channel_matches_by_its_own_fields)
{
    struct run_event e = {
        .chain = BYTES_LITERAL("eip155:1"),
        .hash = BYTES_LITERAL("0x" HASH),
        .sender = BYTES_LITERAL("0xab"),
        .recipient = BYTES_LITERAL("0xcd"),
    };
    static const struct {
        const char *name;
        bool yes;
    } cases[] = {
        {"transactions", true},
        {"system", false},
        {"account:0xab", true},
        {"account:0xcd", true},
        {"account:0xabcd", false},
        {"transaction:eip155:1:0x" HASH, true},
        {"transaction:eip155:10:0x" HASH, false},
    };
    struct channel c;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_INT(channel_parse(bytes_text(cases[i].name), &c), 0);
        EXPECT_INT(channel_matches(&c, &e), cases[i].yes);
    }
}

TEST(channel_of_a_result_is_what_a_client_spells)
{
    char name[CHANNEL_NAME_MAX + 1];

    EXPECT_INT(channel_of_transaction(BYTES_LITERAL("eip155:1"),
                                      BYTES_LITERAL("0x" HASH), name),
               strlen("transaction:eip155:1:0x" HASH));
    EXPECT_TEXT(name, "transaction:eip155:1:0x" HASH);
    EXPECT_INT(channel_of_account(BYTES_LITERAL("0xab"), name), 12);
    EXPECT_TEXT(name, "account:0xab");
    EXPECT_INT(channel_of_account(BYTES_NONE, name), 0);
    EXPECT_INT(channel_of_transaction(BYTES_LITERAL("jws"), BYTES_NONE, name),
               0);
}
