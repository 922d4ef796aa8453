/*
 * verifier/command/replay.h: `tidemill replay`: writes and announces records
 * below the position that have no row.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_REPLAY_H
#define VERIFIER_COMMAND_REPLAY_H

#include "consumer/base/command.h"

extern const struct command command_replay;

#endif
