/*
 * verifier/command/replay_rules.c: reads, judges by the other set, compares
 * with the rows, notes what differs.
 *
 *      chunk       0 1 2 3 4 5      its row says    v v r v d r
 *      set 4                                        v r r v v v
 *      revisions   1 5 in one statement with the replay's own move to 6
 *
 * The row is the witness of the first verdict, not a second judging: a rule set
 * never changes, but a row is what clients were told. Revisions are written
 * once per record and set, so that a range may be replayed as often as one
 * likes.
 *
 * From: verifier/command/replay.c.
 * To:   tables revisions and replays, in one statement.
 */
#include "verifier/command/replay_rules.h"

#include <inttypes.h>
#include <stdlib.h>

#include "consumer/base/postgres_array.h"
#include "schemas/base/fail.h"

/* ---- what the rows say ---- */

struct reasons {
    struct replay_chunk *k;
    enum reason *of; /* one a piece */
};

/* Both are in the order of offsets. */
static void take_reasons(void *arg, const struct postgres_answer *a)
{
    struct reasons *w = arg;
    size_t at = 0;
    int i;

    for (i = 0; i < a->rows; i++) {
        int64_t offset = postgres_cell_i64(a, i, 0, -1);

        while (at < w->k->count && w->k->pieces[at].offset < offset)
            at++;
        if (at < w->k->count && w->k->pieces[at].offset == offset)
            w->of[at] = reason_find(postgres_cell(a, i, 1));
    }
}

#define REASONS                                                                \
    "SELECT off, reason FROM tidemill.rejections WHERE log = $1 AND "          \
    "partition = $2 AND off >= $3 AND off < $4 ORDER BY off"

static int read_reasons(struct replay_rules *s, int32_t partition,
                        enum reason *of)
{
    struct cluster *c = s->pace.parts->c;
    struct reasons w = {s->chunk, of};
    uint8_t at[4][8];
    struct postgres_param params[] = {
        postgres_i32(c->log, at[0]),
        postgres_i32(partition, at[1]),
        postgres_i64(s->chunk->from, at[2]),
        postgres_i64(s->chunk->to, at[3]),
    };
    size_t i;

    for (i = 0; i < s->chunk->count; i++)
        if (s->chunk->pieces[i].row.kind == LEDGER_REJECTED)
            return cluster_ask(c, REASONS, params, 4, take_reasons, &w,
                               "rejections");
    return 0;
}

/* ---- comparing ---- */

struct revisions {
    struct postgres_array offsets, verdicts, reasons;
};

static void revisions_init(struct revisions *v)
{
    postgres_array_init(&v->offsets, POSTGRES_INT8_ARRAY);
    postgres_array_init(&v->verdicts, POSTGRES_TEXT_ARRAY);
    postgres_array_init(&v->reasons, POSTGRES_TEXT_ARRAY);
}

static void revisions_fini(struct revisions *v)
{
    postgres_array_fini(&v->offsets);
    postgres_array_fini(&v->verdicts);
    postgres_array_fini(&v->reasons);
}

static void differs(struct replay_rules *s, const struct replay_difference *d,
                    struct revisions *v)
{
    struct replay_rules_counts *n = &s->counts;
    bool verified = d->is_reason == REASON_NONE;

    if (n->differ < REPLAY_DIFFERENCES)
        n->first[n->differ] = *d;
    n->differ++;
    n->verified += verified;
    n->rejected += !verified;
    postgres_array_i64(&v->offsets, d->offset);
    postgres_array_bytes(&v->verdicts,
                         bytes_text(verified ? "verified" : "rejected"));
    postgres_array_bytes(&v->reasons,
                         verified ? BYTES_NONE
                                  : bytes_text(reason_name(d->is_reason)));
}

/* What a row says, and what the set says: the same? A reason that this release
 * has no word for is none of those it gives. */
static bool is_same(const struct replay_difference *d)
{
    switch (d->was) {
    case LEDGER_VERIFIED:
    case LEDGER_DUPLICATE:
        return d->is_reason == REASON_NONE;
    case LEDGER_REJECTED:
        return d->is_reason != REASON_NONE && d->is_reason == d->was_reason;
    case LEDGER_QUARANTINED:
    case LEDGER_NO_ROW:
        break;
    }
    return false;
}

static void compare(struct replay_rules *s, const struct replay *r,
                    const struct replay_piece *piece, enum reason was,
                    struct revisions *v)
{
    struct replay_difference d = {piece->offset, piece->row.kind, was,
                                  REASON_NONE};
    struct verdict verdict;

    if (r->rules > chain_rules_newest(piece->chain.ns)) {
        s->counts.not_applicable++;
        return;
    }
    if (d.was == LEDGER_NO_ROW) {
        s->counts.rowless++;
        return;
    }
    judge_payload(s->pace.parts->judge, &piece->chain, r->rules, piece->value,
                  &verdict);
    d.is_reason = verdict.reason;
    if (is_same(&d))
        s->counts.same++;
    else
        differs(s, &d, v);
}

/* ---- writing ---- */

/* All or nothing: who believes the replay stands elsewhere writes nothing. */
#define NOTE                                                                   \
    "WITH moved AS (UPDATE tidemill.replays SET next_off = $3, "               \
    "announced = $3 WHERE id = $1 AND next_off = $2 AND announced = $2 AND "   \
    "finished_at IS NULL AND rules IS NOT NULL "                               \
    "RETURNING log, partition, rules), "                                       \
    "noted AS (INSERT INTO tidemill.revisions "                                \
    "(log, partition, off, rules, verdict, reason) "                           \
    "SELECT m.log, m.partition, d.off, m.rules, d.verdict, d.reason "          \
    "FROM moved m, unnest($4::bigint[], $5::text[], $6::text[]) "              \
    "AS d(off, verdict, reason) ON CONFLICT DO NOTHING) "                      \
    "SELECT count(*)::bigint FROM moved"

static void take_count(void *arg, const struct postgres_answer *a)
{
    *(int64_t *)arg = postgres_cell_i64(a, 0, 0, 0);
}

static int note(struct replay_rules *s, struct replay *r, int64_t to,
                struct revisions *v)
{
    uint8_t at[3][8];
    struct postgres_param params[] = {
        postgres_i64(r->id, at[0]),
        postgres_i64(r->next, at[1]),
        postgres_i64(to, at[2]),
        postgres_array_param(&v->offsets),
        postgres_array_param(&v->verdicts),
        postgres_array_param(&v->reasons),
    };
    int64_t moved = 0;
    int rc = cluster_ask(s->pace.parts->c, NOTE, params, 6, take_count, &moved,
                         "revisions");

    if (rc == 0 && moved != 1)
        rc = command_fail(COMMAND_TEMPORARY,
                          "replay %" PRId64
                          " stands elsewhere: another process runs it",
                          r->id);
    if (rc == 0)
        r->next = r->announced = to;
    return rc;
}

/* ---- all of it ---- */

static int compare_chunk(struct replay_rules *s, struct replay *r)
{
    struct replay_chunk *k = s->chunk;
    enum reason *was = calloc(k->count + 1, sizeof(*was));
    struct revisions v;
    size_t i;
    int rc;

    CHECK(was != NULL);
    revisions_init(&v);
    rc = read_reasons(s, r->partition, was);
    for (i = 0; i < k->count && rc == 0; i++)
        compare(s, r, &k->pieces[i], was[i], &v);
    if (rc == 0 && r->id != 0)
        rc = note(s, r, k->to, &v);
    revisions_fini(&v);
    free(was);
    s->counts.looked += k->count;
    s->counts.expired += (uint64_t)k->gone;
    return rc;
}

int replay_rules_run(struct replay_rules *s, struct replay *r)
{
    int64_t at = r->next;
    int rc = 0;

    replay_pace_start(&s->pace);
    while (at < r->to && rc == 0) {
        rc =
            replay_chunk_read(s->chunk, s->pace.parts, r->partition, at, r->to);
        if (rc == 0)
            rc = compare_chunk(s, r);
        at = s->chunk->to;
        if (rc == 0)
            rc = replay_pace_wait(&s->pace, s->chunk->count, s->counts.looked);
    }
    return rc == 0 && r->id != 0 ? replay_finish(s->pace.parts->c, r) : rc;
}
