/*
 * consumer/base/command_pages.h: a table of commands as a manual page, and as
 * completion for shells.
 *
 *      tidemill --man > tidemill.1
 *      tidemill --completion=bash > completions/tidemill
 *
 * Both are made of the tables that parse and run, so that they cannot tell
 * anything else.
 *
 * Thread: main thread. Writes to standard output.
 */
#ifndef CONSUMER_BASE_COMMAND_PAGES_H
#define CONSUMER_BASE_COMMAND_PAGES_H

#include "consumer/base/command.h"

/* Prints section 1 of the manual, for man(7). */
void command_print_man(const struct command_table *t);

/* Prints completion for "bash" or "zsh". 0, or FAIL_UNSUPPORTED. */
int command_print_completion(const struct command_table *t,
                             const char *shell) MUST_CHECK;

#endif
