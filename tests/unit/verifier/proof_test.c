/*
 * tests/unit/verifier/proof_test.c: every log that a verifier may find.
 *
 * A small world stands in for the brokers: a log that keeps [begin, end), whose
 * record at `offset` has the fingerprint of its generation, or is a gap. The
 * proof is driven against all of them, and its answer is compared with the
 * truth.
 *
 * From: ctest.
 * To:   verifier/proof.c.
 */
#include "verifier/proof.h"

#include <string.h>

#include "tests/support/harness.h"

#define OFFSETS 6

struct world {
    int64_t begin, end; /* offsets kept */
    unsigned gaps;      /* bit per offset: no record there */
    bool recreated;     /* other records than those we wrote about */
};

static void fingerprint(bool recreated, int64_t offset, uint8_t out[32])
{
    memset(out, recreated ? 0xee : 0x11, 32);
    out[0] = (uint8_t)offset;
}

/* Reads from `from` as the consumer would, until the proof ends. */
static enum proof_move read_from(struct proof *p, const struct world *w,
                                 int64_t from)
{
    enum proof_move m;
    uint8_t sha256[32];
    int64_t offset;

    if (from < w->begin || from > w->end)
        return proof_out_of_range(p);
    for (offset = from; offset < w->end; offset++) {
        if ((w->gaps >> offset & 1u) != 0)
            continue;
        fingerprint(w->recreated, offset, sha256);
        m = proof_record(p, offset, proof_wants(p, offset) ? sha256 : NULL);
        if (m != PROOF_WAIT)
            return m;
    }
    return proof_end(p, w->end);
}

static enum proof_move prove(const struct world *w, int64_t position,
                             int64_t announced, bool has_last)
{
    struct proof p;
    enum proof_move m;
    uint8_t last[32];
    int readings = 0;

    fingerprint(false, position - 1, last);
    proof_init(&p, position, announced, has_last ? last : NULL);
    if (p.step == PROOF_DONE)
        return PROOF_KNOWN;
    m = read_from(&p, w, p.start);
    while (m == PROOF_READ_BEGIN || m == PROOF_READ_EXACT) {
        EXPECT(++readings < 3);
        m = read_from(&p, w, m == PROOF_READ_BEGIN ? w->begin : p.position);
    }
    return m;
}

/* Calls `check` for every log, position and announced up to the bound. */
static void all_worlds(void (*check)(const struct world *, int64_t position,
                                     int64_t announced))
{
    struct world w;
    int64_t position, announced;
    int recreated;

    for (w.begin = 0; w.begin <= OFFSETS; w.begin++) {
        for (w.end = w.begin; w.end <= OFFSETS; w.end++) {
            for (w.gaps = 0; w.gaps < 1u << OFFSETS; w.gaps++) {
                for (recreated = 0; recreated < 2; recreated++) {
                    w.recreated = recreated;
                    for (position = 1; position <= OFFSETS; position++) {
                        for (announced = 0; announced <= position; announced++)
                            check(&w, position, announced);
                    }
                }
            }
        }
    }
}

static bool kept(const struct world *w, int64_t offset)
{
    return offset >= w->begin && offset < w->end &&
           (w->gaps >> offset & 1u) == 0;
}

static void never_trusts_another_record(const struct world *w, int64_t position,
                                        int64_t announced)
{
    enum proof_move m = prove(w, position, announced, true);

    if (w->recreated && kept(w, position - 1))
        EXPECT_INT(m, PROOF_UNKNOWN_LOG);
    if (!w->recreated && kept(w, position - 1))
        EXPECT_INT(m, PROOF_KNOWN);
}

TEST(proof_compares_the_record_before_the_position_wherever_it_is_kept)
{
    all_worlds(never_trusts_another_record);
}

static void stops_when_the_log_cannot_hold_the_position(const struct world *w,
                                                        int64_t position,
                                                        int64_t announced)
{
    enum proof_move m = prove(w, position, announced, true);

    if (w->end < position)
        EXPECT(kept(w, position - 1) || m == PROOF_UNKNOWN_LOG);
    /* Records that were never judged have expired: that is a loss, not a gap.
     */
    if (w->begin > position)
        EXPECT_INT(m, PROOF_UNKNOWN_LOG);
}

TEST(proof_stops_when_the_log_ends_below_or_begins_above_the_position)
{
    all_worlds(stops_when_the_log_cannot_hold_the_position);
}

static void goes_on_when_the_last_record_expired(const struct world *w,
                                                 int64_t position,
                                                 int64_t announced)
{
    enum proof_move m = prove(w, position, announced, true);

    if (w->begin == position && w->end >= position)
        EXPECT_INT(m, PROOF_UNPROVEN);
}

TEST(proof_goes_on_unproven_when_the_record_before_the_position_has_expired)
{
    all_worlds(goes_on_when_the_last_record_expired);
}

static void a_planted_position_needs_no_proof(const struct world *w,
                                              int64_t position,
                                              int64_t announced)
{
    EXPECT_INT(prove(w, position, announced, false), PROOF_KNOWN);
}

TEST(proof_is_not_needed_before_the_first_batch)
{
    all_worlds(a_planted_position_needs_no_proof);
}
