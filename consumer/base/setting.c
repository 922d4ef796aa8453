/*
 * consumer/base/setting.c: from environment and flags into a program's
 * variables, or a sentence about what is wrong.
 *
 *     default < alias (DATABASE_URL) < TIDEMILL_NAME or TIDEMILL_NAME_FILE
 *             < --name=value
 *
 * Names come first: a misspelt setting that is silently ignored is the worst
 * kind. One file of variables feeds all programs, so the settings of the others
 * are known here too.
 *
 * From: consumer/base/service.c and command.c, before anything else.
 * To:   consumer/base/setting_value.c for one value, setting_print.c for pages.
 */
#include "consumer/base/setting.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/base/log.h"
#include "consumer/base/setting_name.h"
#include "consumer/base/setting_print.h"
#include "consumer/base/setting_value.h"
#include "schemas/base/fail.h"

#define PREFIX "TIDEMILL_"
#define PASS_PREFIX "KAFKA_"
#define PASSED_MAX 128

struct passed {
    char name[SETTING_NAME_MAX];
    const char *value;
};

/* Text that came from files lives as long as the process. */
struct kept {
    struct kept *next;
    char text[SETTING_TEXT_MAX + 1];
};

/* One load, and its faults so far. */
struct load {
    const struct setting_options *o;
    char **environment;
    int argc;
    char **argv;
    struct buffer *wrong;
};

static struct passed passed[PASSED_MAX];
static size_t passed_count;
static struct kept *kept;

static void begin_fault(struct load *l)
{
    buffer_append_format(l->wrong, "%s: ", l->o->program);
}

static void end_fault(struct load *l)
{
    buffer_append_byte(l->wrong, '\n');
}

static void unknown_variable(struct load *l, const char *name)
{
    const char *near = setting_name_nearest(l->o, name, false);

    begin_fault(l);
    buffer_append_format(l->wrong, PREFIX "%.100s is not a setting", name);
    if (near != NULL)
        buffer_append_format(l->wrong, "; the nearest is " PREFIX "%s", near);
    end_fault(l);
}

/* `flag` is what follows the dashes, up to its '='. */
static void unknown_flag(struct load *l, const char *flag, size_t count)
{
    char name[SETTING_NAME_MAX];
    const char *near;

    setting_name_of_flag(flag, count, name);
    near = setting_name_nearest(l->o, name, true);
    begin_fault(l);
    buffer_append_format(l->wrong, "--%.*s is not a flag",
                         count > 100 ? 100 : (int)count, flag);
    if (near != NULL) {
        buffer_append_text(l->wrong, "; the nearest is ");
        setting_name_append_flag(near, l->wrong);
    }
    end_fault(l);
}

/* Says what is wrong with `text` as the value of `name`. */
static void wrong_value(struct load *l, const struct setting *s,
                        const char *name, const char *text, const char *why)
{
    begin_fault(l);
    buffer_append_text(l->wrong, name);
    /* What may stand in a file is secret, or has a password in it. */
    if (!setting_in_file(s))
        buffer_append_format(l->wrong, "=%s", LOG_TEXT(text));
    buffer_append_format(l->wrong, " %s", why);
    end_fault(l);
}

static void read_value(struct load *l, const struct setting *s,
                       const char *name, const char *text)
{
    struct buffer why;

    buffer_init(&why, 512);
    if (setting_value_read(s, text, &why) < 0)
        wrong_value(l, s, name, text, buffer_text(&why));
    buffer_fini(&why);
}

/* The content of a small file without the white space around it. */
static const char *read_file(const char *path, const char **out_why)
{
    struct kept *k = malloc(sizeof(*k));
    ssize_t got = 0;
    size_t count = 0, from;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    CHECK(k != NULL);
    *out_why = "names a file that cannot be read";
    while (fd >= 0 && count < sizeof(k->text) &&
           (got = read(fd, k->text + count, sizeof(k->text) - count)) > 0)
        count += (size_t)got;
    if (fd >= 0)
        close(fd);
    if (fd < 0 || got < 0)
        goto refuse;
    *out_why = "names a file that is empty, too long or not text";
    if (count == sizeof(k->text) || memchr(k->text, '\0', count) != NULL)
        goto refuse;
    while (count > 0 && strchr(" \t\r\n", k->text[count - 1]) != NULL)
        count--;
    k->text[count] = '\0';
    from = strspn(k->text, " \t\r\n");
    if (from == count)
        goto refuse;
    k->next = kept;
    kept = k;
    return k->text + from;

refuse:
    free(k);
    return NULL;
}

static void read_from_file(struct load *l, const struct setting *s,
                           const char *name, const char *path)
{
    const char *why;
    const char *text = read_file(path, &why);

    if (text == NULL)
        wrong_value(l, s, name, path, why);
    else
        read_value(l, s, name, text);
}

/* The value of a variable, or NULL when it is unset or empty. */
static const char *variable(struct load *l, const char *prefix,
                            const char *name, const char *suffix)
{
    size_t prefix_count = strlen(prefix), name_count = strlen(name);
    size_t suffix_count = strlen(suffix);
    char **e;

    for (e = l->environment; *e != NULL; e++) {
        const char *at = *e;

        if (strncmp(at, prefix, prefix_count) != 0)
            continue;
        at += prefix_count;
        if (strncmp(at, name, name_count) != 0)
            continue;
        at += name_count;
        if (strncmp(at, suffix, suffix_count) != 0)
            continue;
        at += suffix_count;
        if (*at == '=')
            return at[1] == '\0' ? NULL : at + 1;
    }
    return NULL;
}

/* One setting from the environment. */
static void read_variables(struct load *l, const struct setting *s)
{
    char name[SETTING_NAME_MAX];
    const char *text = variable(l, PREFIX, s->name, "");
    const char *path = NULL;

    CHECK(strlen(s->name) + sizeof(PREFIX "_FILE") <= sizeof(name));
    if (setting_in_file(s))
        path = variable(l, PREFIX, s->name, "_FILE");
    strcpy(name, PREFIX);
    strcat(name, s->name);

    if (text != NULL && path != NULL) {
        wrong_value(l, s, name, text, "and its _FILE are both set");
    } else if (text != NULL) {
        read_value(l, s, name, text);
    } else if (path != NULL) {
        strcat(name, "_FILE");
        read_from_file(l, s, name, path);
    } else if (s->alias != NULL && variable(l, "", s->alias, "") != NULL) {
        read_value(l, s, s->alias, variable(l, "", s->alias, ""));
    }
}

/* Notes a pair for kafka.c; `name` without the prefix. */
static void pass(const char *name, const char *value)
{
    CHECK(strlen(name) < sizeof(passed[0].name));
    if (passed_count == PASSED_MAX)
        return;
    strcpy(passed[passed_count].name, name);
    passed[passed_count].value = value;
    passed_count++;
}

/* Does somebody know the name of this variable? */
static void check_variable(struct load *l, const char *entry)
{
    const char *at = entry + strlen(PREFIX);
    size_t count = strcspn(at, "=");
    char name[SETTING_NAME_MAX];

    if (count >= sizeof(name))
        count = sizeof(name) - 1;
    memcpy(name, at, count);
    name[count] = '\0';
    if (setting_name_find(l->o, name) != NULL ||
        setting_name_find_file(l->o, name) != NULL ||
        setting_name_known(l->o, name))
        return;
    if (strncmp(name, PASS_PREFIX, strlen(PASS_PREFIX)) != 0)
        unknown_variable(l, name);
    else if (at[count] == '=' && at[count + 1] != '\0')
        pass(name + strlen(PASS_PREFIX), at + count + 1);
}

/* `name` is "KAFKA_LINGER_MS". Those who read the environment see it too. */
static void pass_flag(const char *name, const char *value)
{
    char full[sizeof(PREFIX) + SETTING_NAME_MAX];

    pass(name + strlen(PASS_PREFIX), value);
    strcpy(full, PREFIX);
    strcat(full, name);
    setenv(full, value, 1);
}

static void read_flag_value(struct load *l, const char *flag, const char *name,
                            const char *value)
{
    const struct setting *s = setting_name_find(l->o, name);
    const struct setting *file = setting_name_find_file(l->o, name);

    if (s != NULL && value == NULL && s->kind == SETTING_KIND_FLAG)
        read_value(l, s, flag, "true");
    else if (s != NULL && value != NULL)
        read_value(l, s, flag, value);
    else if (file != NULL && value != NULL)
        read_from_file(l, file, flag, value);
    else if (s != NULL || file != NULL)
        wrong_value(l, s != NULL ? s : file, flag, "",
                    "wants a value after '='");
    else if (value != NULL &&
             strncmp(name, PASS_PREFIX, strlen(PASS_PREFIX)) == 0)
        pass_flag(name, value);
    else
        unknown_flag(l, flag + 2, strlen(flag + 2));
}

/* "--batch-ms=5" is flag "--batch-ms", name "BATCH_MS", value "5". */
static void read_flag(struct load *l, const char *argument)
{
    size_t count = strcspn(argument, "=");
    char flag[SETTING_NAME_MAX], name[SETTING_NAME_MAX];

    if (count >= sizeof(flag)) {
        unknown_flag(l, argument + 2, count - 2);
        return;
    }
    memcpy(flag, argument, count);
    flag[count] = '\0';
    setting_name_of_flag(flag + 2, count - 2, name);
    read_flag_value(l, flag, name,
                    argument[count] == '=' ? argument + count + 1 : NULL);
}

static void each_setting(struct load *l,
                         void (*run)(struct load *, const struct setting *))
{
    size_t t, i;

    for (t = 0; t < l->o->tables_count; t++) {
        for (i = 0; i < l->o->tables[t].count; i++)
            run(l, &l->o->tables[t].rows[i]);
    }
}

static void reset(struct load *l, const struct setting *s)
{
    /* Two rows of one name would shadow each other. */
    CHECK(setting_name_find(l->o, s->name) == s);
    setting_value_reset(s);
}

static bool has_argument(struct load *l, const char *argument)
{
    int i;

    for (i = 1; i < l->argc; i++) {
        if (strcmp(l->argv[i], argument) == 0)
            return true;
    }
    return false;
}

/* Reads everything; whether it went well is in l->wrong. Returns the first
 * argument that is no flag, or NULL. */
static const char *read_all(struct load *l)
{
    const char *stray = NULL;
    char **e;
    int i;

    passed_count = 0;
    each_setting(l, reset);
    for (e = l->environment; *e != NULL; e++) {
        if (strncmp(*e, PREFIX, strlen(PREFIX)) == 0)
            check_variable(l, *e);
    }
    each_setting(l, read_variables);
    for (i = 1; i < l->argc; i++) {
        if (strncmp(l->argv[i], "--settings", 10) == 0)
            continue;
        if (strncmp(l->argv[i], "--", 2) == 0 && l->argv[i][2] != '\0')
            read_flag(l, l->argv[i]);
        else if (stray == NULL)
            stray = l->argv[i];
    }
    return stray;
}

enum setting_outcome setting_load(const struct setting_options *o, int argc,
                                  char **argv, char **environment,
                                  struct buffer *out_text)
{
    struct load l = {o, environment, argc, argv, out_text};
    const char *stray;

    if (has_argument(&l, "--help") || has_argument(&l, "-h")) {
        setting_print_help(o, out_text);
        return SETTING_PRINT;
    }
    if (has_argument(&l, "--version")) {
        buffer_append_format(out_text, "%s %s\n", o->program, TIDEMILL_VERSION);
        return SETTING_PRINT;
    }
    stray = read_all(&l);
    if (stray != NULL) {
        buffer_clear(out_text);
        buffer_append_format(out_text, "%s: %.200s is no flag; try --help\n",
                             o->program, stray);
        return SETTING_USAGE;
    }
    if (out_text->count > 0)
        return SETTING_WRONG;
    if (has_argument(&l, "--settings-markdown")) {
        setting_print_markdown(o, out_text);
        return SETTING_PRINT;
    }
    if (has_argument(&l, "--settings")) {
        setting_print(o, out_text);
        return SETTING_PRINT;
    }
    return SETTING_LOADED;
}

const struct setting *setting_find_flag(const struct setting_options *o,
                                        const char *flag)
{
    char name[SETTING_NAME_MAX];
    const struct setting *s;
    size_t count = strcspn(flag, "=");

    if (strncmp(flag, "--", 2) != 0 || count - 2 >= sizeof(name))
        return NULL;
    setting_name_of_flag(flag + 2, count - 2, name);
    s = setting_name_find(o, name);
    return s != NULL ? s : setting_name_find_file(o, name);
}

bool setting_passed(size_t index, const char **out_name, const char **out_value)
{
    if (index >= passed_count)
        return false;
    *out_name = passed[index].name;
    *out_value = passed[index].value;
    return true;
}
