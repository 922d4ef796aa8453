/*
 * deploy/ctl/check.h: is everything there that the programs need?
 *
 * Thread: main thread.
 */
#ifndef DEPLOY_CTL_CHECK_H
#define DEPLOY_CTL_CHECK_H

#include "consumer/base/command.h"

extern const struct command command_check; /* tidemill check */

#endif
