/*
 * verifier/command/log.c: is the topic the log we know? If not, adopt it.
 *
 * A log's number is the first part of every record's id. When a topic's offsets
 * start anew (recreated, truncated), ids would be given twice, so the partition
 * stops; adopting gives the topic its next number and plants positions: at the
 * old position where the record before it is still the one we know, at the
 * log's start elsewhere. Records that were judged before and are in the new log
 * too become duplicates, which is what they are.
 *
 * From: deploy/ctl/main.c.
 * To:   tables logs, leaf_counts, announced; running verifiers look every few
 *       seconds.
 */
#include "verifier/command/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/postgres_array.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"
#include "schemas/record.h"
#include "verifier/command/cluster.h"
#include "verifier/command/step.h"

static const char *brokers, *database_url, *topic_submitted, *topic_results;
static bool json, execute, results;

static const struct setting settings[] = {
    CLUSTER_SETTINGS(&brokers, &database_url, &topic_submitted),
    SETTING_TEXT("TOPIC_RESULTS", &topic_results, NAMES_TOPIC_RESULTS,
                 "topic of what became of it"),
};
#define SETTINGS_COUNT (sizeof(settings) / sizeof(settings[0]))

/* ---- is it known? ---- */

enum known {
    KNOWN_SAME, /* the record before the position is the one we wrote about */
    KNOWN_NOTHING, /* nothing was written, or that record has expired */
    KNOWN_OTHER,   /* another record is there */
    KNOWN_SHORT,   /* the log ends below the position */
    KNOWN_LOST /* the log begins above the position: unjudged ones expired */
};

static const char *const known_names[] = {"known", "unproven", "ANOTHER RECORD",
                                          "ENDS BELOW", "BEGINS ABOVE"};

struct probe {
    bool found;
    uint8_t sha256[32];
};

static void on_probed(void *arg, const struct record *r)
{
    struct probe *p = arg;

    p->found = true;
    record_fingerprint(r->key, r->value, r->append_ms, p->sha256);
}

/* Returns enum known, or -1 after printing why it cannot be known. */
static int find_out(struct cluster *c, int32_t partition)
{
    const struct cluster_place *at = &c->places[partition];
    struct probe p = {.found = false};

    if (at->end < at->position)
        return KNOWN_SHORT;
    if (at->start > at->position)
        return KNOWN_LOST;
    if (!at->has_last || at->start >= at->position)
        return KNOWN_NOTHING;
    if (cluster_fetch(c, partition, at->position - 1, at->position, on_probed,
                      &p) != 0)
        return -1;
    if (!p.found)
        return KNOWN_NOTHING;
    return memcmp(p.sha256, at->last_sha256, 32) == 0 ? KNOWN_SAME
                                                      : KNOWN_OTHER;
}

/* ---- log show ---- */

static void show_line(const struct cluster *c, int32_t p, int known)
{
    const struct cluster_place *at = &c->places[p];

    if (json)
        printf(
            "{\"log\":%d,\"topic\":\"%s\",\"partition\":%d,\"position\":"
            "%" PRId64 ",\"announced\":%" PRId64 ",\"start\":%" PRId64
            ",\"end\":%" PRId64 ",\"known\":%s,\"words\":\"%s\"}\n",
            c->log, c->topic, p, at->position, at->announced, at->start,
            at->end, known <= KNOWN_NOTHING ? "true" : "false",
            known_names[known]);
    else
        printf("%9d %12" PRId64 " %12" PRId64 " %12" PRId64 " %12" PRId64
               "  %s\n",
               p, at->start, at->end, at->position, at->announced,
               at->position < 0 ? "NOT PLANTED" : known_names[known]);
}

static int show(struct cluster *c)
{
    int32_t p;
    int known, worst = COMMAND_OK, rc = cluster_read(c);

    if (rc != 0)
        return rc;
    if (!json)
        printf(
            "log %d, topic %s\n%9s %12s %12s %12s %12s  record before the "
            "position\n",
            c->log, c->topic, "partition", "start", "end", "position",
            "announced");
    for (p = 0; p < c->partition_count; p++) {
        known = c->places[p].position < 0 ? KNOWN_NOTHING : find_out(c, p);
        if (known < 0)
            return COMMAND_UNAVAILABLE;
        show_line(c, p, known);
        if (known > KNOWN_NOTHING)
            worst = COMMAND_DIFFERS;
    }
    return worst;
}

/* Runs `with` on an open cluster. */
static int on_cluster(int argc, int (*with)(struct cluster *c))
{
    struct cluster *c = calloc(1, sizeof(*c));
    int rc;

    CHECK(c != NULL);
    if (argc > 1) {
        free(c);
        return command_fail(COMMAND_USAGE, "takes no operands");
    }
    rc = cluster_open(c, brokers, database_url, topic_submitted);
    if (rc == 0)
        rc = with(c);
    cluster_close(c);
    free(c);
    return rc;
}

static int run_show(int argc, char **argv)
{
    (void)argv;
    return on_cluster(argc, show);
}

/* ---- log adopt ---- */

#define NEXT_LOG                                                               \
    "INSERT INTO tidemill.logs (log, topic, cluster_id, partitions, chain, "   \
    "rules) SELECT (SELECT max(log) FROM tidemill.logs) + 1, topic, $2, $3, "  \
    "chain, rules FROM tidemill.logs WHERE topic = $1 ORDER BY log DESC "      \
    "LIMIT 1 RETURNING log"

static void take_int(void *arg, const struct postgres_answer *a)
{
    *(int *)arg = postgres_cell_i32(a, 0, 0, 0);
}

static int note_next(struct cluster *c, const char *topic, int32_t partitions,
                     int *out_log)
{
    uint8_t at[8];
    const char *cluster_id = "";
    struct postgres_param params[3];

    if (kafka_admin_cluster_id(c->admin, &cluster_id) < 0)
        return command_fail(COMMAND_UNAVAILABLE, "kafka: %s",
                            kafka_admin_why(c->admin));
    params[0] = postgres_text(topic);
    params[1] = postgres_text(cluster_id);
    params[2] = postgres_i32(partitions, at);
    return cluster_ask(c, NEXT_LOG, params, 3, take_int, out_log, "logs");
}

/* Where each partition of the new log starts; how many differ, or negative. */
static int choose_starts(struct cluster *c, struct postgres_array *ids,
                         struct postgres_array *starts)
{
    const struct cluster_place *at;
    int64_t start;
    int known, differ = 0;
    int32_t p;

    for (p = 0; p < c->partition_count; p++) {
        at = &c->places[p];
        known = at->position < 0 ? KNOWN_NOTHING : find_out(c, p);
        if (known < 0)
            return -1;
        differ += known > KNOWN_NOTHING;
        start = known > KNOWN_NOTHING || at->position < at->start
                    ? at->start
                    : at->position;
        step_count("partition", at->end - start,
                   "partition %d: %s; the new log starts at %" PRId64
                   " (%" PRId64 " records to judge)",
                   p, known_names[known], start, at->end - start);
        if (known == KNOWN_SAME && at->announced < at->position)
            step_count(
                "unannounced", at->position - at->announced,
                "  %" PRId64
                " rows are not announced yet: let the verifiers finish first",
                at->position - at->announced);
        postgres_array_i32(ids, p);
        postgres_array_i64(starts, start);
    }
    return differ;
}

static int plant(struct cluster *c, int log, struct postgres_array *ids,
                 struct postgres_array *starts)
{
    uint8_t at[8];
    struct postgres_param params[] = {
        postgres_i32(log, at),
        postgres_array_param(ids),
        postgres_array_param(starts),
    };
    int planted = 0;
    int rc = cluster_ask(c, "SELECT tidemill.plant($1, $2, $3)", params, 3,
                         take_int, &planted, "positions");

    if (rc == 0)
        step_count("adopted", log, "log %d is adopted, %d positions planted",
                   log, planted);
    return rc;
}

static int adopt_submitted(struct cluster *c)
{
    struct postgres_array ids, starts;
    int differ, log = 0, rc = cluster_read(c);

    if (rc != 0)
        return rc;
    postgres_array_init(&ids, POSTGRES_INT4_ARRAY);
    postgres_array_init(&starts, POSTGRES_INT8_ARRAY);
    differ = choose_starts(c, &ids, &starts);
    if (differ < 0)
        rc = COMMAND_UNAVAILABLE;
    else if (differ == 0)
        rc = command_fail(COMMAND_OK,
                          "every partition is known: there is "
                          "nothing to adopt");
    else if (!execute)
        step_say("preview", "this was a preview: --execute adopts it");
    else
        rc = note_next(c, topic_submitted, c->partition_count, &log);
    if (rc == 0 && log > 0)
        rc = plant(c, log, &ids, &starts);
    postgres_array_fini(&ids);
    postgres_array_fini(&starts);
    return rc;
}

/* Results are only written; a new number tells gateways to start anew. */
static int adopt_results(struct cluster *c)
{
    uint8_t at[8];
    struct postgres_param log_param = postgres_i32(c->log, at);
    struct kafka_facts facts;
    int log = 0, rc;

    rc = kafka_admin_facts(c->admin, &topic_results, 1, &facts);
    if (rc < 0 || !facts.topics[0].exists)
        return command_fail(COMMAND_CONFIG, "topic %s is not there",
                            topic_results);
    if (!execute) {
        step_say("preview",
                 "%s would get its next log number; --execute does it",
                 topic_results);
        return COMMAND_OK;
    }
    rc = cluster_ask(c,
                     "UPDATE tidemill.announced SET results_offset = -1 "
                     "WHERE log = $1",
                     &log_param, 1, NULL, NULL, "announced");
    if (rc == 0)
        rc = note_next(c, topic_results, facts.topics[0].partitions, &log);
    if (rc == 0)
        step_count("adopted", log, "%s is log %d now", topic_results, log);
    return rc;
}

static int adopt(struct cluster *c)
{
    step_as_json(json);
    return results ? adopt_results(c) : adopt_submitted(c);
}

static int run_adopt(int argc, char **argv)
{
    (void)argv;
    return on_cluster(argc, adopt);
}

/* ---- the commands ---- */

static const struct command_option show_options[] = {
    COMMAND_FLAG("json", &json, "one JSON object a partition"),
};

static const struct command_option adopt_options[] = {
    COMMAND_FLAG("results", &results, "the results topic instead"),
    COMMAND_FLAG("execute", &execute, "do it; without it, a preview"),
    COMMAND_FLAG("json", &json, "one JSON object a step"),
};

#define COUNT(options) (sizeof(options) / sizeof(options[0]))

const struct command command_log_show = {
    .name = "log show",
    .usage = "[--json]",
    .help =
        "where each partition stands, and whether its log is the one we "
        "know\nstart, end   what the topic keeps\nposition     the first "
        "record "
        "without a row\nannounced    the first record whose row is not "
        "announced "
        "yet\nThe record before the position is read and compared with its "
        "fingerprint. Ends with\n1 when one is not the one we wrote about.",
    .options = show_options,
    .options_count = COUNT(show_options),
    .settings = settings,
    .settings_count = SETTINGS_COUNT,
    .run = run_show,
};

const struct command command_log_adopt = {
    .name = "log adopt",
    .usage = "[--results] [--execute] [--json]",
    .help =
        "goes on with a topic that was recreated or truncated, under a new "
        "log number\nPartitions whose log is still the one we know go on where "
        "they stand; others begin\nat the log's start. Records keep the ids "
        "they have. The preview says what would\nhappen; `tidemill log show` "
        "says why.",
    .options = adopt_options,
    .options_count = COUNT(adopt_options),
    .settings = settings,
    .settings_count = SETTINGS_COUNT,
    .run = run_adopt,
};
