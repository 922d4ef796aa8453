/*
 * tests/bench/rounds.h: two things measured in turn, three times each.
 *
 * Interleaved, so that what else the machine does meets both; the median, so
 * that one bad round counts for nothing.
 *
 * Thread: main thread.
 */
#ifndef TESTS_BENCH_ROUNDS_H
#define TESTS_BENCH_ROUNDS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 3

/* CPU time of this process so far, in microseconds. */
static inline double rounds_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The middle one of three. */
static inline double rounds_median(const double r[ROUNDS])
{
    double low = r[0] < r[1] ? r[0] : r[1];
    double high = r[0] < r[1] ? r[1] : r[0];

    return r[2] < low ? low : r[2] > high ? high : r[2];
}

/* One line for tests/bench/run: microseconds an event. */
static inline void rounds_print(const char *name, const double bare[ROUNDS],
                                const double ours[ROUNDS])
{
    printf(
        "{\"name\":\"%s\",\"bare_us\":%.4f,\"ours_us\":%.4f,"
        "\"ratio\":%.4f}\n",
        name, rounds_median(bare), rounds_median(ours),
        rounds_median(ours) / rounds_median(bare));
}

#endif
