/*
 * notifier/gateway/source.h: where results come from: Redis, else the topic.
 *
 * Starts from the last results of each partition in Kafka, then listens to
 * Redis. When Redis says nothing about a partition for a while (it is away, or
 * no notifier lives), the topic itself is read along until it speaks again.
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_SOURCE_H
#define NOTIFIER_GATEWAY_SOURCE_H

#include "consumer/base/loop.h"
#include "notifier/gateway/intake.h"

struct source;
struct kafka_config;
struct reader;

struct source_hooks {
    /* One new result, in order within its partition. */
    void (*event)(void *arg, const struct run_event *e);
    /* All partitions are known now: clients may be served. */
    void (*ready)(void *arg);
    /* Results were missed for good, or the log is another one: whoever listens
     * must be told and come again. Not ready until ready() is called again. */
    void (*broken)(void *arg, const char *why);
};

struct source_options {
    struct loop *loop;
    const struct kafka_config *config; /* borrowed while open */
    const char *topic;                 /* borrowed while open */
    const char *redis_url;
    size_t ring_count_max, ring_bytes_max; /* 0: the ring's own */
    struct source_hooks hooks;
    void *arg;
};

/*
 * Returns 0, or FAIL_SETTING (it is logged), FAIL_SYSTEM. Nobody needs to
 * answer yet.
 */
int source_open(const struct source_options *o, struct source **out) MUST_CHECK;
void source_close(struct source *s);

/* NULL until the topic is known. Changes with broken(). */
const struct intake *source_intake(const struct source *s);

/* For reading ranges of the same topic. Lives as long as the source. */
struct reader *source_reader(const struct source *s);

/* Ready, and Redis or Kafka answers. Otherwise says why not. */
bool source_ready(const struct source *s, struct buffer *why);

/* Redis carries runs; the topic is read along. */
bool source_redis(const struct source *s);
bool source_tailing(const struct source *s);

#endif
