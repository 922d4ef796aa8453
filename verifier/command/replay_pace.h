/*
 * verifier/command/replay_pace.h: how fast a replay goes, so that live traffic
 * keeps its latency.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_REPLAY_PACE_H
#define VERIFIER_COMMAND_REPLAY_PACE_H

#include "verifier/command/replay_parts.h"

struct replay_pace {
    struct replay_parts *parts;
    long long rate;     /* records a second; 0: as fast as it goes */
    int64_t started_ms; /* monotonic; set by replay_pace_start() */
    uint64_t paced;     /* records since then */
    /* Called with how many records were looked at in all; may be NULL. */
    void (*progress)(void *arg, uint64_t looked);
    void *arg;
};

/* Counts from now on. */
void replay_pace_start(struct replay_pace *p);

/*
 * `records` more were handled, `looked` in all: waits until they are due.
 * Returns 0, or COMMAND_TEMPORARY after a signal, which it says.
 */
int replay_pace_wait(struct replay_pace *p, uint64_t records,
                     uint64_t looked) MUST_CHECK;

#endif
