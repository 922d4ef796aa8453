/*
 * tests/unit/ctl/replay_range_test.c: what a person may say for a record, a
 * time or an age.
 *
 * From: ctest.
 * To:   verifier/command/replay_range.c.
 */
#include "verifier/command/replay_range.h"

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

#define NOW 1763737445000 /* 2025-11-21T15:04:05Z */

static struct replay_bound parse(const char *text)
{
    struct replay_bound b = {.kind = REPLAY_BOUND_NONE};

    EXPECT_INT(replay_bound_parse(text, NOW, &b), 0);
    return b;
}

TEST(a_record_is_its_id)
{
    struct replay_bound b = parse("3-7-88123");

    EXPECT_INT(b.kind, REPLAY_BOUND_RECORD);
    EXPECT_INT(b.id.log, 3);
    EXPECT_INT(b.id.partition, 7);
    EXPECT_INT(b.id.offset, 88123);
}

TEST(a_time_is_utc_and_may_be_short)
{
    static const char *const same[] = {
        "2025-11-21T15:04:05Z", "2025-11-21T15:04:05", "2025-11-21 15:04:05"};

    for (int i = 0; i < 3; i++) {
        EXPECT_INT(parse(same[i]).kind, REPLAY_BOUND_TIME);
        EXPECT_INT(parse(same[i]).ms, NOW);
    }
    EXPECT_INT(parse("2025-11-21T15:04Z").ms, NOW - 5000);
    EXPECT_INT(parse("2025-11-21 15:04").ms, NOW - 5000);
    EXPECT_INT(parse("2025-01-05T00:00Z").ms, 1736035200000);
}

TEST(an_age_is_counted_from_now)
{
    EXPECT_INT(parse("0s").ms, NOW);
    EXPECT_INT(parse("45s").ms, NOW - 45000);
    EXPECT_INT(parse("90m").ms, NOW - 5400000);
    EXPECT_INT(parse("2h").ms, NOW - 7200000);
    EXPECT_INT(parse("3d").ms, NOW - 259200000);
}

TEST(nothing_said_is_no_bound)
{
    EXPECT_INT(parse(NULL).kind, REPLAY_BOUND_NONE);
}

TEST(anything_else_is_refused)
{
    static const char *const wrong[] = {"",
                                        "1-7",
                                        "1-7-8x",
                                        "-2h",
                                        "2x",
                                        "h",
                                        "12",
                                        "2025-13-01",
                                        "2025-11-21T15:04:05Zulu",
                                        "2025-11-21T",
                                        "2025-01-05",
                                        "99999999d",
                                        "1960-01-01",
                                        "yesterday"};
    struct replay_bound b;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        EXPECT_INT(replay_bound_parse(wrong[i], NOW, &b), FAIL_MALFORMED);
}
