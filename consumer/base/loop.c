/*
 * consumer/base/loop.c: opens, runs and ends a loop on libuv.
 *
 * One turn, as libuv goes round:
 *
 *     timers -> [before: hooks, turn ends] -> poll, events -> [after] -> closes
 *
 * `before` is the last thing that runs before the loop blocks, so hooks run
 * there, and there a turn's work ends. A hook that arms another after some
 * rounds keeps the loop from blocking by way of an idle handle.
 *
 * From: consumer/base/service.c, commands and tests, which own a loop.
 * To:   consumer/base/loop_handles.c (timers, wake-ups, descriptors),
 *       consumer/base/loop_hook.c, consumer/base/loop_measure.c.
 */
#include "consumer/base/loop.h"

#include <stdlib.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/loop_inside.h"
#include "schemas/base/fail.h"

static void on_busy(uv_idle_t *handle)
{
    uv_idle_stop(handle);
}

static void on_before(uv_prepare_t *handle)
{
    struct loop *l = handle->data;

    loop_hooks_run(l);
    /* Not blocking any more: a hook or a timer may have been the last event
     * that anybody waits for. */
    if (atomic_load(&l->stop) || (l->until != NULL && *l->until))
        uv_stop(&l->uv);
    if (l->first_hook != NULL)
        uv_idle_start(&l->busy, on_busy);
    loop_measure_turn(l);
}

static void on_after(uv_check_t *handle)
{
    loop_measure_poll(handle->data);
}

static void on_stopper(uv_async_t *handle)
{
    (void)handle; /* on_before() sees the flag */
}

static void open_handles(struct loop *l)
{
    CHECK(uv_prepare_init(&l->uv, &l->before) == 0);
    CHECK(uv_check_init(&l->uv, &l->after) == 0);
    CHECK(uv_idle_init(&l->uv, &l->busy) == 0);
    l->before.data = l;
    l->after.data = l;
    CHECK(uv_prepare_start(&l->before, on_before) == 0);
    CHECK(uv_check_start(&l->after, on_after) == 0);
    loop_measure_open(l);
}

int loop_open(struct loop **out)
{
    struct loop *l = calloc(1, sizeof(*l));

    CHECK(l != NULL);
    if (uv_loop_init(&l->uv) < 0)
        goto free_loop;
    /* The first async handle opens a descriptor, so this may fail too. */
    if (uv_async_init(&l->uv, &l->stopper, on_stopper) < 0)
        goto close_uv;
    l->last_hook = &l->first_hook;
    open_handles(l);
    *out = l;
    return 0;

close_uv:
    uv_loop_close(&l->uv);
free_loop:
    free(l);
    return FAIL_SYSTEM;
}

struct uv_loop_s *loop_uv(struct loop *l)
{
    return &l->uv;
}

int64_t loop_now_ms(struct loop *l)
{
    return (int64_t)uv_now(&l->uv);
}

static void begin(struct loop *l)
{
    CHECK(!l->running);
    l->running = true;
    uv_update_time(&l->uv);
    loop_measure_begin(l);
}

void loop_run(struct loop *l)
{
    begin(l);
    while (!atomic_exchange(&l->stop, false))
        uv_run(&l->uv, UV_RUN_DEFAULT);
    loop_measure_turn(l);
    l->running = false;
}

static void on_deadline(void *arg)
{
    *(bool *)arg = true;
}

bool loop_run_until(struct loop *l, const bool *done, int64_t ms)
{
    struct loop_timer *t;
    bool expired = false;

    t = loop_timer_open(l, "loop.until", on_deadline, &expired);
    loop_timer_start(t, ms, 0);
    begin(l);
    l->until = done;
    while (!*done && !expired && !atomic_exchange(&l->stop, false))
        uv_run(&l->uv, UV_RUN_ONCE);
    loop_measure_turn(l);
    l->until = NULL;
    l->running = false;
    loop_timer_close(t);
    return *done;
}

/* Counts handles that are open and not the loop's own. */
static void count_open(uv_handle_t *handle, void *arg)
{
    int *open = arg;

    *open += !uv_is_closing(handle);
}

#define OWN_HANDLES 5

static bool all_closed(struct loop *l)
{
    int open = 0;

    uv_walk(&l->uv, count_open, &open);
    return l->things == NULL && open <= OWN_HANDLES;
}

bool loop_settle(struct loop *l, int64_t ms)
{
    int64_t until = clock_ms() + ms;

    begin(l);
    /* The probe's timer ends every wait after 100 ms. */
    while (!all_closed(l) && clock_ms() < until)
        uv_run(&l->uv, UV_RUN_ONCE);
    loop_measure_turn(l);
    l->running = false;
    return all_closed(l);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stop, true);
    CHECK(uv_async_send(&l->stopper) == 0);
}

/* A handle that nobody closed, ours or a door's: the process must not end as
 * if all were well. */
static void find_leak(uv_handle_t *handle, void *arg)
{
    bool *leaked = arg;

    if (uv_is_closing(handle))
        return;
    log_error("loop.leaked", "type=%s", uv_handle_type_name(handle->type));
    *leaked = true;
}

static void close_handles(struct loop *l)
{
    uv_close((uv_handle_t *)&l->before, NULL);
    uv_close((uv_handle_t *)&l->after, NULL);
    uv_close((uv_handle_t *)&l->busy, NULL);
    uv_close((uv_handle_t *)&l->probe, NULL);
    uv_close((uv_handle_t *)&l->stopper, NULL);
}

void loop_close(struct loop *l)
{
    struct loop_thing *t;
    bool leaked = false;
    int i;

    if (l == NULL)
        return;
    CHECK(!l->running);
    atomic_store(&l->stop, false);
    /* What was closed may close more in its callbacks. */
    for (i = 0; i < 8; i++)
        uv_run(&l->uv, UV_RUN_NOWAIT);
    close_handles(l);
    for (t = l->things; t != NULL; t = t->next)
        log_error("loop.leaked", "name=%s", t->name);
    uv_walk(&l->uv, find_leak, &leaked);
    CHECK(l->things == NULL && !leaked);
    /* Look-ups on other threads are waited for. */
    uv_run(&l->uv, UV_RUN_DEFAULT);
    loop_hooks_fini(l);
    CHECK(uv_loop_close(&l->uv) == 0);
    free(l);
}
