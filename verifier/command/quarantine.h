/*
 * verifier/command/quarantine.h: `tidemill quarantine list | show | retry`:
 * records that the database refused.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_QUARANTINE_H
#define VERIFIER_COMMAND_QUARANTINE_H

#include "consumer/base/command.h"

extern const struct command command_quarantine_list;
extern const struct command command_quarantine_show;
extern const struct command command_quarantine_retry;

#endif
