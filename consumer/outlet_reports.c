/*
 * consumer/outlet_reports.c: what became of the records.
 *
 * The library reports a whole batch at once, up to ten thousand records, so a
 * turn stops in the middle of one and goes on later.
 *
 * From: the library's queue, by consumer/kafka_handle.c.
 * To:   consumer/pending.c, which answers who sent.
 */
#include "consumer/outlet_state.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/metrics.h"

enum { REPORTS_MAX = 2000, TURN_NS = 5000000, CLOCK_EVERY = 16 };

static bool drain_reports(struct outlet *o, int64_t started);
static rd_kafka_event_t *next_event(struct outlet *o);
static void take_event(struct outlet *o, rd_kafka_event_t *event);
static void take_report(struct outlet *o, const rd_kafka_message_t *m);
static void tell_refusal(const struct outlet *o, const rd_kafka_message_t *m);
static void take_error(struct outlet *o, rd_kafka_event_t *event);

void outlet_drain(void *arg)
{
    struct outlet *o = arg;

    if (o->handle != NULL && !drain_reports(o, clock_ns())) {
        loop_hook_arm(o->hook);
        return;
    }
    if (o->fatal)
        outlet_replace(o);
    outlet_answer_lost(o);
    outlet_settle(o);
}

/*
 * Gives reports until there are none, or the handle is of no use (true), or the
 * turn is used up (false).
 */
static bool drain_reports(struct outlet *o, int64_t started)
{
    for (int count = 0;; count++) {
        const rd_kafka_message_t *m;
        if (count == REPORTS_MAX || (count % CLOCK_EVERY == CLOCK_EVERY - 1 &&
                                     clock_ns() - started > TURN_NS))
            return false;
        if (o->event == NULL && (o->event = next_event(o)) == NULL)
            return true;
        if (o->fatal)
            return true;
        m = rd_kafka_event_message_next(o->event);
        if (m != NULL) {
            take_report(o, m);
            continue;
        }
        rd_kafka_event_destroy(o->event);
        o->event = NULL;
    }
}

/* The next event with reports; the others are done with on the way. */
static rd_kafka_event_t *next_event(struct outlet *o)
{
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(o->queue, 0)) != NULL) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
            return event;
        take_event(o, event);
        rd_kafka_event_destroy(event);
    }
    return NULL;
}

static void take_event(struct outlet *o, rd_kafka_event_t *event)
{
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_STATS)
        kafka_watch_take(&o->watch, bytes_text(rd_kafka_event_stats(event)));
    else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR)
        take_error(o, event);
}

static void take_error(struct outlet *o, rd_kafka_event_t *event)
{
    char why[KAFKA_WHY_MAX + 1];

    snprintf(o->why, sizeof(o->why), "%s", rd_kafka_event_error_string(event));
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        o->watch.connected = false;
    if (rd_kafka_event_error_is_fatal(event) ||
        rd_kafka_fatal_error(o->handle, why, sizeof(why)) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
        o->fatal = true;
    if (o->fatal || (kafka_error_is_news(rd_kafka_event_error(event)) &&
                     kafka_log_allowed()))
        log_warn("outlet.trouble", "client=%s fatal=%d why=%s", o->name,
                 o->fatal, LOG_TEXT(o->why));
}

/*
 * PERSISTED means what it says because acks=all is ours and readiness has read
 * min.insync.replicas. An error after the record was sent once is UNKNOWN.
 */
static void take_report(struct outlet *o, const rd_kafka_message_t *m)
{
    struct pending_slot *slot = m->_private;
    struct outlet_report report = {OUTLET_UNKNOWN, -1, -1, -1, ""};
    rd_kafka_msg_status_t status = rd_kafka_message_status(m);
    rd_kafka_timestamp_type_t type;
    int64_t time = rd_kafka_message_timestamp(m, &type);

    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
        status == RD_KAFKA_MSG_STATUS_PERSISTED) {
        report.outcome = OUTLET_PERSISTED;
        report.partition = m->partition;
        report.offset = m->offset;
        if (type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME)
            report.append_ms = time;
        o->watch.connected = true;
    } else {
        if (status == RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
            report.outcome = OUTLET_NOT_PERSISTED;
        report.why = rd_kafka_err2str(m->err);
        tell_refusal(o, m);
    }
    metric_add(o->reports[report.outcome], 1);
    pending_answer(&o->pending, slot, &report);
    pending_give(&o->pending, slot);
}

/* What a broker answered to this record, not what the library gave up: a
 * setting of the topic (size, copies, rights) refuses records, and only these
 * words say which. */
static void tell_refusal(const struct outlet *o, const rd_kafka_message_t *m)
{
    if (m->err <= RD_KAFKA_RESP_ERR_NO_ERROR || !kafka_log_allowed())
        return;
    log_warn("outlet.refused",
             "client=%s topic=%s partition=%d bytes=%zu "
             "why=%s",
             o->name, rd_kafka_topic_name(m->rkt), (int)m->partition, m->len,
             LOG_TEXT(rd_kafka_err2str(m->err)));
}
