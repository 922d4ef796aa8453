/*
 * notifier/publish.h: cuts each partition's results into runs.
 *
 * Results are gathered per partition until the turn ends or a run is full, then
 * handed on as one message. The chain of `previous` offsets goes on whether a
 * run arrives or not, so that a gateway notices one that did not. Pure: the
 * message goes out by a hook.
 *
 * Thread: loop thread only. Memory: one run a partition.
 */
#ifndef NOTIFIER_PUBLISH_H
#define NOTIFIER_PUBLISH_H

#include "schemas/run.h"

#define PUBLISH_PARTITIONS_MAX 256

struct publish;

/* What was handed on, since the start. */
struct publish_counts {
    uint64_t runs, events, foreign, beats, headers_only;
};

/* Takes one message: `run` is borrowed for the call. */
typedef void (*publish_fn)(void *arg, int32_t partition, struct bytes run);

struct publish *publish_open(publish_fn send, void *arg);
void publish_close(struct publish *p);

/* A partition is ours from now on: its chain begins anew. */
void publish_start(struct publish *p, int32_t partition);

/* No partition is ours any more; what is gathered is forgotten. */
void publish_stop(struct publish *p);

/*
 * The record of tx.results at `offset`, above those before it; `header` is its
 * `tm`. What is no result is passed over, and its offset still counts.
 */
void publish_record(struct publish *p, int32_t partition, int64_t offset,
                    struct bytes value, struct bytes header);

/* Everything below `next` was given to publish_record(). */
void publish_reached(struct publish *p, int32_t partition, int64_t next);

/* Headers only from the next run on, or whole runs again. */
void publish_headers_only(struct publish *p, int32_t partition, bool yes);
bool publish_is_headers_only(const struct publish *p, int32_t partition);

/* Hands on what is gathered. */
void publish_flush(struct publish *p);

/* Hands on one heartbeat for each partition whose end is known. */
void publish_beat(struct publish *p);

/* Calls `each` for every partition that has moved since the last call, with the
 * offset below which everything was handed on. */
void publish_progress(struct publish *p,
                      void (*each)(void *arg, int32_t partition, int64_t next),
                      void *arg);

/* First offset not given yet; -1: not known, or not ours. */
int64_t publish_next(const struct publish *p, int32_t partition);

const struct publish_counts *publish_counts(const struct publish *p);

#endif
