/*
 * consumer/consumer.c: one topic, read on the loop, by a group or alone: how a
 * consumer is made and ended.
 *
 *      librdkafka -> eventfd -> consumer_drain() -> record(), end(), ...
 *
 * From: verifier/pipeline.c, notifier: what they do with a record.
 * To:   consumer/consumer_events.c for what arrives, consumer_group.c for whose
 *       the partitions are, kafka_handle.c for the handle.
 */
#include "consumer/consumer.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/consumer_state.h"
#include "consumer/kafka_assign.h"
#include "schemas/base/fail.h"

enum { TICK_MS = 1000, TICK_MS_CLOSING = 20, LEAVE_MS = 4000, END_MS = 4000 };

static int make_conf(const struct consumer_options *o, struct consumer *c,
                     rd_kafka_conf_t **out);
/*
 * On a thread of the library. A fetch that the leader refuses (no such topic or
 * partition, not the leader any more) is no event: the library looks for the
 * leader at once, and goes on at the same offset wherever it finds one. That
 * search is the only sign, and it is a line of its log about topics.
 */
static void on_log(const rd_kafka_t *handle, int level, const char *facility,
                   const char *text)
{
    struct consumer *c = handle == NULL ? NULL : rd_kafka_opaque(handle);

    if (strcmp(facility, "FASTQUERY") == 0 && c != NULL)
        loop_wake(c->unsure);
    if (level < 7)
        kafka_log_take(handle, level, facility, text);
}

static void on_unsure(void *arg)
{
    struct consumer *c = arg;

    if (c->state != CONSUMER_OPEN || c->events->unsure == NULL)
        return;
    log_debug("consumer.unsure", "client=%s", c->name);
    c->events->unsure(c->arg);
}

static int make_handle(struct consumer *c, rd_kafka_conf_t *conf,
                       const char *group);
static void tick(void *arg);
static void on_log(const rd_kafka_t *handle, int level, const char *facility,
                   const char *text);
static void on_unsure(void *arg);
static void ended(void *arg);
static void free_consumer(struct consumer *c);

int consumer_open(const struct consumer_options *o, struct consumer **out)
{
    struct consumer *c = calloc(1, sizeof(*c));
    rd_kafka_conf_t *conf;
    int rc;

    CHECK(o->events->record != NULL && o->events->failed != NULL);
    CHECK(o->group == NULL ||
          (o->events->assigned != NULL && o->events->revoked != NULL));
    if (c == NULL)
        return FAIL_SYSTEM;
    c->loop = o->loop;
    c->name = o->name;
    c->topic = strdup(o->topic);
    c->header = o->header == NULL ? NULL : strdup(o->header);
    CHECK(c->topic != NULL && (o->header == NULL || c->header != NULL));
    c->grouped = o->group != NULL;
    c->owns = !c->grouped;
    c->events = o->events;
    c->arg = o->arg;
    kafka_watch_init(&c->watch, o->name);
    c->unsure = loop_wake_open(c->loop, "consumer.unsure", on_unsure, c);
    rc = make_conf(o, c, &conf);
    if (rc == 0)
        rc = make_handle(c, conf, o->group);
    if (rc < 0) {
        free_consumer(c);
        return rc;
    }
    *out = c;
    return 0;
}

static int make_conf(const struct consumer_options *o, struct consumer *c,
                     rd_kafka_conf_t **out)
{
    char session[16], heartbeat[16], alone[80];
    const struct kafka_rule defaults[] = {
        {"session.timeout.ms", session, false},
        {"heartbeat.interval.ms", heartbeat, false},
        /* The library's queue is never our brake: 2.0.2 stops fetching for a
         * whole second when it is full. */
        {"queued.min.messages", "100000", false},
        {"queued.max.messages.kbytes", "65536", false},
        {"fetch.queue.backoff.ms", "0", true},
        {"fetch.error.backoff.ms", "100", false},
        /* A partition that is resumed waits for the fetch that is under way
         * for the others. */
        {"fetch.wait.max.ms", "100", false},
        {"socket.timeout.ms", "5000", false},
    };
    const struct kafka_rule fixed[] = {
        {"group.id", o->group == NULL ? alone : o->group, false},
        {"partition.assignment.strategy", "range", false},
        {"enable.auto.commit", "false", false},
        {"enable.auto.offset.store", "false", false},
        /* By itself the library would go back without a word. */
        {"auto.offset.reset", "error", false},
        {"enable.partition.eof", "true", false},
        {"isolation.level", "read_committed", false},
        {"check.crcs", "true", false},
        {"allow.auto.create.topics", "false", false},
        {"statistics.interval.ms", "5000", false},
        /* For on_log(), which hears of refused fetches no other way. */
        {"debug", "topic", false},
        {"log_level", "7", false},
    };
    int rc;

    snprintf(session, sizeof(session), "%d",
             o->session_ms > 0 ? o->session_ms : 6000);
    snprintf(heartbeat, sizeof(heartbeat), "%d",
             o->heartbeat_ms > 0 ? o->heartbeat_ms : 300);
    /* The library wants a group id to assign; nobody joins this one. */
    snprintf(alone, sizeof(alone), "tidemill-%s-alone", o->name);
    rc = kafka_conf_make(o->config, o->name, defaults,
                         sizeof(defaults) / sizeof(defaults[0]), fixed,
                         sizeof(fixed) / sizeof(fixed[0]), out);
    if (rc < 0)
        return rc;
    rd_kafka_conf_set_opaque(*out, c);
    rd_kafka_conf_set_log_cb(*out, on_log);
    consumer_hear_rebalances(*out);
    rd_kafka_conf_set_error_cb(*out, consumer_on_error);
    rd_kafka_conf_set_stats_cb(*out, consumer_on_stats);
    return 0;
}

static int make_handle(struct consumer *c, rd_kafka_conf_t *conf,
                       const char *group)
{
    int rc = kafka_handle_new(false, conf, c->why, &c->handle);

    if (rc < 0) {
        log_error("consumer.unopened", "client=%s why=%s", c->name,
                  LOG_TEXT(c->why));
        return rc;
    }
    rd_kafka_poll_set_consumer(c->handle);
    c->queue = rd_kafka_queue_get_consumer(c->handle);
    c->hook = loop_hook_open(c->loop, "consumer.drain", consumer_drain, c);
    c->timer = loop_timer_open(c->loop, "consumer.tick", tick, c);
    rc = kafka_wire_open(c->loop, "consumer.drain", c->queue, consumer_drain, c,
                         &c->wire);
    if (rc == 0 && group != NULL)
        rc = consumer_subscribe(c);
    if (rc == 0)
        loop_timer_start(c->timer, TICK_MS, TICK_MS);
    return rc;
}

/* ---- Once a second. ---- */

static void tick(void *arg)
{
    struct consumer *c = arg;

    if (c->state == CONSUMER_OPEN) {
        kafka_commit(c->handle, c->topic, &c->parts);
        consumer_watch_group(c);
        consumer_drain(c);
    } else if (c->state == CONSUMER_LEAVING) {
        consumer_leave(c);
    }
}

bool consumer_connected(const struct consumer *c)
{
    return c->watch.connected;
}

const char *consumer_why(const struct consumer *c)
{
    return c->why;
}

/* ---- The end. ---- */

void consumer_close(struct consumer *c, loop_fn closed, void *arg)
{
    rd_kafka_error_t *error;

    if (c == NULL) {
        if (closed != NULL)
            closed(arg);
        return;
    }
    CHECK(c->state == CONSUMER_OPEN);
    kafka_commit(c->handle, c->topic, &c->parts);
    c->state = CONSUMER_LEAVING;
    c->closed = closed;
    c->closed_arg = arg;
    c->leave_deadline = clock_ms() + LEAVE_MS;
    kafka_settle(c->handle);
    error = rd_kafka_consumer_close_queue(c->handle, c->queue);
    if (error != NULL)
        rd_kafka_error_destroy(error);
    loop_timer_start(c->timer, 0, TICK_MS_CLOSING);
}

/* The library leaves the group in steps, each served by a poll. */
void consumer_leave(struct consumer *c)
{
    rd_kafka_message_t *m;

    if (c->draining)
        return;
    c->draining = true;
    while ((m = rd_kafka_consumer_poll(c->handle, 0)) != NULL)
        rd_kafka_message_destroy(m);
    c->draining = false;
    if (!rd_kafka_consumer_closed(c->handle) && clock_ms() < c->leave_deadline)
        return;
    c->state = CONSUMER_ENDING;
    loop_timer_stop(c->timer);
    if (!c->asking)
        consumer_end(c);
}

void consumer_end(struct consumer *c)
{
    kafka_settle(c->handle);
    kafka_wire_close(c->wire);
    c->wire = NULL;
    rd_kafka_queue_destroy(c->queue);
    c->queue = NULL;
    kafka_handle_end(c->loop, c->handle, END_MS, ended, c);
}

static void ended(void *arg)
{
    struct consumer *c = arg;
    loop_fn closed = c->closed;
    void *closed_arg = c->closed_arg;

    c->handle = NULL;
    free_consumer(c);
    if (closed != NULL)
        closed(closed_arg);
}

/* Also one that was opened half; its handle has joined nothing yet. */
static void free_consumer(struct consumer *c)
{
    kafka_wire_close(c->wire);
    loop_hook_close(c->hook);
    loop_timer_close(c->timer);
    if (c->queue != NULL)
        rd_kafka_queue_destroy(c->queue);
    if (c->handle != NULL)
        rd_kafka_destroy_flags(c->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    /* No thread of the handle is left that could log. */
    loop_wake_close(c->unsure);
    assignment_fini(&c->parts);
    free(c->topic);
    free(c->header);
    free(c);
}
