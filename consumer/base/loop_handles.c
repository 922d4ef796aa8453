/*
 * consumer/base/loop_handles.c: timers, wake-ups and descriptors of a loop.
 *
 * Each is a heap object around its libuv handle. Closing takes it off the
 * loop's list at once, so that its callback never runs again, and frees it when
 * libuv has let go of the handle, which is always in a later phase: therefore
 * an object may close itself, or its owner, in any callback.
 *
 * From: everything that waits.
 * To:   libuv; the measured callbacks of the owner.
 */
#include <stdlib.h>

#include "consumer/base/loop_inside.h"

struct loop_timer {
    struct loop_thing thing;
    uv_timer_t uv;
    loop_fn run;
    void *arg;
};

struct loop_wake {
    struct loop_thing thing;
    uv_async_t uv;
    loop_fn run;
    void *arg;
};

struct loop_poll {
    struct loop_thing thing;
    uv_poll_t uv;
    loop_poll_fn run;
    void *arg;
    int wanted; /* UV_READABLE | UV_WRITABLE, as libuv was told */
};

void loop_thing_add(struct loop_thing *t, struct loop *l, const char *name)
{
    t->loop = l;
    t->name = name;
    t->next = l->things;
    t->back = &l->things;
    if (t->next != NULL)
        t->next->back = &t->next;
    l->things = t;
}

void loop_thing_remove(struct loop_thing *t)
{
    *t->back = t->next;
    if (t->next != NULL)
        t->next->back = t->back;
}

static void free_data(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_thing(struct loop_thing *t, uv_handle_t *handle)
{
    loop_thing_remove(t);
    uv_close(handle, free_data);
}

static void on_timer(uv_timer_t *handle)
{
    struct loop_timer *t = handle->data;
    struct loop *l = t->thing.loop;
    const char *name = t->thing.name;
    int64_t since = loop_enter(l);

    t->run(t->arg);
    loop_leave(l, name, since);
}

struct loop_timer *loop_timer_open(struct loop *l, const char *name,
                                   loop_fn run, void *arg)
{
    struct loop_timer *t = calloc(1, sizeof(*t));

    CHECK(t != NULL);
    CHECK(uv_timer_init(&l->uv, &t->uv) == 0);
    t->uv.data = t;
    t->run = run;
    t->arg = arg;
    loop_thing_add(&t->thing, l, name);
    return t;
}

void loop_timer_start(struct loop_timer *t, int64_t after_ms, int64_t repeat_ms)
{
    struct loop *l = t->thing.loop;

    CHECK(after_ms >= 0 && repeat_ms >= 0);
    /* Between runs the loop's time stands still; while it runs, a turn is
     * short. */
    if (!l->running)
        uv_update_time(&l->uv);
    CHECK(uv_timer_start(&t->uv, on_timer, (uint64_t)after_ms,
                         (uint64_t)repeat_ms) == 0);
}

void loop_timer_stop(struct loop_timer *t)
{
    uv_timer_stop(&t->uv);
}

bool loop_timer_running(const struct loop_timer *t)
{
    return uv_is_active((const uv_handle_t *)&t->uv);
}

void loop_timer_close(struct loop_timer *t)
{
    if (t != NULL)
        close_thing(&t->thing, (uv_handle_t *)&t->uv);
}

static void on_wake(uv_async_t *handle)
{
    struct loop_wake *w = handle->data;
    struct loop *l = w->thing.loop;
    const char *name = w->thing.name;
    int64_t since = loop_enter(l);

    w->run(w->arg);
    loop_leave(l, name, since);
}

struct loop_wake *loop_wake_open(struct loop *l, const char *name, loop_fn run,
                                 void *arg)
{
    struct loop_wake *w = calloc(1, sizeof(*w));

    CHECK(w != NULL);
    /* The loop has its descriptor for wake-ups since loop_open(). */
    CHECK(uv_async_init(&l->uv, &w->uv, on_wake) == 0);
    w->uv.data = w;
    w->run = run;
    w->arg = arg;
    loop_thing_add(&w->thing, l, name);
    return w;
}

void loop_wake(struct loop_wake *w)
{
    CHECK(uv_async_send(&w->uv) == 0);
}

void loop_wake_close(struct loop_wake *w)
{
    if (w != NULL)
        close_thing(&w->thing, (uv_handle_t *)&w->uv);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct loop_poll *p = handle->data;
    struct loop *l = p->thing.loop;
    const char *name = p->thing.name;
    int64_t since = loop_enter(l);

    /* libuv has stopped polling a descriptor that is in error. */
    if (status < 0)
        p->wanted = 0;
    p->run(p->arg, (events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0,
           status < 0);
    loop_leave(l, name, since);
}

struct loop_poll *loop_poll_open(struct loop *l, const char *name, int fd,
                                 loop_poll_fn run, void *arg)
{
    struct loop_poll *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    if (uv_poll_init(&l->uv, &p->uv, fd) < 0) {
        free(p);
        return NULL;
    }
    p->uv.data = p;
    p->run = run;
    p->arg = arg;
    loop_thing_add(&p->thing, l, name);
    return p;
}

void loop_poll_want(struct loop_poll *p, bool readable, bool writable)
{
    int wanted = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

    /* Asking again for the same would cost a system call. */
    if (wanted == p->wanted)
        return;
    p->wanted = wanted;
    if (wanted == 0)
        CHECK(uv_poll_stop(&p->uv) == 0);
    else
        CHECK(uv_poll_start(&p->uv, wanted, on_poll) == 0);
}

void loop_poll_close(struct loop_poll *p)
{
    if (p != NULL)
        close_thing(&p->thing, (uv_handle_t *)&p->uv);
}
