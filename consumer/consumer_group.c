/*
 * consumer/consumer_group.c: whose the partitions are, and from where each is
 * read.
 *
 *      group says: 0, 1, 2 are yours     assign(nothing), assigned()
 *      ... the stage reads positions ...
 *      consumer_start(0@88100, ...)      assign(0@88100, ...)
 *      group says: give them back        assign(nothing), revoked()
 *
 * Deferring the real assignment keeps the callback short: positions come from a
 * database, which may be slow, and the group waits for nobody.
 *
 * From: the group, inside the library's poll; the stage.
 * To:   consumer/assignment.c for what is where; consumer/kafka_assign.c to say
 *       it to the library.
 */
#include "consumer/consumer_state.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/kafka_assign.h"
#include "schemas/base/fail.h"

enum { ASSIGN_MS_LATE = 10000, ASSIGN_MS_AGAIN = 30000 };

static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t event,
                         rd_kafka_topic_partition_list_t *list, void *opaque);
static void take_partitions(struct consumer *c,
                            const rd_kafka_topic_partition_list_t *list);
static void drop_partitions(struct consumer *c);
static void resume_all(struct consumer *c);

void consumer_hear_rebalances(struct rd_kafka_conf_s *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

int consumer_subscribe(struct consumer *c)
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

/* It replaces the library's own, so it always assigns. */
static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t event,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct consumer *c = opaque;

    if (event == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS &&
        c->state == CONSUMER_OPEN) {
        kafka_assign_nothing(handle);
        take_partitions(c, list);
        return;
    }
    if (event != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS &&
        c->state == CONSUMER_OPEN)
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
    c->watch.connected = true; /* a coordinator gave them */
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
    if (!owned || c->state != CONSUMER_OPEN)
        return;
    log_info("consumer.revoked", "client=%s count=%zu lost=%d", c->name, count,
             lost);
    c->events->revoked(c->arg, lost);
}

void consumer_start(struct consumer *c, const struct consumer_place *places,
                    size_t count)
{
    if (c->state != CONSUMER_OPEN || !c->owns)
        return;
    resume_all(c);
    (void)assignment_start(&c->parts, places, count, c->grouped);
    consumer_assign_all(c);
}

void consumer_restart(struct consumer *c, int32_t partition, int64_t offset)
{
    struct assignment_part *p = assignment_find_started(&c->parts, partition);

    if (c->state != CONSUMER_OPEN || p == NULL)
        return;
    if (assignment_resume(p) != ASSIGNMENT_RESUME_NOTHING)
        kafka_resume(c->handle, c->topic, partition);
    p->missed = false;
    p->stuck = false;
    p->next = offset;
    consumer_ask_again(c);
}

void consumer_ask_again(struct consumer *c)
{
    c->again = true;
    loop_hook_arm(c->hook);
}

void consumer_assign_all(struct consumer *c)
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

    if (c->state != CONSUMER_OPEN || p == NULL || p->paused)
        return;
    kafka_pause(c->handle, c->topic, partition);
    p->paused = true;
}

/* Only what is paused is resumed: 2.0.2 rewinds a partition that is not. */
void consumer_resume(struct consumer *c, int32_t partition)
{
    struct assignment_part *p = assignment_find_started(&c->parts, partition);
    enum assignment_resume how;

    if (c->state != CONSUMER_OPEN || p == NULL)
        return;
    how = assignment_resume(p);
    if (how != ASSIGNMENT_RESUME_NOTHING)
        kafka_resume(c->handle, c->topic, partition);
    if (how == ASSIGNMENT_RESUME_AGAIN)
        consumer_ask_again(c);
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

    if (c->state == CONSUMER_OPEN && c->grouped && p != NULL)
        p->commit = offset;
}

static void committed_answered(void *arg, int rc,
                               const struct consumer_place *places,
                               size_t count)
{
    struct consumer *c = arg;

    c->asking = false;
    if (c->state == CONSUMER_OPEN)
        c->committed(c->committed_arg, rc, places, count);
    else if (c->state == CONSUMER_ENDING)
        consumer_end(c);
}

int consumer_committed(struct consumer *c, consumer_committed_fn done,
                       void *arg)
{
    if (c->state != CONSUMER_OPEN || !c->grouped || !c->owns)
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

/* A member that is never given anything, not even nothing, is stuck. */
void consumer_watch_group(struct consumer *c)
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
        if (consumer_subscribe(c) < 0)
            log_error("consumer.trouble", "client=%s why=%s", c->name,
                      LOG_TEXT(c->why));
    }
}
