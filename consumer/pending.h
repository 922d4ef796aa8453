/*
 * consumer/pending.h: what an outlet has sent and not answered yet.
 *
 * A slot lives from outlet_send() to the library's report. It may be answered
 * earlier (a deadline, a producer that was replaced); then the report, should
 * it still come, answers nobody. Every slot is answered exactly once.
 *
 * Thread: one at a time. Memory: fixed at pending_init().
 */
#ifndef CONSUMER_PENDING_H
#define CONSUMER_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/outlet.h"
#include "schemas/base/check.h"

struct pending_slot {
    outlet_fn done; /* NULL: free, or answered already */
    void *arg;
    size_t bytes;
    uint64_t sequence; /* of sending, from 1; 0: free */
    struct pending_slot *next_free;
};

struct pending {
    struct pending_slot *slots;
    size_t count_max;
    struct pending_slot *free_slots;
    struct outlet_backlog backlog; /* not answered */
    uint64_t sequence;             /* of the newest */
    uint64_t mark;                 /* set by pending_mark() */
    size_t marked;                 /* not answered, up to the mark */
};

/* Returns 0, or FAIL_SYSTEM when there is no memory. */
int pending_init(struct pending *p, size_t count_max) MUST_CHECK;
void pending_fini(struct pending *p);

/* The slot the next pending_start() takes; NULL: all are in use. */
struct pending_slot *pending_next(const struct pending *p);

/* Takes that slot: its record is on its way. */
void pending_start(struct pending *p, outlet_fn done, void *arg, size_t bytes);

/* Answers a slot, unless it is answered; it stays in use. done() may send. */
void pending_answer(struct pending *p, struct pending_slot *slot,
                    const struct outlet_report *report);

/* Frees a slot that was answered: no report of it comes any more. */
void pending_give(struct pending *p, struct pending_slot *slot);

/*
 * Answers UNKNOWN to everything up to `sequence`, but not to what is sent
 * meanwhile. `gone`: no reports come for it any more; its slots are free.
 */
void pending_answer_all(struct pending *p, uint64_t sequence, const char *why,
                        bool gone);

/* From now on `marked` counts what was sent so far and is not answered. */
void pending_mark(struct pending *p);

#endif
