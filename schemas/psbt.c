/*
 * schemas/psbt.c: writes a PSBT's transaction and what it spends.
 *
 * The extended form has all inputs, then all outputs, all witnesses, all spent
 * outputs; a PSBT has everything of an input in one place. It is walked twice
 * for the checks and once for each part, which costs less than keeping any of
 * it.
 *
 * From: schemas/bitcoin.c.
 * To:   schemas/psbt_maps.c.
 */
#include "schemas/psbt.h"

#include "schemas/psbt_inside.h"

#define SEQUENCE_FINAL 0xffffffff

/* What the checks learn. */
struct summary {
    bool witnesses;        /* any input has one */
    uint32_t time, height; /* the highest that an input asks for */
    bool asks, only_time, only_height;
};

static enum reason refuse(struct transaction_words *w, enum reason reason)
{
    return transaction_refuse(w, reason, "%s", reason_words(reason));
}

static enum reason refuse_input(struct transaction_words *w, size_t index,
                                enum reason reason)
{
    return transaction_refuse(w, reason, "input %zu: %s", index,
                              reason_words(reason));
}

/* The number of items, and the items alone. */
static enum reason read_witness(struct bytes witness, uint64_t *out_count,
                                struct bytes *out_items)
{
    struct bitcoin_reader r = {witness, REASON_NONE};

    *out_count = 0;
    *out_items = BYTES_NONE;
    if (witness.data == NULL)
        return REASON_NONE;
    *out_count = bitcoin_take_size(&r);
    *out_items = r.rest;
    for (uint64_t i = 0; i < *out_count && r.fault == REASON_NONE; i++)
        bitcoin_take_string(&r);
    if (r.fault == REASON_NONE && r.rest.count > 0)
        return REASON_MALFORMED;
    return r.fault;
}

static void note_lock(struct summary *s, const struct psbt_input *in)
{
    bool time = in->min_time.data != NULL;
    bool height = in->min_height.data != NULL;

    s->asks |= time || height;
    s->only_time |= time && !height;
    s->only_height |= height && !time;
    if (time && bitcoin_number(in->min_time) > s->time)
        s->time = (uint32_t)bitcoin_number(in->min_time);
    if (height && bitcoin_number(in->min_height) > s->height)
        s->height = (uint32_t)bitcoin_number(in->min_height);
}

/* All maps can be read, and nothing is behind them. */
static enum reason check_maps(const struct psbt *p, struct summary *s,
                              struct transaction_words *words)
{
    struct psbt_walk w;
    struct psbt_input in;
    struct bytes amount, script;

    psbt_walk(p, &w);
    for (size_t i = 0; i < p->inputs_count; i++) {
        if (!psbt_next_input(&w, &in))
            return refuse_input(words, i, w.maps.fault);
        note_lock(s, &in);
    }
    for (size_t i = 0; i < p->outputs_count; i++) {
        if (!psbt_next_output(&w, &amount, &script))
            return refuse(words, w.maps.fault);
    }
    if (w.maps.rest.count > 0 || (s->only_time && s->only_height))
        return refuse(words, REASON_MALFORMED);
    return REASON_NONE;
}

static enum reason check_input(const struct psbt_input *in, struct summary *s)
{
    struct bytes spent, items;
    uint64_t count;
    enum reason reason = psbt_spent(in, &spent);

    if (reason != REASON_NONE)
        return reason;
    if (in->script.data == NULL && in->witness.data == NULL)
        return REASON_NOT_FINAL;
    reason = read_witness(in->witness, &count, &items);
    s->witnesses |= count > 0;
    return reason;
}

/* Each input says what it spends, and truly, and is final. */
static enum reason check_inputs(const struct psbt *p, struct summary *s,
                                struct transaction_words *words)
{
    struct psbt_walk w;
    struct psbt_input in;

    /* No input would be taken for the mark of a witness. */
    if (p->inputs_count == 0)
        return refuse(words, REASON_BAD_INPUTS);
    psbt_walk(p, &w);
    for (size_t i = 0; i < p->inputs_count; i++) {
        enum reason reason;

        CHECK(psbt_next_input(&w, &in));
        reason = check_input(&in, s);
        if (reason != REASON_NONE)
            return refuse_input(words, i, reason);
    }
    return REASON_NONE;
}

static void append_inputs(const struct psbt *p, struct buffer *out,
                          struct psbt_places *places)
{
    struct psbt_walk w;
    struct psbt_input in;

    bitcoin_append_size(out, p->inputs_count);
    psbt_walk(p, &w);
    for (size_t i = 0; i < p->inputs_count; i++) {
        CHECK(psbt_next_input(&w, &in));
        buffer_append_bytes(out, in.outpoint);
        bitcoin_append_string(out, in.script);
        if (in.sequence.data != NULL)
            buffer_append_bytes(out, in.sequence);
        else
            bitcoin_append_number(out, SEQUENCE_FINAL, 4);
        if (i == 0)
            places->script = in.script;
    }
}

static void append_outputs(const struct psbt *p, struct buffer *out,
                           struct psbt_places *places)
{
    struct bytes amount, script;
    struct bitcoin_output first;
    struct psbt_walk w;
    struct psbt_input in;

    if (!p->second) {
        buffer_append_bytes(out, p->bare.outputs);
        if (bitcoin_output_at(&p->bare, 0, &first))
            places->recipient = first.script;
        return;
    }
    bitcoin_append_size(out, p->outputs_count);
    psbt_walk(p, &w);
    for (size_t i = 0; i < p->inputs_count; i++)
        CHECK(psbt_next_input(&w, &in));
    for (size_t i = 0; i < p->outputs_count; i++) {
        CHECK(psbt_next_output(&w, &amount, &script));
        buffer_append_bytes(out, amount);
        bitcoin_append_string(out, script);
        if (i == 0)
            places->recipient = script;
    }
}

static void append_witnesses(const struct psbt *p, struct buffer *out,
                             struct psbt_places *places)
{
    struct psbt_walk w;
    struct psbt_input in;
    struct bytes items;
    uint64_t count;

    psbt_walk(p, &w);
    for (size_t i = 0; i < p->inputs_count; i++) {
        CHECK(psbt_next_input(&w, &in) &&
              read_witness(in.witness, &count, &items) == REASON_NONE);
        bitcoin_append_size(out, count);
        buffer_append_bytes(out, items);
        if (i == 0)
            places->witness = items;
    }
}

static struct bytes script_of(struct bytes output)
{
    struct bitcoin_reader r = {output, REASON_NONE};

    return bitcoin_take_output(&r).script;
}

static void append_spent(const struct psbt *p, struct buffer *out,
                         struct psbt_places *places)
{
    struct psbt_walk w;
    struct psbt_input in;
    struct bytes spent;

    psbt_walk(p, &w);
    for (size_t i = 0; i < p->inputs_count; i++) {
        CHECK(psbt_next_input(&w, &in) &&
              psbt_spent(&in, &spent) == REASON_NONE);
        buffer_append_bytes(out, spent);
        if (i == 0)
            places->spent = script_of(spent);
    }
}

/* BIP 370: a height if every input that asks could do with one. */
static void append_locktime(const struct psbt *p, const struct summary *s,
                            struct buffer *out)
{
    if (!p->second)
        buffer_append_bytes(out, p->bare.locktime);
    else if (s->asks)
        bitcoin_append_number(out, s->only_time ? s->time : s->height, 4);
    else if (p->fallback.data != NULL)
        buffer_append_bytes(out, p->fallback);
    else
        bitcoin_append_number(out, 0, 4);
}

enum reason psbt_extend(struct bytes input, struct buffer *out,
                        struct psbt_places *out_places,
                        struct transaction_words *words)
{
    struct psbt_places places = {0};
    struct summary s = {0};
    struct psbt p;
    enum reason reason;

    if (input.count > PSBT_BYTES_MAX)
        return refuse(words, REASON_TOO_LARGE);
    reason = psbt_open(input, &p);
    if (reason != REASON_NONE)
        return refuse(words, reason);
    reason = check_maps(&p, &s, words);
    if (reason == REASON_NONE)
        reason = check_inputs(&p, &s, words);
    if (reason != REASON_NONE)
        return reason;

    buffer_append_text(out, BITCOIN_MAGIC);
    buffer_append_bytes(out, p.second ? p.version : p.bare.version);
    if (s.witnesses)
        buffer_append(out, "\x00\x01", 2);
    append_inputs(&p, out, &places);
    append_outputs(&p, out, &places);
    if (s.witnesses)
        append_witnesses(&p, out, &places);
    append_locktime(&p, &s, out);
    append_spent(&p, out, &places);
    if (out->overflow)
        return refuse(words, REASON_TOO_LARGE);
    *out_places = places;
    return REASON_NONE;
}
