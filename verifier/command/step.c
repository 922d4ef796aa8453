/*
 * verifier/command/step.c: one line a step.
 *
 * From: init.c, schema.c, partitions.c, log.c, log_pass.c of this folder.
 * To:   standard output.
 */
#include "verifier/command/step.h"

#include <stdarg.h>
#include <stdio.h>

#include "schemas/base/bytes.h"
#include "schemas/json_writer.h"

#define WORDS_MAX 1024
#define LINE_MAX_BYTES 8192

static bool as_json;

void step_as_json(bool on)
{
    as_json = on;
}

static void say(const char *step, const int64_t *count, const char *words)
{
    struct json_writer w;
    struct buffer line;

    if (!as_json) {
        printf("%s\n", words);
        fflush(stdout);
        return;
    }
    buffer_init(&line, LINE_MAX_BYTES);
    json_writer_init(&w, &line);
    json_writer_object(&w);
    json_writer_name(&w, "step");
    json_writer_text(&w, step);
    if (count != NULL) {
        json_writer_name(&w, "count");
        json_writer_int(&w, *count);
    }
    json_writer_name(&w, "words");
    json_writer_text(&w, words);
    json_writer_end(&w);
    printf("%s\n", buffer_text(&line));
    fflush(stdout);
    buffer_fini(&line);
}

void step_say(const char *step, const char *format, ...)
{
    char words[WORDS_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    say(step, NULL, words);
}

void step_count(const char *step, int64_t count, const char *format, ...)
{
    char words[WORDS_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    say(step, &count, words);
}
