/*
 * verifier/command/replay_range.c: reads records and times.
 *
 * From: verifier/command/replay.c, with its --from and --to.
 * To:   the same, which asks the brokers which offset a time is.
 */
#include "verifier/command/replay_range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schemas/base/fail.h"

/* "90m". Returns milliseconds, or -1. */
static int64_t ago_ms(const char *text)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    char *end;
    long count;
    size_t i;

    if (*text < '0' || *text > '9')
        return -1;
    count = strtol(text, &end, 10);
    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end[0] == units[i].unit && end[1] == '\0' && count <= 1000000)
            return count * units[i].ms;
    return -1;
}

/* Seconds since 1970, or -1. Every character counts. */
static int64_t time_seconds(const char *text)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ",
                                        "%Y-%m-%dT%H:%M:%S",  "%Y-%m-%dT%H:%M",
                                        "%Y-%m-%d %H:%M:%S",  "%Y-%m-%d %H:%M"};
    size_t i;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);

        if (end != NULL && *end == '\0')
            return timegm(&tm);
    }
    return -1;
}

int replay_bound_parse(const char *text, int64_t now_ms,
                       struct replay_bound *out)
{
    struct replay_bound b = {.kind = REPLAY_BOUND_NONE};
    int64_t value;

    if (text == NULL) {
        *out = b;
        return 0;
    }
    if (record_id_parse(bytes_text(text), &b.id) == 0) {
        b.kind = REPLAY_BOUND_RECORD;
        *out = b;
        return 0;
    }
    b.kind = REPLAY_BOUND_TIME;
    value = ago_ms(text);
    if (value >= 0) {
        b.ms = now_ms - value;
    } else {
        value = time_seconds(text);
        b.ms = value * 1000;
    }
    if (value < 0 || b.ms < 0)
        return FAIL_MALFORMED;
    *out = b;
    return 0;
}
