/*
 * consumer/kafka_assign.c: our assignment, said to the library.
 *
 * The library's calls take lists of topic and partition; this file makes them.
 * Assigning bumps a version of each partition inside the library, which drops
 * what was fetched before: the reason why a restart is an assignment and not a
 * seek, which 2.0.2 gets wrong.
 *
 * From: consumer/consumer.c.
 * To:   librdkafka; consumer/offload.c for the one call that blocks.
 */
#include "consumer/kafka_assign.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/offload.h"
#include "schemas/base/fail.h"

enum { COMMITTED_MS = 5000 };

static int64_t library_offset(int64_t offset)
{
    switch (offset) {
    case CONSUMER_END:
        return RD_KAFKA_OFFSET_END;
    case CONSUMER_BEGIN:
        return RD_KAFKA_OFFSET_BEGINNING;
    case CONSUMER_COMMITTED:
        return RD_KAFKA_OFFSET_STORED;
    default:
        CHECK(offset >= 0);
        return offset;
    }
}

int kafka_assign(struct rd_kafka_s *handle, const char *topic,
                 const struct assignment *a, char out_why[KAFKA_WHY_MAX + 1])
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)a->count);
    rd_kafka_resp_err_t error;

    for (size_t i = 0; i < a->count; i++) {
        const struct assignment_part *p = &a->parts[i];
        if (p->started && !p->stuck)
            rd_kafka_topic_partition_list_add(list, topic, p->id)->offset =
                library_offset(p->next);
    }
    kafka_settle(handle);
    error = rd_kafka_assign(handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    snprintf(out_why, KAFKA_WHY_MAX + 1, "assign: %s", rd_kafka_err2str(error));
    return FAIL_BROKEN;
}

void kafka_assign_nothing(struct rd_kafka_s *handle)
{
    rd_kafka_topic_partition_list_t *none =
        rd_kafka_topic_partition_list_new(0);

    kafka_settle(handle);
    (void)rd_kafka_assign(handle, none);
    rd_kafka_topic_partition_list_destroy(none);
}

void kafka_unassign(struct rd_kafka_s *handle)
{
    kafka_settle(handle);
    (void)rd_kafka_assign(handle, NULL);
}

/*
 * What one assignment stops is stopped by two steps of the library's main
 * thread:
 *
 *      assign()      -> [stop 0, stop 1]             -> returns to us
 *      question 1    -> [stopped 0, stopped 1]       -> answered
 *      question 2    -> []                           -> answered
 *
 * Another assign() before the second step finds partitions that are neither
 * started nor stopped, and the library's own assertion ends the process (seen
 * in 2.0.2; newer ones read the same). Each question is answered by that thread
 * after everything before it in its queue.
 */
void kafka_settle(struct rd_kafka_s *handle)
{
    rd_kafka_topic_partition_list_t *list;

    for (int i = 0; i < 2; i++)
        if (rd_kafka_assignment(handle, &list) == RD_KAFKA_RESP_ERR_NO_ERROR)
            rd_kafka_topic_partition_list_destroy(list);
}

static rd_kafka_topic_partition_list_t *list_of(const char *topic,
                                                int32_t partition)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, topic, partition);
    return list;
}

void kafka_pause(struct rd_kafka_s *handle, const char *topic,
                 int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = list_of(topic, partition);

    (void)rd_kafka_pause_partitions(handle, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_resume(struct rd_kafka_s *handle, const char *topic,
                  int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = list_of(topic, partition);

    (void)rd_kafka_resume_partitions(handle, list);
    rd_kafka_topic_partition_list_destroy(list);
}

void kafka_commit(struct rd_kafka_s *handle, const char *topic,
                  struct assignment *a)
{
    rd_kafka_topic_partition_list_t *list = NULL;

    for (size_t i = 0; i < a->count; i++) {
        struct assignment_part *p = &a->parts[i];
        if (p->commit < 0)
            continue;
        if (list == NULL)
            list = rd_kafka_topic_partition_list_new((int)a->count);
        rd_kafka_topic_partition_list_add(list, topic, p->id)->offset =
            p->commit;
        p->commit = -1;
    }
    if (list == NULL)
        return;
    (void)rd_kafka_commit(handle, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
}

/* ---- What is committed: a call that blocks. ---- */

struct question {
    rd_kafka_t *handle;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t error;
    consumer_committed_fn done;
    void *arg;
};

static void ask(void *job)
{
    struct question *q = job;

    q->error = rd_kafka_committed(q->handle, q->list, COMMITTED_MS);
}

static void answered(void *job, bool finished)
{
    struct question *q = job;
    size_t count = (size_t)q->list->cnt;
    struct consumer_place *places = calloc(count, sizeof(*places));

    CHECK(finished && places != NULL);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *p = &q->list->elems[i];
        places[i].partition = p->partition;
        places[i].offset = p->offset < 0 ? -1 : p->offset;
    }
    if (q->error == RD_KAFKA_RESP_ERR_NO_ERROR)
        q->done(q->arg, 0, places, count);
    else
        q->done(q->arg, FAIL_UNREACHABLE, NULL, 0);
    rd_kafka_topic_partition_list_destroy(q->list);
    free(places);
    free(q);
}

int kafka_committed(struct loop *l, struct rd_kafka_s *handle,
                    const char *topic, const struct assignment *a,
                    consumer_committed_fn done, void *arg)
{
    static const struct offload_work work = {
        .name = "consumer.committed", .run = ask, .done = answered};
    struct question *q;

    if (a->count == 0)
        return FAIL_UNSUPPORTED;
    q = calloc(1, sizeof(*q));
    CHECK(q != NULL);
    q->handle = handle;
    q->list = rd_kafka_topic_partition_list_new((int)a->count);
    q->done = done;
    q->arg = arg;
    for (size_t i = 0; i < a->count; i++)
        rd_kafka_topic_partition_list_add(q->list, topic, a->parts[i].id);
    if (offload(l, &work, q) == 0)
        return 0;
    rd_kafka_topic_partition_list_destroy(q->list);
    free(q);
    return FAIL_SYSTEM;
}
