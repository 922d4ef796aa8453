/*
 * consumer/consumer_state.h: what the files that consumer.h is built of share:
 * consumer.c, consumer_group.c, consumer_events.c.
 *
 * Thread: loop thread only; the library's functions are called from inside its
 * poll, on the loop thread, too.
 */
#ifndef CONSUMER_CONSUMER_STATE_H
#define CONSUMER_CONSUMER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "consumer/assignment.h"
#include "consumer/consumer.h"
#include "consumer/kafka_handle.h"

struct rd_kafka_conf_s;

struct consumer {
    struct loop *loop;
    struct rd_kafka_s *handle;
    struct rd_kafka_queue_s *queue;
    struct kafka_wire *wire;
    struct loop_hook *hook;   /* the rest of a turn's work */
    struct loop_wake *unsure; /* a fetch was refused */
    struct loop_timer *timer; /* commits, liveness, leaving */
    struct kafka_watch watch;
    const char *name;
    char *topic;
    char *header; /* NULL: none */
    bool grouped;
    bool owns;         /* between assigned() and revoked(), or without group */
    int64_t waited_ms; /* since when no assignment came; monotonic */
    bool waited_said;
    bool again; /* assign again before the next record */
    struct assignment parts;
    bool asking; /* for committed offsets */
    consumer_committed_fn committed;
    void *committed_arg;
    const struct consumer_events *events;
    void *arg;
    bool failed;
    bool draining; /* inside the library's poll */
    enum { CONSUMER_OPEN, CONSUMER_LEAVING, CONSUMER_ENDING } state;
    int64_t leave_deadline; /* monotonic */
    loop_fn closed;
    void *closed_arg;
    char why[KAFKA_WHY_MAX + 1];
};

/* ---- consumer.c ---- */

/* Another step of leaving; also what ends it. Not from inside a poll. */
void consumer_leave(struct consumer *c);

/* Ends the handle, when nothing uses it any more. */
void consumer_end(struct consumer *c);

/* ---- consumer_events.c ---- */

/* Delivers what is there, until it is the turn of others. A loop_fn. */
void consumer_drain(void *arg);

/* The library's callbacks; the opaque is the consumer. */
void consumer_on_error(struct rd_kafka_s *handle, int error, const char *reason,
                       void *opaque);
int consumer_on_stats(struct rd_kafka_s *handle, char *json, size_t count,
                      void *opaque);

/* ---- consumer_group.c ---- */

/* Before the handle is made: its opaque will be the consumer. */
void consumer_hear_rebalances(struct rd_kafka_conf_s *conf);

/* Joins the group, or again. Returns 0 or FAIL_SETTING. */
int consumer_subscribe(struct consumer *c) MUST_CHECK;

/* Once a second: is it stuck without an assignment? */
void consumer_watch_group(struct consumer *c);

/*
 * Assigns everything again before the next record, and once for all partitions
 * that ask for it in one turn: what the library holds for them now is not what
 * they want.
 */
void consumer_ask_again(struct consumer *c);

/* Does it now. */
void consumer_assign_all(struct consumer *c);

#endif
