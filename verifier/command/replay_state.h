/*
 * verifier/command/replay_state.h: where replays stand, in table replays.
 *
 *      from          announced      next                    to
 *      v             v              v                       v
 *      [ announced   | written      | not looked at yet     )
 *
 * Both numbers move by compare-and-set only: of two processes of one replay,
 * the one that believes something else learns it and stops. The rows of a batch
 * move `next` in their own transaction (ledger_replay); the functions here move
 * it over records that have their rows already.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_REPLAY_STATE_H
#define VERIFIER_COMMAND_REPLAY_STATE_H

#include "verifier/command/cluster.h"

struct replay {
    int64_t id; /* 0: a preview, nothing is stored of it */
    int32_t partition;
    int64_t from, to, next, announced;
    int rules; /* judged again by this set, for revisions; 0: rows are written
                */
};

/*
 * All of these return 0 or a command_exit after printing why. Those that move
 * return COMMAND_TEMPORARY when the replay stands elsewhere.
 */

/* Replays of this log by these rules (0: of rows) that are not finished,
 * oldest first. */
int replay_unfinished(struct cluster *c, int rules, struct replay *out,
                      size_t max, size_t *out_count) MUST_CHECK;

/*
 * Creates one over the partition, [from, to) and rules of `wanted`. The
 * statement itself checks that the live position is at or above `to`, that
 * nothing of it was in a dropped leaf, and that no unfinished replay by the
 * same rules overlaps it: COMMAND_DATA otherwise.
 */
int replay_create(struct cluster *c, const struct replay *wanted,
                  struct replay *out) MUST_CHECK;

/* Reads both numbers again. */
int replay_read(struct cluster *c, struct replay *r) MUST_CHECK;

/* All of [next, to) have their rows, and next is announced: moves both. */
int replay_skip(struct cluster *c, struct replay *r, int64_t to) MUST_CHECK;

/* Everything below next is announced. */
int replay_raise(struct cluster *c, struct replay *r) MUST_CHECK;

/* next and announced are at the end. */
int replay_finish(struct cluster *c, struct replay *r) MUST_CHECK;

/* The end of the newest dropped leaf, of each partition: nothing below it is
 * written any more. `out` has room for all partitions of the cluster. */
int replay_floors(struct cluster *c, int64_t *out) MUST_CHECK;

#endif
