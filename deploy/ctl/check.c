/*
 * deploy/ctl/check.c: `tidemill check`: one line for everything that is needed.
 *
 *      ok      brokers       1 of them at 127.0.0.1:19092
 *      failed  tx.results    the topic is not there: run `tidemill init`
 *
 * Asks and changes nothing. Every wait has a deadline.
 *
 * From: deploy/ctl/main.c.
 * To:   brokers, database, Redis, door and gateway.
 */
#include "deploy/ctl/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "consumer/base/loop.h"
#include "consumer/kafka.h"
#include "deploy/ctl/http_client.h"
#include "deploy/ctl/tx.h"
#include "notifier/redis.h"
#include "schemas/base/fail.h"
#include "schemas/json.h"
#include "schemas/names.h"
#include "verifier/command/schema.h"

#define ADMIN_MS 10000
#define REDIS_MS 5000
#define ANSWER_MS 5000
#define WORDS_MAX 512

static const char *brokers, *database_url, *redis_url, *http_url, *gateway_url;
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
    SETTING_TEXT("HTTP_URL", &http_url, TX_HTTP_URL,
                 "where the door is: http://host:port"),
    SETTING_TEXT("GATEWAY_URL", &gateway_url, TX_GATEWAY_URL,
                 "where the gateway is: http://host:port"),
};

static const struct command_option options[] = {
    COMMAND_FLAG("json", &json, "one JSON object a line"),
};

static int failures;

/* One line; `ok` false counts. */
static void say(bool ok, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(bool ok, const char *what, const char *format, ...)
{
    char words[WORDS_MAX];
    struct json_writer w;
    struct buffer b;
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    failures += !ok;
    if (!json) {
        printf("%-7s %-13s %s\n", ok ? "ok" : "failed", what, words);
        fflush(stdout);
        return;
    }
    buffer_init(&b, 4096);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    json_writer_name(&w, "what");
    json_writer_text(&w, what);
    json_writer_name(&w, "ok");
    json_writer_bool(&w, ok);
    json_writer_name(&w, "words");
    json_writer_text(&w, words);
    json_writer_end(&w);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}

/* ---- brokers ---- */

static void say_topic(const struct kafka_facts *all, size_t i)
{
    struct kafka_facts one = *all;
    const struct kafka_topic *t = &all->topics[i];
    struct buffer why;

    if (!t->exists) {
        say(false, t->name, "the topic is not there: run `tidemill init`");
        return;
    }
    one.topic_count = 1;
    one.topics[0] = *t;
    buffer_init(&why, 1024);
    if (!kafka_facts_hold(&one, &why))
        say(false, t->name, "%s", buffer_text(&why));
    else if (t->leaderless > 0)
        say(false, t->name,
            "%d of %d partitions have no leader: look at the "
            "brokers",
            t->leaderless, t->partitions);
    else
        say(true, t->name, "%d partitions, %d copies, %lld days", t->partitions,
            t->replication,
            t->retention_ms < 0 ? -1 : (long long)t->retention_ms / 86400000);
    buffer_fini(&why);
}

static void ask_brokers(struct kafka_admin *admin)
{
    const char *topics[] = {topic_submitted, topic_results};
    struct kafka_facts facts;
    int rc = kafka_admin_facts(admin, topics, 2, &facts);

    if (rc < 0) {
        say(false, "brokers",
            "%s: %s: is KAFKA_BROKERS right, and do they run?", brokers,
            kafka_admin_why(admin));
        return;
    }
    say(true, "brokers", "%d of them at %s, %s", facts.brokers, brokers,
        kafka_library());
    say_topic(&facts, 0);
    say_topic(&facts, 1);
    if (facts.topics[0].exists && facts.topics[1].exists &&
        facts.topics[0].partitions > facts.topics[1].partitions)
        say(false, "partitions",
            "%s has fewer than %s: a result goes to the partition of its "
            "record",
            topic_results, topic_submitted);
}

static void check_brokers(void)
{
    struct kafka_config config;
    struct kafka_admin *admin;
    struct buffer why;
    int rc;

    buffer_init(&why, 4096);
    rc = kafka_config_init(&config, brokers, &why);
    if (rc < 0) {
        say(false, "brokers", "%s", buffer_text(&why));
        buffer_fini(&why);
        return;
    }
    buffer_fini(&why);
    rc = kafka_admin_open(&config, ADMIN_MS, &admin);
    if (rc < 0) {
        say(false, "brokers", "%s", fail_words(rc));
    } else {
        ask_brokers(admin);
        kafka_admin_close(admin);
    }
    kafka_config_fini(&config);
}

/* ---- database ---- */

static void take_count(void *arg, const struct postgres_answer *a)
{
    *(int *)arg = postgres_cell_i32(a, 0, 0, 0);
}

/* Without a first position, the first batch would be fenced for ever. */
static void check_positions(struct database *db)
{
    struct postgres_param topic = postgres_text(topic_submitted);
    int log = 0, rc;

    rc = database_run(db,
                      "SELECT coalesce(max(log), 0)::int FROM tidemill.logs "
                      "WHERE topic = $1",
                      &topic, 1, take_count, &log);
    if (rc < 0)
        say(false, "log", "%s", database_why(db));
    else if (log == 0)
        say(false, "log", "%s has no number yet: run `tidemill init`",
            topic_submitted);
    else
        say(true, "log", "%s is log %d", topic_submitted, log);
}

static void check_schema(struct database *db)
{
    struct schema_state s = {0, 0};
    int rc = schema_read(db, &s);

    if (rc < 0)
        say(false, "tables", "%s", database_why(db));
    else if (s.version == 0)
        say(false, "tables", "there are none: run `tidemill init`");
    else if (s.oldest_reader > schema_newest())
        say(false, "tables",
            "version %d is newer than this release can read: update it",
            s.version);
    else if (s.version < schema_newest())
        say(false, "tables",
            "version %d; this release brings %d: run `tidemill migrate`",
            s.version, schema_newest());
    else
        say(true, "tables", "version %d", s.version);
    if (s.version > 0)
        check_positions(db);
}

static void check_database(void)
{
    struct database *db;
    int rc = database_open(database_url, &db);

    if (rc < 0) {
        say(false, "database",
            "%s: is DATABASE_URL right, and does PostgreSQL run?",
            fail_words(rc));
        return;
    }
    say(true, "database", "answers");
    check_schema(db);
    database_close(db);
}

/* ---- the loop's: Redis, door, gateway ---- */

struct redis_look {
    bool up;
    char why[256];
};

static void on_redis(void *arg, bool up, const char *why)
{
    struct redis_look *look = arg;

    look->up = up;
    snprintf(look->why, sizeof(look->why), "%s", why != NULL ? why : "");
}

static void check_redis(struct loop *loop)
{
    struct redis_look look = {.why = "no answer"};
    struct redis_options o = {.loop = loop,
                              .name = "check",
                              .url = redis_url,
                              .state = on_redis,
                              .arg = &look};
    const char *why = "";
    struct redis *redis;

    if (redis_open(&o, &redis, &why) < 0) {
        say(false, "redis", "REDIS_URL: %s", why);
        return;
    }
    if (command_run_until(loop, &look.up, REDIS_MS) == 0)
        say(true, "redis", "answers");
    else
        say(false, "redis", "%s: is REDIS_URL right, and does it run?",
            look.why);
    redis_close(redis);
}

/* One question to a program of ours. */
struct question {
    const char *what;     /* "door" */
    const char *setting;  /* where its URL stands */
    const char *program;  /* what should run there */
    const char *url_text; /* that URL */
    const char *method, *target;
    struct bytes body;
    const char *member; /* its answer has this member */
};

static void on_answer(void *arg, const struct http_outcome *o)
{
    const struct question *q = arg;
    struct json_value doc, v = {.type = JSON_ABSENT};

    if (o->rc < 0) {
        say(false, q->what, "%s: %s: does %s run, and is %s right?",
            q->url_text, o->why, q->program, q->setting);
        return;
    }
    if (o->answer->status == 200 &&
        json_parse(o->answer->body, 16, &doc, NULL) == 0 &&
        json_member(doc, q->member, &v) < 0)
        v.type = JSON_ABSENT;
    if (v.type != JSON_ABSENT)
        say(true, q->what, "%s answers", q->url_text);
    else
        say(false, q->what,
            "%s answers %d, which is not how %s does: is %s "
            "right?",
            q->url_text, o->answer->status, q->program, q->setting);
}

static void ask(struct loop *loop, struct question *q)
{
    struct http_client_options o = {.loop = loop, .answer_ms = ANSWER_MS};
    const char *why = "";
    struct url url;

    if (url_parse(q->url_text, &url, &why) < 0) {
        say(false, q->what, "%s: %s", q->url_text, why);
        return;
    }
    o.url = &url;
    if (http_client_ask(&o, q->method, q->target,
                        q->body.data != NULL ? "application/json" : NULL,
                        q->body, on_answer, q) < 0)
        say(false, q->what, "interrupted");
}

static void check_programs(struct loop *loop)
{
    struct question door = {
        .what = "door",
        .setting = "TIDEMILL_HTTP_URL",
        .program = "tidemill-producer",
        .url_text = http_url,
        .method = "POST",
        .target = "/",
        .body = BYTES_LITERAL("{\"jsonrpc\":\"2.0\",\"id\":1,"
                              "\"method\":\"eth_chainId\",\"params\":[]}"),
        .member = "result",
    };
    struct question gateway = {
        .what = "gateway",
        .setting = "TIDEMILL_GATEWAY_URL",
        .program = "tidemill-gateway",
        .url_text = gateway_url,
        .method = "GET",
        .target = "/v1/stats",
        .body = BYTES_NONE,
        .member = "partitions",
    };

    ask(loop, &door);
    ask(loop, &gateway);
}

static int run(int argc, char **argv)
{
    struct loop *loop;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE, "check takes no operands");
    check_brokers();
    check_database();
    if (loop_open(&loop) < 0)
        return command_fail(COMMAND_SOFTWARE, "no loop");
    check_redis(loop);
    check_programs(loop);
    loop_close(loop);
    return failures > 0 ? COMMAND_DIFFERS : COMMAND_OK;
}

const struct command command_check = {
    .name = "check",
    .usage = "[--json]",
    .help =
        "asks everything the programs need, and says what is missing\n"
        "Ends with 1 when something is.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
