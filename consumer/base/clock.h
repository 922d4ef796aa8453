/*
 * consumer/base/clock.h: what time it is, and how long ago.
 *
 * Deadlines and durations use the monotonic clock; the wall clock is for people
 * and for records only, since it may jump.
 *
 * Thread: any.
 */
#ifndef CONSUMER_BASE_CLOCK_H
#define CONSUMER_BASE_CLOCK_H

#include <stdint.h>

/* Monotonic milliseconds and nanoseconds since an arbitrary start. */
int64_t clock_ms(void);
int64_t clock_ns(void);

/* Milliseconds since 1970-01-01 UTC; may go backwards. */
int64_t clock_wall_ms(void);

/* "2025-11-21T14:20:00.123Z" and its NUL. */
#define CLOCK_TEXT_MAX 25

/*
 * Writes `wall_ms` as RFC 3339 in UTC with milliseconds. Times outside the
 * years 0 to 9999 are clamped to them.
 */
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_MAX]);

#endif
