/*
 * schemas/psbt_inside.h: the maps of a PSBT.
 *
 * Thread: any. Memory: everything borrows from the input.
 */
#ifndef SCHEMAS_PSBT_INSIDE_H
#define SCHEMAS_PSBT_INSIDE_H

#include "schemas/bitcoin_inside.h"
#include "schemas/psbt.h"

/* The header and everything behind it. */
struct psbt {
    bool second;                     /* version 2 */
    struct bitcoin_transaction bare; /* version 0: without any script */
    struct bytes version, fallback;  /* version 2; of 4 bytes, or none */
    size_t inputs_count, outputs_count;
    struct bytes maps; /* of inputs, then of outputs */
};

/* What one input says of itself; data NULL: it does not. */
struct psbt_input {
    struct bytes previous; /* the whole transaction it spends of */
    struct bytes spent;    /* the output */
    struct bytes script;   /* final */
    struct bytes witness;  /* final; the number of items and the items */
    struct bytes outpoint; /* 36 bytes; in version 2 in `made` */
    struct bytes sequence; /* 4 bytes, or none: final */
    struct bytes min_time; /* version 2: of the locktime; 4 bytes, or none */
    struct bytes min_height;
    uint8_t made[36];
};

/* A place among the maps, and among the inputs of version 0. */
struct psbt_walk {
    const struct psbt *p;
    struct bitcoin_reader maps;
    struct bitcoin_walk bare;
};

/* Reads the header. REASON_NONE, MALFORMED or NON_CANONICAL. */
enum reason psbt_open(struct bytes input, struct psbt *out);

void psbt_walk(const struct psbt *p, struct psbt_walk *out);

/*
 * The next input; to be asked inputs_count times. Afterwards
 * psbt_next_output() gives the outputs of version 2, and skips those of
 * version 0. False: what is there is malformed, and `w->maps.fault` says how.
 */
bool psbt_next_input(struct psbt_walk *w, struct psbt_input *out);
bool psbt_next_output(struct psbt_walk *w, struct bytes *out_amount,
                      struct bytes *out_script);

/*
 * What the input spends, as serialized. Returns REASON_NONE, PREVOUT_MISSING,
 * INCONSISTENT, MALFORMED or NON_CANONICAL.
 */
enum reason psbt_spent(const struct psbt_input *in, struct bytes *out);

#endif
