/*
 * verifier/work.h: one record on its way through the verifier.
 *
 *      taken -> judging -> judged -> writing -> decided -> sending -> done
 *                                    looking
 *
 * A work belongs to a lane until the lane lets it go; it is freed when nobody
 * holds it: not a lane, not the pool, not the ledger, not the outlet.
 *
 * Thread: the loop thread, but for `judged` fields while the pool holds it.
 */
#ifndef VERIFIER_WORK_H
#define VERIFIER_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "consumer/batch.h"
#include "schemas/chain.h"
#include "schemas/record.h"
#include "verifier/judge.h"
#include "verifier/ledger.h"

struct announce;
struct lane;

/* Who holds a work; a bit each. */
enum work_holder {
    WORK_HELD_BY_LANE = 1,
    WORK_HELD_BY_POOL = 2,
    WORK_HELD_BY_LEDGER = 4,
    WORK_HELD_BY_OUTLET = 8
};

struct work {
    struct work *next;    /* in the pool's queue or its finished list */
    struct lane *lane;    /* NULL: let go; its answer interests nobody */
    unsigned holders;     /* enum work_holder bits */
    struct record record; /* owned; released with the work */
    size_t bytes;         /* what it counts for in the lane's limit */
    int64_t taken_ms;     /* monotonic, when it came from the consumer */

    /* Written by the pool, read after it gave the work back. */
    enum record_header header; /* NEWER: not judged, stops the partition */
    struct chain chain;        /* by its header, else the log's default */
    int rules;
    struct verdict verdict;

    struct announce *announce; /* who sent its result */
    bool judged;
    bool decided; /* `kind` and `of` are what the rows say */
    bool acked;   /* its result is in the results topic */
    enum ledger_kind kind;
    enum reason reason;          /* of a rejection, as its row says */
    struct record_id of;         /* of a duplicate */
    char quarantine_sqlstate[6]; /* "" unless the database refused it */
    char quarantine_detail[256];
};

/* A work for `r`, held by the lane. Takes `r`. */
struct work *work_open(struct lane *lane, const struct record *r);

/* Lets go of one hold; frees the work with the last one. */
void work_drop(struct work *w, enum work_holder holder);

/* Works that exist now: 0 before the consumer may be closed. */
size_t work_alive(void);

#endif
