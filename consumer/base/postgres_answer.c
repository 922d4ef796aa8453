/*
 * consumer/base/postgres_answer.c: gives every result to whoever asked.
 *
 * The queue of steps mirrors what was sent, so each result is matched by its
 * place. An error speaks for its statement; the end of the connection speaks
 * for all that are still owed, and is left to postgres.c.
 *
 * From: consumer/base/postgres_connect.c, when the socket is readable.
 * To:   the users' functions; consumer/base/postgres_steps.h.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "consumer/base/postgres_inside.h"
#include "schemas/base/fail.h"

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

/* The connection is ending: the statement's own end is not known. */
static bool is_fatal(const PGresult *r)
{
    const char *s = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (s == NULL) /* libpq's own words: the connection broke */
        return true;
    return strcmp(s, "FATAL") == 0 || strcmp(s, "PANIC") == 0;
}

static void fill_answer(struct postgres_answer *a, PGresult *r)
{
    memset(a, 0, sizeof(*a));
    a->tag = a->table = a->column = a->message = "";
    a->handle = r;
    switch (PQresultStatus(r)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
        a->outcome = POSTGRES_OK;
        a->tag = or_empty(PQcmdStatus(r));
        a->rows = PQntuples(r);
        a->columns = PQnfields(r);
        return;
    case PGRES_PIPELINE_ABORTED:
        a->outcome = POSTGRES_ABORTED;
        a->message = "an earlier statement of the flight failed";
        return;
    default:
        a->outcome = is_fatal(r) ? POSTGRES_LOST : POSTGRES_ERROR;
        snprintf(a->sqlstate, sizeof(a->sqlstate), "%s",
                 or_empty(PQresultErrorField(r, PG_DIAG_SQLSTATE)));
        a->table = or_empty(PQresultErrorField(r, PG_DIAG_TABLE_NAME));
        a->column = or_empty(PQresultErrorField(r, PG_DIAG_COLUMN_NAME));
        a->message = or_empty(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
    }
}

/* Gives one answer; then looks at what it says about the connection. */
static void give(struct postgres *pg, const struct postgres_step *step,
                 PGresult *r)
{
    struct postgres_answer a;

    fill_answer(&a, r);
    if (strcmp(a.sqlstate, "26000") == 0 || strcmp(a.sqlstate, "0A000") == 0)
        postgres_names_forget(&pg->names, step->name);
    if (a.outcome == POSTGRES_LOST)
        postgres_mark_broken(pg,
                             *a.message ? a.message : PQerrorMessage(pg->conn));
    else if (pg->options.read_write && strcmp(a.sqlstate, "25006") == 0)
        postgres_mark_broken(pg, "became read-only");
    if (step->done != NULL)
        step->done(step->arg, &a);
}

/* A failed Prepare speaks through the statement it was made for. */
static void prepared(struct postgres *pg, const struct postgres_step *step,
                     PGresult *r)
{
    if (PQresultStatus(r) == PGRES_COMMAND_OK) {
        postgres_names_confirm(&pg->names, step->name);
        PQclear(r);
        return;
    }
    postgres_names_forget(&pg->names, step->name);
    if (PQresultStatus(r) == PGRES_PIPELINE_ABORTED) {
        PQclear(r);
        return;
    }
    PQclear(pg->prepare_failed);
    pg->prepare_failed = r;
}

/* Only the last result of a script is told, or its error. */
static void script_part(struct postgres *pg, PGresult *r)
{
    if (pg->script_result != NULL &&
        PQresultStatus(pg->script_result) == PGRES_FATAL_ERROR) {
        PQclear(r);
        return;
    }
    PQclear(pg->script_result);
    pg->script_result = r;
}

/* The statement's own result, or that of the Prepare before it. */
static void statement_result(struct postgres *pg, struct postgres_step *step,
                             PGresult *r)
{
    PGresult *cause = pg->prepare_failed;

    pg->prepare_failed = NULL;
    give(pg, step, cause != NULL ? cause : r);
    PQclear(cause);
    PQclear(r);
}

/*
 * Every step has one result, and a script several. The end of a step's results
 * (NULL) is not waited for: libpq leaves it out when something is sent after a
 * failed step before its flight's Sync.
 */
static void take_result(struct postgres *pg, PGresult *r)
{
    struct postgres_step step;

    if (postgres_steps_head(&pg->steps)->kind == POSTGRES_STEP_SCRIPT) {
        script_part(pg, r);
        return;
    }
    step = postgres_steps_pop(&pg->steps);
    switch (step.kind) {
    case POSTGRES_STEP_PREPARE:
        prepared(pg, &step, r);
        return;
    case POSTGRES_STEP_STATEMENT:
        statement_result(pg, &step, r);
        return;
    case POSTGRES_STEP_SYNC:
        /* Only the end of the connection comes instead of a sync. */
        if (PQresultStatus(r) != PGRES_PIPELINE_SYNC)
            postgres_mark_broken(pg, or_empty(PQresultErrorMessage(r)));
        PQclear(r);
        return;
    case POSTGRES_STEP_DEALLOCATE:
    case POSTGRES_STEP_SCRIPT:
        PQclear(r);
    }
}

/* The end of a script: back to pipeline mode, then its answer. */
static void script_done(struct postgres *pg)
{
    struct postgres_step step = postgres_steps_pop(&pg->steps);
    PGresult *r = pg->script_result;

    pg->script_result = NULL;
    pg->script_running = false;
    if (!PQenterPipelineMode(pg->conn))
        postgres_mark_broken(pg, PQerrorMessage(pg->conn));
    free(step.script);
    give(pg, &step, r);
    PQclear(r);
}

void postgres_script_start(struct postgres *pg, struct postgres_step *head)
{
    pg->script_running = true;
    if (!PQexitPipelineMode(pg->conn) || !PQsendQuery(pg->conn, head->script))
        postgres_mark_broken(pg, PQerrorMessage(pg->conn));
}

/* Hands out every answer that is there. */
static void dispatch(struct postgres *pg)
{
    struct postgres_step *head;
    int nothing = 0;

    while (!pg->broken && !pg->closing && nothing < 2) {
        PGresult *r;

        head = postgres_steps_head(&pg->steps);
        if (head == NULL)
            return;
        if (head->doomed) {
            struct postgres_step step = postgres_steps_pop(&pg->steps);

            postgres_tell_lost(pg, &step);
            continue;
        }
        if (head->kind == POSTGRES_STEP_SCRIPT && !pg->script_running) {
            postgres_script_start(pg, head);
            continue;
        }
        if (PQisBusy(pg->conn))
            return;
        r = PQgetResult(pg->conn);
        if (r != NULL) {
            nothing = 0;
            take_result(pg, r);
        } else if (head->kind == POSTGRES_STEP_SCRIPT &&
                   pg->script_result != NULL) {
            script_done(pg);
        } else {
            nothing++;
        }
    }
}

void postgres_flush(struct postgres *pg)
{
    int rc;

    if (pg->broken || pg->closing)
        return;
    rc = PQflush(pg->conn);
    if (rc < 0)
        postgres_mark_broken(pg, PQerrorMessage(pg->conn));
    else
        loop_poll_want(pg->poll, true, rc == 1);
}

void postgres_pump(struct postgres *pg)
{
    bool alive = PQconsumeInput(pg->conn) == 1;

    /* What came before the end still counts. */
    dispatch(pg);
    if (pg->closing)
        return;
    if (!alive)
        postgres_mark_broken(pg, PQerrorMessage(pg->conn));
    postgres_flush(pg);
    if (!pg->broken)
        postgres_arm_deadline(pg);
}

struct bytes postgres_cell(const struct postgres_answer *a, int row, int col)
{
    const PGresult *r = a->handle;

    if (r == NULL || row < 0 || row >= a->rows || col < 0 ||
        col >= a->columns || PQgetisnull(r, row, col))
        return BYTES_NONE;
    return bytes_of(PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col));
}
