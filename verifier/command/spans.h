/*
 * verifier/command/spans.h: what the ledger counted, against rows, piece by
 * piece.
 *
 *      ledger   [0, 500) [500, 900) ... | [10400, 10900) ...     9 say rejected
 *      span     [0, 10400)              | [10400, 20800)         8 rows are
 *                                         ^ differs: rejected 1 too few
 *
 * Ranges are put together until a span has SPAN_RECORDS, so that memory does
 * not grow with batches. Where a replay wrote, a row may be of another kind
 * than the one that was lost (a repeat took the place of its first meanwhile):
 * such a span is compared by its sum, all others kind by kind.
 *
 * Pure. Thread: one at a time. Memory: one span a SPAN_RECORDS records.
 */
#ifndef VERIFIER_COMMAND_SPANS_H
#define VERIFIER_COMMAND_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verifier/command/tally.h"

#define SPAN_RECORDS 10000

struct span {
    int64_t from, to;
    bool replayed;
    int64_t apart[TALLY_KINDS]; /* rows less ledger */
    int64_t records;            /* that the ledger counted */
};

/* Of one partition. Zero-filled is empty; spans_fini() frees. */
struct spans {
    struct span *all;
    size_t count, capacity;
    uint64_t outside; /* rows of no range */
    int64_t first_outside;
};

void spans_fini(struct spans *s);

/*
 * A ledger range with its counts by kind; ranges rise. `replayed`: a replay
 * wrote, or may have written, in it.
 */
void spans_range(struct spans *s, int64_t from, int64_t to,
                 const int64_t counts[TALLY_KINDS], bool replayed);

/* A row of kind 0..TALLY_KINDS-1, after all ranges. */
void spans_row(struct spans *s, int kind, int64_t offset);

/* Does the ledger agree with the rows of this span? */
bool span_agrees(const struct span *p);

/* Spans that do not agree, and rows of no range. */
uint64_t spans_differ(const struct spans *s);

#endif
