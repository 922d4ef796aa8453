/*
 * consumer/base/postgres_connect.c: from a host's name to a session.
 *
 *   IDLE --pause--> RESOLVING --> CONNECTING --> SESSION --> READY
 *     ^                 |              |            |
 *     +-- next address, next host, growing pause <--+
 *
 * Names are looked up by us, because libpq would block; each address of each
 * host has its turn within one deadline. The session says whether the server
 * may be written to, and a standby is passed over when it may not.
 *
 * From: consumer/base/postgres.c, whose timer begins and bounds it.
 * To:   libpq; consumer/base/resolve.h, postgres_hosts.h.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/postgres_inside.h"
#include "schemas/base/fail.h"

static void connect_start(struct postgres *pg, const char *address);
static void attempt_failed(struct postgres *pg, const char *why);
static void on_poll(void *arg, bool readable, bool writable, bool error);

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
        snprintf(pg->addresses[i], POSTGRES_ADDRESS_MAX, "%s", addresses[i]);
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
    pg->phase = POSTGRES_PHASE_RESOLVING;
    pg->resolve = resolve_start(pg->loop, h->host, on_resolved, pg);
}

static void attempt_failed(struct postgres *pg, const char *why)
{
    const struct postgres_host *h = postgres_hosts_next(&pg->hosts);
    int wait = 0;

    postgres_note_why(pg, why);
    log_warn("postgres.unreachable", "name=%s host=%s port=%s why=%s",
             pg->options.name, LOG_TEXT(h->host), LOG_TEXT(h->port),
             LOG_TEXT(pg->why));
    postgres_let_go(pg);
    if (pg->address_next >= pg->address_count)
        wait = postgres_hosts_failed(&pg->hosts, postgres_jitter());
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
    const char *words[POSTGRES_KEYWORDS_MAX + 4],
        *values[POSTGRES_KEYWORDS_MAX + 4];
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
    pg->phase = POSTGRES_PHASE_CONNECTING;
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
    pg->phase = POSTGRES_PHASE_SESSION;
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
    pg->phase = POSTGRES_PHASE_READY;
    pg->address_count = 0;
    pg->address_next = 0;
    pg->up_since_ms = loop_now_ms(pg->loop);
    pg->renew_ms = pg->options.age_ms_max -
                   (pg->options.age_ms_max >= 10
                        ? (int64_t)(postgres_jitter() %
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
            postgres_note_why(pg, PQresultErrorMessage(r));
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
    postgres_enter(pg);
    if (pg->phase == POSTGRES_PHASE_CONNECTING)
        connect_step(pg);
    else if (pg->phase == POSTGRES_PHASE_SESSION)
        session_step(pg);
    else if (pg->phase == POSTGRES_PHASE_READY)
        postgres_pump(pg);
    postgres_leave(pg);
}

void postgres_on_timer(void *arg)
{
    struct postgres *pg = arg;
    char why[80];

    if (pg->phase == POSTGRES_PHASE_IDLE) {
        try_host(pg);
    } else if (pg->phase != POSTGRES_PHASE_READY) {
        snprintf(why, sizeof(why), "not connected within %d ms",
                 pg->options.connect_ms);
        attempt_failed(pg, why);
    } else {
        int64_t at = postgres_steps_deadline(&pg->steps);

        if (at != 0 && at <= loop_now_ms(pg->loop))
            postgres_mark_broken(pg, "no answer within its deadline");
        else
            postgres_arm_deadline(pg);
    }
}
