/*
 * consumer/offload.h: one blocking call, on a thread of its own.
 *
 * Some calls of a library can only block: destroying a client, asking for
 * offsets. Each gets a thread and a deadline; the loop goes on and is told.
 *
 *      loop    offload() ----------------------------> done(job, true)
 *      thread        run(job) ......... returns ---^
 *
 *      loop    offload() ---- deadline: done(job, false); the job is not ours
 *      thread        run(job) ........................... drop(job)
 *
 * Thread: loop thread, but for `run` and `drop`.
 */
#ifndef CONSUMER_OFFLOAD_H
#define CONSUMER_OFFLOAD_H

#include <stdbool.h>

#include "consumer/base/loop.h"
#include "schemas/base/check.h"

struct offload_work {
    const char *name;        /* for logs and the loop; a literal */
    void (*run)(void *job);  /* on the thread */
    void (*drop)(void *job); /* on the thread, after done(job, false): frees
                              * the job. May be NULL without a deadline. */
    /* On the loop, once. `finished`: run() has returned and the job is the
     * caller's again; otherwise it must not be touched any more. */
    void (*done)(void *job, bool finished);
    int deadline_ms; /* 0: run() ends by itself, wait for it */
};

/*
 * Starts the work. `work` is copied. Returns 0, and done() comes once, never
 * from inside this call; or FAIL_SYSTEM when there is no thread: nothing was
 * started and the job stays the caller's.
 */
int offload(struct loop *l, const struct offload_work *work,
            void *job) MUST_CHECK;

#endif
