/*
 * tests/fuzz/bitcoin_fuzz.c: a transaction that parses is the only encoding of
 * its parts, set 2 takes nothing that set 1 refuses, what is stored of a PSBT
 * is judged like the PSBT, and a refusal has words.
 */
#include <string.h>

#include "schemas/bitcoin_inside.h"
#include "schemas/psbt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

static void append_inputs(const struct bitcoin_transaction *t,
                          struct buffer *out)
{
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    bitcoin_append_size(out, t->inputs_count);
    bitcoin_walk_inputs(t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        buffer_append_bytes(out, in.outpoint);
        bitcoin_append_string(out, in.script);
        buffer_append_bytes(out, in.sequence);
    }
}

static void append_outputs(const struct bitcoin_transaction *t,
                           struct buffer *out)
{
    struct bitcoin_output o;

    bitcoin_append_size(out, t->outputs_count);
    /* Each is looked for from the first: not more than some. */
    for (size_t i = 0; bitcoin_output_at(t, i, &o); i++) {
        bitcoin_append_number(out, o.value, 8);
        bitcoin_append_string(out, o.script);
    }
}

static void append_witnesses(const struct bitcoin_transaction *t,
                             struct buffer *out)
{
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    bitcoin_walk_inputs(t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        struct bitcoin_reader r = {in.witness, REASON_NONE};

        bitcoin_append_size(out, in.witness_count);
        for (size_t i = 0; i < in.witness_count; i++)
            bitcoin_append_string(out, bitcoin_take_string(&r));
        CHECK(r.fault == REASON_NONE && r.rest.count == 0);
    }
}

static void append_spent(const struct bitcoin_transaction *t,
                         struct buffer *out)
{
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    bitcoin_walk_inputs(t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        bitcoin_append_number(out, in.spent.value, 8);
        bitcoin_append_string(out, in.spent.script);
    }
}

static void expect_canonical(struct bytes input)
{
    struct bitcoin_transaction t;
    struct buffer out;

    if (bitcoin_parse(input, &t, NULL) != REASON_NONE)
        return;
    buffer_init(&out, input.count);
    buffer_append_text(&out, BITCOIN_MAGIC);
    buffer_append_bytes(&out, t.version);
    if (t.witnesses.data != NULL)
        buffer_append(&out, "\x00\x01", 2);
    append_inputs(&t, &out);
    append_outputs(&t, &out);
    if (t.witnesses.data != NULL)
        append_witnesses(&t, &out);
    buffer_append_bytes(&out, t.locktime);
    append_spent(&t, &out);
    CHECK(bytes_equal(buffer_bytes(&out), input));
    buffer_fini(&out);
}

static bool inside(struct bytes part, struct bytes whole)
{
    return part.data == NULL ||
           (part.data >= whole.data &&
            part.data + part.count <= whole.data + whole.count);
}

/* The verifier sees what is stored, not what was sent. */
static void expect_stored(const struct chain *chain, int rules,
                          const struct transaction *t)
{
    struct transaction again;
    struct buffer room;
    struct bytes stored;

    buffer_init(&room, TRANSACTION_BYTES_MAX);
    stored = transaction_canonical(t, &room);
    CHECK(stored.count <= TRANSACTION_BYTES_MAX);
    CHECK(transaction_decode(chain, rules, stored, &again, NULL) ==
          REASON_NONE);
    CHECK(!again.stripped && !psbt_is(stored));
    CHECK(memcmp(again.id, t->id, 32) == 0);
    CHECK(memcmp(again.amount, t->amount, 32) == 0);
    CHECK(bytes_equal(transaction_recipient(&again), transaction_recipient(t)));
    CHECK(bytes_equal(transaction_signature(&again), transaction_signature(t)));
    CHECK(again.has_alias == t->has_alias &&
          memcmp(again.alias, t->alias, 32) == 0);
    buffer_fini(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes input = bytes_of(data, count);
    struct transaction_words words;
    enum reason reasons[3];
    struct transaction t;
    struct chain chain;
    uint8_t txid[32];

    CHECK(chain_parse(bytes_text("bip122:test"), &chain) == 0);
    for (int rules = 1; rules <= 2; rules++) {
        reasons[rules] = transaction_decode(&chain, rules, input, &t, &words);
        CHECK((reasons[rules] == REASON_NONE) == (words.text[0] == '\0'));
        CHECK(strlen(words.text) <= TRANSACTION_WORDS_MAX);
        CHECK(!t.id_covers_all && t.sender_count == 0);
        CHECK(t.stripped == (t.psbt && t.has_id));
        CHECK(inside(t.recipient, input) && inside(t.signature_in, input));
        if (reasons[rules] == REASON_NONE)
            expect_stored(&chain, rules, &t);
    }
    CHECK(reasons[2] != REASON_NONE || reasons[1] == REASON_NONE);
    CHECK(reasons[1] != REASON_NONE || bitcoin_txid_of(input, txid) == 0);
    if (!psbt_is(input))
        expect_canonical(input);
    return 0;
}
