/*
 * verifier/ledger_columns.h: a plan as the binary arrays of its statements.
 *
 * One array a column, in the order of the parameters that schemas/leaf.h gives.
 * The memory is kept between batches.
 *
 * Thread: one at a time. Pure.
 */
#ifndef VERIFIER_LEDGER_COLUMNS_H
#define VERIFIER_LEDGER_COLUMNS_H

#include "consumer/base/postgres_array.h"
#include "verifier/ledger_plan.h"

#define LEDGER_COLUMNS_MAX 14

/* The parameters of one statement; the single numbers live in `number`. */
struct ledger_columns {
    struct postgres_array arrays[LEDGER_COLUMNS_MAX];
    struct postgres_param params[LEDGER_COLUMNS_MAX];
    uint8_t number[8]; /* the log */
    size_t array_count, param_count;
    bool full; /* an array did not fit: params must not be sent */
};

/* The statements of a batch. */
enum ledger_columns_kind {
    COLUMNS_FIND, /* hashes of the leaders that are offered */
    COLUMNS_INSERT,
    COLUMNS_DUPLICATES,
    COLUMNS_REJECTIONS,
    COLUMNS_QUARANTINE,
    COLUMNS_ANNOUNCED,
    COLUMNS_BATCHES
};
#define LEDGER_COLUMNS_KINDS 7

void ledger_columns_init(struct ledger_columns *c,
                         enum ledger_columns_kind kind);
void ledger_columns_fini(struct ledger_columns *c);

/*
 * Fills the arrays from the plan, settled where fates matter (all kinds but
 * FIND and INSERT). Returns how many rows; 0: nothing to send.
 */
size_t ledger_columns_fill(struct ledger_columns *c,
                           enum ledger_columns_kind kind,
                           const struct ledger_plan *p);

/* The same for raising `announced` without a batch. */
size_t ledger_columns_announced(struct ledger_columns *c, int log,
                                const struct ledger_announced *announced,
                                size_t count);

#endif
