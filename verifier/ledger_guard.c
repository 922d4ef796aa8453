/*
 * verifier/ledger_guard.c: one statement on a connection of its own.
 *
 * The chain of waiters is followed to its root, so that a healthy verifier
 * that waits for the stopped one itself is not ended with it.
 *
 * From: verifier/ledger_write.c, after two seconds without an answer.
 * To:   consumer/base/postgres.c.
 */
#include "verifier/ledger_guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/postgres.h"
#include "schemas/base/check.h"

#define ANSWER_MS 5000

struct ledger_guard {
    struct loop *loop;
    const char *url, *application_name;
    struct postgres *pg; /* NULL while there is nothing to do */
    int32_t pid;
    int lock_ms;
    struct metric *ended;
};

/* $1 the pid that waits, $2 ms */
static const char end_sql[] =
    "WITH RECURSIVE b(pid, depth) AS ("
    "SELECT unnest(pg_blocking_pids($1)), 1"
    " UNION SELECT unnest(pg_blocking_pids(b.pid)), depth + 1"
    " FROM b WHERE depth < 8)"
    " SELECT a.pid, a.application_name, pg_terminate_backend(a.pid)"
    " FROM pg_stat_activity a"
    " WHERE a.pid IN (SELECT pid FROM b) AND a.pid <> $1"
    " AND a.usename = current_user"
    " AND a.application_name LIKE 'tidemill-verifier/%'"
    " AND a.xact_start < clock_timestamp() - $2 * interval '1 ms'"
    " AND cardinality(pg_blocking_pids(a.pid)) = 0";

static void on_ended(void *arg, const struct postgres_answer *a)
{
    struct ledger_guard *g = arg;
    int i;

    for (i = 0; i < a->rows; i++) {
        log_warn("ledger.blocker_ended", "pid=%d name=%s waiting=%d",
                 postgres_cell_i32(a, i, 0, 0),
                 LOG_QUOTE(postgres_cell(a, i, 1)), g->pid);
        metric_add(g->ended, 1);
    }
    if (a->outcome == POSTGRES_ERROR)
        log_warn("ledger.blocker_kept", "sqlstate=%s why=%s", a->sqlstate,
                 LOG_TEXT(a->message));
    postgres_close(g->pg);
    g->pg = NULL;
}

static void on_state(void *arg, enum postgres_state state, const char *why)
{
    struct ledger_guard *g = arg;
    struct postgres_param p[2];
    uint8_t at[2][8];

    (void)why;
    if (state != POSTGRES_UP)
        return;
    p[0] = postgres_i32(g->pid, at[0]);
    p[1] = postgres_i32(g->lock_ms, at[1]);
    postgres_once(g->pg, end_sql, p, 2, on_ended, g);
    postgres_sync(g->pg, ANSWER_MS);
}

struct ledger_guard *ledger_guard_open(struct loop *loop, const char *url,
                                       const char *application_name)
{
    struct ledger_guard *g = calloc(1, sizeof(*g));

    CHECK(g != NULL);
    g->loop = loop;
    g->url = url;
    g->application_name = application_name;
    g->ended = metric_counter("tidemill_ledger_blockers_ended_total", NULL,
                              "stopped verifiers that were ended");
    return g;
}

void ledger_guard_close(struct ledger_guard *g)
{
    if (g == NULL)
        return;
    postgres_close(g->pg);
    free(g);
}

void ledger_guard_end_blockers(struct ledger_guard *g, int32_t pid, int lock_ms)
{
    struct postgres_options o = {.url = g->url,
                                 .application_name = g->application_name,
                                 .read_write = true,
                                 .name = "guard"};

    g->pid = pid;
    g->lock_ms = lock_ms;
    postgres_close(g->pg);
    g->pg = NULL;
    if (postgres_open(g->loop, &o, on_state, g, &g->pg) < 0)
        g->pg = NULL;
}
