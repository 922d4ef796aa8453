/*
 * tests/unit/producer/chains_test.c: TIDEMILL_CHAINS, read strictly.
 *
 * From: ctest.
 * To:   producer/chains.c.
 */
#include "producer/chains.h"

#include <stdio.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

static int parse(const char *text, struct chains *out)
{
    struct buffer why;
    int rc;

    buffer_init(&why, 4096);
    rc = chains_parse(text, out, &why);
    EXPECT((rc == 0) == (why.count == 0));
    buffer_fini(&why);
    return rc;
}

static int rules_of(const struct chains *c, const char *name)
{
    struct chain chain;

    EXPECT_INT(chain_parse(bytes_text(name), &chain), 0);
    return chains_rules(c, &chain);
}

TEST(chains_named_ones_win_over_the_star)
{
    struct chains c;

    EXPECT_INT(parse("eip155:1=2,eip155:*=1", &c), 0);
    EXPECT_INT(rules_of(&c, "eip155:1"), 2);
    EXPECT_INT(rules_of(&c, "eip155:10"), 1);
    EXPECT_INT(rules_of(&c, "jws"), 0);
    EXPECT(chains_only(&c) == NULL);
    EXPECT_TEXT(chains_default(&c)->name, "eip155:1");
}

TEST(chains_one_alone_needs_no_name_in_the_bytes)
{
    struct chains c;

    EXPECT_INT(parse("eip155:137=1", &c), 0);
    EXPECT_TEXT(chains_only(&c)->name, "eip155:137");
    EXPECT_INT(rules_of(&c, "eip155:1"), 0);
}

TEST(chains_a_star_alone_leaves_it_to_the_bytes)
{
    struct chains c;

    EXPECT_INT(parse("eip155:*=1", &c), 0);
    EXPECT(chains_only(&c) == NULL);
    EXPECT(chains_default(&c) == NULL);
}

TEST(chains_what_is_not_exactly_right_is_a_wrong_setting)
{
    static const char *const wrong[] = {
        "",
        "eip155:1",
        "eip155:1=",
        "eip155:1=0",
        "eip155:1=9",
        "eip155:01=1",
        "eip155:1=1,",
        "eip155:1=1, jws=1",
        "=1",
        "*=1",
        "eip155:1=x",
        "eip155:1=-1",
        "jws=9",
        "eip155:1=2147483649",
    };
    struct chains c;
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (parse(wrong[i], &c) == 0)
            printf("accepted: \"%s\"\n", wrong[i]);
        EXPECT_INT(parse(wrong[i], &c), FAIL_SETTING);
    }
}

TEST(chains_of_a_namespace_are_found)
{
    struct chains c;

    EXPECT_INT(parse("eip155:1=2,solana:abc=1,eip155:*=1", &c), 0);
    EXPECT(chains_serve(&c, CHAIN_SOLANA) && chains_serve(&c, CHAIN_EIP155));
    EXPECT(!chains_serve(&c, CHAIN_JWS));
    EXPECT_TEXT(chains_sole(&c, CHAIN_SOLANA)->name, "solana:abc");
    EXPECT(chains_sole(&c, CHAIN_EIP155) == NULL);
    EXPECT(chains_sole(&c, CHAIN_JWS) == NULL);

    /* Of a star nobody knows which. */
    EXPECT_INT(parse("solana:*=1", &c), 0);
    EXPECT(chains_serve(&c, CHAIN_SOLANA));
    EXPECT(chains_sole(&c, CHAIN_SOLANA) == NULL);
}
