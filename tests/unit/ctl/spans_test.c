/*
 * tests/unit/ctl/spans_test.c: ledger ranges against rows.
 *
 * From: ctest.
 * To:   verifier/command/spans.c.
 */
#include "verifier/command/spans.h"

#include "tests/support/harness.h"

static void range(struct spans *s, int64_t from, int64_t to, int64_t verified,
                  int64_t rejected, bool replayed)
{
    const int64_t counts[TALLY_KINDS] = {verified, rejected, 0, 0};

    spans_range(s, from, to, counts, replayed);
}

TEST(spans_agree_when_every_kind_does)
{
    struct spans s = {0};

    range(&s, 0, 10, 2, 1, false);
    range(&s, 10, 20, 1, 0, false);
    EXPECT_INT(s.count, 1);
    EXPECT_INT(spans_differ(&s), 1);
    spans_row(&s, 0, 0);
    spans_row(&s, 0, 9);
    spans_row(&s, 0, 19);
    spans_row(&s, 1, 5);
    EXPECT_INT(spans_differ(&s), 0);
    spans_row(&s, 1, 6);
    EXPECT_INT(spans_differ(&s), 1);
    spans_fini(&s);
}

TEST(spans_of_another_kind_agree_only_where_a_replay_wrote)
{
    struct spans s = {0};

    range(&s, 0, 10, 1, 0, false);
    range(&s, 10, 20, 1, 0, true);
    EXPECT_INT(s.count, 2);
    spans_row(&s, 2, 5);
    spans_row(&s, 2, 15);
    EXPECT(!span_agrees(&s.all[0]));
    EXPECT(span_agrees(&s.all[1]));
    spans_row(&s, 2, 16);
    EXPECT(!span_agrees(&s.all[1]));
    spans_fini(&s);
}

TEST(spans_are_cut_at_holes_and_when_they_are_large)
{
    struct spans s = {0};

    range(&s, 0, SPAN_RECORDS, SPAN_RECORDS, 0, false);
    range(&s, SPAN_RECORDS, SPAN_RECORDS + 5, 5, 0, false);
    range(&s, SPAN_RECORDS + 7, SPAN_RECORDS + 9, 2, 0, false);
    EXPECT_INT(s.count, 3);
    spans_row(&s, 0, SPAN_RECORDS + 5);
    spans_row(&s, 0, SPAN_RECORDS + 6);
    spans_row(&s, 0, SPAN_RECORDS + 9);
    EXPECT_INT(s.outside, 3);
    EXPECT_INT(s.first_outside, SPAN_RECORDS + 5);
    EXPECT_INT(s.all[1].apart[0], -5);
    spans_row(&s, 0, SPAN_RECORDS + 4);
    EXPECT_INT(s.all[1].apart[0], -4);
    spans_row(&s, 0, SPAN_RECORDS + 7);
    EXPECT_INT(s.all[2].apart[0], -1);
    spans_fini(&s);
}

TEST(spans_without_ranges_hold_no_row)
{
    struct spans s = {0};

    EXPECT_INT(spans_differ(&s), 0);
    spans_row(&s, 3, 0);
    EXPECT_INT(spans_differ(&s), 1);
    spans_fini(&s);
}
