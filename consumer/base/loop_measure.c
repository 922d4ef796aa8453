/*
 * consumer/base/loop_measure.c: how late, how long, and because of whom.
 *
 * A turn's work begins when the poll returns and ends before the next poll
 * blocks. When the poll returned, libuv tells only in whole milliseconds; the
 * first measured callback tells exactly. So the turn begins with that callback,
 * unless the poll returned clearly earlier: then something unmeasured ran
 * first.
 *
 *     poll returns   first measured   longest            next poll
 *     |--------------|================|===========|------|
 *     polled_ms      began_ns                     turn ends
 *
 * Lag is measured by a probe: a timer that should fire every 100 ms, and how
 * much later it does.
 *
 * From: consumer/base/loop.c, loop_handles.c, loop_hook.c.
 * To:   consumer/base/metrics.c, consumer/base/log.c.
 */
#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/loop_inside.h"
#include "consumer/base/metrics.h"

#define PROBE_MS 100
/* libuv's clock is this much coarser than ours. */
#define COARSE_NS 3000000
/* One line about slow turns at most so often. */
#define SLOW_SAID_MS 1000

static const double turn_bounds[] = {
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
    0.01,    0.02,   0.05,    0.1,    0.25,  1,      5,
};

int64_t loop_enter(struct loop *l)
{
    int64_t now = clock_ns();

    if (l->began_ns == 0)
        l->began_ns = now;
    return now;
}

void loop_leave(struct loop *l, const char *name, int64_t since)
{
    int64_t took = clock_ns() - since;

    if (took > l->longest_ns) {
        l->longest_ns = took;
        l->longest_name = name;
    }
}

void loop_measure_poll(struct loop *l)
{
    l->polled_ms = (int64_t)uv_now(&l->uv);
}

static void say_slow(struct loop *l, int64_t took_ns)
{
    int64_t now_ms = clock_ms();
    bool known = l->longest_ns > took_ns / 2;

    l->slow_count++;
    if (l->slow_said_ms != 0 && now_ms - l->slow_said_ms < SLOW_SAID_MS)
        return;
    log_warn("loop.slow", "ms=%lld ran=%s ran_ms=%lld turns=%llu",
             (long long)(took_ns / 1000000),
             known ? l->longest_name : "unmeasured",
             (long long)(known ? l->longest_ns / 1000000 : 0),
             (unsigned long long)l->slow_count);
    l->slow_said_ms = now_ms;
    l->slow_count = 0;
}

void loop_measure_turn(struct loop *l)
{
    int64_t now = clock_ns();
    int64_t began = l->began_ns != 0 ? l->began_ns : now;
    int64_t polled = l->polled_ms * 1000000;

    if (polled != 0 && began - polled > COARSE_NS)
        began = polled;
    metric_observe(l->turn, (double)(now - began) / 1e9);
    if (now - began > (int64_t)LOOP_SLOW_MS * 1000000)
        say_slow(l, now - began);
    l->began_ns = 0;
    l->polled_ms = 0;
    l->longest_ns = 0;
    l->longest_name = "nothing";
}

static void on_probe(uv_timer_t *handle)
{
    struct loop *l = handle->data;
    int64_t now = clock_ns();
    int64_t late = now - l->probe_due_ns;

    metric_observe(l->lag, late > 0 ? (double)late / 1e9 : 0);
    l->probe_due_ns = now + (int64_t)PROBE_MS * 1000000;
}

void loop_measure_open(struct loop *l)
{
    l->lag = metric_histogram("tidemill_loop_lag_seconds", NULL,
                              "how much later than due a timer fires",
                              METRIC_SECONDS);
    l->turn =
        metric_histogram("tidemill_loop_turn_seconds", NULL,
                         "work between two waits of the loop", turn_bounds,
                         sizeof(turn_bounds) / sizeof(turn_bounds[0]));
    l->longest_name = "nothing";
    CHECK(uv_timer_init(&l->uv, &l->probe) == 0);
    l->probe.data = l;
    CHECK(uv_timer_start(&l->probe, on_probe, PROBE_MS, PROBE_MS) == 0);
    uv_unref((uv_handle_t *)&l->probe);
    l->probe_due_ns = clock_ns() + (int64_t)PROBE_MS * 1000000;
}

void loop_measure_begin(struct loop *l)
{
    l->began_ns = 0;
    l->polled_ms = 0;
    l->probe_due_ns = clock_ns() + (int64_t)PROBE_MS * 1000000;
}
