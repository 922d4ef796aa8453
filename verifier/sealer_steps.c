/*
 * verifier/sealer_steps.c: long work on one leaf, a step a turn.
 *
 *   the leaf's lock (or another sealer has it) --> one step --> unlock
 *
 *   sealed     VACUUM FREEZE | index | index | ANALYZE | count
 *   dropping   DETACH CONCURRENTLY or FINALIZE, DROP TABLE: a table a step
 *
 * None of it stops the writers. What a crash leaves half done is taken up by
 * the next turn of any sealer: leaves.step counts, and the catalogue says what
 * is left of a leaf.
 *
 * From: verifier/sealer.c.
 * To:   the leaf's tables; leaves.step, leaf_counts.
 */
#include <inttypes.h>
#include <stdio.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/postgres.h"
#include "verifier/sealer_inside.h"

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
_Static_assert(sizeof(steps) / sizeof(steps[0]) == SEALER_STEPS,
               "the survey asks for leaves with fewer steps done");

static void on_unlocked(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;
    bool did = s->did && s->ok;

    sealer_note(s, a);
    if (!s->ok)
        log_warn("sealer.failed", "leaf=%d step=%d why=%s",
                 s->task == TASK_DROP ? s->seen.dropping : s->seen.unsealed,
                 s->task == TASK_DROP ? SEALER_STEPS : s->seen.step,
                 LOG_TEXT(s->why));
    sealer_over(s, did && s->ok);
}

/* The lock is the session's: it goes with the connection at the latest. */
static void unlock(struct sealer *s, int leaf)
{
    sealer_ask(s, "SELECT pg_advisory_unlock(29806, %1$d)", leaf,
               SEALER_SHORT_MS, on_unlocked);
}

static void on_step(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    sealer_note(s, a);
    if (s->ok) {
        s->did = true;
        log_info("leaf.sealing", "leaf=%d step=%d of=%d ms=%" PRId64,
                 s->seen.unsealed, s->seen.step + 1, SEALER_STEPS,
                 loop_now_ms(s->loop) - s->task_since_ms);
        sealer_ask(
            s, "UPDATE tidemill.leaves SET step = step + 1 WHERE leaf = %1$d",
            s->seen.unsealed, SEALER_SHORT_MS, sealer_on_part);
    }
    unlock(s, s->seen.unsealed);
}

static void on_step_lock(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    sealer_note(s, a);
    /* Another sealer has it, or has done it since the survey. */
    if (!s->ok || !postgres_cell_bool(a, 0, 0, false)) {
        sealer_over(s, false);
        return;
    }
    if (postgres_cell_i32(a, 0, 1, -1) != s->seen.step) {
        unlock(s, s->seen.unsealed);
        return;
    }
    sealer_ask(s, steps[s->seen.step], s->seen.unsealed, s->options.step_ms,
               on_step);
}

static const char lock_sql[] =
    "SELECT pg_try_advisory_lock(29806, %1$d),"
    " (SELECT step FROM tidemill.leaves WHERE leaf = %1$d)";

static void on_dropped_part(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    sealer_note(s, a);
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

    sealer_note(s, a);
    if (!s->ok) {
        unlock(s, leaf);
        return;
    }
    if (a->rows == 0) {
        sealer_ask(s,
                   "UPDATE tidemill.leaves SET state = 'dropped', filter = NULL"
                   " WHERE leaf = %1$d AND state = 'dropping'",
                   leaf, SEALER_SHORT_MS, on_last_dropped);
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

    sealer_note(s, a);
    if (!s->ok || !postgres_cell_bool(a, 0, 0, false))
        sealer_over(s, false);
    else
        sealer_ask(s, left_sql, s->seen.dropping, SEALER_SHORT_MS, on_left);
}

void sealer_step(struct sealer *s)
{
    sealer_ask(s, lock_sql, s->seen.unsealed, SEALER_SHORT_MS, on_step_lock);
}

void sealer_drop(struct sealer *s)
{
    sealer_ask(s, lock_sql, s->seen.dropping, SEALER_SHORT_MS, on_drop_lock);
}
