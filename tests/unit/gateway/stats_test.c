/*
 * tests/unit/gateway/stats_test.c: counts, rates and delays.
 *
 * From: notifier/gateway/stats.h.
 * To:   nobody.
 */
#include <string.h>

#include "notifier/gateway/stats.h"
#include "tests/support/harness.h"

#define START 1763720000000ll

static struct stats s;

static int64_t see(enum result_type type, const char *json, bool live,
                   int64_t at)
{
    struct run_event e = {.type = type, .json = bytes_text(json)};

    return stats_event(&s, &e, live, at);
}

TEST(stats_counts_types_and_reasons)
{
    stats_init(&s, START);
    see(RESULT_VERIFIED, "{\"reason\":null,\"accepted_at\":1}", true, START);
    see(RESULT_REJECTED, "{\"reason\":\"high_s\",\"accepted_at\":1}", false,
        START);
    see(RESULT_REJECTED, "{\"reason\":\"brand_new\"}", false, START);
    see(RESULT_REJECTED, "", false, START);
    EXPECT_INT(s.types[RESULT_VERIFIED], 1);
    EXPECT_INT(s.types[RESULT_REJECTED], 3);
    EXPECT_INT(s.reasons[REASON_HIGH_S], 1);
    EXPECT_INT(s.reasons[REASON_NONE], 2);
}

TEST(stats_rate_is_of_whole_seconds_and_forgets)
{
    stats_init(&s, START);
    for (int i = 0; i < 100; i++)
        see(RESULT_VERIFIED, "{\"accepted_at\":1}", true, START + i);
    EXPECT_INT(stats_rate(&s, 1, START + 1000), 100);
    EXPECT_INT(stats_rate(&s, 60, START + 10000), 10);
    EXPECT_INT(stats_rate(&s, 1, START + 2000), 0);
    EXPECT_INT(stats_rate(&s, 60, START + 200000), 0);
    see(RESULT_VERIFIED, "{\"accepted_at\":1}", true, START + 3600000);
    EXPECT_INT(stats_rate(&s, 10, START + 3601000) * 10, 1);
}

TEST(stats_delay_is_from_acceptance_and_never_negative)
{
    stats_init(&s, START);
    EXPECT_INT(stats_delay_ms(&s, 0.5), -1);
    EXPECT_INT(see(RESULT_VERIFIED, "{\"accepted_at\":1763720000000}", true,
                   START + 50),
               50);
    EXPECT_INT(see(RESULT_VERIFIED, "{\"accepted_at\":1763720000000}", true,
                   START - 50),
               0);
    EXPECT_INT(see(RESULT_VERIFIED, "{\"accepted_at\":1763720000000}", false,
                   START + 50),
               -1);
    EXPECT(stats_delay_ms(&s, 0.99) >= 50 && stats_delay_ms(&s, 0.99) < 70);
}

TEST(stats_delay_fades)
{
    stats_init(&s, START);
    for (int i = 0; i < 30000; i++)
        see(RESULT_VERIFIED, "{\"accepted_at\":1763720000000}", true,
            START + 1000);
    for (int i = 0; i < 300000; i++)
        see(RESULT_VERIFIED, "{\"accepted_at\":1763720000000}", true,
            START + 2);
    EXPECT(stats_delay_ms(&s, 0.9) < 5);
    EXPECT(s.delays_count < 60000);
}
