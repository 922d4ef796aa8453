/*
 * verifier/command/replay.c: `tidemill replay`.
 *
 *      --from, --to, --partition   ->  one range of offsets a partition
 *      a preview                   ->  looks, and says what is missing
 *      --execute                   ->  first what is unfinished, then a new
 *                                      replay of each range
 *
 * A range is cut to what can be replayed: what the log still has, nothing that
 * was in a dropped leaf, nothing at or above the position (the verifiers do
 * that). After an outage no replay is needed; it is for rows that are gone, or
 * with --rules for what another rule set would have said.
 *
 * From: deploy/ctl/main.c.
 * To:   verifier/command/replay_pass.c, or replay_rules.c with --rules.
 */
#include "verifier/command/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/clock.h"
#include "schemas/names.h"
#include "verifier/command/replay_range.h"
#include "verifier/command/replay_say.h"

#define UNFINISHED_MAX 1024

static const char *brokers, *database_url, *topic_submitted, *topic_results;
static const char *from_text, *to_text;
static long long partition = -1, rate = 10000, rules;
static bool execute, json, progress;

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
    COMMAND_TEXT("from", &from_text, "RECORD|TIME",
                 "the first (all that the log still has)"),
    COMMAND_TEXT("to", &to_text, "RECORD|TIME",
                 "the last record, or the time before which (all announced)"),
    COMMAND_COUNT("partition", &partition, -1, CLUSTER_PARTITIONS_MAX - 1,
                  "only this one (-1: all)"),
    COMMAND_COUNT("rules", &rules, 0, 32767,
                  "judge again by this rule set of each record's chain, and "
                  "note what differs (0: look for rows instead)"),
    COMMAND_COUNT("rate", &rate, 0, 10000000,
                  "records looked at in a second (10000); 0: no limit"),
    COMMAND_FLAG("execute", &execute, "do it; without it, a preview"),
    COMMAND_FLAG("json", &json, "one JSON object a partition"),
    COMMAND_FLAG("progress", &progress, "draw the bar in a log, too"),
};

struct run {
    struct cluster c;
    struct replay_bound from, to;
    int64_t floors[CLUSTER_PARTITIONS_MAX];
    struct replay unfinished[UNFINISHED_MAX];
    size_t unfinished_count;
    struct replay_parts parts;
    struct replay_chunk *chunk;
    struct command_progress *bar;
    uint64_t done;  /* records of the passes before this one */
    uint64_t found; /* without a row; with --rules: judged otherwise */
};

/* ---- what was asked for ---- */

static int read_bounds(struct run *r)
{
    int64_t now = clock_wall_ms();

    if (replay_bound_parse(from_text, now, &r->from) < 0)
        return command_fail(COMMAND_USAGE,
                            "--from=%s is no record (1-7-88123), time "
                            "(2026-11-21T15:04:05Z) or age (2h)",
                            from_text);
    if (replay_bound_parse(to_text, now, &r->to) < 0)
        return command_fail(COMMAND_USAGE, "--to=%s is no record, time or age",
                            to_text);
    return 0;
}

/* A record names its partition, and its log must be the one in use. */
static int take_record(struct run *r, const struct replay_bound *b)
{
    if (b->kind != REPLAY_BOUND_RECORD)
        return 0;
    if (b->id.log != r->c.log || b->id.partition >= r->c.partition_count)
        return command_fail(COMMAND_DATA,
                            "the log in use is %d, with %d partitions: there "
                            "is no record %d-%d-%" PRId64 " in it",
                            r->c.log, r->c.partition_count, b->id.log,
                            b->id.partition, b->id.offset);
    if (partition >= 0 && partition != b->id.partition)
        return command_fail(COMMAND_USAGE,
                            "record %d-%d-%" PRId64 " is not of partition %lld",
                            b->id.log, b->id.partition, b->id.offset,
                            partition);
    partition = b->id.partition;
    return 0;
}

/* Where a bound lies in partition p; `none` when there is no bound. */
static int offset_of(struct run *r, const struct replay_bound *b, int32_t p,
                     bool last, int64_t none, int64_t *out)
{
    int rc = 0;

    *out = none;
    if (b->kind == REPLAY_BOUND_RECORD)
        *out = b->id.offset + (last ? 1 : 0);
    if (b->kind == REPLAY_BOUND_TIME)
        rc = kafka_admin_offset_at(r->c.admin, r->c.topic, p, b->ms, out);
    return rc == 0 ? 0
                   : command_fail(command_exit_code(rc), "kafka: %s",
                                  kafka_admin_why(r->c.admin));
}

/* The range of one partition, cut to what can be replayed; may be empty. */
static int range_of(struct run *r, int32_t p, struct replay *out)
{
    const struct cluster_place *at = &r->c.places[p];
    int64_t wanted, low = at->start;
    int rc;

    *out = (struct replay){.partition = p, .rules = (int)rules};
    if (at->position < 0)
        return command_fail(COMMAND_CONFIG,
                            "partition %d has no position: run `tidemill "
                            "init`",
                            p);
    if (r->floors[p] > low)
        low = r->floors[p];
    rc = offset_of(r, &r->from, p, false, low, &wanted);
    if (rc != 0)
        return rc;
    out->from = wanted > low ? wanted : low;
    if (wanted < low && r->from.kind == REPLAY_BOUND_RECORD)
        fprintf(stderr,
                "partition %d: what is below %" PRId64
                " has expired: it begins there\n",
                p, low);
    /* Not what the verifiers have yet to announce: a replay that is cut off
     * would announce it before what lies below. */
    rc = offset_of(r, &r->to, p, true, at->announced, &out->to);
    if (out->to > at->announced)
        out->to = at->announced;
    if (out->to < out->from)
        out->to = out->from;
    out->next = out->announced = out->from;
    return rc;
}

static bool is_wanted(int32_t p)
{
    return partition < 0 || partition == p;
}

/* ---- doing it ---- */

static void on_progress(void *arg, uint64_t looked)
{
    struct run *r = arg;

    command_progress_set(r->bar, r->done + looked);
}

static struct replay_pace pace_of(struct run *r)
{
    return (struct replay_pace){
        .parts = &r->parts, .rate = rate, .progress = on_progress, .arg = r};
}

static struct replay_saying saying_of(const struct run *r)
{
    return (struct replay_saying){r->c.log, json, execute};
}

/* Rows are looked for, written and announced. */
static int pass_rows(struct run *r, struct replay *x)
{
    struct replay_pass s = {.pace = pace_of(r), .chunk = r->chunk};
    struct replay_saying y = saying_of(r);
    int rc = replay_pass_run(&s, x);

    replay_chunk_clear(r->chunk);
    r->done += s.counts.looked;
    r->found += s.counts.missing;
    if (rc == 0 || s.counts.missing > 0)
        replay_say_pass(&y, x, &s.counts);
    return rc;
}

/* Verdicts are compared, and noted. */
static int pass_rules(struct run *r, struct replay *x)
{
    struct replay_rules s = {.pace = pace_of(r), .chunk = r->chunk};
    struct replay_saying y = saying_of(r);
    int rc = replay_rules_run(&s, x);

    replay_chunk_clear(r->chunk);
    r->done += s.counts.looked;
    r->found += s.counts.differ;
    if (rc == 0 || s.counts.differ > 0)
        replay_say_rules(&y, x, &s.counts);
    return rc;
}

static int pass(struct run *r, struct replay *x)
{
    return (x->rules == 0 ? pass_rows : pass_rules)(r, x);
}

/* What an earlier run left. `from` and `to` are not asked: it was promised. */
static int finish_unfinished(struct run *r)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < r->unfinished_count && rc == 0; i++) {
        struct replay *x = &r->unfinished[i];

        if (!is_wanted(x->partition))
            continue;
        if (!json)
            printf("replay %" PRId64 " of partition %d %s at %" PRId64
                   " of %" PRId64 "\n",
                   x->id, x->partition, execute ? "goes on" : "is unfinished",
                   x->next, x->to);
        if (!execute)
            continue;
        if (x->announced == x->next && x->next < r->floors[x->partition])
            rc = replay_skip(&r->c, x,
                             r->floors[x->partition] < x->to
                                 ? r->floors[x->partition]
                                 : x->to);
        if (rc == 0)
            rc = pass(r, x);
    }
    return rc;
}

static int replay_partition(struct run *r, struct replay *range)
{
    struct replay x = *range;
    int rc = 0;

    if (x.from == x.to)
        return 0;
    if (execute)
        rc = replay_create(&r->c, range, &x);
    return rc == 0 ? pass(r, &x) : rc;
}

static int replay_all(struct run *r)
{
    struct replay ranges[CLUSTER_PARTITIONS_MAX];
    uint64_t records = 0;
    int32_t p;
    int rc = 0;

    for (p = 0; p < r->c.partition_count && rc == 0; p++) {
        rc = range_of(r, p, &ranges[p]);
        if (is_wanted(p))
            records += (uint64_t)(ranges[p].to - ranges[p].from);
    }
    if (rc != 0)
        return rc;
    command_progress_force(progress);
    r->bar = command_progress_open("replay", records);
    rc = finish_unfinished(r);
    r->done = 0;
    for (p = 0; p < r->c.partition_count && rc == 0; p++)
        if (is_wanted(p))
            rc = replay_partition(r, &ranges[p]);
    command_progress_close(r->bar);
    return rc;
}

static void say_end(const struct run *r)
{
    if (rules == 0 && !execute)
        printf(r->found == 0
                   ? "every record has its row: nothing to replay\n"
                   : "this was a preview: --execute writes and announces "
                     "what is missing\n");
    if (rules != 0)
        printf(execute ? "what differs is in tidemill.revisions; no row "
                         "changed\n"
                       : "this was a preview: --execute notes what differs in "
                         "tidemill.revisions; no row changes\n");
}

/* A set that no chain of this release has is a slip of the finger. */
static int check_rules(void)
{
    static const enum chain_namespace all[] = {CHAIN_EIP155, CHAIN_JWS,
                                               CHAIN_SOLANA, CHAIN_BIP122};
    int newest = 0;
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (chain_rules_newest(all[i]) > newest)
            newest = chain_rules_newest(all[i]);
    return rules <= newest
               ? 0
               : command_fail(COMMAND_USAGE,
                              "--rules=%lld: this release has sets 1 to %d",
                              rules, newest);
}

static int replay(struct run *r)
{
    int rc = take_record(r, &r->from);

    if (rc == 0)
        rc = take_record(r, &r->to);
    if (rc == 0)
        rc = cluster_read(&r->c);
    if (rc == 0)
        rc = replay_floors(&r->c, r->floors);
    if (rc == 0)
        rc = replay_unfinished(&r->c, (int)rules, r->unfinished, UNFINISHED_MAX,
                               &r->unfinished_count);
    if (rc == 0)
        rc = replay_parts_open(&r->parts, &r->c, database_url,
                               execute && rules == 0 ? topic_results : NULL);
    if (rc == 0)
        rc = replay_all(r);
    if (rc == 0 && !json)
        say_end(r);
    return rc;
}

static int run(int argc, char **argv)
{
    struct run *r;
    int rc;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE,
                            "replay takes no operands: --from, --to");
    r = calloc(1, sizeof(*r));
    CHECK(r != NULL);
    r->chunk = calloc(1, sizeof(*r->chunk));
    CHECK(r->chunk != NULL);
    rc = check_rules();
    if (rc == 0)
        rc = read_bounds(r);
    if (rc == 0) {
        rc = cluster_open(&r->c, brokers, database_url, topic_submitted);
        if (rc == 0)
            rc = replay(r);
        replay_parts_close(&r->parts);
        cluster_close(&r->c);
    }
    free(r->chunk);
    free(r);
    return rc;
}

const struct command command_replay = {
    .name = "replay",
    .usage =
        "[--from=RECORD|TIME] [--to=RECORD|TIME] [--partition=P] "
        "[--rules=N] [--execute]",
    .help =
        "writes and announces records below the position that have no row\n"
        "After an outage none is needed: every stage goes on where it stood. "
        "It is for\nrows that were lost (reconcile names them). Records keep "
        "their ids; rows that are\nthere are left alone. A run that was cut "
        "off is finished by the next one.\n\n"
        "With --rules=N records are judged again by set N of their chain. No "
        "row changes\nand nothing is announced: the verdicts that differ go "
        "into tidemill.revisions.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
