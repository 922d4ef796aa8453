/*
 * verifier/command/partitions.c: `tidemill partitions N`.
 *
 *      results    4 -> 8     a result goes to the partition of its record
 *      positions  4 to 7     at 0, before anybody can send there
 *      submitted  4 -> 8     from now on doors choose among 8
 *      logs       4 -> 8     what the database says of both topics
 *
 * Each step finds out what is done already, so a run that was cut off anywhere
 * is simply run again. Running verifiers get the new partitions within
 * seconds and find their positions there.
 *
 * The key of a transaction leads to another partition afterwards: what was sent
 * before and is sent again may lie in two of them, and only the table's unique
 * hash says which was first.
 *
 * From: deploy/ctl/main.c.
 * To:   consumer/kafka_admin.c; tables leaf_counts, announced, logs.
 */
#include "verifier/command/partitions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/postgres_array.h"
#include "schemas/base/fail.h"
#include "schemas/cursor.h"
#include "schemas/names.h"
#include "verifier/command/cluster.h"
#include "verifier/command/step.h"

static const char *brokers, *database_url, *topic_submitted, *topic_results;
static bool execute, json;

static const struct setting settings[] = {
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "brokers to ask first, host:port,host:port"),
    SETTING_TEXT_ALIAS("DATABASE_URL", "DATABASE_URL", &database_url, NULL,
                       "PostgreSQL, as a URL; without it PGHOST and the like"),
    SETTING_TEXT("TOPIC_SUBMITTED", &topic_submitted, NAMES_TOPIC_SUBMITTED,
                 "topic of what was accepted"),
    SETTING_TEXT("TOPIC_RESULTS", &topic_results, NAMES_TOPIC_RESULTS,
                 "topic of what became of it"),
};

static const struct command_option options[] = {
    COMMAND_FLAG("execute", &execute, "do it; without it, a preview"),
    COMMAND_FLAG("json", &json, "one JSON object a step"),
};

struct change {
    struct cluster c;
    int32_t total;
    struct kafka_facts facts; /* of submitted and results, in this order */
};

static int read_facts(struct change *h)
{
    const char *const topics[] = {topic_submitted, topic_results};
    int rc = kafka_admin_facts(h->c.admin, topics, 2, &h->facts);

    if (rc < 0)
        return command_fail(command_exit_code(rc), "kafka: %s",
                            kafka_admin_why(h->c.admin));
    if (!h->facts.topics[1].exists)
        return command_fail(COMMAND_CONFIG,
                            "topic %s is not there: run `tidemill init`",
                            topic_results);
    if (h->facts.topics[0].partitions > h->total)
        return command_fail(COMMAND_USAGE,
                            "%s has %d partitions already: none can be taken "
                            "away",
                            topic_submitted, h->facts.topics[0].partitions);
    return 0;
}

/* ---- topics ---- */

static int raise_topic(struct change *h, size_t i)
{
    const struct kafka_topic *t = &h->facts.topics[i];
    int rc;

    if (t->partitions >= h->total) {
        step_count("topic", t->partitions, "%s has %d partitions", t->name,
                   t->partitions);
        return 0;
    }
    step_count("topic", h->total, "%s %s from %d to %d partitions", t->name,
               execute ? "goes" : "would go", t->partitions, h->total);
    if (!execute)
        return 0;
    rc = kafka_admin_add_partitions(h->c.admin, t->name, h->total);
    return rc == 0 ? 0
                   : command_fail(command_exit_code(rc), "%s: %s", t->name,
                                  kafka_admin_why(h->c.admin));
}

/* ---- positions ---- */

/*
 * Partitions without a position: new ones, and those that somebody made by
 * hand. A log that does not begin at 0 has lost records that nobody judged:
 * that is not for us to pass over.
 */
static int find_unplanted(struct change *h, struct postgres_array *ids,
                          struct postgres_array *starts, int *out_count)
{
    const struct cluster_place *at;
    int32_t p;
    int count = 0;

    for (p = 0; p < h->total; p++) {
        at = &h->c.places[p];
        if (p < h->c.partition_count && at->position >= 0)
            continue;
        if (p < h->c.partition_count && at->start > 0)
            return command_fail(COMMAND_DATA,
                                "partition %d was never planted and begins at "
                                "%" PRId64
                                ": records expired unjudged. "
                                "`tidemill init` goes on there",
                                p, at->start);
        postgres_array_i32(ids, p);
        postgres_array_i64(starts, 0);
        count++;
    }
    *out_count = count;
    return 0;
}

static void take_int(void *arg, const struct postgres_answer *a)
{
    *(int *)arg = postgres_cell_i32(a, 0, 0, 0);
}

static int plant(struct change *h)
{
    struct postgres_array ids, starts;
    struct postgres_param params[3];
    uint8_t at[8];
    int count = 0, planted = 0, rc;

    postgres_array_init(&ids, POSTGRES_INT4_ARRAY);
    postgres_array_init(&starts, POSTGRES_INT8_ARRAY);
    rc = find_unplanted(h, &ids, &starts, &count);
    if (rc == 0 && count > 0 && execute) {
        params[0] = postgres_i32(h->c.log, at);
        params[1] = postgres_array_param(&ids);
        params[2] = postgres_array_param(&starts);
        rc = cluster_ask(&h->c, "SELECT tidemill.plant($1, $2, $3)", params, 3,
                         take_int, &planted, "positions");
        count = planted;
    }
    if (rc == 0)
        step_count("positions", count, "%d positions %s at 0", count,
                   execute ? "planted" : "would be planted");
    postgres_array_fini(&ids);
    postgres_array_fini(&starts);
    return rc;
}

/* Every partition that is there now has its position inside its log. */
static int verify(struct change *h)
{
    const struct cluster_place *at;
    int32_t p;
    int rc;

    h->c.partition_count = h->total;
    rc = cluster_read(&h->c);
    for (p = 0; p < h->total && rc == 0; p++) {
        at = &h->c.places[p];
        if (at->position < 0)
            rc = command_fail(COMMAND_TEMPORARY,
                              "partition %d has no position: run it again", p);
        else if (at->position < at->start)
            rc = command_fail(COMMAND_DATA,
                              "partition %d stands at %" PRId64
                              " and its log begins at %" PRId64
                              ": see `tidemill log show`",
                              p, at->position, at->start);
    }
    return rc;
}

/* ---- logs ---- */

#define NOTE                                                                   \
    "UPDATE tidemill.logs l SET partitions = $2 WHERE l.topic = $1 AND "       \
    "l.log = (SELECT max(log) FROM tidemill.logs WHERE topic = $1)"

static int note(struct change *h, const char *topic)
{
    uint8_t at[8];
    struct postgres_param params[] = {postgres_text(topic),
                                      postgres_i32(h->total, at)};

    return cluster_ask(&h->c, NOTE, params, 2, NULL, NULL, "logs");
}

/* ---- all of it ---- */

static int change(struct change *h)
{
    int rc = read_facts(h);

    if (rc == 0)
        rc = cluster_read(&h->c);
    if (rc == 0)
        rc = raise_topic(h, 1);
    if (rc == 0)
        rc = plant(h);
    if (rc == 0)
        rc = raise_topic(h, 0);
    if (rc != 0)
        return rc;
    if (!execute) {
        step_say("note",
                 "a transaction that is sent again after the change may lie in "
                 "another partition than before: then only the table's unique "
                 "hash says which was first");
        step_say("preview", "this was a preview: --execute does it");
        return COMMAND_OK;
    }
    rc = verify(h);
    if (rc == 0)
        rc = note(h, topic_results);
    if (rc == 0)
        rc = note(h, topic_submitted);
    if (rc == 0)
        step_count("done", h->total,
                   "%d partitions; running verifiers take the new ones within "
                   "seconds",
                   h->total);
    return rc;
}

static int run(int argc, char **argv)
{
    struct change *h;
    char *end = NULL;
    long total = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    int rc;

    if (argc != 2 || *end != '\0' || total < 1 || total > CURSOR_PARTITIONS_MAX)
        return command_fail(COMMAND_USAGE,
                            "say how many partitions, 1 to %d (a cursor holds "
                            "no more)",
                            CURSOR_PARTITIONS_MAX);
    h = calloc(1, sizeof(*h));
    CHECK(h != NULL);
    h->total = (int32_t)total;
    step_as_json(json);
    rc = cluster_open(&h->c, brokers, database_url, topic_submitted);
    if (rc == 0)
        rc = change(h);
    cluster_close(&h->c);
    free(h);
    return rc;
}

const struct command command_partitions = {
    .name = "partitions",
    .usage = "[--execute] [--json] N",
    .help =
        "raises both topics to N partitions, in the right order\n"
        "Results first, then the positions, then submitted. A run that was "
        "cut off is\nrun again. Partitions cannot be taken away.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
