/*
 * tests/unit/judge/bitcoin_blocks_test.c: whole blocks with the outputs they
 * spend, and blocks alone.
 */
#include "tests/unit/judge/bitcoin.h"

#define HEADER_BYTES 80

struct block {
    struct bytes rest, spent; /* transactions, and what they spend */
    uint64_t count;
};

static struct block open_block(char *text, size_t count)
{
    struct bitcoin_reader r = {bytes_of(text, count), REASON_NONE};
    struct block b;

    bitcoin_take(&r, HEADER_BYTES);
    b.count = bitcoin_take_size(&r);
    b.rest = r.rest;
    EXPECT_INT(r.fault, REASON_NONE);
    return b;
}

/* The outputs that the next transaction's inputs spend. */
static struct bytes take_spent(struct block *b, size_t inputs)
{
    struct bitcoin_reader r = {b->spent, REASON_NONE};
    struct bytes taken = b->spent;

    for (size_t i = 0; i < inputs; i++)
        bitcoin_take_output(&r);
    EXPECT_INT(r.fault, REASON_NONE);
    taken.count = (size_t)(r.rest.data - taken.data);
    b->spent = r.rest;
    return taken;
}

struct expected {
    const char *name;
    size_t transactions, inputs, standard;
};

static void judge_block(const struct expected *e)
{
    const char *path;
    char name[64], *block, *undo;
    struct bitcoin_tally sets[3] = {0};
    struct bitcoin_transaction t;
    struct buffer room;
    struct judge *judge;
    struct chain chain =
        vectors_chain("bip122:000000000019d6689c085ae165831e93");
    size_t count, inputs = 0;
    struct block b;

    snprintf(name, sizeof(name), BITCOIN_VECTORS "bcoin/%s.raw", e->name);
    path = vectors_path(name);
    if (path == NULL)
        return;
    block = harness_read_file(path, &count);
    b = open_block(block, count);
    snprintf(name, sizeof(name), BITCOIN_VECTORS "bcoin/%s-undo.raw", e->name);
    undo = harness_read_file(vectors_path(name), &count);
    b.spent = bytes_of(undo, count);
    EXPECT_INT(b.count, e->transactions);
    EXPECT_INT(judge_open(&judge), 0);
    buffer_init(&room, 1 << 20);

    EXPECT_INT(bitcoin_parse_transaction(&b.rest, &t), REASON_NONE);
    for (uint64_t i = 1; i < b.count; i++) {
        struct bytes extended;

        EXPECT_INT(bitcoin_parse_transaction(&b.rest, &t), REASON_NONE);
        extended = bitcoin_extend(&room, t.raw, take_spent(&b, t.inputs_count));
        inputs += t.inputs_count;
        for (int rules = 1; rules <= 2; rules++) {
            struct verdict v;

            judge_payload(judge, &chain, rules, extended, &v);
            sets[rules].counts[v.reason]++;
            EXPECT(rules == 2 || v.verified);
            EXPECT(!v.verified || transaction_sender(&v.tx).count > 0);
            EXPECT(!v.tx.id_covers_all);
        }
    }
    EXPECT_INT(b.rest.count, 0);
    EXPECT_INT(b.spent.count, 0);
    EXPECT_INT(inputs, e->inputs);
    printf("%s: %zu transactions, %zu inputs\n", e->name, (size_t)b.count,
           inputs);
    bitcoin_tally_print(&sets[1], "  set 1");
    bitcoin_tally_print(&sets[2], "  set 2");
    EXPECT_INT(sets[2].counts[REASON_NONE], e->standard);
    buffer_fini(&room);
    judge_close(judge);
    free(block);
    free(undo);
}

TEST(every_input_of_a_block_of_2014_is_verified)
{
    judge_block(&(struct expected){"block300025", 461, 1427, 265});
}

TEST(every_input_of_a_block_with_shared_keys_is_verified)
{
    judge_block(&(struct expected){"block928828", 201, 1972, 200});
}

TEST(every_input_of_a_block_with_witnesses_is_verified)
{
    judge_block(&(struct expected){"block1087400", 97, 205, 96});
}
