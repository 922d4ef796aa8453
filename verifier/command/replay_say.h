/*
 * verifier/command/replay_say.h: what came of a replay, for people or as JSON.
 *
 * Thread: main thread. Writes to standard output.
 */
#ifndef VERIFIER_COMMAND_REPLAY_SAY_H
#define VERIFIER_COMMAND_REPLAY_SAY_H

#include "verifier/command/replay_pass.h"
#include "verifier/command/replay_rules.h"

/* How it is said, and of what. */
struct replay_saying {
    int log;
    bool json, executed;
};

/* One partition, whose rows were looked for. */
void replay_say_pass(const struct replay_saying *y, const struct replay *r,
                     const struct replay_counts *n);

/* One partition, judged again by r->rules. */
void replay_say_rules(const struct replay_saying *y, const struct replay *r,
                      const struct replay_rules_counts *n);

#endif
