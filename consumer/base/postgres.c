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
 * To:   libpq; consumer/base/postgres_steps.c and postgres_hosts.c decide.
 */
#include "consumer/base/postgres.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/postgres_hosts.h"
#include "consumer/base/postgres_steps.h"
#include "consumer/base/resolve.h"
#include "schemas/base/fail.h"

#define CONNECT_MS 5000
#define WHY_MAX 300
#define KEYWORDS_MAX 96
#define PARAMS_MAX 32
#define ADDRESS_BYTES_MAX 64
/* A connection that lasted less than this has not worked. */
#define WORKED_MS 1000

enum phase {
    PHASE_IDLE,
    PHASE_RESOLVING,
    PHASE_CONNECTING,
    PHASE_SESSION,
    PHASE_READY
};

struct postgres {
    struct loop *loop;
    struct postgres_options options;
    postgres_state_fn state;
    void *arg;

    char *keywords[KEYWORDS_MAX]; /* of the connection string, but for hosts */
    char *values[KEYWORDS_MAX];
    size_t keyword_count;
    struct postgres_hosts hosts;
    char addresses[RESOLVE_MAX][ADDRESS_BYTES_MAX]; /* of the host in turn */
    size_t address_count, address_next;

    enum phase phase;
    PGconn *conn;
    struct resolve *resolve;
    struct loop_poll *poll;
    struct loop_timer *timer; /* pause, connect or flight deadline */
    struct loop_hook *hook;
    bool standby;        /* what the session's last answer said */
    bool told_up;        /* state() was last called with UP */
    bool renewing;       /* broken on purpose, because it is old */
    bool broken;         /* to be torn down by the hook */
    bool closing;        /* to be freed when the last callback returns */
    int depth;           /* callbacks of ours that are running */
    int64_t up_since_ms; /* monotonic; 0 when down */
    int64_t renew_ms;    /* age at which this connection is renewed */
    char why[WHY_MAX];

    struct postgres_steps steps;
    struct postgres_names names;
    uint64_t flight;          /* number of the one being queued */
    PGresult *prepare_failed; /* for the statement that follows it */
    PGresult *script_result;  /* last one of the script that runs */
    bool script_running;
    struct metric *connected, *statements, *lost;
};

static void try_host(struct postgres *pg);
static void connect_start(struct postgres *pg, const char *address);
static void attempt_failed(struct postgres *pg, const char *why);
static void on_poll(void *arg, bool readable, bool writable, bool error);
static void on_timer(void *arg);
static void on_hook(void *arg);
static void pump(struct postgres *pg);
static void arm_deadline(struct postgres *pg);

/* libpq's words end in a line feed and may hold several lines. */
static void note_why(struct postgres *pg, const char *why)
{
    size_t i, count = strnlen(why, WHY_MAX - 1);

    memmove(pg->why, why, count);
    pg->why[count] = '\0';
    for (i = 0; i < count; i++)
        if ((unsigned char)pg->why[i] < ' ')
            pg->why[i] = ' ';
    while (count > 0 && pg->why[count - 1] == ' ')
        pg->why[--count] = '\0';
}

static void mark_broken(struct postgres *pg, const char *why)
{
    if (pg->broken)
        return;
    note_why(pg, why);
    pg->broken = true;
    loop_hook_arm(pg->hook);
}

/* Jitter only: spreads a fleet, protects nothing. */
static uint32_t some_number(void)
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
    CHECK(i < KEYWORDS_MAX);
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
    pg->timer = loop_timer_open(loop, "postgres.timer", on_timer, pg);
    pg->hook = loop_hook_open(loop, "postgres.hook", on_hook, pg);
    loop_timer_start(pg->timer, 0, 0);
    *out_pg = pg;
    return 0;
}

/* Lets go of the connection, or of the try at one. */
static void let_go(struct postgres *pg)
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
    pg->phase = PHASE_IDLE;
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
    let_go(pg);
    loop_timer_close(pg->timer);
    loop_hook_close(pg->hook);
    free_all(pg);
}

/* Around everything that may call the user's functions. */
static void enter(struct postgres *pg)
{
    pg->depth++;
}

static void leave(struct postgres *pg)
{
    pg->depth--;
    if (pg->depth == 0 && pg->closing) {
        pg->closing = false;
        postgres_close(pg);
    }
}

/* ---- connecting ------------------------------------------------------- */

static void on_resolved(void *arg, int rc, const char *const *addresses,
                        size_t count)
{
    struct postgres *pg = arg;
    size_t i;

    pg->resolve = NULL;
    if (rc < 0) {
        attempt_failed(pg, rc == FAIL_NOT_FOUND ? "no such host"
                                                : "host name not looked up");
        return;
    }
    for (i = 0; i < count && i < RESOLVE_MAX; i++)
        snprintf(pg->addresses[i], ADDRESS_BYTES_MAX, "%s", addresses[i]);
    pg->address_count = i;
    pg->address_next = 1;
    connect_start(pg, pg->addresses[0]);
}

static void try_host(struct postgres *pg)
{
    const struct postgres_host *h = postgres_hosts_next(&pg->hosts);

    loop_timer_start(pg->timer, pg->options.connect_ms, 0);
    if (pg->address_next < pg->address_count) {
        connect_start(pg, pg->addresses[pg->address_next++]);
        return;
    }
    pg->address_count = 0;
    pg->address_next = 0;
    if (!postgres_host_needs_lookup(h)) {
        connect_start(pg, NULL);
        return;
    }
    pg->phase = PHASE_RESOLVING;
    pg->resolve = resolve_start(pg->loop, h->host, on_resolved, pg);
}

static void attempt_failed(struct postgres *pg, const char *why)
{
    const struct postgres_host *h = postgres_hosts_next(&pg->hosts);
    int wait = 0;

    note_why(pg, why);
    log_warn("postgres.unreachable", "name=%s host=%s port=%s why=%s",
             pg->options.name, LOG_TEXT(h->host), LOG_TEXT(h->port),
             LOG_TEXT(pg->why));
    let_go(pg);
    if (pg->address_next >= pg->address_count)
        wait = postgres_hosts_failed(&pg->hosts, some_number());
    loop_timer_start(pg->timer, wait, 0);
}

/* Warnings of the server are for the operator: a commit that was not
 * replicated says so here and nowhere else. */
static void on_notice(void *arg, const PGresult *r)
{
    const struct postgres *pg = arg;
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

    if (severity != NULL && strcmp(severity, "WARNING") == 0)
        log_warn("postgres.warning", "name=%s text=%s", pg->options.name,
                 LOG_TEXT(text));
}

/* One address of one host; libpq never looks up a name itself. */
static void connect_start(struct postgres *pg, const char *address)
{
    const struct postgres_host *h = postgres_hosts_next(&pg->hosts);
    const char *words[KEYWORDS_MAX + 4], *values[KEYWORDS_MAX + 4];
    size_t n = 0, i;

    for (i = 0; i < pg->keyword_count; i++) {
        if (strcmp(pg->keywords[i], "host") == 0 ||
            strcmp(pg->keywords[i], "hostaddr") == 0 ||
            strcmp(pg->keywords[i], "port") == 0)
            continue;
        words[n] = pg->keywords[i];
        values[n++] = pg->values[i];
    }
    words[n] = "host", values[n++] = h->host;
    words[n] = "hostaddr", values[n++] = address ? address : h->hostaddr;
    words[n] = "port", values[n++] = h->port;
    words[n] = NULL, values[n] = NULL;
    pg->phase = PHASE_CONNECTING;
    pg->conn = PQconnectStartParams(words, values, 0);
    if (pg->conn == NULL || PQstatus(pg->conn) == CONNECTION_BAD) {
        attempt_failed(pg, pg->conn ? PQerrorMessage(pg->conn) : "no memory");
        return;
    }
    PQsetNoticeReceiver(pg->conn, on_notice, pg);
    pg->poll = loop_poll_open(pg->loop, "postgres.poll", PQsocket(pg->conn),
                              on_poll, pg);
    if (pg->poll == NULL)
        attempt_failed(pg, "its socket cannot be polled");
    else
        loop_poll_want(pg->poll, false, true);
}

/* The session's own settings; the owner's come behind and may differ. */
static const char session_base[] =
    "SET default_transaction_isolation = 'read committed';"
    "SET idle_in_transaction_session_timeout = '5s';"
    "SET statement_timeout = 0;"
    "SET lock_timeout = '2s';";
static const char session_ask[] =
    "SELECT pg_is_in_recovery()"
    " OR current_setting('transaction_read_only')::bool";

static void session_start(struct postgres *pg)
{
    char sql[4096];
    const char *own =
        pg->options.session_sql == NULL ? "" : pg->options.session_sql;
    int count;

    count = snprintf(sql, sizeof(sql), "%s%s%s%s", session_base, own,
                     *own == '\0' ? "" : ";", session_ask);
    CHECK(count > 0 && (size_t)count < sizeof(sql));
    pg->phase = PHASE_SESSION;
    pg->standby = true;
    if (PQsetnonblocking(pg->conn, 1) != 0 || !PQsendQuery(pg->conn, sql)) {
        attempt_failed(pg, PQerrorMessage(pg->conn));
        return;
    }
    loop_poll_want(pg->poll, true, PQflush(pg->conn) == 1);
}

/* libpq may change the socket in every step of connecting. */
static void connect_step(struct postgres *pg)
{
    PostgresPollingStatusType status;

    loop_poll_close(pg->poll);
    pg->poll = NULL;
    status = PQconnectPoll(pg->conn);
    if (status == PGRES_POLLING_FAILED) {
        attempt_failed(pg, PQerrorMessage(pg->conn));
        return;
    }
    pg->poll = loop_poll_open(pg->loop, "postgres.poll", PQsocket(pg->conn),
                              on_poll, pg);
    if (pg->poll == NULL)
        attempt_failed(pg, "its socket cannot be polled");
    else if (status == PGRES_POLLING_OK)
        session_start(pg);
    else
        loop_poll_want(pg->poll, status == PGRES_POLLING_READING,
                       status == PGRES_POLLING_WRITING);
}

static void session_done(struct postgres *pg)
{
    if (pg->standby && pg->options.read_write) {
        attempt_failed(pg, "a standby, or read-only");
        return;
    }
    if (!PQenterPipelineMode(pg->conn)) {
        attempt_failed(pg, PQerrorMessage(pg->conn));
        return;
    }
    loop_timer_stop(pg->timer);
    loop_poll_want(pg->poll, true, false);
    pg->phase = PHASE_READY;
    pg->address_count = 0;
    pg->address_next = 0;
    pg->up_since_ms = loop_now_ms(pg->loop);
    pg->renew_ms = pg->options.age_ms_max -
                   (pg->options.age_ms_max >= 10
                        ? (int64_t)(some_number() %
                                    (uint32_t)(pg->options.age_ms_max / 10))
                        : 0);
    metric_set(pg->connected, 1);
    log_info("postgres.connected", "name=%s pid=%d", pg->options.name,
             PQbackendPID(pg->conn));
    pg->told_up = true;
    pg->state(pg->arg, POSTGRES_UP, "");
}

static void session_step(struct postgres *pg)
{
    PGresult *r;

    if (!PQconsumeInput(pg->conn)) {
        attempt_failed(pg, PQerrorMessage(pg->conn));
        return;
    }
    loop_poll_want(pg->poll, true, PQflush(pg->conn) == 1);
    while (!PQisBusy(pg->conn)) {
        r = PQgetResult(pg->conn);
        if (r == NULL) {
            session_done(pg);
            return;
        }
        if (PQresultStatus(r) == PGRES_FATAL_ERROR) {
            note_why(pg, PQresultErrorMessage(r));
            PQclear(r);
            attempt_failed(pg, pg->why);
            return;
        }
        if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1)
            pg->standby = strcmp(PQgetvalue(r, 0, 0), "f") != 0;
        PQclear(r);
    }
}

static void on_poll(void *arg, bool readable, bool writable, bool error)
{
    struct postgres *pg = arg;

    (void)readable;
    (void)writable;
    (void)error; /* libpq finds out by itself, with better words */
    enter(pg);
    if (pg->phase == PHASE_CONNECTING)
        connect_step(pg);
    else if (pg->phase == PHASE_SESSION)
        session_step(pg);
    else if (pg->phase == PHASE_READY)
        pump(pg);
    leave(pg);
}

static void on_timer(void *arg)
{
    struct postgres *pg = arg;
    char why[80];

    if (pg->phase == PHASE_IDLE) {
        try_host(pg);
    } else if (pg->phase != PHASE_READY) {
        snprintf(why, sizeof(why), "not connected within %d ms",
                 pg->options.connect_ms);
        attempt_failed(pg, why);
    } else {
        int64_t at = postgres_steps_deadline(&pg->steps);

        if (at != 0 && at <= loop_now_ms(pg->loop))
            mark_broken(pg, "no answer within its deadline");
        else
            arm_deadline(pg);
    }
}

/* ---- losing ----------------------------------------------------------- */

static void tell_lost(struct postgres *pg, struct postgres_step *step)
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

        tell_lost(pg, &step);
    }
}

static void tear_down(struct postgres *pg)
{
    bool short_lived = pg->up_since_ms != 0 &&
                       loop_now_ms(pg->loop) - pg->up_since_ms < WORKED_MS;
    bool was_up = pg->told_up;
    int wait = (int)(some_number() % 50);

    /* A connection that is renewed on purpose is no alarm. */
    log_write(pg->renewing ? LOG_INFO : LOG_WARN, "postgres.lost",
              " name=%s why=%s", pg->options.name, LOG_TEXT(pg->why));
    if (was_up && !pg->renewing)
        metric_add(pg->lost, 1);
    pg->renewing = false;
    let_go(pg);
    if (short_lived)
        wait = postgres_hosts_failed(&pg->hosts, some_number());
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

    enter(pg);
    if (pg->broken) {
        tear_down(pg);
        if (pg->steps.count > 0 && !pg->closing)
            loop_hook_arm(pg->hook);
        leave(pg);
        return;
    }
    while (!pg->closing && (head = postgres_steps_head(&pg->steps)) != NULL &&
           head->doomed) {
        struct postgres_step step = postgres_steps_pop(&pg->steps);

        tell_lost(pg, &step);
    }
    leave(pg);
}

void postgres_drop(struct postgres *pg, const char *why)
{
    if (pg->phase == PHASE_READY)
        mark_broken(pg, why);
}

bool postgres_renew_if_old(struct postgres *pg)
{
    if (pg->options.age_ms_max == 0 || pg->phase != PHASE_READY || pg->broken ||
        pg->steps.count > 0)
        return false;
    if (loop_now_ms(pg->loop) - pg->up_since_ms < pg->renew_ms)
        return false;
    pg->renewing = true;
    mark_broken(pg, "renewed");
    return true;
}

/* ---- answers ---------------------------------------------------------- */

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
        mark_broken(pg, *a.message ? a.message : PQerrorMessage(pg->conn));
    else if (pg->options.read_write && strcmp(a.sqlstate, "25006") == 0)
        mark_broken(pg, "became read-only");
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
            mark_broken(pg, or_empty(PQresultErrorMessage(r)));
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
        mark_broken(pg, PQerrorMessage(pg->conn));
    free(step.script);
    give(pg, &step, r);
    PQclear(r);
}

static void script_start(struct postgres *pg, struct postgres_step *head)
{
    pg->script_running = true;
    if (!PQexitPipelineMode(pg->conn) || !PQsendQuery(pg->conn, head->script))
        mark_broken(pg, PQerrorMessage(pg->conn));
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

            tell_lost(pg, &step);
            continue;
        }
        if (head->kind == POSTGRES_STEP_SCRIPT && !pg->script_running) {
            script_start(pg, head);
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

static void flush(struct postgres *pg)
{
    int rc;

    if (pg->broken || pg->closing)
        return;
    rc = PQflush(pg->conn);
    if (rc < 0)
        mark_broken(pg, PQerrorMessage(pg->conn));
    else
        loop_poll_want(pg->poll, true, rc == 1);
}

static void pump(struct postgres *pg)
{
    bool alive = PQconsumeInput(pg->conn) == 1;

    /* What came before the end still counts. */
    dispatch(pg);
    if (pg->closing)
        return;
    if (!alive)
        mark_broken(pg, PQerrorMessage(pg->conn));
    flush(pg);
    if (!pg->broken)
        arm_deadline(pg);
}

/* ---- queueing --------------------------------------------------------- */

static bool usable(const struct postgres *pg)
{
    return pg->phase == PHASE_READY && !pg->broken;
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
            mark_broken(pg, PQerrorMessage(pg->conn));
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
            mark_broken(pg, PQerrorMessage(pg->conn));
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

static void arm_deadline(struct postgres *pg)
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
        mark_broken(pg, PQerrorMessage(pg->conn));
        return;
    }
    postgres_steps_push(&pg->steps, (struct postgres_step){
                                        .kind = POSTGRES_STEP_SYNC,
                                        .deadline_ms = loop_now_ms(pg->loop) +
                                                       deadline_ms});
    flush(pg);
    arm_deadline(pg);
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
    enter(pg);
    /* Nothing of the user's runs here: only the script starts, if it may. */
    if (pg->steps.count == 1) {
        script_start(pg, postgres_steps_head(&pg->steps));
        flush(pg);
        arm_deadline(pg);
    }
    leave(pg);
}

/* ---- looking ---------------------------------------------------------- */

bool postgres_up(const struct postgres *pg)
{
    return pg->phase == PHASE_READY && !pg->broken;
}

int32_t postgres_backend_pid(const struct postgres *pg)
{
    return postgres_up(pg) ? PQbackendPID(pg->conn) : 0;
}

const char *postgres_why(const struct postgres *pg)
{
    return pg->why;
}

struct bytes postgres_cell(const struct postgres_answer *a, int row, int col)
{
    const PGresult *r = a->handle;

    if (r == NULL || row < 0 || row >= a->rows || col < 0 ||
        col >= a->columns || PQgetisnull(r, row, col))
        return BYTES_NONE;
    return bytes_of(PQgetvalue(r, row, col), (size_t)PQgetlength(r, row, col));
}
