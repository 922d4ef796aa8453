/*
 * consumer/kafka_admin.c: what an operator may change; blocking, for the
 * command.
 *
 * Brokers answer a change before all of them know about it, so a change here
 * ends when metadata shows it: every partition has a leader, or the topic is
 * gone.
 *
 * From: verifier/command and deploy/ctl (init, partitions, doctor, lag).
 * To:   librdkafka; consumer/kafka_facts.c.
 */
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/kafka_handle.h"
#include "schemas/base/fail.h"

enum { LOOK_AGAIN_MS = 50, JOIN_MS_MIN = 10000 };

struct kafka_admin {
    rd_kafka_t *handle;
    rd_kafka_queue_t *queue;
    const struct kafka_config *config; /* borrowed for its life */
    int deadline_ms;
    char *cluster_id;
    char why[KAFKA_WHY_MAX + 1];
};

static rd_kafka_AdminOptions_t *
options_for(struct kafka_admin *a, rd_kafka_admin_op_t op, bool changes);
static int take_answer(struct kafka_admin *a, rd_kafka_event_t **out);
static int topic_answer(struct kafka_admin *a, const char *what,
                        const rd_kafka_topic_result_t **results, size_t count);
static int wait_until(struct kafka_admin *a, const char *topic,
                      int32_t partitions);
static int refused(struct kafka_admin *a, const char *what,
                   rd_kafka_resp_err_t error, const char *words);

int kafka_admin_open(const struct kafka_config *config, int deadline_ms,
                     struct kafka_admin **out)
{
    static const struct kafka_rule fixed[] = {
        {"allow.auto.create.topics", "false", false},
        {"socket.timeout.ms", "5000", false},
    };
    struct kafka_admin *a = calloc(1, sizeof(*a));
    rd_kafka_conf_t *conf;
    int rc;

    if (a == NULL)
        return FAIL_SYSTEM;
    a->config = config;
    a->deadline_ms = deadline_ms;
    rc = kafka_conf_make(config, "admin", NULL, 0, fixed, 2, &conf);
    if (rc == 0)
        rc = kafka_handle_new(false, conf, a->why, &a->handle);
    if (rc < 0) {
        free(a);
        return rc;
    }
    a->queue = rd_kafka_queue_new(a->handle);
    *out = a;
    return 0;
}

void kafka_admin_close(struct kafka_admin *a)
{
    if (a == NULL)
        return;
    if (a->cluster_id != NULL)
        rd_kafka_mem_free(a->handle, a->cluster_id);
    rd_kafka_queue_destroy(a->queue);
    rd_kafka_destroy(a->handle);
    free(a);
}

const char *kafka_admin_why(const struct kafka_admin *a)
{
    return a->why;
}

/* ---- Topics. ---- */

int kafka_admin_create_topic(struct kafka_admin *a, const char *topic,
                             int32_t partitions, int replication,
                             const struct kafka_pair *configs,
                             size_t config_count, bool *out_existed)
{
    rd_kafka_NewTopic_t *t =
        rd_kafka_NewTopic_new(topic, partitions, replication, a->why,
                              sizeof(a->why));
    rd_kafka_AdminOptions_t *options;
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *event = NULL;
    size_t count;
    int rc;

    if (t == NULL)
        return FAIL_BROKEN;
    for (size_t i = 0; i < config_count; i++)
        (void)rd_kafka_NewTopic_set_config(t, configs[i].name,
                                           configs[i].value);
    options = options_for(a, RD_KAFKA_ADMIN_OP_CREATETOPICS, true);
    rd_kafka_CreateTopics(a->handle, &t, 1, options, a->queue);
    rc = take_answer(a, &event);
    if (rc == 0) {
        results = rd_kafka_CreateTopics_result_topics(
            rd_kafka_event_CreateTopics_result(event), &count);
        *out_existed = count == 1 && rd_kafka_topic_result_error(results[0]) ==
                                         RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
        if (!*out_existed)
            rc = topic_answer(a, "create", results, count);
    }
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(t);
    return rc < 0 || *out_existed ? rc : wait_until(a, topic, partitions);
}

int kafka_admin_add_partitions(struct kafka_admin *a, const char *topic,
                               int32_t total)
{
    rd_kafka_NewPartitions_t *p =
        rd_kafka_NewPartitions_new(topic, (size_t)total, a->why,
                                   sizeof(a->why));
    rd_kafka_AdminOptions_t *options;
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *event = NULL;
    size_t count;
    int rc;

    if (p == NULL)
        return FAIL_BROKEN;
    options = options_for(a, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, true);
    rd_kafka_CreatePartitions(a->handle, &p, 1, options, a->queue);
    rc = take_answer(a, &event);
    if (rc == 0) {
        results = rd_kafka_CreatePartitions_result_topics(
            rd_kafka_event_CreatePartitions_result(event), &count);
        rc = topic_answer(a, "add partitions", results, count);
    }
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewPartitions_destroy(p);
    return rc < 0 ? rc : wait_until(a, topic, total);
}

int kafka_admin_delete_topic(struct kafka_admin *a, const char *topic)
{
    rd_kafka_DeleteTopic_t *t = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_AdminOptions_t *options =
        options_for(a, RD_KAFKA_ADMIN_OP_DELETETOPICS, true);
    const rd_kafka_topic_result_t **results;
    rd_kafka_event_t *event = NULL;
    size_t count;
    int rc;

    rd_kafka_DeleteTopics(a->handle, &t, 1, options, a->queue);
    rc = take_answer(a, &event);
    if (rc == 0) {
        results = rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(event), &count);
        rc = topic_answer(a, "delete", results, count);
    }
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteTopic_destroy(t);
    return rc < 0 ? rc : wait_until(a, topic, 0);
}

/* A change waits at the broker, too, so that it is done when it is answered. */
static rd_kafka_AdminOptions_t *
options_for(struct kafka_admin *a, rd_kafka_admin_op_t op, bool changes)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(a->handle, op);

    (void)rd_kafka_AdminOptions_set_request_timeout(options, a->deadline_ms,
                                                    a->why, sizeof(a->why));
    if (changes)
        (void)rd_kafka_AdminOptions_set_operation_timeout(
            options, a->deadline_ms, a->why, sizeof(a->why));
    return options;
}

/* The answer as a whole; each topic in it has one of its own. */
static int take_answer(struct kafka_admin *a, rd_kafka_event_t **out)
{
    rd_kafka_event_t *event =
        rd_kafka_queue_poll(a->queue, a->deadline_ms + 1000);

    if (event == NULL)
        return refused(a, "brokers", RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
    *out = event;
    return refused(a, "brokers", rd_kafka_event_error(event),
                   rd_kafka_event_error_string(event));
}

static int topic_answer(struct kafka_admin *a, const char *what,
                        const rd_kafka_topic_result_t **results, size_t count)
{
    if (count != 1)
        return refused(a, what, RD_KAFKA_RESP_ERR__BAD_MSG, NULL);
    return refused(a, what, rd_kafka_topic_result_error(results[0]),
                   rd_kafka_topic_result_error_string(results[0]));
}

/* What brokers refuse will not work the second time either. */
static int refused(struct kafka_admin *a, const char *what,
                   rd_kafka_resp_err_t error, const char *words)
{
    int rc = kafka_fail(error);

    if (rc == 0)
        return 0;
    snprintf(a->why, sizeof(a->why), "%s: %s", what,
             words != NULL ? words : rd_kafka_err2str(error));
    return rc == FAIL_UNREACHABLE && error > 0 ? FAIL_BROKEN : rc;
}

/* Until metadata shows that many partitions, all with leaders; 0: no topic. */
static int wait_until(struct kafka_admin *a, const char *topic,
                      int32_t partitions)
{
    int64_t deadline = clock_ms() + a->deadline_ms;
    struct kafka_facts facts;
    const char *const topics[] = {topic};

    while (clock_ms() < deadline) {
        const struct kafka_topic *t = &facts.topics[0];
        int rc = kafka_admin_facts(a, topics, 1, &facts);
        if (rc == 0 && partitions == 0 && !t->exists)
            return 0;
        if (rc == 0 && partitions > 0 && t->partitions >= partitions &&
            t->leaderless == 0)
            return 0;
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
    return refused(a, topic, RD_KAFKA_RESP_ERR__TIMED_OUT,
                   "the brokers do not show the change");
}

/* ---- Questions. ---- */

int kafka_admin_facts(struct kafka_admin *a, const char *const *topics,
                      size_t topic_count, struct kafka_facts *out)
{
    int rc =
        kafka_facts_ask(a->handle, topics, topic_count, a->deadline_ms, out);

    if (rc < 0)
        memcpy(a->why, out->why, sizeof(a->why));
    return rc;
}

/* Metadata and configuration may come from two brokers. */
static bool all_there(const struct kafka_facts *f)
{
    for (size_t i = 0; i < f->topic_count; i++)
        if (!f->topics[i].exists || f->topics[i].leaderless > 0 ||
            !f->topics[i].described)
            return false;
    return true;
}

int kafka_admin_new_facts(struct kafka_admin *a, const char *const *topics,
                          size_t topic_count, struct kafka_facts *out)
{
    int64_t deadline = clock_ms() + a->deadline_ms;
    int rc;

    for (;;) {
        rc = kafka_admin_facts(a, topics, topic_count, out);
        if ((rc == 0 && all_there(out)) || clock_ms() >= deadline)
            return rc;
        (void)poll(NULL, 0, LOOK_AGAIN_MS);
    }
}

int kafka_admin_describe(struct kafka_admin *a, const char *topic, int id,
                         kafka_entry_fn entry, void *arg)
{
    char broker[16];
    rd_kafka_ConfigResource_t *resource;
    rd_kafka_AdminOptions_t *options;
    const rd_kafka_ConfigResource_t **resources;
    const rd_kafka_ConfigEntry_t **entries = NULL;
    rd_kafka_event_t *event = NULL;
    size_t count, entry_count = 0;
    int rc;

    snprintf(broker, sizeof(broker), "%d", id);
    resource =
        rd_kafka_ConfigResource_new(topic != NULL ? RD_KAFKA_RESOURCE_TOPIC
                                                  : RD_KAFKA_RESOURCE_BROKER,
                                    topic != NULL ? topic : broker);
    options = options_for(a, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, false);
    rd_kafka_DescribeConfigs(a->handle, &resource, 1, options, a->queue);
    rc = take_answer(a, &event);
    if (rc == 0) {
        resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(event), &count);
        rc = refused(a, "describe", rd_kafka_ConfigResource_error(resources[0]),
                     rd_kafka_ConfigResource_error_string(resources[0]));
        entries = rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    }
    for (size_t i = 0; rc == 0 && i < entry_count; i++)
        entry(arg, rd_kafka_ConfigEntry_name(entries[i]),
              rd_kafka_ConfigEntry_value(entries[i]),
              rd_kafka_ConfigEntry_is_default(entries[i]) != 0);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    return rc;
}

int kafka_admin_offsets(struct kafka_admin *a, const char *topic,
                        int32_t partition, int64_t *out_start, int64_t *out_end)
{
    int rc = kafka_offsets_ask(a->handle, topic, partition, a->deadline_ms,
                               out_start, out_end);

    if (rc < 0)
        snprintf(a->why, sizeof(a->why), "offsets of %.100s[%d]: %s", topic,
                 (int)partition, fail_words(rc));
    return rc;
}

int kafka_admin_offset_at(struct kafka_admin *a, const char *topic,
                          int32_t partition, int64_t ms, int64_t *out_offset)
{
    int64_t start, end, found = -1;
    int rc = kafka_admin_offsets(a, topic, partition, &start, &end);

    if (rc == 0)
        rc = kafka_offset_at_ask(a->handle, topic, partition, ms,
                                 a->deadline_ms, &found);
    if (rc < 0) {
        snprintf(a->why, sizeof(a->why), "offsets of %.100s[%d]: %s", topic,
                 (int)partition, fail_words(rc));
        return rc;
    }
    *out_offset = found < 0 ? end : found;
    return 0;
}

int kafka_admin_cluster_id(struct kafka_admin *a, const char **out)
{
    if (a->cluster_id == NULL)
        a->cluster_id = rd_kafka_clusterid(a->handle, a->deadline_ms);
    if (a->cluster_id == NULL)
        return refused(a, "cluster id", RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
    *out = a->cluster_id;
    return 0;
}

/* ---- Groups: each needs a handle that belongs to it. ---- */

static int group_handle(struct kafka_admin *a, const char *group,
                        rd_kafka_t **out)
{
    const struct kafka_rule fixed[] = {
        {"group.id", group, false},
        {"enable.auto.commit", "false", false},
        {"allow.auto.create.topics", "false", false},
        {"partition.assignment.strategy", "range", false},
    };
    rd_kafka_conf_t *conf;
    int rc =
        kafka_conf_make(a->config, "admin-group", NULL, 0, fixed, 4, &conf);

    return rc < 0 ? rc : kafka_handle_new(false, conf, a->why, out);
}

int kafka_admin_committed(struct kafka_admin *a, const char *group,
                          const char *topic, int32_t count,
                          int64_t *out_offsets)
{
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t error;
    rd_kafka_t *handle;
    int rc = group_handle(a, group, &handle);

    if (rc < 0)
        return rc;
    list = rd_kafka_topic_partition_list_new(count);
    for (int32_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, topic, i);
    error = rd_kafka_committed(handle, list, a->deadline_ms);
    rc = refused(a, "committed", error, NULL);
    for (int i = 0; rc == 0 && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        out_offsets[p->partition] = p->offset >= 0 ? p->offset : -1;
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return rc;
}

int kafka_admin_join(struct kafka_admin *a, const char *group,
                     const char *topic)
{
    int wait_ms = a->deadline_ms > JOIN_MS_MIN ? a->deadline_ms : JOIN_MS_MIN;
    int64_t deadline = clock_ms() + wait_ms;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_t *handle;
    bool joined = false;
    int rc = group_handle(a, group, &handle);

    if (rc < 0)
        return rc;
    rd_kafka_poll_set_consumer(handle);
    list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    (void)rd_kafka_subscribe(handle, list);
    rd_kafka_topic_partition_list_destroy(list);
    while (!joined && clock_ms() < deadline) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(handle, LOOK_AGAIN_MS);
        if (m != NULL)
            rd_kafka_message_destroy(m);
        if (rd_kafka_assignment(handle, &list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            joined = list->cnt > 0;
            rd_kafka_topic_partition_list_destroy(list);
        }
    }
    (void)rd_kafka_consumer_close(handle);
    rd_kafka_destroy(handle);
    return joined ? 0
                  : refused(a, "join", RD_KAFKA_RESP_ERR__TIMED_OUT,
                            "the group gives us no partition");
}
