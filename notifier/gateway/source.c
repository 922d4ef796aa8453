/*
 * notifier/gateway/source.c: Redis and Kafka, made into one stream.
 *
 *   survey: partitions --> offsets of each --> intake_begin, last N are read
 *   Redis runs ----------------------\
 *   reader_fetch (gaps) --------------> intake --> event()
 *   consumer (Redis says nothing) ---/
 *
 * All three may say the same thing at the same time: the intake takes each
 * result once. So the switch between them needs no care: the tail is opened
 * when a partition has heard nothing for SILENCE_MS, and closed when all have
 * heard of Redis for CALM_MS.
 *
 * From: notifier/publish.c by way of Redis, verifier/announce.c by the topic.
 * To:   notifier/gateway/gateway.c, which fans out.
 */
#include "notifier/gateway/source.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/consumer.h"
#include "consumer/kafka.h"
#include "consumer/reader.h"
#include "notifier/redis.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"

#define TICK_MS 250
#define SILENCE_MS 2200 /* two heartbeats */
#define CALM_MS 2000
#define SURVEY_MS 10000

struct partition {
    struct source *source;
    int32_t id;
    bool begun;
    bool asking;      /* for its offsets */
    bool failed;      /* its fetch ended without an answer: ask later */
    int64_t pos;      /* the fetch has proved everything below */
    int64_t tail_pos; /* the same of the tail; -1: nothing */
    int64_t word_ms;  /* when Redis last said something about it */
};

struct source {
    struct source_options options;
    struct kafka_survey *survey;
    struct reader *reader;
    struct redis *redis;
    struct consumer *tail; /* NULL while Redis speaks */
    struct intake *intake;
    struct loop_timer *tick;
    bool told_ready;
    bool renumbered; /* begin anew at the next tick */
    int64_t calm_ms; /* since when every partition has heard of Redis; 0 */
    size_t count;    /* partitions */
    size_t listening_count;
    struct partition partitions[CURSOR_PARTITIONS_MAX];
};

static int open_doors(struct source *s);
static void surveyed(void *arg, const struct kafka_facts *facts);
static void begin(struct source *s, size_t partitions);
static void ask_offsets(struct partition *p);
static void told_offsets(void *arg, int rc, int64_t start, int64_t end);
static void listen_to(struct source *s, size_t partitions);
static void redis_changed(void *arg, bool up, const char *why);
static void redis_said(void *arg, struct bytes channel, struct bytes text);
static void event(void *arg, const struct run_event *e);
static void fetch(void *arg, int32_t partition, int64_t from, int64_t to);
static void fetched_record(void *arg, const struct record *r);
static void fetched(void *arg, int rc, int64_t next_offset);
static void lost(void *arg, int32_t partition, int64_t from, int64_t to);
static void renumbered(void *arg, int32_t log);
static void tick(void *arg);
static void tell_ready(struct source *s);
static void weigh_tail(struct source *s);
static void open_tail(struct source *s);
static void close_tail(struct source *s);
static void tail_assigned(void *arg, const int32_t *partitions, size_t count);
static void tail_revoked(void *arg, bool lost);
static void tail_record(void *arg, struct record *r);
static void tail_end(void *arg, int32_t partition, int64_t offset);
static void tail_out_of_range(void *arg, int32_t partition, int64_t offset);
static void tail_failed(void *arg, int code, const char *why);
static void begin_anew(struct source *s);

static const struct consumer_events tail_events = {
    .assigned = tail_assigned,
    .revoked = tail_revoked,
    .record = tail_record,
    .end = tail_end,
    .out_of_range = tail_out_of_range,
    .failed = tail_failed,
};

int source_open(const struct source_options *o, struct source **out)
{
    struct source *s = calloc(1, sizeof(*s));
    int rc;

    CHECK(s != NULL);
    s->options = *o;
    for (size_t i = 0; i < CURSOR_PARTITIONS_MAX; i++) {
        s->partitions[i].source = s;
        s->partitions[i].id = (int32_t)i;
    }
    s->tick = loop_timer_open(o->loop, "source.tick", tick, s);
    loop_timer_start(s->tick, TICK_MS, TICK_MS);
    rc = open_doors(s);
    if (rc < 0) {
        source_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

static int open_doors(struct source *s)
{
    const char *topics[] = {s->options.topic};
    struct kafka_survey_options survey = {
        .loop = s->options.loop,
        .config = s->options.config,
        .name = "gateway-survey",
        .topics = topics,
        .topic_count = 1,
        .refresh_ms = SURVEY_MS,
        .changed = surveyed,
        .arg = s,
    };
    struct reader_options reader = {
        .loop = s->options.loop,
        .config = s->options.config,
        .name = "gateway-reader",
        .topic = s->options.topic,
        .header = NAMES_HEADER_RECORD,
    };
    struct redis_options redis = {
        .loop = s->options.loop,
        .name = "listen",
        .url = s->options.redis_url,
        .state = redis_changed,
        .message = redis_said,
        .arg = s,
    };
    const char *why = "";
    int rc = redis_open(&redis, &s->redis, &why);

    if (rc < 0) {
        log_error("gateway.setting", "name=REDIS_URL why=%s", LOG_TEXT(why));
        return rc;
    }
    rc = reader_open(&reader, &s->reader);
    return rc < 0 ? rc : kafka_survey_open(&survey, &s->survey);
}

void source_close(struct source *s)
{
    if (s == NULL)
        return;
    loop_timer_close(s->tick);
    if (s->reader != NULL)
        for (size_t i = 0; i < CURSOR_PARTITIONS_MAX; i++)
            reader_cancel(s->reader, &s->partitions[i]);
    consumer_close(s->tail, NULL, NULL);
    reader_close(s->reader, NULL, NULL);
    kafka_survey_close(s->survey, NULL, NULL);
    redis_close(s->redis);
    intake_close(s->intake);
    free(s);
}

const struct intake *source_intake(const struct source *s)
{
    return s->intake;
}

struct reader *source_reader(const struct source *s)
{
    return s->reader;
}

bool source_ready(const struct source *s, struct buffer *why)
{
    if (!s->told_ready) {
        buffer_append_text(why, s->intake == NULL
                                    ? "kafka: the topic of results is not "
                                      "known yet"
                                    : "kafka: its last results are being read");
        return false;
    }
    if (redis_up(s->redis) || kafka_survey_facts(s->survey)->fresh)
        return true;
    buffer_append_text(why, "neither redis nor kafka answers");
    return false;
}

bool source_redis(const struct source *s)
{
    return redis_up(s->redis);
}

bool source_tailing(const struct source *s)
{
    return s->tail != NULL;
}

static void surveyed(void *arg, const struct kafka_facts *facts)
{
    struct source *s = arg;
    const struct kafka_topic *t;

    if (!facts->known)
        return;
    t = kafka_facts_topic(facts, s->options.topic);
    if (t == NULL || !t->exists || t->partitions <= 0)
        return;
    if (t->partitions > CURSOR_PARTITIONS_MAX) {
        log_error("gateway.too_many_partitions", "found=%d max=%d",
                  (int)t->partitions, CURSOR_PARTITIONS_MAX);
        return;
    }
    begin(s, (size_t)t->partitions);
}

/* The first time, or again with more partitions. */
static void begin(struct source *s, size_t partitions)
{
    struct intake_options o = {
        .partitions = partitions,
        .ring_count_max = s->options.ring_count_max,
        .ring_bytes_max = s->options.ring_bytes_max,
        .hooks = {event, fetch, lost, renumbered},
        .arg = s,
    };

    if (partitions <= s->count)
        return;
    if (s->intake == NULL)
        s->intake = intake_open(&o);
    else
        intake_grow(s->intake, partitions);
    log_info("gateway.partitions", "count=%zu", partitions);
    listen_to(s, partitions);
    for (size_t i = s->count; i < partitions; i++) {
        s->partitions[i].word_ms = loop_now_ms(s->options.loop);
        ask_offsets(&s->partitions[i]);
    }
    s->count = partitions;
    if (s->tail != NULL)
        close_tail(s);
}

static void ask_offsets(struct partition *p)
{
    if (p->begun || p->asking)
        return;
    p->asking = reader_offsets(p->source->reader, p->id, told_offsets, p) == 0;
}

static void told_offsets(void *arg, int rc, int64_t start, int64_t end)
{
    struct partition *p = arg;
    struct source *s = p->source;
    int64_t most =
        (int64_t)(s->options.ring_count_max != 0 ? s->options.ring_count_max
                                                 : RING_COUNT_MAX);

    p->asking = false;
    if (rc < 0 || s->intake == NULL || p->begun)
        return;
    p->begun = true;
    /* A partition that is new while clients listen is read from its start. */
    if (!s->told_ready && end - start > most)
        start = end - most;
    p->tail_pos = start;
    intake_begin(s->intake, p->id, start, end);
    tell_ready(s);
}

static void listen_to(struct source *s, size_t partitions)
{
    char channel[RUN_CHANNEL_MAX + 1];

    for (; s->listening_count < partitions; s->listening_count++) {
        run_channel((int32_t)s->listening_count, channel);
        redis_subscribe(s->redis, channel);
    }
}

static void redis_changed(void *arg, bool up, const char *why)
{
    struct source *s = arg;

    (void)why;
    if (up)
        return;
    /* Everything on the wire is lost: do not wait for the silence. */
    for (size_t i = 0; i < s->count; i++)
        s->partitions[i].word_ms = 0;
}

static void redis_said(void *arg, struct bytes channel, struct bytes text)
{
    struct source *s = arg;
    char name[RUN_CHANNEL_MAX + 1];

    if (s->intake == NULL || s->renumbered)
        return;
    for (size_t i = 0; i < s->count; i++) {
        run_channel((int32_t)i, name);
        if (bytes_equal_text(channel, name)) {
            s->partitions[i].word_ms = loop_now_ms(s->options.loop);
            break;
        }
    }
    intake_run(s->intake, text);
}

static void event(void *arg, const struct run_event *e)
{
    struct source *s = arg;

    s->options.hooks.event(s->options.arg, e);
}

static void fetch(void *arg, int32_t partition, int64_t from, int64_t to)
{
    struct source *s = arg;
    struct partition *p = &s->partitions[partition];

    p->pos = from;
    p->failed = reader_fetch(s->reader, partition, from, to, fetched_record,
                             fetched, p) < 0;
    log_debug("gateway.repair", "partition=%d from=%lld to=%lld",
              (int)partition, (long long)from, (long long)to);
}

static void fetched_record(void *arg, const struct record *r)
{
    struct partition *p = arg;
    int64_t from = p->pos;

    if (p->source->renumbered)
        return;
    p->pos = r->offset + 1;
    intake_read(p->source->intake, p->id, from, r->offset, r->value, r->header);
}

static void fetched(void *arg, int rc, int64_t next_offset)
{
    struct partition *p = arg;
    struct source *s = p->source;

    if (s->renumbered)
        return;
    if (rc == 0) {
        intake_read_to(s->intake, p->id, p->pos, next_offset);
        if (!s->renumbered)
            intake_fetched(s->intake, p->id, -1);
    } else if (rc == FAIL_GONE) {
        intake_fetched(s->intake, p->id, next_offset);
    } else {
        /* Not at once: nobody answers. tick() goes on. */
        p->failed = true;
    }
    if (!s->renumbered)
        tell_ready(s);
}

static void lost(void *arg, int32_t partition, int64_t from, int64_t to)
{
    struct source *s = arg;

    log_error("gateway.results_lost",
              "partition=%d from=%lld to=%lld why=\"expired before they were "
              "read\"",
              (int)partition, (long long)from, (long long)to);
    if (!s->told_ready)
        return;
    s->options.hooks.broken(s->options.arg, "results expired unread");
    s->options.hooks.ready(s->options.arg);
}

/* Not here: the intake is in the middle of something. */
static void renumbered(void *arg, int32_t log)
{
    struct source *s = arg;

    log_warn("gateway.log_changed", "log=%d", (int)log);
    s->renumbered = true;
}

static void tick(void *arg)
{
    struct source *s = arg;

    if (s->renumbered)
        begin_anew(s);
    for (size_t i = 0; i < s->count && !s->renumbered; i++) {
        struct partition *p = &s->partitions[i];

        ask_offsets(p);
        if (p->failed) {
            p->failed = false;
            intake_fetched(s->intake, p->id, -1);
        }
    }
    if (s->intake != NULL && !s->renumbered) {
        intake_retry(s->intake);
        weigh_tail(s);
    }
}

static void tell_ready(struct source *s)
{
    if (s->told_ready || !intake_ready(s->intake))
        return;
    s->told_ready = true;
    log_info("gateway.caught_up", "partitions=%zu log=%d", s->count,
             (int)intake_log(s->intake));
    s->options.hooks.ready(s->options.arg);
}

/* Opens the tail when a partition hears nothing, closes it when all do. */
static void weigh_tail(struct source *s)
{
    int64_t now = loop_now_ms(s->options.loop);
    bool silent = false;

    for (size_t i = 0; i < s->count; i++)
        silent = silent || now - s->partitions[i].word_ms > SILENCE_MS;
    if (!s->told_ready)
        return;
    if (silent) {
        s->calm_ms = 0;
        if (s->tail == NULL)
            open_tail(s);
    } else if (s->tail != NULL) {
        if (s->calm_ms == 0)
            s->calm_ms = now;
        else if (now - s->calm_ms > CALM_MS)
            close_tail(s);
    }
}

static void open_tail(struct source *s)
{
    struct consumer_options o = {
        .loop = s->options.loop,
        .config = s->options.config,
        .name = "gateway-tail",
        .topic = s->options.topic,
        .header = NAMES_HEADER_RECORD,
        .events = &tail_events,
        .arg = s,
    };
    struct consumer_place places[CURSOR_PARTITIONS_MAX];

    if (consumer_open(&o, &s->tail) < 0) {
        s->tail = NULL;
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        struct partition *p = &s->partitions[i];

        p->tail_pos = ring_next(intake_ring(s->intake, p->id));
        places[i] = (struct consumer_place){p->id, p->tail_pos};
    }
    log_warn("gateway.tail_opened", "why=\"no word from redis\" redis=%s",
             redis_up(s->redis) ? "up" : "down");
    consumer_start(s->tail, places, s->count);
}

static void close_tail(struct source *s)
{
    log_info("gateway.tail_closed", "why=\"redis speaks again\"");
    consumer_close(s->tail, NULL, NULL);
    s->tail = NULL;
    s->calm_ms = 0;
}

/* There is no group, so nothing is assigned or revoked. */
static void tail_assigned(void *arg, const int32_t *partitions, size_t count)
{
    (void)arg;
    (void)partitions;
    (void)count;
}

static void tail_revoked(void *arg, bool was_lost)
{
    (void)arg;
    (void)was_lost;
}

static void tail_record(void *arg, struct record *r)
{
    struct source *s = arg;
    struct partition *p = &s->partitions[r->partition];
    int64_t from = p->tail_pos < 0 ? r->offset : p->tail_pos;

    p->tail_pos = r->offset + 1;
    if (!s->renumbered)
        intake_read(s->intake, p->id, from, r->offset, r->value, r->header);
    record_release(r);
}

static void tail_end(void *arg, int32_t partition, int64_t offset)
{
    struct source *s = arg;
    struct partition *p = &s->partitions[partition];

    if (s->renumbered || p->tail_pos >= offset)
        return;
    if (p->tail_pos < 0)
        intake_reaches(s->intake, partition, offset);
    else
        intake_read_to(s->intake, partition, p->tail_pos, offset);
    p->tail_pos = offset;
}

/* Expired under us. The end tells how far the topic goes; the gap is then asked
 * for, and found lost. */
static void tail_out_of_range(void *arg, int32_t partition, int64_t offset)
{
    struct source *s = arg;

    (void)offset;
    s->partitions[partition].tail_pos = -1;
    if (s->tail != NULL)
        consumer_restart(s->tail, partition, CONSUMER_END);
}

static void tail_failed(void *arg, int code, const char *why)
{
    struct source *s = arg;

    log_error("gateway.tail_failed", "code=%s why=%s", fail_name(code),
              LOG_TEXT(why));
    close_tail(s);
}

/* Another results log: nothing that is known counts there. */
static void begin_anew(struct source *s)
{
    size_t partitions = s->count;

    if (s->tail != NULL)
        close_tail(s);
    for (size_t i = 0; i < CURSOR_PARTITIONS_MAX; i++) {
        struct partition *p = &s->partitions[i];

        reader_cancel(s->reader, p);
        *p = (struct partition){.source = s, .id = p->id};
    }
    s->options.hooks.broken(s->options.arg, "the results log is another one");
    intake_close(s->intake);
    s->intake = NULL;
    s->renumbered = false;
    s->told_ready = false;
    s->count = 0;
    begin(s, partitions);
}
