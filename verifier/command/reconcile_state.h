/*
 * verifier/command/reconcile_state.h: what a reconcile has read so far, between
 * the file that reads and the one that says it.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_RECONCILE_STATE_H
#define VERIFIER_COMMAND_RECONCILE_STATE_H

#include "schemas/record.h"
#include "verifier/command/cluster.h"
#include "verifier/command/spans.h"
#include "verifier/command/tally.h"

/* A replay that wrote rows: of these offsets a row may be of another kind. */
struct reconcile_replay {
    int32_t partition;
    int64_t from, to;
};

struct reconcile {
    struct cluster c;
    bool json;
    struct command_progress *progress;
    struct tally tallies[CLUSTER_PARTITIONS_MAX];
    struct spans spans[CLUSTER_PARTITIONS_MAX];
    /* Where the oldest kept leaf begins, and the end of the ranges read. */
    int64_t first_kept[CLUSTER_PARTITIONS_MAX];
    int64_t ledger_next[CLUSTER_PARTITIONS_MAX];
    uint64_t ledger_faults;      /* ranges that do not follow the one before */
    struct record_id first_hole; /* where one does not */
    struct reconcile_replay *replays;
    size_t replay_count;
    uint64_t twins; /* transactions with two rows */
    char first_twin[80];
    uint64_t done; /* records and rows read */
    /* what a callback is about */
    int kind;
    uint64_t got; /* rows of the last fetch */
};

/* Records above the position, and rows that are not announced. */
uint64_t reconcile_waiting(const struct reconcile *r);
uint64_t reconcile_unannounced(const struct reconcile *r);

/*
 * Compares what was read and prints it. Returns COMMAND_OK, or COMMAND_DIFFERS.
 */
int reconcile_say(struct reconcile *r);

#endif
