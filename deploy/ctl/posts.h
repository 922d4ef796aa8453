/*
 * deploy/ctl/posts.h: transactions on their way to a door, over several
 * connections.
 *
 *      posts_put() --> queue --> first idle connection --> done(item, answer)
 *
 * Thread: the loop's. Memory: the queue grows with what is put and not yet
 * sent; the bytes of a transaction are its owner's.
 */
#ifndef DEPLOY_CTL_POSTS_H
#define DEPLOY_CTL_POSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "deploy/ctl/http_client.h"

struct posts;

/* The end of one: `item` is what posts_put() was given. */
typedef void (*posts_fn)(void *arg, void *item, const struct http_outcome *o);

struct posts_options {
    struct loop *loop;
    const struct url *url; /* outlives it */
    const char *chain;     /* NULL or "": the door's, or what the bytes say */
    size_t connections;
    int answer_ms; /* 0: the client's default */
    posts_fn done;
    void *arg;
};

/* Opens; nothing is connected yet. */
struct posts *posts_open(const struct posts_options *o);

/* Queues one. `raw` stays where it is until its done(). */
void posts_put(struct posts *p, struct bytes raw, void *item);

/* Put and not done. */
size_t posts_waiting(const struct posts *p);

/* Ends all; no done() comes any more. NULL is fine. */
void posts_close(struct posts *p);

/* What a door said about one transaction. */
struct posted {
    int status;       /* HTTP; 0: no answer */
    bool stored;      /* 200 or 202 and the rest below is set */
    uint8_t hash[32]; /* its id */
    int32_t partition;
    int64_t offset;
    int64_t accepted_at_ms;
    char chain[48];
    char code[64]; /* of the problem, or the name of the FAIL_ code */
    char why[256]; /* in words; "" when stored */
};

/* Reads an outcome; what is no answer of a door has a code and words, too. */
void posted_read(const struct http_outcome *o, struct posted *out);

#endif
