/*
 * tests/unit/gateway/pace_test.c: how often frames go out, and which pages may
 * have them.
 *
 * From: notifier/gateway/pace.h, notifier/gateway/origin.h.
 * To:   nobody.
 */
#include "notifier/gateway/origin.h"
#include "notifier/gateway/pace.h"
#include "tests/support/harness.h"

TEST(pace_widens_with_slow_flushes_and_narrows_with_calm_ones)
{
    static const struct {
        int64_t took, ms;
        bool changed;
    } steps[] = {
        {0, 0, false},    {20, 0, false},  {21, 10, true}, {21, 20, true},
        {10, 20, false},  {50, 40, true},  {50, 80, true}, {50, 100, true},
        {50, 100, false}, {5, 100, false}, {4, 50, true},  {4, 25, true},
        {4, 12, true},    {4, 6, true},    {4, 0, true},   {4, 0, false},
    };
    struct pace p = {0};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        EXPECT_INT(pace_flushed(&p, steps[i].took), steps[i].changed);
        EXPECT_INT(p.ms, steps[i].ms);
    }
}

static bool allowed(const char *list, const char *origin, const char *host)
{
    return origin_allowed(list, bytes_text(origin), bytes_text(host));
}

TEST(origin_is_ours_or_listed_or_no_browsers)
{
    EXPECT(origin_allowed("", BYTES_NONE, BYTES_LITERAL("h")));
    EXPECT(allowed("", "http://h:8082", "h:8082"));
    EXPECT(allowed("", "https://h", "h"));
    EXPECT(allowed("*", "http://evil", "h"));
    EXPECT(allowed("https://a, https://b", "https://b", "h"));
    EXPECT(!allowed("", "http://evil", "h"));
    EXPECT(!allowed("", "http://h:80", "h"));
    EXPECT(!allowed("", "null", "h"));
    EXPECT(!allowed("", "", "h"));
    EXPECT(!allowed("", "http://", ""));
    EXPECT(!allowed("https://a", "https://a.evil", "h"));
    EXPECT(!allowed("https://a", "https://", "h"));
    EXPECT(!allowed(" ,, ", "", "h"));
}
