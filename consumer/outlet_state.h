/*
 * consumer/outlet_state.h: what the files that outlet.h is built of share:
 * outlet.c, outlet_reports.c, outlet_handle.c.
 *
 * Thread: loop thread only.
 */
#ifndef CONSUMER_OUTLET_STATE_H
#define CONSUMER_OUTLET_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/kafka_handle.h"
#include "consumer/outlet.h"
#include "consumer/pending.h"

struct rd_kafka_topic_s;
struct rd_kafka_op_s;

struct outlet {
    struct loop *loop;
    struct kafka_config config;
    const char *name;
    char *topics[OUTLET_TOPICS_MAX];
    size_t topic_count;
    char *header;
    int linger_ms;
    int message_timeout_ms;
    size_t records_max, bytes_max, record_bytes_max;
    struct rd_kafka_s *handle; /* NULL: being made again */
    struct rd_kafka_topic_s *handles[OUTLET_TOPICS_MAX];
    struct rd_kafka_queue_s *queue;
    struct rd_kafka_op_s *event; /* reports of it are left to be given */
    struct kafka_wire *wire;
    struct kafka_watch watch;
    struct loop_hook *hook;
    struct loop_timer *timer;       /* liveness; making it again */
    struct loop_timer *flush_timer; /* the deadline of a flush */
    struct pending pending;
    bool fatal;    /* the handle is of no use: make another */
    int64_t again; /* not before, when there is no handle; monotonic */
    uint64_t lost; /* up to here nothing is reported any more; 0: all is */
    bool flushing;
    bool flush_late; /* its deadline has passed */
    bool closing;
    int endings; /* handles that are being destroyed */
    loop_fn flushed, closed;
    void *flushed_arg, *closed_arg;
    struct metric *reports[3];
    struct metric *replaced;
    char why[KAFKA_WHY_MAX + 1];
};

/* ---- outlet.c ---- */

/* Tells who waits for a flush or the end, when it is time. May free `o`. */
void outlet_settle(struct outlet *o);

/* ---- outlet_reports.c ---- */

/* Gives what was reported, until it is the turn of others. A loop_fn. */
void outlet_drain(void *arg);

/* ---- outlet_handle.c ---- */

/* Makes the library's producer. Returns 0, FAIL_SETTING or FAIL_SYSTEM; then
 * o->handle, unless it is NULL, is to be taken and destroyed. */
int outlet_make_handle(struct outlet *o) MUST_CHECK;

/* Lets go of everything that refers to the handle, and returns it. */
struct rd_kafka_s *outlet_take_handle(struct outlet *o);

/* Destroys it beside the loop; outlet_drain() is called when that is done. */
void outlet_end_handle(struct outlet *o);

/* Another one, now; what the old one had is answered by
 * outlet_answer_lost() at the end of the turn. */
void outlet_replace(struct outlet *o);
void outlet_answer_lost(struct outlet *o);

#endif
