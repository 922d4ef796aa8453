/*
 * schemas/bitcoin_parse.c: the serialization of a transaction, with and
 * without witnesses, and of the outputs it spends.
 *
 *   version | 00 01 | n inputs | n outputs | witnesses | locktime
 *             '-------- only with witnesses -------'
 *
 * A parsed transaction is slices. Inputs, their witnesses and what they spend
 * stand in three places; a walk goes through all three at once.
 *
 * From: schemas/bitcoin.c, schemas/psbt.c, verifier/scheme_bitcoin.c.
 * To:   schemas/bitcoin_read.c.
 */
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/bitcoin_inside.h"
#include "schemas/hash.h"

#define WITNESS_FLAG 0x01
#define BARE_INPUT_BYTES 41 /* an input with an empty script */

static struct bytes since(const uint8_t *start, const struct bitcoin_reader *r)
{
    return bytes_of(start, (size_t)(r->rest.data - start));
}

/* Walks until the bytes end, whatever number the count says. */
static void skip_inputs(struct bitcoin_reader *r, uint64_t count)
{
    for (uint64_t i = 0; i < count && r->fault == REASON_NONE; i++) {
        bitcoin_take(r, 36);
        bitcoin_take_string(r);
        bitcoin_take(r, 4);
    }
}

/* Whether any input has a witness. */
static bool skip_witnesses(struct bitcoin_reader *r, uint64_t inputs)
{
    bool any = false;

    for (uint64_t i = 0; i < inputs && r->fault == REASON_NONE; i++) {
        uint64_t count = bitcoin_take_size(r);

        any |= count > 0;
        for (uint64_t k = 0; k < count && r->fault == REASON_NONE; k++)
            bitcoin_take_string(r);
    }
    return any;
}

/* No input where the count should be says that witnesses follow. */
static uint64_t take_marker(struct bitcoin_reader *r, const uint8_t **start,
                            bool *out_segwit)
{
    uint64_t count = bitcoin_take_size(r);

    *out_segwit = count == 0;
    if (count > 0)
        return count;
    if (bitcoin_take_number(r, 1) != WITNESS_FLAG && r->fault == REASON_NONE)
        r->fault = REASON_MALFORMED;
    *start = r->rest.data;
    return bitcoin_take_size(r);
}

/* Of a compact size; a transaction has no room for more than 2^32. */
static size_t count_bytes(uint64_t count)
{
    return count < 0xfd ? 1 : count < 0x10000 ? 3 : 5;
}

enum reason bitcoin_parse_transaction(struct bytes *rest,
                                      struct bitcoin_transaction *out)
{
    struct bitcoin_reader r = {*rest, REASON_NONE};
    struct bitcoin_transaction t = {.raw = *rest};
    const uint8_t *start;
    uint64_t inputs, outputs;
    bool segwit;

    t.version = bitcoin_take(&r, 4);
    start = r.rest.data;
    inputs = take_marker(&r, &start, &segwit);
    skip_inputs(&r, inputs);
    t.inputs = since(start, &r);

    start = r.rest.data;
    outputs = bitcoin_take_size(&r);
    for (uint64_t i = 0; i < outputs && r.fault == REASON_NONE; i++)
        bitcoin_take_output(&r);
    t.outputs = since(start, &r);

    start = r.rest.data;
    if (segwit && !skip_witnesses(&r, inputs) && r.fault == REASON_NONE)
        r.fault = REASON_NON_CANONICAL;
    if (segwit)
        t.witnesses = since(start, &r);
    t.locktime = bitcoin_take(&r, 4);
    if (r.fault != REASON_NONE)
        return r.fault;

    t.raw.count = (size_t)(r.rest.data - t.raw.data);
    t.inputs_count = (size_t)inputs;
    t.outputs_count = (size_t)outputs;
    t.bare_count = t.version.count + count_bytes(inputs) +
                   BARE_INPUT_BYTES * t.inputs_count + t.outputs.count +
                   t.locktime.count;
    *rest = r.rest;
    *out = t;
    return REASON_NONE;
}

static enum reason refuse(struct transaction_words *w, enum reason reason)
{
    return transaction_refuse(w, reason, "%s", reason_words(reason));
}

/* What is no extended form may be the transaction alone. */
static enum reason refuse_foreign(struct bytes input,
                                  struct transaction_words *w)
{
    struct bitcoin_transaction t;

    if (bitcoin_parse_transaction(&input, &t) != REASON_NONE || input.count > 0)
        return refuse(w, REASON_MALFORMED);
    return transaction_refuse(
        w, REASON_PREVOUT_MISSING,
        "a transaction alone cannot be judged: send a finalized PSBT, or "
        "62747801, the transaction, and each output it spends");
}

enum reason bitcoin_parse(struct bytes extended,
                          struct bitcoin_transaction *out,
                          struct transaction_words *w)
{
    struct bytes rest = extended;
    struct bitcoin_reader r;
    struct bitcoin_transaction t;
    enum reason reason;

    if (extended.count < BITCOIN_MAGIC_BYTES ||
        memcmp(extended.data, BITCOIN_MAGIC, BITCOIN_MAGIC_BYTES) != 0)
        return refuse_foreign(extended, w);
    rest = bytes_slice(rest, BITCOIN_MAGIC_BYTES, rest.count);
    reason = bitcoin_parse_transaction(&rest, &t);
    if (reason != REASON_NONE)
        return refuse(w, reason);
    if (rest.count == 0 && t.inputs_count > 0)
        return refuse(w, REASON_PREVOUT_MISSING);
    t.prevouts = rest;
    r = (struct bitcoin_reader){rest, REASON_NONE};
    for (size_t i = 0; i < t.inputs_count && r.fault == REASON_NONE; i++)
        bitcoin_take_output(&r);
    if (r.fault != REASON_NONE || r.rest.count > 0)
        return refuse(w, r.fault != REASON_NONE ? r.fault : REASON_MALFORMED);
    *out = t;
    return REASON_NONE;
}

void bitcoin_wtxid(const struct bitcoin_transaction *t, uint8_t out[32])
{
    bitcoin_hash_twice(t->raw, out);
    bitcoin_reverse(out);
}

void bitcoin_txid(const struct bitcoin_transaction *t, uint8_t out[32])
{
    struct hash_sha256 h;

    if (t->witnesses.data == NULL) {
        bitcoin_wtxid(t, out);
        return;
    }
    hash_sha256_init(&h);
    hash_sha256_update(&h, t->version);
    hash_sha256_update(&h, t->inputs);
    hash_sha256_update(&h, t->outputs);
    hash_sha256_update(&h, t->locktime);
    hash_sha256_final(&h, out);
    hash_sha256(bytes_of(out, HASH_BYTES), out);
    bitcoin_reverse(out);
}

void bitcoin_walk_inputs(const struct bitcoin_transaction *t,
                         struct bitcoin_walk *out)
{
    struct bitcoin_reader r = {t->inputs, REASON_NONE};

    bitcoin_take_size(&r);
    *out = (struct bitcoin_walk){r.rest, t->witnesses, t->prevouts, 0,
                                 t->inputs_count};
}

static void take_witness(struct bitcoin_reader *r, struct bitcoin_input *in)
{
    const uint8_t *start;

    in->witness_count = (size_t)bitcoin_take_size(r);
    start = r->rest.data;
    for (size_t i = 0; i < in->witness_count; i++)
        bitcoin_take_string(r);
    in->witness = since(start, r);
}

bool bitcoin_next_input(struct bitcoin_walk *w, struct bitcoin_input *out)
{
    struct bitcoin_reader inputs = {w->inputs, REASON_NONE};
    struct bitcoin_reader witnesses = {w->witnesses, REASON_NONE};
    struct bitcoin_reader prevouts = {w->prevouts, REASON_NONE};

    if (w->index == w->count)
        return false;
    *out = (struct bitcoin_input){.index = w->index++};
    out->outpoint = bitcoin_take(&inputs, 36);
    out->script = bitcoin_take_string(&inputs);
    out->sequence = bitcoin_take(&inputs, 4);
    if (w->witnesses.data != NULL)
        take_witness(&witnesses, out);
    if (w->prevouts.data != NULL)
        out->spent = bitcoin_take_output(&prevouts);
    /* All of it was read once before. */
    CHECK(inputs.fault == REASON_NONE && witnesses.fault == REASON_NONE &&
          prevouts.fault == REASON_NONE);
    w->inputs = inputs.rest;
    w->witnesses = witnesses.rest;
    w->prevouts = prevouts.rest;
    return true;
}

bool bitcoin_output_at(const struct bitcoin_transaction *t, size_t index,
                       struct bitcoin_output *out)
{
    struct bitcoin_reader r = {t->outputs, REASON_NONE};

    if (index >= t->outputs_count)
        return false;
    bitcoin_take_size(&r);
    for (size_t i = 0; i <= index; i++)
        *out = bitcoin_take_output(&r);
    CHECK(r.fault == REASON_NONE);
    return true;
}
