/*
 * consumer/base/command_progress.c: a bar on standard error for long work.
 *
 *     replay  [=========>          ]  47%  470,000 of 1,000,000  9,812/s  0:54
 *
 * The rate is that of the last seconds, since work that slows down should say
 * so; the time left follows from it.
 *
 * From: commands.
 * To:   the person who waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/command.h"

#define DRAW_MS 100
#define DRAW_LINE_MS 1000 /* where every drawing is a line of its own */
#define BAR_WIDTH 20
/* The rate forgets what is older than about this. */
#define RATE_MS 3000

struct command_progress {
    char what[32];
    uint64_t total, done;
    int64_t started_ms, drawn_ms;
    uint64_t drawn_done;
    double rate; /* a second */
    bool shown;  /* somebody reads it */
    bool tty;    /* one line is drawn over and over */
};

static bool forced;

void command_progress_force(bool on)
{
    forced = on;
}

/* 1234567 as "1,234,567". */
static void group(uint64_t n, char out[32])
{
    char digits[24];
    int count = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    int i;

    for (i = 0; i < count; i++) {
        *out++ = digits[i];
        if ((count - i) % 3 == 1 && i + 1 < count)
            *out++ = ',';
    }
    *out = '\0';
}

static void append_bar(const struct command_progress *p, struct buffer *line)
{
    uint64_t done = p->done < p->total ? p->done : p->total;
    unsigned filled = (unsigned)((double)done / (double)p->total * BAR_WIDTH);
    unsigned i;

    buffer_append_byte(line, '[');
    for (i = 0; i < BAR_WIDTH; i++)
        buffer_append_byte(line, i < filled ? '=' : i == filled ? '>' : ' ');
    buffer_append_format(line, "] %3.0f%%  ",
                         100 * (double)done / (double)p->total);
}

static void append_time(int64_t seconds, struct buffer *line)
{
    if (seconds >= 3600)
        buffer_append_format(line, "  %lld:%02d:%02d",
                             (long long)(seconds / 3600),
                             (int)(seconds / 60 % 60), (int)(seconds % 60));
    else
        buffer_append_format(line, "  %d:%02d", (int)(seconds / 60),
                             (int)(seconds % 60));
}

static void draw(struct command_progress *p, bool last)
{
    char done[32], total[32], rate[32];
    struct buffer line;
    int64_t left;

    buffer_init(&line, 512);
    buffer_append_format(&line, "%s%s  ", p->tty ? "\r" : "", p->what);
    if (p->total > 0)
        append_bar(p, &line);
    group(p->done, done);
    group(p->total, total);
    group((uint64_t)p->rate, rate);
    buffer_append_text(&line, done);
    if (p->total > 0)
        buffer_append_format(&line, " of %s", total);
    buffer_append_format(&line, "  %s/s", rate);
    left = last ? (clock_ms() - p->started_ms) / 1000
           : p->rate > 0 && p->total > p->done
               ? (int64_t)((double)(p->total - p->done) / p->rate)
               : -1;
    if (left >= 0 && left < 100 * 3600)
        append_time(left, &line);
    buffer_append_text(&line, p->tty ? "\033[K" : "\n");
    if (last && p->tty)
        buffer_append_byte(&line, '\n');
    fputs(buffer_text(&line), stderr);
    fflush(stderr);
    buffer_fini(&line);
}

struct command_progress *command_progress_open(const char *what, uint64_t total)
{
    struct command_progress *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    snprintf(p->what, sizeof(p->what), "%s", what);
    p->total = total;
    p->started_ms = clock_ms();
    p->drawn_ms = p->started_ms;
    p->tty = isatty(STDERR_FILENO);
    p->shown = forced || p->tty;
    return p;
}

/* Moves the rate towards what was done since the last drawing. */
static void measure(struct command_progress *p, int64_t now)
{
    double ms = (double)(now - p->drawn_ms);
    double rate = (double)(p->done - p->drawn_done) * 1000 / ms;
    double weight = ms < RATE_MS ? ms / RATE_MS : 1;

    p->rate = p->drawn_done == 0 ? rate : p->rate + (rate - p->rate) * weight;
    p->drawn_ms = now;
    p->drawn_done = p->done;
}

void command_progress_set(struct command_progress *p, uint64_t done)
{
    int64_t now = clock_ms();

    p->done = done > p->done ? done : p->done;
    if (!p->shown || now - p->drawn_ms < (p->tty ? DRAW_MS : DRAW_LINE_MS))
        return;
    measure(p, now);
    draw(p, false);
}

void command_progress_total(struct command_progress *p, uint64_t total)
{
    p->total = total;
}

void command_progress_close(struct command_progress *p)
{
    int64_t ms;

    if (p == NULL)
        return;
    if (p->shown) {
        /* The end tells the whole: mean rate and time taken. */
        ms = clock_ms() - p->started_ms;
        p->rate = (double)p->done * 1000 / (double)(ms > 0 ? ms : 1);
        draw(p, true);
    }
    free(p);
}
