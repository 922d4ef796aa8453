/*
 * verifier/audit.c: one turn a minute: the live leaf, and one sealed leaf.
 *
 *   lock ---> list of leaves ---> live leaf ---> one sealed leaf ---> gauges
 *   another verifier has it: the next turn
 *
 * A leaf is counted in one statement, so in one snapshot: a batch that commits
 * meanwhile is in both counts or in neither. Rows below where the leaf begins
 * were written by a replay; audit_book.h says what that means.
 *
 * From: verifier/pipeline.c opens one; nothing else calls it.
 * To:   the metrics, and the log when a difference comes or goes.
 */
#include "verifier/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/postgres.h"
#include "verifier/audit_book.h"

#define SHORT_MS 10000
#define COUNT_MS 600000 /* deadline of counting one leaf */
#define SHARE 100       /* counting takes 1 % of the time at most */
#define AGE_MS 600000   /* nobody stays on a deposed primary unnoticed */

struct audit {
    struct loop *loop;
    struct audit_options options;
    struct postgres *pg;
    struct loop_timer *timer;
    bool up, busy;
    bool holds; /* the lock, on this connection */
    int64_t started_ms;
    int counting; /* a leaf */
    struct audit_book book;
    int64_t difference; /* as it was last said */
    struct metric *differs, *checked;
};

/* ---- the end of a turn ---- */

static void later(struct audit *a)
{
    int64_t ms = SHARE * (loop_now_ms(a->loop) - a->started_ms);

    a->busy = false;
    loop_timer_start(a->timer,
                     ms > a->options.turn_ms ? ms : a->options.turn_ms, 0);
}

static void failed(struct audit *a, const struct postgres_answer *answer)
{
    if (answer->outcome != POSTGRES_LOST)
        log_warn("reconcile.unfinished", "leaf=%d sqlstate=%s why=%s",
                 a->counting, answer->sqlstate, LOG_TEXT(answer->message));
    if (a->up)
        later(a);
}

static void finished(struct audit *a)
{
    int64_t difference = audit_book_difference(&a->book);

    if (difference > 0 && difference != a->difference)
        log_error("reconcile.differs",
                  "records=%" PRId64
                  " why=\"rows and ledger do not agree: "
                  "`tidemill reconcile` names them\"",
                  difference);
    if (difference == 0 && a->difference > 0)
        log_info("reconcile.agrees", "records=0");
    a->difference = difference;
    metric_set(a->differs, (double)difference);
    metric_set(a->checked, (double)(clock_wall_ms() / 1000));
    later(a);
}

/* ---- counting one leaf ---- */

/* clang-format off */
#define FOUND(table, kind)                                                     \
    "SELECT t.log, t.partition, " kind "::bigint AS kind,"                     \
    " count(*) FILTER (WHERE t.off >= b.lo) AS inside, count(*) AS n"          \
    " FROM tidemill." table "_%1$d t JOIN base b USING (log, partition)"       \
    " GROUP BY 1, 2"

/*
 * -> exact int8, replayed int8. A range that does not follow the one before it,
 * or does not end where a sealed leaf did, counts as one record.
 */
static const char count_sql[] =
    /* where the leaf begins */
    "WITH base AS (SELECT log, partition, to_off AS lo"
    " FROM tidemill.leaf_counts WHERE leaf = %1$d - 1),"
    /* partitions with a replay that wrote something */
    " touched AS (SELECT DISTINCT log, partition FROM tidemill.replays"
    " WHERE rules IS NULL AND to_off > from_off),"
    /* each range beside the one before it */
    " chain AS (SELECT *, lag(to_off) OVER (PARTITION BY log, partition"
    " ORDER BY from_off) AS before FROM tidemill.batches_%1$d),"
    " ledger AS (SELECT c.log, c.partition, max(c.to_off) AS hi,"
    " count(*) FILTER (WHERE c.from_off IS DISTINCT FROM"
    " coalesce(c.before, b.lo)) AS breaks,"
    " ARRAY[sum(c.verified), sum(c.rejected), sum(c.duplicates),"
    " sum(c.quarantined)] AS sums"
    " FROM chain c LEFT JOIN base b USING (log, partition) GROUP BY 1, 2),"
    /* what the ledger says, and what there is */
    " said AS (SELECT l.log, l.partition, s.kind, s.n FROM ledger l,"
    " unnest(l.sums) WITH ORDINALITY s(n, kind)),"
    " found AS (" FOUND("transactions", "1") " UNION ALL "
                  FOUND("rejections", "2") " UNION ALL "
                  FOUND("duplicates", "3") " UNION ALL "
                  FOUND("quarantine", "4") "),"
    " apart AS (SELECT log, partition,"
    " sum(abs(coalesce(f.inside, 0) - coalesce(s.n, 0))) AS exact,"
    " sum(coalesce(f.n, 0) - coalesce(s.n, 0)) AS replayed"
    " FROM said s FULL JOIN found f USING (log, partition, kind)"
    " GROUP BY 1, 2),"
    /* sealed: does the ledger reach as far as was noted then? */
    " ends AS (SELECT count(*) AS n FROM tidemill.leaf_counts k"
    " JOIN tidemill.leaves v USING (leaf) JOIN base b USING (log, partition)"
    " LEFT JOIN ledger l USING (log, partition) WHERE k.leaf = %1$d"
    " AND v.state = 'sealed' AND k.to_off <> coalesce(l.hi, b.lo))"
    " SELECT (coalesce((SELECT sum(breaks) FROM ledger), 0)"
    " + (SELECT n FROM ends)"
    " + coalesce(sum(a.exact) FILTER (WHERE t.log IS NULL), 0))::bigint,"
    " coalesce(sum(a.replayed) FILTER (WHERE t.log IS NOT NULL), 0)::bigint"
    " FROM apart a LEFT JOIN touched t USING (log, partition)";
/* clang-format on */

static void count_leaf(struct audit *a, int leaf, postgres_fn done)
{
    char sql[4096];

    a->counting = leaf;
    /* The format is a constant of this file. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    CHECK(snprintf(sql, sizeof(sql), count_sql, leaf) < (int)sizeof(sql));
#pragma GCC diagnostic pop
    postgres_once(a->pg, sql, NULL, 0, done, a);
    postgres_sync(a->pg, COUNT_MS);
}

static void note(struct audit *a, const struct postgres_answer *answer)
{
    audit_book_note(&a->book, a->counting, postgres_cell_i64(answer, 0, 0, 0),
                    postgres_cell_i64(answer, 0, 1, 0));
}

static void on_sealed(void *arg, const struct postgres_answer *answer)
{
    struct audit *a = arg;

    if (answer->outcome != POSTGRES_OK) {
        failed(a, answer);
        return;
    }
    note(a, answer);
    finished(a);
}

static void on_live(void *arg, const struct postgres_answer *answer)
{
    struct audit *a = arg;
    int sealed = audit_book_sealed(&a->book);

    if (answer->outcome != POSTGRES_OK) {
        failed(a, answer);
        return;
    }
    note(a, answer);
    if (sealed == 0)
        finished(a);
    else
        count_leaf(a, sealed, on_sealed);
}

/* ---- the beginning of a turn ---- */

static void on_leaves(void *arg, const struct postgres_answer *answer)
{
    struct audit *a = arg;
    int leaves[AUDIT_LEAVES_MAX];
    int i, count = answer->rows;

    if (answer->outcome != POSTGRES_OK || count == 0) {
        failed(a, answer);
        return;
    }
    CHECK(count <= AUDIT_LEAVES_MAX);
    for (i = 0; i < count; i++)
        leaves[count - 1 - i] = postgres_cell_i32(answer, i, 0, 0);
    audit_book_list(&a->book, leaves, (size_t)count);
    count_leaf(a, audit_book_live(&a->book), on_live);
}

/* Newest first, so that a limit keeps those. */
#define LEAVES                                                                 \
    "SELECT leaf FROM tidemill.leaves WHERE state IN ('live', 'sealed') "      \
    "ORDER BY leaf DESC LIMIT $1"

static void list(struct audit *a)
{
    uint8_t at[8];
    struct postgres_param max = postgres_i32(AUDIT_LEAVES_MAX, at);

    a->counting = 0;
    postgres_queue(a->pg, LEAVES, &max, 1, on_leaves, a);
    postgres_sync(a->pg, SHORT_MS);
}

/* Another verifier looks: what we found is not true for ever. */
static void forget(struct audit *a)
{
    a->book.count = 0;
    a->difference = 0;
    metric_set(a->differs, 0);
    metric_set(a->checked, 0);
}

static void on_lock(void *arg, const struct postgres_answer *answer)
{
    struct audit *a = arg;

    if (answer->outcome != POSTGRES_OK) {
        failed(a, answer);
        return;
    }
    a->holds = postgres_cell_bool(answer, 0, 0, false);
    if (a->holds) {
        list(a);
        return;
    }
    forget(a);
    later(a);
}

static void on_turn(void *arg)
{
    struct audit *a = arg;

    if (!a->up || a->busy || postgres_renew_if_old(a->pg))
        return;
    a->busy = true;
    a->started_ms = loop_now_ms(a->loop);
    if (a->holds) {
        list(a);
        return;
    }
    /* The session's: it goes with the connection. */
    postgres_queue(a->pg, "SELECT pg_try_advisory_lock(29807, 0)", NULL, 0,
                   on_lock, a);
    postgres_sync(a->pg, SHORT_MS);
}

/* What was found stays until we know whether another verifier looks now. */
static void on_state(void *arg, enum postgres_state state, const char *why)
{
    struct audit *a = arg;

    (void)why;
    a->up = state == POSTGRES_UP;
    a->busy = a->holds = false;
    if (a->up)
        loop_timer_start(a->timer, a->options.turn_ms, 0);
    else
        loop_timer_stop(a->timer);
}

int audit_open(struct loop *loop, const struct audit_options *options,
               struct audit **out)
{
    struct postgres_options o = {.url = options->url,
                                 .application_name = options->application_name,
                                 .read_write = true,
                                 .age_ms_max = AGE_MS,
                                 .name = "audit"};
    struct audit *a;
    int rc;

    if (options->turn_ms == 0) {
        *out = NULL;
        return 0;
    }
    a = calloc(1, sizeof(*a));
    CHECK(a != NULL);
    a->loop = loop;
    a->options = *options;
    a->differs = metric_gauge("tidemill_reconcile_difference_records", NULL,
                              "by so many records rows and ledger differ");
    a->checked = metric_gauge("tidemill_reconcile_checked_at_seconds", NULL,
                              "when that was found, since 1970; 0: another "
                              "verifier looks");
    rc = postgres_open(loop, &o, on_state, a, &a->pg);
    if (rc < 0) {
        free(a);
        return rc;
    }
    a->timer = loop_timer_open(loop, "audit.turn", on_turn, a);
    *out = a;
    return 0;
}

void audit_close(struct audit *a)
{
    if (a == NULL)
        return;
    postgres_close(a->pg);
    loop_timer_close(a->timer);
    free(a);
}
