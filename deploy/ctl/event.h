/*
 * deploy/ctl/event.h: one result as a line for people.
 *
 *      14:20:00.123  verified  eip155:1  0x5c504e…2060  0xa1e4…f4 -> 0x5df9…bd
 *
 * Thread: main thread.
 */
#ifndef DEPLOY_CTL_EVENT_H
#define DEPLOY_CTL_EVENT_H

#include "schemas/base/bytes.h"

/* Appends the line, without newline. What is no result is appended as it is,
 * with control bytes as '?'. */
void event_format(struct bytes json, struct buffer *out);

/* The same, printed on standard output with a newline. */
void event_print(struct bytes json);

#endif
