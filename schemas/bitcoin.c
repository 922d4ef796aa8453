/*
 * schemas/bitcoin.c: from bytes to id, rules and the row.
 *
 * Everything that needs no curve, in the order of price: the encoding, the
 * shape, the sums, then each input's script with what it was given, and what
 * verifying all of them would cost.
 *
 * A PSBT is turned into the extended form first, in memory of its own; what the
 * row takes from it is then looked up where it stands in the PSBT.
 *
 * From: schemas/transaction.c.
 * To:   schemas/bitcoin_parse.c, schemas/bitcoin_spend.c, schemas/psbt.c.
 */
#include "schemas/bitcoin.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/bitcoin_inside.h"
#include "schemas/bitcoin_spend.h"
#include "schemas/hash.h"
#include "schemas/psbt.h"

#define OUTPOINT_BYTES 36
#define SIGNATURE_BYTES_MAX 73 /* DER and its hash type */

static enum reason refuse(struct transaction_words *w, enum reason reason)
{
    return transaction_refuse(w, reason, "%s", reason_words(reason));
}

/* ---- shape and sums ---- */

static int compare_outpoints(const void *a, const void *b)
{
    const uint8_t *const *left = a;
    const uint8_t *const *right = b;

    return memcmp(*left, *right, OUTPOINT_BYTES);
}

static bool is_coinbase(struct bytes outpoint)
{
    static const uint8_t nothing[32];

    return memcmp(outpoint.data, nothing, sizeof(nothing)) == 0 &&
           memcmp(outpoint.data + 32, "\xff\xff\xff\xff", 4) == 0;
}

/* At least one of each, no coinbase, no outpoint twice. */
static bool shape_is_good(const struct bitcoin_transaction *t)
{
    const uint8_t *outpoints[BITCOIN_INPUTS_MAX];
    struct bitcoin_walk walk;
    struct bitcoin_input in;
    size_t count = 0;

    if (t->inputs_count == 0 || t->outputs_count == 0)
        return false;
    CHECK(t->inputs_count <= BITCOIN_INPUTS_MAX);
    bitcoin_walk_inputs(t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        if (is_coinbase(in.outpoint))
            return false;
        outpoints[count++] = in.outpoint.data;
    }
    qsort(outpoints, count, sizeof(*outpoints), compare_outpoints);
    for (size_t i = 1; i < count; i++) {
        if (compare_outpoints(&outpoints[i - 1], &outpoints[i]) == 0)
            return false;
    }
    return true;
}

/* Adds; false: the amount or the sum is more than there is. */
static bool add_money(uint64_t value, uint64_t *sum)
{
    if (value > BITCOIN_MONEY_MAX || value > BITCOIN_MONEY_MAX - *sum)
        return false;
    *sum += value;
    return true;
}

static enum reason check_sums(const struct bitcoin_transaction *t)
{
    struct bitcoin_reader outputs = {t->outputs, REASON_NONE};
    struct bitcoin_reader spent = {t->prevouts, REASON_NONE};
    uint64_t in = 0, out = 0;

    bitcoin_take_size(&outputs);
    for (size_t i = 0; i < t->outputs_count; i++) {
        if (!add_money(bitcoin_take_output(&outputs).value, &out))
            return REASON_AMOUNT_RANGE;
    }
    for (size_t i = 0; i < t->inputs_count; i++) {
        if (!add_money(bitcoin_take_output(&spent).value, &in))
            return REASON_AMOUNT_RANGE;
    }
    return out <= in ? REASON_NONE : REASON_FEE_NEGATIVE;
}

/* ---- the row ---- */

/* The script itself, or its SHA-256 when it is too long for a row. */
static void set_recipient(const struct bitcoin_transaction *t,
                          struct transaction *out)
{
    struct bitcoin_output first;

    CHECK(bitcoin_output_at(t, 0, &first));
    bytes_put_be64(out->amount + 24, first.value);
    if (first.script.count == 0)
        return;
    if (first.script.count <= TRANSACTION_PARTY_MAX) {
        out->recipient = first.script;
        return;
    }
    hash_sha256(first.script, out->recipient_made);
    out->recipient_made_count = HASH_BYTES;
}

/* The txid, where it is another hash. */
static void set_alias(const struct bitcoin_transaction *t,
                      struct transaction *out)
{
    out->has_alias = t->witnesses.data != NULL;
    if (out->has_alias)
        bitcoin_txid(t, out->alias);
}

static void set_signature(const struct bitcoin_spend *s,
                          struct transaction *out)
{
    struct bytes signature = bitcoin_first_signature(s);

    if (signature.count <= SIGNATURE_BYTES_MAX)
        out->signature_in = signature;
}

void bitcoin_set_sender(struct transaction *t)
{
    struct bytes script = t->in.bitcoin.spent;

    if (script.count <= TRANSACTION_PARTY_MAX) {
        t->sender_in = script;
        return;
    }
    hash_sha256(script, t->sender);
    t->sender_count = HASH_BYTES;
}

/* ---- decoding ---- */

/* Every input is a known template, and all together are not too costly. */
static enum reason check_inputs(const struct bitcoin_transaction *t, int rules,
                                struct transaction *out,
                                struct transaction_words *w)
{
    size_t checks = 0, hashed = 0;
    struct bitcoin_spend spend;
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    bitcoin_walk_inputs(t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        enum reason reason = bitcoin_spend(t, &in, rules, &spend);

        if (reason != REASON_NONE)
            return transaction_refuse(w, reason, "input %zu: %s", in.index,
                                      reason_words(reason));
        checks += spend.checks;
        hashed += spend.hashed;
        if (in.index > 0)
            continue;
        set_signature(&spend, out);
        out->in.bitcoin.spent = in.spent.script;
    }
    if (checks > BITCOIN_CHECKS_MAX || hashed > BITCOIN_HASHED_MAX)
        return refuse(w, REASON_TOO_COSTLY);
    return REASON_NONE;
}

static enum reason decode_extended(struct bytes extended, int rules,
                                   struct transaction *out,
                                   struct transaction_words *w)
{
    struct bitcoin_transaction t;
    enum reason reason = bitcoin_parse(extended, &t, w);

    if (reason != REASON_NONE)
        return reason;
    bitcoin_wtxid(&t, out->id);
    out->has_id = true;
    set_alias(&t, out);
    if (!shape_is_good(&t))
        return refuse(w, REASON_BAD_INPUTS);
    reason = check_sums(&t);
    if (reason != REASON_NONE)
        return refuse(w, reason);
    set_recipient(&t, out);
    return check_inputs(&t, rules, out, w);
}

/* The same bytes where they stand in `to`, if `b` is inside `from`. */
static struct bytes moved(struct bytes b, struct bytes from, struct bytes to)
{
    if (b.data == NULL || b.data < from.data ||
        b.data + b.count > from.data + from.count)
        return BYTES_NONE;
    return bytes_of(to.data + (b.data - from.data), b.count);
}

/* Puts what borrows from the extended form `t` back into the PSBT. */
static void move_parts(const struct bitcoin_transaction *t,
                       const struct psbt_places *p, struct transaction *out)
{
    struct bytes signature = out->signature_in;
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    out->in.bitcoin.spent = p->spent;
    if (out->recipient.data != NULL)
        out->recipient = p->recipient;
    if (signature.data == NULL)
        return;
    bitcoin_walk_inputs(t, &walk);
    CHECK(bitcoin_next_input(&walk, &in));
    out->signature_in = moved(signature, in.script, p->script);
    if (out->signature_in.data == NULL)
        out->signature_in = moved(signature, in.witness, p->witness);
}

static enum reason decode_psbt(struct bytes input, int rules,
                               struct transaction *out,
                               struct transaction_words *w)
{
    struct bitcoin_transaction t;
    struct psbt_places places;
    struct buffer extended;
    enum reason reason;

    buffer_init(&extended, TRANSACTION_BYTES_MAX);
    reason = psbt_extend(input, &extended, &places, w);
    if (reason == REASON_NONE)
        reason = decode_extended(buffer_bytes(&extended), rules, out, w);
    out->stripped = out->has_id;
    out->psbt = true;
    if (out->has_id) {
        CHECK(bitcoin_parse(buffer_bytes(&extended), &t, NULL) == REASON_NONE);
        move_parts(&t, &places, out);
    }
    buffer_fini(&extended);
    return reason;
}

enum reason bitcoin_decode(int rules, struct bytes input,
                           struct transaction *out, struct transaction_words *w)
{
    if (input.count == 0)
        return refuse(w, REASON_EMPTY);
    if (psbt_is(input))
        return decode_psbt(input, rules, out, w);
    if (input.count > TRANSACTION_BYTES_MAX)
        return refuse(w, REASON_TOO_LARGE);
    return decode_extended(input, rules, out, w);
}

bool bitcoin_is_named(struct bytes input)
{
    return psbt_is(input) ||
           (input.count >= BITCOIN_MAGIC_BYTES &&
            memcmp(input.data, BITCOIN_MAGIC, BITCOIN_MAGIC_BYTES) == 0);
}

void bitcoin_append_stored(struct bytes psbt, struct buffer *out)
{
    struct psbt_places places;

    CHECK(psbt_extend(psbt, out, &places, NULL) == REASON_NONE);
}

int bitcoin_txid_of(struct bytes input, uint8_t out[32])
{
    struct bitcoin_transaction t;
    struct psbt_places places;
    struct buffer extended;
    int rc = FAIL_MALFORMED;

    buffer_init(&extended, TRANSACTION_BYTES_MAX);
    if (psbt_is(input)) {
        if (psbt_extend(input, &extended, &places, NULL) == REASON_NONE)
            input = buffer_bytes(&extended);
    }
    if (bitcoin_parse(input, &t, NULL) == REASON_NONE) {
        bitcoin_txid(&t, out);
        rc = 0;
    }
    buffer_fini(&extended);
    return rc;
}
