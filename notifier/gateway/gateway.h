/*
 * notifier/gateway/gateway.h: the process as one object: sources, rings,
 * listeners, answers.
 *
 *   source --event--> fanout --flush at the end of the turn--> subscribers
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_GATEWAY_H
#define NOTIFIER_GATEWAY_GATEWAY_H

#include "consumer/base/loop.h"
#include "notifier/gateway/subscriber.h"
#include "schemas/cursor.h"

struct kafka_config;
struct catchup_pool;
struct fanout;
struct history;
struct intake;
struct reader;
struct source;
struct stats;

struct gateway_options {
    struct loop *loop;
    const struct kafka_config *config; /* these live as long as it does */
    const char *topic_results;
    const char *topic_submitted;
    const char *redis_url;
    const char *database_url;
    const char *listen;
    const char *origins; /* "" same host only, "*", or a list with commas */
    bool open;           /* the firehose without a token */
    size_t clients_max;
    size_t subscriptions_max; /* of one client */
    size_t ring_count_max;    /* 0: the ring's own */
    size_t queued_bytes_max;  /* of one client */
};

struct gateway;

/*
 * Opens everything; nobody needs to answer yet. Returns 0, FAIL_SETTING or
 * FAIL_SYSTEM (logged).
 */
int gateway_open(const struct gateway_options *o,
                 struct gateway **out) MUST_CHECK;

/* Sends every listener away (1001), in waves; then `done`. */
void gateway_drain(struct gateway *g, loop_fn done, void *arg);
void gateway_close(struct gateway *g);

/* The port it listens on. */
int gateway_port(const struct gateway *g);

/* Can it do its own work? Otherwise says why not. */
bool gateway_ready(const struct gateway *g, struct buffer *why);

/* One JSON object about the process. */
void gateway_status(const struct gateway *g, struct buffer *json);

/* ---- for the files of this folder ---- */

struct loop *gateway_loop(const struct gateway *g);
const struct gateway_options *gateway_options(const struct gateway *g);
struct fanout *gateway_fanout(struct gateway *g);
struct history *gateway_history(struct gateway *g);
struct catchup_pool *gateway_catchups(struct gateway *g);
struct reader *gateway_reader(struct gateway *g);

/* NULL until the topic is known. */
const struct intake *gateway_intake(const struct gateway *g);

/* The positions now, as text. Borrowed until something arrives. */
const char *gateway_cursor(struct gateway *g);

/* Sends what is gathered now. Not from inside receive(). */
void gateway_flush(struct gateway *g);

/* The list of listeners. */
void gateway_enter(struct gateway *g, struct subscriber *s);
void gateway_leave(struct gateway *g, struct subscriber *s);
size_t gateway_clients(const struct gateway *g);

/* Its queue was full in this flush: it will fall behind after it. */
void gateway_overflowed(struct gateway *g, struct subscriber *s);

/* Listeners that are behind now. */
size_t *gateway_behind(struct gateway *g);

/* Whether listeners may come: everything is read, and we are not draining. */
bool gateway_serving(const struct gateway *g);

/* Counts a listener that was cut with this code. */
void gateway_count_cut(struct gateway *g, int code);

/* Counts lookups under way: false when there are `most` already. */
bool gateway_lookup_begin(struct gateway *g, size_t most);
void gateway_lookup_end(struct gateway *g);

/* What went by, and where it came from. */
const struct stats *gateway_stats(const struct gateway *g);
const struct source *gateway_source(const struct gateway *g);

/* The end of each partition of the records' topic, -1 where not known. */
const int64_t *gateway_submitted_ends(struct gateway *g);

/* Is the page's or script's Origin one that may read us? */
bool gateway_origin_allowed(const struct gateway *g, struct bytes origin,
                            struct bytes host);

#endif
