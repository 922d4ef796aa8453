/*
 * deploy/ctl/decode_bitcoin.c: takes a Bitcoin transaction apart for somebody
 * to read: the extended form, or a PSBT, which is described as what it would be
 * stored as.
 *
 * From: deploy/ctl/decode.c.
 * To:   deploy/ctl/decode_inside.h, for the members.
 */
#include "deploy/ctl/decode_inside.h"
#include "schemas/base/fail.h"
#include "schemas/bitcoin.h"
#include "schemas/bitcoin_inside.h"
#include "schemas/psbt.h"

#define RULES_LEAST 1
#define LISTED_MAX 16 /* inputs and outputs, each */

/* A script that is too long for a row is counted. */
static void output(struct json_writer *w, const struct bitcoin_output *o)
{
    decode_whole(w, "satoshi", o->value);
    if (o->script.count <= TRANSACTION_PARTY_MAX)
        decode_hex(w, "script", o->script);
    else
        decode_whole(w, "script_bytes", o->script.count);
}

/* "txid:index", as people write it. */
static void outpoint(struct json_writer *w, struct bytes b)
{
    uint8_t txid[32];

    for (size_t i = 0; i < sizeof(txid); i++)
        txid[i] = b.data[31 - i];
    decode_hex(w, "txid", bytes_of(txid, sizeof(txid)));
    decode_whole(w, "index", bitcoin_number(bytes_slice(b, 32, 4)));
}

static void inputs(struct json_writer *w, const struct bitcoin_transaction *t)
{
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    decode_whole(w, "inputs", t->inputs_count);
    json_writer_name(w, "spent");
    json_writer_array(w);
    bitcoin_walk_inputs(t, &walk);
    while (bitcoin_next_input(&walk, &in) && in.index < LISTED_MAX) {
        json_writer_object(w);
        outpoint(w, in.outpoint);
        output(w, &in.spent);
        decode_whole(w, "sequence", bitcoin_number(in.sequence));
        decode_whole(w, "witnesses", in.witness_count);
        json_writer_end(w);
    }
    json_writer_end(w);
}

static void outputs(struct json_writer *w, const struct bitcoin_transaction *t)
{
    struct bitcoin_output o;

    decode_whole(w, "outputs", t->outputs_count);
    json_writer_name(w, "paid");
    json_writer_array(w);
    for (size_t i = 0; i < LISTED_MAX && bitcoin_output_at(t, i, &o); i++) {
        json_writer_object(w);
        output(w, &o);
        json_writer_end(w);
    }
    json_writer_end(w);
}

/* What is spent and not paid, by what is stated; null when it is negative. */
static void fee(struct json_writer *w, const struct bitcoin_transaction *t)
{
    struct bitcoin_reader spent = {t->prevouts, REASON_NONE};
    struct bitcoin_reader paid = {t->outputs, REASON_NONE};
    uint64_t in = 0, out = 0;

    bitcoin_take_size(&paid);
    for (size_t i = 0; i < t->inputs_count; i++)
        in += bitcoin_take_output(&spent).value;
    for (size_t i = 0; i < t->outputs_count; i++)
        out += bitcoin_take_output(&paid).value;
    if (out <= in) {
        decode_whole(w, "stated_fee", in - out);
        return;
    }
    json_writer_name(w, "stated_fee");
    json_writer_null(w);
}

static void describe(struct json_writer *w, const struct bitcoin_transaction *t,
                     const struct verdict *v, const char *form)
{
    uint8_t txid[32], wtxid[32];

    bitcoin_txid(t, txid);
    bitcoin_wtxid(t, wtxid);
    json_writer_object(w);
    json_writer_name(w, "form");
    json_writer_text(w, form);
    json_writer_name(w, "chain");
    json_writer_null(w);
    decode_hex(w, "hash", bytes_of(wtxid, sizeof(wtxid)));
    decode_hex(w, "txid", bytes_of(txid, sizeof(txid)));
    decode_sender(w, v);
    decode_hex(w, "signature", transaction_signature(&v->tx));
    decode_whole(w, "version", bitcoin_number(t->version));
    inputs(w, t);
    outputs(w, t);
    fee(w, t);
    decode_whole(w, "locktime", bitcoin_number(t->locktime));
    decode_whole(w, "bytes", t->raw.count);
    json_writer_end(w);
}

enum reason decode_bitcoin(const struct judge *judge, struct bytes raw,
                           struct buffer *out,
                           struct transaction_words *out_words)
{
    struct bitcoin_transaction t;
    struct psbt_places places;
    struct bytes extended = raw;
    struct json_writer w;
    struct buffer room;
    struct chain chain;
    struct verdict v;
    enum reason reason = REASON_NONE;

    buffer_init(&room, TRANSACTION_BYTES_MAX);
    if (psbt_is(raw)) {
        reason = psbt_extend(raw, &room, &places, out_words);
        extended = buffer_bytes(&room);
    }
    if (reason == REASON_NONE)
        reason = bitcoin_parse(extended, &t, out_words);
    /* Nothing may be said of more than a row could be made of. */
    if (reason == REASON_NONE && extended.count > TRANSACTION_BYTES_MAX)
        reason = transaction_refuse(out_words, REASON_TOO_LARGE, "%s",
                                    reason_words(REASON_TOO_LARGE));
    if (reason == REASON_NONE) {
        CHECK(chain_parse(BYTES_LITERAL("bip122:any"), &chain) == 0);
        judge_payload(judge, &chain, RULES_LEAST, extended, &v);
        json_writer_init(&w, out);
        describe(&w, &t, &v,
                 psbt_is(raw) ? "bitcoin psbt" : "bitcoin extended");
    }
    buffer_fini(&room);
    return reason;
}
