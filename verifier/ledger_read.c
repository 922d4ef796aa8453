/*
 * verifier/ledger_read.c: what the database knows: logs, positions, rows.
 *
 * List and positions come in one statement, hence in one snapshot: a list that
 * is older or newer than the positions would be believed about the wrong leaf.
 *
 * From: verifier/ledger.c, when a call's turn has come.
 * To:   consumer/base/postgres.c; schemas/leaf.c has the statements.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/log.h"
#include "schemas/base/fail.h"
#include "schemas/leaf.h"
#include "verifier/ledger_inside.h"

/* The connection's end and a failed statement are told apart by what follows:
 * down() comes or it does not. */
static int rc_of(struct ledger *l, const struct postgres_answer *a)
{
    if (a->outcome == POSTGRES_OK)
        return 0;
    ledger_note_why(l, a->message);
    /* A leaf that we knew was dropped. */
    if (strcmp(a->sqlstate, "42P01") == 0)
        return FAIL_GONE;
    return FAIL_UNREACHABLE;
}

/* ---- logs ------------------------------------------------------------- */

static const char log_sql[] =
    "SELECT log, partitions, rules::int4, chain, coalesce(cluster_id, '')"
    " FROM tidemill.logs WHERE topic = $1 ORDER BY log DESC LIMIT 1";

static void on_log(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;
    ledger_log_fn done = l->call->done.log;
    void *call_arg = l->call->arg;
    struct ledger_log log = {0};
    int rc = rc_of(l, a);

    if (rc == 0 && a->rows == 0)
        rc = FAIL_NOT_FOUND;
    if (rc == 0) {
        log.log = postgres_cell_i32(a, 0, 0, 0);
        log.partitions = postgres_cell_i32(a, 0, 1, 0);
        log.rules = postgres_cell_i32(a, 0, 2, 0);
        snprintf(log.chain, sizeof(log.chain), "%s",
                 postgres_cell_text(a, 0, 3));
        snprintf(log.cluster_id, sizeof(log.cluster_id), "%s",
                 postgres_cell_text(a, 0, 4));
    }
    ledger_call_over(l);
    done(call_arg, rc, rc == 0 ? &log : NULL);
}

void ledger_read_log(struct ledger *l)
{
    struct postgres_param p = postgres_text(l->call->topic);

    postgres_queue(l->pg, log_sql, &p, 1, on_log, l);
    postgres_sync(l->pg, ledger_flight_ms(l));
}

/* ---- positions -------------------------------------------------------- */

static void take_leaf(struct ledger *l, const struct postgres_answer *a,
                      int row)
{
    enum leaf_state state;
    int leaf = postgres_cell_i32(a, row, 1, 0);

    if (leaf <= 0 || leaf_state_find(postgres_cell(a, row, 2), &state) < 0)
        return;
    if (state == LEAF_LIVE)
        l->leaves.live = leaf;
    else if (state == LEAF_SEALED)
        ledger_leaves_add(&l->leaves, leaf, postgres_cell(a, row, 3),
                          postgres_cell_i64(a, row, 4, INT64_MAX));
}

static void take_position(struct ledger_call *c,
                          const struct postgres_answer *a, int row)
{
    int32_t partition = postgres_cell_i32(a, row, 5, -1);
    struct bytes last = postgres_cell(a, row, 9);
    struct ledger_position *at = NULL;
    size_t i;

    for (i = 0; i < c->count && at == NULL; i++)
        if (c->positions[i].partition == partition && !c->positions[i].known)
            at = &c->positions[i];
    if (at == NULL || postgres_cell(a, row, 6).data == NULL)
        return;
    at->known = true;
    at->position = postgres_cell_i64(a, row, 6, 0);
    at->announced = postgres_cell_i64(a, row, 7, at->position);
    at->results_offset = postgres_cell_i64(a, row, 8, -1);
    at->has_last = last.count == sizeof(at->last_sha256);
    if (at->has_last)
        memcpy(at->last_sha256, last.data, sizeof(at->last_sha256));
}

static void take_answer(struct ledger *l, const struct postgres_answer *a)
{
    int row;

    ledger_leaves_clear(&l->leaves);
    for (row = 0; row < a->rows; row++) {
        if (bytes_equal_text(postgres_cell(a, row, 0), "leaf"))
            take_leaf(l, a, row);
        else
            take_position(l->call, a, row);
    }
    ledger_leaves_sort(&l->leaves);
    l->known = l->leaves.live != 0;
    l->live_id_known = false;
}

static void on_positions(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;
    struct ledger_call *c = l->call;
    ledger_positions_fn done = c->done.positions;
    struct ledger_position *positions = c->positions;
    void *call_arg = c->arg;
    size_t count = c->count;
    int rc = rc_of(l, a);

    if (rc == 0)
        take_answer(l, a);
    c->positions = NULL;
    ledger_call_over(l);
    done(call_arg, rc, rc == 0 ? positions : NULL, rc == 0 ? count : 0);
    free(positions);
}

void ledger_read_positions(struct ledger *l)
{
    struct ledger_call *c = l->call;
    struct postgres_array partitions;
    struct postgres_param p[2];
    uint8_t at[8];
    size_t i;

    CHECK(l->log > 0);
    c->positions = calloc(c->count + 1, sizeof(*c->positions));
    CHECK(c->positions != NULL);
    postgres_array_init(&partitions, POSTGRES_INT4_ARRAY);
    for (i = 0; i < c->count; i++) {
        c->positions[i].partition = c->partitions[i];
        c->positions[i].results_offset = -1;
        postgres_array_i32(&partitions, c->partitions[i]);
    }
    p[0] = postgres_i32(l->log, at);
    p[1] = postgres_array_param(&partitions);
    postgres_queue(l->pg, leaf_sql_positions, p, 2, on_positions, l);
    postgres_sync(l->pg, ledger_flight_ms(l));
    postgres_array_fini(&partitions);
}

/* ---- rows ------------------------------------------------------------- */

static int compare_record(const struct ledger_row_query *q, int32_t partition,
                          int64_t offset)
{
    if (q->partition != partition)
        return q->partition < partition ? -1 : 1;
    return (q->offset > offset) - (q->offset < offset);
}

static int compare_queries(const void *a, const void *b, void *arg)
{
    const struct ledger_row_query *q = arg;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

    return compare_record(&q[i], q[j].partition, q[j].offset);
}

static void order_queries(struct ledger_call *c)
{
    size_t i;

    c->rows = calloc(c->count + 1, sizeof(*c->rows));
    c->order = calloc(c->count + 1, sizeof(*c->order));
    CHECK(c->rows != NULL && c->order != NULL);
    for (i = 0; i < c->count; i++) {
        c->rows[i].kind = LEDGER_NO_ROW;
        c->order[i] = (uint32_t)i;
    }
    qsort_r(c->order, c->count, sizeof(*c->order), compare_queries, c->queries);
}

static enum ledger_kind kind_of(struct bytes word)
{
    if (bytes_equal_text(word, "transactions"))
        return LEDGER_VERIFIED;
    if (bytes_equal_text(word, "duplicates"))
        return LEDGER_DUPLICATE;
    if (bytes_equal_text(word, "rejections"))
        return LEDGER_REJECTED;
    return LEDGER_QUARANTINED;
}

static void take_row(struct ledger_call *c, const struct postgres_answer *a,
                     int row)
{
    int32_t partition = postgres_cell_i32(a, row, 1, -1);
    int64_t offset = postgres_cell_i64(a, row, 2, -1);
    size_t low = 0, high = c->count;
    struct ledger_row *r;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (compare_record(&c->queries[c->order[mid]], partition, offset) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < c->count &&
           compare_record(&c->queries[c->order[low]], partition, offset) == 0;
         low++) {
        r = &c->rows[c->order[low]];
        if (r->kind != LEDGER_NO_ROW)
            continue;
        r->kind = kind_of(postgres_cell(a, row, 0));
        r->of = (struct record_id){postgres_cell_i32(a, row, 3, 0),
                                   postgres_cell_i32(a, row, 4, 0),
                                   postgres_cell_i64(a, row, 5, 0)};
    }
}

static void rows_over(struct ledger *l, int rc)
{
    struct ledger_call *c = l->call;
    ledger_rows_fn done = c->done.rows;
    struct ledger_row *rows = c->rows;
    void *arg = c->arg;
    size_t count = c->count;

    c->rows = NULL;
    ledger_call_over(l);
    done(arg, rc, rc == 0 ? rows : NULL, rc == 0 ? count : 0);
    free(rows);
}

static void ask_leaf(struct ledger *l);

static void on_rows(void *arg, const struct postgres_answer *a)
{
    struct ledger *l = arg;
    struct ledger_call *c = l->call;
    int rc = rc_of(l, a), row;
    size_t missing = 0, i;

    if (rc < 0) {
        rows_over(l, rc);
        return;
    }
    for (row = 0; row < a->rows; row++)
        take_row(c, a, row);
    for (i = 0; i < c->count; i++)
        missing += c->rows[i].kind == LEDGER_NO_ROW;
    c->leaf++;
    if (missing == 0 || c->leaf > l->leaves.count)
        rows_over(l, 0);
    else
        ask_leaf(l);
}

/* One leaf, newest first, for those that are not found yet. */
static void ask_leaf(struct ledger *l)
{
    struct ledger_call *c = l->call;
    int leaf =
        c->leaf == 0 ? l->leaves.live : l->leaves.sealed[c->leaf - 1].leaf;
    struct postgres_array a[4];
    struct postgres_param p[5];
    uint8_t at[8];
    size_t i;

    postgres_array_init(&a[0], POSTGRES_INT4_ARRAY);
    postgres_array_init(&a[1], POSTGRES_INT8_ARRAY);
    postgres_array_init(&a[2], POSTGRES_BYTEA_ARRAY);
    postgres_array_init(&a[3], POSTGRES_INT8_ARRAY);
    for (i = 0; i < c->count; i++) {
        const struct ledger_row_query *q = &c->queries[i];

        if (c->rows[i].kind != LEDGER_NO_ROW)
            continue;
        postgres_array_i32(&a[0], q->partition);
        postgres_array_i64(&a[1], q->offset);
        postgres_array_bytes(&a[2],
                             q->has_hash ? bytes_of(q->hash, 32) : BYTES_NONE);
        postgres_array_i64(&a[3], q->chain);
    }
    p[0] = postgres_i32(l->log, at);
    for (i = 0; i < 4; i++)
        p[i + 1] = postgres_array_param(&a[i]);
    buffer_clear(&l->sql);
    CHECK(leaf_sql_rows(leaf, &l->sql) == 0);
    postgres_queue(l->pg, buffer_text(&l->sql), p, 5, on_rows, l);
    postgres_sync(l->pg, ledger_flight_ms(l));
    for (i = 0; i < 4; i++)
        postgres_array_fini(&a[i]);
}

void ledger_read_rows(struct ledger *l)
{
    order_queries(l->call);
    if (!l->known)
        rows_over(l, FAIL_GONE);
    else if (l->call->count == 0)
        rows_over(l, 0);
    else
        ask_leaf(l);
}
