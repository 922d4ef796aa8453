/*
 * verifier/command/tally.h: which offsets were seen, one bit each.
 *
 *      records of the log   1 1 0 1 1      0: a gap
 *      rows                 1 0 0 1 1      record 1 has no row
 *
 * Pure. Thread: one at a time. Memory: two bits an offset.
 */
#ifndef VERIFIER_COMMAND_TALLY_H
#define VERIFIER_COMMAND_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_KINDS 4 /* verified, rejected, duplicate, quarantined */
#define TALLY_EXAMPLES 10

struct tally {
    int32_t partition;
    int64_t from, to; /* offsets that are compared: [from, to) */
    uint8_t *records, *rows;

    uint64_t record_count;           /* read from the log, in range */
    uint64_t row_count[TALLY_KINDS]; /* in range */
    uint64_t twice_count;            /* rows of a record that had one */
    uint64_t missing_count;          /* records without a row */
    uint64_t stray_count;            /* rows without a record */
    int64_t twice[TALLY_EXAMPLES], missing[TALLY_EXAMPLES],
        stray[TALLY_EXAMPLES];
};

/* Compares [from, to); to >= from. */
void tally_init(struct tally *t, int32_t partition, int64_t from, int64_t to);
void tally_fini(struct tally *t);

/* A record of the log; one that is out of range does not count. */
void tally_record(struct tally *t, int64_t offset);

/* A row, of kind 0..TALLY_KINDS-1; the same. */
void tally_row(struct tally *t, int kind, int64_t offset);

/* Fills missing and stray. */
void tally_compare(struct tally *t);

/* All rows of the range. */
uint64_t tally_rows(const struct tally *t);

/* Nothing missing, nothing stray, nothing twice. After tally_compare(). */
bool tally_agrees(const struct tally *t);

#endif
