/*
 * consumer/base/command_parse.c: option, setting or operand?
 *
 * Options of the command come first, then settings; what begins with dashes and
 * is neither is an error with the nearest name, so that a misspelt --execute
 * never becomes an operand.
 *
 * From: consumer/base/command.c.
 * To:   the variables of the options; setting_load(); the command's run().
 */
#include "consumer/base/command_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/setting_name.h"
#include "consumer/base/setting_print.h"
#include "schemas/base/fail.h"

struct command_parse *command_parse_open(const struct setting_options *settings,
                                         int argc)
{
    struct command_parse *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    p->settings = *settings;
    p->flags = calloc((size_t)argc + 2, sizeof(*p->flags));
    p->operands = calloc((size_t)argc + 2, sizeof(*p->operands));
    CHECK(p->flags != NULL && p->operands != NULL);
    p->flags[p->flags_count++] = settings->program;
    return p;
}

void command_parse_close(struct command_parse *p)
{
    free(p->flags);
    free(p->operands);
    free(p);
}

static const struct command_option *find_option(const struct command *c,
                                                const char *name, size_t count)
{
    size_t i;

    for (i = 0; i < c->options_count; i++) {
        if (strlen(c->options[i].name) == count &&
            memcmp(c->options[i].name, name, count) == 0)
            return &c->options[i];
    }
    return NULL;
}

static int set_number(const struct command_option *o, const char *text)
{
    long long number;
    char *end;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < o->min ||
        number > o->max)
        return command_fail(COMMAND_USAGE, "--%s=%s: wants %lld..%lld", o->name,
                            text, o->min, o->max);
    *o->value.number = number;
    return 0;
}

static int set_option(const struct command_option *o, const char *text)
{
    switch (o->kind) {
    case COMMAND_OPTION_FLAG:
        if (text != NULL)
            return command_fail(COMMAND_USAGE, "--%s takes no value", o->name);
        *o->value.flag = true;
        return 0;
    case COMMAND_OPTION_TEXT:
        *o->value.text = text;
        return 0;
    case COMMAND_OPTION_COUNT:
        return set_number(o, text);
    }
    CHECK(false);
    return COMMAND_SOFTWARE;
}

/* "--from=1-7-5" and "--from 1-7-5"; moves *i over what it took. */
static int take_option(const struct command_option *o, int argc, char **argv,
                       int *i)
{
    const char *text = strchr(argv[*i], '=');

    if (text != NULL)
        text++;
    if (text == NULL && o->kind != COMMAND_OPTION_FLAG) {
        if (*i + 1 == argc)
            return command_fail(COMMAND_USAGE, "--%s wants a value", o->name);
        text = argv[++*i];
    }
    return set_option(o, text);
}

static int refuse(const struct command_parse *p, const struct command *c,
                  const char *argument)
{
    char name[SETTING_NAME_MAX], flag[SETTING_NAME_MAX];
    const char *nearest, *best = NULL;
    struct buffer shown;
    int distance, best_distance = 1000;
    size_t i;

    snprintf(flag, sizeof(flag), "%.*s", (int)strcspn(argument + 2, "="),
             argument + 2);
    setting_name_of_flag(flag, strlen(flag), name);
    for (i = 0; i < c->options_count; i++) {
        distance = setting_distance(flag, c->options[i].name);
        if (distance < best_distance) {
            best_distance = distance;
            best = c->options[i].name;
        }
    }
    buffer_init(&shown, 512);
    nearest = setting_name_nearest(&p->settings, name, true);
    if (nearest != NULL && setting_distance(name, nearest) < best_distance)
        setting_name_append_flag(nearest, &shown);
    else if (best != NULL)
        buffer_append_format(&shown, "--%s", best);
    command_fail(0, "--%s is not an option of %s; the nearest is %s", flag,
                 c->name, buffer_text(&shown));
    buffer_fini(&shown);
    return COMMAND_USAGE;
}

/* Flags that setting_load() answers or takes. */
static bool is_setting(const struct command_parse *p, const char *argument)
{
    return setting_find_flag(&p->settings, argument) != NULL ||
           strcmp(argument, "--settings") == 0 ||
           strcmp(argument, "--settings-markdown") == 0 ||
           (strncmp(argument, "--kafka-", 8) == 0 &&
            strchr(argument, '=') != NULL);
}

static int take_flag(struct command_parse *p, const struct command *c, int argc,
                     char **argv, int *i)
{
    const struct command_option *o =
        find_option(c, argv[*i] + 2, strcspn(argv[*i] + 2, "="));

    if (o != NULL)
        return take_option(o, argc, argv, i);
    if (strcmp(argv[*i], "--progress") == 0) {
        command_progress_force(true);
        return 0;
    }
    if (!is_setting(p, argv[*i]))
        return refuse(p, c, argv[*i]);
    p->flags[p->flags_count++] = argv[*i];
    return 0;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

int command_parse(struct command_parse *p, const struct command *c, int argc,
                  char **argv)
{
    bool operands_only = c->raw;
    int i, code;

    p->operands[p->operands_count++] = (char *)c->name;
    for (i = 1; i < argc; i++) {
        if (operands_only) {
            p->operands[p->operands_count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            operands_only = true;
        } else if (is_help(argv[i])) {
            p->help = true;
        } else if (strncmp(argv[i], "--", 2) == 0) {
            code = take_flag(p, c, argc, argv, &i);
            if (code != 0)
                return code;
        } else {
            p->operands[p->operands_count++] = argv[i];
        }
    }
    return 0;
}

void command_parse_help(const struct command_parse *p, const struct command *c)
{
    struct buffer text;
    char flag[64];
    size_t i;

    printf("%s: %s\n\nUsage: %s %s\n\n", p->settings.program, c->help,
           p->settings.program, c->usage == NULL ? "" : c->usage);
    for (i = 0; i < c->options_count; i++) {
        snprintf(flag, sizeof(flag), "--%s%s%s", c->options[i].name,
                 c->options[i].what != NULL ? "=" : "",
                 c->options[i].what != NULL ? c->options[i].what : "");
        printf("  %-26s %s\n", flag, c->options[i].help);
    }
    buffer_init(&text, 1 << 20);
    setting_print_flags(&p->settings, &text);
    printf("\nSettings, as flags or as TIDEMILL_NAME in the environment:\n\n%s",
           buffer_text(&text));
    buffer_fini(&text);
}
