/*
 * notifier/gateway/pace.h: how many turns of the loop share one flush.
 *
 * A flush that takes longer than PACE_SLOW_MS (many listeners) makes the next
 * ones rarer, 10 ms of results each, then 20, up to 100; a flush shorter than
 * PACE_CALM_MS goes one step back. Pure.
 *
 * Thread: any.
 */
#ifndef NOTIFIER_GATEWAY_PACE_H
#define NOTIFIER_GATEWAY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_SLOW_MS 20
#define PACE_CALM_MS 5
#define PACE_FIRST_MS 10
#define PACE_MAX_MS 100

struct pace {
    int64_t ms; /* between two flushes; 0: every turn has its own */
};

/* A flush took so long. Returns whether `ms` has changed. */
bool pace_flushed(struct pace *p, int64_t took_ms);

#endif
