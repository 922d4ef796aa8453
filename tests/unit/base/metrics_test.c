/*
 * tests/unit/base/metrics_test.c: series and their text.
 *
 * From: ctest.
 * To:   consumer/base/metrics.c, consumer/base/metrics_process.c.
 */
#include "consumer/base/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/harness.h"

static struct buffer page;

static const char *expose(void)
{
    buffer_fini(&page);
    buffer_init(&page, 1 << 20);
    metrics_expose(&page);
    return buffer_text(&page);
}

static bool has(const char *line)
{
    return strstr(expose(), line) != NULL;
}

TEST(counter_counts_and_is_exposed_with_help_and_type)
{
    struct metric *m = metric_counter("t_accepted_total", NULL, "stored\nones");

    metric_add(m, 2);
    metric_add(m, 3);
    EXPECT(
        has("# HELP t_accepted_total stored\\nones\n"
            "# TYPE t_accepted_total counter\nt_accepted_total 5\n"));
}

TEST(same_name_and_labels_are_the_same_series)
{
    struct metric *a = metric_counter("t_same_total", "x=\"1\"", "help");
    char labels[] = "x=\"1\"";

    EXPECT(metric_counter("t_same_total", labels, "help") == a);
    labels[3] = '2';
    EXPECT(metric_counter("t_same_total", labels, "help") != a);
    EXPECT(metric_counter("t_same_total", NULL, "help") != a);
}

TEST(series_of_one_family_stand_together_under_one_help)
{
    metric_add(metric_counter("t_family_total", "p=\"0\"", "help"), 1);
    metric_add(metric_counter("t_between_total", NULL, "help"), 1);
    metric_add(metric_counter("t_family_total", "p=\"1\"", "help"), 2);
    EXPECT(
        has("# TYPE t_family_total counter\nt_family_total{p=\"0\"} 1\n"
            "t_family_total{p=\"1\"} 2\n# HELP"));
}

TEST(gauge_is_set_and_moved)
{
    struct metric *m = metric_gauge("t_depth", NULL, "help");

    metric_set(m, 10);
    metric_move(m, -2.5);
    EXPECT(metric_value(m) == 7.5);
    EXPECT(has("\nt_depth 7.5\n"));
    metric_set(m, -3);
    EXPECT(has("\nt_depth -3\n"));
    metric_set(m, NAN);
    EXPECT(has("\nt_depth NaN\n"));
    metric_set(m, 1e18);
    EXPECT(has("\nt_depth 1e+18\n"));
}

TEST(counter_that_somebody_else_counts_is_set)
{
    struct metric *m = metric_counter("t_foreign_seconds_total", NULL, "help");

    metric_set(m, 1.5);
    EXPECT(has("\nt_foreign_seconds_total 1.5\n"));
}

TEST(histogram_is_cumulative_and_its_bounds_are_inclusive)
{
    static const double bounds[] = {0.5, 1};
    struct metric *m =
        metric_histogram("t_wait_seconds", "s=\"a\"", "help", bounds, 2);

    metric_observe(m, 0.5);
    metric_observe(m, 0.75);
    metric_observe(m, 4);
    EXPECT(
        has("# TYPE t_wait_seconds histogram\n"
            "t_wait_seconds_bucket{s=\"a\",le=\"0.5\"} 1\n"
            "t_wait_seconds_bucket{s=\"a\",le=\"1\"} 2\n"
            "t_wait_seconds_bucket{s=\"a\",le=\"+Inf\"} 3\n"
            "t_wait_seconds_sum{s=\"a\"} 5.25\n"
            "t_wait_seconds_count{s=\"a\"} 3\n"));
    EXPECT_INT(metric_value(m), 3);
}

TEST(histogram_of_seconds_covers_the_promise)
{
    metric_histogram("t_default_seconds", NULL, "help", METRIC_SECONDS);
    EXPECT(has("t_default_seconds_bucket{le=\"0.001\"} 0\n"));
    EXPECT(has("t_default_seconds_bucket{le=\"0.1\"} 0\n"));
    EXPECT(has("t_default_seconds_bucket{le=\"10\"} 0\n"));
    EXPECT(has("t_default_seconds_count 0\n"));
}

static void *count_up(void *arg)
{
    int i;

    for (i = 0; i < 10000; i++) {
        metric_add(metric_counter("t_threads_total", NULL, "help"), 1);
        metric_move(arg, 1);
    }
    return NULL;
}

TEST(no_update_of_a_thread_is_lost)
{
    struct metric *gauge = metric_gauge("t_threads", NULL, "help");
    pthread_t threads[4];
    size_t i;

    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, count_up, gauge) == 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    EXPECT(metric_value(gauge) == 40000);
    EXPECT(has("\nt_threads_total 40000\n"));
}

static void fill(void *arg)
{
    metric_set(metric_gauge("t_filled", NULL, "help"), *(int *)arg);
}

TEST(gauges_may_be_read_when_somebody_asks)
{
    int value = 3;

    metrics_before(fill, &value);
    EXPECT(has("\nt_filled 3\n"));
    value = 4;
    EXPECT(has("\nt_filled 4\n"));
    metrics_forget(&value);
    value = 5;
    EXPECT(has("\nt_filled 4\n"));
}

TEST(page_that_does_not_fit_says_so)
{
    struct buffer small;

    metric_counter("t_something_total", NULL, "help");
    buffer_init(&small, 20);
    metrics_expose(&small);
    EXPECT(small.overflow);
    buffer_fini(&small);
}

static double value_of(const char *name)
{
    const char *at = strstr(expose(), name);

    CHECK(at != NULL);
    return strtod(at + strlen(name), NULL);
}

TEST(process_metrics_tell_about_this_process)
{
    FILE *f;
    double before;

    metrics_process("test");
    metrics_process("test");
    EXPECT(value_of("\nprocess_cpu_seconds_total ") > 0);
    EXPECT(value_of("\nprocess_resident_memory_bytes ") > 100000);
    EXPECT(value_of("\nprocess_start_time_seconds ") > 1.7e9);
    EXPECT(has("\ntidemill_build_info{program=\"test\",version=\""));
    before = value_of("\nprocess_open_fds ");
    f = fopen("/dev/null", "r");
    EXPECT(f != NULL);
    EXPECT_INT(value_of("\nprocess_open_fds "), before + 1);
    fclose(f);
}
