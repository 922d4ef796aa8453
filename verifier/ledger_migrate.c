/*
 * verifier/ledger_migrate.c: one numbered file after the other.
 *
 *   lock -> version -> BEGIN; file 1; its row; COMMIT -> file 2 -> ... -> done
 *
 * The lock belongs to the session, so it goes with the connection, and so does
 * a file that was under way: it is whole or it is not there.
 *
 * From: `tidemill init` and `tidemill migrate`; tests.
 * To:   schemas/sql, embedded; consumer/base/postgres.c.
 */
#include "verifier/ledger_migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/postgres.h"
#include "schemas/base/bytes.h"
#include "schemas/base/fail.h"
#include "schemas/leaf.h"
#include "schemas/migration.h"

struct ledger_migrate {
    struct loop *loop;
    struct postgres *pg;
    struct loop_timer *deadline;
    bool execute;
    int deadline_ms;
    int before, version;
    ledger_migrate_fn done;
    void *arg;
};

static void over(struct ledger_migrate *m, int rc, const char *why)
{
    ledger_migrate_fn done = m->done;
    void *arg = m->arg;
    int before = m->before, version = m->version;
    char words[256];

    snprintf(words, sizeof(words), "%s", why);
    postgres_close(m->pg);
    loop_timer_close(m->deadline);
    free(m);
    done(arg, rc, before, version, words);
}

static void on_deadline(void *arg)
{
    struct ledger_migrate *m = arg;
    const char *why = postgres_why(m->pg);

    over(m, FAIL_UNREACHABLE, *why == '\0' ? "not done in time" : why);
}

/* "-- oldest reader: N" in the first line; else the file's own number. */
static int oldest_reader(const struct migration *file)
{
    int n;

    return sscanf(file->sql, "-- oldest reader: %d", &n) == 1 ? n
                                                              : file->number;
}

static const struct migration *next_file(const struct ledger_migrate *m)
{
    const struct migration *file = migrations;

    while (file->number != 0 && file->number <= m->version)
        file++;
    return file->number == 0 ? NULL : file;
}

static void run_next(struct ledger_migrate *m);

static void on_file(void *arg, const struct postgres_answer *a)
{
    struct ledger_migrate *m = arg;
    const struct migration *file = next_file(m);

    if (a->outcome == POSTGRES_LOST)
        return; /* connected again, it begins again */
    if (a->outcome != POSTGRES_OK) {
        over(m, FAIL_DENIED, a->message);
        return;
    }
    log_info("schema.migrated", "number=%d name=%s", file->number, file->name);
    m->version = file->number;
    run_next(m);
}

static void run_next(struct ledger_migrate *m)
{
    const struct migration *file = next_file(m);
    struct buffer sql;

    if (file == NULL) {
        over(m, 0, "");
        return;
    }
    buffer_init(&sql, 16 << 20);
    buffer_append_format(
        &sql,
        "BEGIN ISOLATION LEVEL READ COMMITTED; %s;"
        " INSERT INTO tidemill.schema_version VALUES (%d, %d, '%s',"
        " tidemill.now_ms()); COMMIT",
        file->sql, file->number, oldest_reader(file), file->name);
    CHECK(!sql.overflow);
    postgres_script(m->pg, buffer_text(&sql), m->deadline_ms, on_file, m);
    buffer_fini(&sql);
}

/* What would be left to do, without doing it. */
static void look_only(struct ledger_migrate *m)
{
    const struct migration *file;

    for (file = migrations; file->number != 0; file++)
        if (file->number > m->version)
            m->version = file->number;
    over(m, 0, "");
}

static void on_version(void *arg, const struct postgres_answer *a)
{
    struct ledger_migrate *m = arg;

    if (a->outcome == POSTGRES_LOST)
        return;
    if (a->outcome != POSTGRES_OK) {
        over(m, FAIL_DENIED, a->message);
        return;
    }
    m->before = m->version = postgres_cell_i32(a, 0, 0, 0);
    if (postgres_cell_i32(a, 0, 1, 0) > LEAF_SCHEMA_VERSION)
        over(m, FAIL_VERSION, "its tables are newer than this program");
    else if (m->execute)
        run_next(m);
    else
        look_only(m);
}

static void on_table(void *arg, const struct postgres_answer *a)
{
    struct ledger_migrate *m = arg;

    if (a->outcome == POSTGRES_LOST)
        return;
    if (a->outcome != POSTGRES_OK) {
        over(m, FAIL_DENIED, a->message);
    } else if (!postgres_cell_bool(a, 0, 0, false)) {
        m->before = m->version = 0;
        if (m->execute)
            run_next(m);
        else
            look_only(m);
    } else {
        postgres_once(m->pg,
                      "SELECT max(version)::int4, max(oldest_reader)::int4"
                      " FROM tidemill.schema_version",
                      NULL, 0, on_version, m);
        postgres_sync(m->pg, m->deadline_ms);
    }
}

static void on_locked(void *arg, const struct postgres_answer *a)
{
    struct ledger_migrate *m = arg;

    if (a->outcome == POSTGRES_LOST)
        return;
    if (a->outcome != POSTGRES_OK) {
        over(m, FAIL_DENIED, a->message);
        return;
    }
    postgres_once(m->pg,
                  "SELECT to_regclass('tidemill.schema_version') IS NOT NULL",
                  NULL, 0, on_table, m);
    postgres_sync(m->pg, m->deadline_ms);
}

static void on_state(void *arg, enum postgres_state state, const char *why)
{
    struct ledger_migrate *m = arg;

    (void)why;
    if (state != POSTGRES_UP)
        return;
    postgres_once(m->pg, "SELECT pg_advisory_lock(29805, 0)", NULL, 0,
                  on_locked, m);
    postgres_sync(m->pg, m->deadline_ms);
}

int ledger_migrate_start(struct loop *loop, const char *url, bool execute,
                         int deadline_ms, ledger_migrate_fn done, void *arg)
{
    struct postgres_options o = {.url = url,
                                 .application_name = "tidemill-migrate",
                                 .session_sql = "SET lock_timeout = '30s'",
                                 .read_write = true,
                                 .name = "migrate"};
    struct ledger_migrate *m = calloc(1, sizeof(*m));
    int rc;

    CHECK(m != NULL);
    m->loop = loop;
    m->execute = execute;
    m->deadline_ms = deadline_ms;
    m->done = done;
    m->arg = arg;
    rc = postgres_open(loop, &o, on_state, m, &m->pg);
    if (rc < 0) {
        free(m);
        return rc;
    }
    m->deadline = loop_timer_open(loop, "migrate.deadline", on_deadline, m);
    loop_timer_start(m->deadline, deadline_ms, 0);
    return 0;
}
