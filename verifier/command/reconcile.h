/*
 * verifier/command/reconcile.h: `tidemill reconcile`: log, rows and ledger
 * agree, or here are the records that do not.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_RECONCILE_H
#define VERIFIER_COMMAND_RECONCILE_H

#include "consumer/base/command.h"

extern const struct command command_reconcile;

#endif
