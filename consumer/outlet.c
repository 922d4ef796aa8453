/*
 * consumer/outlet.c: records on their way to the brokers.
 *
 *      slot 17 = {done, arg}       outlet_send()
 *      producev(opaque = slot 17)  the library batches, sends, tries again
 *      report(slot 17, persisted)  eventfd -> drain() -> done(); slot is free
 *
 * The library reports a whole batch at once, up to ten thousand records, so a
 * turn stops in the middle of one and goes on later.
 *
 * A fatal error (idempotence lost: OUT_OF_ORDER, UNKNOWN_PRODUCER_ID) ends the
 * library's producer, not ours:
 *
 *      1. a new one takes over at once, so nobody is refused
 *      2. what the old one has not reported is UNKNOWN: it may be in the log
 *      3. the old one is destroyed beside the loop
 *
 * From: producer/submit.c, verifier/announce.c.
 * To:   the brokers; consumer/pending.c for the slots; consumer/kafka_handle.c
 *       for the handle.
 */
#include "consumer/outlet.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/metrics.h"
#include "consumer/kafka_handle.h"
#include "consumer/pending.h"
#include "schemas/base/fail.h"

enum {
    REPORTS_MAX = 2000,
    TURN_NS = 5000000,
    CLOCK_EVERY = 16,
    TICK_MS = 1000,
    AGAIN_MS = 500,
    END_MS = 4000,
    ENDINGS_MAX = 4, /* replaced and not destroyed yet */
    RECORDS_DEFAULT = 100000,
    RECORD_BYTES_DEFAULT = 1000000,
    OVERHEAD_BYTES = 1024 /* of a record in a batch, with its header */
};

static const size_t bytes_default = (size_t)256 << 20;

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
    rd_kafka_t *handle; /* NULL: being made again */
    rd_kafka_topic_t *handles[OUTLET_TOPICS_MAX];
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event; /* reports of it are left to be given */
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

static void copy_options(struct outlet *o, const struct outlet_options *from);
static int make_handle(struct outlet *o);
static int make_conf(struct outlet *o, rd_kafka_conf_t **out);
static int make_topics(struct outlet *o);
static void drain(void *arg);
static bool drain_reports(struct outlet *o, int64_t started);
static rd_kafka_event_t *next_event(struct outlet *o);
static void take_event(struct outlet *o, rd_kafka_event_t *event);
static void take_report(struct outlet *o, const rd_kafka_message_t *m);
static void take_error(struct outlet *o, rd_kafka_event_t *event);
static void replace(struct outlet *o);
static void answer_lost(struct outlet *o);
static rd_kafka_t *take_handle(struct outlet *o);
static void end_handle(struct outlet *o);
static void handle_ended(void *arg);
static void tick(void *arg);
static void settle(struct outlet *o);
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
    outlet->hook = loop_hook_open(o->loop, "outlet.drain", drain, outlet);
    outlet->timer = loop_timer_open(o->loop, "outlet.tick", tick, outlet);
    outlet->flush_timer =
        loop_timer_open(o->loop, "outlet.flush", flush_deadline, outlet);
    rc = pending_init(&outlet->pending, outlet->records_max);
    if (rc == 0)
        rc = make_handle(outlet);
    if (rc < 0) {
        if (outlet->handle != NULL)
            rd_kafka_destroy(take_handle(outlet));
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

static int make_handle(struct outlet *o)
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
    rc = kafka_wire_open(o->loop, "outlet.drain", o->queue, drain, o, &o->wire);
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
        replace(o);
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

/* ---- What comes back. ---- */

static void drain(void *arg)
{
    struct outlet *o = arg;

    if (o->handle != NULL && !drain_reports(o, clock_ns())) {
        loop_hook_arm(o->hook);
        return;
    }
    if (o->fatal)
        replace(o);
    answer_lost(o);
    settle(o);
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
    }
    metric_add(o->reports[report.outcome], 1);
    pending_answer(&o->pending, slot, &report);
    pending_give(&o->pending, slot);
}

/* ---- Another handle for one that is of no use. ---- */

/*
 * Now, also from inside outlet_send(): who sends meanwhile is not refused. The
 * old one's records are answered at the end of the turn.
 */
static void replace(struct outlet *o)
{
    if (o->endings >= ENDINGS_MAX)
        return;
    if (o->handle != NULL) {
        log_warn("outlet.replaced", "client=%s count=%zu why=%s", o->name,
                 o->pending.backlog.count, LOG_TEXT(o->why));
        metric_add(o->replaced, 1);
        o->lost = o->pending.sequence;
        end_handle(o);
        loop_hook_arm(o->hook);
    } else if (clock_ms() < o->again) {
        return;
    }
    o->fatal = false;
    if (o->closing || make_handle(o) == 0)
        return;
    if (o->handle != NULL)
        end_handle(o);
    o->fatal = true;
    o->again = clock_ms() + AGAIN_MS;
}

static void answer_lost(struct outlet *o)
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
static rd_kafka_t *take_handle(struct outlet *o)
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

static void end_handle(struct outlet *o)
{
    rd_kafka_t *handle = take_handle(o);

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
    drain(o);
}

static void tick(void *arg)
{
    drain(arg);
}

void outlet_break(struct outlet *o)
{
    if (o->handle != NULL)
        (void)rd_kafka_test_fatal_error(
            o->handle, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
            "asked for by a test");
}

/* ---- What it looks like from outside. ---- */

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
    drain(o);
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
static void settle(struct outlet *o)
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
        end_handle(o);
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
