/*
 * tests/unit/verifier/tally_test.c: every small log against every set of rows.
 *
 * From: ctest.
 * To:   verifier/command/tally.c, compiled in, since it belongs to a command.
 */
#include "verifier/command/tally.h"

#include "tests/support/harness.h"
/* The library of commands is linked by the command alone. */
#include "verifier/command/tally.c"

#define OFFSETS 4

/* Records and rows as bit sets; rows may stand twice. */
static void compare_all(unsigned records, unsigned once, unsigned twice)
{
    struct tally t;
    int i;
    uint64_t missing = 0, stray = 0, doubled = 0;

    tally_init(&t, 3, 100, 100 + OFFSETS);
    for (i = 0; i < OFFSETS; i++) {
        if (records >> i & 1)
            tally_record(&t, 100 + i);
        if (once >> i & 1)
            tally_row(&t, i % TALLY_KINDS, 100 + i);
        if (twice >> i & 1) {
            tally_row(&t, 0, 100 + i);
            tally_row(&t, 1, 100 + i);
        }
        missing += (records >> i & 1) && !((once | twice) >> i & 1);
        stray += !(records >> i & 1) && ((once | twice) >> i & 1);
        doubled += (twice >> i & 1) + ((once & twice) >> i & 1);
    }
    tally_compare(&t);
    EXPECT_INT(t.missing_count, missing);
    EXPECT_INT(t.stray_count, stray);
    EXPECT_INT(t.twice_count, doubled);
    EXPECT(tally_agrees(&t) == (missing + stray + doubled == 0));
    tally_fini(&t);
}

TEST(tally_finds_every_record_without_a_row_and_every_row_too_many)
{
    unsigned all = 1u << OFFSETS, records, once, twice;

    for (records = 0; records < all; records++)
        for (once = 0; once < all; once++)
            for (twice = 0; twice < all; twice++)
                compare_all(records, once, twice);
}

TEST(tally_counts_nothing_outside_its_range)
{
    struct tally t;

    tally_init(&t, 0, 10, 12);
    tally_record(&t, 9);
    tally_record(&t, 12);
    tally_row(&t, 0, 9);
    tally_row(&t, 0, 12);
    tally_compare(&t);
    EXPECT(tally_agrees(&t));
    EXPECT_INT(t.record_count, 0);
    EXPECT_INT(tally_rows(&t), 0);
    tally_fini(&t);
}
