/*
 * verifier/command/replay_pass.c: looks, writes what is missing, announces what
 * it wrote.
 *
 *      chunk     0 1 2 3 4 5      has a row   y n y y n y
 *      written   1 4 in one transaction, with the replay's own move to 6
 *      announced 1 4, under their own ids; then `announced` is 6 too
 *
 * Records that have their row move the replay in great steps and without rows.
 * When the outcome of a COMMIT is not known, or after a restart, the table says
 * how far it came, and everything up to there is announced, whoever wrote it.
 *
 * From: verifier/command/replay.c.
 * To:   verifier/command/replay_parts.c, replay_state.c.
 */
#include "verifier/command/replay_pass.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

#define SKIP_RECORDS 20000 /* the table hears of a skip at least so often */
#define QUARANTINED_MAX 10 /* then it is the database's fault */
#define OUTAGES_MAX 12     /* in a row: about a minute */
#define OUTAGE_MS_MIN 100
#define OUTAGE_MS_MAX 8000

/* ---- announcing ---- */

/* Announces what `chosen` says of the chunk, as its rows say. */
static int announce(struct replay_pass *s, const struct replay *r,
                    bool (*chosen)(const struct replay_piece *piece))
{
    struct replay_chunk *k = s->chunk;
    struct announcement *all = calloc(k->count + 1, sizeof(*all));
    size_t i, count = 0;
    int rc;

    CHECK(all != NULL);
    for (i = 0; i < k->count; i++) {
        struct replay_piece *piece = &k->pieces[i];

        if (!chosen(piece))
            continue;
        all[count++] = (struct announcement){
            .id = {s->pace.parts->c->log, r->partition, piece->offset},
            .chain = &piece->chain,
            .append_ms = piece->append_ms,
            .key = piece->key,
            .value = piece->value,
            .verdict = &piece->verdict,
            .kind = piece->row.kind,
            .reason = piece->verdict.reason,
            .of = piece->row.of,
        };
    }
    rc = replay_parts_announce(s->pace.parts, all, count);
    free(all);
    if (rc < 0)
        return command_fail(COMMAND_TEMPORARY,
                            "announcing: %s; run it again, and it goes on "
                            "there",
                            fail_words(rc));
    s->counts.announced += count;
    return 0;
}

static bool has_row(const struct replay_piece *piece)
{
    return piece->judged && piece->row.kind != LEDGER_NO_ROW;
}

/* Everything of [announced, next), whoever wrote it. */
static int announce_again(struct replay_pass *s, struct replay *r)
{
    struct replay_chunk *k = s->chunk;
    int64_t at = r->announced;
    size_t i;
    int rc = 0;

    while (at < r->next && rc == 0) {
        rc = replay_chunk_read(k, s->pace.parts, r->partition, at, r->next);
        for (i = 0; i < k->count && rc == 0; i++) {
            if (k->pieces[i].row.kind == LEDGER_NO_ROW)
                s->counts.rowless++;
            else if (k->pieces[i].header != RECORD_HEADER_NEWER)
                rc = replay_chunk_judge(s->pace.parts, r->partition,
                                        &k->pieces[i]);
        }
        if (rc == 0)
            rc = announce(s, r, has_row);
        at = k->to;
        if (rc == 0)
            rc = replay_pace_wait(&s->pace, k->count, s->counts.looked);
    }
    return rc == 0 ? replay_raise(s->pace.parts->c, r) : rc;
}

/* ---- writing ---- */

static bool is_missing(const struct replay_piece *piece)
{
    return piece->row.kind == LEDGER_NO_ROW;
}

/* Set while a batch is with the ledger: those that it wrote. */
static bool is_fresh(const struct replay_piece *piece)
{
    return piece->fresh;
}

struct batch {
    struct ledger_record *records;
    struct replay_piece **pieces;
    struct ledger_batch batch;
    struct ledger_replay move;
};

/* The first `limit` of those without a row, and where the replay is then. */
static void fill(struct replay_pass *s, const struct replay *r, size_t limit,
                 struct batch *b)
{
    struct replay_chunk *k = s->chunk;
    size_t i;

    b->batch = (struct ledger_batch){.records = b->records, .replay = &b->move};
    b->move = (struct ledger_replay){r->id, r->next, r->announced, k->to, -1};
    for (i = 0; i < k->count; i++) {
        struct replay_piece *piece = &k->pieces[i];
        struct ledger_record *record = &b->records[b->batch.count];

        if (!is_missing(piece))
            continue;
        if (b->batch.count == limit) {
            b->move.to = piece->offset;
            break;
        }
        if (b->move.first < 0)
            b->move.first = piece->offset;
        *record = (struct ledger_record){
            .partition = r->partition,
            .offset = piece->offset,
            .append_ms = piece->append_ms,
            .key = piece->key,
            .value = piece->value,
            .chain = &piece->chain,
            .verdict = &piece->verdict,
        };
        if (piece->sqlstate[0] != '\0') {
            record->quarantine_sqlstate = piece->sqlstate;
            record->quarantine_detail = piece->why;
        }
        b->pieces[b->batch.count++] = piece;
    }
}

/* Its rows are there, and the replay has moved. */
static int written(struct replay_pass *s, struct replay *r, struct batch *b)
{
    size_t i;
    int rc;

    r->next = b->move.to;
    r->announced = b->move.first;
    for (i = 0; i < b->batch.count; i++) {
        struct replay_piece *piece = b->pieces[i];

        piece->row.kind = b->records[i].out_kind;
        piece->row.of = b->records[i].out_of;
        piece->fresh = true;
        s->counts.rows[piece->row.kind]++;
    }
    rc = announce(s, r, is_fresh);
    for (i = 0; i < b->batch.count; i++)
        b->pieces[i]->fresh = false;
    return rc == 0 ? replay_raise(s->pace.parts->c, r) : rc;
}

/* The database will not have this one: it goes to quarantine, like any. */
static int refused(struct replay_pass *s, struct batch *b, const char *sqlstate,
                   const char *why)
{
    struct replay_piece *piece = b->pieces[0];

    if (piece->sqlstate[0] != '\0' ||
        s->counts.rows[LEDGER_QUARANTINED] >= QUARANTINED_MAX)
        return command_fail(COMMAND_UNAVAILABLE,
                            "the database refuses too much: %s %s", sqlstate,
                            why);
    snprintf(piece->sqlstate, sizeof(piece->sqlstate), "%s", sqlstate);
    snprintf(piece->why, sizeof(piece->why), "%s", why);
    return 0;
}

struct attempt {
    size_t limit; /* records in a batch */
    int outages;  /* in a row */
};

static int wait_for_database(struct replay_pass *s, struct attempt *t,
                             const char *why)
{
    int64_t ms = (int64_t)OUTAGE_MS_MIN << t->outages;

    if (++t->outages == OUTAGES_MAX)
        return command_fail(COMMAND_UNAVAILABLE, "postgresql: %s", why);
    if (replay_parts_pause(s->pace.parts,
                           ms < OUTAGE_MS_MAX ? ms : OUTAGE_MS_MAX) < 0)
        return command_fail(COMMAND_TEMPORARY,
                            "stopped: run it again, and it goes on there");
    return 0;
}

/* One batch. *out_again: what was believed is read anew. */
static int write_some(struct replay_pass *s, struct replay *r, struct batch *b,
                      struct attempt *t, bool *out_again)
{
    enum ledger_outcome outcome;
    char sqlstate[6] = "", why[256] = "";
    int rc;

    fill(s, r, t->limit, b);
    rc = replay_parts_write(s->pace.parts, &b->batch, &outcome, sqlstate, why,
                            sizeof(why));
    if (rc == FAIL_GONE)
        return command_fail(COMMAND_TEMPORARY,
                            "stopped: run it again, and it goes on there");
    if (rc < 0)
        return wait_for_database(s, t, fail_words(rc));
    switch (outcome) {
    case LEDGER_WRITTEN:
        t->outages = 0;
        t->limit = REPLAY_CHUNK_RECORDS;
        return written(s, r, b);
    case LEDGER_BAD_DATA:
        if (b->batch.count == 1)
            return refused(s, b, sqlstate, why);
        t->limit = b->batch.count / 2;
        return 0;
    case LEDGER_FENCED:
        return command_fail(COMMAND_TEMPORARY,
                            "replay %" PRId64
                            " stands elsewhere: another "
                            "process runs it, or a leaf was dropped; run it "
                            "again",
                            r->id);
    case LEDGER_STALE:
    case LEDGER_OUTAGE:
        rc = wait_for_database(s, t, why);
        return rc == 0
                   ? replay_chunk_look(s->chunk, s->pace.parts, r->partition)
                   : rc;
    case LEDGER_UNKNOWN:
        /* The table knows. */
        *out_again = true;
        rc = wait_for_database(s, t, why);
        return rc == 0 ? replay_read(s->pace.parts->c, r) : rc;
    }
    return COMMAND_SOFTWARE;
}

static size_t count_missing(const struct replay_chunk *k)
{
    size_t i, count = 0;

    for (i = 0; i < k->count; i++)
        count += is_missing(&k->pieces[i]);
    return count;
}

static int write_chunk(struct replay_pass *s, struct replay *r, bool *out_again)
{
    struct attempt t = {.limit = REPLAY_CHUNK_RECORDS};
    struct batch b = {
        .records = calloc(REPLAY_CHUNK_RECORDS, sizeof(*b.records)),
        .pieces = calloc(REPLAY_CHUNK_RECORDS, sizeof(struct replay_piece *)),
    };
    int rc = 0;

    CHECK(b.records != NULL && b.pieces != NULL);
    while (rc == 0 && !*out_again && count_missing(s->chunk) > 0)
        rc = write_some(s, r, &b, &t, out_again);
    free(b.records);
    free(b.pieces);
    return rc;
}

/* ---- looking ---- */

static int note_missing(struct replay_pass *s, const struct replay *r,
                        struct replay_piece *piece)
{
    struct replay_counts *n = &s->counts;

    if (n->missing < REPLAY_EXAMPLES)
        n->first[n->missing] = piece->offset;
    n->missing++;
    return replay_chunk_judge(s->pace.parts, r->partition, piece);
}

static int count_chunk(struct replay_pass *s, const struct replay *r)
{
    struct replay_chunk *k = s->chunk;
    size_t i;
    int rc = 0;

    s->counts.looked += k->count;
    s->counts.expired += (uint64_t)k->gone;
    for (i = 0; i < k->count && rc == 0; i++) {
        if (!is_missing(&k->pieces[i])) {
            s->counts.present++;
            continue;
        }
        rc = note_missing(s, r, &k->pieces[i]);
        if (r->id == 0)
            s->counts.rows[k->pieces[i].verdict.verified ? LEDGER_VERIFIED
                                                         : LEDGER_REJECTED]++;
    }
    return rc;
}

/* From `next` to the end, or until the table has to be asked again. */
static int look(struct replay_pass *s, struct replay *r)
{
    struct replay_chunk *k = s->chunk;
    int64_t at = r->next;
    bool again = false;
    int rc = 0;

    while (at < r->to && rc == 0 && !again) {
        rc = replay_chunk_read(k, s->pace.parts, r->partition, at, r->to);
        if (rc == 0)
            rc = count_chunk(s, r);
        if (rc != 0)
            return rc;
        at = k->to;
        if (r->id != 0 && count_missing(k) > 0)
            rc = write_chunk(s, r, &again);
        else if (r->id != 0 && at - r->next >= SKIP_RECORDS)
            rc = replay_skip(s->pace.parts->c, r, at);
        if (rc == 0)
            rc = replay_pace_wait(&s->pace, k->count, s->counts.looked);
    }
    if (rc == 0 && r->id != 0 && !again)
        rc = replay_skip(s->pace.parts->c, r, at);
    return rc;
}

int replay_pass_run(struct replay_pass *s, struct replay *r)
{
    int rc = 0;

    replay_pace_start(&s->pace);
    if (r->id == 0)
        return look(s, r);
    while (rc == 0) {
        if (r->announced < r->next)
            rc = announce_again(s, r);
        else if (r->next < r->to)
            rc = look(s, r);
        else
            return replay_finish(s->pace.parts->c, r);
    }
    return rc;
}
