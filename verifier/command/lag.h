/*
 * verifier/command/lag.h: `tidemill lag`: what waits, in records and seconds.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_LAG_H
#define VERIFIER_COMMAND_LAG_H

#include "consumer/base/command.h"

extern const struct command command_lag;

#endif
