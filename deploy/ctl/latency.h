/*
 * deploy/ctl/latency.h: many durations in little memory.
 *
 * A histogram with log-linear buckets: below 128 us one a microsecond, above it
 * 64 of equal width for each doubling. A quantile is never under the truth and
 * at most 1/64 over it; count, sum, smallest and largest are exact.
 *
 * Thread: one at a time. Memory: values, nothing to free.
 */
#ifndef DEPLOY_CTL_LATENCY_H
#define DEPLOY_CTL_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#define LATENCY_LINEAR 128
#define LATENCY_PER_DOUBLING 64
#define LATENCY_DOUBLINGS 29 /* up to 2^36 us, 19 hours */
#define LATENCY_BUCKETS                                                        \
    (LATENCY_LINEAR + LATENCY_PER_DOUBLING * LATENCY_DOUBLINGS)

/* Zero-filled is empty. */
struct latency {
    uint64_t count;
    int64_t sum_us, min_us, max_us;
    uint64_t buckets[LATENCY_BUCKETS];
};

/* Notes one duration; below zero counts as zero (two clocks differed). */
void latency_note(struct latency *l, int64_t us);

/* Adds all of `other`. */
void latency_add(struct latency *l, const struct latency *other);

/*
 * The duration that `share` (0 to 1) of all do not exceed: 0.5 is the median, 1
 * the largest. 0 when there are none.
 */
int64_t latency_at(const struct latency *l, double share);

/* The mean; 0 when there are none. */
int64_t latency_mean(const struct latency *l);

/* The bucket of a duration, and the largest duration of a bucket. */
size_t latency_bucket(int64_t us);
int64_t latency_bucket_max(size_t bucket);

#endif
