/*
 * consumer/base/clock.c: the two clocks of the kernel, and the wall clock as
 * text.
 *
 * From: everything with a deadline; consumer/base/log.c for the text.
 * To:   clock_gettime().
 */
#include "consumer/base/clock.h"

#include <stdio.h>
#include <time.h>

#include "schemas/base/check.h"

/* The last millisecond of the year 9999, and the first of the year 0. */
#define LAST_MS 253402300799999
#define FIRST_MS (-62167219200000)

int64_t clock_ns(void)
{
    struct timespec t;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_ms(void)
{
    return clock_ns() / 1000000;
}

int64_t clock_wall_ms(void)
{
    struct timespec t;

    CHECK(clock_gettime(CLOCK_REALTIME, &t) == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_MAX])
{
    int64_t clamped = wall_ms > LAST_MS    ? LAST_MS
                      : wall_ms < FIRST_MS ? FIRST_MS
                                           : wall_ms;
    int64_t ms = (clamped % 1000 + 1000) % 1000;
    time_t seconds = (time_t)((clamped - ms) / 1000);
    char text[40];
    struct tm tm;
    size_t count;

    CHECK(gmtime_r(&seconds, &tm) != NULL);
    /* The year apart: strftime's %Y drops leading zeros. */
    count = (size_t)snprintf(text, sizeof(text), "%04d", tm.tm_year + 1900);
    count +=
        strftime(text + count, sizeof(text) - count, "-%m-%dT%H:%M:%S", &tm);
    CHECK(count == CLOCK_TEXT_MAX - 6);
    snprintf(out, CLOCK_TEXT_MAX, "%.19s.%03dZ", text, (int)ms);
}
