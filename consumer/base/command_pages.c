/*
 * consumer/base/command_pages.c: the tables of commands, written for man and
 * for shells.
 *
 * From: consumer/base/command.c, for --man and --completion.
 * To:   standard output; deploy/man makes files of it.
 */
#include "consumer/base/command_pages.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "consumer/base/setting_name.h"
#include "schemas/base/fail.h"

#define SETTINGS_MAX 256 /* names that all commands know together */

/* ---- man ---- */

/* In roff a backslash, a dash and a dot at the start mean something else. */
static void put_roff(const char *text, bool line_start)
{
    for (; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            printf("\\&");
        if (*text == '\\')
            printf("\\e");
        else if (*text == '-')
            printf("\\-");
        else
            putchar(*text);
        line_start = *text == '\n';
    }
}

/* The first line of a help is its title, the others are its body. */
static void put_help(const struct command *c)
{
    size_t title = strcspn(c->help, "\n");
    char words[512];

    snprintf(words, sizeof(words), "%.*s", (int)title, c->help);
    put_roff(words, true);
    printf("%s\n", title > 0 && c->help[title - 1] == '?' ? "" : ".");
    if (c->help[title] == '\0')
        return;
    printf(".PP\n.nf\n");
    put_roff(c->help + title + 1, true);
    printf("\n.fi\n");
}

static void put_option(const struct command_option *o)
{
    printf(".TP\n.B \\-\\-");
    put_roff(o->name, false);
    if (o->what != NULL) {
        printf("=");
        put_roff(o->what, false);
    }
    printf("\n");
    put_roff(o->help, true);
    printf("\n");
}

static void put_command(const struct command_table *t, const struct command *c)
{
    size_t i;

    printf(".SS %s %s ", t->program, c->name);
    put_roff(c->usage == NULL ? "" : c->usage, false);
    printf("\n");
    put_help(c);
    for (i = 0; i < c->options_count; i++)
        put_option(&c->options[i]);
}

static void put_heading(const struct command_table *t, const struct command *c)
{
    const char *words;
    size_t i;

    for (i = 0; i < t->headings_count; i++) {
        if (strcmp(t->headings[i].command, c->name) != 0)
            continue;
        printf(".SH ");
        for (words = t->headings[i].words; *words != '\0'; words++)
            putchar(toupper((unsigned char)*words));
        printf("\n");
    }
}

/* Is this the first command that knows it? */
static bool is_new(const struct setting **seen, size_t *count,
                   const struct setting *s)
{
    size_t i;

    for (i = 0; i < *count; i++)
        if (strcmp(seen[i]->name, s->name) == 0)
            return false;
    if (*count < SETTINGS_MAX)
        seen[(*count)++] = s;
    return true;
}

static void put_setting(const struct setting *s)
{
    printf(".TP\n.B TIDEMILL_%s\n", s->name);
    put_roff(s->help, true);
    if (s->text_default != NULL && s->text_default[0] != '\0') {
        printf(" (");
        put_roff(s->text_default, false);
        printf(")");
    }
    if (s->alias != NULL && strcmp(s->alias, s->name) == 0)
        printf("; also as %s", s->alias);
    printf("\n");
}

static void put_settings(const struct command_table *t)
{
    const struct setting *seen[SETTINGS_MAX];
    size_t count = 0, i, k;

    printf(
        ".SH ENVIRONMENT\nEach is a flag of the commands that read it, too: "
        "TIDEMILL_LOG_LEVEL is \\-\\-log\\-level.\n");
    for (i = 0; i < t->commands_count; i++)
        for (k = 0; k < t->commands[i]->settings_count; k++)
            if (is_new(seen, &count, &t->commands[i]->settings[k]))
                put_setting(&t->commands[i]->settings[k]);
}

static void put_exit_status(void)
{
    static const struct {
        int code;
        const char *words;
    } codes[] = {
        {COMMAND_OK, "done, or nothing to do"},
        {COMMAND_DIFFERS, "compared, and something differs or is missing"},
        {COMMAND_USAGE, "called in a way that does not exist"},
        {COMMAND_DATA, "what was named is not there, or does not decode"},
        {COMMAND_UNAVAILABLE, "a server does not answer"},
        {COMMAND_SOFTWARE, "a fault of ours"},
        {COMMAND_TEMPORARY, "not now: run it again"},
        {COMMAND_DENIED, "not allowed"},
        {COMMAND_CONFIG, "a setting is wrong, or something was never set up"},
    };
    size_t i;

    printf(".SH EXIT STATUS\n");
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        printf(".TP\n.B %d\n%s\n", codes[i].code, codes[i].words);
}

void command_print_man(const struct command_table *t)
{
    size_t i;

    printf(".TH %s 1 \"\" \"%s %s\" \"%s\"\n", t->program, t->program,
           TIDEMILL_VERSION, t->program);
    printf(".SH NAME\n%s \\- ", t->program);
    put_roff(t->about, false);
    printf(
        "\n.SH SYNOPSIS\n.B %s\n.I COMMAND\n[\\-\\-option]... [OPERAND]...\n"
        ".SH DESCRIPTION\nResults go to standard output, everything else to "
        "standard error. What changes something shows a preview, and acts "
        "with \\-\\-execute. Anything may be cut off and run again.\n",
        t->program);
    for (i = 0; i < t->commands_count; i++) {
        put_heading(t, t->commands[i]);
        put_command(t, t->commands[i]);
    }
    put_settings(t);
    put_exit_status();
}

/* ---- completion ---- */

/* Characters of the first word of a command. */
static int first_count(const struct command *c)
{
    return (int)strcspn(c->name, " ");
}

/* Is this the first command with its first word? */
static bool is_first(const struct command_table *t, size_t i)
{
    size_t k;

    for (k = 0; k < i; k++)
        if (first_count(t->commands[k]) == first_count(t->commands[i]) &&
            strncmp(t->commands[k]->name, t->commands[i]->name,
                    (size_t)first_count(t->commands[i])) == 0)
            return false;
    return true;
}

/* "tx" stands for all that begins with it. */
static void put_first_words(const struct command_table *t)
{
    size_t i;

    for (i = 0; i < t->commands_count; i++)
        if (is_first(t, i))
            printf("%.*s ", first_count(t->commands[i]), t->commands[i]->name);
    printf("help --help --version");
}

/* 2:tx) words='send get ...' ;; */
static void put_families(const struct command_table *t)
{
    const char *name;
    size_t i, k;
    int count;

    for (i = 0; i < t->commands_count; i++) {
        name = t->commands[i]->name;
        count = first_count(t->commands[i]);
        if (name[count] == '\0' || !is_first(t, i))
            continue;
        printf("    2:%.*s) words='", count, name);
        for (k = i; k < t->commands_count; k++)
            if (strncmp(t->commands[k]->name, name, (size_t)count + 1) == 0)
                printf("%s ", t->commands[k]->name + count + 1);
        printf("' ;;\n");
    }
}

static void put_flags(const struct command *c)
{
    struct buffer flag;
    size_t i;

    for (i = 0; i < c->options_count; i++)
        printf("--%s%s ", c->options[i].name,
               c->options[i].kind == COMMAND_OPTION_FLAG ? "" : "=");
    buffer_init(&flag, 256);
    for (i = 0; i < c->settings_count; i++) {
        buffer_clear(&flag);
        setting_name_append_flag(c->settings[i].name, &flag);
        printf("%s= ", buffer_text(&flag));
    }
    buffer_fini(&flag);
    printf("--help --settings");
}

/* Commands of one word, or of two. */
static void put_commands(const struct command_table *t, bool two)
{
    const struct command *c;
    size_t i;

    for (i = 0; i < t->commands_count; i++) {
        c = t->commands[i];
        if ((c->name[first_count(c)] != '\0') != two)
            continue;
        printf("    '%s') words='", c->name);
        put_flags(c);
        printf("' ;;\n");
    }
}

static void put_bash(const struct command_table *t)
{
    printf(
        "# Completion of %s; made by `%s --completion=bash`.\n"
        "_%s() {\n"
        "    local words='' word cur=${COMP_WORDS[COMP_CWORD]}\n"
        "    local one=${COMP_WORDS[1]} two=\"${COMP_WORDS[1]} "
        "${COMP_WORDS[2]}\"\n"
        "    case $COMP_CWORD:$one in\n    1:*) words='",
        t->program, t->program, t->program);
    put_first_words(t);
    printf("' ;;\n");
    put_families(t);
    printf("    esac\n    [ -n \"$words\" ] || case $one in\n");
    put_commands(t, false);
    printf("    esac\n    [ -n \"$words\" ] || case $two in\n");
    put_commands(t, true);
    printf(
        "    esac\n"
        "    COMPREPLY=()\n"
        "    while read -r word; do COMPREPLY+=(\"$word\"); done < \\\n"
        "        <(compgen -W \"$words\" -- \"$cur\")\n"
        "    case \"${COMPREPLY[*]}\" in *=) compopt -o nospace "
        "2>/dev/null ;; esac\n}\n"
        "complete -o default -F _%s %s\n",
        t->program, t->program);
}

int command_print_completion(const struct command_table *t, const char *shell)
{
    bool zsh = strcmp(shell, "zsh") == 0;

    if (!zsh && strcmp(shell, "bash") != 0)
        return FAIL_UNSUPPORTED;
    if (zsh)
        printf("autoload -U +X bashcompinit && bashcompinit\n");
    put_bash(t);
    return 0;
}
