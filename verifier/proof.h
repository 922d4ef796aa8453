/*
 * verifier/proof.h: is the log in front of us the log we wrote about?
 *
 * The ledger keeps, beside the position, the SHA-256 of the record just before
 * it (key, value, append time). Before anything at or above the position is
 * judged, that record is read and compared. A topic that was deleted and made
 * again has another record there; one that was truncated has none.
 *
 *      start = min(announced, position - 1)
 *
 *      EARLY   reading from start            |  the record is there: compare
 *        | start is not in the log           |  a later one came: offset gap
 *      BEGIN   reading what is kept          |
 *        | it begins at or after position    |
 *      EXACT   reading from the position     |  delivered, or end of log there:
 *        | that is not in the log either     |  it has merely expired
 *      unknown log: stop the partition
 *
 * Pure: events in, moves out. Thread: one at a time.
 */
#ifndef VERIFIER_PROOF_H
#define VERIFIER_PROOF_H

#include <stdbool.h>
#include <stdint.h>

enum proof_move {
    PROOF_WAIT,       /* nothing is decided by this event */
    PROOF_KNOWN,      /* the record is there: go on */
    PROOF_UNPROVEN,   /* nothing contradicts, nothing proves: go on, say so */
    PROOF_READ_BEGIN, /* read again from the first record that is kept */
    PROOF_READ_EXACT, /* read again from the position */
    PROOF_UNKNOWN_LOG /* stop: this is not the log we know */
};

enum proof_step { PROOF_EARLY, PROOF_BEGIN, PROOF_EXACT, PROOF_DONE };

struct proof {
    int64_t position;        /* first offset without a row */
    int64_t start;           /* where reading began */
    bool has_last;           /* is there a record to compare with? */
    uint8_t last_sha256[32]; /* of the record just before the position */
    enum proof_step step;
};

/*
 * Begins. `announced` is at most `position`; `last_sha256` may be NULL when the
 * position was planted and nothing has been written yet: then there is nothing
 * to prove. proof->start says where to read from; when proof->step is
 * PROOF_DONE already, nothing needs to be proved.
 */
void proof_init(struct proof *p, int64_t position, int64_t announced,
                const uint8_t *last_sha256);

/*
 * A record at `offset` came by, in offset order; `sha256` is its fingerprint
 * and is needed only when proof_wants() says so (else NULL).
 */
enum proof_move proof_record(struct proof *p, int64_t offset,
                             const uint8_t *sha256);

/* Does proof_record() need the fingerprint of the record at `offset`? */
bool proof_wants(const struct proof *p, int64_t offset);

/* The offset asked for is not in the log. */
enum proof_move proof_out_of_range(struct proof *p);

/* The log ends: the next record will have `offset`. */
enum proof_move proof_end(struct proof *p, int64_t offset);

#endif
