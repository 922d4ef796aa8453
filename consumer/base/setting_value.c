/*
 * consumer/base/setting_value.c: text to value and back, with range and unit.
 *
 *     "5s" -> SETTING_KIND_MS -> 5000, if min <= 5000 <= max
 *
 * From: consumer/base/setting.c (reading), setting_print.c (printing).
 * To:   the variable of the setting.
 */
#include "consumer/base/setting_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

struct suffix {
    const char *text;
    long long times;
};

static const struct suffix ms_suffixes[] = {
    {"", 1},        {"ms", 1},       {"s", 1000}, {"m", 60000},
    {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};
static const struct suffix bytes_suffixes[] = {
    {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0},
};
static const struct suffix count_suffixes[] = {{"", 1}, {NULL, 0}};

static int read_number(const char *text, const struct suffix *suffixes,
                       long long *out)
{
    long long number;
    char *end;

    /* strtoll() would skip spaces and take a plus. */
    if (*text != '-' && (*text < '0' || *text > '9'))
        return FAIL_SETTING;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || end == text)
        return FAIL_SETTING;
    for (; suffixes->text != NULL; suffixes++) {
        if (strcmp(end, suffixes->text) != 0)
            continue;
        return __builtin_mul_overflow(number, suffixes->times, out)
                   ? FAIL_SETTING
                   : 0;
    }
    return FAIL_SETTING;
}

static int read_flag(const char *text, long long *out)
{
    static const char *const words[] = {"false", "true", "no", "yes",
                                        "off",   "on",   "0",  "1"};
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (long long)(i % 2);
            return 0;
        }
    }
    return FAIL_SETTING;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t count;

    for (; *choices != '\0'; choices += count + (choices[count] == '|')) {
        count = strcspn(choices, "|");
        if (strlen(text) == count && memcmp(text, choices, count) == 0)
            return true;
    }
    return false;
}

static int read_by_kind(const struct setting *s, const char *text,
                        long long *out)
{
    switch (s->kind) {
    case SETTING_KIND_TEXT:
    case SETTING_KIND_SECRET:
        return strlen(text) <= SETTING_TEXT_MAX ? 0 : FAIL_SETTING;
    case SETTING_KIND_CHOICE:
        return is_choice(s->choices, text) ? 0 : FAIL_SETTING;
    case SETTING_KIND_COUNT:
        return read_number(text, count_suffixes, out);
    case SETTING_KIND_MS:
        return read_number(text, ms_suffixes, out);
    case SETTING_KIND_BYTES:
        return read_number(text, bytes_suffixes, out);
    case SETTING_KIND_FLAG:
        return read_flag(text, out);
    }
    CHECK(false);
    return FAIL_SETTING;
}

static const char *kind_words(const struct setting *s)
{
    switch (s->kind) {
    case SETTING_KIND_TEXT:
    case SETTING_KIND_SECRET:
        return "is too long";
    case SETTING_KIND_CHOICE:
        return "is none of the words it may be";
    case SETTING_KIND_COUNT:
        return "is not a whole number";
    case SETTING_KIND_MS:
        return "is not a time (500, 500ms, 5s, 2m, 1h, 7d)";
    case SETTING_KIND_BYTES:
        return "is not a size (1024, 16KiB, 1MiB, 2GiB)";
    case SETTING_KIND_FLAG:
        return "is neither true nor false";
    }
    return "is wrong";
}

static bool is_number(const struct setting *s)
{
    return s->kind == SETTING_KIND_COUNT || s->kind == SETTING_KIND_MS ||
           s->kind == SETTING_KIND_BYTES;
}

static int refuse(const struct setting *s, const char *words,
                  struct buffer *why)
{
    buffer_append_format(why, "%s; allowed: ", words);
    setting_value_range(s, why);
    if (is_number(s) && s->kind != SETTING_KIND_COUNT)
        buffer_append_format(why, " %s", setting_value_unit(s));
    return FAIL_SETTING;
}

int setting_value_read(const struct setting *s, const char *text,
                       struct buffer *why)
{
    long long number = 0;

    if (read_by_kind(s, text, &number) < 0)
        return refuse(s, kind_words(s), why);
    if (is_number(s) && (number < s->min || number > s->max))
        return refuse(s, "is out of range", why);

    if (is_number(s))
        *s->value.number = number;
    else if (s->kind == SETTING_KIND_FLAG)
        *s->value.flag = number != 0;
    else
        *s->value.text = text;
    return 0;
}

void setting_value_reset(const struct setting *s)
{
    CHECK(!is_number(s) ||
          (s->min <= s->number_default && s->number_default <= s->max));
    if (is_number(s))
        *s->value.number = s->number_default;
    else if (s->kind == SETTING_KIND_FLAG)
        *s->value.flag = s->number_default != 0;
    else
        *s->value.text = s->text_default;
}

/*
 * Appends `text` with the password of a URL (scheme://user:password@host) or of
 * a "password=…" word replaced by stars.
 */
static void print_text(const char *text, struct buffer *out)
{
    const char *at = strstr(text, "://");
    const char *end, *colon;

    if (at != NULL) {
        end = at + 3 + strcspn(at + 3, "?#");
        /* The last @ ends the user part: a password may contain one, and a
         * slash that should have been escaped. */
        while (end > at && *end != '@')
            end--;
        colon = memchr(at + 3, ':', end > at ? (size_t)(end - at - 3) : 0);
        if (end > at && colon != NULL) {
            buffer_append(out, text, (size_t)(colon + 1 - text));
            buffer_append_text(out, "***");
            text = end;
        }
    }
    while ((at = strstr(text, "password=")) != NULL) {
        at += strlen("password=");
        buffer_append(out, text, (size_t)(at - text));
        buffer_append_text(out, "***");
        text = at + (*at == '\'' ? strlen(at) : strcspn(at, " &"));
    }
    buffer_append_text(out, text);
}

static void print_number(const struct setting *s, long long number,
                         struct buffer *out)
{
    if (s->kind == SETTING_KIND_FLAG)
        buffer_append_text(out, number != 0 ? "true" : "false");
    else
        buffer_append_format(out, "%lld", number);
}

void setting_value_print(const struct setting *s, struct buffer *out)
{
    if (is_number(s))
        print_number(s, *s->value.number, out);
    else if (s->kind == SETTING_KIND_FLAG)
        print_number(s, *s->value.flag, out);
    else if (s->kind == SETTING_KIND_SECRET)
        buffer_append_text(out, *s->value.text == NULL ? "-" : "(hidden)");
    else if (*s->value.text == NULL)
        buffer_append_text(out, "-");
    else
        print_text(*s->value.text, out);
}

void setting_value_default(const struct setting *s, struct buffer *out)
{
    if (is_number(s) || s->kind == SETTING_KIND_FLAG)
        print_number(s, s->number_default, out);
    else if (s->text_default != NULL)
        print_text(s->text_default, out);
    else
        buffer_append_text(out, "-");
}

void setting_value_range(const struct setting *s, struct buffer *out)
{
    if (s->kind == SETTING_KIND_FLAG)
        buffer_append_text(out, "true|false");
    else if (s->kind == SETTING_KIND_CHOICE)
        buffer_append_text(out, s->choices);
    else if (is_number(s))
        buffer_append_format(out, "%lld..%lld", s->min, s->max);
    else
        buffer_append_format(out, "up to %d bytes", SETTING_TEXT_MAX);
}

const char *setting_value_unit(const struct setting *s)
{
    switch (s->kind) {
    case SETTING_KIND_TEXT:
        return "text";
    case SETTING_KIND_SECRET:
        return "secret";
    case SETTING_KIND_CHOICE:
        return "word";
    case SETTING_KIND_COUNT:
        return "count";
    case SETTING_KIND_MS:
        return "ms";
    case SETTING_KIND_BYTES:
        return "bytes";
    case SETTING_KIND_FLAG:
        return "flag";
    }
    return "";
}

bool setting_in_file(const struct setting *s)
{
    return s->kind == SETTING_KIND_SECRET ||
           (s->kind == SETTING_KIND_TEXT && s->alias != NULL);
}
