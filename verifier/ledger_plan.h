/*
 * verifier/ledger_plan.h: what becomes of each record of one batch.
 *
 * Rejected and quarantined records are known at once. Of the verified ones, the
 * first of each transaction (in partition and offset order) is its leader and
 * is offered to the database; the others are repeats and share its fate.
 *
 *   records   0:A  1:B  2:A  3:rejected
 *   leaders   A:0  B:1                     sorted by (hash, chain)
 *   found     A in a sealed leaf as 1-4-17
 *   fates     0 duplicate of 1-4-17   1 inserted   2 duplicate of 1-4-17
 *
 * Thread: one at a time. Pure; keeps its memory between batches.
 */
#ifndef VERIFIER_LEDGER_PLAN_H
#define VERIFIER_LEDGER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/record.h"
#include "verifier/ledger.h"

enum fate_kind {
    FATE_OFFERED,   /* a leader: inserted, if nobody was before it */
    FATE_PRESENT,   /* its own row is there */
    FATE_DUPLICATE, /* `of` names the row that was first */
    FATE_REPEAT,    /* of an earlier record of this batch, `leader` */
    FATE_REJECTED,
    FATE_QUARANTINED
};

struct fate {
    enum fate_kind kind;
    uint32_t leader;     /* index of a repeat's leader */
    struct record_id of; /* of a duplicate */
};

/* Zero-filled is empty. */
struct ledger_plan {
    int log;
    const struct ledger_batch *batch; /* borrowed */
    struct fate *fates;               /* one a record */
    uint32_t *leaders; /* indices of records, sorted by (hash, chain) */
    size_t leader_count;
    size_t capacity; /* records there is memory for */
    size_t present, duplicates, rejected, quarantined;
};

void ledger_plan_fini(struct ledger_plan *p);

/*
 * Takes up a batch, which stays until the next start. Its records are sorted by
 * partition and offset, without repeats.
 */
void ledger_plan_start(struct ledger_plan *p, int log,
                       const struct ledger_batch *b);

/* Leaders whose fate is still FATE_OFFERED. */
size_t ledger_plan_offered(const struct ledger_plan *p);

/* The database took the rows of all leaders that are offered just now. */
void ledger_plan_inserted(struct ledger_plan *p);

/*
 * There is a row of this transaction, of record `of`: a leader that is still
 * offered is its duplicate, or present if the row is its own. Transactions that
 * are not of this batch are passed over.
 */
void ledger_plan_found(struct ledger_plan *p, const uint8_t hash[32],
                       int64_t chain, struct record_id of);

/* Gives repeats the fate of their leaders and counts. Once no leader is
 * offered any more. */
void ledger_plan_settle(struct ledger_plan *p);

/* Writes out_kind and out_of of every record. After ledger_plan_settle(). */
void ledger_plan_report(const struct ledger_plan *p,
                        struct ledger_record *records);

#endif
