/*
 * tests/unit/base/clock_test.c: clocks and their text.
 *
 * From: ctest.
 * To:   consumer/base/clock.c.
 */
#include "consumer/base/clock.h"

#include "tests/support/harness.h"

static const char *text(int64_t ms)
{
    static char out[CLOCK_TEXT_MAX];

    clock_format(ms, out);
    return out;
}

TEST(wall_time_is_written_in_utc_with_milliseconds)
{
    EXPECT_TEXT(text(0), "1970-01-01T00:00:00.000Z");
    EXPECT_TEXT(text(1763720000123), "2025-11-21T10:13:20.123Z");
    EXPECT_TEXT(text(951782399999), "2000-02-28T23:59:59.999Z");
    EXPECT_TEXT(text(951782400000), "2000-02-29T00:00:00.000Z");
}

TEST(times_before_1970_and_outside_four_digits_still_have_the_form)
{
    EXPECT_TEXT(text(-1), "1969-12-31T23:59:59.999Z");
    EXPECT_TEXT(text(-62135596800000), "0001-01-01T00:00:00.000Z");
    EXPECT_TEXT(text(INT64_MIN), "0000-01-01T00:00:00.000Z");
    EXPECT_TEXT(text(INT64_MAX), "9999-12-31T23:59:59.999Z");
}

TEST(monotonic_clock_never_goes_back_and_units_agree)
{
    int64_t before = clock_ns(), ms = clock_ms(), after = clock_ns();

    EXPECT(before <= after);
    EXPECT(before / 1000000 <= ms && ms <= after / 1000000);
    EXPECT(clock_wall_ms() > 1700000000000);
}
