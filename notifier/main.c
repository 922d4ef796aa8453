/*
 * notifier/main.c: tidemill-notifier, from tx.results to Redis.
 *
 *   consumer --record--> publish --run--> redis
 *                           |
 *                   every second: heartbeats, committed offsets, lag
 *
 * Nothing is kept here that would be missed: a run that Redis does not take is
 * lost, its successor says so by `previous`, and gateways read the topic. So we
 * never wait for Redis, and go on from where the group left off.
 *
 * From: verifier/announce.c, which writes tx.results.
 * To:   notifier/gateway/intake.c, by way of Redis.
 */
#include <stdio.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/service.h"
#include "consumer/consumer.h"
#include "consumer/kafka.h"
#include "consumer/reader.h"
#include "notifier/publish.h"
#include "notifier/redis.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"

#define BEAT_MS 1000
/* Behind by more than the first: headers only; by less than the second: whole
 * runs again. */
#define BEHIND_FAR 10000
#define BEHIND_NEAR 1000
#define REOPEN_MS 1000

static const char *brokers;
static const char *topic;
static const char *redis_url;

static const struct setting settings[] = {
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "host:port,host:port of Kafka"),
    SETTING_TEXT("TOPIC_RESULTS", &topic, NAMES_TOPIC_RESULTS,
                 "topic of results"),
    SETTING_TEXT_ALIAS("REDIS_URL", "REDIS_URL", &redis_url,
                       "redis://127.0.0.1:6379",
                       "Redis that carries runs to the gateways"),
};

#define NAMES_KNOWN(name) name,
static const char *const known[] = {NAMES_SETTINGS(NAMES_KNOWN)};

struct notifier {
    struct service *service;
    struct loop *loop;
    struct kafka_config config;
    struct consumer *consumer;
    struct reader *reader; /* asks how far the topic goes */
    struct redis *redis;
    struct publish *publish;
    struct loop_hook *flush;
    struct loop_timer *beat;
    struct loop_timer *reopen;
    int32_t partitions[PUBLISH_PARTITIONS_MAX];
    int64_t behind[PUBLISH_PARTITIONS_MAX];
    size_t count;
    bool asking;   /* reader_offsets() under way */
    size_t asked;  /* place in `partitions` of that question */
    uint64_t lost; /* runs that Redis did not take */
    uint64_t sent; /* runs and heartbeats that it was given */
    struct metric *runs, *events, *foreign, *dropped, *lag, *redis_is_up;
};

static int start(struct service *s);
static void drain(struct service *s);
static void stop(struct service *s);
static bool ready(struct service *s, struct buffer *why);
static void status(struct service *s, struct buffer *json);
static int open_redis(struct notifier *n);
static int open_consumer(struct notifier *n);
static void assigned(void *arg, const int32_t *partitions, size_t count);
static void revoked(void *arg, bool lost);
static void record(void *arg, struct record *r);
static void end(void *arg, int32_t partition, int64_t offset);
static void out_of_range(void *arg, int32_t partition, int64_t offset);
static void failed(void *arg, int code, const char *why);
static void reopen(void *arg);
static void flush(void *arg);
static void send_run(void *arg, int32_t partition, struct bytes run);
static void beat(void *arg);
static void commit(void *arg, int32_t partition, int64_t next);
static void ask_behind(struct notifier *n);
static void told_behind(void *arg, int rc, int64_t first, int64_t past);
static void redis_changed(void *arg, bool up, const char *why);
static void measure(void *arg);

static const struct consumer_events consumer_events = {
    .assigned = assigned,
    .revoked = revoked,
    .record = record,
    .end = end,
    .out_of_range = out_of_range,
    .failed = failed,
};

int main(int argc, char **argv)
{
    static const struct program program = {
        .name = "tidemill-notifier",
        .about = "publishes results to Redis, in runs",
        .settings = settings,
        .settings_count = sizeof(settings) / sizeof(settings[0]),
        .known = known,
        .known_count = sizeof(known) / sizeof(known[0]),
        .state_bytes = sizeof(struct notifier),
        .start = start,
        .drain = drain,
        .stop = stop,
        .ready = ready,
        .status = status,
    };

    return service_main(&program, argc, argv);
}

static int start(struct service *s)
{
    struct notifier *n = service_state(s);
    struct buffer why;
    int rc;

    n->service = s;
    n->loop = service_loop(s);
    n->publish = publish_open(send_run, n);
    n->flush = loop_hook_open(n->loop, "notifier.flush", flush, n);
    n->beat = loop_timer_open(n->loop, "notifier.beat", beat, n);
    n->reopen = loop_timer_open(n->loop, "notifier.reopen", reopen, n);
    n->runs = metric_counter("tidemill_notifier_runs_total", NULL,
                             "runs handed to Redis");
    n->events = metric_counter("tidemill_notifier_events_total", NULL,
                               "results in those runs");
    n->foreign = metric_counter("tidemill_notifier_foreign_total", NULL,
                                "records of the topic that are no results");
    n->dropped = metric_counter("tidemill_notifier_dropped_total", NULL,
                                "runs and heartbeats Redis did not take");
    n->lag = metric_gauge("tidemill_notifier_behind", NULL,
                          "results in the topic that were not handed on");
    n->redis_is_up =
        metric_gauge("tidemill_redis_up", NULL, "1 while Redis takes runs");
    metrics_before(measure, n);

    buffer_init(&why, 1024);
    rc = kafka_config_init(&n->config, brokers, &why);
    if (rc < 0)
        log_error("notifier.setting", "why=%s", LOG_QUOTE(buffer_bytes(&why)));
    buffer_fini(&why);
    if (rc == 0)
        rc = open_redis(n);
    if (rc == 0)
        rc = open_consumer(n);
    if (rc == 0)
        loop_timer_start(n->beat, BEAT_MS, BEAT_MS);
    return rc;
}

static int open_redis(struct notifier *n)
{
    struct redis_options o = {
        .loop = n->loop,
        .name = "publish",
        .url = redis_url,
        .state = redis_changed,
        .arg = n,
    };
    const char *why = "";
    int rc = redis_open(&o, &n->redis, &why);

    if (rc < 0)
        log_error("notifier.setting", "name=REDIS_URL why=%s", LOG_TEXT(why));
    return rc;
}

static int open_consumer(struct notifier *n)
{
    struct consumer_options o = {
        .loop = n->loop,
        .config = &n->config,
        .name = "notifier",
        .topic = topic,
        .group = NAMES_GROUP_NOTIFIER,
        .header = NAMES_HEADER_RECORD,
        .events = &consumer_events,
        .arg = n,
    };
    struct reader_options r = {
        .loop = n->loop,
        .config = &n->config,
        .name = "notifier-lag",
        .topic = topic,
    };
    int rc = consumer_open(&o, &n->consumer);

    if (rc == 0 && n->reader == NULL)
        rc = reader_open(&r, &n->reader);
    return rc;
}

static void drain(struct service *s)
{
    struct notifier *n = service_state(s);

    publish_flush(n->publish);
    publish_progress(n->publish, commit, n);
    service_drained(s);
}

static void stop(struct service *s)
{
    struct notifier *n = service_state(s);

    metrics_forget(n);
    loop_hook_close(n->flush);
    loop_timer_close(n->beat);
    loop_timer_close(n->reopen);
    consumer_close(n->consumer, NULL, NULL);
    if (n->reader != NULL)
        reader_cancel(n->reader, n);
    reader_close(n->reader, NULL, NULL);
    redis_close(n->redis);
    publish_close(n->publish);
    kafka_config_fini(&n->config);
}

static bool ready(struct service *s, struct buffer *why)
{
    const struct notifier *n = service_state(s);

    if (!redis_up(n->redis)) {
        buffer_append_text(why, "redis: not connected");
        return false;
    }
    if (n->consumer == NULL || !consumer_connected(n->consumer)) {
        buffer_append_text(why, "kafka: no broker answers");
        return false;
    }
    return true;
}

static void status(struct service *s, struct buffer *json)
{
    const struct notifier *n = service_state(s);
    const struct publish_counts *c = publish_counts(n->publish);

    buffer_append_format(
        json,
        "{\"partitions\":%zu,\"runs\":%llu,\"events\":%llu,\"foreign\":%llu,"
        "\"headers_only\":%llu,\"dropped\":%llu,\"redis\":%s}",
        n->count, (unsigned long long)c->runs, (unsigned long long)c->events,
        (unsigned long long)c->foreign, (unsigned long long)c->headers_only,
        (unsigned long long)n->lost, redis_up(n->redis) ? "true" : "false");
}

static void assigned(void *arg, const int32_t *partitions, size_t count)
{
    struct notifier *n = arg;
    struct consumer_place places[PUBLISH_PARTITIONS_MAX];

    publish_stop(n->publish);
    n->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (partitions[i] >= PUBLISH_PARTITIONS_MAX) {
            log_error("notifier.partition_refused", "partition=%d max=%d",
                      (int)partitions[i], PUBLISH_PARTITIONS_MAX);
            continue;
        }
        publish_start(n->publish, partitions[i]);
        n->behind[n->count] = 0;
        n->partitions[n->count] = partitions[i];
        places[n->count] =
            (struct consumer_place){partitions[i], CONSUMER_COMMITTED};
        n->count++;
    }
    log_info("notifier.assigned", "partitions=%zu", n->count);
    consumer_start(n->consumer, places, n->count);
}

static void revoked(void *arg, bool lost)
{
    struct notifier *n = arg;

    if (!lost) {
        publish_flush(n->publish);
        publish_progress(n->publish, commit, n);
    }
    publish_stop(n->publish);
    n->count = 0;
    log_info("notifier.revoked", "lost=%s", lost ? "true" : "false");
}

static void record(void *arg, struct record *r)
{
    struct notifier *n = arg;

    publish_record(n->publish, r->partition, r->offset, r->value, r->header);
    record_release(r);
    loop_hook_arm(n->flush);
}

static void end(void *arg, int32_t partition, int64_t offset)
{
    struct notifier *n = arg;

    publish_reached(n->publish, partition, offset);
}

/*
 * Nothing is committed yet, or a broker does not have what comes next: a new
 * leader that is behind for a moment, a topic that has forgotten it. We go on
 * at the end. What lies between is in no run, so the chain begins anew and
 * gateways read the topic; a run that followed the last one would say that
 * there was nothing.
 */
static void out_of_range(void *arg, int32_t partition, int64_t offset)
{
    struct notifier *n = arg;

    (void)offset;
    publish_start(n->publish, partition);
    consumer_restart(n->consumer, partition, CONSUMER_END);
}

/* Fatal for the consumer, not for us: another one takes its place. */
static void failed(void *arg, int code, const char *why)
{
    struct notifier *n = arg;

    log_error("notifier.consumer_failed", "code=%s why=%s", fail_name(code),
              LOG_TEXT(why));
    publish_stop(n->publish);
    n->count = 0;
    loop_timer_start(n->reopen, REOPEN_MS, 0);
}

static void reopen(void *arg)
{
    struct notifier *n = arg;

    consumer_close(n->consumer, NULL, NULL);
    n->consumer = NULL;
    if (open_consumer(n) < 0)
        loop_timer_start(n->reopen, REOPEN_MS, 0);
}

/* The poll is drained: what was gathered goes out together. */
static void flush(void *arg)
{
    struct notifier *n = arg;

    publish_flush(n->publish);
}

static void send_run(void *arg, int32_t partition, struct bytes run)
{
    struct notifier *n = arg;
    char channel[RUN_CHANNEL_MAX + 1];
    int count = run_channel(partition, channel);

    if (redis_publish(n->redis, bytes_of(channel, (size_t)count), run) == 0)
        n->sent++;
    else
        n->lost++;
}

static void beat(void *arg)
{
    struct notifier *n = arg;

    publish_beat(n->publish);
    publish_progress(n->publish, commit, n);
    ask_behind(n);
}

static void commit(void *arg, int32_t partition, int64_t next)
{
    struct notifier *n = arg;

    if (n->consumer != NULL && next >= 0)
        consumer_commit(n->consumer, partition, next);
}

/* One partition after the other, so that a slow answer delays only itself. */
static void ask_behind(struct notifier *n)
{
    if (n->asking || n->count == 0)
        return;
    n->asked = 0;
    n->asking =
        reader_offsets(n->reader, n->partitions[0], told_behind, n) == 0;
}

static void told_behind(void *arg, int rc, int64_t first, int64_t past)
{
    struct notifier *n = arg;
    int32_t partition;
    int64_t next;

    (void)first;
    n->asking = false;
    if (n->asked >= n->count)
        return;
    partition = n->partitions[n->asked];
    next = publish_next(n->publish, partition);
    if (rc == 0 && next >= 0) {
        n->behind[n->asked] = past > next ? past - next : 0;
        if (n->behind[n->asked] > BEHIND_FAR)
            publish_headers_only(n->publish, partition, true);
        else if (n->behind[n->asked] < BEHIND_NEAR)
            publish_headers_only(n->publish, partition, false);
    }
    if (++n->asked < n->count)
        n->asking = reader_offsets(n->reader, n->partitions[n->asked],
                                   told_behind, n) == 0;
}

static void redis_changed(void *arg, bool up, const char *why)
{
    struct notifier *n = arg;

    (void)why;
    if (up && n->publish != NULL)
        publish_beat(n->publish);
}

static void measure(void *arg)
{
    const struct notifier *n = arg;
    const struct publish_counts *c = publish_counts(n->publish);
    int64_t behind = 0;

    for (size_t i = 0; i < n->count; i++)
        behind += n->behind[i];
    metric_set(n->runs, (double)c->runs);
    metric_set(n->events, (double)c->events);
    metric_set(n->foreign, (double)c->foreign);
    metric_set(n->dropped, (double)n->lost);
    metric_set(n->lag, (double)behind);
    metric_set(n->redis_is_up, redis_up(n->redis) ? 1 : 0);
}
