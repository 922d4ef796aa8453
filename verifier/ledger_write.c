/*
 * verifier/ledger_write.c: one batch, one transaction, two flights.
 *
 *   ASK      sealed leaves: who has these hashes?      (if there are any)
 *   WRITE    BEGIN, lock, look, INSERT transactions -> how many were new
 *            (a replay moves itself before the INSERT)
 *   RESOLVE  not all: whose are these rows?            (if there are any)
 *   CLOSE    ledger, duplicates, rejections, quarantine, announced, COMMIT
 *
 * The position lives beside the rows, so a crash leaves both or neither. Rows
 * other than transactions are inserted without ON CONFLICT: each statement
 * stores exactly what it was sent or fails, which is how the sum that was
 * checked before COMMIT was sent is the sum that was stored.
 *
 * From: verifier/ledger.c, when the call's turn has come.
 * To:   verifier/decide.c, which says what to send next and what it meant.
 */
#include <stdio.h>
#include <string.h>

#include "consumer/base/log.h"
#include "schemas/base/fail.h"
#include "schemas/leaf.h"
#include "verifier/judge.h"
#include "verifier/ledger_inside.h"

static void advance(struct ledger *l);

/* ---- the end ---------------------------------------------------------- */

static void remember_chains(struct ledger *l)
{
    size_t i;

    for (i = 0; i < l->new_chains; i++) {
        /* Full: start again. It costs a statement, nothing else. */
        if (l->chain_count == LEDGER_CHAINS_MAX)
            l->chain_count = 0;
        l->chains[l->chain_count++] = (int64_t)bytes_get_be64(
            l->chain_numbers.bytes.data + 20 + 12 * i + 4);
    }
}

static void finish(struct ledger *l, enum ledger_outcome outcome,
                   const char *sqlstate, const char *why)
{
    struct ledger_call *c = l->call;
    ledger_write_fn done = c->done.write;
    struct ledger_result r = {.outcome = outcome, .why = why};
    void *arg = c->arg;

    snprintf(r.sqlstate, sizeof(r.sqlstate), "%s", sqlstate);
    if (outcome == LEDGER_WRITTEN) {
        ledger_plan_report(&l->plan, c->batch->records);
        remember_chains(l);
        r.why = "";
    } else {
        ledger_note_why(l, why);
    }
    /* What we know is not, or no longer, what is. */
    if (outcome == LEDGER_STALE || outcome == LEDGER_FENCED)
        l->known = false;
    ledger_call_over(l);
    done(arg, &r);
}

static void over(struct ledger *l)
{
    if (l->decide.doubtful)
        postgres_drop(l->pg, "a transaction could not be ended");
    finish(l, l->decide.outcome, l->decide.sqlstate, l->decide.why);
}

static void doubt(struct ledger *l, const char *why)
{
    log_error("ledger.doubt", "why=%s", LOG_TEXT(why));
    metric_add(l->doubts, 1);
    decide_doubt(&l->decide, why);
}

/* ---- sending ---------------------------------------------------------- */

/* One statement with its arrays, in the flight that is being built. */
static void send(struct ledger *l, const char *sql,
                 const struct ledger_columns *c, postgres_fn done)
{
    postgres_queue(l->pg, sql, c == NULL ? NULL : c->params,
                   c == NULL ? 0 : c->param_count, done, l);
}

/* The flight is complete: `count` statements. A wait for a lock shows as
 * silence, so the timer runs with every flight. */
static void sent(struct ledger *l, enum decide_flight flight, size_t count)
{
    decide_sent(&l->decide, flight, count);
    loop_timer_start(l->lock_timer, l->options.lock_ms,
                     l->options.lock_ms / 4 + 1);
    postgres_sync(l->pg, ledger_flight_ms(l));
}

static void answered(struct ledger *l, enum decide_step step,
                     const struct postgres_answer *a)
{
    decide_answer(&l->decide, step, a);
    advance(l);
}

#define ON_ANSWER(name, step)                                                  \
    static void name(void *arg, const struct postgres_answer *a)               \
    {                                                                          \
        answered(arg, step, a);                                                \
    }

ON_ANSWER(on_begin, DECIDE_BEGIN)
ON_ANSWER(on_lock, DECIDE_LOCK)
ON_ANSWER(on_chains, DECIDE_CHAINS)
ON_ANSWER(on_duplicates, DECIDE_DUPLICATES)
ON_ANSWER(on_rejections, DECIDE_REJECTIONS)
ON_ANSWER(on_quarantine, DECIDE_QUARANTINE)
ON_ANSWER(on_announced, DECIDE_ANNOUNCED)
ON_ANSWER(on_ledger, DECIDE_LEDGER)
ON_ANSWER(on_commit, DECIDE_COMMIT)
ON_ANSWER(on_rollback, DECIDE_ROLLBACK)

/* The text of a statement that names the live leaf. */
static const char *text(struct ledger *l, int (*sql)(int, struct buffer *))
{
    buffer_clear(&l->sql);
    CHECK(sql(l->leaves.live, &l->sql) == 0);
    return buffer_text(&l->sql);
}

/* ---- ASK -------------------------------------------------------------- */

/* hash, chain, log, partition, off */
static void take_found(struct ledger *l, const struct postgres_answer *a)
{
    int row;

    for (row = 0; row < a->rows; row++) {
        struct bytes hash = postgres_cell(a, row, 0);
        struct record_id of = {postgres_cell_i32(a, row, 2, -1),
                               postgres_cell_i32(a, row, 3, -1),
                               postgres_cell_i64(a, row, 4, -1)};

        if (hash.count == 32)
            ledger_plan_found(&l->plan, hash.data,
                              postgres_cell_i64(a, row, 1, -1), of);
    }
}

static void on_find(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;

    take_found(l, a);
    answered(l, DECIDE_FIND, a);
}

/* Sealed leaves inside the dedupe window, counted from the oldest record. */
static size_t leaves_to_ask(const struct ledger *l)
{
    const struct ledger_batch *b = l->call->batch;
    int64_t oldest = INT64_MAX;
    size_t i;

    if (l->options.dedupe_ms == 0)
        return l->leaves.count;
    for (i = 0; i < b->count; i++)
        if (b->records[i].append_ms < oldest)
            oldest = b->records[i].append_ms;
    return ledger_leaves_within(&l->leaves, oldest - l->options.dedupe_ms);
}

static void send_ask(struct ledger *l, size_t leaves)
{
    const struct ledger_columns *c = &l->columns[COLUMNS_FIND];
    int group[LEDGER_LEAVES_ASKED];
    size_t at = 0, count = 0, n;

    while (at < leaves) {
        n = ledger_leaves_group(&l->leaves, at, leaves, group);
        buffer_clear(&l->sql);
        CHECK(leaf_sql_find_in(group, n, &l->sql) == 0);
        send(l, buffer_text(&l->sql), c, on_find);
        at += n;
        count++;
    }
    sent(l, DECIDE_ASK, count);
}

/* ---- WRITE ------------------------------------------------------------ */

/* The id guards against a leaf that got its number in another history. */
static void on_look(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;
    struct bytes id = postgres_cell(a, 0, 1);

    if (a->outcome == POSTGRES_OK) {
        if (postgres_cell_i32(a, 0, 0, 0) != l->leaves.live ||
            id.count != sizeof(l->live_id))
            decide_stale(&l->decide, "another leaf is live");
        else if (!l->live_id_known)
            memcpy(l->live_id, id.data, id.count);
        else if (memcmp(l->live_id, id.data, id.count) != 0)
            decide_stale(&l->decide, "the live leaf is another");
        l->live_id_known = id.count == sizeof(l->live_id);
    }
    answered(l, DECIDE_LOOK, a);
}

static void on_insert(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;

    /* Else the next statement tells ours from others'. */
    l->inserted = postgres_tag_count(a);
    if (a->outcome == POSTGRES_OK &&
        l->inserted == (int64_t)ledger_plan_offered(&l->plan))
        ledger_plan_inserted(&l->plan);
    answered(l, DECIDE_INSERT, a);
}

/* Before the rows, so that a second process of this replay waits here and then
 * finds it moved. */
static void on_replay(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;

    if (a->outcome == POSTGRES_OK && postgres_tag_count(a) != 1)
        decide_fenced(&l->decide,
                      "the replay stands elsewhere, or begins in "
                      "a leaf that was dropped");
    answered(l, DECIDE_REPLAY, a);
}

static size_t send_replay(struct ledger *l)
{
    const struct ledger_replay *r = l->call->batch->replay;
    uint8_t at[5][8];
    struct postgres_param params[5];

    if (r == NULL)
        return 0;
    params[0] = postgres_i64(r->id, at[0]);
    params[1] = postgres_i64(r->next, at[1]);
    params[2] = postgres_i64(r->announced, at[2]);
    params[3] = postgres_i64(r->to, at[3]);
    params[4] = postgres_i64(r->first, at[4]);
    postgres_queue(l->pg, leaf_sql_replay, params, 5, on_replay, l);
    return 1;
}

static void send_write(struct ledger *l)
{
    struct ledger_columns *c = &l->columns[COLUMNS_INSERT];
    size_t count = 3;

    send(l, LEAF_SQL_BEGIN, NULL, on_begin);
    send(l, LEAF_SQL_LOCK_SHARED, NULL, on_lock);
    send(l, LEAF_SQL_LOOK, NULL, on_look);
    count += send_replay(l);
    if (ledger_columns_fill(c, COLUMNS_INSERT, &l->plan) > 0) {
        CHECK(!c->full);
        send(l, text(l, leaf_sql_insert_transactions), c, on_insert);
        count++;
    }
    sent(l, DECIDE_WRITE, count);
}

/* ---- RESOLVE ---------------------------------------------------------- */

static void on_whose(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;

    take_found(l, a);
    if (a->outcome == POSTGRES_OK && ledger_plan_offered(&l->plan) == 0) {
        ledger_plan_settle(&l->plan);
        if ((int64_t)l->plan.present < l->inserted)
            doubt(l, "rows that were inserted are not there");
    }
    answered(l, DECIDE_WHOSE, a);
}

static void send_resolve(struct ledger *l)
{
    struct ledger_columns *c = &l->columns[COLUMNS_FIND];

    ledger_columns_fill(c, COLUMNS_FIND, &l->plan);
    send(l, text(l, leaf_sql_find), c, on_whose);
    sent(l, DECIDE_RESOLVE, 1);
}

/* ---- CLOSE ------------------------------------------------------------ */

static bool chain_known(const struct ledger *l, int64_t number)
{
    size_t i;

    for (i = 0; i < l->chain_count; i++)
        if (l->chains[i] == number)
            return true;
    for (i = 0; i < l->new_chains; i++)
        if ((int64_t)bytes_get_be64(l->chain_numbers.bytes.data + 20 + 12 * i +
                                    4) == number)
            return true;
    return false;
}

/* Names are for reading only: what does not fit this batch comes another day.
 * Records of one chain come together, so the last one is compared first. */
static void find_new_chains(struct ledger *l)
{
    const struct ledger_batch *b = l->call->batch;
    const struct chain *last = NULL;
    size_t i;

    l->new_chains = 0;
    postgres_array_clear(&l->chain_numbers);
    postgres_array_clear(&l->chain_names);
    for (i = 0; i < b->count && l->new_chains < LEDGER_CHAINS_MAX; i++) {
        const struct chain *c = b->records[i].chain;

        if (c == NULL || (last != NULL && last->number == c->number))
            continue;
        last = c;
        if (chain_known(l, c->number))
            continue;
        postgres_array_i64(&l->chain_numbers, c->number);
        postgres_array_bytes(&l->chain_names, bytes_text(c->name));
        l->new_chains++;
    }
}

static size_t send_chains(struct ledger *l)
{
    struct postgres_param p[2];

    find_new_chains(l);
    if (l->new_chains == 0)
        return 0;
    p[0] = postgres_array_param(&l->chain_numbers);
    p[1] = postgres_array_param(&l->chain_names);
    postgres_queue(l->pg, leaf_sql_chains, p, 2, on_chains, l);
    return 1;
}

/* A statement over the records of one fate; none: nothing is sent. */
static size_t send_rows(struct ledger *l, enum ledger_columns_kind kind,
                        int (*sql)(int, struct buffer *), postgres_fn done)
{
    struct ledger_columns *c = &l->columns[kind];

    if (ledger_columns_fill(c, kind, &l->plan) == 0)
        return 0;
    CHECK(!c->full);
    send(l, text(l, sql), c, done);
    return 1;
}

static void send_close(struct ledger *l)
{
    struct ledger_columns *c = &l->columns[COLUMNS_ANNOUNCED];
    size_t count = send_chains(l);

    /* Before the rows: who is fenced must hear that from the ledger, and not
     * from a rejection that the other owner has stored already. */
    if (l->call->batch->replay == NULL)
        count +=
            send_rows(l, COLUMNS_BATCHES, leaf_sql_insert_batches, on_ledger);
    count += send_rows(l, COLUMNS_DUPLICATES, leaf_sql_insert_duplicates,
                       on_duplicates);
    count += send_rows(l, COLUMNS_REJECTIONS, leaf_sql_insert_rejections,
                       on_rejections);
    count += send_rows(l, COLUMNS_QUARANTINE, leaf_sql_insert_quarantine,
                       on_quarantine);
    if (ledger_columns_fill(c, COLUMNS_ANNOUNCED, &l->plan) > 0) {
        send(l, leaf_sql_raise, c, on_announced);
        count++;
    }
    send(l, "COMMIT", NULL, on_commit);
    sent(l, DECIDE_CLOSE, count + 1);
}

/* ---- the way through -------------------------------------------------- */

static void send_undo(struct ledger *l)
{
    send(l, "ROLLBACK", NULL, on_rollback);
    sent(l, DECIDE_UNDO, 1);
}

/* Tells decide how many records have come where, once a flight is over. */
static void count_fates(struct ledger *l)
{
    struct decide *d = &l->decide;

    d->conflicts = ledger_plan_offered(&l->plan);
    if (d->failed || d->conflicts > 0)
        return;
    ledger_plan_settle(&l->plan);
    d->present = l->plan.present;
    d->duplicates = l->plan.duplicates;
    d->rejected = l->plan.rejected;
    d->quarantined = l->plan.quarantined;
}

static void advance(struct ledger *l)
{
    struct decide *d = &l->decide;
    bool failed;

    if (d->outstanding > 0)
        return;
    loop_timer_stop(l->lock_timer);
    if (d->flight == DECIDE_WRITE || d->flight == DECIDE_RESOLVE)
        count_fates(l);
    failed = d->failed;
    switch (decide_next(d)) {
    case DECIDE_WAIT:
        return;
    case DECIDE_GO_WRITE:
        send_write(l);
        return;
    case DECIDE_GO_RESOLVE:
        send_resolve(l);
        return;
    case DECIDE_GO_CLOSE:
        send_close(l);
        return;
    case DECIDE_GO_UNDO:
        if (!failed) /* decide itself found that it does not add up */
            doubt(l, d->why);
        send_undo(l);
        return;
    case DECIDE_DONE:
        over(l);
    }
}

void ledger_write_start(struct ledger *l)
{
    struct ledger_batch *b = l->call->batch;
    size_t leaves;

    CHECK(l->log > 0);
    l->new_chains = 0;
    if (!l->known) {
        finish(l, LEDGER_STALE, "", "the live leaf is not known yet");
        return;
    }
    ledger_plan_start(&l->plan, l->log, b);
    decide_start(&l->decide, b->count);
    leaves = leaves_to_ask(l);
    if (leaves > 0 && ledger_columns_fill(&l->columns[COLUMNS_FIND],
                                          COLUMNS_FIND, &l->plan) > 0)
        send_ask(l, leaves);
    else
        send_write(l);
}

/* ---- raising by itself ------------------------------------------------ */

static void on_raised(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;

    if (a->outcome == POSTGRES_ERROR)
        log_warn("ledger.not_raised", "sqlstate=%s why=%s", a->sqlstate,
                 LOG_TEXT(a->message));
    ledger_call_over(l);
}

void ledger_raise_start(struct ledger *l)
{
    struct ledger_columns *c = &l->columns[COLUMNS_ANNOUNCED];

    ledger_columns_announced(c, l->log, l->call->announced, l->call->count);
    send(l, leaf_sql_raise, c, on_raised);
    loop_timer_start(l->lock_timer, l->options.lock_ms,
                     l->options.lock_ms / 4 + 1);
    postgres_sync(l->pg, ledger_flight_ms(l));
}
