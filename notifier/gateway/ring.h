/*
 * notifier/gateway/ring.h: the last results of one partition, without a hole.
 *
 * A ring knows every result of [from, next): what it does not hold in that
 * range does not exist, is no result, or repeats one that it holds. An entry
 * that does not follow empties the ring. It also is the memory against repeats:
 * a record id and type that it holds is not new.
 *
 * Thread: loop thread only. Memory: count_max entries and bytes_max bytes of
 * JSON; grows as it fills.
 */
#ifndef NOTIFIER_GATEWAY_RING_H
#define NOTIFIER_GATEWAY_RING_H

#include "schemas/run.h"

#define RING_COUNT_MAX 16384
#define RING_BYTES_MAX (16 << 20)

struct ring;

/* An empty ring that knows [next, next). */
struct ring *ring_open(size_t count_max, size_t bytes_max, int64_t next);

/* Frees everything. Accepts NULL. */
void ring_close(struct ring *r);

/* First offset it knows about. */
int64_t ring_from(const struct ring *r);

/* First offset it does not know about yet. */
int64_t ring_next(const struct ring *r);

/* Results it holds. */
size_t ring_count(const struct ring *r);

/* Forgets everything: knows [next, next). */
void ring_reset(struct ring *r, int64_t next);

/*
 * Says that the topic was read, or proved, from `from` up to before `to`, with
 * the results added by ring_add() in that range. `from` above ring_next() would
 * leave a hole, so it empties the ring first.
 */
void ring_cover(struct ring *r, int64_t from, int64_t to);

/*
 * Adds the result at e->offset, at or above ring_next(); copies it. The caller
 * vouches that nothing lies between ring_next() and it. Returns true when it is
 * new, false when it repeats an entry (then only the range grows).
 */
bool ring_add(struct ring *r, const struct run_event *e);

/*
 * The first entry at or above `offset`, borrowed until the next change; false
 * when there is none. Walk with offset = out->offset + 1.
 */
bool ring_find(const struct ring *r, int64_t offset,
               struct run_event *out_event);

/* The newest entry (`back` 0), the one before it (1), and so on; false when
 * there are not so many. */
bool ring_recent(const struct ring *r, size_t back,
                 struct run_event *out_event);

#endif
