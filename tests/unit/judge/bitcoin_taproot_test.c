/*
 * tests/unit/judge/bitcoin_taproot_test.c: pairs of good and bad spends of
 * Bitcoin Core's taproot tests, and the examples of BIP 341.
 */
#include "tests/unit/judge/bitcoin.h"
#include "verifier/scheme_secp256k1_schnorr.h"

#define REF BITCOIN_VECTORS "btcd/taproot-ref-sample/*"
#define WALLET BITCOIN_VECTORS "bips/bip-0341/wallet-test-vectors.json"
#define ROOM_BYTES (8 << 20)

static void append_hex(struct buffer *out, const char *text, bool as_string)
{
    struct bytes b = bitcoin_hex(text);

    if (as_string)
        bitcoin_append_string(out, b);
    else
        buffer_append_bytes(out, b);
    free((void *)(uintptr_t)b.data);
}

/* ---- Core's pairs ---- */

static void append_inputs(const struct bitcoin_transaction *t, size_t index,
                          const char *script, struct buffer *out)
{
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    bitcoin_append_size(out, t->inputs_count);
    bitcoin_walk_inputs(t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        buffer_append_bytes(out, in.outpoint);
        if (in.index == index)
            append_hex(out, script, true);
        else
            bitcoin_append_size(out, 0);
        buffer_append_bytes(out, in.sequence);
    }
}

/* The extended form of `t` with one input filled in. */
static void build(const struct bitcoin_transaction *t, size_t index,
                  const json_t *how, const json_t *prevouts, struct buffer *out)
{
    const json_t *items = json_object_get(how, "witness");
    const json_t *one;
    size_t i, k;

    buffer_clear(out);
    buffer_append_text(out, BITCOIN_MAGIC);
    buffer_append_bytes(out, t->version);
    if (json_array_size(items) > 0)
        buffer_append(out, "\x00\x01", 2);
    append_inputs(t, index,
                  json_string_value(json_object_get(how, "scriptSig")), out);
    buffer_append_bytes(out, t->outputs);
    for (i = 0; i < t->inputs_count && json_array_size(items) > 0; i++) {
        bitcoin_append_size(out, i == index ? json_array_size(items) : 0);
        json_array_foreach(i == index ? items : NULL, k, one)
            append_hex(out, json_string_value(one), true);
    }
    buffer_append_bytes(out, t->locktime);
    json_array_foreach(prevouts, i, one)
        append_hex(out, json_string_value(one), false);
    CHECK(!out->overflow);
}

/* Input `index` alone; the others are empty. */
static enum reason judge_one(struct bytes extended, size_t index)
{
    struct bitcoin_transaction t;
    struct bitcoin_hashes hashes;
    struct bitcoin_walk walk;
    struct bitcoin_input in;
    enum reason reason;

    EXPECT_INT(bitcoin_parse(extended, &t, NULL), REASON_NONE);
    bitcoin_hashes_init(&hashes, &t);
    bitcoin_walk_inputs(&t, &walk);
    for (size_t i = 0; i <= index; i++)
        EXPECT(bitcoin_next_input(&walk, &in));
    reason = scheme_bitcoin_input(1, &hashes, &in);
    bitcoin_hashes_fini(&hashes);
    return reason;
}

struct pairs {
    struct bitcoin_tally good, bad;
    size_t files, older;
};

/* The files are JSON objects, each with a comma behind it. */
static json_t *load_ref(const char *path)
{
    size_t count;
    char *text = harness_read_file(path, &count);
    json_error_t error;
    json_t *doc;

    EXPECT(text != NULL);
    doc = json_loadb(text, count, JSON_DISABLE_EOF_CHECK, &error);
    EXPECT(doc != NULL);
    free(text);
    return doc;
}

static void judge_pair(const char *path, struct pairs *p)
{
    json_t *doc = load_ref(path);
    const char *flags = json_string_value(json_object_get(doc, "flags"));
    const json_t *prevouts = json_object_get(doc, "prevouts");
    size_t index = (size_t)json_integer_value(json_object_get(doc, "index"));
    const json_t *good = json_object_get(doc, "success");
    const json_t *bad = json_object_get(doc, "failure");
    struct bytes raw =
                     bitcoin_hex(json_string_value(json_object_get(doc, "tx"))),
                 rest = raw;
    bool older = strstr(flags, "TAPROOT") == NULL;
    struct bitcoin_transaction t;
    struct buffer room;
    enum reason reason;

    EXPECT_INT(bitcoin_parse_transaction(&rest, &t), REASON_NONE);
    buffer_init(&room, ROOM_BYTES);
    if (good != NULL) {
        build(&t, index, good, prevouts, &room);
        reason = judge_one(buffer_bytes(&room), index);
        p->good.counts[reason]++;
        p->older += older;
        if (reason != REASON_NONE && reason != REASON_UNSUPPORTED_SCRIPT &&
            !older)
            printf("%s: %s\n",
                   json_string_value(json_object_get(doc, "comment")),
                   reason_name(reason));
        EXPECT(reason == REASON_NONE || reason == REASON_UNSUPPORTED_SCRIPT ||
               older);
    }
    if (bad != NULL) {
        build(&t, index, bad, prevouts, &room);
        reason = judge_one(buffer_bytes(&room), index);
        p->bad.counts[reason]++;
        EXPECT(reason != REASON_NONE);
    }
    p->files++;
    buffer_fini(&room);
    free((void *)(uintptr_t)raw.data);
    json_decref(doc);
}

TEST(good_spends_of_core_are_verified_and_bad_ones_never)
{
    const char *pattern = vectors_path(REF);
    struct pairs p = {0};
    glob_t files;

    if (pattern == NULL)
        return;
    EXPECT_INT(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++)
        judge_pair(files.gl_pathv[i], &p);
    globfree(&files);
    printf("taproot-ref: %zu files; %zu of before taproot was a rule\n",
           p.files, p.older);
    bitcoin_tally_print(&p.good, "  good");
    bitcoin_tally_print(&p.bad, "  bad");
    EXPECT_INT(p.files, 149);
    EXPECT(p.good.counts[REASON_NONE] >= 20);
}

/* ---- BIP 341 ---- */

TEST(the_example_of_bip_341_is_verified)
{
    const char *path = vectors_path(WALLET);
    const json_t *one, *spent, *s;
    struct buffer stated, room;
    struct bitcoin_transaction t;
    struct bytes raw, rest;
    json_t *doc;
    size_t i;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    one = json_array_get(json_object_get(doc, "keyPathSpending"), 0);
    spent = json_object_get(json_object_get(one, "given"), "utxosSpent");
    buffer_init(&stated, ROOM_BYTES);
    buffer_init(&room, ROOM_BYTES);
    json_array_foreach(spent, i, s)
    {
        bitcoin_append_number(
            &stated,
            (uint64_t)json_integer_value(json_object_get(s, "amountSats")), 8);
        append_hex(&stated,
                   json_string_value(json_object_get(s, "scriptPubKey")), true);
    }
    raw = rest = bitcoin_hex(json_string_value(
        json_object_get(json_object_get(one, "auxiliary"), "fullySignedTx")));
    EXPECT_INT(bitcoin_parse_transaction(&rest, &t), REASON_NONE);
    EXPECT_INT(t.inputs_count, 9);
    bitcoin_extend(&room, raw, buffer_bytes(&stated));
    EXPECT_INT(bitcoin_parse(buffer_bytes(&room), &t, NULL), REASON_NONE);
    EXPECT_INT(bitcoin_inputs(&t, 2), REASON_NONE);
    free((void *)(uintptr_t)raw.data);
    buffer_fini(&stated);
    buffer_fini(&room);
    json_decref(doc);
}

/* The hash that each signature of the example is over. */
TEST(messages_of_bip_341_are_hashed_alike)
{
    const char *path = vectors_path(WALLET);
    const json_t *one, *spent, *signatures, *s;
    struct bitcoin_transaction t;
    struct buffer stated, room;
    struct bytes raw, rest;
    json_t *doc;
    size_t i;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    one = json_array_get(json_object_get(doc, "keyPathSpending"), 0);
    spent = json_object_get(json_object_get(one, "given"), "utxosSpent");
    buffer_init(&stated, ROOM_BYTES);
    buffer_init(&room, ROOM_BYTES);
    json_array_foreach(spent, i, s)
    {
        bitcoin_append_number(
            &stated,
            (uint64_t)json_integer_value(json_object_get(s, "amountSats")), 8);
        append_hex(&stated,
                   json_string_value(json_object_get(s, "scriptPubKey")), true);
    }
    raw = rest = bitcoin_hex(json_string_value(
        json_object_get(json_object_get(one, "given"), "rawUnsignedTx")));
    bitcoin_extend(&room, raw, buffer_bytes(&stated));
    EXPECT_INT(bitcoin_parse(buffer_bytes(&room), &t, NULL), REASON_NONE);
    signatures = json_object_get(one, "inputSpending");
    json_array_foreach(signatures, i, s)
    {
        struct bitcoin_spend spend = {.message = BITCOIN_KEY};
        const json_t *given = json_object_get(s, "given");
        const json_t *inside = json_object_get(s, "intermediary");
        struct bytes wanted =
            bitcoin_hex(json_string_value(json_object_get(inside, "sigHash")));
        struct bitcoin_hashes hashes;
        struct bitcoin_walk walk;
        struct bitcoin_input in;
        uint8_t found[32];

        bitcoin_hashes_init(&hashes, &t);
        bitcoin_walk_inputs(&t, &walk);
        do
            EXPECT(bitcoin_next_input(&walk, &in));
        while ((json_int_t)in.index !=
               json_integer_value(json_object_get(given, "txinIndex")));
        bitcoin_sighash(&hashes, &in, &spend,
                        (uint32_t)json_integer_value(
                            json_object_get(given, "hashType")),
                        found);
        bitcoin_hashes_fini(&hashes);
        EXPECT_BYTES(bytes_of(found, 32), wanted);
        free((void *)(uintptr_t)wanted.data);
    }
    printf("bip341: %zu messages\n", json_array_size(signatures));
    EXPECT_INT(json_array_size(signatures), 7);
    (void)rest;
    free((void *)(uintptr_t)raw.data);
    buffer_fini(&stated);
    buffer_fini(&room);
    json_decref(doc);
}

/* Whether one leaf with its control block leads to the output's key. */
static void check_leaf(const json_t *leaf, const char *control,
                       const char *output, size_t *committed, size_t *policy)
{
    struct bitcoin_spend s = {0};
    struct bytes key;
    uint8_t tweak[32];

    s.script = bitcoin_hex(json_string_value(json_object_get(leaf, "script")));
    s.control = bitcoin_hex(control);
    key = bitcoin_hex(output);
    if ((s.control.data[0] & 0xfe) == 0xc0) {
        bitcoin_tweak(&s, tweak);
        EXPECT(scheme_schnorr_tweaked(s.control.data + 1, tweak, key.data + 2,
                                      s.control.data[0] & 1));
        EXPECT(!scheme_schnorr_tweaked(s.control.data + 1, tweak, key.data + 2,
                                       !(s.control.data[0] & 1)));
        (*committed)++;
    } else {
        (*policy)++; /* another version of leaf is never judged */
    }
    free((void *)(uintptr_t)s.script.data);
    free((void *)(uintptr_t)s.control.data);
    free((void *)(uintptr_t)key.data);
}

/* Leaves in the order of their control blocks. */
static void check_tree(const json_t *tree, const json_t *controls, size_t *next,
                       const char *output, size_t *committed, size_t *policy)
{
    const json_t *part;
    size_t i;

    if (json_is_object(tree)) {
        check_leaf(tree, json_string_value(json_array_get(controls, *next)),
                   output, committed, policy);
        (*next)++;
        return;
    }
    json_array_foreach(tree, i, part)
        check_tree(part, controls, next, output, committed, policy);
}

TEST(keys_of_bip_341_commit_to_their_leaves)
{
    const char *path = vectors_path(WALLET);
    size_t i, committed = 0, policy = 0;
    json_t *doc, *one;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    json_array_foreach(json_object_get(doc, "scriptPubKey"), i, one)
    {
        const json_t *expected = json_object_get(one, "expected");
        size_t next = 0;

        check_tree(json_object_get(json_object_get(one, "given"), "scriptTree"),
                   json_object_get(expected, "scriptPathControlBlocks"), &next,
                   json_string_value(json_object_get(expected, "scriptPubKey")),
                   &committed, &policy);
    }
    printf("bip341: %zu leaves are committed to, %zu of unknown version\n",
           committed, policy);
    EXPECT_INT(committed, 11);
    EXPECT_INT(policy, 1);
    json_decref(doc);
}
