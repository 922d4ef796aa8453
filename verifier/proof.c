/*
 * verifier/proof.c: the few moves between "assigned" and "this is our log".
 *
 * Each step is tried once, so the proof ends after at most three readings.
 *
 * From: verifier/intake.c, with what the consumer delivers after an assignment.
 * To:   verifier/intake.c, which reads again, goes on, or stops the partition.
 */
#include "verifier/proof.h"

#include <string.h>

#include "schemas/base/check.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void proof_init(struct proof *p, int64_t position, int64_t announced,
                const uint8_t *last_sha256)
{
    CHECK(announced <= position);
    *p = (struct proof){.position = position, .step = PROOF_EARLY};
    if (last_sha256 == NULL || position == 0) {
        p->start = announced < 0 ? position : announced;
        p->step = PROOF_DONE;
        return;
    }
    p->has_last = true;
    memcpy(p->last_sha256, last_sha256, sizeof(p->last_sha256));
    p->start = least(announced, position - 1);
}

bool proof_wants(const struct proof *p, int64_t offset)
{
    return p->step != PROOF_DONE && offset == p->position - 1;
}

static enum proof_move finish(struct proof *p, enum proof_move move)
{
    p->step = PROOF_DONE;
    return move;
}

enum proof_move proof_record(struct proof *p, int64_t offset,
                             const uint8_t *sha256)
{
    if (p->step == PROOF_DONE || offset < p->position - 1)
        return PROOF_WAIT;
    if (offset == p->position - 1) {
        CHECK(sha256 != NULL);
        if (memcmp(sha256, p->last_sha256, sizeof(p->last_sha256)) == 0)
            return finish(p, PROOF_KNOWN);
        return PROOF_UNKNOWN_LOG;
    }
    if (p->step == PROOF_BEGIN) {
        p->step = PROOF_EXACT;
        return PROOF_READ_EXACT;
    }
    /* EARLY: the offset just before the position is a gap (a control record).
     * EXACT: what was there has expired. */
    return finish(p, PROOF_UNPROVEN);
}

enum proof_move proof_out_of_range(struct proof *p)
{
    switch (p->step) {
    case PROOF_EARLY:
        p->step = PROOF_BEGIN;
        return PROOF_READ_BEGIN;
    case PROOF_BEGIN:
        p->step = PROOF_EXACT;
        return PROOF_READ_EXACT;
    case PROOF_EXACT:
    case PROOF_DONE:
        break;
    }
    return PROOF_UNKNOWN_LOG;
}

enum proof_move proof_end(struct proof *p, int64_t offset)
{
    switch (p->step) {
    case PROOF_DONE:
        return offset < p->position ? PROOF_UNKNOWN_LOG : PROOF_WAIT;
    case PROOF_EARLY:
        /* The log holds `start` and ends below the position: truncated. */
        if (offset < p->position)
            return PROOF_UNKNOWN_LOG;
        return finish(p, PROOF_UNPROVEN);
    case PROOF_BEGIN:
        p->step = PROOF_EXACT;
        return PROOF_READ_EXACT;
    case PROOF_EXACT:
        break;
    }
    if (offset < p->position)
        return PROOF_UNKNOWN_LOG;
    return finish(p, PROOF_UNPROVEN);
}
