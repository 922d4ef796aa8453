/*
 * verifier/command/partitions.h: `tidemill partitions N`: more partitions, in
 * the order in which nothing has to wait.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_PARTITIONS_H
#define VERIFIER_COMMAND_PARTITIONS_H

#include "consumer/base/command.h"

extern const struct command command_partitions;

#endif
