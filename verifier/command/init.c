/*
 * verifier/command/init.c: `tidemill init` and `tidemill migrate`.
 *
 * Makes what the programs need, in an order that can be cut off and run again
 * anywhere: results topic before submitted topic (a verifier must never have a
 * partition it cannot announce to), tables, the numbers of the logs, and for
 * each partition its first position, planted at the log's start.
 *
 * From: deploy/ctl/main.c.
 * To:   consumer/kafka_admin.c, schemas/sql.
 */
#include "verifier/command/init.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumer/base/postgres_array.h"
#include "consumer/kafka.h"
#include "schemas/base/fail.h"
#include "schemas/chain.h"
#include "schemas/names.h"
#include "verifier/command/cluster.h"
#include "verifier/command/schema.h"
#include "verifier/command/step.h"

#define ADMIN_MS 30000
#define PARTITIONS_MAX 1024
#define WEEK_MS "604800000"

static const char *brokers, *database_url, *topic_submitted, *topic_results;
static long long partitions = 12, replication = -1, min_insync = 0, rules = 1;
static const char *chain_name = "eip155:1";
static bool json;

static const struct setting settings[] = {
    CLUSTER_SETTINGS(&brokers, &database_url, &topic_submitted),
    SETTING_TEXT("TOPIC_RESULTS", &topic_results, NAMES_TOPIC_RESULTS,
                 "topic of what became of it"),
};
#define SETTINGS_COUNT (sizeof(settings) / sizeof(settings[0]))

static const struct command_option options[] = {
    COMMAND_COUNT("partitions", &partitions, 1, PARTITIONS_MAX,
                  "partitions of both topics, as many as verifiers may ever "
                  "be (12)"),
    COMMAND_COUNT("replication", &replication, -1, 32,
                  "copies of each partition; -1: the brokers' default"),
    COMMAND_COUNT("min-insync", &min_insync, 0, 32,
                  "copies that must have a record before it is acknowledged; "
                  "0: the brokers' default"),
    COMMAND_TEXT("default-chain", &chain_name, "CHAIN",
                 "chain of records without a header (eip155:1)"),
    COMMAND_COUNT("default-rules", &rules, 1, 65535,
                  "rule set of records without a header (1)"),
    COMMAND_FLAG("json", &json, "one JSON object a step"),
};

static const struct command_option migrate_options[] = {
    COMMAND_FLAG("json", &json, "one JSON object a step"),
};

/* ---- topics ---- */

static int explain(struct kafka_admin *admin, int rc, const char *what)
{
    return command_fail(command_exit_code(rc), "%s: %s", what,
                        kafka_admin_why(admin));
}

static int create_topic(struct kafka_admin *admin, const char *topic)
{
    char insync[16];
    struct kafka_pair configs[] = {
        {"cleanup.policy", "delete"},
        {"retention.ms", WEEK_MS},
        {"message.timestamp.type", "LogAppendTime"},
        {"unclean.leader.election.enable", "false"},
        {"min.insync.replicas", insync},
    };
    size_t count = min_insync > 0 ? 5 : 4;
    bool existed = false;
    int rc;

    snprintf(insync, sizeof(insync), "%lld", min_insync);
    rc = kafka_admin_create_topic(admin, topic, (int32_t)partitions,
                                  (int)replication, configs, count, &existed);
    if (rc < 0)
        return explain(admin, rc, topic);
    step_say("topic", "topic %s %s", topic, existed ? "is there" : "created");
    return 0;
}

static int make_topics(struct kafka_admin *admin, struct kafka_facts *out)
{
    const char *topics[] = {topic_submitted, topic_results};
    struct buffer why;
    int rc;

    rc = create_topic(admin, topic_results);
    if (rc == 0)
        rc = create_topic(admin, topic_submitted);
    if (rc != 0)
        return rc;
    rc = kafka_admin_new_facts(admin, topics, 2, out);
    if (rc < 0)
        return explain(admin, rc, "topics");
    buffer_init(&why, 1024);
    if (!kafka_facts_hold(out, &why))
        rc = command_fail(COMMAND_CONFIG, "%s", buffer_text(&why));
    buffer_fini(&why);
    if (rc == 0 && out->topics[0].partitions > out->topics[1].partitions)
        rc = command_fail(COMMAND_CONFIG,
                          "%s has %d partitions and %s only %d: a result goes "
                          "to the partition of its record",
                          topic_submitted, out->topics[0].partitions,
                          topic_results, out->topics[1].partitions);
    return rc;
}

/* ---- logs and positions ---- */

#define NOTE_LOG                                                               \
    "INSERT INTO tidemill.logs (log, topic, cluster_id, partitions, chain, "   \
    "rules) SELECT coalesce((SELECT max(log) FROM tidemill.logs), 0) + 1, "    \
    "$1, $2, $3, $4, $5 WHERE NOT EXISTS "                                     \
    "(SELECT FROM tidemill.logs WHERE topic = $1)"
#define READ_LOG "SELECT max(log)::int FROM tidemill.logs WHERE topic = $1"

static void take_log(void *arg, const struct postgres_answer *a)
{
    *(int *)arg = postgres_cell_i32(a, 0, 0, 0);
}

static int database_fail(struct database *db, int rc, const char *what)
{
    return command_fail(command_exit_code(rc), "%s: %s", what,
                        database_why(db));
}

/* Notes a topic's first number, if it has none yet. */
static int note_log(struct database *db, const struct kafka_facts *facts,
                    const struct kafka_topic *t, int *out_log)
{
    uint8_t count_at[8], rules_at[8];
    struct postgres_param params[] = {
        postgres_text(t->name),
        postgres_text(facts->cluster_id),
        postgres_i32(t->partitions, count_at),
        postgres_text(chain_name),
        postgres_i16((int16_t)rules, rules_at),
    };
    int rc = database_run(db, NOTE_LOG, params, 5, NULL, NULL);

    if (rc == 0)
        rc = database_run(db, READ_LOG, params, 1, take_log, out_log);
    if (rc < 0)
        return database_fail(db, rc, "logs");
    step_count("log", *out_log, "log %d is %s, %d partitions", *out_log,
               t->name, t->partitions);
    return 0;
}

static void take_planted(void *arg, const struct postgres_answer *a)
{
    *(int *)arg = postgres_cell_i32(a, 0, 0, 0);
}

static int plant(struct database *db, struct kafka_admin *admin, int log,
                 const struct kafka_topic *t)
{
    struct postgres_array ids, starts;
    struct postgres_param params[3];
    uint8_t log_at[8];
    int64_t start, end;
    int planted = 0, rc = 0;
    int32_t p;

    postgres_array_init(&ids, POSTGRES_INT4_ARRAY);
    postgres_array_init(&starts, POSTGRES_INT8_ARRAY);
    for (p = 0; p < t->partitions && rc == 0; p++) {
        rc = kafka_admin_offsets(admin, t->name, p, &start, &end);
        if (rc < 0)
            break;
        postgres_array_i32(&ids, p);
        postgres_array_i64(&starts, start);
    }
    if (rc < 0) {
        rc = explain(admin, rc, "offsets");
    } else {
        params[0] = postgres_i32(log, log_at);
        params[1] = postgres_array_param(&ids);
        params[2] = postgres_array_param(&starts);
        rc = database_run(db, "SELECT tidemill.plant($1, $2, $3)", params, 3,
                          take_planted, &planted);
        if (rc < 0)
            rc = database_fail(db, rc, "positions");
        else
            step_count("positions", planted,
                       "%d positions planted, %d were there", planted,
                       t->partitions - planted);
    }
    postgres_array_fini(&ids);
    postgres_array_fini(&starts);
    return rc;
}

static int with_both(struct kafka_admin *admin, struct database *db)
{
    struct kafka_facts facts;
    int log = 0, results_log = 0, rc;

    rc = make_topics(admin, &facts);
    if (rc != 0)
        return rc;
    rc = schema_migrate(db);
    if (rc < 0)
        return command_exit_code(rc);
    rc = note_log(db, &facts, &facts.topics[0], &log);
    if (rc == 0)
        rc = note_log(db, &facts, &facts.topics[1], &results_log);
    if (rc == 0)
        rc = plant(db, admin, log, &facts.topics[0]);
    if (rc != 0)
        return rc;
    if (kafka_admin_join(admin, NAMES_GROUP_VERIFIER, topic_submitted) < 0)
        fprintf(stderr,
                "note: the first group join failed (%s); the first "
                "verifier will wait a second longer\n",
                kafka_admin_why(admin));
    step_say("ready", "ready");
    return COMMAND_OK;
}

static int check_arguments(int argc)
{
    struct chain chain;

    if (argc > 1)
        return command_fail(COMMAND_USAGE, "init takes no operands");
    if (chain_parse(bytes_text(chain_name), &chain) < 0 ||
        chain_rules_newest(chain.ns) < rules)
        return command_fail(COMMAND_USAGE,
                            "there is no rule set %lld for chain \"%s\"", rules,
                            chain_name);
    return 0;
}

static int run_init(int argc, char **argv)
{
    struct kafka_config config;
    struct kafka_admin *admin = NULL;
    struct database *db = NULL;
    struct buffer why;
    int rc = check_arguments(argc);

    (void)argv;
    if (rc != 0)
        return rc;
    step_as_json(json);
    buffer_init(&why, 4096);
    if (kafka_config_init(&config, brokers, &why) < 0) {
        rc = command_fail(COMMAND_CONFIG, "%s", buffer_text(&why));
        buffer_fini(&why);
        return rc;
    }
    buffer_fini(&why);
    rc = kafka_admin_open(&config, ADMIN_MS, &admin);
    if (rc < 0) {
        rc = command_fail(command_exit_code(rc), "kafka at %s: %s", brokers,
                          fail_words(rc));
    } else {
        rc = database_open(database_url, &db);
        rc = rc < 0 ? command_exit_code(rc) : with_both(admin, db);
    }
    database_close(db);
    kafka_admin_close(admin);
    kafka_config_fini(&config);
    return rc;
}

static int run_migrate(int argc, char **argv)
{
    struct database *db = NULL;
    int rc;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE, "migrate takes no operands");
    step_as_json(json);
    rc = database_open(database_url, &db);
    if (rc < 0)
        return command_exit_code(rc);
    rc = schema_migrate(db);
    database_close(db);
    if (rc < 0)
        return command_exit_code(rc);
    if (rc == 0)
        step_count("version", schema_newest(),
                   "nothing to apply: the database is at version %d",
                   schema_newest());
    return COMMAND_OK;
}

const struct command command_init = {
    .name = "init",
    .usage = "[--partitions=N] [--replication=N] [--min-insync=N] [--json]",
    .help =
        "makes topics, tables, log numbers and first positions\n"
        "What is there already is left alone: run it as often as you like. "
        "The number of\npartitions can be raised later, never lowered.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = SETTINGS_COUNT,
    .run = run_init,
};

const struct command command_migrate = {
    .name = "migrate",
    .usage = "[--json]",
    .help =
        "brings the tables to this release\n"
        "Only adds: programs of the release before go on running. Run it "
        "before "
        "newer\nverifiers start.",
    .options = migrate_options,
    .options_count = sizeof(migrate_options) / sizeof(migrate_options[0]),
    .settings = settings,
    .settings_count = SETTINGS_COUNT,
    .run = run_migrate,
};
