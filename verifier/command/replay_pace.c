/*
 * verifier/command/replay_pace.c: waits until so many records are due.
 *
 * Even without a limit a turn of the loop is waited for, so that Ctrl-C is
 * heard between any two chunks.
 *
 * From: verifier/command/replay_pass.c, replay_rules.c.
 * To:   verifier/command/replay_parts.c.
 */
#include "verifier/command/replay_pace.h"

#include "consumer/base/clock.h"

void replay_pace_start(struct replay_pace *p)
{
    p->started_ms = clock_ms();
    p->paced = 0;
}

int replay_pace_wait(struct replay_pace *p, uint64_t records, uint64_t looked)
{
    int64_t due;

    p->paced += records;
    if (p->progress != NULL)
        p->progress(p->arg, looked);
    due = p->rate == 0 ? 0 : (int64_t)(p->paced * 1000 / (uint64_t)p->rate);
    due -= clock_ms() - p->started_ms;
    if (replay_parts_pause(p->parts, due > 0 ? due : 1) < 0)
        return command_fail(COMMAND_TEMPORARY,
                            "stopped: run it again, and it goes on there");
    return 0;
}
