/*
 * consumer/outlet.h: records on their way to the brokers.
 *
 *      outlet_send() -> librdkafka -> brokers
 *      done(report)  <- eventfd <- librdkafka
 *
 * Idempotent, acks=all. Each send is answered exactly once with what is known:
 *
 *      PERSISTED      on all in-sync replicas, at this partition and offset
 *      NOT_PERSISTED  certainly not in the log: send again as you like
 *      UNKNOWN        may be in the log, now or later
 *
 * When librdkafka declares itself unusable (a fatal error of idempotence), the
 * outlet makes another one: what was under way is reported UNKNOWN, and sending
 * goes on.
 *
 * Thread: loop thread only; reports come on it, never from inside
 * outlet_send(). Memory: records_max slots at open, and at most bytes_max in
 * the library.
 */
#ifndef CONSUMER_OUTLET_H
#define CONSUMER_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/loop.h"
#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

struct outlet;
struct kafka_config;

enum outlet_outcome { OUTLET_PERSISTED, OUTLET_NOT_PERSISTED, OUTLET_UNKNOWN };

struct outlet_report {
    enum outlet_outcome outcome;
    int32_t partition; /* -1 when not persisted */
    int64_t offset;    /* -1 when not persisted */
    int64_t append_ms; /* the broker's clock; -1 when not known */
    const char *why;   /* words; "" when persisted; borrowed for the call */
};

typedef void (*outlet_fn)(void *arg, const struct outlet_report *r);

#define OUTLET_TOPICS_MAX 4

struct outlet_options {
    struct loop *loop;
    const struct kafka_config *config; /* copied */
    const char *name;          /* for logs, metrics, client id; borrowed for
                                * ever (a literal) */
    const char *const *topics; /* copied; outlet_send() takes an index */
    size_t topic_count;        /* 1..OUTLET_TOPICS_MAX */
    const char *header;        /* name of the header; copied; NULL: none */
    int linger_ms;             /* kafka_linger_ms(replication factor) */
    int message_timeout_ms;    /* 0: never give up */
    size_t records_max;        /* under way at a time; 0: 100,000 */
    size_t bytes_max;          /* under way at a time; 0: 256 MiB */
    size_t record_bytes_max;   /* key and value of one; 0: 1,000,000 */
};

/*
 * Opens an outlet. No broker needs to answer yet. Returns 0 and the outlet,
 * which the caller closes, or
 *   FAIL_SETTING  the library refuses a setting; it is logged.
 *   FAIL_SYSTEM   no memory, thread or descriptor.
 */
int outlet_open(const struct outlet_options *o, struct outlet **out) MUST_CHECK;

/*
 * Sends one record to topics[topic]. `partition` -1: chosen by key as Java
 * clients do (murmur2; random without a key). `key`, `value` and `header_value`
 * may have data NULL: null, or no header. The bytes are copied. Returns 0, and
 * `done` comes exactly once, or (then never)
 *   FAIL_FULL         a limit is reached: answer "later".
 *   FAIL_TOO_BIG      larger than record_bytes_max or the library's limit.
 *   FAIL_NOT_FOUND    the topic has no such partition.
 *   FAIL_UNREACHABLE  the outlet is closing, or cannot be made again just now.
 */
int outlet_send(struct outlet *o, int topic, int32_t partition,
                struct bytes key, struct bytes value, struct bytes header_value,
                outlet_fn done, void *arg) MUST_CHECK;

/*
 * The partition, of `partitions`, that outlet_send() chooses for a key of one
 * byte at least.
 */
int32_t outlet_partition_of(struct bytes key, int32_t partitions);

/* What was sent and not reported yet. */
struct outlet_backlog {
    size_t count; /* records */
    size_t bytes; /* of their keys and values */
};
struct outlet_backlog outlet_backlog(const struct outlet *o);

/* Is any broker connected? False before the first answer. */
bool outlet_connected(const struct outlet *o);

/* Why the last thing failed; "" when nothing did. Borrowed until the next. */
const char *outlet_why(const struct outlet *o);

/*
 * For tests: the library declares itself unusable, as it does after an
 * OUT_OF_ORDER from a broker.
 */
void outlet_break(struct outlet *o);

/*
 * Calls `done` once, on the loop, when everything sent so far was reported, or
 * after `deadline_ms`: then what is left is reported UNKNOWN before it. One at
 * a time; sending goes on meanwhile.
 */
void outlet_flush(struct outlet *o, int deadline_ms, loop_fn done, void *arg);

/*
 * outlet_flush(), then the end of the outlet. From the call on, outlet_send()
 * is refused. `closed` (may be NULL) comes on the loop, after the last report.
 * NULL is fine: `closed` is then called at once.
 */
void outlet_close(struct outlet *o, int deadline_ms, loop_fn closed, void *arg);

#endif
