/*
 * consumer/partition.h: what an assigned partition is doing.
 *
 *           assigned            position_known
 *      idle --------> locating ----------------> fetching
 *                       ^  ^ |                    |   ^
 *              released |  | | fault  window_full |   | window_half
 *                       |  | v                    v   |
 *                     stopped <----- fault ----- paused
 *
 *      fetching, paused -- position_lost --> locating
 *      any of them -- revoked --> draining -- drained --> gone
 *
 * The table of moves is in partition.c; partition_move() is the only function
 * that changes a state.
 *
 * Thread: one at a time. Pure: no clock, no I/O, no memory.
 */
#ifndef CONSUMER_PARTITION_H
#define CONSUMER_PARTITION_H

#include <stdint.h>

/* X(state, name) */
#define PARTITION_STATES(X)                                                    \
    X(PARTITION_IDLE, "idle")         /* not ours yet */                       \
    X(PARTITION_LOCATING, "locating") /* ours; where do we start? */           \
    X(PARTITION_FETCHING, "fetching") /* records come */                       \
    X(PARTITION_PAUSED, "paused")     /* the window is full */                 \
    X(PARTITION_STOPPED, "stopped")   /* it needs an operator */               \
    X(PARTITION_DRAINING, "draining") /* no longer ours; work in flight */     \
    X(PARTITION_GONE, "gone")         /* no longer ours; nothing in flight */

/* X(event, name) */
#define PARTITION_EVENTS(X)                                                    \
    X(PARTITION_ASSIGNED, "assigned")                                          \
    X(PARTITION_POSITION_KNOWN, "position_known")                              \
    X(PARTITION_POSITION_LOST, "position_lost") /* fenced, database away */    \
    X(PARTITION_WINDOW_FULL, "window_full")                                    \
    X(PARTITION_WINDOW_HALF, "window_half")                                    \
    X(PARTITION_FAULT, "fault")       /* not the log we know, newer rules */   \
    X(PARTITION_RELEASED, "released") /* the operator let it go on */          \
    X(PARTITION_REVOKED, "revoked")                                            \
    X(PARTITION_DRAINED, "drained")

#define PARTITION_ENUM(value, name) value,
enum partition_state { PARTITION_STATES(PARTITION_ENUM) PARTITION_STATE_COUNT };
enum partition_event { PARTITION_EVENTS(PARTITION_ENUM) PARTITION_EVENT_COUNT };
#undef PARTITION_ENUM

struct partition {
    int32_t id;
    enum partition_state state; /* moved only by partition_move() */
    uint32_t generation;        /* raised by each move to locating: work of an
                                 * older one is not ours any more */
};

/* One row of the table: the documentation, the log text and the test oracle. */
struct partition_rule {
    enum partition_state from;
    enum partition_event event;
    enum partition_state to;
    const char *why;
};

/* An idle partition of generation 0. */
void partition_init(struct partition *p, int32_t id);

/* The row for this state and event; NULL: the event is not possible there. */
const struct partition_rule *partition_rule(enum partition_state state,
                                            enum partition_event event);

/*
 * Moves, and returns the row that was followed, for the log. An event that the
 * table does not list is our own mistake and stops the process: ask
 * partition_rule() where it is not certain.
 */
const struct partition_rule *partition_move(struct partition *p,
                                            enum partition_event event);

/* Static names, as in the lists above. */
const char *partition_state_name(enum partition_state state);
const char *partition_event_name(enum partition_event event);

#endif
