/*
 * consumer/base/postgres.c: the door to PostgreSQL (libpq), on the loop.
 *
 * A connection goes through these phases, and everything it ever waits for
 * ends at the one timer at the latest:
 *
 *   IDLE --pause--> RESOLVING --> CONNECTING --> SESSION --> READY
 *     ^                 |              |            |          |  scripts run
 *     +-- next address, next host, growing pause <--+          |  between
 *     +-- broken: every owed answer is LOST, state DOWN <------+  flights
 *
 * READY is libpq's pipeline mode. The queue of steps mirrors what was sent, so
 * each result is matched by its place; a result that fits no step is our own
 * fault. A connection is never torn down inside a call or an answer: it is
 * marked broken, and the hook at the end of the turn does it.
 *
 * From: verifier/ledger.c, verifier/sealer.c, the gateway's history, commands.
 * To:   libpq; consumer/base/postgres_connect.c, postgres_queue.c and
 *       postgres_answer.c; postgres_steps.c and postgres_hosts.c decide.
 */
#include "consumer/base/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/postgres_inside.h"
#include "schemas/base/fail.h"

#define CONNECT_MS 5000
/* A connection that lasted less than this has not worked. */
#define WORKED_MS 1000

static void on_hook(void *arg);

/* libpq's words end in a line feed and may hold several lines. */
void postgres_note_why(struct postgres *pg, const char *why)
{
    size_t i, count = strnlen(why, POSTGRES_WHY_MAX - 1);

    memmove(pg->why, why, count);
    pg->why[count] = '\0';
    for (i = 0; i < count; i++)
        if ((unsigned char)pg->why[i] < ' ')
            pg->why[i] = ' ';
    while (count > 0 && pg->why[count - 1] == ' ')
        pg->why[--count] = '\0';
}

void postgres_mark_broken(struct postgres *pg, const char *why)
{
    if (pg->broken)
        return;
    postgres_note_why(pg, why);
    pg->broken = true;
    loop_hook_arm(pg->hook);
}

uint32_t postgres_jitter(void)
{
    uint64_t x = (uint64_t)clock_ns();

    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    return (uint32_t)x;
}

/* ---- opening and closing --------------------------------------------- */

/* Replaces or adds one keyword. */
static void set_keyword(struct postgres *pg, const char *word, const char *val)
{
    size_t i;

    for (i = 0; i < pg->keyword_count; i++)
        if (strcmp(pg->keywords[i], word) == 0)
            break;
    CHECK(i < POSTGRES_KEYWORDS_MAX);
    if (i == pg->keyword_count) {
        pg->keywords[i] = strdup(word);
        pg->keyword_count++;
    }
    free(pg->values[i]);
    pg->values[i] = strdup(val);
    CHECK(pg->keywords[i] != NULL && pg->values[i] != NULL);
}

static const char *keyword(const struct postgres *pg, const char *word)
{
    size_t i;

    for (i = 0; i < pg->keyword_count; i++)
        if (strcmp(pg->keywords[i], word) == 0)
            return pg->values[i];
    return NULL;
}

static void take_options(struct postgres *pg, PQconninfoOption *list)
{
    PQconninfoOption *o;

    for (o = list; o != NULL && o->keyword != NULL; o++)
        if (o->val != NULL && *o->val != '\0')
            set_keyword(pg, o->keyword, o->val);
    PQconninfoFree(list);
}

/* PG* variables first, then the url over them. */
static int read_url(struct postgres *pg)
{
    PQconninfoOption *list;
    char *error = NULL;

    take_options(pg, PQconndefaults());
    if (pg->options.url != NULL && *pg->options.url != '\0') {
        list = PQconninfoParse(pg->options.url, &error);
        if (list == NULL) {
            log_error("postgres.url", "name=%s why=%s", pg->options.name,
                      LOG_TEXT(error));
            PQfreemem(error);
            return FAIL_SETTING;
        }
        take_options(pg, list);
    }
    if (pg->options.application_name != NULL)
        set_keyword(pg, "application_name", pg->options.application_name);
    set_keyword(pg, "client_encoding", "UTF8");
    return postgres_hosts_init(&pg->hosts, keyword(pg, "host"),
                               keyword(pg, "hostaddr"), keyword(pg, "port"));
}

static void open_metrics(struct postgres *pg)
{
    char labels[80];

    snprintf(labels, sizeof(labels), "connection=\"%s\"", pg->options.name);
    pg->connected = metric_gauge("tidemill_postgres_connected", labels,
                                 "1 while the connection is up");
    pg->statements = metric_counter("tidemill_postgres_statements_total",
                                    labels, "statements sent");
    pg->lost = metric_counter("tidemill_postgres_lost_total", labels,
                              "connections that were lost");
}

static void free_all(struct postgres *pg)
{
    size_t i;

    for (i = 0; i < pg->keyword_count; i++) {
        free(pg->keywords[i]);
        free(pg->values[i]);
    }
    postgres_steps_fini(&pg->steps);
    postgres_names_clear(&pg->names);
    free(pg);
}

int postgres_open(struct loop *loop, const struct postgres_options *options,
                  postgres_state_fn state, void *arg, struct postgres **out_pg)
{
    struct postgres *pg = calloc(1, sizeof(*pg));
    int rc;

    CHECK(pg != NULL);
    pg->loop = loop;
    pg->options = *options;
    pg->state = state;
    pg->arg = arg;
    if (pg->options.name == NULL)
        pg->options.name = "postgres";
    if (pg->options.connect_ms == 0)
        pg->options.connect_ms = CONNECT_MS;
    rc = read_url(pg);
    if (rc < 0) {
        free_all(pg);
        return rc;
    }
    open_metrics(pg);
    pg->timer = loop_timer_open(loop, "postgres.timer", postgres_on_timer, pg);
    pg->hook = loop_hook_open(loop, "postgres.hook", on_hook, pg);
    loop_timer_start(pg->timer, 0, 0);
    *out_pg = pg;
    return 0;
}

/* Lets go of the connection, or of the try at one. */
void postgres_let_go(struct postgres *pg)
{
    resolve_cancel(pg->resolve);
    pg->resolve = NULL;
    loop_poll_close(pg->poll);
    pg->poll = NULL;
    loop_timer_stop(pg->timer);
    PQclear(pg->prepare_failed);
    pg->prepare_failed = NULL;
    PQclear(pg->script_result);
    pg->script_result = NULL;
    pg->script_running = false;
    postgres_names_clear(&pg->names);
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->phase = POSTGRES_PHASE_IDLE;
    pg->up_since_ms = 0;
    metric_set(pg->connected, 0);
}

void postgres_close(struct postgres *pg)
{
    if (pg == NULL || pg->closing)
        return;
    pg->closing = true;
    if (pg->depth > 0)
        return;
    postgres_let_go(pg);
    loop_timer_close(pg->timer);
    loop_hook_close(pg->hook);
    free_all(pg);
}

/* Around everything that may call the user's functions. */
void postgres_enter(struct postgres *pg)
{
    pg->depth++;
}

void postgres_leave(struct postgres *pg)
{
    pg->depth--;
    if (pg->depth == 0 && pg->closing) {
        pg->closing = false;
        postgres_close(pg);
    }
}

/* ---- losing ----------------------------------------------------------- */

void postgres_tell_lost(struct postgres *pg, struct postgres_step *step)
{
    struct postgres_answer a = {.outcome = POSTGRES_LOST};

    free(step->script);
    if (step->done == NULL)
        return;
    a.tag = a.table = a.column = "";
    a.message = pg->why;
    step->done(step->arg, &a);
}

/* What users queue meanwhile is doomed, and told in a later round. */
static void lose_all(struct postgres *pg)
{
    size_t count = pg->steps.count;

    for (; count > 0 && !pg->closing; count--) {
        struct postgres_step step = postgres_steps_pop(&pg->steps);

        postgres_tell_lost(pg, &step);
    }
}

static void tear_down(struct postgres *pg)
{
    bool short_lived = pg->up_since_ms != 0 &&
                       loop_now_ms(pg->loop) - pg->up_since_ms < WORKED_MS;
    bool was_up = pg->told_up;
    int wait = (int)(postgres_jitter() % 50);

    /* A connection that is renewed on purpose is no alarm. */
    log_write(pg->renewing ? LOG_INFO : LOG_WARN, "postgres.lost",
              " name=%s why=%s", pg->options.name, LOG_TEXT(pg->why));
    if (was_up && !pg->renewing)
        metric_add(pg->lost, 1);
    pg->renewing = false;
    postgres_let_go(pg);
    if (short_lived)
        wait = postgres_hosts_failed(&pg->hosts, postgres_jitter());
    else
        postgres_hosts_worked(&pg->hosts);
    loop_timer_start(pg->timer, wait, 0);
    lose_all(pg);
    pg->broken = false;
    pg->told_up = false;
    if (was_up && !pg->closing)
        pg->state(pg->arg, POSTGRES_DOWN, pg->why);
}

static void on_hook(void *arg)
{
    struct postgres *pg = arg;
    struct postgres_step *head;

    postgres_enter(pg);
    if (pg->broken) {
        tear_down(pg);
        if (pg->steps.count > 0 && !pg->closing)
            loop_hook_arm(pg->hook);
        postgres_leave(pg);
        return;
    }
    while (!pg->closing && (head = postgres_steps_head(&pg->steps)) != NULL &&
           head->doomed) {
        struct postgres_step step = postgres_steps_pop(&pg->steps);

        postgres_tell_lost(pg, &step);
    }
    postgres_leave(pg);
}

void postgres_drop(struct postgres *pg, const char *why)
{
    if (pg->phase == POSTGRES_PHASE_READY)
        postgres_mark_broken(pg, why);
}

bool postgres_renew_if_old(struct postgres *pg)
{
    if (pg->options.age_ms_max == 0 || pg->phase != POSTGRES_PHASE_READY ||
        pg->broken || pg->steps.count > 0)
        return false;
    if (loop_now_ms(pg->loop) - pg->up_since_ms < pg->renew_ms)
        return false;
    pg->renewing = true;
    postgres_mark_broken(pg, "renewed");
    return true;
}

/* ---- looking ---------------------------------------------------------- */

bool postgres_up(const struct postgres *pg)
{
    return pg->phase == POSTGRES_PHASE_READY && !pg->broken;
}

int32_t postgres_backend_pid(const struct postgres *pg)
{
    return postgres_up(pg) ? PQbackendPID(pg->conn) : 0;
}

const char *postgres_why(const struct postgres *pg)
{
    return pg->why;
}
