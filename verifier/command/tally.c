/*
 * verifier/command/tally.c: two bitmaps and what differs between them.
 *
 * From: verifier/command/reconcile.c, with offsets of records and rows.
 * To:   the same, with counts and the first offending offsets.
 */
#include "verifier/command/tally.h"

#include <stdlib.h>

#include "schemas/base/check.h"

void tally_init(struct tally *t, int32_t partition, int64_t from, int64_t to)
{
    size_t bytes = (size_t)(to - from) / 8 + 1;

    CHECK(from >= 0 && to >= from);
    *t = (struct tally){.partition = partition, .from = from, .to = to};
    t->records = calloc(1, bytes);
    t->rows = calloc(1, bytes);
    CHECK(t->records != NULL && t->rows != NULL);
}

void tally_fini(struct tally *t)
{
    free(t->records);
    free(t->rows);
    t->records = t->rows = NULL;
}

static bool in_range(const struct tally *t, int64_t offset)
{
    return offset >= t->from && offset < t->to;
}

/* Sets the bit; was it set before? */
static bool set(uint8_t *bits, int64_t i)
{
    uint8_t mask = (uint8_t)(1u << (i % 8));
    bool before = (bits[i / 8] & mask) != 0;

    bits[i / 8] |= mask;
    return before;
}

static bool get(const uint8_t *bits, int64_t i)
{
    return (bits[i / 8] >> (i % 8) & 1) != 0;
}

static void note(int64_t *examples, uint64_t *count, int64_t offset)
{
    if (*count < TALLY_EXAMPLES)
        examples[*count] = offset;
    (*count)++;
}

void tally_record(struct tally *t, int64_t offset)
{
    if (!in_range(t, offset))
        return;
    if (!set(t->records, offset - t->from))
        t->record_count++;
}

void tally_row(struct tally *t, int kind, int64_t offset)
{
    CHECK(kind >= 0 && kind < TALLY_KINDS);
    if (!in_range(t, offset))
        return;
    t->row_count[kind]++;
    if (set(t->rows, offset - t->from))
        note(t->twice, &t->twice_count, offset);
}

void tally_compare(struct tally *t)
{
    int64_t i, count = t->to - t->from;
    bool record, row;

    t->missing_count = t->stray_count = 0;
    for (i = 0; i < count; i++) {
        record = get(t->records, i);
        row = get(t->rows, i);
        if (record && !row)
            note(t->missing, &t->missing_count, t->from + i);
        if (row && !record)
            note(t->stray, &t->stray_count, t->from + i);
    }
}

uint64_t tally_rows(const struct tally *t)
{
    uint64_t all = 0;
    int i;

    for (i = 0; i < TALLY_KINDS; i++)
        all += t->row_count[i];
    return all;
}

bool tally_agrees(const struct tally *t)
{
    return t->twice_count == 0 && t->missing_count == 0 && t->stray_count == 0;
}
