/*
 * consumer/reader.c: ranges of one topic, read without a group.
 *
 *      fetches   3: 100..180 (active)   3: 200..220 (waits)   5: 7..end
 * (active) |                                             | queue <--+----------
 * records of all active ones -------+
 *
 * The first fetch of each partition is active. It stops the library's fetching
 * of its partition when its range is done, and the next one starts.
 *
 * From: notifier/gateway (repair, resume), verifier/command (lag, reconcile).
 * To:   the functions that reader_fetch() was given; consumer/kafka_offsets.c
 *       for starts and ends.
 */
#include "consumer/reader.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/kafka_handle.h"
#include "consumer/kafka_offsets.h"
#include "schemas/base/fail.h"

enum {
    FETCHES_DEFAULT = 256,
    DEADLINE_DEFAULT_MS = 10000,
    QUEUE_KBYTES_DEFAULT = 65536,
    RECORDS_MAX = 2000,
    TURN_NS = 5000000,
    CLOCK_EVERY = 16,
    TICK_MS = 200,
    END_MS = 4000
};

struct fetch {
    struct reader *r;
    int32_t partition;
    int64_t from;
    int64_t next; /* the next offset wanted */
    int64_t to;
    reader_record_fn record;
    reader_done_fn done;
    void *arg;
    bool active;
    bool asking;      /* out of range: where does the log start and end? */
    bool cancelled;   /* answers nobody; freed when it is safe */
    int64_t deadline; /* monotonic; moved by progress */
    struct fetch *later;
};

struct reader {
    struct loop *loop;
    rd_kafka_t *handle;
    rd_kafka_topic_t *topic_handle;
    rd_kafka_queue_t *queue;
    struct kafka_wire *wire;
    struct loop_hook *hook;
    struct loop_timer *timer;
    char *topic, *header;
    int deadline_ms;
    size_t count_max;
    struct fetch *fetches; /* oldest first */
    size_t fetch_count;
    struct kafka_offsets *offsets;
    struct fetch *in_record; /* whose record function is running */
    bool closing;
    bool ending;
    loop_fn closed;
    void *closed_arg;
};

static int make_handle(struct reader *r, const struct reader_options *o);
static void work(void *arg);
static struct fetch *first_startable(const struct reader *r);
static void start_one(struct reader *r, struct fetch *f);
static void drain(struct reader *r);
static void take_message(struct reader *r, rd_kafka_message_t *m);
static void give_record(struct reader *r, struct fetch *f,
                        rd_kafka_message_t *m);
static void take_error(struct reader *r, struct fetch *f,
                       const rd_kafka_message_t *m);
static void finish(struct reader *r, struct fetch *f, int rc, int64_t next);
static void stop(struct reader *r, struct fetch *f);
static void drop(struct reader *r, struct fetch *f);
static struct fetch *find_active(const struct reader *r, int32_t partition);
static void gone(void *arg, int rc, int64_t start, int64_t end);
static void tick(void *arg);
static void end_when_quiet(struct reader *r);
static void end(void *arg);
static void ended(void *arg);
static void free_reader(struct reader *r);

int reader_open(const struct reader_options *o, struct reader **out)
{
    struct reader *r = calloc(1, sizeof(*r));
    int rc;

    if (r == NULL)
        return FAIL_SYSTEM;
    r->loop = o->loop;
    r->topic = strdup(o->topic);
    r->header = o->header == NULL ? NULL : strdup(o->header);
    CHECK(r->topic != NULL && (o->header == NULL || r->header != NULL));
    r->deadline_ms = o->deadline_ms > 0 ? o->deadline_ms : DEADLINE_DEFAULT_MS;
    r->count_max = o->fetches_max > 0 ? o->fetches_max : FETCHES_DEFAULT;
    rc = make_handle(r, o);
    if (rc < 0) {
        free_reader(r);
        return rc;
    }
    *out = r;
    return 0;
}

static int make_handle(struct reader *r, const struct reader_options *o)
{
    char kbytes[16], why[KAFKA_WHY_MAX + 1] = "";
    const struct kafka_rule defaults[] = {
        {"queued.min.messages", "100000", false},
        {"queued.max.messages.kbytes", kbytes, false},
        {"fetch.queue.backoff.ms", "0", true},
        {"fetch.error.backoff.ms", "100", false},
        /* A new range waits for the fetch under way for the others. */
        {"fetch.wait.max.ms", "20", false},
        {"socket.timeout.ms", "5000", false},
    };
    static const struct kafka_rule fixed[] = {
        {"enable.auto.commit", "false", false},
        {"auto.offset.reset", "error", false},
        {"enable.partition.eof", "true", false},
        {"isolation.level", "read_committed", false},
        {"check.crcs", "true", false},
        {"allow.auto.create.topics", "false", false},
    };
    rd_kafka_conf_t *conf;
    int rc;

    snprintf(kbytes, sizeof(kbytes), "%d",
             o->queue_kbytes > 0 ? o->queue_kbytes : QUEUE_KBYTES_DEFAULT);
    rc = kafka_conf_make(o->config, o->name, defaults,
                         sizeof(defaults) / sizeof(defaults[0]), fixed,
                         sizeof(fixed) / sizeof(fixed[0]), &conf);
    if (rc == 0)
        rc = kafka_handle_new(false, conf, why, &r->handle);
    if (rc < 0) {
        log_error("reader.unopened", "client=%s why=%s", o->name,
                  LOG_TEXT(why));
        return rc;
    }
    r->topic_handle = rd_kafka_topic_new(r->handle, r->topic, NULL);
    r->queue = rd_kafka_queue_new(r->handle);
    if (r->topic_handle == NULL)
        return FAIL_SETTING;
    r->offsets = kafka_offsets_open(r->loop, r->handle, r->topic, r->count_max,
                                    r->deadline_ms);
    r->hook = loop_hook_open(r->loop, "reader.drain", work, r);
    r->timer = loop_timer_open(r->loop, "reader.tick", tick, r);
    return kafka_wire_open(r->loop, "reader.drain", r->queue, work, r,
                           &r->wire);
}

int reader_fetch(struct reader *r, int32_t partition, int64_t from, int64_t to,
                 reader_record_fn record, reader_done_fn done, void *arg)
{
    struct fetch **last = &r->fetches;
    struct fetch *f;

    CHECK(from >= 0 && partition >= 0 && record != NULL && done != NULL);
    if (r->closing || r->fetch_count == r->count_max)
        return FAIL_FULL;
    f = calloc(1, sizeof(*f));
    CHECK(f != NULL);
    *f = (struct fetch){.r = r,
                        .partition = partition,
                        .from = from,
                        .next = from,
                        .to = to,
                        .record = record,
                        .done = done,
                        .arg = arg};
    while (*last != NULL)
        last = &(*last)->later;
    *last = f;
    r->fetch_count++;
    loop_hook_arm(r->hook);
    return 0;
}

void reader_cancel(struct reader *r, const void *arg)
{
    struct fetch *later;

    for (struct fetch *f = r->fetches; f != NULL; f = later) {
        later = f->later;
        if (f->arg != arg)
            continue;
        f->cancelled = true;
        if (f != r->in_record && !f->asking)
            drop(r, f);
    }
    if (r->offsets != NULL)
        kafka_offsets_cancel(r->offsets, arg);
    loop_hook_arm(r->hook);
}

/* ---- One turn. ---- */

static void work(void *arg)
{
    struct reader *r = arg;
    struct fetch *f;

    if (r->ending)
        return;
    if (!r->closing)
        drain(r);
    while (!r->closing && (f = first_startable(r)) != NULL)
        start_one(r, f);
    if (r->closing)
        end_when_quiet(r);
}

/* The oldest one that waits for nobody. */
static struct fetch *first_startable(const struct reader *r)
{
    for (struct fetch *f = r->fetches; f != NULL; f = f->later)
        if (!f->active && !f->asking && !f->cancelled &&
            find_active(r, f->partition) == NULL)
            return f;
    return NULL;
}

static void start_one(struct reader *r, struct fetch *f)
{
    if (f->from >= f->to) {
        finish(r, f, 0, f->from);
        return;
    }
    if (rd_kafka_consume_start_queue(r->topic_handle, f->partition, f->from,
                                     r->queue) < 0) {
        log_warn("reader.trouble", "partition=%d why=%s", (int)f->partition,
                 LOG_TEXT(rd_kafka_err2str(rd_kafka_last_error())));
        finish(r, f, FAIL_UNREACHABLE, f->from);
        return;
    }
    f->active = true;
    f->deadline = clock_ms() + r->deadline_ms;
    if (!loop_timer_running(r->timer))
        loop_timer_start(r->timer, TICK_MS, TICK_MS);
}

static void drain(struct reader *r)
{
    int64_t started = clock_ns();

    for (int count = 0; !r->closing; count++) {
        rd_kafka_message_t *m;
        if (count == RECORDS_MAX || (count % CLOCK_EVERY == CLOCK_EVERY - 1 &&
                                     clock_ns() - started > TURN_NS)) {
            loop_hook_arm(r->hook);
            return;
        }
        m = rd_kafka_consume_queue(r->queue, 0);
        if (m == NULL)
            return;
        take_message(r, m);
    }
}

/* Takes the message. Nobody may want it any more. */
static void take_message(struct reader *r, rd_kafka_message_t *m)
{
    struct fetch *f = find_active(r, m->partition);

    if (f == NULL)
        rd_kafka_message_destroy(m);
    else if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        give_record(r, f, m);
    else {
        take_error(r, f, m);
        rd_kafka_message_destroy(m);
    }
}

/* Takes the message. */
static void give_record(struct reader *r, struct fetch *f,
                        rd_kafka_message_t *m)
{
    struct record record;

    if (m->offset >= f->to) {
        /* The range ended in a gap. */
        rd_kafka_message_destroy(m);
        finish(r, f, 0, f->to);
        return;
    }
    if (m->offset < f->next) {
        rd_kafka_message_destroy(m);
        return;
    }
    kafka_record_take(m, r->header, &record);
    f->next = m->offset + 1;
    f->deadline = clock_ms() + r->deadline_ms;
    r->in_record = f;
    f->record(f->arg, &record);
    r->in_record = NULL;
    record_release(&record);
    if (f->cancelled)
        drop(r, f);
    else if (f->next >= f->to)
        finish(r, f, 0, f->next);
}

static void take_error(struct reader *r, struct fetch *f,
                       const rd_kafka_message_t *m)
{
    switch (m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (m->offset < f->next)
            return;
        f->next = m->offset;
        if (f->to == READER_END || f->next >= f->to)
            finish(r, f, 0, f->next);
        return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        stop(r, f);
        f->asking = true;
        if (kafka_offsets_give(r->offsets, f->partition, gone, f) < 0)
            finish(r, f, FAIL_UNREACHABLE, f->next);
        return;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        log_warn("reader.trouble", "partition=%d why=%s", (int)f->partition,
                 LOG_TEXT(rd_kafka_message_errstr(m)));
        finish(r, f, FAIL_UNREACHABLE, f->next);
        return;
    default:
        if (kafka_log_allowed())
            log_warn("reader.trouble", "partition=%d why=%s", (int)f->partition,
                     LOG_TEXT(rd_kafka_message_errstr(m)));
    }
}

/* ---- The end of a fetch. ---- */

static void finish(struct reader *r, struct fetch *f, int rc, int64_t next)
{
    reader_done_fn done = f->done;
    void *arg = f->arg;

    drop(r, f);
    loop_hook_arm(r->hook);
    done(arg, rc, next);
}

/* The library drops what it fetched and we do not want. */
static void stop(struct reader *r, struct fetch *f)
{
    if (f->active)
        (void)rd_kafka_consume_stop(r->topic_handle, f->partition);
    f->active = false;
}

static void drop(struct reader *r, struct fetch *f)
{
    struct fetch **at = &r->fetches;

    stop(r, f);
    while (*at != f)
        at = &(*at)->later;
    *at = f->later;
    r->fetch_count--;
    free(f);
    if (r->fetches == NULL)
        loop_timer_stop(r->timer);
}

static struct fetch *find_active(const struct reader *r, int32_t partition)
{
    for (struct fetch *f = r->fetches; f != NULL; f = f->later)
        if (f->active && f->partition == partition)
            return f;
    return NULL;
}

static struct fetch *first_late(const struct reader *r)
{
    int64_t now = clock_ms();

    for (struct fetch *f = r->fetches; f != NULL; f = f->later)
        if (f->active && now > f->deadline)
            return f;
    return NULL;
}

static void tick(void *arg)
{
    struct reader *r = arg;
    struct fetch *f;

    while ((f = first_late(r)) != NULL)
        finish(r, f, FAIL_TIMEOUT, f->next);
    work(r);
}

/* ---- Starts and ends. ---- */

int reader_offsets(struct reader *r, int32_t partition, reader_offsets_fn done,
                   void *arg)
{
    CHECK(partition >= 0 && done != NULL);
    if (r->closing)
        return FAIL_FULL;
    return kafka_offsets_give(r->offsets, partition, done, arg);
}

/*
 * A fetch began outside the log of the broker that was asked. When it lies
 * inside now, that broker was behind for a moment: nothing is gone.
 */
static void gone(void *arg, int rc, int64_t start, int64_t end)
{
    struct fetch *f = arg;
    struct reader *r = f->r;

    f->asking = false;
    if (f->cancelled)
        drop(r, f);
    else if (rc < 0 || (start <= f->next && f->next <= end))
        finish(r, f, FAIL_UNREACHABLE, f->next);
    else
        finish(r, f, FAIL_GONE, f->next < start ? start : end);
}

/* ---- The end. ---- */

void reader_close(struct reader *r, loop_fn closed, void *arg)
{
    if (r == NULL) {
        if (closed != NULL)
            closed(arg);
        return;
    }
    CHECK(!r->closing);
    r->closing = true;
    r->closed = closed;
    r->closed_arg = arg;
    loop_hook_arm(r->hook);
}

static void end_when_quiet(struct reader *r)
{
    kafka_offsets_refuse(r->offsets);
    while (r->fetches != NULL) {
        if (r->fetches->cancelled)
            drop(r, r->fetches);
        else
            finish(r, r->fetches, FAIL_UNREACHABLE, r->fetches->next);
    }
    r->ending = true;
    /* A question that is being asked uses the handle. */
    kafka_offsets_close(r->offsets, end, r);
}

static void end(void *arg)
{
    struct reader *r = arg;

    r->offsets = NULL;
    kafka_wire_close(r->wire);
    r->wire = NULL;
    rd_kafka_queue_destroy(r->queue);
    r->queue = NULL;
    rd_kafka_topic_destroy(r->topic_handle);
    r->topic_handle = NULL;
    kafka_handle_end(r->loop, r->handle, END_MS, ended, r);
}

static void ended(void *arg)
{
    struct reader *r = arg;
    loop_fn closed = r->closed;
    void *closed_arg = r->closed_arg;

    r->handle = NULL;
    free_reader(r);
    if (closed != NULL)
        closed(closed_arg);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* Also one that was opened half. */
static void free_reader(struct reader *r)
{
    if (r->offsets != NULL)
        kafka_offsets_close(r->offsets, nothing, NULL);
    kafka_wire_close(r->wire);
    loop_hook_close(r->hook);
    loop_timer_close(r->timer);
    if (r->queue != NULL)
        rd_kafka_queue_destroy(r->queue);
    if (r->topic_handle != NULL)
        rd_kafka_topic_destroy(r->topic_handle);
    if (r->handle != NULL)
        rd_kafka_destroy(r->handle);
    free(r->topic);
    free(r->header);
    free(r);
}
