/*
 * consumer/consumer.c: one topic, read on the loop, by a group or alone.
 *
 *      group says: 0, 1, 2 are yours     assign(nothing), assigned()
 *      ... the caller reads positions ...
 *      consumer_start(0@88100, ...)      assign(0@88100, ...)
 *      eventfd -> drain()                record(), record(), ..., end()
 *      group says: give them back        assign(nothing), revoked()
 *
 * Deferring the real assignment keeps the callback short: positions come from a
 * database, which may be slow, and the group waits for nobody.
 *
 * One turn handles at most RECORDS_MAX records or TURN_NS, and goes on in the
 * next: other work of the loop comes in between.
 *
 * From: verifier/pipeline.c, notifier: what they do with a record.
 * To:   consumer/assignment.c for what is where; consumer/kafka_assign.c to say
 *       it to the library; consumer/kafka_handle.c for the handle.
 */
#include "consumer/consumer.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/assignment.h"
#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/kafka_assign.h"
#include "consumer/kafka_handle.h"
#include "schemas/base/fail.h"

enum {
    RECORDS_MAX = 2000,
    TURN_NS = 5000000,
    CLOCK_EVERY = 16,
    TICK_MS = 1000,
    TICK_MS_CLOSING = 20,
    ASSIGN_MS_LATE = 10000,
    ASSIGN_MS_AGAIN = 30000,
    LEAVE_MS = 4000,
    END_MS = 4000
};

struct consumer {
    struct loop *loop;
    rd_kafka_t *handle;
    rd_kafka_queue_t *queue;
    struct kafka_wire *wire;
    struct loop_hook *hook;   /* the rest of a turn's work */
    struct loop_timer *timer; /* commits, liveness, leaving */
    struct kafka_watch watch;
    const char *name;
    char *topic;
    char *header; /* NULL: none */
    bool grouped;
    bool owns;         /* between assigned() and revoked(), or without group */
    int64_t waited_ms; /* since when no assignment came; monotonic */
    bool waited_said;
    enum consumer_reset reset;
    bool again; /* assign again before the next record */
    struct assignment parts;
    bool asking; /* for committed offsets */
    consumer_committed_fn committed;
    void *committed_arg;
    const struct consumer_events *events;
    void *arg;
    bool failed;
    bool draining; /* inside the library's poll */
    enum { OPEN, LEAVING, ENDING } state;
    int64_t leave_deadline; /* monotonic */
    loop_fn closed;
    void *closed_arg;
    char why[KAFKA_WHY_MAX + 1];
};

static int make_conf(const struct consumer_options *o, struct consumer *c,
                     rd_kafka_conf_t **out);
static int make_handle(struct consumer *c, rd_kafka_conf_t *conf,
                       const char *group);
static int subscribe(struct consumer *c);
static void drain(void *arg);
static void ask_for_again(struct consumer *c);
static void handle_message(struct consumer *c, rd_kafka_message_t *m);
static void handle_error(struct consumer *c, rd_kafka_message_t *m);
static void out_of_range(struct consumer *c, struct assignment_part *p,
                         const char *why);
static void all_gone(struct consumer *c);
static void fail(struct consumer *c, int code, const char *why);
static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t event,
                         rd_kafka_topic_partition_list_t *list, void *opaque);
static void on_error(rd_kafka_t *handle, int error, const char *reason,
                     void *opaque);
static int on_stats(rd_kafka_t *handle, char *json, size_t count, void *opaque);
static void take_partitions(struct consumer *c,
                            const rd_kafka_topic_partition_list_t *list);
static void drop_partitions(struct consumer *c);
static void assign_all(struct consumer *c);
static void resume_all(struct consumer *c);
static void tick(void *arg);
static void watch_for_assignment(struct consumer *c);
static void leave(struct consumer *c);
static void end(struct consumer *c);
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
    c->reset = o->reset;
    c->events = o->events;
    c->arg = o->arg;
    kafka_watch_init(&c->watch, o->name);
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
    rd_kafka_conf_set_rebalance_cb(*out, on_rebalance);
    rd_kafka_conf_set_error_cb(*out, on_error);
    rd_kafka_conf_set_stats_cb(*out, on_stats);
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
    c->hook = loop_hook_open(c->loop, "consumer.drain", drain, c);
    c->timer = loop_timer_open(c->loop, "consumer.tick", tick, c);
    rc = kafka_wire_open(c->loop, "consumer.drain", c->queue, drain, c,
                         &c->wire);
    if (rc == 0 && group != NULL)
        rc = subscribe(c);
    if (rc == 0)
        loop_timer_start(c->timer, TICK_MS, TICK_MS);
    return rc;
}

static int subscribe(struct consumer *c)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t error;

    rd_kafka_topic_partition_list_add(list, c->topic, RD_KAFKA_PARTITION_UA);
    error = rd_kafka_subscribe(c->handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    c->waited_ms = clock_ms();
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    snprintf(c->why, sizeof(c->why), "subscribe: %s", rd_kafka_err2str(error));
    return FAIL_SETTING;
}

/* ---- What arrives. ---- */

static void drain(void *arg)
{
    struct consumer *c = arg;
    int64_t started = clock_ns();

    if (c->state == OPEN && c->again)
        assign_all(c);
    c->draining = true;
    for (int count = 0; c->state == OPEN; count++) {
        rd_kafka_message_t *m;
        if (c->again || count == RECORDS_MAX ||
            (count % CLOCK_EVERY == CLOCK_EVERY - 1 &&
             clock_ns() - started > TURN_NS)) {
            loop_hook_arm(c->hook);
            break;
        }
        m = rd_kafka_consumer_poll(c->handle, 0);
        if (m == NULL)
            break;
        handle_message(c, m);
    }
    c->draining = false;
    if (c->state == LEAVING)
        leave(c);
}

/*
 * Before the next record, and once for all partitions that ask for it in one
 * turn: what the library holds for them now is not what they want.
 */
static void ask_for_again(struct consumer *c)
{
    c->again = true;
    loop_hook_arm(c->hook);
}

/* Takes the message. */
static void handle_message(struct consumer *c, rd_kafka_message_t *m)
{
    struct record r;

    if (c->state != OPEN || m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (c->state == OPEN)
            handle_error(c, m);
        rd_kafka_message_destroy(m);
        return;
    }
    if (!assignment_accept(&c->parts, m->partition, m->offset)) {
        rd_kafka_message_destroy(m);
        return;
    }
    kafka_record_take(m, c->header, &r);
    c->watch.connected = true;
    c->events->record(c->arg, &r);
}

static void handle_error(struct consumer *c, rd_kafka_message_t *m)
{
    struct assignment_part *p =
        assignment_find_started(&c->parts, m->partition);

    switch (m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (p == NULL || p->paused || p->stuck || m->offset < p->next)
            return;
        p->next = m->offset;
        if (c->events->end != NULL)
            c->events->end(c->arg, m->partition, m->offset);
        return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR__NO_OFFSET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        if (p != NULL && !p->stuck)
            out_of_range(c, p, rd_kafka_message_errstr(m));
        return;
    case RD_KAFKA_RESP_ERR__FATAL:
        fail(c, FAIL_BROKEN, rd_kafka_message_errstr(m));
        return;
    default:
        on_error(c->handle, m->err, rd_kafka_message_errstr(m), c);
    }
}

/* A committed offset that is not there is the ordinary first start. */
static void out_of_range(struct consumer *c, struct assignment_part *p,
                         const char *why)
{
    int64_t wanted = p->next;

    log_warn("consumer.out_of_range",
             "client=%s partition=%d offset=%lld why=%s", c->name, (int)p->id,
             (long long)wanted, LOG_TEXT(why));
    if (c->reset != CONSUMER_RESET_ERROR) {
        p->next =
            c->reset == CONSUMER_RESET_END ? CONSUMER_END : CONSUMER_BEGIN;
        c->again = true;
        return;
    }
    p->stuck = true;
    if (c->events->out_of_range != NULL)
        c->events->out_of_range(c->arg, p->id, wanted);
}

static bool is_gone(int error)
{
    return error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/*
 * The library names the partition in words only, but there is one topic here,
 * and its partitions go together.
 */
static void all_gone(struct consumer *c)
{
    for (size_t i = 0; i < c->parts.count && c->events->gone != NULL; i++) {
        struct assignment_part *p = &c->parts.parts[i];
        if (!p->started || p->stuck)
            continue;
        p->stuck = true;
        log_warn("consumer.gone", "client=%s partition=%d", c->name,
                 (int)p->id);
        c->events->gone(c->arg, p->id);
    }
}

static void on_error(rd_kafka_t *handle, int error, const char *reason,
                     void *opaque)
{
    struct consumer *c = opaque;

    if (c->state != OPEN)
        return;
    if (error == RD_KAFKA_RESP_ERR__FATAL ||
        rd_kafka_fatal_error(handle, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        fail(c, FAIL_BROKEN, reason);
        return;
    }
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        c->watch.connected = false;
    snprintf(c->why, sizeof(c->why), "%s",
             reason != NULL ? reason
                            : rd_kafka_err2str((rd_kafka_resp_err_t)error));
    if (kafka_error_is_news(error) && kafka_log_allowed())
        log_warn("consumer.trouble", "client=%s why=%s", c->name,
                 LOG_TEXT(c->why));
    if (is_gone(error))
        all_gone(c);
}

/* Once: the handle is of no use afterwards. */
static void fail(struct consumer *c, int code, const char *why)
{
    if (c->failed)
        return;
    c->failed = true;
    snprintf(c->why, sizeof(c->why), "%s", why != NULL ? why : "fatal error");
    log_error("consumer.failed", "client=%s why=%s", c->name, LOG_TEXT(c->why));
    c->events->failed(c->arg, code, c->why);
}

static int on_stats(rd_kafka_t *handle, char *json, size_t count, void *opaque)
{
    struct consumer *c = opaque;

    (void)handle;
    kafka_watch_take(&c->watch, bytes_of(json, count));
    return 0; /* the library frees it */
}

/* ---- Whose partitions they are. ---- */

/* It replaces the library's own, so it always assigns. */
static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t event,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct consumer *c = opaque;

    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS && c->state == OPEN) {
        kafka_assign_nothing(handle);
        take_partitions(c, list);
        return;
    }
    if (event != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS && c->state == OPEN)
        log_warn("consumer.trouble", "client=%s why=%s", c->name,
                 LOG_TEXT(rd_kafka_err2str(event)));
    drop_partitions(c);
}

static void take_partitions(struct consumer *c,
                            const rd_kafka_topic_partition_list_t *list)
{
    size_t count = (size_t)list->cnt;
    int32_t *ids = calloc(count + 1, sizeof(*ids));

    CHECK(ids != NULL);
    for (size_t i = 0; i < count; i++)
        ids[i] = list->elems[i].partition;
    assignment_own(&c->parts, ids, count);
    c->owns = true;
    c->waited_said = false;
    log_info("consumer.assigned", "client=%s count=%zu", c->name, count);
    c->events->assigned(c->arg, ids, count);
    free(ids);
}

static void drop_partitions(struct consumer *c)
{
    bool lost = rd_kafka_assignment_lost(c->handle) != 0;
    bool owned = c->owns;
    size_t count = c->parts.count;

    if (!lost)
        kafka_commit(c->handle, c->topic, &c->parts);
    resume_all(c);
    kafka_unassign(c->handle);
    assignment_own(&c->parts, NULL, 0);
    c->again = false;
    c->owns = false;
    c->waited_ms = clock_ms();
    if (!owned || c->state != OPEN)
        return;
    log_info("consumer.revoked", "client=%s count=%zu lost=%d", c->name, count,
             lost);
    c->events->revoked(c->arg, lost);
}

void consumer_start(struct consumer *c, const struct consumer_place *places,
                    size_t count)
{
    if (c->state != OPEN || !c->owns)
        return;
    resume_all(c);
    (void)assignment_start(&c->parts, places, count, c->grouped);
    assign_all(c);
}

void consumer_restart(struct consumer *c, int32_t partition, int64_t offset)
{
    struct assignment_part *p = assignment_find_started(&c->parts, partition);

    if (c->state != OPEN || p == NULL)
        return;
    if (assignment_resume(p) != ASSIGNMENT_RESUME_NOTHING)
        kafka_resume(c->handle, c->topic, partition);
    p->missed = false;
    p->stuck = false;
    p->next = offset;
    ask_for_again(c);
}

static void assign_all(struct consumer *c)
{
    c->again = false;
    if (kafka_assign(c->handle, c->topic, &c->parts, c->why) < 0)
        log_error("consumer.trouble", "client=%s why=%s", c->name,
                  LOG_TEXT(c->why));
}

/* ---- Pausing. ---- */

void consumer_pause(struct consumer *c, int32_t partition)
{
    struct assignment_part *p = assignment_find_started(&c->parts, partition);

    if (c->state != OPEN || p == NULL || p->paused)
        return;
    kafka_pause(c->handle, c->topic, partition);
    p->paused = true;
}

/* Only what is paused is resumed: 2.0.2 rewinds a partition that is not. */
void consumer_resume(struct consumer *c, int32_t partition)
{
    struct assignment_part *p = assignment_find_started(&c->parts, partition);
    enum assignment_resume how;

    if (c->state != OPEN || p == NULL)
        return;
    how = assignment_resume(p);
    if (how != ASSIGNMENT_RESUME_NOTHING)
        kafka_resume(c->handle, c->topic, partition);
    if (how == ASSIGNMENT_RESUME_AGAIN)
        ask_for_again(c);
}

/* The library keeps its own mark of a pause beyond an assignment. */
static void resume_all(struct consumer *c)
{
    for (size_t i = 0; i < c->parts.count; i++)
        if (assignment_resume(&c->parts.parts[i]) != ASSIGNMENT_RESUME_NOTHING)
            kafka_resume(c->handle, c->topic, c->parts.parts[i].id);
}

/* ---- The group's offsets: advisory. ---- */

void consumer_commit(struct consumer *c, int32_t partition, int64_t offset)
{
    struct assignment_part *p = assignment_find_started(&c->parts, partition);

    if (c->state == OPEN && c->grouped && p != NULL)
        p->commit = offset;
}

static void committed_answered(void *arg, int rc,
                               const struct consumer_place *places,
                               size_t count)
{
    struct consumer *c = arg;

    c->asking = false;
    if (c->state == OPEN)
        c->committed(c->committed_arg, rc, places, count);
    else if (c->state == ENDING)
        end(c);
}

int consumer_committed(struct consumer *c, consumer_committed_fn done,
                       void *arg)
{
    if (c->state != OPEN || !c->grouped || !c->owns)
        return FAIL_UNSUPPORTED;
    if (c->asking)
        return FAIL_BUSY;
    if (kafka_committed(c->loop, c->handle, c->topic, &c->parts,
                        committed_answered, c) < 0)
        return FAIL_UNSUPPORTED;
    c->asking = true;
    c->committed = done;
    c->committed_arg = arg;
    return 0;
}

/* ---- Once a second. ---- */

static void tick(void *arg)
{
    struct consumer *c = arg;

    if (c->state == OPEN) {
        kafka_commit(c->handle, c->topic, &c->parts);
        watch_for_assignment(c);
        drain(c);
    } else if (c->state == LEAVING) {
        leave(c);
    }
}

/* A member that is never given anything, not even nothing, is stuck. */
static void watch_for_assignment(struct consumer *c)
{
    int64_t waited = clock_ms() - c->waited_ms;

    if (!c->grouped || c->owns || !c->watch.connected) {
        if (!c->watch.connected)
            c->waited_ms = clock_ms();
        return;
    }
    if (waited > ASSIGN_MS_LATE && !c->waited_said) {
        log_warn("consumer.unassigned", "client=%s ms=%lld", c->name,
                 (long long)waited);
        c->waited_said = true;
    }
    if (waited > ASSIGN_MS_AGAIN) {
        c->waited_said = false;
        (void)subscribe(c);
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
    CHECK(c->state == OPEN);
    kafka_commit(c->handle, c->topic, &c->parts);
    c->state = LEAVING;
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
static void leave(struct consumer *c)
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
    c->state = ENDING;
    loop_timer_stop(c->timer);
    if (!c->asking)
        end(c);
}

static void end(struct consumer *c)
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
    assignment_fini(&c->parts);
    free(c->topic);
    free(c->header);
    free(c);
}
