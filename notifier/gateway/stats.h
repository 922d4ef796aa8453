/*
 * notifier/gateway/stats.h: what this gateway has seen go by, in numbers.
 *
 * Pure: time comes in as an argument.
 *
 * Thread: loop thread only. Memory: fixed.
 */
#ifndef NOTIFIER_GATEWAY_STATS_H
#define NOTIFIER_GATEWAY_STATS_H

#include "schemas/cursor.h"
#include "schemas/reason.h"
#include "schemas/run.h"

#define STATS_SECONDS 64 /* of rates; a power of two */
#define STATS_TYPES 4
#define STATS_BUCKETS 40

struct stats {
    uint64_t types[STATS_TYPES]; /* since the start, by result_type */
    uint64_t reasons[REASON_END];
    uint32_t seconds[STATS_SECONDS];          /* results in each second */
    int64_t second;                           /* the newest one */
    int64_t first_second;                     /* when it began to count */
    int64_t newest_ms[CURSOR_PARTITIONS_MAX]; /* accepted_at of the last
                                                 result; 0: none */
    uint64_t delays[STATS_BUCKETS]; /* accepted to here; by quarter octaves */
    uint64_t delays_count;
};

void stats_init(struct stats *s, int64_t wall_ms);

/*
 * Counts one new result that was seen at `wall_ms`. `live`: it is new in the
 * world too, so it counts for rates and delays. Returns how long after its
 * acceptance that is, in ms; -1: not known, or not live.
 */
int64_t stats_event(struct stats *s, const struct run_event *e, bool live,
                    int64_t wall_ms);

/* Results a second over the last `seconds` whole ones (1..60). */
double stats_rate(const struct stats *s, int seconds, int64_t wall_ms);

/* The delay in ms that `share` (0.5, 0.99) of the last results kept below; -1:
 * none seen. The memory fades: half of it goes every 30,000 results. */
double stats_delay_ms(const struct stats *s, double share);

#endif
