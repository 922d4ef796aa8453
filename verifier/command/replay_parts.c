/*
 * verifier/command/replay_parts.c: asynchronous parts, waited for one at a
 * time.
 *
 * A verifier lets many things be under way; a command does one thing after the
 * other and can be stopped between any two.
 *
 * From: verifier/command/replay.c, replay_chunk.c, replay_pass.c.
 * To:   consumer/reader.c, verifier/ledger.c, consumer/outlet.c.
 */
#include "verifier/command/replay_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/base/loop.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"
#include "schemas/result.h"
#include "verifier/command/schema.h"

#define FETCH_MS 30000
#define UP_MS 30000
#define ANSWER_MS 30000
#define TRIES 10
#define TRY_AGAIN_MS 500
#define OUTLET_RECORDS 4096
#define MESSAGE_TIMEOUT_MS 30000
#define CLOSE_MS 5000

static struct loop *loop_of(struct replay_parts *p)
{
    return database_loop(p->c->db);
}

static int run_until(struct replay_parts *p, const bool *done, int64_t ms)
{
    return command_run_until(loop_of(p), done, ms);
}

int replay_parts_pause(struct replay_parts *p, int64_t ms)
{
    bool never = false;

    return run_until(p, &never, ms) == FAIL_GONE ? FAIL_GONE : 0;
}

/* ---- opening ---- */

static void on_up(void *arg)
{
    ((struct replay_parts *)arg)->ledger_up = true;
}

static void on_down(void *arg, const char *why)
{
    struct replay_parts *p = arg;

    (void)why;
    p->ledger_up = p->located = false;
}

struct log_row {
    int log, rules;
    char chain[CHAIN_NAME_MAX + 1];
};

static void take_log(void *arg, const struct postgres_answer *a)
{
    struct log_row *row = arg;

    if (a->rows == 0)
        return;
    row->log = postgres_cell_i32(a, 0, 0, 0);
    snprintf(row->chain, sizeof(row->chain), "%s", postgres_cell_text(a, 0, 1));
    row->rules = postgres_cell_i32(a, 0, 2, 0);
}

static int read_log(struct replay_parts *p, const char *topic,
                    struct log_row *out)
{
    struct postgres_param param = postgres_text(topic);

    memset(out, 0, sizeof(*out));
    return cluster_ask(p->c,
                       "SELECT log, chain, rules::int4 FROM tidemill.logs "
                       "WHERE topic = $1 ORDER BY log DESC LIMIT 1",
                       &param, 1, take_log, out, "logs");
}

/* What records without a header are judged by. */
static int find_defaults(struct replay_parts *p, const char *topic_results)
{
    struct log_row row;
    int rc = read_log(p, p->c->topic, &row);

    if (rc == 0 && chain_parse(bytes_text(row.chain), &p->chain) < 0)
        rc = command_fail(COMMAND_CONFIG, "the log's default chain is none");
    p->rules = row.rules;
    if (rc != 0 || topic_results == NULL)
        return rc;
    rc = read_log(p, topic_results, &row);
    if (rc == 0 && row.log == 0)
        rc = command_fail(COMMAND_CONFIG,
                          "%s has no log yet: run `tidemill init`",
                          topic_results);
    p->results_log = row.log;
    snprintf(p->header, sizeof(p->header), "1;%d", row.log);
    return rc;
}

static int open_reader(struct replay_parts *p)
{
    struct reader_options o = {
        .loop = loop_of(p),
        .config = &p->c->config,
        .name = "command.replay",
        .topic = p->c->topic,
        .header = NAMES_HEADER_RECORD,
        .deadline_ms = FETCH_MS,
    };

    return reader_open(&o, &p->reader);
}

/* A verifier's name: others may end it when it is stopped inside a batch. */
static int open_ledger(struct replay_parts *p, const char *database_url)
{
    static const struct ledger_events events = {on_up, on_down};
    struct ledger_options o = {
        .url = database_url,
        .application_name = p->name,
        .log = p->c->log,
    };

    snprintf(p->name, sizeof(p->name), NAMES_APPLICATION_VERIFIER "/replay/%d",
             (int)getpid());
    return ledger_open(loop_of(p), &o, &events, p, &p->ledger);
}

static int open_outlet(struct replay_parts *p, const char *topic_results)
{
    const char *const topics[] = {topic_results};
    struct outlet_options o = {
        .loop = loop_of(p),
        .config = &p->c->config,
        .name = "command.replay",
        .topics = topics,
        .topic_count = 1,
        .header = NAMES_HEADER_RECORD,
        .linger_ms = kafka_linger_ms(1),
        .message_timeout_ms = MESSAGE_TIMEOUT_MS,
        .records_max = OUTLET_RECORDS,
        .record_bytes_max = 8192,
    };

    return outlet_open(&o, &p->outlet);
}

int replay_parts_open(struct replay_parts *p, struct cluster *c,
                      const char *database_url, const char *topic_results)
{
    int rc;

    memset(p, 0, sizeof(*p));
    p->c = c;
    buffer_init(&p->json, RESULT_BYTES_MAX);
    rc = schema_require(c->db);
    if (rc == 0)
        rc = find_defaults(p, topic_results);
    if (rc != 0)
        return rc;
    rc = judge_open(&p->judge);
    if (rc == 0)
        rc = open_reader(p);
    if (rc == 0)
        rc = open_ledger(p, database_url);
    if (rc == 0 && topic_results != NULL)
        rc = open_outlet(p, topic_results);
    return rc == 0 ? 0
                   : command_fail(command_exit_code(rc), "replay: %s",
                                  fail_words(rc));
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

void replay_parts_close(struct replay_parts *p)
{
    bool reader = false, outlet = false;

    if (p->c == NULL)
        return;
    ledger_close(p->ledger);
    reader_close(p->reader, on_closed, &reader);
    outlet_close(p->outlet, CLOSE_MS, on_closed, &outlet);
    if (p->reader != NULL)
        (void)loop_run_until(loop_of(p), &reader, 15000);
    if (p->outlet != NULL)
        (void)loop_run_until(loop_of(p), &outlet, 2 * CLOSE_MS);
    judge_close(p->judge);
    buffer_fini(&p->json);
}

/* ---- reading ---- */

struct fetch {
    reader_record_fn record;
    void *arg;
    bool done;
    int rc;
    int64_t next;
};

static void on_record(void *arg, const struct record *r)
{
    struct fetch *f = arg;

    f->record(f->arg, r);
}

static void on_read(void *arg, int rc, int64_t next_offset)
{
    struct fetch *f = arg;

    f->rc = rc;
    f->next = next_offset;
    f->done = true;
}

int replay_parts_read(struct replay_parts *p, int32_t partition, int64_t from,
                      int64_t to, reader_record_fn record, void *arg,
                      int64_t *out_start)
{
    struct fetch f = {.record = record, .arg = arg};
    int rc =
        reader_fetch(p->reader, partition, from, to, on_record, on_read, &f);

    if (rc == 0) {
        rc = run_until(p, &f.done, 0);
        if (rc < 0)
            reader_cancel(p->reader, &f);
    }
    if (rc < 0)
        return rc;
    if (f.rc == FAIL_GONE)
        *out_start = f.next;
    return f.rc;
}

/* ---- the ledger ---- */

struct answer {
    bool done;
    int rc;
    struct ledger_row *rows;
    size_t count;
    struct ledger_result result;
    char why[256];
};

static void on_positions(void *arg, int rc, const struct ledger_position *at,
                         size_t count)
{
    struct answer *a = arg;

    (void)at;
    (void)count;
    a->done = true;
    a->rc = rc;
}

/* What the ledger knows belongs to one connection: connected, and read. */
static int locate(struct replay_parts *p)
{
    struct answer a = {.done = false};
    int32_t partition = 0;
    int rc;

    if (!p->ledger_up) {
        rc = run_until(p, &p->ledger_up, UP_MS);
        if (rc < 0)
            return rc == FAIL_TIMEOUT ? FAIL_UNREACHABLE : rc;
    }
    if (p->located)
        return 0;
    ledger_positions(p->ledger, &partition, 1, on_positions, &a);
    rc = run_until(p, &a.done, 0);
    if (rc == 0)
        rc = a.rc;
    p->located = rc == 0;
    return rc;
}

static void on_rows(void *arg, int rc, const struct ledger_row *rows,
                    size_t count)
{
    struct answer *a = arg;

    a->done = true;
    a->rc = rc;
    if (rc == 0)
        memcpy(a->rows, rows, count * sizeof(*rows));
}

/* Calls have an answer each, so nothing of ours is left behind when we wait
 * without a deadline: the ledger has its own. A signal ends the process. */
int replay_parts_rows(struct replay_parts *p,
                      const struct ledger_row_query *queries, size_t count,
                      struct ledger_row *out_rows)
{
    struct answer a;
    int rc = FAIL_UNREACHABLE, i;

    for (i = 0; i < TRIES; i++) {
        rc = locate(p);
        if (rc == 0) {
            a = (struct answer){.rows = out_rows};
            ledger_rows(p->ledger, queries, count, on_rows, &a);
            rc = run_until(p, &a.done, 0);
            if (rc < 0)
                return rc;
            rc = a.rc;
        }
        if (rc == 0)
            return 0;
        p->located = false;
        if (replay_parts_pause(p, TRY_AGAIN_MS) < 0)
            return FAIL_GONE;
    }
    return rc;
}

static void on_written(void *arg, const struct ledger_result *r)
{
    struct answer *a = arg;

    a->done = true;
    a->result = *r;
    snprintf(a->why, sizeof(a->why), "%s", r->why);
}

int replay_parts_write(struct replay_parts *p, struct ledger_batch *b,
                       enum ledger_outcome *out, char out_sqlstate[6],
                       char *out_why, size_t why_max)
{
    struct answer a = {.done = false};
    int rc = locate(p);

    if (rc < 0)
        return rc;
    ledger_write(p->ledger, b, on_written, &a);
    rc = run_until(p, &a.done, 0);
    if (rc < 0)
        return rc;
    if (a.result.outcome != LEDGER_WRITTEN)
        p->located = false;
    *out = a.result.outcome;
    memcpy(out_sqlstate, a.result.sqlstate, 6);
    snprintf(out_why, why_max, "%s", a.why);
    return 0;
}

/* ---- announcing ---- */

/* One round over what is not acknowledged yet. */
struct round {
    size_t pending;
    bool none_pending;
    bool *acked;
};

struct one {
    struct round *round;
    size_t i;
};

static void on_reported(void *arg, const struct outlet_report *r)
{
    struct one *one = arg;

    if (r->outcome == OUTLET_PERSISTED)
        one->round->acked[one->i] = true;
    one->round->none_pending = --one->round->pending == 0;
}

static int send_round(struct replay_parts *p, const struct announcement *all,
                      size_t count, struct round *round, struct one *ones)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < count && rc == 0; i++) {
        if (round->acked[i])
            continue;
        ones[i] = (struct one){round, i};
        announcement_encode(&all[i], &p->json);
        rc = outlet_send(p->outlet, 0, all[i].id.partition,
                         announcement_key(&all[i]), buffer_bytes(&p->json),
                         bytes_text(p->header), on_reported, &ones[i]);
        round->pending += rc == 0;
    }
    round->none_pending = round->pending == 0;
    /* Reports come within the message's own deadline, signal or not. */
    while (!round->none_pending)
        (void)loop_run_until(loop_of(p), &round->none_pending, ANSWER_MS);
    return rc;
}

static bool all_acked(const bool *acked, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (!acked[i])
            return false;
    return true;
}

int replay_parts_announce(struct replay_parts *p,
                          const struct announcement *all, size_t count)
{
    struct one *ones = calloc(count + 1, sizeof(*ones));
    struct round round = {.acked = calloc(count + 1, sizeof(bool))};
    int rc = 0, i;

    CHECK(ones != NULL && round.acked != NULL);
    for (i = 0; i < TRIES && !all_acked(round.acked, count); i++) {
        if (i > 0 && replay_parts_pause(p, TRY_AGAIN_MS) < 0) {
            rc = FAIL_GONE;
            break;
        }
        rc = send_round(p, all, count, &round, ones);
        if (rc < 0 && rc != FAIL_FULL && rc != FAIL_UNREACHABLE)
            break;
    }
    if (all_acked(round.acked, count))
        rc = 0;
    else if (rc == 0)
        rc = FAIL_UNKNOWN;
    free(ones);
    free(round.acked);
    return rc;
}
