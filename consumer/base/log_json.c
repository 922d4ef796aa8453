/*
 * consumer/base/log_json.c: reads the pairs of a log line and writes them as
 * JSON.
 *
 *     partition=7 why="slow \"listener\""
 *     {…,"partition":7,"why":"slow \"listener\""}
 *
 * The callers write one format (pairs), so the two outputs cannot drift apart.
 *
 * From: consumer/base/log.c.
 * To:   the line it writes.
 */
#include "consumer/base/log_json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct writer {
    char *data;
    size_t count, max; /* max leaves room for the closing brace and newline */
    bool full;
};

static void put(struct writer *w, char c)
{
    if (w->count < w->max)
        w->data[w->count++] = c;
    else
        w->full = true;
}

static void put_text(struct writer *w, const char *text, size_t count)
{
    while (count-- > 0)
        put(w, *text++);
}

/* One byte inside a JSON string. */
static void put_inside(struct writer *w, uint8_t c)
{
    char escape[8];

    if (c == '"' || c == '\\') {
        put(w, '\\');
        put(w, (char)c);
    } else if (c >= 0x20 && c <= 0x7e) {
        put(w, (char)c);
    } else {
        snprintf(escape, sizeof(escape), "\\u%04x", c);
        put_text(w, escape, 6);
    }
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* The value between quotes, as log_quote() escapes it; returns what follows. */
static const char *put_quoted(struct writer *w, const char *at)
{
    put(w, '"');
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (at[0] == '\\' && at[1] == 'x' && hex_value(at[2]) >= 0 &&
            hex_value(at[3]) >= 0) {
            put_inside(w, (uint8_t)(hex_value(at[2]) * 16 + hex_value(at[3])));
            at += 3;
        } else {
            if (at[0] == '\\' && at[1] != '\0')
                at++;
            put_inside(w, (uint8_t)*at);
        }
    }
    put(w, '"');
    return *at == '"' ? at + 1 : at;
}

/* A JSON number that every reader keeps exactly. */
static bool is_number(const char *text, size_t count)
{
    size_t i = 0, digits = 0, points = 0;

    if (count > 0 && text[0] == '-')
        i++;
    if (count > i + 1 && text[i] == '0' && text[i + 1] != '.')
        return false;
    for (; i < count; i++) {
        if (text[i] == '.' && points == 0 && digits > 0 && i + 1 < count)
            points++;
        else if (text[i] >= '0' && text[i] <= '9')
            digits++;
        else
            return false;
    }
    return digits > 0 && digits <= 15;
}

static bool is_word(const char *text, size_t count)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t i;

    for (i = 0; i < 3; i++) {
        if (strlen(words[i]) == count && memcmp(words[i], text, count) == 0)
            return true;
    }
    return false;
}

static void put_string(struct writer *w, const char *text, size_t count)
{
    put(w, '"');
    while (count-- > 0)
        put_inside(w, (uint8_t)*text++);
    put(w, '"');
}

/* One pair; returns what follows it. */
static const char *put_pair(struct writer *w, const char *at)
{
    size_t count = strcspn(at, " =");

    put(w, ',');
    if (at[count] != '=') {
        put_text(w, "\"text\":", 7);
        put_string(w, at, count);
        return at + count;
    }
    put_string(w, at, count);
    put(w, ':');
    at += count + 1;
    if (*at == '"')
        return put_quoted(w, at);
    count = strcspn(at, " ");
    if (is_number(at, count) || is_word(at, count))
        put_text(w, at, count);
    else
        put_string(w, at, count);
    return at + count;
}

size_t log_json(char *out, size_t out_max, const char *when, const char *level,
                const char *event, const char *pairs)
{
    struct writer w = {.data = out, .max = out_max - 2};
    size_t whole;
    int count;

    count = snprintf(out, w.max, "{\"time\":\"%.30s\",\"level\":\"%.10s\"",
                     when, level);
    w.count = (size_t)count;
    put_text(&w, ",\"event\":", 9);
    put_string(&w, event, strlen(event) < 100 ? strlen(event) : 100);

    for (pairs += strspn(pairs, " "); *pairs != '\0' && !w.full;
         pairs += strspn(pairs, " ")) {
        whole = w.count;
        pairs = put_pair(&w, pairs);
        if (w.full)
            w.count = whole;
    }
    out[w.count++] = '}';
    out[w.count++] = '\n';
    return w.count;
}
