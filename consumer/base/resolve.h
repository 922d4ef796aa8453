/*
 * consumer/base/resolve.h: host names to addresses, without blocking the loop.
 *
 * libpq and hiredis look names up with a blocking call; their callers look up
 * here first and hand them numbers.
 *
 * Thread: the loop's thread.
 */
#ifndef CONSUMER_BASE_RESOLVE_H
#define CONSUMER_BASE_RESOLVE_H

#include <stddef.h>

struct loop;
struct resolve;

/* At most this many addresses are reported. */
#define RESOLVE_MAX 8

/*
 * Called once, never from inside resolve_start(). rc 0: `addresses` are numeric
 * texts ("127.0.0.1", "::1") in the order to try, count >= 1, borrowed for the
 * call. FAIL_NOT_FOUND: no such name. FAIL_UNREACHABLE: nobody could tell. The
 * resolve is freed after the call.
 */
typedef void (*resolve_fn)(void *arg, int rc, const char *const *addresses,
                           size_t count);

/* Starts a look-up of `host`, a name or a number. Never NULL. */
struct resolve *resolve_start(struct loop *l, const char *host, resolve_fn done,
                              void *arg);

/* Before done(): it will not be called. The look-up ends on its own; wait for
 * it by loop_close(). NULL is fine. */
void resolve_cancel(struct resolve *r);

#endif
