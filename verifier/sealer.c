/*
 * verifier/sealer.c: one turn a second, one thing a turn.
 *
 *   survey ---> the first that is due of:
 *     no next leaf            leaf_prepare()
 *     the live one is full    exclusive lock, leaf_flip(), COMMIT
 *     one is sealed           VACUUM FREEZE | index | index | ANALYZE | count
 *     one is past its time    exclusive lock, leaf_leave(), COMMIT
 *     one is off the list     DETACH CONCURRENTLY or FINALIZE, DROP TABLE
 *     10 s are over           brin_summarize_new_values()
 *   what was done ---> survey again at once; nothing ---> the next second
 *
 * The exclusive lock is queued for during 50 ms only, because everybody behind
 * it in the queue waits too; a mere try would starve. Who holds the lock shared
 * for more than 2 s is stopped, and ended if it is one of ours.
 *
 * From: verifier/pipeline.c opens one; nothing else calls it.
 * To:   schemas/sql/0001_tables.sql has the functions; leaves, leaf_counts.
 */
#include "verifier/sealer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/postgres.h"
#include "schemas/leaf.h"

#define LEAF_ROWS 2000000
#define LEAF_AGE_MS ((int64_t)24 * 3600 * 1000)
#define TURN_MS 1000
#define STEP_MS 600000
#define SHORT_MS 10000 /* deadline of what is not a long step */
#define SUMMARIZE_MS 10000
#define HOLDERS_MS 2000 /* refused the lock for so long: end holders */
#define SUM_SHARE 100   /* the ledger is summed 1 % of the time at most */

/* What sealing consists of; leaves.step counts how far it got. */
static const char *const steps[] = {
    "VACUUM (FREEZE, INDEX_CLEANUP OFF) tidemill.transactions_%1$d,"
    " tidemill.rejections_%1$d, tidemill.duplicates_%1$d,"
    " tidemill.quarantine_%1$d, tidemill.batches_%1$d",
    "CREATE INDEX IF NOT EXISTS transactions_%1$d_sender"
    " ON tidemill.transactions_%1$d (sender, accepted_at)",
    "CREATE INDEX IF NOT EXISTS transactions_%1$d_recipient"
    " ON tidemill.transactions_%1$d (recipient, accepted_at)",
    "ANALYZE tidemill.transactions_%1$d, tidemill.rejections_%1$d,"
    " tidemill.duplicates_%1$d, tidemill.quarantine_%1$d,"
    " tidemill.batches_%1$d",
    "SELECT tidemill.leaf_count(%1$d)"};
#define STEPS ((int)(sizeof(steps) / sizeof(steps[0])))

enum task {
    TASK_NONE,
    TASK_SURVEY,
    TASK_SUM,
    TASK_PREPARE,
    TASK_FLIP,
    TASK_STEP,
    TASK_LEAVE,
    TASK_DROP,
    TASK_SUMMARIZE
};

/* What the survey found; 0 = none. */
struct survey {
    int live, unsealed, step, expired, dropping;
    int64_t live_age_ms;
    bool has_next;
};

struct sealer {
    struct loop *loop;
    struct sealer_options options;
    struct postgres *pg;
    struct loop_timer *timer;
    bool up;
    enum task task;
    struct survey seen;
    bool tried[TASK_SUMMARIZE + 1]; /* came to nothing this turn */
    bool full;                      /* the live leaf is to be flipped */
    bool flip_now;
    int64_t sum_due_ms; /* when the ledger may be summed again */
    int64_t task_since_ms;
    int64_t refused_since_ms; /* the lock was refused first; 0: was not */
    int64_t summarize_due_ms;
    bool ok;  /* of the statements of this task so far */
    bool did; /* the task changed something */
    char why[200];
    int64_t flips;
    struct metric *flipped, *dropped, *live_leaf;
    struct metric *live_age, *live_rows, *rows_limit, *unsealed;
};

static void survey(struct sealer *s);
static void choose(struct sealer *s);
static void over(struct sealer *s, bool did);

/* ---- one statement of a task ------------------------------------------ */

static void note(struct sealer *s, const struct postgres_answer *a)
{
    if (a->outcome == POSTGRES_OK)
        return;
    if (a->outcome == POSTGRES_LOST)
        s->up = false;
    if (s->ok)
        snprintf(s->why, sizeof(s->why), "%s %s", a->sqlstate, a->message);
    s->ok = false;
}

static void on_part(void *arg, const struct postgres_answer *a)
{
    note(arg, a);
}

/* Queues one statement that names `leaf` as %1$d. */
static void ask(struct sealer *s, const char *format, int leaf, int deadline_ms,
                postgres_fn done)
{
    char sql[1024];

    /* The formats are constants of this file. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    CHECK(snprintf(sql, sizeof(sql), format, leaf) < (int)sizeof(sql));
#pragma GCC diagnostic pop
    postgres_once(s->pg, sql, NULL, 0, done, s);
    if (deadline_ms > 0)
        postgres_sync(s->pg, deadline_ms);
}

static void begin_task(struct sealer *s, enum task task)
{
    s->task = task;
    s->tried[task] = true;
    s->task_since_ms = loop_now_ms(s->loop);
    s->ok = true;
    s->did = false;
    s->why[0] = '\0';
}

/* ---- what holds the exclusive lock ------------------------------------ */

/* Shared holders of ours, of transactions that are older than 2 s. */
static const char end_holders_sql[] =
    "SELECT a.pid, a.application_name, pg_terminate_backend(a.pid)"
    " FROM pg_locks k JOIN pg_stat_activity a USING (pid)"
    " WHERE k.locktype = 'advisory' AND k.granted AND k.mode = 'ShareLock'"
    " AND k.classid = 29805 AND k.objid = 'tidemill.leaves'::regclass::oid"
    " AND k.objsubid = 2 AND k.pid <> pg_backend_pid()"
    " AND k.database = (SELECT oid FROM pg_database"
    " WHERE datname = current_database())"
    " AND a.usename = current_user"
    " AND a.application_name LIKE 'tidemill-verifier/%'"
    " AND a.xact_start < clock_timestamp() - interval '2 s'";

static void on_holders(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;
    int i;

    note(s, a);
    for (i = 0; i < a->rows; i++)
        log_warn("sealer.holder_ended", "pid=%d name=%s",
                 postgres_cell_i32(a, i, 0, 0),
                 LOG_QUOTE(postgres_cell(a, i, 1)));
    over(s, false);
}

static void lock_refused(struct sealer *s)
{
    int64_t now = loop_now_ms(s->loop);

    if (s->refused_since_ms == 0)
        s->refused_since_ms = now;
    if (now - s->refused_since_ms < HOLDERS_MS) {
        over(s, false);
        return;
    }
    postgres_once(s->pg, end_holders_sql, NULL, 0, on_holders, s);
    postgres_sync(s->pg, SHORT_MS);
}

static void on_rollback(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    if (a->outcome == POSTGRES_ERROR)
        postgres_drop(s->pg, "a transaction could not be ended");
    if (a->outcome != POSTGRES_OK) {
        note(s, a);
        over(s, false);
        return;
    }
    if (strncmp(s->why, "55P03", 5) == 0) {
        lock_refused(s);
        return;
    }
    log_warn("sealer.failed", "leaf=%d why=%s", s->seen.live, LOG_TEXT(s->why));
    over(s, false);
}

static void flipped(struct sealer *s)
{
    s->full = false;
    s->flip_now = false;
    s->sum_due_ms = 0;
    if (!s->did)
        return;
    s->flips++;
    metric_add(s->flipped, 1);
    log_info("leaf.flipped", "leaf=%d", s->seen.live);
}

static void on_exclusive_end(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    note(s, a);
    if (a->outcome == POSTGRES_LOST) {
        over(s, false);
        return;
    }
    if (!s->ok || strcmp(a->tag, "COMMIT") != 0) {
        postgres_once(s->pg, "ROLLBACK", NULL, 0, on_rollback, s);
        postgres_sync(s->pg, SHORT_MS);
        return;
    }
    s->refused_since_ms = 0;
    if (s->task == TASK_FLIP)
        flipped(s);
    else if (s->did)
        log_info("leaf.left", "leaf=%d", s->seen.expired);
    over(s, s->did);
}

/* leaf_flip() says whether it did, leaf_leave() why it did not. */
static void on_exclusive_done(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    note(s, a);
    if (a->outcome != POSTGRES_OK)
        return;
    if (s->task == TASK_FLIP) {
        s->did = postgres_cell_bool(a, 0, 0, false);
        return;
    }
    s->did = postgres_cell(a, 0, 0).data == NULL;
    if (!s->did)
        log_debug("leaf.kept", "leaf=%d why=%s", s->seen.expired,
                  LOG_QUOTE(postgres_cell(a, 0, 0)));
}

static void exclusive(struct sealer *s, const char *format, int leaf)
{
    ask(s, LEAF_SQL_BEGIN, 0, 0, on_part);
    ask(s, "SET LOCAL lock_timeout = '50ms'", 0, 0, on_part);
    ask(s, LEAF_SQL_LOCK_EXCLUSIVE, 0, 0, on_part);
    ask(s, format, leaf, 0, on_exclusive_done);
    ask(s, "COMMIT", 0, SHORT_MS, on_exclusive_end);
}

/* ---- full? ------------------------------------------------------------ */

static void on_sum(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;
    int64_t rows = postgres_cell_i64(a, 0, 0, 0);
    int64_t batches = postgres_cell_i64(a, 0, 1, 0);
    int64_t now = loop_now_ms(s->loop);

    note(s, a);
    s->sum_due_ms = now + SUM_SHARE * (now - s->task_since_ms);
    metric_set(s->live_rows, (double)rows);
    s->full = rows >= s->options.leaf_rows || batches >= s->options.leaf_rows;
    over(s, s->full);
}

/* ---- the steps of sealing, and of dropping ---------------------------- */

static void on_unlocked(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;
    bool did = s->did && s->ok;

    note(s, a);
    if (!s->ok)
        log_warn("sealer.failed", "leaf=%d step=%d why=%s",
                 s->task == TASK_DROP ? s->seen.dropping : s->seen.unsealed,
                 s->task == TASK_DROP ? STEPS : s->seen.step, LOG_TEXT(s->why));
    over(s, did && s->ok);
}

/* The lock is the session's: it goes with the connection at the latest. */
static void unlock(struct sealer *s, int leaf)
{
    ask(s, "SELECT pg_advisory_unlock(29806, %1$d)", leaf, SHORT_MS,
        on_unlocked);
}

static void on_step(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    note(s, a);
    if (s->ok) {
        s->did = true;
        log_info("leaf.sealing", "leaf=%d step=%d of=%d ms=%" PRId64,
                 s->seen.unsealed, s->seen.step + 1, STEPS,
                 loop_now_ms(s->loop) - s->task_since_ms);
        ask(s, "UPDATE tidemill.leaves SET step = step + 1 WHERE leaf = %1$d",
            s->seen.unsealed, SHORT_MS, on_part);
    }
    unlock(s, s->seen.unsealed);
}

static void on_step_lock(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    note(s, a);
    /* Another sealer has it, or has done it since the survey. */
    if (!s->ok || !postgres_cell_bool(a, 0, 0, false)) {
        over(s, false);
        return;
    }
    if (postgres_cell_i32(a, 0, 1, -1) != s->seen.step) {
        unlock(s, s->seen.unsealed);
        return;
    }
    ask(s, steps[s->seen.step], s->seen.unsealed, s->options.step_ms, on_step);
}

static const char lock_sql[] =
    "SELECT pg_try_advisory_lock(29806, %1$d),"
    " (SELECT step FROM tidemill.leaves WHERE leaf = %1$d)";

static void on_dropped_part(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    note(s, a);
    s->did = s->ok;
    unlock(s, s->seen.dropping);
}

static void on_last_dropped(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    metric_add(s->dropped, a->outcome == POSTGRES_OK);
    log_info("leaf.dropped", "leaf=%d", s->seen.dropping);
    on_dropped_part(arg, a);
}

/* The first table that is left, and how it hangs: attached, half detached (a
 * DETACH that ran into its lock_timeout), or by itself. */
static const char left_sql[] =
    "SELECT w.word, i.inhrelid IS NOT NULL, coalesce(i.inhdetachpending, false)"
    " FROM unnest(ARRAY['transactions', 'rejections', 'duplicates',"
    " 'quarantine', 'batches']) WITH ORDINALITY w(word, n)"
    " JOIN pg_class c ON c.relname = w.word || '_%1$d'"
    " AND c.relnamespace = 'tidemill'::regnamespace"
    " LEFT JOIN pg_inherits i ON i.inhrelid = c.oid ORDER BY w.n LIMIT 1";

static void on_left(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;
    char sql[200];
    const char *word = postgres_cell_text(a, 0, 0);
    int leaf = s->seen.dropping;

    note(s, a);
    if (!s->ok) {
        unlock(s, leaf);
        return;
    }
    if (a->rows == 0) {
        ask(s,
            "UPDATE tidemill.leaves SET state = 'dropped', filter = NULL"
            " WHERE leaf = %1$d AND state = 'dropping'",
            leaf, SHORT_MS, on_last_dropped);
        return;
    }
    if (!postgres_cell_bool(a, 0, 1, false))
        snprintf(sql, sizeof(sql), "DROP TABLE tidemill.%s_%d", word, leaf);
    else
        snprintf(sql, sizeof(sql),
                 "ALTER TABLE tidemill.%s DETACH PARTITION tidemill.%s_%d %s",
                 word, word, leaf,
                 postgres_cell_bool(a, 0, 2, false) ? "FINALIZE"
                                                    : "CONCURRENTLY");
    postgres_once(s->pg, sql, NULL, 0, on_dropped_part, s);
    postgres_sync(s->pg, s->options.step_ms);
}

static void on_drop_lock(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    note(s, a);
    if (!s->ok || !postgres_cell_bool(a, 0, 0, false))
        over(s, false);
    else
        ask(s, left_sql, s->seen.dropping, SHORT_MS, on_left);
}

/* ---- small things ----------------------------------------------------- */

static void on_prepared(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;
    int leaf = postgres_cell_i32(a, 0, 0, 0);

    note(s, a);
    if (!s->ok && strncmp(s->why, "55P03", 5) != 0)
        log_warn("sealer.failed", "leaf=%d why=%s", s->seen.live + 1,
                 LOG_TEXT(s->why));
    if (leaf > 0)
        log_info("leaf.prepared", "leaf=%d", leaf);
    over(s, leaf > 0);
}

static void on_summarized(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    note(s, a);
    s->summarize_due_ms = loop_now_ms(s->loop) + SUMMARIZE_MS;
    over(s, false);
}

/* ---- the turn --------------------------------------------------------- */

static const char survey_sql[] =
    "SELECT l.leaf, tidemill.now_ms() - coalesce(l.from_at, 0),"
    " EXISTS (SELECT FROM tidemill.leaves WHERE state = 'next'),"
    " u.leaf, u.step,"
    " (SELECT min(leaf) FROM tidemill.leaves WHERE state = 'sealed'"
    " AND $1 > 0 AND to_at < tidemill.now_ms() - $1 * 86400000::bigint),"
    " (SELECT min(leaf) FROM tidemill.leaves WHERE state = 'dropping')"
    " FROM tidemill.leaves l LEFT JOIN LATERAL"
    " (SELECT leaf, step FROM tidemill.leaves WHERE state = 'sealed'"
    " AND step < $2 ORDER BY leaf LIMIT 1) u ON true WHERE l.state = 'live'";

static void on_survey(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    note(s, a);
    if (!s->ok || a->rows != 1) {
        over(s, false); /* no tables yet: the ledger says so */
        return;
    }
    s->seen.live = postgres_cell_i32(a, 0, 0, 0);
    s->seen.live_age_ms = postgres_cell_i64(a, 0, 1, 0);
    s->seen.has_next = postgres_cell_bool(a, 0, 2, false);
    s->seen.unsealed = postgres_cell_i32(a, 0, 3, 0);
    s->seen.step = postgres_cell_i32(a, 0, 4, 0);
    s->seen.expired = postgres_cell_i32(a, 0, 5, 0);
    s->seen.dropping = postgres_cell_i32(a, 0, 6, 0);
    metric_set(s->live_leaf, s->seen.live);
    metric_set(s->live_age, (double)s->seen.live_age_ms / 1000);
    metric_set(s->unsealed, s->seen.unsealed);
    choose(s);
}

static void survey(struct sealer *s)
{
    struct postgres_param p[2];
    uint8_t at[2][8];

    begin_task(s, TASK_SURVEY);
    p[0] = postgres_i32(s->options.keep_days, at[0]);
    p[1] = postgres_i32(STEPS, at[1]);
    postgres_queue(s->pg, survey_sql, p, 2, on_survey, s);
    postgres_sync(s->pg, SHORT_MS);
}

/* The first that is due and was not tried in vain this turn. */
static enum task due(const struct sealer *s)
{
    int64_t now = loop_now_ms(s->loop);
    bool flip =
        s->full || s->flip_now || s->seen.live_age_ms >= s->options.leaf_age_ms;

    if (!s->seen.has_next && !s->tried[TASK_PREPARE])
        return TASK_PREPARE;
    if (!flip && now >= s->sum_due_ms && !s->tried[TASK_SUM])
        return TASK_SUM;
    if (flip && s->seen.has_next && !s->tried[TASK_FLIP])
        return TASK_FLIP;
    if (s->seen.unsealed != 0 && !s->tried[TASK_STEP])
        return TASK_STEP;
    if (s->seen.expired != 0 && !s->tried[TASK_LEAVE])
        return TASK_LEAVE;
    if (s->seen.dropping != 0 && !s->tried[TASK_DROP])
        return TASK_DROP;
    if (now >= s->summarize_due_ms && !s->tried[TASK_SUMMARIZE])
        return TASK_SUMMARIZE;
    return TASK_NONE;
}

static void choose(struct sealer *s)
{
    enum task task = due(s);

    if (task == TASK_NONE) {
        s->task = TASK_NONE;
        loop_timer_start(s->timer, s->options.turn_ms, 0);
        return;
    }
    begin_task(s, task);
    switch (task) {
    case TASK_PREPARE:
        ask(s, "SELECT tidemill.leaf_prepare()", 0, SHORT_MS, on_prepared);
        return;
    case TASK_SUM:
        ask(s,
            "SELECT coalesce(sum(verified), 0)::bigint, count(*)"
            " FROM tidemill.batches_%1$d",
            s->seen.live, s->options.step_ms, on_sum);
        return;
    case TASK_FLIP:
        exclusive(s, "SELECT tidemill.leaf_flip(%1$d)", s->seen.live);
        return;
    case TASK_STEP:
        ask(s, lock_sql, s->seen.unsealed, SHORT_MS, on_step_lock);
        return;
    case TASK_LEAVE:
        exclusive(s, "SELECT tidemill.leaf_leave(%1$d)", s->seen.expired);
        return;
    case TASK_DROP:
        ask(s, lock_sql, s->seen.dropping, SHORT_MS, on_drop_lock);
        return;
    case TASK_SUMMARIZE:
        ask(s,
            "SELECT CASE WHEN pg_try_advisory_xact_lock(29806, %1$d) THEN"
            " brin_summarize_new_values("
            "'tidemill.transactions_%1$d_accounts') END",
            s->seen.live, s->options.step_ms, on_summarized);
        return;
    case TASK_NONE:
    case TASK_SURVEY:
        break;
    }
}

/* A task is over. What changed something may be due again at once; what did
 * not is left alone until the next turn. */
static void over(struct sealer *s, bool did)
{
    enum task task = s->task;

    s->task = TASK_NONE;
    if (!s->up)
        return;
    if (did)
        s->tried[task] = false;
    if (task == TASK_SURVEY)
        loop_timer_start(s->timer, s->options.turn_ms, 0);
    else if (did)
        survey(s);
    else
        choose(s);
}

static void on_turn(void *arg)
{
    struct sealer *s = arg;

    if (!s->up || s->task != TASK_NONE)
        return;
    memset(s->tried, 0, sizeof(s->tried));
    survey(s);
}

static void on_state(void *arg, enum postgres_state state, const char *why)
{
    struct sealer *s = arg;

    (void)why;
    s->up = state == POSTGRES_UP;
    s->task = TASK_NONE;
    s->refused_since_ms = 0;
    if (s->up)
        loop_timer_start(s->timer, 0, 0);
    else
        loop_timer_stop(s->timer);
}

static void open_gauges(struct sealer *s)
{
    s->live_leaf =
        metric_gauge("tidemill_leaf_live", NULL, "number of the live leaf");
    s->live_age = metric_gauge("tidemill_leaf_live_age_seconds", NULL,
                               "since when it is live");
    s->live_rows = metric_gauge("tidemill_leaf_live_rows", NULL,
                                "transactions in it, by its ledger");
    s->rows_limit = metric_gauge("tidemill_leaf_rows_limit", NULL,
                                 "transactions at which it is sealed");
    s->unsealed = metric_gauge("tidemill_leaf_unsealed", NULL,
                               "oldest leaf with a step of sealing left; 0: "
                               "none");
    metric_set(s->rows_limit, (double)s->options.leaf_rows);
}

int sealer_open(struct loop *loop, const struct sealer_options *options,
                struct sealer **out_sealer)
{
    struct postgres_options o = {.url = options->url,
                                 .application_name = options->application_name,
                                 .session_sql = "SET lock_timeout = '200ms'",
                                 .read_write = true,
                                 .name = "sealer"};
    struct sealer *s = calloc(1, sizeof(*s));
    int rc;

    CHECK(s != NULL);
    s->loop = loop;
    s->options = *options;
    if (s->options.leaf_rows == 0)
        s->options.leaf_rows = LEAF_ROWS;
    if (s->options.leaf_age_ms == 0)
        s->options.leaf_age_ms = LEAF_AGE_MS;
    if (s->options.turn_ms == 0)
        s->options.turn_ms = TURN_MS;
    if (s->options.step_ms == 0)
        s->options.step_ms = STEP_MS;
    rc = postgres_open(loop, &o, on_state, s, &s->pg);
    if (rc < 0) {
        free(s);
        return rc;
    }
    s->timer = loop_timer_open(loop, "sealer.turn", on_turn, s);
    s->flipped = metric_counter("tidemill_leaf_flips_total", NULL,
                                "leaves this process sealed");
    s->dropped = metric_counter("tidemill_leaf_drops_total", NULL,
                                "leaves this process dropped");
    open_gauges(s);
    *out_sealer = s;
    return 0;
}

void sealer_close(struct sealer *s)
{
    if (s == NULL)
        return;
    postgres_close(s->pg);
    loop_timer_close(s->timer);
    free(s);
}

int64_t sealer_flips(const struct sealer *s)
{
    return s->flips;
}

void sealer_flip_now(struct sealer *s)
{
    s->flip_now = true;
}
