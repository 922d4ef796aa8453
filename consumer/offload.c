/*
 * consumer/offload.c: one blocking call, on a thread of its own.
 *
 * Loop and thread share a small block. Whoever comes last frees it: the loop,
 * when the thread was in time; the thread, when the loop stopped waiting. The
 * mutex makes "in time" one moment, so a late thread never wakes a loop that
 * has forgotten it.
 *
 * From: consumer/kafka_handle.c, kafka_survey.c, consumer.c, reader.c.
 * To:   consumer/base/loop.c for the wake-up.
 */
#include "consumer/offload.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "consumer/base/log.h"
#include "schemas/base/fail.h"

struct shared {
    struct offload_work work;
    void *job;
    pthread_mutex_t lock; /* guards the two flags */
    bool finished;        /* run() has returned */
    bool abandoned;       /* the loop does not wait any more */
    struct loop_wake *wake;
    struct loop_timer *timer;
};

static int start_thread(struct shared *s);
static void *thread_main(void *arg);
static void finished_in_time(void *arg);
static void deadline_passed(void *arg);
static void free_shared(struct shared *s);

int offload(struct loop *l, const struct offload_work *work, void *job)
{
    struct shared *s = calloc(1, sizeof(*s));

    CHECK(work->run != NULL && work->done != NULL);
    CHECK(work->deadline_ms == 0 || work->drop != NULL);
    if (s == NULL)
        return FAIL_SYSTEM;
    s->work = *work;
    s->job = job;
    CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
    s->wake = loop_wake_open(l, work->name, finished_in_time, s);
    s->timer = loop_timer_open(l, work->name, deadline_passed, s);
    if (start_thread(s) < 0) {
        loop_wake_close(s->wake);
        loop_timer_close(s->timer);
        free_shared(s);
        return FAIL_SYSTEM;
    }
    if (work->deadline_ms > 0)
        loop_timer_start(s->timer, work->deadline_ms, 0);
    return 0;
}

/* Signals are the main thread's: the new one blocks them all. */
static int start_thread(struct shared *s)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int rc;

    sigfillset(&all);
    CHECK(pthread_attr_init(&attributes) == 0);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&thread, &attributes, thread_main, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return rc == 0 ? 0 : FAIL_SYSTEM;
}

static void *thread_main(void *arg)
{
    struct shared *s = arg;
    bool abandoned;

    s->work.run(s->job);
    pthread_mutex_lock(&s->lock);
    s->finished = true;
    abandoned = s->abandoned;
    if (!abandoned)
        loop_wake(s->wake);
    pthread_mutex_unlock(&s->lock);
    if (abandoned) {
        s->work.drop(s->job);
        free_shared(s);
    }
    return NULL;
}

static void finished_in_time(void *arg)
{
    struct shared *s = arg;
    struct offload_work work = s->work;
    void *job = s->job;

    /* The thread may still be inside its unlock. */
    pthread_mutex_lock(&s->lock);
    CHECK(s->finished && !s->abandoned);
    pthread_mutex_unlock(&s->lock);
    loop_wake_close(s->wake);
    loop_timer_close(s->timer);
    free_shared(s);
    work.done(job, true);
}

static void deadline_passed(void *arg)
{
    struct shared *s = arg;
    struct offload_work work = s->work;
    void *job = s->job;
    bool finished;

    pthread_mutex_lock(&s->lock);
    finished = s->finished;
    s->abandoned = !finished;
    if (!finished) {
        loop_wake_close(s->wake);
        loop_timer_close(s->timer);
    }
    pthread_mutex_unlock(&s->lock);
    if (finished)
        return; /* the wake-up is on its way */
    log_warn("offload.late", "work=%s ms=%d why=\"it does not return\"",
             work.name, work.deadline_ms);
    work.done(job, false);
}

static void free_shared(struct shared *s)
{
    pthread_mutex_destroy(&s->lock);
    free(s);
}
