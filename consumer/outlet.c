/*
 * consumer/outlet.c: records on their way to the brokers.
 *
 *      slot 17 = {done, arg}       outlet_send()
 *      producev(opaque = slot 17)  the library batches, sends, tries again
 *      report(slot 17, persisted)  eventfd -> outlet_drain() -> done()
 *
 * From: producer/submit.c, verifier/announce.c.
 * To:   the brokers; consumer/pending.c for the slots, outlet_reports.c for
 * what comes back, outlet_handle.c for the library's producer.
 */
#include "consumer/outlet.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/metrics.h"
#include "consumer/outlet_state.h"
#include "schemas/base/fail.h"

enum {
    TICK_MS = 1000,
    RECORDS_DEFAULT = 100000,
    RECORD_BYTES_DEFAULT = 1000000
};

static const size_t bytes_default = (size_t)256 << 20;

static void copy_options(struct outlet *o, const struct outlet_options *from);
static void tick(void *arg);
static void flush_deadline(void *arg);
static void free_outlet(struct outlet *o);

int outlet_open(const struct outlet_options *o, struct outlet **out)
{
    struct outlet *outlet = calloc(1, sizeof(*outlet));
    int rc;

    CHECK(o->topic_count >= 1 && o->topic_count <= OUTLET_TOPICS_MAX);
    if (outlet == NULL)
        return FAIL_SYSTEM;
    copy_options(outlet, o);
    kafka_watch_init(&outlet->watch, o->name);
    outlet->hook =
        loop_hook_open(o->loop, "outlet.drain", outlet_drain, outlet);
    outlet->timer = loop_timer_open(o->loop, "outlet.tick", tick, outlet);
    outlet->flush_timer =
        loop_timer_open(o->loop, "outlet.flush", flush_deadline, outlet);
    rc = pending_init(&outlet->pending, outlet->records_max);
    if (rc == 0)
        rc = outlet_make_handle(outlet);
    if (rc < 0) {
        if (outlet->handle != NULL)
            rd_kafka_destroy(outlet_take_handle(outlet));
        free_outlet(outlet);
        return rc;
    }
    loop_timer_start(outlet->timer, TICK_MS, TICK_MS);
    *out = outlet;
    return 0;
}

static void copy_options(struct outlet *o, const struct outlet_options *from)
{
    static const char *const outcomes[] = {"persisted", "not_persisted",
                                           "unknown"};
    char labels[128];

    o->loop = from->loop;
    o->name = from->name;
    o->config.brokers = strdup(from->config->brokers);
    CHECK(o->config.brokers != NULL);
    for (size_t i = 0; i < from->config->key_count; i++) {
        o->config.keys[i] = from->config->keys[i];
        o->config.keys[i].value = strdup(from->config->keys[i].value);
        CHECK(o->config.keys[i].value != NULL);
    }
    o->config.key_count = from->config->key_count;
    o->topic_count = from->topic_count;
    for (size_t i = 0; i < from->topic_count; i++)
        CHECK((o->topics[i] = strdup(from->topics[i])) != NULL);
    if (from->header != NULL)
        CHECK((o->header = strdup(from->header)) != NULL);
    o->linger_ms = from->linger_ms;
    o->message_timeout_ms = from->message_timeout_ms;
    o->records_max = from->records_max ? from->records_max : RECORDS_DEFAULT;
    o->bytes_max = from->bytes_max ? from->bytes_max : bytes_default;
    o->record_bytes_max =
        from->record_bytes_max ? from->record_bytes_max : RECORD_BYTES_DEFAULT;
    for (int i = 0; i < 3; i++) {
        snprintf(labels, sizeof(labels), "client=\"%s\",outcome=\"%s\"",
                 o->name, outcomes[i]);
        o->reports[i] = metric_counter("tidemill_outlet_reports_total", labels,
                                       "records sent, by what became of them");
    }
    snprintf(labels, sizeof(labels), "client=\"%s\"", o->name);
    o->replaced = metric_counter("tidemill_outlet_replaced_total", labels,
                                 "producers replaced after a fatal error");
}

/* ---- Sending. ---- */

static rd_kafka_resp_err_t produce(struct outlet *o, int topic,
                                   int32_t partition, struct bytes key,
                                   struct bytes value, struct bytes header,
                                   struct pending_slot *slot)
{
    return rd_kafka_producev(
        o->handle, RD_KAFKA_V_RKT(o->handles[topic]),
        RD_KAFKA_V_PARTITION(partition < 0 ? RD_KAFKA_PARTITION_UA : partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(key.data, key.count),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.count),
        RD_KAFKA_V_OPAQUE(slot),
        header.data == NULL ? RD_KAFKA_VTYPE_END : RD_KAFKA_VTYPE_HEADER,
        o->header, header.data, (ssize_t)header.count, RD_KAFKA_V_END);
}

int outlet_send(struct outlet *o, int topic, int32_t partition,
                struct bytes key, struct bytes value, struct bytes header_value,
                outlet_fn done, void *arg)
{
    struct pending_slot *slot = pending_next(&o->pending);
    size_t bytes = key.count + value.count;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__FATAL;

    CHECK(topic >= 0 && (size_t)topic < o->topic_count && done != NULL);
    CHECK(header_value.data == NULL || o->header != NULL);
    if (bytes > o->record_bytes_max)
        return FAIL_TOO_BIG;
    if (slot == NULL || o->pending.backlog.bytes + bytes > o->bytes_max)
        return FAIL_FULL;
    if (!o->closing && o->handle != NULL)
        error = produce(o, topic, partition, key, value, header_value, slot);
    if (error == RD_KAFKA_RESP_ERR__FATAL && !o->closing) {
        outlet_replace(o);
        if (o->handle != NULL)
            error =
                produce(o, topic, partition, key, value, header_value, slot);
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        pending_start(&o->pending, done, arg, bytes);
        return 0;
    }
    snprintf(o->why, sizeof(o->why), "%s", rd_kafka_err2str(error));
    return error == RD_KAFKA_RESP_ERR__FATAL ? FAIL_UNREACHABLE
                                             : kafka_fail(error);
}

static void tick(void *arg)
{
    outlet_drain(arg);
}

/* ---- What it looks like from outside. ---- */

int32_t outlet_partition_of(struct bytes key, int32_t partitions)
{
    CHECK(key.count > 0 && partitions > 0);
    return rd_kafka_msg_partitioner_murmur2(NULL, key.data, key.count,
                                            partitions, NULL, NULL);
}

struct outlet_backlog outlet_backlog(const struct outlet *o)
{
    return o->pending.backlog;
}

bool outlet_connected(const struct outlet *o)
{
    return o->handle != NULL && o->watch.connected;
}

const char *outlet_why(const struct outlet *o)
{
    return o->why;
}

/* ---- The end. ---- */

void outlet_flush(struct outlet *o, int deadline_ms, loop_fn done, void *arg)
{
    CHECK(!o->flushing && !o->closing);
    o->flushing = true;
    o->flush_late = false;
    o->flushed = done;
    o->flushed_arg = arg;
    pending_mark(&o->pending);
    loop_timer_start(o->flush_timer, deadline_ms, 0);
    loop_hook_arm(o->hook);
}

static void flush_deadline(void *arg)
{
    struct outlet *o = arg;

    o->flush_late = true;
    outlet_drain(o);
}

void outlet_close(struct outlet *o, int deadline_ms, loop_fn closed, void *arg)
{
    if (o == NULL) {
        if (closed != NULL)
            closed(arg);
        return;
    }
    CHECK(!o->closing);
    o->closing = true;
    o->closed = closed;
    o->closed_arg = arg;
    o->flush_late = false;
    pending_mark(&o->pending);
    loop_timer_start(o->flush_timer, deadline_ms, 0);
    loop_hook_arm(o->hook);
}

/* Is what somebody waits for true now? */
void outlet_settle(struct outlet *o)
{
    if (!o->flushing && !o->closing)
        return;
    if (o->pending.marked > 0 && !o->flush_late)
        return;
    if (o->pending.marked > 0) {
        metric_add(o->reports[OUTLET_UNKNOWN], o->pending.marked);
        pending_answer_all(&o->pending, o->pending.mark,
                           "the deadline has passed", false);
    }
    if (o->flushing) {
        o->flushing = false;
        if (!o->closing)
            loop_timer_stop(o->flush_timer);
        if (o->flushed != NULL)
            o->flushed(o->flushed_arg);
    }
    if (!o->closing || (o->pending.marked > 0 && !o->flush_late))
        return;
    CHECK(o->pending.backlog.count == 0);
    loop_timer_stop(o->flush_timer);
    loop_timer_stop(o->timer);
    if (o->handle != NULL)
        outlet_end_handle(o);
    else if (o->endings == 0)
        free_outlet(o);
}

static void free_outlet(struct outlet *o)
{
    loop_fn closed = o->closed;
    void *arg = o->closed_arg;

    loop_hook_close(o->hook);
    loop_timer_close(o->timer);
    loop_timer_close(o->flush_timer);
    for (size_t i = 0; i < o->topic_count; i++)
        free(o->topics[i]);
    kafka_config_fini(&o->config);
    free(o->header);
    pending_fini(&o->pending);
    free(o);
    if (closed != NULL)
        closed(arg);
}
