/*
 * consumer/base/command_parse.h: the arguments of a subcommand, sorted into
 * options, settings and operands.
 *
 * Thread: main thread.
 */
#ifndef CONSUMER_BASE_COMMAND_PARSE_H
#define CONSUMER_BASE_COMMAND_PARSE_H

#include "consumer/base/command.h"

/* The arrays have room for every argument. */
struct command_parse {
    struct setting_options settings;
    const char **flags; /* flags[0] is the program; for setting_load() */
    int flags_count;
    char **operands; /* operands[0] is the command; NULL at the end */
    int operands_count;
    bool help; /* --help was given */
};

/* `settings` is copied; what it points at is borrowed. Never NULL. */
struct command_parse *command_parse_open(const struct setting_options *settings,
                                         int argc);
void command_parse_close(struct command_parse *p);

/*
 * Sorts argv[1].. and sets the options' variables. Returns 0, or COMMAND_USAGE
 * after saying what is wrong.
 */
MUST_CHECK int command_parse(struct command_parse *p, const struct command *c,
                             int argc, char **argv);

/* Prints the command's own page to standard output. */
void command_parse_help(const struct command_parse *p, const struct command *c);

#endif
