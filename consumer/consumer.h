/*
 * consumer/consumer.h: one topic, read on the loop, by a group or alone.
 *
 *      brokers -> librdkafka -> eventfd -> loop -> events.record(r)
 *
 * With a group, a rebalance is two steps: assigned() says which partitions are
 * ours, and nothing is delivered until consumer_start() says from where; up to
 * 8 s may pass in between. Without a group there is no assigned(): the first
 * consumer_start() assigns.
 *
 * Thread: loop thread only; every event comes on it, never from inside a call
 * of this header (but for failed(), which may come from consumer_start()).
 * Memory: librdkafka's queue, 64 MiB, and what the caller has not released.
 */
#ifndef CONSUMER_CONSUMER_H
#define CONSUMER_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/loop.h"
#include "consumer/batch.h"
#include "schemas/base/check.h"

struct consumer;
struct kafka_config;

/* Places without a number, for consumer_place.offset. */
#define CONSUMER_END (-1)   /* after the last record there is now */
#define CONSUMER_BEGIN (-2) /* the first record that is kept */
#define CONSUMER_COMMITTED                                                     \
    (-3) /* what the group committed, else out of                              \
            range */

struct consumer_place {
    int32_t partition;
    int64_t offset; /* of the first record wanted, or CONSUMER_... */
};

/* Every member is set, but `end`, `gone` and `unsure` may be NULL: then reading
 * goes on as if nothing had happened. */
struct consumer_events {
    /* These are ours: find out where to start, then consumer_start(). */
    void (*assigned)(void *arg, const int32_t *partitions, size_t count);
    /* All of them are gone (eager); nothing is delivered until the next
     * assigned() and consumer_start(). `lost`: somebody else may own them
     * already. */
    void (*revoked)(void *arg, bool lost);
    /* One record; takes it. Offsets rise per partition; gaps are allowed. */
    void (*record)(void *arg, struct record *r);
    /* Everything below `offset` was delivered; nothing more is there now. */
    void (*end)(void *arg, int32_t partition, int64_t offset);
    /* The wanted offset is not in the log (expired, or never was). Nothing
     * comes from this partition until consumer_restart(). */
    void (*out_of_range)(void *arg, int32_t partition, int64_t offset);
    /* This consumer is of no use any more: close it, open another or exit. */
    void (*failed)(void *arg, int code, const char *why);
    /* The partition is not there any more: somebody deleted the topic, and may
     * make another of its name. Nothing comes from this partition until
     * consumer_restart(); before that, prove that it is the log you know. */
    void (*gone)(void *arg, int32_t partition);
    /* Some fetch was refused: a leader moved, or the topic was deleted and may
     * be another by now, which would go on without a word. Reading goes on 100
     * ms later; a stage that must not mistake one log for another reads all its
     * partitions from the record before its position again. May come for
     * nothing. */
    void (*unsure)(void *arg);
};

struct consumer_options {
    struct loop *loop;
    const struct kafka_config *config; /* borrowed during consumer_open() */
    const char *name;   /* for logs, metrics and the client id; borrowed for
                         * ever (a literal) */
    const char *topic;  /* copied */
    const char *group;  /* copied; NULL: no group */
    const char *header; /* name of the header records carry; copied; NULL: none
                         */
    int session_ms;     /* 0: 6,000 */
    int heartbeat_ms;   /* 0: 300 */
    const struct consumer_events *events; /* borrowed for ever */
    void *arg;                            /* given to every event */
};

/*
 * Opens a consumer and, with a group, begins to join it. No broker needs to
 * answer yet. Returns 0 and the consumer, which the caller closes, or
 *   FAIL_SETTING  the library refuses a setting; it is logged.
 *   FAIL_SYSTEM   no memory, thread or descriptor.
 */
int consumer_open(const struct consumer_options *o,
                  struct consumer **out) MUST_CHECK;

/*
 * Starts delivery: the whole assignment, every partition once. From inside
 * assigned() or later; again, it replaces the whole assignment. With a group it
 * does nothing after a revoked() that was not followed by an assigned(), so a
 * late answer of a database is harmless. Nothing is paused afterwards.
 */
void consumer_start(struct consumer *c, const struct consumer_place *places,
                    size_t count);

/*
 * Reads one started partition again from `offset` (a number or CONSUMER_...);
 * the others go on with their next record. What is paused stays paused, but
 * for this partition. Several in one turn cost as much as one. Does nothing for
 * a partition that is not started.
 */
void consumer_restart(struct consumer *c, int32_t partition, int64_t offset);

/*
 * Stops and continues one partition's fetching. Idempotent. After
 * consumer_pause() no record of the partition is delivered until
 * consumer_resume(); none is lost in between. Pausing throws prefetched records
 * away, so use it with a wide hysteresis. Nothing for a partition not started.
 */
void consumer_pause(struct consumer *c, int32_t partition);
void consumer_resume(struct consumer *c, int32_t partition);

/*
 * Tells the group that everything below `offset` is done: advisory, for lag
 * tools, asynchronous, sent at most once a second per partition.
 * Nothing without a group or for a partition not started.
 */
void consumer_commit(struct consumer *c, int32_t partition, int64_t offset);

/*
 * Asks what the group has committed for our partitions: somebody may have
 * reset it, which does nothing here and should be said. `done` comes once,
 * on the loop, within 10 s, with rc 0 and one place per partition of ours
 * (offset -1: nothing committed), or FAIL_UNREACHABLE; never after
 * consumer_close(). Returns 0, FAIL_BUSY while one is under way, or
 * FAIL_UNSUPPORTED without a group or before consumer_start().
 */
typedef void (*consumer_committed_fn)(void *arg, int rc,
                                      const struct consumer_place *places,
                                      size_t count);
int consumer_committed(struct consumer *c, consumer_committed_fn done,
                       void *arg) MUST_CHECK;

/* Is any broker connected? False before the first answer. */
bool consumer_connected(const struct consumer *c);

/* Why the last thing failed; "" when nothing did. Borrowed until the next. */
const char *consumer_why(const struct consumer *c);

/*
 * Leaves the group and ends the consumer. No event comes any more, but for
 * `closed` (may be NULL), once, on the loop, within 10 s even when no broker
 * answers. All records must be released before. NULL is fine: `closed` is then
 * called at once.
 */
void consumer_close(struct consumer *c, loop_fn closed, void *arg);

#endif
