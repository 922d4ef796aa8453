/*
 * consumer/outlet_handle.c: the library's producer inside an outlet, and the
 * one that replaces it.
 *
 * A fatal error (idempotence lost: OUT_OF_ORDER, UNKNOWN_PRODUCER_ID) ends the
 * library's producer, not ours:
 *
 *      1. a new one takes over at once, so nobody is refused
 *      2. what the old one has not reported is UNKNOWN: it may be in the log
 *      3. the old one is destroyed beside the loop
 *
 * From: consumer/outlet.c, outlet_reports.c.
 * To:   consumer/kafka_handle.c.
 */
#include "consumer/outlet_state.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/metrics.h"
#include "schemas/base/fail.h"

enum {
    AGAIN_MS = 500,
    END_MS = 4000,
    ENDINGS_MAX = 4,      /* replaced and not destroyed yet */
    OVERHEAD_BYTES = 1024 /* of a record in a batch, with its header */
};

static int make_conf(struct outlet *o, rd_kafka_conf_t **out);
static int make_topics(struct outlet *o);
static void handle_ended(void *arg);

int outlet_make_handle(struct outlet *o)
{
    rd_kafka_conf_t *conf;
    int rc = make_conf(o, &conf);

    if (rc == 0)
        rc = kafka_handle_new(true, conf, o->why, &o->handle);
    if (rc < 0) {
        log_error("outlet.unopened", "client=%s why=%s", o->name,
                  LOG_TEXT(o->why));
        return rc;
    }
    kafka_watch_restart(&o->watch);
    o->queue = rd_kafka_queue_get_main(o->handle);
    rc = kafka_wire_open(o->loop, "outlet.drain", o->queue, outlet_drain, o,
                         &o->wire);
    if (rc == 0)
        rc = make_topics(o);
    return rc;
}

static int make_conf(struct outlet *o, rd_kafka_conf_t **out)
{
    char linger[16], timeout[16], records[24], kbytes[24], record_bytes[24];
    const struct kafka_rule defaults[] = {
        {"linger.ms", linger, false},
        {"socket.timeout.ms", "3000", false},
        {"request.timeout.ms", "2000", false},
    };
    const struct kafka_rule fixed[] = {
        {"enable.idempotence", "true", false},
        {"acks", "all", false},
        {"partitioner", "murmur2_random", false},
        {"message.timeout.ms", timeout, false},
        {"message.max.bytes", record_bytes, false},
        {"queue.buffering.max.messages", records, false},
        {"queue.buffering.max.kbytes", kbytes, false},
        {"allow.auto.create.topics", "false", false},
        {"statistics.interval.ms", "1000", false},
    };
    int rc;

    snprintf(linger, sizeof(linger), "%d", o->linger_ms);
    snprintf(timeout, sizeof(timeout), "%d", o->message_timeout_ms);
    snprintf(records, sizeof(records), "%zu", o->records_max + 1);
    snprintf(kbytes, sizeof(kbytes), "%zu", o->bytes_max / 1024 + 1024);
    snprintf(record_bytes, sizeof(record_bytes), "%zu",
             o->record_bytes_max + OVERHEAD_BYTES);
    rc = kafka_conf_make(&o->config, o->name, defaults,
                         sizeof(defaults) / sizeof(defaults[0]), fixed,
                         sizeof(fixed) / sizeof(fixed[0]), out);
    if (rc < 0)
        return rc;
    rd_kafka_conf_set_events(*out, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR |
                                       RD_KAFKA_EVENT_STATS);
    return 0;
}

/* Now, for all of them: the first send to a topic without a handle waits up to
 * a second. */
static int make_topics(struct outlet *o)
{
    for (size_t i = 0; i < o->topic_count; i++) {
        o->handles[i] = rd_kafka_topic_new(o->handle, o->topics[i], NULL);
        if (o->handles[i] == NULL) {
            snprintf(o->why, sizeof(o->why), "topic %.100s: %s", o->topics[i],
                     rd_kafka_err2str(rd_kafka_last_error()));
            return FAIL_SETTING;
        }
    }
    return 0;
}

/*
 * Now, also from inside outlet_send(): who sends meanwhile is not refused. The
 * old one's records are answered at the end of the turn.
 */
void outlet_replace(struct outlet *o)
{
    if (o->endings >= ENDINGS_MAX)
        return;
    if (o->handle != NULL) {
        log_warn("outlet.replaced", "client=%s count=%zu why=%s", o->name,
                 o->pending.backlog.count, LOG_TEXT(o->why));
        metric_add(o->replaced, 1);
        o->lost = o->pending.sequence;
        outlet_end_handle(o);
        loop_hook_arm(o->hook);
    } else if (clock_ms() < o->again) {
        return;
    }
    o->fatal = false;
    if (o->closing || outlet_make_handle(o) == 0)
        return;
    if (o->handle != NULL)
        outlet_end_handle(o);
    o->fatal = true;
    o->again = clock_ms() + AGAIN_MS;
}

void outlet_answer_lost(struct outlet *o)
{
    uint64_t lost = o->lost;
    size_t before = o->pending.backlog.count;

    o->lost = 0;
    if (lost == 0)
        return;
    pending_answer_all(&o->pending, lost, "the producer was replaced", true);
    if (before > o->pending.backlog.count)
        metric_add(o->reports[OUTLET_UNKNOWN],
                   before - o->pending.backlog.count);
}

/* Lets go of everything that refers to the handle. */
rd_kafka_t *outlet_take_handle(struct outlet *o)
{
    rd_kafka_t *handle = o->handle;

    if (o->event != NULL)
        rd_kafka_event_destroy(o->event);
    o->event = NULL;
    kafka_wire_close(o->wire);
    o->wire = NULL;
    if (o->queue != NULL)
        rd_kafka_queue_destroy(o->queue);
    o->queue = NULL;
    for (size_t i = 0; i < o->topic_count; i++) {
        if (o->handles[i] != NULL)
            rd_kafka_topic_destroy(o->handles[i]);
        o->handles[i] = NULL;
    }
    o->handle = NULL;
    return handle;
}

void outlet_end_handle(struct outlet *o)
{
    rd_kafka_t *handle = outlet_take_handle(o);

    (void)rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE |
                                     RD_KAFKA_PURGE_F_INFLIGHT |
                                     RD_KAFKA_PURGE_F_NON_BLOCKING);
    o->endings++;
    kafka_handle_end(o->loop, handle, END_MS, handle_ended, o);
}

static void handle_ended(void *arg)
{
    struct outlet *o = arg;

    o->endings--;
    outlet_drain(o);
}

void outlet_break(struct outlet *o)
{
    if (o->handle != NULL)
        (void)rd_kafka_test_fatal_error(
            o->handle, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
            "asked for by a test");
}
