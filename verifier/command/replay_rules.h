/*
 * verifier/command/replay_rules.h: a range judged again by another rule set.
 *
 *      row                    by set 4            revision
 *      verified, duplicate    verified            none: the same
 *      verified, duplicate    rejected: high_s    rejected, high_s
 *      rejected: low_gas      rejected: high_s    rejected, high_s
 *      quarantined            verified            verified
 *
 * No row changes and nothing is announced. What differs goes into table
 * revisions; a record of a finished range without a revision is judged the same
 * by both.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_REPLAY_RULES_H
#define VERIFIER_COMMAND_REPLAY_RULES_H

#include "verifier/command/replay_chunk.h"
#include "verifier/command/replay_pace.h"
#include "verifier/command/replay_state.h"

#define REPLAY_DIFFERENCES 10

/* One record whose row says something else. */
struct replay_difference {
    int64_t offset;
    enum ledger_kind was;
    enum reason was_reason; /* REASON_NONE unless rejected; a reason this
                               release does not know is none, too */
    enum reason is_reason;  /* REASON_NONE: verified */
};

struct replay_rules_counts {
    uint64_t looked;         /* records that were read */
    uint64_t not_applicable; /* of a namespace without that set */
    uint64_t rowless;        /* without a row: nothing to compare with */
    uint64_t same, differ;
    uint64_t verified, rejected; /* of those that differ: what they are by it */
    uint64_t expired;            /* offsets that retention took meanwhile */
    struct replay_difference first[REPLAY_DIFFERENCES];
};

struct replay_rules {
    struct replay_pace pace;
    struct replay_chunk *chunk; /* room */
    struct replay_rules_counts counts;
};

/*
 * Runs `r` to its end; with r->id 0 it compares and writes nothing. Returns 0,
 * or a command_exit after printing why: the same replay may be run again then
 * and goes on where it stands.
 */
int replay_rules_run(struct replay_rules *s, struct replay *r) MUST_CHECK;

#endif
