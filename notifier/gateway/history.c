/*
 * notifier/gateway/history.c: questions to the database, one connection, many
 * at a time.
 *
 *   query: leaf list --> leaf 9 --> leaf 8 --> … done
 *
 * A question for one row begins with the list that is there, a second old at
 * most, and reads a new one before it says that there is none: the row may be
 * in a leaf that went live since. Questions for many rows read it first. A leaf
 * may be dropped between the list and the question (42P01): then the list is
 * read again, once. The connection is set up so that the live leaf, which has
 * no statistics, is not scanned.
 *
 * From: notifier/gateway/route.c, subscriber.c and client.c.
 * To:   consumer/base/postgres.c; results as they were announced;
 *       history_totals.c keeps the list of leaves.
 */
#include "notifier/gateway/history.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/postgres.h"
#include "consumer/base/postgres_array.h"
#include "notifier/gateway/history_inside.h"
#include "notifier/gateway/history_row.h"
#include "notifier/gateway/history_sql.h"
#include "schemas/base/fail.h"
#include "schemas/chain.h"
#include "schemas/hex.h"
#include "schemas/leaf.h"

#define LEAVES_MS 1000
#define ACCOUNT_LEAVES_MAX 64 /* a look-up by account stops there */
#define SESSION                                                                \
    "SET enable_seqscan = off; SET statement_timeout = '4s';"                  \
    " SET default_transaction_read_only = on; SET jit = off"

enum kind { BY_HASH, DETAIL, BY_ACCOUNT, REJECTIONS, REJECTION };

struct history_query {
    struct history *history;
    enum kind kind;
    history_fn done; /* NULL: cancelled */
    void *arg;
    uint8_t value[256]; /* hash or address */
    size_t value_count;
    int64_t chain;
    bool alias; /* its transactions have another name as well */
    struct record_id id;
    size_t rows_max;
    int below;  /* leaves below this one are left to ask */
    int above;  /* and above this one */
    int newest; /* in the list when it began; 0: it did not yet */
    bool fresh; /* the list was read for this query */
    bool again; /* once more, because a leaf was gone */
    struct buffer results;
    size_t count;
};

static void changed(void *arg, enum postgres_state state, const char *why);
static struct history_query *query_new(struct history *h, enum kind kind,
                                       size_t rows_max, history_fn done,
                                       void *arg);
static void query_begin(struct history_query *q);
static void query_free(struct history_query *q);
static void ask_leaves(struct history_query *q);
static void got_leaves(void *arg, const struct postgres_answer *a);
static void next(struct history_query *q);
static size_t put_statement(struct history_query *q, const int *leaves,
                            size_t left, struct postgres_param params[3],
                            uint8_t room[3][8]);
static void got_rows(void *arg, const struct postgres_answer *a);
static void finish(struct history_query *q, int rc);

int history_open(struct loop *loop, const char *url, const char *topic,
                 struct history **out)
{
    struct history *h = calloc(1, sizeof(*h));
    struct postgres_options o = {
        .url = url != NULL && url[0] != '\0' ? url : NULL,
        .application_name = "tidemill-gateway",
        .session_sql = SESSION,
        .name = "history",
    };
    int rc;

    CHECK(h != NULL);
    h->topic = topic;
    postgres_array_init(&h->partitions, POSTGRES_INT4_ARRAY);
    buffer_init(&h->sql, HISTORY_SQL_BYTES_MAX);
    rc = postgres_open(loop, &o, changed, h, &h->postgres);
    if (rc < 0) {
        history_close(h);
        return rc;
    }
    *out = h;
    return 0;
}

void history_close(struct history *h)
{
    if (h == NULL)
        return;
    postgres_close(h->postgres);
    postgres_array_fini(&h->partitions);
    buffer_fini(&h->sql);
    free(h);
}

bool history_up(const struct history *h)
{
    return postgres_up(h->postgres);
}

static void changed(void *arg, enum postgres_state state, const char *why)
{
    struct history *h = arg;

    h->leaves_ms = 0;
    if (state == POSTGRES_UP) {
        log_info("history.up");
        history_refresh(h);
    } else {
        log_warn("history.down", "why=%s", LOG_TEXT(why));
    }
}

static void set_chain(struct history_query *q, const struct channel *c)
{
    struct chain chain;

    CHECK(chain_parse(bytes_text(c->chain), &chain) == 0);
    q->chain = chain.number;
    q->alias = chain.ns == CHAIN_SOLANA || chain.ns == CHAIN_BIP122;
}

struct history_query *history_channel(struct history *h,
                                      const struct channel *c, size_t rows_max,
                                      history_fn done, void *arg)
{
    struct history_query *q;

    CHECK(c->kind == CHANNEL_KIND_TRANSACTION ||
          c->kind == CHANNEL_KIND_ACCOUNT);
    q = query_new(h, c->kind == CHANNEL_KIND_TRANSACTION ? BY_HASH : BY_ACCOUNT,
                  rows_max, done, arg);
    if (q == NULL)
        return NULL;
    CHECK(hex_decode_0x(channel_value(c), q->value, sizeof(q->value),
                        &q->value_count) == 0);
    if (c->kind == CHANNEL_KIND_TRANSACTION) {
        set_chain(q, c);
    }
    query_begin(q);
    return q;
}

struct history_query *history_detail(struct history *h, const struct channel *c,
                                     history_fn done, void *arg)
{
    struct history_query *q = query_new(h, DETAIL, 1, done, arg);

    if (q == NULL)
        return NULL;
    CHECK(c->kind == CHANNEL_KIND_TRANSACTION);
    CHECK(hex_decode_0x(channel_value(c), q->value, sizeof(q->value),
                        &q->value_count) == 0);
    set_chain(q, c);
    query_begin(q);
    return q;
}

struct history_query *history_rejections(struct history *h,
                                         const struct record_id *id,
                                         size_t rows_max, history_fn done,
                                         void *arg)
{
    struct history_query *q =
        query_new(h, id != NULL ? REJECTION : REJECTIONS, rows_max, done, arg);

    if (q == NULL)
        return NULL;
    if (id != NULL)
        q->id = *id;
    query_begin(q);
    return q;
}

void history_cancel(struct history_query *q)
{
    if (q != NULL)
        q->done = NULL;
}

static struct history_query *query_new(struct history *h, enum kind kind,
                                       size_t rows_max, history_fn done,
                                       void *arg)
{
    struct history_query *q;

    if (!postgres_up(h->postgres) || h->queries >= HISTORY_QUERIES_MAX)
        return NULL;
    q = calloc(1, sizeof(*q));
    CHECK(q != NULL);
    q->history = h;
    q->kind = kind;
    q->done = done;
    q->arg = arg;
    q->rows_max = rows_max < HISTORY_ROWS_MAX ? rows_max : HISTORY_ROWS_MAX;
    buffer_init(&q->results,
                kind == DETAIL ? HISTORY_DETAIL_MAX : HISTORY_BYTES_MAX);
    h->queries++;
    return q;
}

static bool is_for_one_row(const struct history_query *q)
{
    return q->kind == BY_HASH || q->kind == DETAIL || q->kind == REJECTION;
}

static void query_begin(struct history_query *q)
{
    struct history *h = q->history;

    q->below = INT_MAX;
    if (!is_for_one_row(q) || h->leaves_count == 0 ||
        clock_ms() - h->leaves_ms > LEAVES_MS)
        ask_leaves(q);
    else
        next(q);
}

static void query_free(struct history_query *q)
{
    q->history->queries--;
    buffer_fini(&q->results);
    free(q);
}

/* The log is asked along: the newest rejections are walked by its partitions.
 */
static void ask_leaves(struct history_query *q)
{
    struct postgres *pg = q->history->postgres;
    struct postgres_param topic = postgres_text(q->history->topic);

    q->fresh = true;
    postgres_queue(pg, history_sql_log, &topic, 1, history_got_log, q->history);
    postgres_queue(pg, LEAF_SQL_LIST, NULL, 0, got_leaves, q);
    postgres_sync(pg, HISTORY_DEADLINE_MS);
}

static void got_leaves(void *arg, const struct postgres_answer *a)
{
    struct history_query *q = arg;

    if (a->outcome != POSTGRES_OK) {
        finish(q, FAIL_UNREACHABLE);
        return;
    }
    history_keep_leaves(q->history, a);
    next(q);
}

/*
 * Which leaves are left: a range of the list, newest first. Others may have
 * read the list anew meanwhile, so it is found by its numbers, not by its
 * place.
 */
static size_t leaves_left(const struct history_query *q, size_t *out_first)
{
    const struct history *h = q->history;
    size_t first = 0, end = h->leaves_count;

    if (q->kind == BY_ACCOUNT && end > ACCOUNT_LEAVES_MAX)
        end = ACCOUNT_LEAVES_MAX;
    while (first < end && h->leaves[first] >= q->below)
        first++;
    while (end > first && h->leaves[end - 1] <= q->above)
        end--;
    *out_first = first;
    return end - first;
}

/* Nothing in the leaves of an older list: are there newer ones? */
static bool has_to_look_again(const struct history_query *q)
{
    return !q->fresh && q->count == 0 && is_for_one_row(q);
}

/* Asks the next leaf or leaves, or ends. */
static void next(struct history_query *q)
{
    struct history *h = q->history;
    struct postgres_param params[3];
    uint8_t room[3][8];
    size_t first, left = leaves_left(q, &first), count;

    if (q->newest == 0 && left > 0)
        q->newest = h->leaves[first];
    if (q->done != NULL && left == 0 && has_to_look_again(q)) {
        q->above = q->newest;
        q->below = INT_MAX;
        ask_leaves(q);
        return;
    }
    if (q->done == NULL || left == 0 || q->count >= q->rows_max) {
        finish(q, 0);
        return;
    }
    buffer_clear(&h->sql);
    count = put_statement(q, h->leaves + first, left, params, room);
    CHECK(!h->sql.overflow);
    postgres_queue(h->postgres, buffer_text(&h->sql), params, count, got_rows,
                   q);
    postgres_sync(h->postgres, HISTORY_DEADLINE_MS);
}

/* About the first of these leaves, or some; they are asked then. */
static size_t put_statement(struct history_query *q, const int *leaves,
                            size_t left, struct postgres_param params[3],
                            uint8_t room[3][8])
{
    struct history *h = q->history;
    size_t count = 1;
    struct bytes value = bytes_of(q->value, q->value_count);
    int32_t rows = (int32_t)(q->rows_max - q->count);

    switch (q->kind) {
    case BY_HASH:
    case DETAIL:
        count = left < HISTORY_SQL_LEAVES ? left : HISTORY_SQL_LEAVES;
        history_sql_hash(leaves, count, q->kind == DETAIL, q->alias, &h->sql);
        params[0] = postgres_bytea(value);
        params[1] = postgres_i64(q->chain, room[0]);
        q->below = leaves[count - 1];
        return 2;
    case BY_ACCOUNT:
        history_sql_account(*leaves, &h->sql);
        params[0] = postgres_bytea(value);
        params[1] = postgres_i32(rows, room[0]);
        q->below = *leaves;
        return 2;
    case REJECTIONS:
        history_sql_rejections(*leaves, &h->sql);
        history_put_partitions(h, h->totals.partitions);
        params[0] = postgres_i32(h->totals.log, room[0]);
        params[1] = postgres_array_param(&h->partitions);
        params[2] = postgres_i32(rows, room[1]);
        q->below = *leaves;
        return 3;
    case REJECTION:
        history_sql_rejection(*leaves, &h->sql);
        params[0] = postgres_i32(q->id.log, room[0]);
        params[1] = postgres_i32(q->id.partition, room[1]);
        params[2] = postgres_i64(q->id.offset, room[2]);
        q->below = *leaves;
        return 3;
    }
    CHECK(false);
    return 0;
}

static void got_rows(void *arg, const struct postgres_answer *a)
{
    struct history_query *q = arg;

    if (a->outcome == POSTGRES_ERROR && strcmp(a->sqlstate, "42P01") == 0 &&
        !q->again) {
        q->again = true;
        q->below = INT_MAX;
        q->above = 0;
        q->count = 0;
        buffer_clear(&q->results);
        ask_leaves(q);
        return;
    }
    if (a->outcome != POSTGRES_OK) {
        if (a->outcome == POSTGRES_ERROR)
            log_warn("history.refused", "sqlstate=%s why=%s", a->sqlstate,
                     LOG_TEXT(a->message));
        finish(q, FAIL_UNREACHABLE);
        return;
    }
    for (int row = 0; row < a->rows && q->count < q->rows_max; row++) {
        int rc = q->kind == DETAIL ? history_row_detail(a, row, &q->results)
                 : q->kind == REJECTIONS || q->kind == REJECTION
                     ? history_row_rejection(a, row, &q->results)
                     : history_row_transaction(a, row, &q->results);

        if (rc == FAIL_FULL) {
            q->rows_max = q->count;
            break;
        }
        if (rc == 0)
            q->count++;
    }
    next(q);
}

static void finish(struct history_query *q, int rc)
{
    if (q->done != NULL)
        q->done(q->arg, rc, buffer_bytes(&q->results), q->count);
    query_free(q);
}
