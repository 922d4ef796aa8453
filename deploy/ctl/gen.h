/*
 * deploy/ctl/gen.h: freshly signed transactions, the same ones for one seed.
 *
 * Thread: one at a time.
 */
#ifndef DEPLOY_CTL_GEN_H
#define DEPLOY_CTL_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "consumer/base/command.h"
#include "schemas/base/bytes.h"

struct gen;

#define GEN_TYPE_MIX (-1)

struct gen_options {
    uint64_t chain_id;    /* eip155 */
    int type;             /* 0, 1, 2 or GEN_TYPE_MIX */
    const char *seed;     /* any text; names keys and order */
    int senders;          /* accounts that send */
    int forged_per_mille; /* so many have a high s: rejected */
};

struct gen_transaction {
    struct bytes raw; /* borrowed until the next gen_next() */
    uint8_t hash[32];
    uint8_t sender[20];
    bool forged; /* rule sets refuse it */
};

int gen_open(const struct gen_options *o, struct gen **out) MUST_CHECK;
void gen_close(struct gen *g);

/* What is wrong with a transaction. */
enum gen_kind {
    GEN_HONEST,
    GEN_HIGH_S,        /* the other s: refused without a curve, at the door */
    GEN_UNRECOVERABLE, /* no key belongs to its r: only the curve tells */
};

/* The next one; no two of a seed are equal. */
void gen_next(struct gen *g, struct gen_transaction *out);

/* The next one, of this kind, whatever forged_per_mille says. */
void gen_next_as(struct gen *g, enum gen_kind kind,
                 struct gen_transaction *out);

extern const struct command command_gen; /* tidemill gen */

#endif
