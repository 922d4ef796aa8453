/*
 * verifier/lane.h: one partition of ours: its works in offset order, and how
 * far each step has come.
 *
 *      announced       position                    next_offset
 *      v               v                           v
 *      [ sent | to send | writing | judged, judging ]
 *        acked          looking
 *
 * Works are judged in any order; everything after that happens in offset order,
 * because each step takes only the works that follow the last it took. The
 * window counts what is not announced yet: a partition that far ahead of its
 * announcements takes nothing more (10,000 records or 16 MiB), which also
 * bounds what a successor reads again.
 *
 * Pure: no I/O, no clock. Thread: loop thread.
 */
#ifndef VERIFIER_LANE_H
#define VERIFIER_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/partition.h"
#include "consumer/window.h"
#include "verifier/proof.h"
#include "verifier/work.h"

/* Why a partition is stopped: each has an entry in the run book. */
enum lane_stop {
    LANE_RUNS,
    LANE_NOT_PLANTED,    /* no position in the database: `tidemill init` */
    LANE_TOPIC_GONE,     /* the topic is not there (any more) */
    LANE_UNKNOWN_LOG,    /* not the log we know: `tidemill log adopt` */
    LANE_NEWER_RULES,    /* a rule set we lack: newer image, or `log pass` */
    LANE_BREAKER,        /* too many records refused by the database */
    LANE_RESULTS_UNKNOWN /* the results topic lost its offsets */
};

struct lane {
    struct partition partition; /* its state; moved by lane_move() only */
    enum lane_stop stop;
    int64_t retry_ms; /* monotonic: when a stopped lane looks again */
    struct proof proof;

    int64_t next_offset;    /* the consumer's next one is at least this */
    int64_t position;       /* first offset without a row, as we know it */
    int64_t results_offset; /* of the last acked result; -1: none yet */
    int64_t raised;         /* `announced` as the database has it */
    int64_t since_ms;       /* lane_waits_since(), as it was last asked */

    struct work **ring; /* works in offset order */
    size_t capacity;    /* slots in it */
    size_t head;        /* slot of the oldest */
    size_t count;
    size_t sent;    /* the first `sent` works are with the outlet */
    size_t decided; /* the first `decided` works are what the rows say */
    size_t busy;    /* after those, so many are with the ledger */
    size_t bytes;   /* of all works in the ring */
    size_t bytes_max;
    struct window window;

    int quarantined; /* by the database, since quarantined_ms */
    int64_t quarantined_ms;
};

/* An idle lane. Returns NULL only when there is no memory. */
struct lane *lane_open(int32_t partition, size_t count_max, size_t bytes_max);

/* Lets all works go, and frees the lane. NULL is fine. */
void lane_close(struct lane *l);

/* Lets all works go: what is under way is answered to nobody. */
void lane_forget(struct lane *l);

/*
 * Begins at a position that was just read: forgets all, and says by
 * l->proof.start where to read from. `announced` may be above what is kept.
 */
void lane_begin(struct lane *l, int64_t position, int64_t announced,
                int64_t results_offset, const uint8_t *last_sha256);

/* Announcing begins at `offset`: what was below it has expired. */
void lane_announced_from(struct lane *l, int64_t offset);

/* Nothing more is to be fetched: what was taken waits for its announcement. One
 * record may overshoot the limit in bytes. */
bool lane_is_full(const struct lane *l);

/* Half empty again: fetching may go on. */
bool lane_is_half(const struct lane *l);

/* Takes a work; its offset is at or above next_offset, and the ring
 * has room: !lane_is_full(), or one more that was under way already. */
void lane_take(struct lane *l, struct work *w);

/*
 * The i-th work after those that are decided or with the ledger, when it and
 * all before it are judged: what the ledger may be given next. NULL: none.
 */
struct work *lane_ready(const struct lane *l, size_t i);

/* The next `count` works are with the ledger. */
void lane_start(struct lane *l, size_t count);

/* The ledger gave them back: decided, or to be given again. */
void lane_decided(struct lane *l);
void lane_undecided(struct lane *l);

/* The next work to announce (after lane_unsent() it may be acked already, or
 * still be with the outlet); NULL: none. */
struct work *lane_to_send(const struct lane *l);
void lane_sent(struct lane *l);

/*
 * The result of `w` is in its topic, or nothing is to be announced for it.
 * Finished works at the front leave the ring.
 */
void lane_acked(struct lane *l, struct work *w);

/* Nothing is known about what was sent and not acked: send it again. */
void lane_unsent(struct lane *l);

/* Everything below is announced. */
int64_t lane_announced(const struct lane *l);

/*
 * Since when, in wall-clock milliseconds, something here waits to be announced;
 * 0: nothing does. It is the append time of the oldest record. A lane that is
 * stopped or looks for its position holds none, and waits since it was last
 * seen to, or since `now_ms`.
 */
int64_t lane_waits_since(struct lane *l, int64_t now_ms);

/* "not_planted", ... Static. */
const char *lane_stop_name(enum lane_stop stop);

/* One sentence for the log and the status: what to do. Static. */
const char *lane_stop_advice(enum lane_stop stop);

#endif
