/*
 * tests/unit/schemas/chain_test.c: names of chains and their numbers.
 */
#include "schemas/chain.h"

#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "tests/support/harness.h"

TEST(the_numbers_of_ethereum_mainnet_are_the_documented_ones)
{
    struct chain chain;
    char key[9];

    EXPECT_INT(chain_parse(bytes_text("eip155:1"), &chain), 0);
    hex_encode(bytes_of(chain.key, 4), key);
    EXPECT_TEXT(key, "1a290b3d");
    EXPECT_INT(chain.number, 0x1a290b3d78267165);
    EXPECT_INT(chain.ns, CHAIN_EIP155);
    EXPECT_TEXT(chain.name, "eip155:1");
}

TEST(well_formed_names_are_read)
{
    static const struct {
        const char *name;
        enum chain_namespace ns;
    } cases[] = {
        {"eip155:0", CHAIN_EIP155},
        {"eip155:99999999999999999999999999999999", CHAIN_EIP155},
        {"jws", CHAIN_JWS},
        {"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", CHAIN_SOLANA},
        {"bip122:000000000019d6689c085ae165831e93", CHAIN_BIP122},
        {"cosmos:cosmoshub-3", CHAIN_NONE},
        {"abc", CHAIN_NONE},
        {"abcdefgh:-_aZ09", CHAIN_NONE},
    };
    struct chain chain;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EXPECT_INT(chain_parse(bytes_text(cases[i].name), &chain), 0);
        EXPECT_INT(chain.ns, cases[i].ns);
        EXPECT_TEXT(chain.name, cases[i].name);
        EXPECT(chain.number >= 0);
    }
}

TEST(other_names_are_malformed)
{
    static const char *const cases[] = {
        "",           "ab",
        "abcdefghi",  "Eip155:1",
        "eip155",     "eip155:",
        "eip155:01",  "eip155:1a",
        "eip155:-1",  "eip155:1:2",
        "eip155: 1",  "jws:x",
        "jws:",       "solana",
        "bip122",     "a_c",
        ":1",         "eip155/1",
        "eip155:1\n", "eip155:100000000000000000000000000000000",
    };
    struct chain chain;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_INT(chain_parse(bytes_text(cases[i]), &chain), FAIL_MALFORMED);
    EXPECT_INT(chain_parse(BYTES_NONE, &chain), FAIL_MALFORMED);
    EXPECT_INT(chain_parse(BYTES_LITERAL("eip155:1\0"), &chain),
               FAIL_MALFORMED);
}

TEST(a_chain_id_is_named_in_decimal)
{
    struct chain chain, parsed;

    EXPECT_INT(chain_eip155(BYTES_LITERAL("\x01"), &chain), 0);
    EXPECT_INT(chain_parse(bytes_text("eip155:1"), &parsed), 0);
    EXPECT(chain_equal(&chain, &parsed));
    EXPECT_INT(chain.number, parsed.number);
    EXPECT_INT(chain_eip155(BYTES_NONE, &chain), 0);
    EXPECT_TEXT(chain.name, "eip155:0");
    EXPECT_INT(chain_eip155(BYTES_LITERAL("\0\0\xff\xff\xff\xff\xff\xff\xff"
                                          "\xff"),
                            &chain),
               0);
    EXPECT_TEXT(chain.name, "eip155:18446744073709551615");
    EXPECT(!chain_equal(&chain, &parsed));
}

/* 10^32 - 1 is 4ee2d6d415b85acef80ffffffff; one more has 33 digits. */
TEST(a_chain_id_of_more_than_32_digits_is_too_big)
{
    uint8_t id[14] = {0x04, 0xee, 0x2d, 0x6d, 0x41, 0x5b, 0x85,
                      0xac, 0xef, 0x80, 0xff, 0xff, 0xff, 0xff};
    uint8_t huge[40] = {1};
    struct chain chain;

    EXPECT_INT(chain_eip155(bytes_of(id, 14), &chain), 0);
    EXPECT_TEXT(chain.name, "eip155:99999999999999999999999999999999");
    id[9] = 0x81;
    id[10] = id[11] = id[12] = id[13] = 0;
    EXPECT_INT(chain_eip155(bytes_of(id, 14), &chain), FAIL_TOO_BIG);
    EXPECT_INT(chain_eip155(bytes_of(huge, 40), &chain), FAIL_TOO_BIG);
}

TEST(each_namespace_has_its_newest_rule_set)
{
    EXPECT_INT(chain_rules_newest(CHAIN_EIP155), 5);
    EXPECT_INT(chain_rules_newest(CHAIN_JWS), 1);
    EXPECT_INT(chain_rules_newest(CHAIN_SOLANA), 1);
    EXPECT_INT(chain_rules_newest(CHAIN_BIP122), 2);
    EXPECT_INT(chain_rules_newest(CHAIN_NONE), 0);
}
