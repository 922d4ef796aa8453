/*
 * tests/unit/verifier/refusal_test.c: every set of bad records of a short log.
 *
 * A database stands in that refuses a batch when one of its ordinary records is
 * bad. The log is written by the rules of refusal.h until nothing is left, or
 * until too many are suspected at once.
 *
 * From: ctest.
 * To:   verifier/refusal.c.
 */
#include "verifier/refusal.h"

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/harness.h"

#define RECORDS 10
#define BATCH_MAX 8
#define SUSPECTS_MAX 4

struct log {
    size_t count;    /* records */
    unsigned bad;    /* bit per record: the database will not have it */
    size_t position; /* first record without a row */
    unsigned stored; /* bit per record */
    unsigned quarantined, suspected;
    size_t refusals, alone; /* quarantine rows with nothing beside them */
    bool stopped;
};

static bool is(unsigned set, size_t i)
{
    return (set >> i & 1) != 0;
}

static void store(struct log *l, size_t count)
{
    size_t i, beside = 0, end = l->position + count;

    for (i = l->position; i < end; i++)
        beside += !is(l->suspected, i);
    for (; l->position < end; l->position++) {
        if (is(l->suspected, l->position)) {
            l->quarantined |= 1U << l->position;
            l->alone += beside == 0;
        } else {
            l->stored |= 1U << l->position;
        }
    }
    l->suspected = 0;
}

static void refuse(struct log *l, size_t count, size_t *limit)
{
    size_t i, other = 0, suspected = 0;

    for (i = l->position; i < l->position + count; i++) {
        suspected += is(l->suspected, i);
        if (!is(l->suspected, i))
            other = i;
    }
    l->refusals++;
    if (refusal_of(count, suspected, limit) != REFUSAL_OF_ONE)
        return;
    l->suspected |= 1U << other;
    if (suspected + 1 > SUSPECTS_MAX)
        l->stopped = true;
}

/* Writes the log; the caller looks at what became of it. */
static void write_log(struct log *l)
{
    size_t limit = BATCH_MAX, count, i;
    bool good;

    while (l->position < l->count && !l->stopped) {
        count = l->count - l->position;
        count = count < limit ? count : limit;
        good = true;
        for (i = l->position; i < l->position + count; i++)
            if (is(l->bad, i) && !is(l->suspected, i))
                good = false;
        if (good) {
            store(l, count);
            limit = limit * 2 < BATCH_MAX ? limit * 2 : BATCH_MAX;
        } else {
            refuse(l, count, &limit);
            CHECK(limit >= 1 && l->refusals < 1000);
        }
    }
}

/* The longest row of bad records, one after the other. */
static size_t longest(unsigned bad)
{
    size_t i, run = 0, most = 0;

    for (i = 0; i < RECORDS; i++) {
        run = is(bad, i) ? run + 1 : 0;
        most = run > most ? run : most;
    }
    return most;
}

TEST(exactly_the_bad_records_are_quarantined)
{
    unsigned bad;

    for (bad = 0; bad < 1U << RECORDS; bad++) {
        struct log l = {.count = RECORDS, .bad = bad};

        if (longest(bad) > SUSPECTS_MAX)
            continue;
        write_log(&l);
        EXPECT(!l.stopped);
        EXPECT_INT(l.quarantined, bad);
        EXPECT_INT(l.stored, ~bad & ((1U << RECORDS) - 1));
    }
}

TEST(a_record_is_quarantined_beside_one_that_is_stored)
{
    unsigned bad;

    for (bad = 0; bad < 1U << (RECORDS - 1); bad++) {
        struct log l = {.count = RECORDS, .bad = bad}; /* the last is good */

        write_log(&l);
        EXPECT_INT(l.alone, 0);
    }
}

TEST(a_database_that_refuses_everything_quarantines_nothing)
{
    struct log l = {.count = RECORDS, .bad = (1U << RECORDS) - 1};

    write_log(&l);
    EXPECT(l.stopped);
    EXPECT_INT(l.quarantined, 0);
    EXPECT_INT(l.stored, 0);
}

TEST(a_bad_record_with_nothing_behind_it_is_quarantined_alone)
{
    struct log l = {.count = 1, .bad = 1};

    write_log(&l);
    EXPECT_INT(l.quarantined, 1);
    EXPECT_INT(l.alone, 1);
}

TEST(one_bad_record_of_a_full_batch_costs_a_search_by_halves)
{
    struct log l = {.count = BATCH_MAX, .bad = 1U << 5};

    write_log(&l);
    EXPECT_INT(l.quarantined, 1U << 5);
    EXPECT(l.refusals <= 6);
}

TEST(a_quarantine_row_that_is_refused_is_the_databases_fault)
{
    size_t limit = 0;

    EXPECT_INT(refusal_of(3, 3, &limit), REFUSAL_OF_DATABASE);
    EXPECT_INT(limit, 3);
}
