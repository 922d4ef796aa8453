/*
 * verifier/command/lag.c: what waits, in records and in seconds.
 *
 *      announced      position             end
 *      v              v                    v
 *      [ to announce  | behind             )
 *        ^ its age      ^ its age
 *
 * The seconds are the age of the oldest record of each, by the time the broker
 * appended it: so long ago something was accepted that is not judged yet. What
 * waits for longer than half of the topic's retention is in danger, and the
 * exit status says so.
 *
 * From: deploy/ctl/main.c.
 * To:   consumer/reader.c, one record a partition; standard output.
 */
#include "verifier/command/lag.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/clock.h"
#include "consumer/base/loop.h"
#include "schemas/base/fail.h"
#include "verifier/command/cluster.h"

#define FETCH_MS 10000
#define CLOSE_MS 15000

static const char *brokers, *database_url, *topic;
static bool json;

static const struct setting settings[] = {
    CLUSTER_SETTINGS(&brokers, &database_url, &topic),
};

static const struct command_option options[] = {
    COMMAND_FLAG("json", &json, "one JSON object a partition"),
};

struct lag;

/* The first record of a range; append_ms -1: there is none. */
struct probe {
    struct lag *g;
    int64_t append_ms;
    bool over;
};

struct lag {
    struct cluster c;
    struct reader *reader;
    struct probe behind[CLUSTER_PARTITIONS_MAX];
    struct probe unannounced[CLUSTER_PARTITIONS_MAX];
    size_t pending;
    bool none_pending;
    int64_t now_ms;
    int64_t retention_ms; /* of the topic; -1: for ever */
};

/* ---- the oldest of each ---- */

static void over(struct probe *b)
{
    if (b->over)
        return;
    b->over = true;
    b->g->none_pending = --b->g->pending == 0;
}

static void on_record(void *arg, const struct record *r)
{
    struct probe *b = arg;

    if (b->append_ms < 0)
        b->append_ms = r->append_ms;
    over(b);
}

static void on_done(void *arg, int rc, int64_t next_offset)
{
    (void)rc;
    (void)next_offset;
    over(arg);
}

static void probe(struct lag *g, struct probe *b, int32_t p, int64_t from,
                  int64_t to)
{
    *b = (struct probe){g, -1, false};
    if (from < g->c.places[p].start)
        from = g->c.places[p].start;
    if (from >= to)
        return;
    if (reader_fetch(g->reader, p, from, to, on_record, on_done, b) == 0)
        g->pending++;
}

/* One record of each is enough: the rest of the ranges is let go. */
static int wait_for_probes(struct lag *g, struct probe *all)
{
    int32_t p;
    int rc = 0;

    g->none_pending = g->pending == 0;
    if (!g->none_pending)
        rc = command_run_until(database_loop(g->c.db), &g->none_pending, 0);
    for (p = 0; p < g->c.partition_count; p++)
        reader_cancel(g->reader, &all[p]);
    return rc == 0 ? 0 : COMMAND_TEMPORARY;
}

static int64_t position_of(const struct cluster_place *at)
{
    return at->position < 0 ? at->start : at->position;
}

static int probe_all(struct lag *g)
{
    const struct cluster_place *at = g->c.places;
    int32_t p;
    int rc;

    for (p = 0; p < g->c.partition_count; p++)
        probe(g, &g->behind[p], p, position_of(&at[p]), at[p].end);
    rc = wait_for_probes(g, g->behind);
    for (p = 0; p < g->c.partition_count && rc == 0; p++)
        probe(g, &g->unannounced[p], p, at[p].announced, at[p].position);
    return rc == 0 ? wait_for_probes(g, g->unannounced) : rc;
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static int read_ages(struct lag *g)
{
    struct reader_options o = {
        .loop = database_loop(g->c.db),
        .config = &g->c.config,
        .name = "command.lag",
        .topic = topic,
        .header = NAMES_HEADER_RECORD,
        .fetches_max = CLUSTER_PARTITIONS_MAX,
        .deadline_ms = FETCH_MS,
    };
    bool closed = false;
    int rc = reader_open(&o, &g->reader);

    if (rc < 0)
        return command_fail(command_exit_code(rc), "kafka: %s", fail_words(rc));
    rc = probe_all(g);
    reader_close(g->reader, on_closed, &closed);
    (void)loop_run_until(o.loop, &closed, CLOSE_MS);
    g->now_ms = clock_wall_ms();
    return rc;
}

static int read_retention(struct lag *g)
{
    struct kafka_facts facts;
    int rc = kafka_admin_facts(g->c.admin, &topic, 1, &facts);

    if (rc < 0)
        return command_fail(command_exit_code(rc), "kafka: %s",
                            kafka_admin_why(g->c.admin));
    g->retention_ms =
        facts.topics[0].described ? facts.topics[0].retention_ms : -1;
    return 0;
}

/* ---- saying it ---- */

/* Two clocks: what the broker has just appended is not from the future. */
static int64_t age_ms(const struct lag *g, const struct probe *b)
{
    if (b->append_ms < 0)
        return -1;
    return g->now_ms > b->append_ms ? g->now_ms - b->append_ms : 0;
}

static void print_age(int64_t ms, const char *none)
{
    if (ms < 0)
        printf("%s", none);
    else
        printf("%" PRId64 ".%03d", ms / 1000, (int)(ms % 1000));
}

static void say_json(const struct lag *g, int32_t p)
{
    const struct cluster_place *at = &g->c.places[p];

    printf("{\"partition\":%d,\"behind\":%" PRId64 ",\"behind_seconds\":", p,
           at->end - position_of(at));
    print_age(age_ms(g, &g->behind[p]), "null");
    printf(",\"unannounced\":%" PRId64 ",\"unannounced_seconds\":",
           at->position < 0 ? 0 : at->position - at->announced);
    print_age(age_ms(g, &g->unannounced[p]), "null");
    printf(",\"end\":%" PRId64 "}\n", at->end);
}

/* "12 s", "3 h 20 min": two units are enough at 3 a.m. */
static void age_words(int64_t ms, char out[32])
{
    int64_t s = ms / 1000;

    if (ms < 0)
        snprintf(out, 32, "-");
    else if (s < 10)
        snprintf(out, 32, "%" PRId64 ".%d s", s, (int)(ms % 1000 / 100));
    else if (s < 120)
        snprintf(out, 32, "%" PRId64 " s", s);
    else if (s < 7200)
        snprintf(out, 32, "%" PRId64 " min", s / 60);
    else if (s < 2 * 86400)
        snprintf(out, 32, "%" PRId64 " h %" PRId64 " min", s / 3600,
                 s / 60 % 60);
    else
        snprintf(out, 32, "%" PRId64 " d %" PRId64 " h", s / 86400,
                 s / 3600 % 24);
}

static void say_text(const struct lag *g, int32_t p)
{
    const struct cluster_place *at = &g->c.places[p];
    char behind[32], unannounced[32];

    age_words(age_ms(g, &g->behind[p]), behind);
    age_words(age_ms(g, &g->unannounced[p]), unannounced);
    printf("%9d %10" PRId64 " %14s %12" PRId64 " %14s\n", p,
           at->end - position_of(at), behind,
           at->position < 0 ? 0 : at->position - at->announced, unannounced);
}

static void say_sum(const struct lag *g)
{
    int64_t all = 0, oldest = -1;
    char words[32];
    int32_t p;

    for (p = 0; p < g->c.partition_count; p++) {
        int64_t age = age_ms(g, &g->behind[p]);

        all += g->c.places[p].end - position_of(&g->c.places[p]);
        if (age > oldest)
            oldest = age;
    }
    age_words(oldest, words);
    printf("behind in all  %" PRId64 " records", all);
    if (oldest >= 0)
        printf(", the oldest was accepted %s ago", words);
    printf("\n");
}

/* Some partition waits for longer than half of what the topic keeps. */
static int judge(const struct lag *g)
{
    char age[32], kept[32];
    int32_t p;

    for (p = 0; p < g->c.partition_count && g->retention_ms > 0; p++) {
        int64_t ms = age_ms(g, &g->behind[p]);
        int64_t other = age_ms(g, &g->unannounced[p]);

        ms = ms > other ? ms : other;
        if (ms <= g->retention_ms / 2)
            continue;
        age_words(ms, age);
        age_words(g->retention_ms, kept);
        return command_fail(COMMAND_DIFFERS,
                            "DANGER: partition %d waits for %s, and the topic "
                            "keeps %s: raise retention.ms first, then look why "
                            "(`tidemill log show`)",
                            p, age, kept);
    }
    return COMMAND_OK;
}

static int lag(struct lag *g)
{
    int32_t p;
    int rc = cluster_read(&g->c);

    if (rc == 0)
        rc = read_retention(g);
    if (rc == 0)
        rc = read_ages(g);
    if (rc != 0)
        return rc;
    if (!json)
        printf("%9s %10s %14s %12s %14s\n", "partition", "behind", "oldest",
               "to announce", "oldest");
    for (p = 0; p < g->c.partition_count; p++)
        (json ? say_json : say_text)(g, p);
    if (!json)
        say_sum(g);
    return judge(g);
}

static int run(int argc, char **argv)
{
    struct lag *g;
    int rc;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE, "lag takes no operands");
    g = calloc(1, sizeof(*g));
    CHECK(g != NULL);
    rc = cluster_open(&g->c, brokers, database_url, topic);
    if (rc == 0)
        rc = lag(g);
    cluster_close(&g->c);
    free(g);
    return rc;
}

const struct command command_lag = {
    .name = "lag",
    .usage = "[--json]",
    .help =
        "how many records wait to be judged and to be announced, and for how "
        "long\nThe age is that of the oldest one, from when the broker took "
        "it. Ends with 1 when\nsomething waits for longer than half of what "
        "the topic keeps.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
