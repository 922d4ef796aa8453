/*
 * producer/recent.h: what was submitted a moment ago, and what is under way.
 *
 * The same bytes while the first are under way share its outcome; the same
 * bytes a moment later are answered from memory. Keyed by SHA-256 of chain and
 * exact bytes, never by the transaction id: an id that does not cover the
 * signature could be claimed by anybody.
 *
 *      recent_find() -> none: recent_start() -> recent_finish() or _forget()
 *
 * Thread: one at a time. Memory: bounded by the two counts at open.
 */
#ifndef PRODUCER_RECENT_H
#define PRODUCER_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/check.h"
#include "schemas/chain.h"

struct recent;
struct recent_waiter; /* the owner's; linked from the entry */

struct recent_entry {
    uint8_t key[32];
    struct chain chain;
    uint8_t hash[32];
    bool finished; /* the broker has it */
    int32_t partition;
    int64_t offset;
    int64_t accepted_at_ms;         /* the broker's clock */
    int64_t started_ms;             /* monotonic */
    struct recent_waiter *waiters;  /* of an entry under way */
    struct recent_entry *in_bucket; /* recent.c's own, as are these */
    struct recent_entry *older, *newer;
};

/*
 * At most `started_max` under way and `finished_max` remembered, each for
 * `keep_ms`.
 */
void recent_open(size_t started_max, size_t finished_max, int64_t keep_ms,
                 struct recent **out);

/* Entries must have no waiters any more. NULL is fine. */
void recent_close(struct recent *r);

/* Under way, or remembered and not older than keep_ms; else NULL. */
struct recent_entry *recent_find(struct recent *r, const uint8_t key[32],
                                 int64_t now_ms);

/* A new entry under way, key and started_ms set; NULL: started_max reached. */
struct recent_entry *recent_start(struct recent *r, const uint8_t key[32],
                                  int64_t now_ms);

/* It is stored: remembered from now on; may push the oldest out. */
void recent_finish(struct recent *r, struct recent_entry *e, int64_t now_ms);

/* It is not, or nobody knows: forgotten. */
void recent_forget(struct recent *r, struct recent_entry *e);

/* The oldest entry under way; NULL: none. And the one after it. */
struct recent_entry *recent_oldest(const struct recent *r);
struct recent_entry *recent_next(const struct recent_entry *e);

size_t recent_under_way(const struct recent *r);

#endif
