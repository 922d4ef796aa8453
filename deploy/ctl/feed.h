/*
 * deploy/ctl/feed.h: events of channels, as long as anybody wants them.
 *
 *      open --subscribe, cursor--> events ... connection lost
 *              ^                                    |
 *              '---- growing pause <----------------'
 *
 * A feed remembers the newest cursor it was given, and resumes there. What the
 * gateway can no longer give is said (`ready` with recovered false), as the
 * gateway says it.
 *
 * Thread: the loop's.
 */
#ifndef DEPLOY_CTL_FEED_H
#define DEPLOY_CTL_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "deploy/ctl/url.h"
#include "schemas/base/bytes.h"

#define FEED_CHANNELS_MAX 100

struct loop;
struct feed;

/* Everything is borrowed for the call. A feed may be closed from inside. */
struct feed_events {
    /* All channels are subscribed. `first`: for the first time. */
    void (*ready)(void *arg, bool first, bool recovered);
    /* One result, JSON as the verifier wrote it, or one word of `system`. */
    void (*event)(void *arg, struct bytes channel, struct bytes json);
    /* The connection is gone, and comes again after pause_ms. */
    void (*lost)(void *arg, const char *why, int64_t pause_ms);
    /* The gateway refuses: the feed is over, but not closed. */
    void (*refused)(void *arg, const char *why);
};

struct feed_options {
    struct loop *loop;
    const struct url *url; /* outlives the feed */
    const char *const
        *channels; /* outlive it, too; at most FEED_CHANNELS_MAX */
    size_t channel_count;
    const char *cursor; /* where to resume; NULL or "": now */
    const struct feed_events *events;
    void *arg;
};

/* Starts; never fails: what goes wrong is told by `lost` and `refused`. */
struct feed *feed_open(const struct feed_options *o);

/* The newest cursor; "" when there was none yet. Borrowed. */
const char *feed_cursor(const struct feed *f);

/* NULL is fine. */
void feed_close(struct feed *f);

#endif
