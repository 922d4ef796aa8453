/*
 * notifier/gateway/pace.c: 0, 10, 20, 40, 80, 100 ms, and back.
 *
 * From: notifier/gateway/gateway.c, after each flush.
 * To:   the same, for the next one.
 */
#include "notifier/gateway/pace.h"

bool pace_flushed(struct pace *p, int64_t took_ms)
{
    int64_t before = p->ms;

    if (took_ms > PACE_SLOW_MS)
        p->ms = p->ms == 0 ? PACE_FIRST_MS : 2 * p->ms;
    else if (took_ms < PACE_CALM_MS)
        p->ms = p->ms <= PACE_FIRST_MS ? 0 : p->ms / 2;
    if (p->ms > PACE_MAX_MS)
        p->ms = PACE_MAX_MS;
    return p->ms != before;
}
