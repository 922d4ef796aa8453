/*
 * consumer/kafka_handle.h: what every client handle of ours has in common; for
 * the files that kafka.h, consumer.h, outlet.h and reader.h are built of.
 *
 * Thread: stated at each function.
 */
#ifndef CONSUMER_KAFKA_HANDLE_H
#define CONSUMER_KAFKA_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/loop.h"
#include "consumer/kafka.h"
#include "schemas/base/check.h"

struct metric;
struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_queue_s;

/* What librdkafka tells us about a handle, every few seconds. */
struct kafka_watch {
    const char *name;       /* of the handle; a literal */
    bool connected;         /* any broker is up */
    int64_t wakeups;        /* of the handle so far */
    struct metric *metric;  /* tidemill_kafka_wakeups_total */
    struct metric *brokers; /* tidemill_kafka_brokers_up */
};

/* Starts a watch; `name` goes into labels. Loop thread. */
void kafka_watch_init(struct kafka_watch *w, const char *name);

/* Another handle under the same name: its counters start at 0. */
void kafka_watch_restart(struct kafka_watch *w);

/* Takes one statistics text (JSON of librdkafka). Any thread, one at a time. */
void kafka_watch_take(struct kafka_watch *w, struct bytes json);

/* What is in a statistics text. Pure. */
struct kafka_stats {
    int64_t wakeups; /* of all broker threads, since the handle was made */
    int brokers_up;
};
struct kafka_stats kafka_stats_read(struct bytes json);

/* One setting of a handle. Optional: a library that lacks it is fine. */
struct kafka_rule {
    const char *name, *value;
    bool optional;
};

/*
 * A library configuration: ours for every handle, then `defaults`, then what
 * the operator set, then `fixed`, which nobody overrides. Logs go to our log.
 * Returns 0 and the configuration, which the caller gives to rd_kafka_new() or
 * destroys; or FAIL_SETTING, logged. Any thread.
 */
int kafka_conf_make(const struct kafka_config *config, const char *name,
                    const struct kafka_rule *defaults, size_t default_count,
                    const struct kafka_rule *fixed, size_t fixed_count,
                    struct rd_kafka_conf_s **out) MUST_CHECK;

/*
 * A handle from a configuration, which is consumed either way. `out_why` gets
 * words on failure. Returns 0, FAIL_SETTING or FAIL_SYSTEM. Any thread.
 */
int kafka_handle_new(bool producer, struct rd_kafka_conf_s *conf,
                     char out_why[KAFKA_WHY_MAX + 1],
                     struct rd_kafka_s **out) MUST_CHECK;

/* A line of the library's log, into ours. For handles that listen to the log
 * themselves. Any thread. */
void kafka_log_take(const struct rd_kafka_s *handle, int level,
                    const char *facility, const char *text);

/* The librdkafka error as one of our codes. Any thread. */
int kafka_fail(int rd_error);

/* False for what the library has logged by itself: a broker that is away. */
bool kafka_error_is_news(int rd_error);

/* May another log line about brokers go out just now? Counts those that may
 * not, and reports them with the next that may. Any thread. */
bool kafka_log_allowed(void);

/*
 * A wake-up of the loop for a library queue: an eventfd that the library writes
 * when the queue was empty and is not any more. Loop thread.
 */
struct kafka_wire;
int kafka_wire_open(struct loop *l, const char *name,
                    struct rd_kafka_queue_s *queue, loop_fn run, void *arg,
                    struct kafka_wire **out) MUST_CHECK;

/* Stops waking. Before the queue is destroyed. NULL is fine. */
void kafka_wire_close(struct kafka_wire *w);

/*
 * Destroys a handle on a thread of its own, since that may block, and calls
 * `closed` on the loop when it is done or after `deadline_ms`. Everything that
 * refers to the handle (queues, topics, messages) has been given back. Loop
 * thread.
 */
void kafka_handle_end(struct loop *l, struct rd_kafka_s *handle,
                      int deadline_ms, loop_fn closed, void *arg);

/*
 * Asks brokers for facts about topics, blocking at most about `deadline_ms`.
 * Returns 0, or a FAIL_ code; `out` is filled as far as it got and says why.
 * Any thread but the loop.
 */
int kafka_facts_ask(struct rd_kafka_s *handle, const char *const *topics,
                    size_t topic_count, int deadline_ms,
                    struct kafka_facts *out) MUST_CHECK;

/*
 * The start and end of one partition, blocking at most about `deadline_ms`.
 * Returns 0 or a FAIL_ code. Any thread but the loop.
 */
int kafka_offsets_ask(struct rd_kafka_s *handle, const char *topic,
                      int32_t partition, int deadline_ms, int64_t *out_start,
                      int64_t *out_end) MUST_CHECK;
/* The first offset at or after a time; -1: none is. */
int kafka_offset_at_ask(struct rd_kafka_s *handle, const char *topic,
                        int32_t partition, int64_t ms, int deadline_ms,
                        int64_t *out);

/*
 * Turns a library message into a record that owns it. `header` names the one to
 * look for; NULL: none. Loop thread.
 */
struct record;
struct rd_kafka_message_s;
void kafka_record_take(struct rd_kafka_message_s *message, const char *header,
                       struct record *out);

#endif
