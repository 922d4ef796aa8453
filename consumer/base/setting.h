/*
 * consumer/base/setting.h: the table of settings of a program.
 *
 *     static long long batch_count_max;
 *     static const struct setting settings[] = {
 *         SETTING_COUNT("BATCH_COUNT_MAX", &batch_count_max, 1, 10000, 500,
 *                       "records in one write"),
 *     };
 *
 * The table reads itself: the default, then the environment
 * (TIDEMILL_BATCH_COUNT_MAX), then flags (--batch-count-max=400). It checks
 * ranges, refuses names that nobody knows, and prints itself (--settings), so
 * that the page in deploy/ is never stale. An empty variable counts as unset.
 *
 * Values stay valid for the life of the process. To add a setting: a line in a
 * program's table, and its name in schemas/names.h.
 *
 * Thread: main thread, before any other runs; values are read-only afterwards.
 */
#ifndef CONSUMER_BASE_SETTING_H
#define CONSUMER_BASE_SETTING_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

/* The longest value of a text, and of a secret in its file. */
#define SETTING_TEXT_MAX 4096

enum setting_kind {
    SETTING_KIND_TEXT,
    SETTING_KIND_SECRET, /* never printed; may stand in a file */
    SETTING_KIND_CHOICE, /* one of the words of `choices` */
    SETTING_KIND_COUNT,
    SETTING_KIND_MS,    /* 500, 500ms, 5s, 2m, 1h, 7d */
    SETTING_KIND_BYTES, /* 1024, 16KiB, 1MiB, 2GiB */
    SETTING_KIND_FLAG   /* true false yes no on off 1 0 */
};

struct setting {
    const char *name;  /* without TIDEMILL_, upper case: "LISTEN" */
    const char *alias; /* a variable that people set already, or NULL */
    enum setting_kind kind;
    union {
        const char **text;
        long long *number;
        bool *flag;
    } value;
    long long min, max, number_default; /* numbers; flag: 0 or 1 */
    const char *text_default;           /* NULL: none */
    const char *choices;                /* "text|json" */
    const char *help;                   /* one line, no full stop */
};

/* `var` points at a const char * / long long / bool of static life. */
#define SETTING_TEXT(n, var, preset, words)                                    \
    {                                                                          \
        .name = (n), .kind = SETTING_KIND_TEXT, .value.text = (var),           \
        .text_default = (preset), .help = (words)                              \
    }
/* Reads `other` (such as DATABASE_URL) when TIDEMILL_name is not set. A
 * password inside is hidden when printed, and TIDEMILL_name_FILE is read. */
#define SETTING_TEXT_ALIAS(n, other, var, preset, words)                       \
    {                                                                          \
        .name = (n), .alias = (other), .kind = SETTING_KIND_TEXT,              \
        .value.text = (var), .text_default = (preset), .help = (words)         \
    }
/* TIDEMILL_name, or the content of the file that TIDEMILL_name_FILE names. */
#define SETTING_SECRET(n, var, words)                                          \
    {                                                                          \
        .name = (n), .kind = SETTING_KIND_SECRET, .value.text = (var),         \
        .help = (words)                                                        \
    }
#define SETTING_CHOICE(n, var, words_allowed, preset, words)                   \
    {                                                                          \
        .name = (n), .kind = SETTING_KIND_CHOICE, .value.text = (var),         \
        .choices = (words_allowed), .text_default = (preset), .help = (words)  \
    }
#define SETTING_NUMBER(n, k, var, low, high, preset, words)                    \
    {                                                                          \
        .name = (n), .kind = (k), .value.number = (var), .min = (low),         \
        .max = (high), .number_default = (preset), .help = (words)             \
    }
#define SETTING_COUNT(n, var, low, high, preset, words)                        \
    SETTING_NUMBER(n, SETTING_KIND_COUNT, var, low, high, preset, words)
#define SETTING_MS(n, var, low, high, preset, words)                           \
    SETTING_NUMBER(n, SETTING_KIND_MS, var, low, high, preset, words)
#define SETTING_BYTES(n, var, low, high, preset, words)                        \
    SETTING_NUMBER(n, SETTING_KIND_BYTES, var, low, high, preset, words)
#define SETTING_FLAG(n, var, preset, words)                                    \
    {                                                                          \
        .name = (n), .kind = SETTING_KIND_FLAG, .value.flag = (var), .max = 1, \
        .number_default = (preset), .help = (words)                            \
    }

/* One program's tables and the names it lets pass. */
struct setting_table {
    const struct setting *rows;
    size_t count;
};

struct setting_options {
    const char *program; /* "tidemill-producer" */
    const char *about;   /* one line for --help */
    const struct setting_table *tables;
    size_t tables_count;
    /* Settings of other programs, without TIDEMILL_: known in the environment
     * (with _FILE too), since one file feeds all programs; not as flags. */
    const char *const *known;
    size_t known_count;
};

enum setting_outcome {
    SETTING_LOADED, /* every variable has its value */
    SETTING_PRINT,  /* print out_text on standard output and exit with 0 */
    SETTING_WRONG,  /* print out_text on standard error and exit with 78 */
    SETTING_USAGE   /* the same with 64: arguments that are no flags */
};

/*
 * Reads environment and flags (argv[1]..) into the variables. out_text gets the
 * page of --help, --version, --settings or --settings-markdown, or the fault:
 * its name, value, range and the nearest known name.
 *
 * TIDEMILL_KAFKA_* passes whatever follows, as a variable or as a flag
 * (--kafka-linger-ms=5); setting_passed() lists them. `environment` is
 * environ, or a test's own.
 */
MUST_CHECK enum setting_outcome setting_load(const struct setting_options *o,
                                             int argc, char **argv,
                                             char **environment,
                                             struct buffer *out_text);

/* The row that the flag "--name" or "--name=value" sets, or NULL. For programs
 * that sort their arguments themselves (command.h). */
const struct setting *setting_find_flag(const struct setting_options *o,
                                        const char *flag);

/*
 * The index-th pass-through pair seen by setting_load(): name without
 * TIDEMILL_KAFKA_, as written ("LINGER_MS"), and value; flags come after and
 * win over variables. Names of a table (KAFKA_BROKERS) are not among them.
 * False past the end.
 */
bool setting_passed(size_t index, const char **out_name,
                    const char **out_value);

/* True if the value may be read from the file that NAME_FILE names. */
bool setting_in_file(const struct setting *s);

/* How many letters differ (insert, delete, replace); looks at 64 of each. */
int setting_distance(const char *a, const char *b);

#endif
