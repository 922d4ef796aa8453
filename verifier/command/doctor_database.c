/*
 * verifier/command/doctor_database.c: does the database keep what it commits,
 * and are its tables ours?
 *
 * A pooler that hands each transaction to another server is found by making it
 * do so: between two statements of ours a second connection opens a transaction
 * and keeps the server that was free.
 *
 * From: deploy/ctl/doctor.c.
 * To:   verifier/command/database.c; doctor.c, then doctor_logs.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "verifier/command/doctor.h"

#define PATIENCE_MS 5000
#define SNAPSHOT_MS_MAX ((int64_t)600000)
#define LOCKS_A_LEAF 4

/* ---- what the facts mean ---- */

static bool is(const char *value, const char *wanted)
{
    return strcmp(value, wanted) == 0;
}

static void on_or_failed(struct doctor *d, const char *name, const char *value,
                         const char *run)
{
    if (is(value, "on"))
        doctor_say(d, DOCTOR_OK, name, NULL, NULL, "on");
    else
        doctor_say(d, DOCTOR_FAILED, name, DOCTOR_ONE_ROW, run,
                   "%s: after a crash of the machine rows and ledger may "
                   "contradict each other",
                   value);
}

static void judge_commit(struct doctor *d, const struct doctor_database *f)
{
    if (is(f->commit, "off"))
        doctor_say(d, DOCTOR_FAILED, "synchronous_commit", DOCTOR_ONE_ROW,
                   "alter system set synchronous_commit = on; also look at "
                   "the role's and the database's own settings",
                   "off: what was announced may be gone after a crash");
    else
        doctor_say(d, DOCTOR_OK, "synchronous_commit", NULL, NULL, "%s",
                   f->commit);
}

static void judge_standby(struct doctor *d, const struct doctor_database *f)
{
    if (f->standbys[0] == '\0')
        doctor_say(d, DOCTOR_WARNING, "standby", DOCTOR_ANNOUNCED,
                   "set synchronous_standby_names to a standby of yours",
                   "none is synchronous: a failover may lose commits; they "
                   "are judged and announced again from the log");
    else if (f->standbys_seen == 0)
        doctor_say(d, DOCTOR_WARNING, "standby", DOCTOR_FLOW,
                   "bring the standby back, or take its name away",
                   "synchronous_standby_names is \"%s\" and none of them is "
                   "connected: commits wait",
                   f->standbys);
    else if (is(f->commit, "local"))
        doctor_say(d, DOCTOR_WARNING, "standby", DOCTOR_ANNOUNCED,
                   "alter system set synchronous_commit = on",
                   "synchronous_commit=local does not wait for it");
    else
        doctor_say(d, DOCTOR_OK, "standby", NULL, NULL, "%s", f->standbys);
}

static void judge_locks(struct doctor *d, const struct doctor_database *f)
{
    int wanted = LOCKS_A_LEAF * f->leaves;
    char run[96];

    snprintf(run, sizeof(run),
             "alter system set max_locks_per_transaction = %d, and restart",
             wanted < 512 ? 512 : 2 * wanted);
    if (f->locks < wanted)
        doctor_say(d, DOCTOR_FAILED, "locks", DOCTOR_ONE_ROW, run,
                   "max_locks_per_transaction=%d for %d leaves, %d are "
                   "wanted: statements over all leaves fail, reconcile's and "
                   "retention's among them",
                   f->locks, f->leaves, wanted);
    else
        doctor_say(d, DOCTOR_OK, "locks", NULL, NULL,
                   "max_locks_per_transaction=%d for %d leaves", f->locks,
                   f->leaves);
}

static void judge_leaves(struct doctor *d, const struct doctor_database *f)
{
    if (!f->live)
        doctor_say(d, DOCTOR_FAILED, "leaves", DOCTOR_ONE_ROW,
                   "tidemill init; was the table tidemill.leaves edited?",
                   "none is live: nothing can be written");
    else if (f->half_detached > 0)
        doctor_say(d, DOCTOR_WARNING, "leaves", DOCTOR_FLOW,
                   "is a verifier running? its sealer finishes this",
                   "%d tables are half detached", f->half_detached);
    else if (!f->next)
        doctor_say(d, DOCTOR_WARNING, "leaves", DOCTOR_FLOW,
                   "is a verifier running? its sealer prepares it",
                   "the next leaf is not prepared");
    else
        doctor_say(d, DOCTOR_OK, "leaves", NULL, NULL, "%d", f->leaves);
}

void doctor_judge_leaves(struct doctor *d, const struct doctor_database *f)
{
    judge_leaves(d, f);
    judge_locks(d, f);
}

static void judge_snapshot(struct doctor *d, const struct doctor_database *f)
{
    if (f->snapshot_ms > SNAPSHOT_MS_MAX)
        doctor_say(d, DOCTOR_FAILED, "snapshot", DOCTOR_FLOW,
                   "end it: select pg_terminate_backend(pid)",
                   "%s has one open for %" PRId64
                   " min: leaves cannot be "
                   "frozen or dropped, and the disk fills",
                   f->snapshot_who, f->snapshot_ms / 60000);
    else
        doctor_say(d, DOCTOR_OK, "snapshot", NULL, NULL,
                   "the oldest is %" PRId64 " s old", f->snapshot_ms / 1000);
}

static void judge_pooler(struct doctor *d, const struct doctor_database *f)
{
    if (f->pid_first != f->pid_second || f->pool_mode)
        doctor_say(d, DOCTOR_FAILED, "pooler", DOCTOR_ONE_ROW,
                   "connect to PostgreSQL itself, or set pool_mode=session",
                   "a transaction-mode pooler stands between: two statements "
                   "of one connection met different servers");
    else if (f->pid_told != f->pid_first)
        doctor_say(d, DOCTOR_WARNING, "pooler", DOCTOR_FLOW,
                   "connect to PostgreSQL itself",
                   "a pooler stands between: a stopped verifier cannot be "
                   "told from others behind it");
    else
        doctor_say(d, DOCTOR_OK, "pooler", NULL, NULL, "none");
}

void doctor_judge_database(struct doctor *d, const struct doctor_database *f)
{
    if (f->version < 150000)
        doctor_say(d, DOCTOR_WARNING, "server", NULL, "PostgreSQL 15 or newer",
                   "version %d: never tried", f->version);
    else
        doctor_say(d, DOCTOR_OK, "server", NULL, NULL, "PostgreSQL %d.%d",
                   f->version / 10000, f->version % 10000);
    on_or_failed(d, "fsync", f->fsync,
                 "alter system set fsync = on; select pg_reload_conf()");
    on_or_failed(d, "full_page_writes", f->full_pages,
                 "alter system set full_page_writes = on; select "
                 "pg_reload_conf()");
    judge_commit(d, f);
    judge_standby(d, f);
    judge_pooler(d, f);
    judge_snapshot(d, f);
}

void doctor_judge_schema(struct doctor *d, const struct schema_state *s)
{
    if (s->version == 0)
        doctor_say(d, DOCTOR_FAILED, "tables", DOCTOR_ONE_ROW, "tidemill init",
                   "there are none");
    else if (s->oldest_reader > schema_newest())
        doctor_say(d, DOCTOR_FAILED, "tables", DOCTOR_ONE_ROW,
                   "update this release",
                   "version %d is newer than this release can read",
                   s->version);
    else if (s->version < schema_newest())
        doctor_say(d, DOCTOR_FAILED, "tables", DOCTOR_ONE_ROW,
                   "tidemill migrate", "version %d, this release brings %d",
                   s->version, schema_newest());
    else
        doctor_say(d, DOCTOR_OK, "tables", NULL, NULL, "version %d",
                   s->version);
}

/* ---- asking ---- */

struct asking {
    struct doctor *d;
    struct database *db;
    struct doctor_database f;
    struct kafka_admin *admin;
    const struct kafka_facts *facts;
    int rc;
};

/* Our prepared statement is on another server, or somebody else's is here. */
static bool is_shared(const struct database *db)
{
    return is(database_sqlstate(db), "26000") ||
           is(database_sqlstate(db), "42P05");
}

/* One question; after a failure the rest of its chapter is not asked. */
static bool ask(struct asking *a, const char *sql,
                const struct postgres_param *params, size_t count,
                database_fn rows, const char *name)
{
    a->rc = database_run(a->db, sql, params, count, rows, a);
    if (a->rc < 0 && is_shared(a->db))
        doctor_say(a->d, DOCTOR_FAILED, "pooler", DOCTOR_ONE_ROW,
                   "connect to PostgreSQL itself, or set pool_mode=session",
                   "a transaction-mode pooler stands between: %s",
                   database_why(a->db));
    else if (a->rc < 0)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_ONE_ROW,
                   "may this user read it? is the database well?", "%s",
                   database_why(a->db));
    return a->rc == 0;
}

#define SETTINGS                                                               \
    "SELECT current_setting('server_version_num')::int4, "                     \
    "current_setting('fsync'), current_setting('full_page_writes'), "          \
    "current_setting('synchronous_commit'), "                                  \
    "current_setting('synchronous_standby_names'), "                           \
    "current_setting('max_locks_per_transaction')::int4, "                     \
    "CASE WHEN pg_has_role(current_user, 'pg_monitor', 'MEMBER') OR "          \
    "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN "       \
    "(SELECT count(*)::int4 FROM pg_stat_replication "                         \
    " WHERE sync_state IN ('sync', 'quorum')) ELSE -1 END"

static void copy(char *to, size_t max, const struct postgres_answer *a, int col)
{
    snprintf(to, max, "%s", postgres_cell_text(a, 0, col));
}

static void take_settings(void *arg, const struct postgres_answer *a)
{
    struct doctor_database *f = &((struct asking *)arg)->f;

    f->version = postgres_cell_i32(a, 0, 0, 0);
    copy(f->fsync, sizeof(f->fsync), a, 1);
    copy(f->full_pages, sizeof(f->full_pages), a, 2);
    copy(f->commit, sizeof(f->commit), a, 3);
    copy(f->standbys, sizeof(f->standbys), a, 4);
    f->locks = postgres_cell_i32(a, 0, 5, 0);
    f->standbys_seen = postgres_cell_i32(a, 0, 6, -1);
}

/* Open transactions that hold a snapshot, and prepared ones. */
#define SNAPSHOT                                                               \
    "SELECT who, (extract(epoch FROM clock_timestamp() - since) * "            \
    "1000)::int8 FROM (SELECT format('pid %s (%s, %s)', pid, usename, "        \
    "application_name), xact_start FROM pg_stat_activity WHERE "               \
    "(backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND "               \
    "backend_type = 'client backend' AND pid <> pg_backend_pid() "             \
    "UNION ALL SELECT format('prepared transaction %s', gid), prepared "       \
    "FROM pg_prepared_xacts) x(who, since) WHERE since IS NOT NULL "           \
    "ORDER BY since LIMIT 1"

static void take_snapshot(void *arg, const struct postgres_answer *a)
{
    struct doctor_database *f = &((struct asking *)arg)->f;

    if (a->rows == 0)
        return;
    copy(f->snapshot_who, sizeof(f->snapshot_who), a, 0);
    f->snapshot_ms = postgres_cell_i64(a, 0, 1, 0);
}

static void take_pid(void *arg, const struct postgres_answer *a)
{
    *(int32_t *)arg = postgres_cell_i32(a, 0, 0, 0);
}

/* Two texts, so that neither is a prepared statement of the other's server. */
static void find_pooler(struct asking *a, const char *url)
{
    struct database *other = NULL;
    int32_t held = 0;
    int rc;

    a->f.pid_told = postgres_backend_pid(database_postgres(a->db));
    rc = database_run(a->db, "SELECT pg_backend_pid() AS first", NULL, 0,
                      take_pid, &a->f.pid_first);
    a->f.pid_second = a->f.pid_first;
    if (rc < 0 || database_open(url, &other) < 0)
        return;
    database_patience(other, PATIENCE_MS);
    database_patience(a->db, PATIENCE_MS);
    rc = database_script(other, "BEGIN; SELECT 1");
    if (rc == 0)
        rc = database_run(other, "SELECT pg_backend_pid() AS held", NULL, 0,
                          take_pid, &held);
    if (rc == 0)
        rc = database_run(a->db, "SELECT pg_backend_pid() AS second", NULL, 0,
                          take_pid, &a->f.pid_second);
    /* One server for both of us: it waits for the other's end. */
    if (rc == FAIL_TIMEOUT || rc == FAIL_UNREACHABLE || is_shared(a->db) ||
        is_shared(other))
        a->f.pid_second = -1;
    if (database_run(a->db, "SHOW pool_mode", NULL, 0, NULL, NULL) == 0)
        a->f.pool_mode = true;
    database_close(other);
}

#define LEAVES                                                                 \
    "SELECT count(*) FILTER (WHERE state <> 'dropped')::int4, "                \
    "bool_or(state = 'live'), bool_or(state = 'next'), "                       \
    "(SELECT count(*)::int4 FROM pg_inherits i JOIN pg_class c ON c.oid = "    \
    "i.inhparent WHERE i.inhdetachpending AND c.relnamespace = "               \
    "'tidemill'::regnamespace) FROM tidemill.leaves"

static void take_leaves(void *arg, const struct postgres_answer *a)
{
    struct doctor_database *f = &((struct asking *)arg)->f;

    f->leaves = postgres_cell_i32(a, 0, 0, 0);
    f->live = postgres_cell_bool(a, 0, 1, false);
    f->next = postgres_cell_bool(a, 0, 2, false);
    f->half_detached = postgres_cell_i32(a, 0, 3, 0);
}

/* ---- all of it ---- */

static void check_tables(struct asking *a)
{
    struct schema_state s = {0, 0};

    if (schema_read(a->db, &s) < 0) {
        doctor_say(a->d, DOCTOR_FAILED, "tables", DOCTOR_ONE_ROW,
                   "may this user read them?", "%s", database_why(a->db));
        return;
    }
    doctor_judge_schema(a->d, &s);
    if (s.version == 0 || s.oldest_reader > schema_newest())
        return;
    if (ask(a, LEAVES, NULL, 0, take_leaves, "leaves"))
        doctor_judge_leaves(a->d, &a->f);
    doctor_ask_logs(a->d, a->db, a->admin, a->facts);
}

void doctor_ask_database(struct doctor *d, const char *url,
                         struct kafka_admin *admin,
                         const struct kafka_facts *facts)
{
    struct asking a = {.d = d, .admin = admin, .facts = facts};
    int rc = database_open(url, &a.db);

    if (rc < 0) {
        doctor_say(d, DOCTOR_FAILED, "database", DOCTOR_ONE_ROW,
                   "is DATABASE_URL right, and does PostgreSQL run?", "%s",
                   fail_words(rc));
        return;
    }
    if (ask(&a, SETTINGS, NULL, 0, take_settings, "server") &&
        ask(&a, SNAPSHOT, NULL, 0, take_snapshot, "snapshot")) {
        find_pooler(&a, url);
        doctor_judge_database(d, &a.f);
    }
    check_tables(&a);
    database_close(a.db);
}
