/*
 * consumer/window.h: the offsets in flight on one partition.
 *
 * Work finishes out of order; the position may not. A window remembers which
 * offsets were handed out and which are finished, and answers one question:
 * from which offset would we resume?
 *
 * Thread: one at a time. Memory: fixed at window_init().
 */
#ifndef CONSUMER_WINDOW_H
#define CONSUMER_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/check.h"

/* Read by window.c only. A ring: the oldest offset in flight is at `head`. */
struct window {
    int64_t *offsets;      /* rising; the sign bit marks a finished one */
    size_t count_max;      /* slots in the ring */
    size_t head;           /* slot of the oldest */
    size_t count;          /* slots in use, finished ones behind it included */
    size_t finished_count; /* of them, finished out of order */
    int64_t resume_offset; /* everything below is finished */
    int64_t next_offset;   /* the next one handed out is at least this */
};

/*
 * An empty window that would resume at `offset` (>= 0). `count_max` >= 1.
 * Returns 0, or FAIL_SYSTEM when there is no memory.
 */
int window_init(struct window *w, size_t count_max, int64_t offset) MUST_CHECK;

/* Frees the memory. NULL and a zero-filled window are fine. */
void window_fini(struct window *w);

/* Forgets everything in flight; would resume at `offset`. */
void window_reset(struct window *w, int64_t offset);

/*
 * Notes that `offset` was handed out. Offsets rise; gaps are allowed, since a
 * compacted or aborted record leaves one.
 *
 * Returns 0, or
 *   FAIL_FULL  count_max offsets are in flight already (a finished one counts
 *              until all before it are finished); nothing changed.
 */
int window_start(struct window *w, int64_t offset) MUST_CHECK;

/* Notes that `offset` is finished. It was started and is not finished yet. */
void window_finish(struct window *w, int64_t offset);

/*
 * The smallest offset not known to be finished: where a restart resumes. The
 * offset after the last record before which all are finished; a gap that
 * follows it is skipped when the record behind the gap is finished.
 */
int64_t window_resume_offset(const struct window *w);

/* Offsets handed out and not finished. 0: drained. */
size_t window_in_flight(const struct window *w);

/* Slots in use: the measure for pausing. */
size_t window_count(const struct window *w);
bool window_is_full(const struct window *w);

#endif
