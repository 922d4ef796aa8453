/*
 * consumer/assignment.h: the partitions a consumer reads, and where it is in
 * each.
 *
 * The library forgets or moves on in cases where we must not, so we keep: the
 * next offset of each partition, whether we paused it, and whether the library
 * knows where to go on after that.
 *
 * Thread: one at a time. Pure. Memory: grows with the number of partitions.
 */
#ifndef CONSUMER_ASSIGNMENT_H
#define CONSUMER_ASSIGNMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/consumer.h"

struct assignment_part {
    int32_t id;
    bool started;   /* records are wanted from here */
    bool paused;    /* by us, in the library too */
    bool missed;    /* a record came while it was paused, and was dropped */
    bool stuck;     /* out of range: the library fetches nothing */
    int64_t next;   /* the next offset to deliver, or CONSUMER_... */
    int64_t commit; /* to be committed; -1: nothing new */
};

/* Ordered by id. Zero-filled is an empty one. */
struct assignment {
    struct assignment_part *parts;
    size_t count;
};

void assignment_fini(struct assignment *a);

/* Replaces everything: these are ours, none is started. */
void assignment_own(struct assignment *a, const int32_t *partitions,
                    size_t count);

/*
 * Starts `places`, and stops what is not among them. With `only_owned` places
 * that are not ours are left out; otherwise they become ours. Returns how many
 * are started.
 */
size_t assignment_start(struct assignment *a,
                        const struct consumer_place *places, size_t count,
                        bool only_owned);

/* NULL when it is not ours. Borrowed until the next own or start. */
struct assignment_part *assignment_find(const struct assignment *a,
                                        int32_t partition);

/* The same, and started. */
struct assignment_part *assignment_find_started(const struct assignment *a,
                                                int32_t partition);

/*
 * A record arrived. True: deliver it (and next is moved). False: it was
 * delivered before or nobody wants it now; drop it.
 */
bool assignment_accept(struct assignment *a, int32_t partition, int64_t offset);

enum assignment_resume {
    ASSIGNMENT_RESUME_NOTHING, /* it was not paused */
    ASSIGNMENT_RESUME_PLAIN,   /* the library knows where to go on */
    ASSIGNMENT_RESUME_AGAIN    /* it does not: assign again at `next` */
};

/*
 * What resuming this partition takes. The library goes back to the last record
 * it gave us; it does not when it was paused before it had looked up a place
 * without a number, nor when it gave us a record that we dropped.
 */
enum assignment_resume assignment_resume(struct assignment_part *p);

#endif
