/*
 * consumer/base/loop.h: one thread's events: timers, wake-ups, descriptors and
 * work at the end of a turn.
 *
 * Everything a process does on its own thread happens in a callback of its
 * loop, and no callback may block. The loop measures itself: how late a timer
 * fires (tidemill_loop_lag_seconds), how long a turn works
 * (tidemill_loop_turn_seconds); a turn that works longer than 10 ms is logged
 * as `loop.slow ms=… ran=NAME` with the callback that took longest.
 *
 *     timers -> descriptors -> wake-ups -> closing -> ... -> hooks -> block
 *
 * Names are string literals (they are kept, not copied), such as
 * "outlet.linger". Every _open() returns a heap object and never NULL; every
 * _close() accepts NULL and is safe inside any callback, also its own: the
 * callback never runs again, and the memory goes in a later turn.
 *
 * Thread: the loop's own thread, but for loop_wake() and loop_stop(), which any
 * thread may call.
 */
#ifndef CONSUMER_BASE_LOOP_H
#define CONSUMER_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/check.h"

struct loop;
struct uv_loop_s;

typedef void (*loop_fn)(void *arg);

/* A turn that works longer than this is logged. */
#define LOOP_SLOW_MS 10

/*
 * Opens a loop. Returns 0, or FAIL_SYSTEM when the system has no descriptors
 * left for it.
 */
MUST_CHECK int loop_open(struct loop **out);

/*
 * Ends what is closing and frees the loop. Everything opened on it has been
 * closed; what has not is named in the log, and the process stops (CHECK). Not
 * from inside a callback. NULL is fine.
 */
void loop_close(struct loop *l);

/*
 * Runs callbacks until loop_stop(), also when nothing is open. Not from inside
 * a callback. May be called again afterwards.
 */
void loop_run(struct loop *l);

/*
 * Runs callbacks until `*done` is true or `ms` have passed, and returns
 * `*done`. For tests and commands. `done` is looked at after every turn.
 */
bool loop_run_until(struct loop *l, const bool *done, int64_t ms);

/*
 * Makes loop_run() return soon: callbacks that are due in the same turn still
 * run. Any thread. Called while no loop_run() is running, it ends the next one
 * at once.
 */
void loop_stop(struct loop *l);

/*
 * Runs callbacks until everything that was opened on the loop has been closed,
 * by us or by a door, or `ms` have passed; returns whether it has. For the end
 * of a process: what closes in later turns is waited for. Not from inside a
 * callback.
 */
bool loop_settle(struct loop *l, int64_t ms);

/* The handle for the files that may include uv.h (http, postgres, redis). */
struct uv_loop_s *loop_uv(struct loop *l);

/* Monotonic milliseconds (clock_ms) at the start of this turn. */
int64_t loop_now_ms(struct loop *l);

/*
 * Measures a callback that came by way of a foreign handle, so that a slow turn
 * names it:  since = loop_enter(l); work(); loop_leave(l, "http.read", since);
 */
int64_t loop_enter(struct loop *l);
void loop_leave(struct loop *l, const char *name, int64_t since);

/*
 * A timer. Opened stopped. `after_ms` 0 means the next turn. `repeat_ms` 0
 * means once. Starting a started timer sets it anew; stopping a stopped one is
 * nothing.
 */
struct loop_timer;
struct loop_timer *loop_timer_open(struct loop *l, const char *name,
                                   loop_fn run, void *arg);
void loop_timer_start(struct loop_timer *t, int64_t after_ms,
                      int64_t repeat_ms);
void loop_timer_stop(struct loop_timer *t);
/* Started and not yet fired (or repeating). */
bool loop_timer_running(const struct loop_timer *t);
void loop_timer_close(struct loop_timer *t);

/*
 * A wake-up from another thread: `run` is called on the loop's thread at least
 * once after the last loop_wake(). Several calls may share one run. No thread
 * may call loop_wake() after loop_wake_close().
 */
struct loop_wake;
struct loop_wake *loop_wake_open(struct loop *l, const char *name, loop_fn run,
                                 void *arg);
void loop_wake(struct loop_wake *w);
void loop_wake_close(struct loop_wake *w);

/*
 * A descriptor that somebody else owns and closes, after loop_poll_close() (in
 * the same callback is fine). Never two polls on one descriptor. Opened wanting
 * nothing. Level-triggered: what is not consumed is reported again.
 *
 * `error` is set for a descriptor that is broken: nothing more will come until
 * loop_poll_want() is called again.
 */
struct loop_poll;
typedef void (*loop_poll_fn)(void *arg, bool readable, bool writable,
                             bool error);
/* Returns NULL when `fd` cannot be polled (a file, or closed). */
struct loop_poll *loop_poll_open(struct loop *l, const char *name, int fd,
                                 loop_poll_fn run, void *arg);
void loop_poll_want(struct loop_poll *p, bool readable, bool writable);
void loop_poll_close(struct loop_poll *p);

/*
 * Work at the end of a turn: after loop_hook_arm(), `run` is called once before
 * the loop blocks. Arming an armed hook is nothing. Hooks run in the order they
 * were armed; a hook armed by a hook runs before the loop blocks too, but other
 * events may come first.
 */
struct loop_hook;
struct loop_hook *loop_hook_open(struct loop *l, const char *name, loop_fn run,
                                 void *arg);
void loop_hook_arm(struct loop_hook *h);
void loop_hook_close(struct loop_hook *h);

#endif
