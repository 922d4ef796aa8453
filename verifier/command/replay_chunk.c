/*
 * verifier/command/replay_chunk.c: reads records, and finds their rows.
 *
 * A transaction's row is found by its hash, so each record is decoded; the
 * curve is spared for those that need a verdict.
 *
 * From: verifier/command/replay_pass.c.
 * To:   verifier/command/replay_parts.c, verifier/judge.c.
 */
#include "verifier/command/replay_chunk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "schemas/base/fail.h"

void replay_chunk_clear(struct replay_chunk *k)
{
    size_t i;

    for (i = 0; i < k->count; i++)
        free(k->pieces[i].memory);
    k->count = k->bytes = 0;
    k->cut = false;
    k->gone = 0;
}

/* ---- reading ---- */

static struct bytes keep(uint8_t **at, struct bytes b)
{
    struct bytes kept = {b.data == NULL ? NULL : *at, b.count};

    if (b.count > 0)
        memcpy(*at, b.data, b.count);
    *at += b.count;
    return kept;
}

struct reading {
    struct replay_chunk *k;
    const struct replay_parts *p;
};

static void on_record(void *arg, const struct record *r)
{
    struct reading *g = arg;
    struct replay_chunk *k = g->k;
    size_t bytes = r->key.count + r->value.count;
    struct replay_piece *piece;
    uint8_t *at;

    if (k->cut)
        return;
    if (k->count == REPLAY_CHUNK_RECORDS ||
        (k->count > 0 && k->bytes + bytes > REPLAY_CHUNK_BYTES)) {
        k->cut = true;
        k->to = r->offset;
        return;
    }
    piece = &k->pieces[k->count++];
    memset(piece, 0, sizeof(*piece));
    k->bytes += bytes;
    at = piece->memory = malloc(bytes + 1);
    CHECK(at != NULL);
    piece->offset = r->offset;
    piece->append_ms = r->append_ms;
    piece->key = keep(&at, r->key);
    piece->value = keep(&at, r->value);
    piece->header =
        record_header_parse(r->header, &piece->chain, &piece->rules);
    if (piece->header == RECORD_HEADER_FOREIGN) {
        piece->chain = g->p->chain;
        piece->rules = g->p->rules;
    }
}

static int fail(int rc, const char *what)
{
    if (rc == FAIL_GONE)
        return command_fail(COMMAND_TEMPORARY,
                            "stopped: run it again, and it goes on there");
    return command_fail(command_exit_code(rc), "%s: %s", what, fail_words(rc));
}

int replay_chunk_read(struct replay_chunk *k, struct replay_parts *p,
                      int32_t partition, int64_t from, int64_t to)
{
    struct reading g = {k, p};
    int64_t start = -1, last = from + REPLAY_CHUNK_RECORDS;
    int rc;

    replay_chunk_clear(k);
    k->from = from;
    k->to = last < to ? last : to;
    rc = replay_parts_read(p, partition, from, k->to, on_record, &g, &start);
    /* Retention goes on while we work. */
    if (rc == FAIL_GONE && start > from) {
        k->to = start < to ? start : to;
        k->gone = k->to - from;
        return 0;
    }
    if (rc == FAIL_GONE && start >= 0)
        return command_fail(COMMAND_DATA,
                            "partition %d ends at %" PRId64
                            ", below what was judged: see `tidemill log show`",
                            partition, start);
    if (rc < 0)
        return fail(rc, "reading the topic");
    return replay_chunk_look(k, p, partition);
}

/* ---- rows ---- */

static void decode(struct replay_piece *piece)
{
    if (piece->decoded || piece->judged || piece->header == RECORD_HEADER_NEWER)
        return;
    (void)transaction_decode(&piece->chain, piece->rules, piece->value,
                             &piece->verdict.tx, NULL);
    piece->decoded = true;
}

int replay_chunk_look(struct replay_chunk *k, struct replay_parts *p,
                      int32_t partition)
{
    struct ledger_row_query *queries = calloc(k->count + 1, sizeof(*queries));
    struct ledger_row *rows = calloc(k->count + 1, sizeof(*rows));
    size_t i;
    int rc;

    CHECK(queries != NULL && rows != NULL);
    for (i = 0; i < k->count; i++) {
        struct replay_piece *piece = &k->pieces[i];

        decode(piece);
        queries[i] =
            (struct ledger_row_query){.partition = partition,
                                      .offset = piece->offset,
                                      .has_hash = piece->verdict.tx.has_id,
                                      .chain = piece->chain.number};
        memcpy(queries[i].hash, piece->verdict.tx.id, sizeof(queries[i].hash));
    }
    rc = k->count == 0 ? 0 : replay_parts_rows(p, queries, k->count, rows);
    for (i = 0; i < k->count && rc == 0; i++)
        k->pieces[i].row = rows[i];
    free(queries);
    free(rows);
    return rc == 0 ? 0 : fail(rc, "looking for rows");
}

/* ---- verdicts ---- */

int replay_chunk_judge(struct replay_parts *p, int32_t partition,
                       struct replay_piece *piece)
{
    if (piece->judged)
        return 0;
    if (piece->header == RECORD_HEADER_NEWER)
        return command_fail(COMMAND_DATA,
                            "%d-%d-%" PRId64
                            " is of %s rule set %d, which "
                            "this release lacks: replay with a newer one",
                            p->c->log, partition, piece->offset,
                            piece->chain.name, piece->rules);
    judge_payload(p->judge, &piece->chain, piece->rules, piece->value,
                  &piece->verdict);
    piece->judged = true;
    return 0;
}
