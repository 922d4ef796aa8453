/*
 * consumer/base/loop_inside.h: what the files of the loop share with each
 * other, and with nobody else.
 *
 * Thread: the loop's.
 */
#ifndef CONSUMER_BASE_LOOP_INSIDE_H
#define CONSUMER_BASE_LOOP_INSIDE_H

#include <stdatomic.h>
#include <uv.h>

#include "consumer/base/loop.h"

struct metric;

/* Anything that was opened on a loop and is not closed: found at its end. */
struct loop_thing {
    struct loop *loop;
    const char *name;
    struct loop_thing *next, **back; /* back: who points at us */
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t before; /* the last thing before blocking */
    uv_check_t after;    /* the first after the events of a poll */
    uv_idle_t busy;      /* started while hooks wait: poll without blocking */
    uv_timer_t probe;    /* measures lag */
    uv_async_t stopper;  /* loop_stop() from another thread; keeps us alive */
    atomic_bool stop;
    bool running;
    const bool *until; /* what loop_run_until() waits for, or NULL */
    struct loop_thing *things;
    struct loop_hook *first_hook, **last_hook; /* armed, in order */

    /* Measuring. */
    int64_t began_ns;  /* first measured callback of this turn, or 0 */
    int64_t polled_ms; /* when the last poll returned, or 0 */
    int64_t longest_ns;
    const char *longest_name;
    int64_t probe_due_ns;
    int64_t slow_said_ms; /* when loop.slow was last logged */
    uint64_t slow_count;  /* slow turns since then */
    struct metric *lag, *turn;
};

void loop_thing_add(struct loop_thing *t, struct loop *l, const char *name);
void loop_thing_remove(struct loop_thing *t);

/* Runs armed hooks, some rounds of them. */
void loop_hooks_run(struct loop *l);
/* Frees hooks that were closed while armed. */
void loop_hooks_fini(struct loop *l);

/* Notes that the events of a poll came at uv_now(), and that a turn ends. */
void loop_measure_poll(struct loop *l);
void loop_measure_turn(struct loop *l);
void loop_measure_open(struct loop *l);
/* The time between two runs is nobody's lag. */
void loop_measure_begin(struct loop *l);

#endif
