/*
 * verifier/sealer_exclusive.c: what needs the leaves for itself for a moment.
 *
 *   BEGIN; lock, 50 ms at most; leaf_flip() or leaf_leave(); COMMIT
 *     refused ---> ROLLBACK, the next turn; after 2 s of that end its holders
 *
 * The exclusive lock is queued for during 50 ms only, because everybody behind
 * it in the queue waits too; a mere try would starve. Who holds the lock shared
 * for more than 2 s is stopped, and ended if it is one of ours.
 *
 * From: verifier/sealer.c.
 * To:   schemas/sql/0001_tables.sql; leaves, leaf_counts.
 */
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/postgres.h"
#include "schemas/leaf.h"
#include "verifier/sealer_inside.h"

#define HOLDERS_MS 2000 /* refused the lock for so long: end holders */

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

    sealer_note(s, a);
    for (i = 0; i < a->rows; i++)
        log_warn("sealer.holder_ended", "pid=%d name=%s",
                 postgres_cell_i32(a, i, 0, 0),
                 LOG_QUOTE(postgres_cell(a, i, 1)));
    sealer_over(s, false);
}

static void lock_refused(struct sealer *s)
{
    int64_t now = loop_now_ms(s->loop);

    if (s->refused_since_ms == 0)
        s->refused_since_ms = now;
    if (now - s->refused_since_ms < HOLDERS_MS) {
        sealer_over(s, false);
        return;
    }
    postgres_once(s->pg, end_holders_sql, NULL, 0, on_holders, s);
    postgres_sync(s->pg, SEALER_SHORT_MS);
}

static void on_rollback(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    if (a->outcome == POSTGRES_ERROR)
        postgres_drop(s->pg, "a transaction could not be ended");
    if (a->outcome != POSTGRES_OK) {
        sealer_note(s, a);
        sealer_over(s, false);
        return;
    }
    if (strncmp(s->why, "55P03", 5) == 0) {
        lock_refused(s);
        return;
    }
    log_warn("sealer.failed", "leaf=%d why=%s", s->seen.live, LOG_TEXT(s->why));
    sealer_over(s, false);
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

    sealer_note(s, a);
    if (a->outcome == POSTGRES_LOST) {
        sealer_over(s, false);
        return;
    }
    if (!s->ok || strcmp(a->tag, "COMMIT") != 0) {
        postgres_once(s->pg, "ROLLBACK", NULL, 0, on_rollback, s);
        postgres_sync(s->pg, SEALER_SHORT_MS);
        return;
    }
    s->refused_since_ms = 0;
    if (s->task == TASK_FLIP)
        flipped(s);
    else if (s->did)
        log_info("leaf.left", "leaf=%d", s->seen.expired);
    sealer_over(s, s->did);
}

/* leaf_flip() says whether it did, leaf_leave() why it did not. */
static void on_exclusive_done(void *arg, const struct postgres_answer *a)
{
    struct sealer *s = arg;

    sealer_note(s, a);
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
    sealer_ask(s, LEAF_SQL_BEGIN, 0, 0, sealer_on_part);
    sealer_ask(s, "SET LOCAL lock_timeout = '50ms'", 0, 0, sealer_on_part);
    sealer_ask(s, LEAF_SQL_LOCK_EXCLUSIVE, 0, 0, sealer_on_part);
    sealer_ask(s, format, leaf, 0, on_exclusive_done);
    sealer_ask(s, "COMMIT", 0, SEALER_SHORT_MS, on_exclusive_end);
}

void sealer_flip(struct sealer *s)
{
    exclusive(s, "SELECT tidemill.leaf_flip(%1$d)", s->seen.live);
}

void sealer_leave(struct sealer *s)
{
    exclusive(s, "SELECT tidemill.leaf_leave(%1$d)", s->seen.expired);
}
