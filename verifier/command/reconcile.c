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
 * do; what is at or above the position waits and is reported as such.
 *
 * From: deploy/ctl/main.c.
 * To:   standard output; the exit status is 1 when anything differs.
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
#include "verifier/command/cluster.h"
#include "verifier/command/tally.h"

#define FETCH_ROWS 50000

static const char *brokers, *database_url, *topic;
static long long wait_ms;
static bool json;

static const struct setting settings[] = {
    CLUSTER_SETTINGS(&brokers, &database_url, &topic),
};

static const struct command_option options[] = {
    COMMAND_COUNT("wait", &wait_ms, 0, 86400000,
                  "milliseconds to wait until nothing waits any more (0)"),
    COMMAND_FLAG("json", &json, "one JSON object"),
};

struct reconcile {
    struct cluster c;
    struct command_progress *progress;
    struct tally tallies[CLUSTER_PARTITIONS_MAX];
    /* Where the oldest kept leaf begins, and the end of the ranges read. */
    int64_t first_kept[CLUSTER_PARTITIONS_MAX];
    int64_t ledger_next[CLUSTER_PARTITIONS_MAX];
    uint64_t ledger_faults; /* ranges that do not follow the one before */
    uint64_t ledger_counts[TALLY_KINDS], row_counts[TALLY_KINDS];
    int64_t replays; /* of this log, ever */
    uint64_t twins;  /* transactions with two rows */
    char first_twin[80];
    uint64_t done; /* records read */
    /* what a callback is about */
    int kind;
    uint64_t got; /* rows of the last fetch */
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
        r->row_counts[r->kind]++;
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

static void take_ledger(void *arg, const struct postgres_answer *a)
{
    struct reconcile *r = arg;
    int64_t from, to;
    int32_t p;
    int i, k;

    for (i = 0; i < a->rows; i++) {
        p = postgres_cell_i32(a, i, 0, -1);
        from = postgres_cell_i64(a, i, 1, -1);
        to = postgres_cell_i64(a, i, 2, -1);
        if (p < 0 || p >= r->c.partition_count)
            continue;
        if (from != r->ledger_next[p] || to <= from)
            r->ledger_faults++;
        r->ledger_next[p] = to;
        for (k = 0; k < TALLY_KINDS; k++)
            r->ledger_counts[k] += (uint64_t)postgres_cell_i32(a, i, 3 + k, 0);
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
        r->ledger_faults += r->ledger_next[p] != r->c.places[p].position;
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
    ((struct reconcile *)arg)->replays = postgres_cell_i64(a, 0, 0, 0);
}

static int read_replays(struct reconcile *r)
{
    uint8_t at[8];
    struct postgres_param log = postgres_i32(r->c.log, at);

    return ask(r,
               "SELECT count(*) FROM tidemill.replays WHERE log = $1 AND "
               "rules IS NULL",
               &log, 1, take_replays, "replays");
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

static uint64_t waiting(const struct reconcile *r)
{
    uint64_t all = 0;
    int32_t p;

    for (p = 0; p < r->c.partition_count; p++) {
        if (r->c.places[p].end > r->c.places[p].position)
            all += (uint64_t)(r->c.places[p].end - r->c.places[p].position);
    }
    return all;
}

static uint64_t unannounced(const struct reconcile *r)
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
            (waiting(r) == 0 && unannounced(r) == 0))
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
    rc = read_ledger(r);
    if (rc == 0)
        rc = read_replays(r);
    for (kind = 0; kind < TALLY_KINDS && rc == 0; kind++)
        rc = read_rows(r, kind);
    if (rc == 0)
        rc = ask(r, TWINS, NULL, 0, take_twins, "transactions");
    if (rc == 0)
        rc = ask(r, "COMMIT", NULL, 0, NULL, "snapshot");
    return rc == 0 ? read_log(r) : rc;
}

/* ---- the answer ---- */

struct totals {
    uint64_t records, rows[TALLY_KINDS], missing, stray, twice;
};

static struct totals add_up(struct reconcile *r)
{
    struct totals all = {0};
    struct tally *t;
    int32_t p;
    int k;

    for (p = 0; p < r->c.partition_count; p++) {
        t = &r->tallies[p];
        tally_compare(t);
        all.records += t->record_count;
        all.missing += t->missing_count;
        all.stray += t->stray_count;
        all.twice += t->twice_count;
        for (k = 0; k < TALLY_KINDS; k++)
            all.rows[k] += t->row_count[k];
    }
    return all;
}

/* A row that a replay restored may be of another kind than the one that was
 * lost: its transaction was stored by a repeat in between. */
static bool counts_agree(const struct reconcile *r)
{
    uint64_t ledger = 0, rows = 0;
    int k;

    if (r->replays == 0)
        return memcmp(r->ledger_counts, r->row_counts, sizeof(r->row_counts)) ==
               0;
    for (k = 0; k < TALLY_KINDS; k++) {
        ledger += r->ledger_counts[k];
        rows += r->row_counts[k];
    }
    return ledger == rows;
}

static void print_examples(const struct reconcile *r, const char *what,
                           const int64_t *offsets, uint64_t count, int32_t p)
{
    uint64_t i;

    for (i = 0; i < count && i < TALLY_EXAMPLES; i++)
        printf("  %-10s %d-%d-%" PRId64 "\n", what, r->c.log, p, offsets[i]);
}

static void print_offenders(const struct reconcile *r)
{
    const struct tally *t;
    int32_t p;

    for (p = 0; p < r->c.partition_count; p++) {
        t = &r->tallies[p];
        print_examples(r, "no row", t->missing, t->missing_count, p);
        print_examples(r, "no record", t->stray, t->stray_count, p);
        print_examples(r, "two rows", t->twice, t->twice_count, p);
    }
    if (r->twins > 0)
        printf("  two rows   transaction %s\n", r->first_twin);
}

static void print_text(const struct reconcile *r, const struct totals *all,
                       bool agrees)
{
    printf("records in the log   %" PRIu64 "\n", all->records);
    printf("rows                 %" PRIu64 "  (%" PRIu64 " verified, %" PRIu64
           " rejected, %" PRIu64 " duplicates, %" PRIu64 " quarantined)\n",
           all->rows[0] + all->rows[1] + all->rows[2] + all->rows[3],
           all->rows[0], all->rows[1], all->rows[2], all->rows[3]);
    printf("ledger               %s, %s\n",
           r->ledger_faults == 0 ? "without a hole" : "HAS HOLES",
           counts_agree(r) ? "its counts are the rows'"
                           : "ITS COUNTS ARE NOT THE ROWS'");
    printf("waiting              %" PRIu64 " to be judged, %" PRIu64
           " to be announced\n",
           waiting(r), unannounced(r));
    if (agrees) {
        printf("agrees: every record has exactly one row\n");
        return;
    }
    printf("DIFFERS: %" PRIu64 " records without a row, %" PRIu64
           " rows without a record, %" PRIu64 " records with two rows, %" PRIu64
           " transactions with two rows\n",
           all->missing, all->stray, all->twice, r->twins);
    print_offenders(r);
}

static void print_json(const struct reconcile *r, const struct totals *all,
                       bool agrees)
{
    printf("{\"agrees\":%s,\"log\":%d,\"records\":%" PRIu64
           ",\"verified\":%" PRIu64 ",\"rejected\":%" PRIu64
           ",\"duplicates\":%" PRIu64 ",\"quarantined\":%" PRIu64
           ",\"missing\":%" PRIu64 ",\"stray\":%" PRIu64 ",\"twice\":%" PRIu64
           ",\"twins\":%" PRIu64 ",\"ledger_faults\":%" PRIu64
           ",\"ledger_counts_agree\":%s,\"waiting\":%" PRIu64
           ",\"unannounced\":%" PRIu64 "}\n",
           agrees ? "true" : "false", r->c.log, all->records, all->rows[0],
           all->rows[1], all->rows[2], all->rows[3], all->missing, all->stray,
           all->twice, r->twins, r->ledger_faults,
           counts_agree(r) ? "true" : "false", waiting(r), unannounced(r));
}

static int answer(struct reconcile *r)
{
    struct totals all = add_up(r);
    bool agrees = all.missing == 0 && all.stray == 0 && all.twice == 0 &&
                  r->twins == 0 && r->ledger_faults == 0 && counts_agree(r);

    (json ? print_json : print_text)(r, &all, agrees);
    return agrees ? COMMAND_OK : COMMAND_DIFFERS;
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
        rc = answer(r);
    for (p = 0; p < r->c.partition_count; p++)
        tally_fini(&r->tallies[p]);
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
    .help = "counts records, rows and ledger; 1 when they differ",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
