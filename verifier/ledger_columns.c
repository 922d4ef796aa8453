/*
 * verifier/ledger_columns.c: from records and fates to arrays.
 *
 * What comes from outside goes into bytea; the texts are our own words, or made
 * plain ASCII here. A payload that is longer than its table keeps is null: its
 * SHA-256 names it, and the log has it while it is retained.
 *
 * From: verifier/ledger_write.c, for the statement it is about to send.
 * To:   consumer/base/postgres_array.c; schemas/leaf.c has the statements.
 */
#include "verifier/ledger_columns.h"

#include <string.h>

#include "schemas/hash.h"
#include "schemas/leaf.h"
#include "verifier/judge.h"

#define DETAIL_MAX 500

#define I4 POSTGRES_INT4_ARRAY
#define I8 POSTGRES_INT8_ARRAY
#define BY POSTGRES_BYTEA_ARRAY
#define TX POSTGRES_TEXT_ARRAY
#define NU POSTGRES_NUMERIC_ARRAY
#define LOG ((enum postgres_type)0) /* the log's number stands here */

/* Parameters in order, ended by -1. */
static const int shapes[LEDGER_COLUMNS_KINDS][LEDGER_COLUMNS_MAX + 1] = {
    [COLUMNS_FIND] = {BY, -1},
    [COLUMNS_INSERT] = {BY, I8, BY, BY, NU, NU, BY, BY, I8, LOG, I4, I8, BY, TX,
                        -1},
    [COLUMNS_DUPLICATES] = {LOG, I4, I8, I8, BY, I4, I4, I8, I8, -1},
    [COLUMNS_REJECTIONS] = {LOG, I4, I8, I8, TX, BY, BY, I8, BY, -1},
    [COLUMNS_QUARANTINE] = {LOG, I4, I8, BY, BY, TX, TX, I8, -1},
    [COLUMNS_ANNOUNCED] = {LOG, I4, I8, I8, -1},
    [COLUMNS_BATCHES] = {LOG, I4, I8, I8, BY, I4, I4, I4, I4, -1},
};

void ledger_columns_init(struct ledger_columns *c,
                         enum ledger_columns_kind kind)
{
    const int *shape = shapes[kind];

    memset(c, 0, sizeof(*c));
    for (; *shape >= 0; shape++) {
        if (*shape != LOG)
            postgres_array_init(&c->arrays[c->array_count++],
                                (enum postgres_type) * shape);
        c->param_count++;
    }
}

void ledger_columns_fini(struct ledger_columns *c)
{
    size_t i;

    for (i = 0; i < c->array_count; i++)
        postgres_array_fini(&c->arrays[i]);
    memset(c, 0, sizeof(*c));
}

static void start(struct ledger_columns *c)
{
    size_t i;

    for (i = 0; i < c->array_count; i++)
        postgres_array_clear(&c->arrays[i]);
    c->full = false;
}

/* Arrays and the log's number, in the order of the shape. */
static void finish(struct ledger_columns *c, enum ledger_columns_kind kind,
                   int log)
{
    size_t i, array = 0;

    for (i = 0; i < c->array_count; i++)
        c->full = c->full || postgres_array_full(&c->arrays[i]);
    for (i = 0; !c->full && i < c->param_count; i++) {
        if (shapes[kind][i] == LOG)
            c->params[i] = postgres_i32(log, c->number);
        else
            c->params[i] = postgres_array_param(&c->arrays[array++]);
    }
}

/* A record without a value is the empty payload. */
static struct bytes payload_of(const struct ledger_record *r)
{
    return r->value.data == NULL ? BYTES_LITERAL("") : r->value;
}

static struct bytes capped(struct bytes payload, size_t max)
{
    return payload.count > max ? BYTES_NONE : payload;
}

/* `room` is for a payload that is put together. */
static void add_transaction(struct postgres_array *a,
                            const struct ledger_record *r, struct buffer *room)
{
    const struct transaction *tx = &r->verdict->tx;
    struct bytes payload = transaction_canonical(tx, room);

    postgres_array_bytes(&a[0], bytes_of(tx->id, 32));
    postgres_array_i64(&a[1], r->chain->number);
    postgres_array_bytes(&a[2], transaction_sender(tx));
    postgres_array_bytes(&a[3], transaction_recipient(tx));
    postgres_array_numeric_be(&a[4], tx->amount, sizeof(tx->amount));
    if (tx->has_nonce)
        postgres_array_numeric_u64(&a[5], tx->nonce);
    else
        postgres_array_null(&a[5]);
    postgres_array_bytes(&a[6], transaction_signature(tx));
    postgres_array_bytes(&a[7], payload.data == NULL ? payload_of(r) : payload);
    postgres_array_i64(&a[8], r->append_ms);
    postgres_array_i32(&a[9], r->partition);
    postgres_array_i64(&a[10], r->offset);
    postgres_array_bytes(&a[11], transaction_alias(tx));
    postgres_array_bytes(&a[12], tx->currency[0] == '\0'
                                     ? BYTES_NONE
                                     : bytes_text(tx->currency));
}

static void add_duplicate(struct postgres_array *a,
                          const struct ledger_record *r,
                          const struct record_id *of)
{
    postgres_array_i32(&a[0], r->partition);
    postgres_array_i64(&a[1], r->offset);
    postgres_array_i64(&a[2], r->chain->number);
    postgres_array_bytes(&a[3], bytes_of(r->verdict->tx.id, 32));
    postgres_array_i32(&a[4], of->log);
    postgres_array_i32(&a[5], of->partition);
    postgres_array_i64(&a[6], of->offset);
    postgres_array_i64(&a[7], r->append_ms);
}

/* A rejection speaks in the name of an id only if the id covers every byte
 * that was judged; else anybody could have somebody's payment called bad. */
static void add_rejection(struct postgres_array *a,
                          const struct ledger_record *r)
{
    const struct verdict *v = r->verdict;
    bool named = v->tx.has_id && v->tx.id_covers_all;

    postgres_array_i32(&a[0], r->partition);
    postgres_array_i64(&a[1], r->offset);
    postgres_array_i64(&a[2], r->chain->number);
    postgres_array_bytes(&a[3], bytes_text(reason_name(v->reason)));
    postgres_array_bytes(&a[4], bytes_of(v->payload_sha256, 32));
    postgres_array_bytes(&a[5], named ? bytes_of(v->tx.id, 32) : BYTES_NONE);
    postgres_array_i64(&a[6], r->append_ms);
    postgres_array_bytes(&a[7],
                         capped(payload_of(r), LEAF_REJECTION_PAYLOAD_MAX));
}

/* The server's words may hold what the record held. */
static struct bytes plain(const char *text, char out[DETAIL_MAX])
{
    size_t i;

    for (i = 0; text != NULL && text[i] != '\0' && i < DETAIL_MAX; i++)
        out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    return bytes_of(out, text == NULL ? 0 : i);
}

static void add_quarantined(struct postgres_array *a,
                            const struct ledger_record *r)
{
    char state[DETAIL_MAX], detail[DETAIL_MAX];
    uint8_t sha256[32];

    hash_sha256(payload_of(r), sha256);
    postgres_array_i32(&a[0], r->partition);
    postgres_array_i64(&a[1], r->offset);
    postgres_array_bytes(&a[2], bytes_of(sha256, 32));
    postgres_array_bytes(&a[3],
                         capped(payload_of(r), LEAF_QUARANTINE_PAYLOAD_MAX));
    postgres_array_bytes(&a[4], plain(r->quarantine_sqlstate, state));
    postgres_array_bytes(&a[5], plain(r->quarantine_detail, detail));
    postgres_array_i64(&a[6], r->append_ms);
}

/* How many records of one partition came to each kind of row. */
static void add_range(struct postgres_array *a, const struct ledger_range *g,
                      const int32_t counts[4])
{
    int i;

    postgres_array_i32(&a[0], g->partition);
    postgres_array_i64(&a[1], g->from);
    postgres_array_i64(&a[2], g->to);
    postgres_array_bytes(&a[3], bytes_of(g->last_sha256, 32));
    for (i = 0; i < 4; i++)
        postgres_array_i32(&a[4 + i], counts[i]);
}

static void count_fate(const struct fate *f, int32_t counts[4])
{
    counts[0] += f->kind == FATE_PRESENT;
    counts[1] += f->kind == FATE_REJECTED;
    counts[2] += f->kind == FATE_DUPLICATE;
    counts[3] += f->kind == FATE_QUARANTINED;
}

/* Records and ranges are both sorted by partition: one walk. */
static size_t fill_batches(struct ledger_columns *c,
                           const struct ledger_plan *p)
{
    const struct ledger_batch *b = p->batch;
    size_t i, next = 0;

    for (i = 0; i < b->range_count; i++) {
        const struct ledger_range *g = &b->ranges[i];
        int32_t counts[4] = {0};

        CHECK(g->from < g->to);
        CHECK(i == 0 || b->ranges[i - 1].partition < g->partition);
        for (; next < b->count && b->records[next].partition == g->partition;
             next++) {
            CHECK(b->records[next].offset >= g->from &&
                  b->records[next].offset < g->to);
            count_fate(&p->fates[next], counts);
        }
        add_range(c->arrays, g, counts);
    }
    CHECK(next == b->count); /* every record is in a range */
    return b->range_count;
}

static size_t fill_leaders(struct ledger_columns *c,
                           enum ledger_columns_kind kind,
                           const struct ledger_plan *p)
{
    size_t i, count = 0;
    struct buffer room;

    buffer_init(&room, TRANSACTION_BYTES_MAX);
    for (i = 0; i < p->leader_count; i++) {
        const struct ledger_record *r = &p->batch->records[p->leaders[i]];

        if (p->fates[p->leaders[i]].kind != FATE_OFFERED)
            continue;
        if (kind == COLUMNS_FIND)
            postgres_array_bytes(&c->arrays[0],
                                 bytes_of(r->verdict->tx.id, 32));
        else
            add_transaction(c->arrays, r, &room);
        count++;
    }
    buffer_fini(&room);
    return count;
}

static size_t fill_fates(struct ledger_columns *c, enum fate_kind fate,
                         const struct ledger_plan *p)
{
    size_t i, count = 0;

    for (i = 0; i < p->batch->count; i++) {
        const struct ledger_record *r = &p->batch->records[i];

        if (p->fates[i].kind != fate)
            continue;
        if (fate == FATE_DUPLICATE)
            add_duplicate(c->arrays, r, &p->fates[i].of);
        else if (fate == FATE_REJECTED)
            add_rejection(c->arrays, r);
        else
            add_quarantined(c->arrays, r);
        count++;
    }
    return count;
}

static size_t fill_announced(struct ledger_columns *c,
                             const struct ledger_announced *announced,
                             size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        CHECK(i == 0 || announced[i - 1].partition < announced[i].partition);
        postgres_array_i32(&c->arrays[0], announced[i].partition);
        postgres_array_i64(&c->arrays[1], announced[i].announced);
        postgres_array_i64(&c->arrays[2], announced[i].results_offset);
    }
    return count;
}

size_t ledger_columns_announced(struct ledger_columns *c, int log,
                                const struct ledger_announced *announced,
                                size_t count)
{
    start(c);
    fill_announced(c, announced, count);
    finish(c, COLUMNS_ANNOUNCED, log);
    return count;
}

size_t ledger_columns_fill(struct ledger_columns *c,
                           enum ledger_columns_kind kind,
                           const struct ledger_plan *p)
{
    size_t count = 0;

    start(c);
    switch (kind) {
    case COLUMNS_FIND:
    case COLUMNS_INSERT:
        count = fill_leaders(c, kind, p);
        break;
    case COLUMNS_DUPLICATES:
        count = fill_fates(c, FATE_DUPLICATE, p);
        break;
    case COLUMNS_REJECTIONS:
        count = fill_fates(c, FATE_REJECTED, p);
        break;
    case COLUMNS_QUARANTINE:
        count = fill_fates(c, FATE_QUARANTINED, p);
        break;
    case COLUMNS_ANNOUNCED:
        count =
            fill_announced(c, p->batch->announced, p->batch->announced_count);
        break;
    case COLUMNS_BATCHES:
        count = fill_batches(c, p);
        break;
    }
    finish(c, kind, p->log);
    return count;
}
