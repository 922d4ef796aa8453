/*
 * deploy/ctl/latency.c: log-linear buckets.
 *
 *      us        0 1 2 … 127 | 128 130 132 … 254 | 256 260 … 508 | …
 *      bucket    0 1 2 … 127 | 128 129 130 … 191 | 192 193 … 255 | …
 *
 * From: tx demo, bench.
 * To:   their tables.
 */
#include "deploy/ctl/latency.h"

#define FIRST_DOUBLING 7 /* 2^7 is LATENCY_LINEAR */
#define SUB_BITS 6       /* 2^6 is LATENCY_PER_DOUBLING */

size_t latency_bucket(int64_t us)
{
    uint64_t v = us < 0 ? 0 : (uint64_t)us;
    unsigned exponent;

    if (v < LATENCY_LINEAR)
        return (size_t)v;
    exponent = 63 - (unsigned)__builtin_clzll(v);
    if (exponent >= FIRST_DOUBLING + LATENCY_DOUBLINGS)
        return LATENCY_BUCKETS - 1;
    return LATENCY_LINEAR +
           (size_t)(exponent - FIRST_DOUBLING) * LATENCY_PER_DOUBLING +
           (size_t)((v >> (exponent - SUB_BITS)) - LATENCY_PER_DOUBLING);
}

int64_t latency_bucket_max(size_t bucket)
{
    size_t over, exponent, sub;

    if (bucket < LATENCY_LINEAR)
        return (int64_t)bucket;
    over = bucket - LATENCY_LINEAR;
    exponent = over / LATENCY_PER_DOUBLING + FIRST_DOUBLING;
    sub = over % LATENCY_PER_DOUBLING + LATENCY_PER_DOUBLING;
    return (int64_t)(((sub + 1) << (exponent - SUB_BITS)) - 1);
}

void latency_note(struct latency *l, int64_t us)
{
    if (us < 0)
        us = 0;
    if (l->count == 0 || us < l->min_us)
        l->min_us = us;
    if (us > l->max_us)
        l->max_us = us;
    l->count++;
    l->sum_us += us;
    l->buckets[latency_bucket(us)]++;
}

void latency_add(struct latency *l, const struct latency *other)
{
    if (other->count == 0)
        return;
    if (l->count == 0 || other->min_us < l->min_us)
        l->min_us = other->min_us;
    if (other->max_us > l->max_us)
        l->max_us = other->max_us;
    l->count += other->count;
    l->sum_us += other->sum_us;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++)
        l->buckets[i] += other->buckets[i];
}

int64_t latency_at(const struct latency *l, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)l->count), seen = 0;
    int64_t us;

    if (l->count == 0)
        return 0;
    /* The rank that the share reaches: 0.5 of 3 is the second. */
    if ((double)wanted < share * (double)l->count || wanted == 0)
        wanted++;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += l->buckets[i];
        if (seen >= wanted) {
            us = latency_bucket_max(i);
            return us < l->max_us ? us : l->max_us;
        }
    }
    return l->max_us;
}

int64_t latency_mean(const struct latency *l)
{
    return l->count == 0 ? 0 : l->sum_us / (int64_t)l->count;
}
