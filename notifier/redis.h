/*
 * notifier/redis.h: one connection to Redis that keeps itself.
 *
 * Redis is a wire, never the truth: what is published while it is away is
 * lost, and said to be lost. A connection is either for publishing or, once
 * redis_subscribe() was called, for listening; Redis 6 wants it so. It connects
 * again by itself, with back-off and jitter, sends AUTH and SELECT, and
 * subscribes again. Every second it asks for a sign of life; a peer that gives
 * none within the deadline (stopped, unplugged) is dropped.
 *
 * Thread: the loop's. Memory: what is queued is bounded by queued_bytes_max.
 */
#ifndef NOTIFIER_REDIS_H
#define NOTIFIER_REDIS_H

#include "consumer/base/loop.h"
#include "schemas/base/bytes.h"

struct redis;

struct redis_options {
    struct loop *loop;
    const char *name; /* for the log: "publish"; a literal */
    const char *url;  /* redis://[[user]:password@]host[:port][/db] or
                         unix:///path[?db=n]; copied */
    int connect_ms; /* until AUTH, SELECT and SUBSCRIBE are through; 0: 3000 */
    int silence_ms; /* without a sign of life; 0: 3000 */
    size_t queued_bytes_max; /* published, not yet answered; 0: 32 MiB */
    /* Up: ready to publish, or all subscriptions stand. Down: everything that
     * was not answered is lost. Called on changes only. */
    void (*state)(void *arg, bool up, const char *why);
    /* A published message. Bytes live until it returns. May be NULL. */
    void (*message)(void *arg, struct bytes channel, struct bytes text);
    void *arg;
};

/*
 * Reads the URL and starts to connect; state() comes later.
 *
 * Returns 0, or
 *   FAIL_SETTING   the URL is not one we can use; `*out_why` says what is
 *                  wrong with it (static words, never the URL itself).
 */
int redis_open(const struct redis_options *o, struct redis **out_redis,
               const char **out_why) MUST_CHECK;

/* Ends the connection. state() is not called any more. Accepts NULL. Not from
 * inside state() or message(). */
void redis_close(struct redis *r);

/* Whether state(up) was the last word. */
bool redis_up(const struct redis *r);

/*
 * Sends PUBLISH; the bytes are copied. Commands of a turn leave in one write.
 *
 * Returns 0 (sent, perhaps never delivered), or
 *   FAIL_UNREACHABLE   there is no connection.
 *   FAIL_FULL          queued_bytes_max are unanswered.
 */
int redis_publish(struct redis *r, struct bytes channel, struct bytes text);

/*
 * Listens to `channel` from now on, over every reconnect. Call before the first
 * state(up), or at any later time; a listening connection cannot publish.
 */
void redis_subscribe(struct redis *r, const char *channel);

/* Bytes published and not answered yet. */
size_t redis_queued_bytes(const struct redis *r);

#endif
