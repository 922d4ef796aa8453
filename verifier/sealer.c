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
 * From: verifier/pipeline.c opens one; nothing else calls it.
 * To:   sealer_exclusive.c flips and leaves; sealer_steps.c seals and drops;
 *       schemas/sql/0001_tables.sql has the functions.
 */
#include "verifier/sealer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/postgres.h"
#include "verifier/sealer_inside.h"

#define LEAF_ROWS 2000000
#define LEAF_AGE_MS ((int64_t)24 * 3600 * 1000)
#define TURN_MS 1000
#define STEP_MS 600000
#define SUMMARIZE_MS 10000
#define SUM_SHARE 100 /* the ledger is summed 1 % of the time at most */

static void survey(struct sealer *s);
static void choose(struct sealer *s);

/* ---- one statement of a task ------------------------------------------ */

void sealer_note(struct sealer *s, const struct postgres_answer *a)
{
    if (a->outcome == POSTGRES_OK)
        return;
    if (a->outcome == POSTGRES_LOST)
        s->up = false;
    if (s->ok)
        snprintf(s->why, sizeof(s->why), "%s %s", a->sqlstate, a->message);
    s->ok = false;
}

void sealer_on_part(void *arg, const struct postgres_answer *a)
{
    sealer_note(arg, a);
}

void sealer_ask(struct sealer *s, const char *format, int leaf, int deadline_ms,
                postgres_fn done)
{
    char sql[1024];

    /* The formats are constants of these files. */
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

/* ---- full? ------------------------------------------------------------ */

static void on_sum(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;
    int64_t rows = postgres_cell_i64(a, 0, 0, 0);
    int64_t batches = postgres_cell_i64(a, 0, 1, 0);
    int64_t now = loop_now_ms(s->loop);

    sealer_note(s, a);
    s->sum_due_ms = now + SUM_SHARE * (now - s->task_since_ms);
    metric_set(s->live_rows, (double)rows);
    s->full = rows >= s->options.leaf_rows || batches >= s->options.leaf_rows;
    sealer_over(s, s->full);
}

/* ---- small things ----------------------------------------------------- */

static void on_prepared(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;
    int leaf = postgres_cell_i32(a, 0, 0, 0);

    sealer_note(s, a);
    if (!s->ok && strncmp(s->why, "55P03", 5) != 0)
        log_warn("sealer.failed", "leaf=%d why=%s", s->seen.live + 1,
                 LOG_TEXT(s->why));
    if (leaf > 0)
        log_info("leaf.prepared", "leaf=%d", leaf);
    sealer_over(s, leaf > 0);
}

static void on_summarized(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    sealer_note(s, a);
    s->summarize_due_ms = loop_now_ms(s->loop) + SUMMARIZE_MS;
    sealer_over(s, false);
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

    sealer_note(s, a);
    if (!s->ok || a->rows != 1) {
        sealer_over(s, false); /* no tables yet: the ledger says so */
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
    p[1] = postgres_i32(SEALER_STEPS, at[1]);
    postgres_queue(s->pg, survey_sql, p, 2, on_survey, s);
    postgres_sync(s->pg, SEALER_SHORT_MS);
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
        sealer_ask(s, "SELECT tidemill.leaf_prepare()", 0, SEALER_SHORT_MS,
                   on_prepared);
        return;
    case TASK_SUM:
        sealer_ask(s,
                   "SELECT coalesce(sum(verified), 0)::bigint, count(*)"
                   " FROM tidemill.batches_%1$d",
                   s->seen.live, s->options.step_ms, on_sum);
        return;
    case TASK_FLIP:
        sealer_flip(s);
        return;
    case TASK_STEP:
        sealer_step(s);
        return;
    case TASK_LEAVE:
        sealer_leave(s);
        return;
    case TASK_DROP:
        sealer_drop(s);
        return;
    case TASK_SUMMARIZE:
        sealer_ask(
            s,
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

void sealer_over(struct sealer *s, bool did)
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
