/*
 * deploy/ctl/doctor.c: `tidemill doctor`.
 *
 * `check` asks whether everything answers; `doctor` whether what answers keeps
 * its word. It asks and changes nothing. Every wait has a deadline.
 *
 * From: deploy/ctl/main.c.
 * To:   verifier/command/doctor_kafka.c, doctor_database.c; doctor_redis.c.
 */
#include "deploy/ctl/doctor.h"

#include "schemas/base/fail.h"
#include "schemas/names.h"

#define ADMIN_MS 10000

static const char *brokers, *database_url, *redis_url;
static const char *topic_submitted, *topic_results;
static bool json;

static const struct setting settings[] = {
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "brokers to ask first, host:port,host:port"),
    SETTING_TEXT("TOPIC_SUBMITTED", &topic_submitted, NAMES_TOPIC_SUBMITTED,
                 "topic of what was accepted"),
    SETTING_TEXT("TOPIC_RESULTS", &topic_results, NAMES_TOPIC_RESULTS,
                 "topic of what became of it"),
    SETTING_TEXT_ALIAS("DATABASE_URL", "DATABASE_URL", &database_url, NULL,
                       "PostgreSQL, as a URL; without it PGHOST and the like"),
    SETTING_TEXT_ALIAS("REDIS_URL", "REDIS_URL", &redis_url,
                       "redis://127.0.0.1:6379", "Redis, as a URL"),
};

static const struct command_option options[] = {
    COMMAND_FLAG("json", &json, "one JSON object a line"),
};

/* Brokers first: the database's logs are compared with what they say. */
static void ask(struct doctor *d, struct kafka_admin *admin)
{
    const char *const topics[2] = {topic_submitted, topic_results};
    struct kafka_facts facts = {.known = false};

    doctor_brokers(d, admin, brokers, topics, &facts);
    doctor_ask_database(d, database_url, admin, &facts);
    doctor_ask_redis(d, redis_url);
}

static int run(int argc, char **argv)
{
    struct doctor d = {.json = json};
    struct kafka_config config;
    struct kafka_admin *admin;
    struct buffer why;
    int rc;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE, "doctor takes no operands");
    buffer_init(&why, 4096);
    rc = kafka_config_init(&config, brokers, &why);
    if (rc < 0)
        command_fail(0, "%s", buffer_text(&why));
    buffer_fini(&why);
    if (rc < 0)
        return COMMAND_CONFIG;
    rc = kafka_admin_open(&config, ADMIN_MS, &admin);
    if (rc < 0) {
        rc = command_fail(command_exit_code(rc), "kafka: %s", fail_words(rc));
    } else {
        ask(&d, admin);
        rc = doctor_end(&d);
        kafka_admin_close(admin);
    }
    kafka_config_fini(&config);
    return rc;
}

const struct command command_doctor = {
    .name = "doctor",
    .usage = "[--json]",
    .help =
        "do the settings of brokers, database and Redis carry the promise?\n"
        "Ends with 1 when one of them makes it false; each such line says "
        "which\nsentence it endangers and what to run. Changes nothing.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
