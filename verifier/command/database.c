/*
 * verifier/command/database.c: the asynchronous door, waited for.
 *
 * From: the commands of this folder.
 * To:   consumer/base/postgres.c.
 */
#include "verifier/command/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/command.h"
#include "consumer/base/loop.h"
#include "schemas/base/fail.h"

#define CONNECT_MS 10000
#define PATIENCE_MS 60000

struct database {
    struct loop *loop;
    struct postgres *pg;
    bool up;
    bool done; /* the statement was answered */
    int rc;
    int patience_ms;
    database_fn rows;
    void *rows_arg;
    char sqlstate[6];
    char why[512];
};

static void on_state(void *arg, enum postgres_state state, const char *why)
{
    struct database *db = arg;

    db->up = state == POSTGRES_UP;
    if (!db->up)
        snprintf(db->why, sizeof(db->why), "%s", why);
}

int database_open(const char *url, struct database **out)
{
    struct postgres_options o = {
        .url = url,
        .application_name = "tidemill",
        .read_write = true,
        .name = "command",
    };
    struct database *db = calloc(1, sizeof(*db));
    int rc;

    CHECK(db != NULL);
    db->patience_ms = PATIENCE_MS;
    rc = loop_open(&db->loop);
    if (rc == 0)
        rc = postgres_open(db->loop, &o, on_state, db, &db->pg);
    if (rc == 0)
        rc = command_run_until(db->loop, &db->up, CONNECT_MS);
    if (rc < 0) {
        if (rc == FAIL_TIMEOUT)
            rc = FAIL_UNREACHABLE;
        command_fail(0, "postgresql: %s",
                     db->pg != NULL && *postgres_why(db->pg) != '\0'
                         ? postgres_why(db->pg)
                         : fail_words(rc));
        database_close(db);
        return rc;
    }
    *out = db;
    return 0;
}

void database_close(struct database *db)
{
    if (db == NULL)
        return;
    postgres_close(db->pg);
    loop_close(db->loop);
    free(db);
}

struct loop *database_loop(struct database *db)
{
    return db->loop;
}

struct postgres *database_postgres(struct database *db)
{
    return db->pg;
}

static void on_answer(void *arg, const struct postgres_answer *a)
{
    struct database *db = arg;

    db->done = true;
    memcpy(db->sqlstate, a->sqlstate, sizeof(db->sqlstate));
    switch (a->outcome) {
    case POSTGRES_OK:
        db->rc = 0;
        if (db->rows != NULL)
            db->rows(db->rows_arg, a);
        return;
    case POSTGRES_ERROR:
    case POSTGRES_ABORTED:
        db->rc = FAIL_BROKEN;
        break;
    case POSTGRES_LOST:
        db->rc = FAIL_UNREACHABLE;
        break;
    }
    snprintf(db->why, sizeof(db->why), "%s", a->message);
}

static int wait_for_answer(struct database *db)
{
    int rc = command_run_until(db->loop, &db->done, db->patience_ms + 1000);

    if (rc == 0)
        return db->rc;
    /* The answer may still come: let nobody hear it. */
    snprintf(db->why, sizeof(db->why), "%s", fail_words(rc));
    postgres_drop(db->pg, "no more waiting");
    return rc;
}

int database_run(struct database *db, const char *sql,
                 const struct postgres_param *params, size_t count,
                 database_fn rows, void *arg)
{
    db->done = false;
    db->rows = rows;
    db->rows_arg = arg;
    postgres_queue(db->pg, sql, params, count, on_answer, db);
    postgres_sync(db->pg, db->patience_ms);
    return wait_for_answer(db);
}

int database_script(struct database *db, const char *sql)
{
    db->done = false;
    db->rows = NULL;
    postgres_script(db->pg, sql, db->patience_ms, on_answer, db);
    return wait_for_answer(db);
}

void database_patience(struct database *db, int ms)
{
    db->patience_ms = ms;
}

const char *database_why(const struct database *db)
{
    return db->why;
}

const char *database_sqlstate(const struct database *db)
{
    return db->sqlstate;
}
