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

/* ---- blocks alone ---- */

/* Pairs of hashes, hashed to the root; an odd one is its own pair. */
static void merkle_root(uint8_t (*hashes)[32], size_t count, uint8_t out[32])
{
    while (count > 1) {
        for (size_t i = 0; i < count; i += 2) {
            uint8_t both[64];

            memcpy(both, hashes[i], 32);
            memcpy(both + 32, hashes[i + 1 < count ? i + 1 : i], 32);
            bitcoin_hash_twice(bytes_of(both, sizeof(both)), hashes[i / 2]);
        }
        count = (count + 1) / 2;
    }
    memcpy(out, hashes[0], 32);
}

/* Every transaction parses, and their txids have the root of the header. */
static void check_block(struct bytes raw, struct bitcoin_tally *alone,
                        size_t *transactions)
{
    struct chain chain =
        vectors_chain("bip122:000000000019d6689c085ae165831e93");
    struct block b = open_block((char *)(uintptr_t)raw.data, raw.count);
    uint8_t(*txids)[32] = calloc(b.count, 32), root[32];

    CHECK(txids != NULL);
    for (uint64_t i = 0; i < b.count; i++) {
        struct bitcoin_transaction t;
        struct transaction tx;

        EXPECT_INT(bitcoin_parse_transaction(&b.rest, &t), REASON_NONE);
        bitcoin_txid(&t, txids[i]);
        bitcoin_reverse(txids[i]);
        alone->counts[transaction_decode(&chain, 1, t.raw, &tx, NULL)]++;
        EXPECT(!tx.has_id);
    }
    EXPECT_INT(b.rest.count, 0);
    merkle_root(txids, b.count, root);
    EXPECT_BYTES(bytes_of(root, 32), bytes_slice(raw, 36, 32));
    *transactions += b.count;
    free(txids);
}

static const char *const alone[] = {
    "bcoin/block1.raw",
    "bcoin/block482683.raw",
    "bcoin/block300025.raw",
    "bcoin/block1087400.raw",
    "bcoin/block928828.raw",
    "rust-bitcoin/mainnet_block_000000000000000000000c835b2adcaedc20fdf6ee4400"
    "09c249452c726dafae.raw",
    "rust-bitcoin/testnet_block_000000000000045e0b1660b6445b5e5c5ab63c9a4f956b"
    "e7e1e69be04fa4497b.raw",
};
#define ALONE_COUNT (sizeof(alone) / sizeof(alone[0]))

TEST(transactions_of_blocks_have_the_root_of_their_header)
{
    struct bitcoin_tally tally = {0};
    size_t transactions = 0;

    for (size_t i = 0; i < ALONE_COUNT; i++) {
        char name[256], *raw;
        const char *path;
        size_t count;

        snprintf(name, sizeof(name), BITCOIN_VECTORS "%s", alone[i]);
        path = vectors_path(name);
        if (path == NULL)
            return;
        raw = harness_read_file(path, &count);
        EXPECT(raw != NULL);
        check_block(bytes_of(raw, count), &tally, &transactions);
        free(raw);
    }
    printf("blocks alone: %zu transactions\n", transactions);
    bitcoin_tally_print(&tally, "  judged without what they spend");
    /* One of the mainnet block of 2021 is longer than a record. */
    EXPECT_INT(tally.counts[REASON_TOO_LARGE], 1);
    EXPECT_INT(tally.counts[REASON_PREVOUT_MISSING], transactions - 1);
}

/* Files of blocks as a node keeps them: magic, length, block. */
static void check_file(const char *name, size_t wanted)
{
    struct bitcoin_tally tally = {0};
    size_t blocks = 0, transactions = 0, count;
    const char *path = vectors_path(name);
    struct bitcoin_reader r;
    char command[4400];
    uint8_t *all;
    FILE *f;

    if (path == NULL)
        return;
    snprintf(command, sizeof(command),
             "python3 -c 'import bz2, sys; "
             "sys.stdout.buffer.write(bz2.open(sys.argv[1]).read())' '%s'",
             path);
    all = malloc(1 << 20);
    CHECK(all != NULL);
    f = popen(command, "r");
    EXPECT(f != NULL);
    count = fread(all, 1, 1 << 20, f);
    EXPECT_INT(pclose(f), 0);
    r = (struct bitcoin_reader){bytes_of(all, count), REASON_NONE};
    while (r.rest.count > 0 && r.fault == REASON_NONE) {
        size_t bytes;

        bitcoin_take(&r, 4);
        bytes = (size_t)bitcoin_take_number(&r, 4);
        check_block(bitcoin_take(&r, bytes), &tally, &transactions);
        blocks++;
    }
    EXPECT_INT(r.fault, REASON_NONE);
    printf("%s: %zu blocks, %zu transactions\n", name, blocks, transactions);
    EXPECT_INT(blocks, wanted);
    EXPECT_INT(tally.counts[REASON_PREVOUT_MISSING], transactions);
    free(all);
}

TEST(blocks_as_a_node_keeps_them_have_the_root_of_their_header)
{
    check_file(BITCOIN_VECTORS "btcd/blockchain-testdata/277647.dat.bz2", 1);
    check_file(BITCOIN_VECTORS "btcd/blockchain-testdata/blk_0_to_4.dat.bz2",
               5);
    check_file(BITCOIN_VECTORS "btcd/blockchain-testdata/blk_3A.dat.bz2", 1);
    check_file(BITCOIN_VECTORS "btcd/blockchain-testdata/blk_4A.dat.bz2", 1);
    check_file(BITCOIN_VECTORS "btcd/blockchain-testdata/blk_5A.dat.bz2", 1);
    check_file(BITCOIN_VECTORS "btcd/database-testdata/blocks1-256.bz2", 255);
}
