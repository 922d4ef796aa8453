/*
 * consumer/reader.h: ranges of one topic, read without a group.
 *
 * For repair, resume, lag and reconcile: "give me partition 3 from 100 to 180".
 * One fetch is active per partition; more of them wait in order, up to a limit.
 *
 * Thread: loop thread only; record and done functions come on it, never from
 * inside a call of this header.
 * Memory: librdkafka's queue (queue_kbytes) and fetches_max waiting ranges.
 */
#ifndef CONSUMER_READER_H
#define CONSUMER_READER_H

#include <stddef.h>
#include <stdint.h>

#include "consumer/base/loop.h"
#include "consumer/batch.h"
#include "schemas/base/check.h"

struct reader;
struct kafka_config;

/* For `to`: up to the end of the log as it is found. */
#define READER_END INT64_MAX

struct reader_options {
    struct loop *loop;
    const struct kafka_config *config; /* borrowed during reader_open() */
    const char *name;   /* for logs and client id; borrowed for ever */
    const char *topic;  /* copied */
    const char *header; /* as in consumer_options */
    size_t fetches_max; /* active and waiting; 0: 256 */
    int queue_kbytes;   /* prefetched; 0: 65,536: less makes 2.0.2 pause */
    int deadline_ms;    /* a fetch without any progress ends; 0: 10,000 */
};

/* One record of the range, *borrowed* for the call. */
typedef void (*reader_record_fn)(void *arg, const struct record *r);

/*
 * The end of a fetch. `next_offset` is where the next fetch would go on.
 *   0                 every record of the range was given
 *   FAIL_GONE         `from` is not in the log: below its start (next_offset is
 *                     the start) or above its end (next_offset is the end); no
 *                     record was given
 *   FAIL_TIMEOUT      no progress for deadline_ms
 *   FAIL_UNREACHABLE  the brokers refuse, the topic is not there, or the reader
 *                     was closed
 */
typedef void (*reader_done_fn)(void *arg, int rc, int64_t next_offset);

/* `start`: the first offset kept; `end`: the one after the last. */
typedef void (*reader_offsets_fn)(void *arg, int rc, int64_t start,
                                  int64_t end);

/*
 * Opens a reader. No broker needs to answer yet. Returns 0 and the reader,
 * which the caller closes, or FAIL_SETTING, FAIL_SYSTEM.
 */
int reader_open(const struct reader_options *o, struct reader **out) MUST_CHECK;

/*
 * Reads [from, to) of a partition, in order; `to` may be READER_END. An empty
 * range is done at once (from the loop). Returns 0, and `done` comes exactly
 * once, or
 *   FAIL_FULL  fetches_max are active or waiting.
 */
int reader_fetch(struct reader *r, int32_t partition, int64_t from, int64_t to,
                 reader_record_fn record, reader_done_fn done,
                 void *arg) MUST_CHECK;

/*
 * Ends every fetch and every reader_offsets() with this `arg`: neither records
 * nor done come any more.
 */
void reader_cancel(struct reader *r, const void *arg);

/*
 * Asks for a partition's start and end, with deadline_ms. Returns 0, and `done`
 * comes exactly once (rc 0, FAIL_TIMEOUT, FAIL_UNREACHABLE or FAIL_NOT_FOUND),
 * or FAIL_FULL.
 */
int reader_offsets(struct reader *r, int32_t partition, reader_offsets_fn done,
                   void *arg) MUST_CHECK;

/*
 * Ends the reader. Fetches under way are done with FAIL_UNREACHABLE before
 * `closed` (may be NULL), which comes on the loop within 10 s. NULL is fine.
 */
void reader_close(struct reader *r, loop_fn closed, void *arg);

#endif
