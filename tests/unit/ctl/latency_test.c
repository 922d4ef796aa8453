/*
 * tests/unit/ctl/latency_test.c: the histogram never flatters.
 *
 * From: ctest.
 * To:   deploy/ctl/latency.c.
 */
#include "deploy/ctl/latency.h"

#include <stdlib.h>

#include "tests/support/harness.h"

TEST(every_duration_is_in_the_bucket_that_ends_at_or_above_it)
{
    for (int64_t us = 0; us < 200000; us++) {
        size_t bucket = latency_bucket(us);
        EXPECT(latency_bucket_max(bucket) >= us);
        if (bucket > 0)
            EXPECT(latency_bucket_max(bucket - 1) < us);
    }
}

TEST(a_bucket_is_at_most_a_64th_wider_than_its_durations)
{
    for (int64_t us = 1; us < (int64_t)1 << 35; us = us * 5 / 4 + 1) {
        int64_t over = latency_bucket_max(latency_bucket(us)) - us;
        EXPECT(over * 64 <= us);
    }
}

TEST(below_zero_is_zero_and_too_long_is_the_last_bucket)
{
    EXPECT_INT(latency_bucket(-5), 0);
    EXPECT_INT(latency_bucket(INT64_MAX), LATENCY_BUCKETS - 1);
    EXPECT_INT(latency_bucket(((int64_t)1 << 36) - 1), LATENCY_BUCKETS - 1);
}

TEST(an_empty_histogram_answers_zero)
{
    static struct latency l;

    EXPECT_INT(latency_at(&l, 0.5), 0);
    EXPECT_INT(latency_mean(&l), 0);
}

TEST(small_quantiles_are_exact)
{
    static struct latency l;

    for (int64_t us = 1; us <= 100; us++)
        latency_note(&l, us);
    EXPECT_INT(latency_at(&l, 0), 1);
    EXPECT_INT(latency_at(&l, 0.5), 50);
    EXPECT_INT(latency_at(&l, 0.99), 99);
    EXPECT_INT(latency_at(&l, 1), 100);
    EXPECT_INT(latency_mean(&l), 50);
    EXPECT_INT(l.min_us, 1);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

TEST(a_quantile_is_never_under_the_truth_and_at_most_a_64th_over)
{
    enum { COUNT = 10000 };
    static struct latency l;
    static int64_t all[COUNT];
    uint64_t random = 42;
    const double shares[] = {0.5, 0.9, 0.99, 0.999, 1};

    for (int i = 0; i < COUNT; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        all[i] = (int64_t)(random >> 40) >> (random >> 33) % 12;
        latency_note(&l, all[i]);
    }
    qsort(all, COUNT, sizeof(all[0]), compare);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        int64_t truth = all[(int)(shares[i] * COUNT) - 1];
        int64_t found = latency_at(&l, shares[i]);
        EXPECT(found >= truth);
        EXPECT((found - truth) * 64 <= truth);
    }
    EXPECT_INT(latency_at(&l, 1), all[COUNT - 1]);
}

TEST(adding_two_is_noting_all_in_one)
{
    static struct latency a, b, all;

    for (int64_t us = 5; us < 100000; us = us * 3 / 2) {
        latency_note(us % 2 == 0 ? &a : &b, us);
        latency_note(&all, us);
    }
    latency_add(&a, &b);
    EXPECT_BYTES(bytes_of(&a, sizeof(a)), bytes_of(&all, sizeof(all)));
}
