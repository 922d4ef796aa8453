/*
 * verifier/pool.h: threads that judge, in any order.
 *
 *      pool_add() ... -> queue -> N threads -> finished list -> wake -> done()
 *
 * The loop thread hands works over once a turn, and gets them back once a turn,
 * so that the price of a wake-up is shared. A thread takes a few at a time:
 * fewer when little waits, so that no thread idles beside a full one.
 *
 * Thread: every call on the loop thread. Memory: as many works as the lanes'
 * windows allow; the pool has no limit of its own.
 */
#ifndef VERIFIER_POOL_H
#define VERIFIER_POOL_H

#include <stddef.h>

#include "consumer/base/loop.h"
#include "verifier/judge.h"
#include "verifier/work.h"

struct pool;

/* One work that was judged; on the loop thread, in any order. */
typedef void (*pool_fn)(void *arg, struct work *w);

/* All of this turn's works were given back. */
struct pool_options {
    struct loop *loop;
    const struct judge *judge; /* outlives the pool */
    int threads;               /* 1 or more */
    pool_fn judged;            /* a work given back */
    loop_fn turn_end;          /* after the last one of a turn */
    void *arg;                 /* given to both */
};

/* Opens a pool. Returns 0, or FAIL_SYSTEM when a thread cannot be started. */
int pool_open(const struct pool_options *o, struct pool **out) MUST_CHECK;

/*
 * What a record without a (well-formed) header is judged by: the log's default
 * chain and rule set. Set before the first pool_add().
 */
void pool_defaults(struct pool *p, const struct chain *chain, int rules);

/* Adds a work, to be judged after this turn of the loop. */
void pool_add(struct pool *p, struct work *w);

/* Works added and not given back. */
size_t pool_count(const struct pool *p);

/*
 * Ends the threads when they have judged what they hold; works still queued are
 * dropped. No `judged` comes after it. NULL is fine.
 */
void pool_close(struct pool *p);

#endif
