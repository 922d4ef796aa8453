/*
 * deploy/ctl/payload.h: the transactions that an operand names.
 *
 *      0x02f8…   itself        FILE   a file of them        -   standard input
 *
 * A file holds hex, one transaction a line, with or without 0x, a PSBT in
 * base64, or a JWS as it is; empty lines and those that begin with # are skipped,
 * and so is everything around the member "raw" of a line of `tidemill gen
 * --json`. One object over several lines is a file of its own.
 *
 * Thread: any. Memory: one line.
 */
#ifndef DEPLOY_CTL_PAYLOAD_H
#define DEPLOY_CTL_PAYLOAD_H

#include "schemas/base/bytes.h"

/* The longest transaction in any form a door takes. */
#define PAYLOAD_BYTES_MAX 1048576

/*
 * One transaction, borrowed for the call; `name` says where it came from
 * ("file:3"). Anything but 0 ends the walk with that value.
 */
typedef int (*payload_fn)(void *arg, struct bytes raw, const char *name);

/*
 * Walks the transactions of one operand, in order. Returns 0, what `each`
 * returned, or a command_exit after printing what is wrong with the operand.
 */
int payload_each(const char *operand, payload_fn each, void *arg) MUST_CHECK;

#endif
