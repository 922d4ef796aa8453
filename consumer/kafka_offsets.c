/*
 * consumer/kafka_offsets.c: where partitions start and end, asked one at a time
 * beside the loop.
 *
 * The library's call blocks, so each question has a thread while it is asked;
 * the others wait in order.
 *
 * From: consumer/reader.c.
 * To:   consumer/kafka_facts.c on a thread, by consumer/offload.c.
 */
#include "consumer/kafka_offsets.h"

#include <stdlib.h>

#include "consumer/kafka_handle.h"
#include "consumer/offload.h"
#include "schemas/base/fail.h"

enum { DEADLINE_MS_MAX = 5000, AGAIN_MS = 200 };

struct question {
    struct kafka_offsets *q;
    int32_t partition;
    reader_offsets_fn done; /* NULL: answered already, or cancelled */
    void *arg;
    int rc;
    int64_t start, end;
    struct question *later;
};

struct kafka_offsets {
    struct loop *loop;
    struct rd_kafka_s *handle;
    const char *topic;
    size_t count_max;
    int deadline_ms;
    struct loop_timer *timer;   /* to try again when there was no thread */
    struct question *questions; /* oldest first; the first is being asked */
    size_t count;
    bool asking;
    loop_fn closed; /* set: closing */
    void *closed_arg;
};

static void ask_next(void *arg);
static void ask_on_thread(void *job);
static void answered(void *job, bool finished);
static void take_first(struct kafka_offsets *q);
static void end(struct kafka_offsets *q);

struct kafka_offsets *kafka_offsets_open(struct loop *l,
                                         struct rd_kafka_s *handle,
                                         const char *topic, size_t count_max,
                                         int deadline_ms)
{
    struct kafka_offsets *q = calloc(1, sizeof(*q));

    CHECK(q != NULL);
    q->loop = l;
    q->handle = handle;
    q->topic = topic;
    q->count_max = count_max;
    q->deadline_ms =
        deadline_ms > DEADLINE_MS_MAX ? DEADLINE_MS_MAX : deadline_ms;
    q->timer = loop_timer_open(l, "kafka.offsets", ask_next, q);
    return q;
}

int kafka_offsets_give(struct kafka_offsets *q, int32_t partition,
                       reader_offsets_fn done, void *arg)
{
    struct question **last = &q->questions;
    struct question *one;

    CHECK(q->closed == NULL);
    if (q->count == q->count_max)
        return FAIL_FULL;
    one = calloc(1, sizeof(*one));
    CHECK(one != NULL);
    *one = (struct question){
        .q = q, .partition = partition, .done = done, .arg = arg};
    while (*last != NULL)
        last = &(*last)->later;
    *last = one;
    q->count++;
    ask_next(q);
    return 0;
}

static void ask_next(void *arg)
{
    static const struct offload_work work = {
        .name = "kafka.offsets", .run = ask_on_thread, .done = answered};
    struct kafka_offsets *q = arg;

    if (q->asking || q->questions == NULL)
        return;
    q->asking = offload(q->loop, &work, q->questions) == 0;
    if (!q->asking)
        loop_timer_start(q->timer, AGAIN_MS, 0);
}

static void ask_on_thread(void *job)
{
    struct question *one = job;

    one->rc = kafka_offsets_ask(one->q->handle, one->q->topic, one->partition,
                                one->q->deadline_ms, &one->start, &one->end);
}

static void answered(void *job, bool finished)
{
    struct question *one = job;
    struct kafka_offsets *q = one->q;
    struct question answer = *one;

    CHECK(finished && q->questions == one);
    q->asking = false;
    take_first(q);
    if (q->closed != NULL) {
        end(q);
        return;
    }
    ask_next(q);
    if (answer.done != NULL)
        answer.done(answer.arg, answer.rc, answer.start, answer.end);
}

static void take_first(struct kafka_offsets *q)
{
    struct question *one = q->questions;

    q->questions = one->later;
    q->count--;
    free(one);
}

void kafka_offsets_cancel(struct kafka_offsets *q, const void *arg)
{
    for (struct question *one = q->questions; one != NULL; one = one->later)
        if (one->arg == arg)
            one->done = NULL;
}

void kafka_offsets_refuse(struct kafka_offsets *q)
{
    for (struct question *one = q->questions; one != NULL; one = one->later) {
        reader_offsets_fn done = one->done;
        one->done = NULL;
        if (done != NULL)
            done(one->arg, FAIL_UNREACHABLE, -1, -1);
    }
}

void kafka_offsets_close(struct kafka_offsets *q, loop_fn closed, void *arg)
{
    CHECK(closed != NULL);
    q->closed = closed;
    q->closed_arg = arg;
    if (!q->asking)
        end(q);
}

static void end(struct kafka_offsets *q)
{
    loop_fn closed = q->closed;
    void *arg = q->closed_arg;

    while (q->questions != NULL) {
        CHECK(q->questions->done == NULL);
        take_first(q);
    }
    loop_timer_close(q->timer);
    free(q);
    closed(arg);
}
