/*
 * notifier/gateway/catchup.h: brings one subscription from a cursor to now.
 *
 *   cursor ........ ring_from .......... ring_next = now
 *      | from the topic |   from the ring     | live
 *
 * In small steps, each of which ends when the listener's queue is not nearly
 * empty, so that a slow one costs nothing; all catch-ups together may use a few
 * milliseconds of a turn. The last step and the change to live are one.
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_CATCHUP_H
#define NOTIFIER_GATEWAY_CATCHUP_H

#include "schemas/cursor.h"

/* A resume reads at most so many results from the topic. */
#define CATCHUP_RESULTS_MAX 200000

struct gateway;
struct intake;
struct subscription;
struct catchup;
struct catchup_pool;

enum catchup_reach {
    CATCHUP_RING,    /* the rings have all of it */
    CATCHUP_TOPIC,   /* the topic may have the rest: ask */
    CATCHUP_TOO_FAR, /* more than a resume may read */
    CATCHUP_OTHER    /* a cursor of another log, or of no log of ours */
};

/*
 * How far back a cursor lies. `out_from`, with one offset for every partition
 * of the intake, is where delivery would start.
 */
enum catchup_reach catchup_reach(const struct intake *in,
                                 const struct cursor *c,
                                 struct cursor *out_from);

/* The catch-ups of a process, and their share of a turn. */
struct catchup_pool *catchup_pool_open(struct gateway *g);
void catchup_pool_close(struct catchup_pool *p);
size_t catchup_pool_count(const struct catchup_pool *p);

/* A catch-up of `sub` from `from`, waiting for probe or start. */
struct catchup *catchup_open(struct catchup_pool *p, struct subscription *sub,
                             const struct cursor *from);
void catchup_close(struct catchup *c);

/* Asks the topic whether it still has what is missing; subscription_probed()
 * comes later. */
void catchup_probe(struct catchup *c);

/* Begins to send; subscription_caught_up() comes later, never from inside. */
void catchup_start(struct catchup *c);

/* The listener's queue has room again. */
void catchup_poke(struct catchup *c);

/* Everything below it that matches was queued. */
const struct cursor *catchup_next(const struct catchup *c);

#endif
