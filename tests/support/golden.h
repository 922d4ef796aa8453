/*
 * tests/support/golden.h: reads transcripts of "case", "feed", "want" lines.
 *
 *   # a comment, and empty lines
 *   case H1 both lengths at once
 *   feed GET / HTTP/1.1\r\n      \r \n \t \0 \\ \xHH; *N after it: N times
 *   want answer 400
 */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/bytes.h"
#include "tests/support/harness.h"

struct golden_case {
    char name[256];
    struct buffer feed;
    struct buffer want;
};

typedef void (*golden_fn)(struct golden_case *c, void *arg);

static inline int golden_hex(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static inline void golden_unescape(struct buffer *out, const char *text,
                                   const char *end)
{
    while (text < end) {
        char byte = *text++;
        if (byte == '\\' && text < end) {
            byte = *text++;
            if (byte == 'r')
                byte = '\r';
            else if (byte == 'n')
                byte = '\n';
            else if (byte == 't')
                byte = '\t';
            else if (byte == '0')
                byte = '\0';
            else if (byte == 'x') {
                byte = (char)(golden_hex(text[0]) * 16 + golden_hex(text[1]));
                text += 2;
            }
        }
        buffer_append_byte(out, (uint8_t)byte);
    }
}

/* "feed" plain, "bytes" in hex, "feedN" the text N times. */
static inline void golden_feed(struct golden_case *c, const char *line,
                               const char *end)
{
    long times = 1;

    if (*line >= '0' && *line <= '9')
        times = strtol(line, (char **)&line, 10);
    if (line < end && *line == ' ')
        line++;
    while (times-- > 0)
        golden_unescape(&c->feed, line, end);
}

static inline void golden_bytes(struct golden_case *c, const char *line,
                                const char *end)
{
    while (line + 1 < end) {
        if (*line == ' ') {
            line++;
            continue;
        }
        buffer_append_byte(&c->feed, (uint8_t)(golden_hex(line[0]) * 16 +
                                               golden_hex(line[1])));
        line += 2;
    }
}

/* Calls `run` for each case of the file; returns how many there were. */
static inline size_t golden_run(const char *path, golden_fn run, void *arg)
{
    size_t total, count = 0;
    char *text = harness_read_file(path, &total);
    struct golden_case c = {.name = ""};

    EXPECT(text != NULL);
    buffer_init(&c.feed, 64 * 1024 * 1024);
    buffer_init(&c.want, 1024 * 1024);
    for (char *line = text, *end; line < text + total; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + total - line));
        CHECK(end != NULL);
        if (strncmp(line, "case ", 5) == 0) {
            if (count++ > 0)
                run(&c, arg);
            snprintf(c.name, sizeof(c.name), "%.*s", (int)(end - line - 5),
                     line + 5);
            buffer_clear(&c.feed);
            buffer_clear(&c.want);
        } else if (strncmp(line, "feed", 4) == 0) {
            golden_feed(&c, line + 4, end);
        } else if (strncmp(line, "bytes ", 6) == 0) {
            golden_bytes(&c, line + 6, end);
        } else if (strncmp(line, "want ", 5) == 0) {
            buffer_append(&c.want, line + 5, (size_t)(end - line - 4));
        } else {
            CHECK(line == end || *line == '#');
        }
    }
    if (count > 0)
        run(&c, arg);
    buffer_fini(&c.feed);
    buffer_fini(&c.want);
    free(text);
    return count;
}

#endif
