/*
 * notifier/gateway/submitted.h: how far the topic of records goes, for telling
 * how far behind we are.
 *
 * Asked only when somebody wants to know, one partition after the other.
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_SUBMITTED_H
#define NOTIFIER_GATEWAY_SUBMITTED_H

#include "consumer/base/loop.h"
#include "schemas/cursor.h"

struct kafka_config;
struct submitted;

/* Returns 0, or FAIL_SETTING, FAIL_SYSTEM. `config` is borrowed for the call,
 * `topic` for the object's life. */
int submitted_open(struct loop *loop, const struct kafka_config *config,
                   const char *topic, struct submitted **out) MUST_CHECK;
void submitted_close(struct submitted *s);

/*
 * The end of each partition, -1 where it is not known. Asks for newer ones of
 * the first `partitions`, at most every two seconds.
 */
const int64_t *submitted_ends(struct submitted *s, size_t partitions);

#endif
