/*
 * deploy/ctl/results.h: when the brokers appended each result: the one time
 * that no client sees.
 *
 *      results_open()    notes where every partition of the topic ends
 *      ... transactions are sent and judged ...
 *      results_read()    every result since then, with its append time
 *
 * Thread: main thread; each call waits, with a deadline, and ends at Ctrl-C.
 */
#ifndef DEPLOY_CTL_RESULTS_H
#define DEPLOY_CTL_RESULTS_H

#include <stdint.h>

#include "schemas/base/check.h"

struct loop;
struct results;

/* `append_ms`: the broker's clock. */
typedef void (*results_fn)(void *arg, const uint8_t hash[32],
                           int64_t append_ms);

/* Returns 0, or a command_exit after printing why. */
int results_open(struct loop *loop, const char *brokers, const char *topic,
                 struct results **out) MUST_CHECK;

/* Reads up to the end, in no order across partitions. The same returns. */
int results_read(struct results *r, results_fn each, void *arg) MUST_CHECK;

/* NULL is fine. */
void results_close(struct results *r);

#endif
