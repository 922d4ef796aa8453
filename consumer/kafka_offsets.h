/*
 * consumer/kafka_offsets.h: where partitions start and end, asked one at a time
 * beside the loop; for reader.c.
 *
 * Thread: loop thread only.
 */
#ifndef CONSUMER_KAFKA_OFFSETS_H
#define CONSUMER_KAFKA_OFFSETS_H

#include <stddef.h>
#include <stdint.h>

#include "consumer/base/loop.h"
#include "consumer/reader.h"
#include "schemas/base/check.h"

struct rd_kafka_s;
struct kafka_offsets;

/* `handle` and `topic` are borrowed until kafka_offsets_close() is done. Never
 * NULL. One answer takes at most deadline_ms, and never more than 5 s. */
struct kafka_offsets *kafka_offsets_open(struct loop *l,
                                         struct rd_kafka_s *handle,
                                         const char *topic, size_t count_max,
                                         int deadline_ms);

/*
 * Asks about one partition. Returns 0, and `done` comes once, never from inside
 * this call; or FAIL_FULL when count_max wait already.
 */
int kafka_offsets_give(struct kafka_offsets *q, int32_t partition,
                       reader_offsets_fn done, void *arg) MUST_CHECK;

/* Whoever asked with this `arg` gets no answer any more. */
void kafka_offsets_cancel(struct kafka_offsets *q, const void *arg);

/* Answers FAIL_UNREACHABLE to everybody who waits, now. */
void kafka_offsets_refuse(struct kafka_offsets *q);

/* Ends it; nobody waits any more. `closed` comes on the loop when the handle is
 * not used any more, or from inside the call. */
void kafka_offsets_close(struct kafka_offsets *q, loop_fn closed, void *arg);

#endif
