/*
 * schemas/psbt_maps.c: what a PSBT holds, by its keys.
 *
 *   70 73 62 74 ff | global map | a map for each input | and each output
 *   map: (length key, length value)* 00
 *
 * Only the fields that make the transaction are read; each may be there once,
 * and only in the version it belongs to. The others (derivations, partial
 * signatures, notes) are skipped.
 *
 * From: schemas/psbt.c.
 * To:   schemas/bitcoin_read.c, schemas/bitcoin_parse.c.
 */
#include <string.h>

#include "schemas/hash.h"
#include "schemas/psbt_inside.h"

#define MAGIC "psbt\xff"
#define MAGIC_BYTES 5
#define TIME_LEAST 500000000 /* a locktime below is a height */

enum {
    GLOBAL_TX,
    GLOBAL_VERSION,
    GLOBAL_FALLBACK,
    GLOBAL_INPUTS,
    GLOBAL_OUTPUTS,
    GLOBAL_MODIFIABLE,
    GLOBAL_PSBT,
    GLOBAL_COUNT
};
static const uint8_t global_types[] = {0x00, 0x02, 0x03, 0x04,
                                       0x05, 0x06, 0xfb};

enum {
    IN_PREVIOUS,
    IN_SPENT,
    IN_SCRIPT,
    IN_WITNESS,
    IN_FIRST_OF_2,
    IN_TXID = IN_FIRST_OF_2,
    IN_INDEX,
    IN_SEQUENCE,
    IN_TIME,
    IN_HEIGHT,
    IN_COUNT
};
static const uint8_t input_types[] = {0x00, 0x01, 0x07, 0x08, 0x0e,
                                      0x0f, 0x10, 0x11, 0x12};

enum { OUT_AMOUNT, OUT_SCRIPT, OUT_COUNT };
static const uint8_t output_types[] = {0x03, 0x04};

bool psbt_is(struct bytes input)
{
    return input.count >= MAGIC_BYTES &&
           memcmp(input.data, MAGIC, MAGIC_BYTES) == 0;
}

bool psbt_is_base64(struct bytes text)
{
    return bytes_equal_text(bytes_slice(text, 0, 6), "cHNidP");
}

static void malformed(struct bitcoin_reader *r)
{
    if (r->fault == REASON_NONE)
        r->fault = REASON_MALFORMED;
}

/* One map: the values of `count` types. Those behind the first `allowed` are of
 * version 2, and this is no such PSBT. */
static void read_map(struct bitcoin_reader *r, const uint8_t *types,
                     size_t count, size_t allowed, struct bytes *out_values)
{
    memset(out_values, 0, count * sizeof(*out_values));
    for (;;) {
        struct bytes key = bitcoin_take_string(r), value;
        const uint8_t *type;

        if (key.count == 0)
            return; /* the end of the map, or a fault */
        value = bitcoin_take_string(r);
        if (r->fault != REASON_NONE)
            return;
        type = memchr(types, key.data[0], count);
        if (type == NULL)
            continue;
        if (key.count != 1 || out_values[type - types].data != NULL ||
            type >= types + allowed)
            malformed(r);
        out_values[type - types] = value;
    }
}

/* The number in a value that is one compact size. */
static size_t size_of(struct bitcoin_reader *r, struct bytes value)
{
    struct bitcoin_reader inner = {value, REASON_NONE};
    uint64_t n = bitcoin_take_size(&inner);

    if (value.data == NULL || inner.fault != REASON_NONE ||
        inner.rest.count > 0 || n > PSBT_BYTES_MAX)
        malformed(r);
    return r->fault == REASON_NONE ? (size_t)n : 0;
}

/* A value of exactly `count` bytes, or none. */
static void expect_width(struct bitcoin_reader *r, struct bytes value,
                         size_t count)
{
    if (value.data != NULL && value.count != count)
        malformed(r);
}

/* A transaction without inputs, whose count would be taken for the mark of a
 * witness; counts its outputs. */
static bool has_no_input(struct bytes transaction, size_t *out_outputs)
{
    struct bitcoin_reader r = {transaction, REASON_NONE};
    uint64_t outputs;

    bitcoin_take(&r, 4);
    if (bitcoin_take_size(&r) > 0)
        return false;
    outputs = bitcoin_take_size(&r);
    for (uint64_t i = 0; i < outputs && r.fault == REASON_NONE; i++)
        bitcoin_take_output(&r);
    bitcoin_take(&r, 4);
    if (r.fault != REASON_NONE || r.rest.count > 0)
        return false;
    *out_outputs = (size_t)outputs;
    return true;
}

/* Version 0 carries the transaction, with nothing signed in it. */
static void open_first(struct bitcoin_reader *r, const struct bytes *values,
                       struct psbt *out)
{
    struct bytes transaction = values[GLOBAL_TX];
    struct bitcoin_walk walk;
    struct bitcoin_input in;
    enum reason reason = REASON_MALFORMED;

    for (int i = GLOBAL_VERSION; i <= GLOBAL_MODIFIABLE; i++) {
        if (values[i].data != NULL)
            malformed(r);
    }
    if (transaction.data != NULL &&
        has_no_input(transaction, &out->outputs_count))
        return;
    if (transaction.data != NULL)
        reason = bitcoin_parse_transaction(&transaction, &out->bare);
    if (reason != REASON_NONE || transaction.count > 0 ||
        out->bare.witnesses.data != NULL) {
        malformed(r);
        return;
    }
    bitcoin_walk_inputs(&out->bare, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        if (in.script.count > 0)
            malformed(r);
    }
    out->inputs_count = out->bare.inputs_count;
    out->outputs_count = out->bare.outputs_count;
}

static void open_second(struct bitcoin_reader *r, const struct bytes *values,
                        struct psbt *out)
{
    if (values[GLOBAL_TX].data != NULL || values[GLOBAL_VERSION].data == NULL)
        malformed(r);
    expect_width(r, values[GLOBAL_VERSION], 4);
    expect_width(r, values[GLOBAL_FALLBACK], 4);
    out->version = values[GLOBAL_VERSION];
    out->fallback = values[GLOBAL_FALLBACK];
    out->inputs_count = size_of(r, values[GLOBAL_INPUTS]);
    out->outputs_count = size_of(r, values[GLOBAL_OUTPUTS]);
}

enum reason psbt_open(struct bytes input, struct psbt *out)
{
    struct bitcoin_reader r = {input, REASON_NONE};
    struct bytes values[GLOBAL_COUNT];
    uint64_t version = 0;

    *out = (struct psbt){0};
    bitcoin_take(&r, MAGIC_BYTES);
    read_map(&r, global_types, GLOBAL_COUNT, GLOBAL_COUNT, values);
    expect_width(&r, values[GLOBAL_PSBT], 4);
    if (r.fault == REASON_NONE && values[GLOBAL_PSBT].data != NULL)
        version = bitcoin_number(values[GLOBAL_PSBT]);
    out->second = version == 2;
    if (version != 0 && version != 2)
        malformed(&r);
    if (r.fault == REASON_NONE && out->second)
        open_second(&r, values, out);
    else if (r.fault == REASON_NONE)
        open_first(&r, values, out);
    out->maps = r.rest;
    return r.fault;
}

void psbt_walk(const struct psbt *p, struct psbt_walk *out)
{
    *out = (struct psbt_walk){.p = p, .maps = {p->maps, REASON_NONE}};
    if (!p->second)
        bitcoin_walk_inputs(&p->bare, &out->bare);
}

/* A time from TIME_LEAST on, a height below it: BIP 370. */
static void check_locks(struct bitcoin_reader *r, const struct psbt_input *in)
{
    expect_width(r, in->min_time, 4);
    expect_width(r, in->min_height, 4);
    if (r->fault != REASON_NONE)
        return;
    if (in->min_time.data != NULL && bitcoin_number(in->min_time) < TIME_LEAST)
        malformed(r);
    if (in->min_height.data != NULL &&
        (bitcoin_number(in->min_height) >= TIME_LEAST ||
         bitcoin_number(in->min_height) == 0))
        malformed(r);
}

/* Version 2: the input stands in its map alone. */
static void read_second(struct bitcoin_reader *r, const struct bytes *values,
                        struct psbt_input *out)
{
    if (values[IN_TXID].data == NULL || values[IN_INDEX].data == NULL)
        malformed(r);
    expect_width(r, values[IN_TXID], 32);
    expect_width(r, values[IN_INDEX], 4);
    expect_width(r, values[IN_SEQUENCE], 4);
    out->min_time = values[IN_TIME];
    out->min_height = values[IN_HEIGHT];
    check_locks(r, out);
    if (r->fault != REASON_NONE)
        return;
    memcpy(out->made, values[IN_TXID].data, 32);
    memcpy(out->made + 32, values[IN_INDEX].data, 4);
    out->outpoint = bytes_of(out->made, sizeof(out->made));
    out->sequence = values[IN_SEQUENCE];
}

bool psbt_next_input(struct psbt_walk *w, struct psbt_input *out)
{
    size_t allowed = w->p->second ? IN_COUNT : IN_FIRST_OF_2;
    struct bytes values[IN_COUNT];
    struct bitcoin_input bare;

    read_map(&w->maps, input_types, IN_COUNT, allowed, values);
    if (w->maps.fault != REASON_NONE)
        return false;
    *out = (struct psbt_input){
        .previous = values[IN_PREVIOUS],
        .spent = values[IN_SPENT],
        .script = values[IN_SCRIPT],
        .witness = values[IN_WITNESS],
    };
    if (w->p->second) {
        read_second(&w->maps, values, out);
    } else {
        CHECK(bitcoin_next_input(&w->bare, &bare));
        out->outpoint = bare.outpoint;
        out->sequence = bare.sequence;
    }
    return w->maps.fault == REASON_NONE;
}

bool psbt_next_output(struct psbt_walk *w, struct bytes *out_amount,
                      struct bytes *out_script)
{
    size_t allowed = w->p->second ? OUT_COUNT : 0;
    struct bytes values[OUT_COUNT];

    read_map(&w->maps, output_types, OUT_COUNT, allowed, values);
    if (w->maps.fault != REASON_NONE || !w->p->second)
        return w->maps.fault == REASON_NONE;
    if (values[OUT_AMOUNT].data == NULL || values[OUT_SCRIPT].data == NULL)
        malformed(&w->maps);
    expect_width(&w->maps, values[OUT_AMOUNT], 8);
    *out_amount = values[OUT_AMOUNT];
    *out_script = values[OUT_SCRIPT];
    return w->maps.fault == REASON_NONE;
}

/* The output of the whole transaction, whose txid the outpoint names. */
static enum reason spent_of_previous(const struct psbt_input *in,
                                     struct bytes *out)
{
    struct bytes rest = in->previous;
    struct bitcoin_transaction t;
    struct bitcoin_output o;
    uint8_t txid[32];
    enum reason reason = bitcoin_parse_transaction(&rest, &t);

    if (reason != REASON_NONE || rest.count > 0)
        return reason != REASON_NONE ? reason : REASON_MALFORMED;
    bitcoin_txid(&t, txid);
    bitcoin_reverse(txid);
    if (memcmp(txid, in->outpoint.data, sizeof(txid)) != 0 ||
        !bitcoin_output_at(&t, bitcoin_number(bytes_slice(in->outpoint, 32, 4)),
                           &o))
        return REASON_INCONSISTENT;
    if (in->spent.data != NULL && !bytes_equal(in->spent, o.raw))
        return REASON_INCONSISTENT;
    *out = o.raw;
    return REASON_NONE;
}

enum reason psbt_spent(const struct psbt_input *in, struct bytes *out)
{
    struct bitcoin_reader r = {in->spent, REASON_NONE};

    if (in->previous.data != NULL)
        return spent_of_previous(in, out);
    if (in->spent.data == NULL)
        return REASON_PREVOUT_MISSING;
    bitcoin_take_output(&r);
    if (r.fault == REASON_NONE && r.rest.count > 0)
        malformed(&r);
    *out = in->spent;
    return r.fault;
}
