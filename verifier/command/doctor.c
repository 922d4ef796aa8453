/*
 * verifier/command/doctor.c: one line for every check, and the sum of them.
 *
 * From: verifier/command/doctor_kafka.c and doctor_database.c, with findings.
 * To:   standard output.
 */
#include "verifier/command/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "consumer/base/command.h"
#include "schemas/json_writer.h"

static const char *const level_names[] = {"ok", "warning", "failed"};

static void print_text(enum doctor_level level, const char *name,
                       const char *endangers, const char *run,
                       const char *words)
{
    printf("%-8s %-22s %s\n", level_names[level], name, words);
    if (level == DOCTOR_OK)
        return;
    if (endangers != NULL)
        printf("%-8s %-22s endangers: %s\n", "", "", endangers);
    if (run != NULL)
        printf("%-8s %-22s run: %s\n", "", "", run);
}

static void add(struct json_writer *w, const char *name, const char *value)
{
    json_writer_name(w, name);
    json_writer_text(w, value);
}

static void print_json(enum doctor_level level, const char *name,
                       const char *endangers, const char *run,
                       const char *words)
{
    struct json_writer w;
    struct buffer b;

    buffer_init(&b, 8192);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    add(&w, "check", name);
    add(&w, "level", level_names[level]);
    add(&w, "words", words);
    add(&w, "endangers", level == DOCTOR_OK ? NULL : endangers);
    add(&w, "run", level == DOCTOR_OK ? NULL : run);
    json_writer_end(&w);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}

static void remember(struct doctor *d, const char *name,
                     enum doctor_level level)
{
    size_t i;

    for (i = 0; i < d->line_count; i++) {
        if (strcmp(d->lines[i].name, name) != 0)
            continue;
        if (d->lines[i].level < level)
            d->lines[i].level = level;
        return;
    }
    if (d->line_count == DOCTOR_LINES_MAX)
        return;
    snprintf(d->lines[i].name, DOCTOR_NAME_MAX, "%s", name);
    d->lines[i].level = level;
    d->line_count++;
}

void doctor_say(struct doctor *d, enum doctor_level level, const char *name,
                const char *endangers, const char *run, const char *format, ...)
{
    char words[DOCTOR_WORDS_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    d->counts[level]++;
    remember(d, name, level);
    if (d->quiet)
        return;
    (d->json ? print_json : print_text)(level, name, endangers, run, words);
    fflush(stdout);
}

int doctor_level_of(const struct doctor *d, const char *name)
{
    size_t i;

    for (i = 0; i < d->line_count; i++)
        if (strcmp(d->lines[i].name, name) == 0)
            return (int)d->lines[i].level;
    return -1;
}

int doctor_end(const struct doctor *d)
{
    if (!d->json && !d->quiet)
        printf("%d ok, %d warnings, %d failed%s\n", d->counts[DOCTOR_OK],
               d->counts[DOCTOR_WARNING], d->counts[DOCTOR_FAILED],
               d->counts[DOCTOR_FAILED] == 0 ? ": the promise holds"
                                             : ": the promise does not hold");
    return d->counts[DOCTOR_FAILED] == 0 ? COMMAND_OK : COMMAND_DIFFERS;
}
