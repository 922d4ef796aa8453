/*
 * consumer/base/command.c: finds the subcommand, sorts its arguments, runs it.
 *
 *     tidemill tx send --json --kafka-brokers=h:9092 FILE
 *              |       |      |                      `- operand -> run()
 *              |       |      `- setting             -> setting_load()
 *              |       `- option                     -> its variable
 *              `- the command of that name, of one or two words
 *
 * From: main() of the command in deploy/ctl.
 * To:   run() of the command; consumer/base/setting.c for its settings.
 */
#include "consumer/base/command.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "consumer/base/command_pages.h"
#include "consumer/base/command_parse.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "schemas/base/fail.h"

/* What a command of the table is called in messages: "tidemill tx send". */
#define NAME_BYTES_MAX 128
/* Long enough to be no deadline. */
#define FOREVER_MS ((int64_t)1 << 46)

static const char *program = "tidemill";
static const char *log_level;
static const char *log_format;

static const struct setting common[] = {
    SETTING_CHOICE("LOG_LEVEL", &log_level, "debug|info|warn|error", "warn",
                   "the least important lines that are written"),
    SETTING_CHOICE("LOG_FORMAT", &log_format, "text|json", "text",
                   "how a line is written"),
};

int command_fail(int code, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

int command_exit_code(int fail)
{
    switch (fail) {
    case FAIL_UNREACHABLE:
        return COMMAND_UNAVAILABLE;
    case FAIL_MALFORMED:
    case FAIL_TOO_BIG:
    case FAIL_NOT_FOUND:
        return COMMAND_DATA;
    case FAIL_SETTING:
    case FAIL_VERSION:
        return COMMAND_CONFIG;
    case FAIL_DENIED:
        return COMMAND_DENIED;
    case FAIL_UNSUPPORTED:
        return COMMAND_USAGE;
    default:
        break;
    }
    return fail_remedy(fail) == REMEDY_STOP ? COMMAND_SOFTWARE
                                            : COMMAND_TEMPORARY;
}

/* The longest command whose words are the first arguments; how many. */
static const struct command *find(const struct command_table *t, int argc,
                                  char **argv, int *out_words)
{
    char two[NAME_BYTES_MAX] = "";
    const struct command *found = NULL;
    size_t i;

    if (argc > 1)
        snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
    for (i = 0; i < t->commands_count; i++) {
        if (strcmp(t->commands[i]->name, two) == 0) {
            *out_words = 2;
            return t->commands[i];
        }
        if (strcmp(t->commands[i]->name, argv[0]) == 0) {
            found = t->commands[i];
            *out_words = 1;
        }
    }
    return found;
}

static void print_command_line(const struct command *c)
{
    printf("  %-18s %.*s\n", c->name, (int)strcspn(c->help, "\n"), c->help);
}

static void print_heading(const struct command_table *t,
                          const struct command *c)
{
    size_t i;

    for (i = 0; i < t->headings_count; i++)
        if (strcmp(t->headings[i].command, c->name) == 0)
            printf("\n%s:\n", t->headings[i].words);
}

static int print_commands(const struct command_table *t)
{
    size_t i;

    printf("%s: %s\n\nUsage: %s COMMAND [--option]... [OPERAND]...\n%s",
           t->program, t->about, t->program,
           t->headings_count == 0 ? "\n" : "");
    for (i = 0; i < t->commands_count; i++) {
        print_heading(t, t->commands[i]);
        print_command_line(t->commands[i]);
    }
    printf(
        "\n%s COMMAND --help tells more. Settings come from TIDEMILL_* in "
        "the\nenvironment, or as flags; COMMAND --settings prints them.\n",
        t->program);
    return COMMAND_OK;
}

/* Is `word` the first of this command's two? */
static bool begins(const struct command *c, const char *word)
{
    size_t count = strlen(word);

    return strncmp(c->name, word, count) == 0 && c->name[count] == ' ';
}

/* "tx" alone: the commands that begin so. Returns whether there are any. */
static bool print_family(const struct command_table *t, const char *word)
{
    bool any = false;
    size_t i;

    for (i = 0; i < t->commands_count; i++) {
        if (!begins(t->commands[i], word))
            continue;
        if (!any)
            printf("Usage: %s %s COMMAND [--option]... [OPERAND]...\n\n",
                   t->program, word);
        any = true;
        print_command_line(t->commands[i]);
    }
    if (any)
        printf("\n%s %s COMMAND --help tells more.\n", t->program, word);
    return any;
}

/* Two words are compared when the first begins some command. */
static int print_unknown(const struct command_table *t, int argc, char **argv)
{
    char name[NAME_BYTES_MAX];
    const char *nearest = "";
    int distance, best = 1000;
    bool family = false;
    size_t i;

    for (i = 0; i < t->commands_count; i++)
        family = family || begins(t->commands[i], argv[0]);
    snprintf(name, sizeof(name), family && argc > 1 ? "%s %s" : "%s", argv[0],
             argc > 1 ? argv[1] : "");
    for (i = 0; i < t->commands_count; i++) {
        distance = setting_distance(name, t->commands[i]->name);
        if (distance < best) {
            best = distance;
            nearest = t->commands[i]->name;
        }
    }
    command_fail(0, "%s is not a command; the nearest is %s", LOG_TEXT(name),
                 nearest);
    return COMMAND_USAGE;
}

/* No command of that name. Options after a first word are options of none. */
static int print_instead(const struct command_table *t, int argc, char **argv)
{
    bool help = argc > 1 &&
                (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);

    if ((argc == 1 || argv[1][0] == '-') && print_family(t, argv[0]))
        return help ? COMMAND_OK : COMMAND_USAGE;
    return print_unknown(t, argc, argv);
}

/* The settings of a command, with what all commands have. */
static int load_settings(const struct command_parse *p)
{
    enum setting_outcome outcome;
    struct buffer text;

    buffer_init(&text, 1 << 20);
    outcome = setting_load(&p->settings, p->flags_count, (char **)p->flags,
                           environ, &text);
    fputs(buffer_text(&text), outcome == SETTING_PRINT ? stdout : stderr);
    buffer_fini(&text);
    switch (outcome) {
    case SETTING_LOADED:
        return 0;
    case SETTING_PRINT:
        return -1;
    case SETTING_WRONG:
        return COMMAND_CONFIG;
    case SETTING_USAGE:
        break;
    }
    return COMMAND_USAGE;
}

static int run_command(const struct command_table *t, const struct command *c,
                       int argc, char **argv)
{
    const struct setting_table tables[] = {
        {c->settings, c->settings_count},
        {common, sizeof(common) / sizeof(common[0])},
    };
    char name[NAME_BYTES_MAX];
    struct command_parse *p;
    int code;

    snprintf(name, sizeof(name), "%s %s", t->program, c->name);
    p = command_parse_open(
        &(struct setting_options){
            .program = name,
            .about = c->help,
            .tables = tables,
            .tables_count = 2,
            .known = t->known,
            .known_count = t->known_count,
        },
        argc);
    code = command_parse(p, c, argc, argv);
    if (code == 0 && p->help) {
        command_parse_help(p, c);
    } else if (code == 0) {
        code = load_settings(p);
        if (code == 0) {
            CHECK(log_configure(log_level, log_format) == 0);
            code = c->run(p->operands_count, p->operands);
        } else if (code < 0) {
            code = COMMAND_OK;
        }
    }
    command_parse_close(p);
    return code;
}

static int finish(int code)
{
    /* A full disk must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout))
        return command_fail(code != 0 ? code : COMMAND_SOFTWARE,
                            "standard output cannot be written");
    return code;
}

static int print_completion(const struct command_table *t, const char *value)
{
    if (*value == '=' && command_print_completion(t, value + 1) == 0)
        return COMMAND_OK;
    return command_fail(COMMAND_USAGE, "--completion=bash or =zsh");
}

/* help tx send = tx send --help; help tx lists what begins with it. */
static int print_help(const struct command_table *t, int argc, char **argv)
{
    int words = 1;
    const struct command *c = find(t, argc, argv, &words);
    char *help[] = {argv[0], (char *)"--help", NULL};

    if (c != NULL)
        return run_command(t, c, 2, help);
    if (argc == 1 && print_family(t, argv[0]))
        return COMMAND_OK;
    return print_unknown(t, argc, argv);
}

int command_main(const struct command_table *t, int argc, char **argv)
{
    const struct command *c;
    int words = 1;

    program = t->program;
    if (argc < 2) {
        print_commands(t);
        return finish(COMMAND_USAGE);
    }
    argc--;
    argv++;
    if (strcmp(argv[0], "--version") == 0) {
        printf("%s %s\n", t->program, TIDEMILL_VERSION);
        return finish(COMMAND_OK);
    }
    if (strcmp(argv[0], "--man") == 0) {
        command_print_man(t);
        return finish(COMMAND_OK);
    }
    if (strncmp(argv[0], "--completion", 12) == 0)
        return finish(print_completion(t, argv[0] + 12));
    if (strcmp(argv[0], "help") == 0 && argc > 1)
        return finish(print_help(t, argc - 1, argv + 1));
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
        strcmp(argv[0], "help") == 0)
        return finish(print_commands(t));
    c = find(t, argc, argv, &words);
    if (c == NULL)
        return finish(print_instead(t, argc, argv));
    return finish(run_command(t, c, argc - words + 1, argv + words - 1));
}

/* Waiting for something, and for somebody who has had enough. */
struct wait {
    struct loop *loop;
    int fd;
    bool signalled;
};

static void on_signal(void *arg, bool readable, bool writable, bool error)
{
    struct signalfd_siginfo info;
    struct wait *w = arg;

    (void)readable;
    (void)writable;
    CHECK(!error);
    if (read(w->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    w->signalled = true;
    loop_stop(w->loop);
}

int command_run_until(struct loop *l, const bool *done, int64_t ms)
{
    struct wait w = {.loop = l};
    struct loop_poll *p;
    sigset_t set, before;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, &before) == 0);
    w.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(w.fd >= 0);
    p = loop_poll_open(l, "command.signal", w.fd, on_signal, &w);
    CHECK(p != NULL);
    loop_poll_want(p, true, false);

    loop_run_until(l, done, ms > 0 ? ms : FOREVER_MS);

    loop_poll_close(p);
    close(w.fd);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return *done ? 0 : w.signalled ? FAIL_GONE : FAIL_TIMEOUT;
}

bool command_color(void)
{
    const char *no = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && (no == NULL || *no == '\0');
}
