/*
 * consumer/base/postgres_queue.c: sends statements, and remembers them.
 *
 *   statement statement sync      a flight: prepared by name on the way
 *   script                        alone, when everything before it is answered
 *
 * What is queued while there is no connection is doomed: it is told so in a
 * later round, never inside the call.
 *
 * From: users of consumer/base/postgres.h.
 * To:   libpq; consumer/base/postgres_steps.h.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "consumer/base/postgres_inside.h"
#include "schemas/base/fail.h"

#define PARAMS_MAX 32

static bool usable(const struct postgres *pg)
{
    return pg->phase == POSTGRES_PHASE_READY && !pg->broken;
}

static void push_doomed(struct postgres *pg, enum postgres_step_kind kind,
                        postgres_fn done, void *arg)
{
    postgres_steps_push(&pg->steps, (struct postgres_step){.kind = kind,
                                                           .doomed = true,
                                                           .done = done,
                                                           .arg = arg});
    loop_hook_arm(pg->hook);
}

static void push(struct postgres *pg, enum postgres_step_kind kind,
                 uint64_t name, postgres_fn done, void *arg)
{
    postgres_steps_push(&pg->steps, (struct postgres_step){.kind = kind,
                                                           .name = name,
                                                           .done = done,
                                                           .arg = arg});
}

/* libpq's arrays of one statement's parameters. */
struct params {
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    int count;
};

static void read_params(struct params *out, const struct postgres_param *params,
                        size_t count)
{
    size_t i;

    CHECK(count <= PARAMS_MAX);
    for (i = 0; i < count; i++) {
        CHECK(params[i].value.count <= POSTGRES_PARAM_BYTES_MAX);
        out->types[i] = params[i].type;
        out->values[i] = (const char *)params[i].value.data;
        out->lengths[i] = (int)params[i].value.count;
        out->formats[i] = 1;
    }
    out->count = (int)count;
}

/* The name the server knows `sql` by, made on the way if need be. */
static uint64_t named(struct postgres *pg, const char *sql,
                      const struct params *p, char out_text[24])
{
    uint64_t name = postgres_names_find(&pg->names, sql, pg->flight),
             evicted = 0;
    char text[40];

    if (name == 0) {
        name = postgres_names_add(&pg->names, sql, pg->flight, &evicted);
        if (evicted != 0) {
            snprintf(text, sizeof(text), "DEALLOCATE s%" PRIu64, evicted);
            if (PQsendQueryParams(pg->conn, text, 0, NULL, NULL, NULL, NULL, 1))
                push(pg, POSTGRES_STEP_DEALLOCATE, 0, NULL, NULL);
        }
        snprintf(out_text, 24, "s%" PRIu64, name);
        if (PQsendPrepare(pg->conn, out_text, sql, p->count, p->types))
            push(pg, POSTGRES_STEP_PREPARE, name, NULL, NULL);
        else
            postgres_mark_broken(pg, PQerrorMessage(pg->conn));
    }
    snprintf(out_text, 24, "s%" PRIu64, name);
    return name;
}

static void check_no_script(struct postgres *pg)
{
    struct postgres_step *head = postgres_steps_head(&pg->steps);

    CHECK(head == NULL || head->doomed || head->kind != POSTGRES_STEP_SCRIPT);
}

static void queue(struct postgres *pg, const char *sql, bool keep,
                  const struct postgres_param *params, size_t count,
                  postgres_fn done, void *arg)
{
    struct params p;
    uint64_t name = 0;
    char text[24];
    int sent = 0;

    read_params(&p, params, count);
    if (usable(pg)) {
        check_no_script(pg);
        if (keep)
            name = named(pg, sql, &p, text);
    }
    if (usable(pg)) {
        sent = keep ? PQsendQueryPrepared(pg->conn, text, p.count, p.values,
                                          p.lengths, p.formats, 1)
                    : PQsendQueryParams(pg->conn, sql, p.count, p.types,
                                        p.values, p.lengths, p.formats, 1);
        if (!sent)
            postgres_mark_broken(pg, PQerrorMessage(pg->conn));
    }
    if (!sent) {
        push_doomed(pg, POSTGRES_STEP_STATEMENT, done, arg);
        return;
    }
    metric_add(pg->statements, 1);
    push(pg, POSTGRES_STEP_STATEMENT, name, done, arg);
}

void postgres_queue(struct postgres *pg, const char *sql,
                    const struct postgres_param *params, size_t count,
                    postgres_fn done, void *arg)
{
    queue(pg, sql, true, params, count, done, arg);
}

void postgres_once(struct postgres *pg, const char *sql,
                   const struct postgres_param *params, size_t count,
                   postgres_fn done, void *arg)
{
    queue(pg, sql, false, params, count, done, arg);
}

void postgres_arm_deadline(struct postgres *pg)
{
    int64_t at = postgres_steps_deadline(&pg->steps);
    int64_t now = loop_now_ms(pg->loop);

    if (at == 0)
        loop_timer_stop(pg->timer);
    else
        loop_timer_start(pg->timer, at > now ? at - now : 0, 0);
}

void postgres_sync(struct postgres *pg, int deadline_ms)
{
    if (!usable(pg))
        return;
    pg->flight++;
    if (!PQpipelineSync(pg->conn)) {
        postgres_mark_broken(pg, PQerrorMessage(pg->conn));
        return;
    }
    postgres_steps_push(&pg->steps, (struct postgres_step){
                                        .kind = POSTGRES_STEP_SYNC,
                                        .deadline_ms = loop_now_ms(pg->loop) +
                                                       deadline_ms});
    postgres_flush(pg);
    postgres_arm_deadline(pg);
}

void postgres_script(struct postgres *pg, const char *sql, int deadline_ms,
                     postgres_fn done, void *arg)
{
    struct postgres_step step = {.kind = POSTGRES_STEP_SCRIPT,
                                 .done = done,
                                 .arg = arg,
                                 .script = strdup(sql)};

    CHECK(step.script != NULL);
    if (!usable(pg)) {
        free(step.script);
        push_doomed(pg, POSTGRES_STEP_SCRIPT, done, arg);
        return;
    }
    check_no_script(pg);
    step.deadline_ms = loop_now_ms(pg->loop) + deadline_ms;
    metric_add(pg->statements, 1);
    postgres_steps_push(&pg->steps, step);
    postgres_enter(pg);
    /* Nothing of the user's runs here: only the script starts, if it may. */
    if (pg->steps.count == 1) {
        postgres_script_start(pg, postgres_steps_head(&pg->steps));
        postgres_flush(pg);
        postgres_arm_deadline(pg);
    }
    postgres_leave(pg);
}
