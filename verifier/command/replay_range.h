/*
 * verifier/command/replay_range.h: where a replay begins and ends, as a person
 * says it.
 *
 *      1-7-88123                 a record
 *      2026-11-21T15:04:05Z      a time, UTC; the seconds may be left out, but
 *                                not the time: a bare date may be a record
 *      90m  2h  3d  45s          so long ago
 *
 * Thread: any. Pure.
 */
#ifndef VERIFIER_COMMAND_REPLAY_RANGE_H
#define VERIFIER_COMMAND_REPLAY_RANGE_H

#include <stdint.h>

#include "schemas/base/check.h"
#include "schemas/record.h"

enum replay_bound_kind {
    REPLAY_BOUND_NONE,
    REPLAY_BOUND_RECORD,
    REPLAY_BOUND_TIME
};

struct replay_bound {
    enum replay_bound_kind kind;
    struct record_id id; /* of a record */
    int64_t ms;          /* of a time: since 1970, UTC */
};

/*
 * Reads one. `text` NULL is REPLAY_BOUND_NONE. `now_ms` is the wall clock.
 * Returns 0, or FAIL_MALFORMED.
 */
int replay_bound_parse(const char *text, int64_t now_ms,
                       struct replay_bound *out) MUST_CHECK;

#endif
