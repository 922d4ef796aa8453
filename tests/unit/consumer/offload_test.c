/*
 * tests/unit/consumer/offload_test.c: work beside the loop comes back, or stays
 * with its thread.
 *
 * From: ctest.
 * To:   consumer/offload.c.
 */
#include "consumer/offload.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "consumer/base/log.h"
#include "tests/support/harness.h"

static atomic_int dropped, may_return;

struct job {
    bool done;
    bool finished;
};

static void run_quick(void *job)
{
    (void)job;
}

static void run_slow(void *job)
{
    (void)job;
    while (!atomic_load(&may_return))
        (void)poll(NULL, 0, 1);
}

static void on_drop(void *job)
{
    free(job);
    atomic_fetch_add(&dropped, 1);
}

static bool slow_done;
static bool slow_finished;

static void on_done(void *job, bool finished)
{
    ((struct job *)job)->done = true;
    ((struct job *)job)->finished = finished;
}

static void on_slow_done(void *job, bool finished)
{
    (void)job; /* not ours any more */
    slow_done = true;
    slow_finished = finished;
}

TEST(offload_returns_to_the_loop_or_leaves_the_job_to_its_thread)
{
    struct offload_work quick = {.name = "test",
                                 .run = run_quick,
                                 .done = on_done,
                                 .drop = on_drop,
                                 .deadline_ms = 5000};
    struct offload_work slow = {.name = "test",
                                .run = run_slow,
                                .done = on_slow_done,
                                .drop = on_drop,
                                .deadline_ms = 20};
    struct job jobs[20] = {{false, false}};
    struct loop *l;

    CHECK(log_configure("error", "text") == 0);
    EXPECT_INT(loop_open(&l), 0);
    for (int i = 0; i < 20; i++)
        EXPECT_INT(offload(l, &quick, &jobs[i]), 0);
    for (int i = 0; i < 20; i++) {
        EXPECT(loop_run_until(l, &jobs[i].done, 5000));
        EXPECT(jobs[i].finished);
    }
    EXPECT_INT(offload(l, &slow, malloc(1)), 0);
    EXPECT(loop_run_until(l, &slow_done, 5000));
    EXPECT(!slow_finished);
    EXPECT_INT(atomic_load(&dropped), 0);
    loop_close(l);
    atomic_store(&may_return, 1);
    for (int i = 0; i < 5000 && atomic_load(&dropped) == 0; i++)
        (void)poll(NULL, 0, 1);
    EXPECT_INT(atomic_load(&dropped), 1);
}
