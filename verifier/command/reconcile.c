/*
 * verifier/command/reconcile.c: proves that every record left exactly one row.
 *
 *      one snapshot of the database    one reading of the log
 *        positions                       every record of [from, position)
 *        ledger ranges of kept leaves
 *        offsets of all rows
 *                   \                    /
 *                    one bit an offset each: missing, stray, twice
 *
 * It counts rows and records, never counters: the log, the rows and the ledger
 * are three witnesses. The range begins where both the log and the kept leaves
 * do; what is at or above the position waits and is reported as such. The
 * ledger's counts are compared kind by kind; where a replay wrote, by their
 * sum.
 *
 * From: deploy/ctl/main.c.
 * To:   verifier/command/reconcile_say.c.
 */
#include "verifier/command/reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/loop.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"
#include "verifier/command/reconcile_state.h"

#define FETCH_ROWS 50000

static const char *brokers, *database_url, *topic;
static long long wait_ms;
static bool json, progress;

static const struct setting settings[] = {
    CLUSTER_SETTINGS(&brokers, &database_url, &topic),
};

static const struct command_option options[] = {
    COMMAND_COUNT("wait", &wait_ms, 0, 86400000,
                  "milliseconds to wait until nothing waits any more (0)"),
    COMMAND_FLAG("json", &json, "one JSON object"),
    COMMAND_FLAG("progress", &progress, "draw the bar in a log, too"),
};

/* ---- asking ---- */

static int ask(struct reconcile *r, const char *sql,
               const struct postgres_param *params, size_t count,
               database_fn rows, const char *what)
{
    return cluster_ask(&r->c, sql, params, count, rows, r, what);
}

static void take_first_kept(void *arg, const struct postgres_answer *a)
{
    struct reconcile *r = arg;
    int32_t p;
    int i;

    for (i = 0; i < a->rows; i++) {
        p = postgres_cell_i32(a, i, 0, -1);
        if (p >= 0 && p < r->c.partition_count)
            r->first_kept[p] = postgres_cell_i64(a, i, 1, 0);
    }
}

/* Where the oldest leaf that is kept begins: the end of the one before it, or
 * where the partition was planted. */
#define FIRST_KEPT                                                             \
    "SELECT DISTINCT ON (c.partition) c.partition, c.to_off "                  \
    "FROM tidemill.leaf_counts c WHERE c.log = $1 AND c.leaf >= "              \
    "(SELECT min(l.leaf) - 1 FROM tidemill.leaves l "                          \
    " WHERE l.state IN ('live', 'sealed')) ORDER BY c.partition, c.leaf"

static int read_places(struct reconcile *r)
{
    uint8_t at[8];
    struct postgres_param log = postgres_i32(r->c.log, at);
    int rc = ask(r, FIRST_KEPT, &log, 1, take_first_kept, "positions");

    return rc == 0 ? cluster_read(&r->c) : rc;
}

/* ---- rows, leaf by leaf ---- */

static const char *const tables[TALLY_KINDS] = {"transactions", "rejections",
                                                "duplicates", "quarantine"};

static void take_rows(void *arg, const struct postgres_answer *a)
{
    struct reconcile *r = arg;
    int64_t offset;
    int32_t p;
    int i;

    r->got = (uint64_t)a->rows;
    for (i = 0; i < a->rows; i++) {
        p = postgres_cell_i32(a, i, 0, -1);
        offset = postgres_cell_i64(a, i, 1, -1);
        if (p < 0 || p >= r->c.partition_count)
            continue;
        /* A replay's row outlives the ledger of a leaf that was dropped. */
        if (offset < r->first_kept[p])
            continue;
        spans_row(&r->spans[p], r->kind, offset);
        tally_row(&r->tallies[p], r->kind, offset);
    }
}

/* All rows of one kind, in pieces, inside the one snapshot. */
static int read_rows(struct reconcile *r, int kind)
{
    char sql[256];
    int rc;

    r->kind = kind;
    snprintf(sql, sizeof(sql),
             "DECLARE rows NO SCROLL CURSOR FOR SELECT partition, off FROM "
             "tidemill.%s WHERE log = %d",
             tables[kind], r->c.log);
    rc = ask(r, sql, NULL, 0, NULL, tables[kind]);
    snprintf(sql, sizeof(sql), "FETCH %d FROM rows", FETCH_ROWS);
    do {
        r->got = 0;
        if (rc == 0)
            rc = ask(r, sql, NULL, 0, take_rows, tables[kind]);
        r->done += r->got;
        command_progress_set(r->progress, r->done);
    } while (rc == 0 && r->got > 0);
    if (rc == 0)
        rc = ask(r, "CLOSE rows", NULL, 0, NULL, tables[kind]);
    return rc;
}

/* ---- the ledger ---- */

static bool is_replayed(const struct reconcile *r, int32_t p, int64_t from,
                        int64_t to)
{
    size_t i;

    for (i = 0; i < r->replay_count; i++)
        if (r->replays[i].partition == p && r->replays[i].from < to &&
            r->replays[i].to > from)
            return true;
    return false;
}

/* Something is missing before `offset`, or overlaps it. */
static void note_hole(struct reconcile *r, int32_t p, int64_t offset)
{
    if (r->ledger_faults++ == 0)
        r->first_hole = (struct record_id){r->c.log, p, offset};
}

static void take_ledger(void *arg, const struct postgres_answer *a)
{
    struct reconcile *r = arg;
    int64_t from, to, counts[TALLY_KINDS];
    int32_t p;
    int i, k;

    for (i = 0; i < a->rows; i++) {
        p = postgres_cell_i32(a, i, 0, -1);
        from = postgres_cell_i64(a, i, 1, -1);
        to = postgres_cell_i64(a, i, 2, -1);
        if (p < 0 || p >= r->c.partition_count)
            continue;
        if (from != r->ledger_next[p] || to <= from)
            note_hole(r, p, r->ledger_next[p]);
        r->ledger_next[p] = to;
        for (k = 0; k < TALLY_KINDS; k++)
            counts[k] = postgres_cell_i32(a, i, 3 + k, 0);
        spans_range(&r->spans[p], from, to, counts,
                    is_replayed(r, p, from, to));
    }
    r->got = (uint64_t)a->rows;
}

#define LEDGER                                                                 \
    "DECLARE ranges NO SCROLL CURSOR FOR SELECT partition, from_off, to_off, " \
    "verified, rejected, duplicates, quarantined FROM tidemill.batches "       \
    "WHERE log = %d ORDER BY partition, from_off"

/* The ranges of each partition follow each other from the first that is kept to
 * the position. */
static int read_ledger(struct reconcile *r)
{
    char sql[256];
    int32_t p;
    int rc;

    for (p = 0; p < r->c.partition_count; p++)
        r->ledger_next[p] = r->first_kept[p];
    snprintf(sql, sizeof(sql), LEDGER, r->c.log);
    rc = ask(r, sql, NULL, 0, NULL, "ledger");
    snprintf(sql, sizeof(sql), "FETCH %d FROM ranges", FETCH_ROWS);
    do {
        r->got = 0;
        if (rc == 0)
            rc = ask(r, sql, NULL, 0, take_ledger, "ledger");
    } while (rc == 0 && r->got > 0);
    for (p = 0; p < r->c.partition_count && rc == 0; p++)
        if (r->ledger_next[p] != r->c.places[p].position)
            note_hole(r, p, r->ledger_next[p]);
    return rc;
}

static void take_twins(void *arg, const struct postgres_answer *a)
{
    struct reconcile *r = arg;

    r->twins = (uint64_t)postgres_cell_i64(a, 0, 0, 0);
    snprintf(r->first_twin, sizeof(r->first_twin), "%s",
             postgres_cell_text(a, 0, 1));
}

static void take_replays(void *arg, const struct postgres_answer *a)
{
    struct reconcile *r = arg;
    int i;

    r->replays = calloc((size_t)a->rows + 1, sizeof(*r->replays));
    CHECK(r->replays != NULL);
    for (i = 0; i < a->rows; i++)
        r->replays[r->replay_count++] = (struct reconcile_replay){
            .partition = postgres_cell_i32(a, i, 0, -1),
            .from = postgres_cell_i64(a, i, 1, 0),
            .to = postgres_cell_i64(a, i, 2, 0),
        };
}

/* Ranges that touch are one: there are few. */
#define REPLAYS                                                                \
    "SELECT partition, lower(r), upper(r) FROM (SELECT partition, "            \
    "unnest(range_agg(int8range(from_off, to_off))) AS r FROM "                \
    "tidemill.replays WHERE log = $1 AND rules IS NULL AND to_off > from_off " \
    "GROUP BY partition) x"

static int read_replays(struct reconcile *r)
{
    uint8_t at[8];
    struct postgres_param log = postgres_i32(r->c.log, at);

    return ask(r, REPLAYS, &log, 1, take_replays, "replays");
}

#define TWINS                                                                  \
    "SELECT count(*)::bigint, min(tidemill.hex(t.hash)) FROM (SELECT hash "    \
    "FROM tidemill.transactions GROUP BY hash, chain HAVING count(*) > 1) t"

/* ---- the log ---- */

struct reading {
    struct reconcile *r;
    struct tally *tally;
};

static void on_record(void *arg, const struct record *record)
{
    struct reading *g = arg;

    tally_record(g->tally, record->offset);
    command_progress_set(g->r->progress, ++g->r->done);
}

static int read_log(struct reconcile *r)
{
    struct reading g = {.r = r};
    int32_t p;
    int rc = 0;

    for (p = 0; p < r->c.partition_count && rc == 0; p++) {
        g.tally = &r->tallies[p];
        if (g.tally->from < g.tally->to)
            rc = cluster_fetch(&r->c, p, g.tally->from, g.tally->to, on_record,
                               &g);
    }
    return rc;
}

/* ---- all of it ---- */

uint64_t reconcile_waiting(const struct reconcile *r)
{
    uint64_t all = 0;
    int32_t p;

    for (p = 0; p < r->c.partition_count; p++) {
        if (r->c.places[p].end > r->c.places[p].position)
            all += (uint64_t)(r->c.places[p].end - r->c.places[p].position);
    }
    return all;
}

uint64_t reconcile_unannounced(const struct reconcile *r)
{
    uint64_t all = 0;
    int32_t p;

    for (p = 0; p < r->c.partition_count; p++)
        all += (uint64_t)(r->c.places[p].position - r->c.places[p].announced);
    return all;
}

/* Waits, at most wait_ms, until every record is behind the position. */
static int settle(struct reconcile *r)
{
    int64_t until = clock_ms() + wait_ms;
    bool never = false;
    int rc;

    for (;;) {
        rc = read_places(r);
        if (rc != 0 || clock_ms() >= until ||
            (reconcile_waiting(r) == 0 && reconcile_unannounced(r) == 0))
            return rc;
        if (command_run_until(database_loop(r->c.db), &never, 100) == FAIL_GONE)
            return COMMAND_TEMPORARY;
    }
}

static void open_tallies(struct reconcile *r)
{
    const struct cluster_place *at;
    uint64_t records = 0;
    int64_t from;
    int32_t p;

    for (p = 0; p < r->c.partition_count; p++) {
        at = &r->c.places[p];
        from = r->first_kept[p] > at->start ? r->first_kept[p] : at->start;
        if (from > at->position)
            from = at->position;
        tally_init(&r->tallies[p], p, from, at->position);
        records += (uint64_t)(at->position - from);
    }
    command_progress_total(r->progress, 2 * records);
}

static int read_all(struct reconcile *r)
{
    int kind, rc;

    rc = ask(r, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, 0,
             NULL, "snapshot");
    if (rc == 0)
        rc = read_places(r);
    if (rc != 0)
        return rc;
    open_tallies(r);
    rc = read_replays(r);
    if (rc == 0)
        rc = read_ledger(r);
    for (kind = 0; kind < TALLY_KINDS && rc == 0; kind++)
        rc = read_rows(r, kind);
    if (rc == 0)
        rc = ask(r, TWINS, NULL, 0, take_twins, "transactions");
    if (rc == 0)
        rc = ask(r, "COMMIT", NULL, 0, NULL, "snapshot");
    return rc == 0 ? read_log(r) : rc;
}

/* A partition that was never planted has nothing that could agree. */
static int all_planted(struct reconcile *r)
{
    int32_t p;

    for (p = 0; p < r->c.partition_count; p++) {
        if (r->c.places[p].position < 0)
            return command_fail(COMMAND_CONFIG,
                                "partition %d has no position: run `tidemill "
                                "init`",
                                p);
    }
    return 0;
}

static int reconcile(struct reconcile *r)
{
    int32_t p;
    int rc = settle(r);

    if (rc == 0)
        rc = all_planted(r);
    if (rc != 0)
        return rc;
    r->progress = command_progress_open("reconcile", 0);
    rc = read_all(r);
    command_progress_close(r->progress);
    if (rc == 0)
        rc = reconcile_say(r);
    for (p = 0; p < r->c.partition_count; p++) {
        tally_fini(&r->tallies[p]);
        spans_fini(&r->spans[p]);
    }
    free(r->replays);
    return rc;
}

static int run(int argc, char **argv)
{
    struct reconcile *r;
    int rc;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE, "reconcile takes no operands");
    r = calloc(1, sizeof(*r));
    CHECK(r != NULL);
    r->json = json;
    command_progress_force(progress);
    rc = cluster_open(&r->c, brokers, database_url, topic);
    if (rc == 0)
        rc = reconcile(r);
    cluster_close(&r->c);
    free(r);
    return rc;
}

const struct command command_reconcile = {
    .name = "reconcile",
    .usage = "[--wait=MS] [--json]",
    .help =
        "counts records, rows and ledger; 1 when they differ\n"
        "Reads all of it: the log from where it begins, every row of every "
        "kept leaf, and\nthe ledger. It names the first records that are "
        "missing, stray or there twice.\nVerifiers do the cheap half of it "
        "all the time: "
        "tidemill_reconcile_difference_records.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
