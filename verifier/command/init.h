/*
 * verifier/command/init.h: the commands that prepare a cluster and a database.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_INIT_H
#define VERIFIER_COMMAND_INIT_H

#include "consumer/base/command.h"

extern const struct command command_init;    /* tidemill init */
extern const struct command command_migrate; /* tidemill migrate */

#endif
