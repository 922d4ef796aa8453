/*
 * consumer/kafka_assign.h: our assignment, said to the library; for consumer.c.
 *
 * Thread: loop thread only.
 */
#ifndef CONSUMER_KAFKA_ASSIGN_H
#define CONSUMER_KAFKA_ASSIGN_H

#include <stddef.h>
#include <stdint.h>

#include "consumer/assignment.h"
#include "consumer/base/loop.h"
#include "consumer/kafka.h"
#include "schemas/base/check.h"

struct rd_kafka_s;

/*
 * Assigns every started partition that is not stuck at its next offset, and
 * nothing else. What the library had fetched for any of them is thrown away, so
 * none is delivered that was fetched before. Returns 0, or FAIL_BROKEN with
 * words in `out_why`.
 */
int kafka_assign(struct rd_kafka_s *handle, const char *topic,
                 const struct assignment *a,
                 char out_why[KAFKA_WHY_MAX + 1]) MUST_CHECK;

/* Assigned to nothing, while positions are read. */
void kafka_assign_nothing(struct rd_kafka_s *handle);

/* No assignment any more: the answer to a revocation. */
void kafka_unassign(struct rd_kafka_s *handle);

/* Waits until the last assignment has taken effect: some microseconds of the
 * library's main thread. Before whatever else changes the assignment. */
void kafka_settle(struct rd_kafka_s *handle);

/* One partition. The library keeps the mark until kafka_resume(), whatever is
 * assigned in between. */
void kafka_pause(struct rd_kafka_s *handle, const char *topic,
                 int32_t partition);
void kafka_resume(struct rd_kafka_s *handle, const char *topic,
                  int32_t partition);

/* Sends what is to be committed, if anything is, without waiting. */
void kafka_commit(struct rd_kafka_s *handle, const char *topic,
                  struct assignment *a);

/*
 * Asks what the group has committed for these partitions, beside the loop.
 * Returns 0, and `done` comes once within 6 s; or FAIL_UNSUPPORTED when there
 * is no partition, FAIL_SYSTEM when there is no thread. The handle is not ended
 * before `done`.
 */
int kafka_committed(struct loop *l, struct rd_kafka_s *handle,
                    const char *topic, const struct assignment *a,
                    consumer_committed_fn done, void *arg) MUST_CHECK;

#endif
