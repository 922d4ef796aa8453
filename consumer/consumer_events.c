/*
 * consumer/consumer_events.c: what arrives from the library: records, ends, and
 * trouble.
 *
 * One turn handles at most RECORDS_MAX records or TURN_NS, and goes on in the
 * next: other work of the loop comes in between.
 *
 * From: the library's queue, by consumer/kafka_handle.c.
 * To:   the stage's record(), end(), out_of_range(), gone(), failed().
 */
#include "consumer/consumer_state.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "schemas/base/fail.h"

enum { RECORDS_MAX = 2000, TURN_NS = 5000000, CLOCK_EVERY = 16 };

static void handle_message(struct consumer *c, rd_kafka_message_t *m);
static void handle_error(struct consumer *c, rd_kafka_message_t *m);
static void out_of_range(struct consumer *c, struct assignment_part *p,
                         const char *why);
static void all_gone(struct consumer *c);
static void fail(struct consumer *c, int code, const char *why);

void consumer_drain(void *arg)
{
    struct consumer *c = arg;
    int64_t started = clock_ns();

    if (c->state == CONSUMER_OPEN && c->again)
        consumer_assign_all(c);
    c->draining = true;
    for (int count = 0; c->state == CONSUMER_OPEN; count++) {
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
    if (c->state == CONSUMER_LEAVING)
        consumer_leave(c);
}

/* Takes the message. */
static void handle_message(struct consumer *c, rd_kafka_message_t *m)
{
    struct record r;

    if (c->state != CONSUMER_OPEN || m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (c->state == CONSUMER_OPEN)
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
        consumer_on_error(c->handle, m->err, rd_kafka_message_errstr(m), c);
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
    p->stuck = true;
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

void consumer_on_error(rd_kafka_t *handle, int error, const char *reason,
                       void *opaque)
{
    struct consumer *c = opaque;

    if (c->state != CONSUMER_OPEN)
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

int consumer_on_stats(rd_kafka_t *handle, char *json, size_t count,
                      void *opaque)
{
    struct consumer *c = opaque;

    (void)handle;
    kafka_watch_take(&c->watch, bytes_of(json, count));
    return 0; /* the library frees it */
}
