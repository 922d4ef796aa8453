/*
 * consumer/base/command.h: the subcommands of the `tidemill` command.
 *
 *     static bool json; static const char *from;
 *     static const struct command_option options[] = {
 *         COMMAND_FLAG("json", &json, "one JSON object a line"),
 *         COMMAND_TEXT("from", &from, "ID", "first record"),
 *     };
 *     const struct command command_replay = {
 *         .name = "replay", .usage = "[--from=ID] PARTITION…",
 *         .help = "writes again what is missing", .run = run,
 *         .options = options, .options_count = 2,
 *     };
 *
 * Results go to standard output, everything else to standard error. A command
 * that changes something previews by default and acts with --execute. Each
 * command may also read settings from the environment, as daemons do, and as
 * flags after its name.
 *
 * Thread: main thread.
 */
#ifndef CONSUMER_BASE_COMMAND_H
#define CONSUMER_BASE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/setting.h"

struct loop;

/* Exit codes, as in sysexits.h, and 1 for "compared, and it differs". */
enum command_exit {
    COMMAND_OK = 0,
    COMMAND_DIFFERS = 1,
    COMMAND_USAGE = 64,
    COMMAND_DATA = 65,
    COMMAND_UNAVAILABLE = 69,
    COMMAND_SOFTWARE = 70,
    COMMAND_TEMPORARY = 75,
    COMMAND_DENIED = 77,
    COMMAND_CONFIG = 78
};

enum command_option_kind {
    COMMAND_OPTION_FLAG,
    COMMAND_OPTION_TEXT,
    COMMAND_OPTION_COUNT
};

/* --name, --name=value or --name value. */
struct command_option {
    const char *name; /* without dashes */
    enum command_option_kind kind;
    union {
        bool *flag;
        const char **text;
        long long *number;
    } value; /* keeps what it holds when the option is absent */
    long long min, max;
    const char *what; /* "ID", for the help */
    const char *help;
};

#define COMMAND_FLAG(n, var, words)                                            \
    {                                                                          \
        .name = (n), .kind = COMMAND_OPTION_FLAG, .value.flag = (var),         \
        .help = (words)                                                        \
    }
#define COMMAND_TEXT(n, var, w, words)                                         \
    {                                                                          \
        .name = (n), .kind = COMMAND_OPTION_TEXT, .value.text = (var),         \
        .what = (w), .help = (words)                                           \
    }
#define COMMAND_COUNT(n, var, low, high, words)                                \
    {                                                                          \
        .name = (n), .kind = COMMAND_OPTION_COUNT, .value.number = (var),      \
        .min = (low), .max = (high), .what = "N", .help = (words)              \
    }

struct command {
    const char *name;  /* "replay", or two words: "tx send" */
    const char *usage; /* what follows the name: "[--json] HASH" */
    const char *help;  /* one line; more lines follow in its own --help */
    const struct command_option *options;
    size_t options_count;
    const struct setting *settings; /* read from the environment and flags */
    size_t settings_count;
    bool raw; /* run() gets its arguments unparsed */

    /*
     * argv holds what is left when options and settings are taken out:
     * argv[0] is the command's name, then its operands. "--" ends options.
     * Returns a command_exit.
     */
    int (*run)(int argc, char **argv);
};

/* A heading in the list of commands, above the one it names. */
struct command_heading {
    const char *command; /* the first below it */
    const char *words;
};

struct command_table {
    const char *program; /* "tidemill" */
    const char *about;   /* one line */
    const struct command *const *commands;
    size_t commands_count;
    const struct command_heading *headings; /* may be NULL */
    size_t headings_count;
    /* Settings of all programs, without TIDEMILL_ (schemas/names.h). */
    const char *const *known;
    size_t known_count;
};

/*
 * Finds the command, parses, runs it; what main() returns. --help, --version,
 * --man, --completion=bash|zsh,
 * the first word of several commands ("tx": they are listed) and an unknown
 * name (with the nearest) are answered here. The log is set from LOG_LEVEL
 * (default warn) and LOG_FORMAT.
 */
int command_main(const struct command_table *t, int argc, char **argv);

/* Prints "tidemill: words" to standard error and returns `code`. */
int command_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The command_exit that fits a FAIL_ code. */
int command_exit_code(int fail);

/*
 * Runs the loop until *done, or `ms` have passed (0: no deadline), or SIGINT or
 * SIGTERM came. Returns 0, FAIL_TIMEOUT, or FAIL_GONE for a signal.
 */
MUST_CHECK int command_run_until(struct loop *l, const bool *done, int64_t ms);

/* Standard output is a terminal and NO_COLOR is not set. */
bool command_color(void);

/*
 * A progress bar on standard error, drawn only when that is a terminal or
 * --progress was given, at most ten times a second:
 *
 *     replay  [=========>          ]  47%  470,000 of 1,000,000  9,812/s  0:54
 *
 * A total of 0 is unknown: count and rate only.
 */
struct command_progress;
struct command_progress *command_progress_open(const char *what,
                                               uint64_t total);
void command_progress_set(struct command_progress *p, uint64_t done);
void command_progress_total(struct command_progress *p, uint64_t total);
/* Draws the end, leaves the line and frees. NULL is fine. */
void command_progress_close(struct command_progress *p);
/* Draw even when standard error is no terminal (--progress). */
void command_progress_force(bool on);

#endif
