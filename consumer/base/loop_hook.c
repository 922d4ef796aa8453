/*
 * consumer/base/loop_hook.c: work that waits for the end of a turn.
 *
 * A turn may bring many events for one object (a hundred acks of one request);
 * what they cause together is done once, by a hook. Armed hooks stand in a
 * list; whoever arms during a run joins its end and still runs before the loop
 * blocks, up to some rounds, after which other events get their turn first.
 *
 * From: consumer/base/loop.c, before every poll.
 * To:   whoever armed.
 */
#include <stdlib.h>

#include "consumer/base/loop_inside.h"

/* Hooks that keep arming each other see new events after so many rounds. */
#define ROUNDS_MAX 4

struct loop_hook {
    struct loop_thing thing;
    loop_fn run;
    void *arg;
    struct loop_hook *next; /* in the list, while armed */
    bool armed;
    bool closed; /* while armed: freed when its place in the list comes */
};

struct loop_hook *loop_hook_open(struct loop *l, const char *name, loop_fn run,
                                 void *arg)
{
    struct loop_hook *h = calloc(1, sizeof(*h));

    CHECK(h != NULL);
    h->run = run;
    h->arg = arg;
    loop_thing_add(&h->thing, l, name);
    return h;
}

void loop_hook_arm(struct loop_hook *h)
{
    struct loop *l = h->thing.loop;

    CHECK(!h->closed);
    if (h->armed)
        return;
    h->armed = true;
    h->next = NULL;
    *l->last_hook = h;
    l->last_hook = &h->next;
}

void loop_hook_close(struct loop_hook *h)
{
    if (h == NULL)
        return;
    loop_thing_remove(&h->thing);
    h->closed = true;
    if (!h->armed)
        free(h);
}

/* Takes the whole list, so that who arms now begins the next one. */
static struct loop_hook *take(struct loop *l)
{
    struct loop_hook *first = l->first_hook;

    l->first_hook = NULL;
    l->last_hook = &l->first_hook;
    return first;
}

/* After run() the hook may be gone. */
static void run_one(struct loop *l, struct loop_hook *h)
{
    const char *name = h->thing.name;
    int64_t since;

    h->armed = false;
    if (h->closed) {
        free(h);
        return;
    }
    since = loop_enter(l);
    h->run(h->arg);
    loop_leave(l, name, since);
}

void loop_hooks_run(struct loop *l)
{
    struct loop_hook *h, *next;
    int round;

    for (round = 0; round < ROUNDS_MAX && l->first_hook != NULL; round++) {
        for (h = take(l); h != NULL; h = next) {
            next = h->next;
            run_one(l, h);
        }
    }
}

void loop_hooks_fini(struct loop *l)
{
    struct loop_hook *h, *next;

    for (h = take(l); h != NULL; h = next) {
        next = h->next;
        CHECK(h->closed);
        free(h);
    }
}
