/*
 * tests/unit/verifier/writers.h: several writers on one loop and one database,
 * for the tests of ledger and sealer.
 *
 * A script names records by one letter: upper case is a transaction that
 * verifies (the letter is its hash), 'r' is rejected, 'q' goes to quarantine,
 * '.' is an offset without a record.
 *
 *   store(&w1, 0, 5, "ABr")      partition 0, offsets 5 6 7
 */
#ifndef TESTS_UNIT_VERIFIER_WRITERS_H
#define TESTS_UNIT_VERIFIER_WRITERS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/loop.h"
#include "consumer/base/postgres.h"
#include "schemas/base/fail.h"
#include "schemas/leaf.h"
#include "schemas/migration.h"
#include "tests/support/harness.h"
#include "tests/support/postgres.h"
#include "verifier/judge.h"
#include "verifier/ledger.h"

#define WAIT_MS 20000
#define RECORDS 64
#define PARTITIONS 4

/* One writer and what it was told last. */
struct writer {
    struct ledger *l;
    int ups, downs;
    bool done;
    struct ledger_result result;
    char why[200];
    int rc;
    struct ledger_position positions[PARTITIONS];
    struct ledger_row rows[RECORDS];
    struct ledger_log log;
    struct ledger_record records[RECORDS];
    struct verdict verdicts[RECORDS];
    struct ledger_range ranges[PARTITIONS];
    struct ledger_announced announced[PARTITIONS];
    struct ledger_batch batch;
};

static struct loop *loop;
static struct writer w1, w2, w3;
static struct chain chain;
static char url[200];

static inline void on_up(void *arg)
{
    struct writer *w = arg;

    w->ups++;
    w->done = true;
}

static inline void on_down(void *arg, const char *why)
{
    struct writer *w = arg;

    (void)why;
    w->downs++;
}

static inline void open_writer_as(struct writer *w, const char *name,
                                  int lock_ms)
{
    static const struct ledger_events events = {on_up, on_down};
    struct ledger_options o = {.url = url,
                               .application_name = name,
                               .log = 1,
                               .lock_ms = lock_ms,
                               .flight_ms = 8000};

    memset(w, 0, sizeof(*w));
    EXPECT_INT(ledger_open(loop, &o, &events, w, &w->l), 0);
    EXPECT(loop_run_until(loop, &w->done, WAIT_MS));
    EXPECT_INT(w->ups, 1);
}

static inline void open_writer(struct writer *w)
{
    open_writer_as(w, "tidemill-verifier/here/1", 300);
}

/* A database with the tables and four planted partitions. */
static inline bool start(void)
{
    const char *fresh = test_postgres_database();
    size_t i;

    if (fresh == NULL)
        return false;
    snprintf(url, sizeof(url), "%s", fresh);
    for (i = 0; i < migrations_count; i++)
        EXPECT(strncmp(test_postgres_sql(migrations[i].sql), "error", 5) != 0);
    return true;
}

static inline void prepare(void)
{
    EXPECT_TEXT(test_postgres_sql(
                    "INSERT INTO tidemill.schema_version VALUES (2,1,'x',0);"
                    "INSERT INTO tidemill.logs (log, topic, cluster_id,"
                    " partitions, chain, rules)"
                    " VALUES (1, 'tx.submitted', 'c', 4, 'eip155:1', 2);"
                    "SELECT tidemill.plant(1, '{0,1,2,3}', '{0,0,0,100}')"),
                "4");
}

static inline bool started(void)
{
    if (!start())
        return false;
    prepare();
    EXPECT_INT(chain_parse(BYTES_LITERAL("eip155:1"), &chain), 0);
    EXPECT_INT(loop_open(&loop), 0);
    open_writer(&w1);
    return true;
}

static inline void stop(void)
{
    ledger_close(w1.l);
    ledger_close(w2.l);
    ledger_close(w3.l);
    w1.l = w2.l = w3.l = NULL;
    loop_close(loop);
}

/* ---- calls, one at a time ---- */

static inline void on_positions(void *arg, int rc,
                                const struct ledger_position *positions,
                                size_t count)
{
    struct writer *w = arg;

    w->rc = rc;
    if (rc == 0)
        memcpy(w->positions, positions, count * sizeof(*positions));
    w->done = true;
}

static inline void read_positions(struct writer *w)
{
    static const int32_t all[PARTITIONS] = {0, 1, 2, 3};

    w->done = false;
    ledger_positions(w->l, all, PARTITIONS, on_positions, w);
    EXPECT(!w->done);
    EXPECT(loop_run_until(loop, &w->done, WAIT_MS));
    EXPECT_INT(w->rc, 0);
}

static inline void on_written(void *arg, const struct ledger_result *r)
{
    struct writer *w = arg;

    w->result = *r;
    snprintf(w->why, sizeof(w->why), "%s", r->why);
    w->result.why = w->why;
    w->done = true;
}

static inline void add_record(struct writer *w, int32_t partition,
                              int64_t offset, char what)
{
    size_t i = w->batch.count++;
    struct ledger_record *r = &w->records[i];
    struct verdict *v = &w->verdicts[i];

    CHECK(i < RECORDS);
    memset(v, 0, sizeof(*v));
    *r = (struct ledger_record){.partition = partition,
                                .offset = offset,
                                .append_ms = 1763720000000 + offset,
                                .key = BYTES_LITERAL("key"),
                                .value = BYTES_LITERAL("payload"),
                                .chain = &chain,
                                .verdict = v};
    v->verified = what != 'r';
    v->reason = what == 'r' ? REASON_HIGH_S : REASON_NONE;
    v->tx.has_id = true;
    v->tx.id_covers_all = true;
    memset(v->tx.id, what, sizeof(v->tx.id));
    v->tx.sender_count = 20;
    v->tx.signature_count = 65;
    v->tx.has_nonce = true;
    v->tx.nonce = 7;
    v->tx.amount[31] = 9;
    v->tx.canonical = r->value;
    if (what == 'q') {
        r->quarantine_sqlstate = "22P05";
        r->quarantine_detail = "it \x01 would not";
    }
}

/* Starts a batch, or adds a partition to the one that was started. */
static inline void add(struct writer *w, int32_t partition, int64_t from,
                       const char *what)
{
    struct ledger_range *g = &w->ranges[w->batch.range_count++];
    int64_t offset = from;

    for (; *what != '\0'; what++)
        if (*what != '.') /* an offset without a record */
            add_record(w, partition, offset++, *what);
        else
            offset++;
    g->partition = partition;
    g->from = from;
    g->to = offset;
    memset(g->last_sha256, (int)offset, sizeof(g->last_sha256));
}

static inline void begin_batch(struct writer *w)
{
    w->batch = (struct ledger_batch){
        .records = w->records, .ranges = w->ranges, .announced = w->announced};
}

static inline void send_batch(struct writer *w)
{
    w->done = false;
    ledger_write(w->l, &w->batch, on_written, w);
    EXPECT(!w->done);
}

static inline enum ledger_outcome written(struct writer *w)
{
    EXPECT(loop_run_until(loop, &w->done, WAIT_MS));
    return w->result.outcome;
}

static inline enum ledger_outcome store(struct writer *w, int32_t partition,
                                        int64_t from, const char *what)
{
    begin_batch(w);
    add(w, partition, from, what);
    send_batch(w);
    return written(w);
}

static inline const char *sql(const char *text)
{
    return test_postgres_sql(text);
}

#define COUNT_ALL                                                              \
    "SELECT (SELECT count(*) FROM tidemill.transactions),"                     \
    " (SELECT count(*) FROM tidemill.rejections),"                             \
    " (SELECT count(*) FROM tidemill.duplicates),"                             \
    " (SELECT count(*) FROM tidemill.quarantine),"                             \
    " (SELECT count(*) FROM tidemill.batches)"

static inline void flip(int n)
{
    char text[300], want[20];

    snprintf(text, sizeof(text),
             "BEGIN; SELECT pg_advisory_xact_lock(" LEAF_LOCK_KEY
             ");"
             " SELECT tidemill.leaf_flip(%d); COMMIT;"
             " SELECT tidemill.leaf_prepare()",
             n);
    snprintf(want, sizeof(want), "\nt\n%d", n + 2);
    EXPECT_TEXT(sql(text), want);
}

/* ---- somebody who has begun and does not go on ---- */

static struct postgres *holder;
static bool holder_holds;
static const char *holder_sql;

static inline void on_held(void *arg, const struct postgres_answer *a)
{
    (void)arg;
    holder_holds = a->outcome == POSTGRES_OK;
}

static inline void on_holder(void *arg, enum postgres_state state,
                             const char *why)
{
    (void)arg;
    (void)why;
    if (state != POSTGRES_UP || holder_sql == NULL)
        return;
    postgres_once(holder, "BEGIN", NULL, 0, on_held, NULL);
    postgres_once(holder, holder_sql, NULL, 0, on_held, NULL);
    postgres_sync(holder, WAIT_MS);
    holder_sql = NULL;
}

static inline void hold(const char *application_name, const char *text)
{
    struct postgres_options o = {.url = url,
                                 .application_name = application_name,
                                 .session_sql =
                                     "SET idle_in_transaction_session_timeout"
                                     " = 0",
                                 .name = "holder"};

    holder_sql = text;
    holder_holds = false;
    EXPECT_INT(postgres_open(loop, &o, on_holder, NULL, &holder), 0);
    EXPECT(loop_run_until(loop, &holder_holds, WAIT_MS));
}

static inline void let_go(void)
{
    postgres_close(holder);
    holder = NULL;
}

#endif
