/*
 * consumer/kafka_facts.c: what is true at the brokers, asked once.
 *
 * Metadata says how many partitions and replicas; the topic's configuration
 * says what an acknowledgement means (min.insync.replicas) and whose clock ages
 * a record (message.timestamp.type). Both are needed before a 202 means
 * anything.
 *
 * From: consumer/kafka_survey.c and kafka_admin.c; never on a loop.
 * To:   librdkafka.
 */
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/kafka_handle.h"
#include "schemas/base/fail.h"

enum { LOOK_AGAIN_MS = 50, UNKNOWN_MS = 500, STAND_MS_BROKEN = 2000 };

static int ask_metadata(rd_kafka_t *handle, struct kafka_topic *t,
                        int64_t deadline, struct kafka_facts *f);
static void read_topic(struct kafka_topic *t,
                       const struct rd_kafka_metadata_topic *m);
static int ask_configs(rd_kafka_t *handle, int64_t deadline,
                       struct kafka_facts *f);
static void read_configs(struct kafka_facts *f, const rd_kafka_event_t *event);
static void read_entry(struct kafka_topic *t, const char *name,
                       const char *value);

static int left_ms(int64_t deadline)
{
    int64_t left = deadline - clock_ms();

    return left < 1 ? 1 : (int)left;
}

static int note(struct kafka_facts *f, const char *what,
                rd_kafka_resp_err_t error)
{
    snprintf(f->why, sizeof(f->why), "%s: %s", what, rd_kafka_err2str(error));
    return kafka_fail(error);
}

int kafka_facts_ask(struct rd_kafka_s *handle, const char *const *topics,
                    size_t topic_count, int deadline_ms,
                    struct kafka_facts *out)
{
    int64_t deadline = clock_ms() + deadline_ms;
    char *cluster;
    int rc;

    CHECK(topic_count >= 1 && topic_count <= KAFKA_TOPICS_MAX);
    memset(out, 0, sizeof(*out));
    out->topic_count = topic_count;
    for (size_t i = 0; i < topic_count; i++)
        snprintf(out->topics[i].name, sizeof(out->topics[i].name), "%s",
                 topics[i]);
    for (size_t i = 0; i < topic_count; i++) {
        rc = ask_metadata(handle, &out->topics[i], deadline, out);
        if (rc < 0)
            return rc;
    }
    out->known = true;
    cluster = rd_kafka_clusterid(handle, left_ms(deadline));
    if (cluster != NULL) {
        snprintf(out->cluster_id, sizeof(out->cluster_id), "%s", cluster);
        rd_kafka_mem_free(handle, cluster);
    }
    rc = ask_configs(handle, deadline, out);
    out->fresh = rc == 0;
    return rc;
}

static int ask_metadata(rd_kafka_t *handle, struct kafka_topic *t,
                        int64_t deadline, struct kafka_facts *f)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, t->name, NULL);
    const struct rd_kafka_metadata *m;
    rd_kafka_resp_err_t error;

    if (topic == NULL)
        return note(f, t->name, rd_kafka_last_error());
    error = rd_kafka_metadata(handle, 0, topic, &m, left_ms(deadline));
    rd_kafka_topic_destroy(topic);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return note(f, "metadata", error);
    f->brokers = m->broker_cnt;
    if (m->broker_cnt > 0)
        f->broker_id = m->brokers[0].id;
    for (int i = 0; i < m->topic_cnt; i++)
        if (strcmp(m->topics[i].topic, t->name) == 0)
            read_topic(t, &m->topics[i]);
    rd_kafka_metadata_destroy(m);
    return 0;
}

static void read_topic(struct kafka_topic *t,
                       const struct rd_kafka_metadata_topic *m)
{
    t->exists = m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->partition_cnt > 0;
    t->partitions = m->partition_cnt;
    for (int i = 0; i < m->partition_cnt; i++) {
        int replicas = m->partitions[i].replica_cnt;
        if (i == 0 || replicas < t->replication)
            t->replication = replicas;
        if (m->partitions[i].leader < 0)
            t->leaderless++;
    }
}

/* One question for the configurations of all topics that exist. */
static int ask_configs(rd_kafka_t *handle, int64_t deadline,
                       struct kafka_facts *f)
{
    rd_kafka_ConfigResource_t *resources[KAFKA_TOPICS_MAX];
    size_t count = 0;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event;
    rd_kafka_resp_err_t error;
    char why[128];

    for (size_t i = 0; i < f->topic_count; i++)
        if (f->topics[i].exists)
            resources[count++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                            f->topics[i].name);
    if (count == 0)
        return 0;
    options =
        rd_kafka_AdminOptions_new(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, left_ms(deadline),
                                                    why, sizeof(why));
    queue = rd_kafka_queue_new(handle);
    rd_kafka_DescribeConfigs(handle, resources, count, options, queue);
    /* The library answers by its own deadline, which is ours. */
    event = rd_kafka_queue_poll(queue, left_ms(deadline) + 1000);
    error = event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT
                          : rd_kafka_event_error(event);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        read_configs(f, event);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy_array(resources, count);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : note(f, "configuration", error);
}

static void read_configs(struct kafka_facts *f, const rd_kafka_event_t *event)
{
    const rd_kafka_DescribeConfigs_result_t *result =
        rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t *)event);
    size_t count, entries;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(result, &count);

    for (size_t i = 0; i < count; i++) {
        const char *name = rd_kafka_ConfigResource_name(resources[i]);
        struct kafka_topic *t =
            (struct kafka_topic *)kafka_facts_topic(f, name);
        const rd_kafka_ConfigEntry_t **entry;
        if (t == NULL)
            continue;
        if (rd_kafka_ConfigResource_error(resources[i]) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            (void)note(f, name, rd_kafka_ConfigResource_error(resources[i]));
            continue;
        }
        t->described = true;
        entry = rd_kafka_ConfigResource_configs(resources[i], &entries);
        for (size_t j = 0; j < entries; j++)
            read_entry(t, rd_kafka_ConfigEntry_name(entry[j]),
                       rd_kafka_ConfigEntry_value(entry[j]));
    }
}

static void read_entry(struct kafka_topic *t, const char *name,
                       const char *value)
{
    if (value == NULL)
        return;
    if (strcmp(name, "min.insync.replicas") == 0)
        t->min_insync = atoi(value);
    else if (strcmp(name, "message.timestamp.type") == 0)
        t->log_append_time = strcmp(value, "LogAppendTime") == 0;
    else if (strcmp(name, "unclean.leader.election.enable") == 0)
        t->unclean = strcmp(value, "true") == 0;
    else if (strcmp(name, "retention.ms") == 0)
        t->retention_ms = atoll(value);
    else if (strcmp(name, "retention.bytes") == 0)
        t->retention_bytes = atoll(value);
    else if (strcmp(name, "max.message.bytes") == 0)
        t->message_bytes_max = atoll(value);
    else if (strcmp(name, "cleanup.policy") == 0) {
        t->compacted = strstr(value, "compact") != NULL;
        t->deleted = strstr(value, "delete") != NULL;
    }
}

/*
 * By the call that honours its deadline in every version; the one made for this
 * (query_watermark_offsets) hangs in 2.0.2 while a broker is away. The "times"
 * -2 and -1 mean start and end in Kafka's protocol.
 */
static int ask_offset(rd_kafka_t *handle, const char *topic, int32_t partition,
                      int64_t time, int64_t deadline, int64_t *out)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *p =
        rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_resp_err_t error;
    int64_t found;

    p->offset = time;
    error = rd_kafka_offsets_for_times(handle, list, left_ms(deadline));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        error = p->err;
    found = p->offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(error);
    *out = found;
    return 0;
}

/* Start or end; the library answers -1 where it has none. */
static int ask_edge(rd_kafka_t *handle, const char *topic, int32_t partition,
                    int64_t edge, int64_t deadline, int64_t *out)
{
    int64_t found = -1;
    int rc = ask_offset(handle, topic, partition, edge, deadline, &found);

    if (rc == 0 && found < 0)
        rc = FAIL_UNREACHABLE;
    if (rc == 0)
        *out = found;
    return rc;
}

int kafka_offset_at_ask(struct rd_kafka_s *handle, const char *topic,
                        int32_t partition, int64_t ms, int deadline_ms,
                        int64_t *out)
{
    CHECK(ms >= 0);
    return ask_offset(handle, topic, partition, ms, clock_ms() + deadline_ms,
                      out);
}

/* A leader that has just moved, or a partition that is just made, refuses for a
 * moment. */
int kafka_offsets_ask(struct rd_kafka_s *handle, const char *topic,
                      int32_t partition, int deadline_ms, int64_t *out_start,
                      int64_t *out_end)
{
    int64_t deadline = clock_ms() + deadline_ms;
    int64_t unknown_until = clock_ms() + UNKNOWN_MS;
    int64_t start = 0;
    int64_t end = 0;
    int rc;

    for (;;) {
        rc = ask_edge(handle, topic, partition, -2, deadline, &start);
        if (rc == 0)
            rc = ask_edge(handle, topic, partition, -1, deadline, &end);
        if (rc == 0)
            break;
        if (clock_ms() > (rc == FAIL_NOT_FOUND ? unknown_until : deadline) ||
            rc == FAIL_DENIED)
            return rc;
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
    *out_start = start;
    *out_end = end;
    return 0;
}

const struct kafka_topic *kafka_facts_topic(const struct kafka_facts *f,
                                            const char *name)
{
    for (size_t i = 0; i < f->topic_count; i++)
        if (strcmp(f->topics[i].name, name) == 0)
            return &f->topics[i];
    return NULL;
}

/* Why this topic does not carry the promise; NULL: it does. */
static const char *topic_why_not(const struct kafka_topic *t)
{
    if (!t->exists)
        return "does not exist: run tidemill init";
    if (!t->described)
        return "its configuration cannot be read";
    if (!t->log_append_time)
        return "message.timestamp.type is not LogAppendTime";
    if (t->compacted || !t->deleted)
        return "cleanup.policy is not delete";
    if (t->replication > 1 && t->min_insync < 2)
        return "min.insync.replicas is below 2";
    if (t->leaderless == t->partitions)
        return "no partition has a leader";
    return NULL;
}

bool kafka_facts_hold(const struct kafka_facts *f, struct buffer *out_why)
{
    if (!f->known) {
        (void)buffer_append_format(out_why, "no broker has answered%s%s",
                                   f->why[0] != '\0' ? ": " : "", f->why);
        return false;
    }
    for (size_t i = 0; i < f->topic_count; i++) {
        const char *why = topic_why_not(&f->topics[i]);
        if (why == NULL)
            continue;
        (void)buffer_append_format(out_why, "topic %s: %s", f->topics[i].name,
                                   why);
        return false;
    }
    return true;
}

int kafka_facts_stand_ms(const struct kafka_facts *f, int refresh_ms)
{
    struct buffer why;
    bool holds;

    buffer_init(&why, KAFKA_TOPIC_NAME_MAX + 2 * KAFKA_WHY_MAX);
    holds = kafka_facts_hold(f, &why);
    buffer_fini(&why);
    return holds || refresh_ms < STAND_MS_BROKEN ? refresh_ms : STAND_MS_BROKEN;
}
