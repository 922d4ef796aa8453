/*
 * verifier/command/log.h: `tidemill log show | adopt | pass`: the log as
 * brokers and database see it.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_LOG_H
#define VERIFIER_COMMAND_LOG_H

#include "consumer/base/command.h"

extern const struct command command_log_show;
extern const struct command command_log_adopt;
extern const struct command command_log_pass;

#endif
