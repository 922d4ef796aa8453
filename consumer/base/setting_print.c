/*
 * consumer/base/setting_print.c: the pages that the table of settings makes of
 * itself.
 *
 * From: consumer/base/setting.c for --settings, --settings-markdown, --help.
 * To:   standard output; deploy/settings.md.
 */
#include "consumer/base/setting_print.h"

#include <string.h>

#include "consumer/base/setting_name.h"
#include "consumer/base/setting_value.h"

#define CELL_BYTES_MAX (2 * SETTING_TEXT_MAX)

typedef void (*cell_fn)(const struct setting *s, struct buffer *out);

static void name_cell(const struct setting *s, struct buffer *out)
{
    buffer_append_format(out, "TIDEMILL_%s", s->name);
}

static void unit_cell(const struct setting *s, struct buffer *out)
{
    buffer_append_text(out, setting_value_unit(s));
}

static void help_cell(const struct setting *s, struct buffer *out)
{
    buffer_append_text(out, s->help);
    if (s->alias != NULL)
        buffer_append_format(out, "; else %s", s->alias);
    if (setting_in_file(s))
        buffer_append_format(out, "; or TIDEMILL_%s_FILE", s->name);
}

struct column {
    const char *title;
    cell_fn cell;
};

static const struct column columns[] = {
    {"NAME", name_cell},
    {"VALUE", setting_value_print},
    {"UNIT", unit_cell},
    {"RANGE", setting_value_range},
    {"DEFAULT", setting_value_default},
    {"HELP", help_cell},
};

#define COLUMNS_COUNT (sizeof(columns) / sizeof(columns[0]))
/* A wider cell pushes its row, not the whole table. */
#define WIDTH_MAX 40

static void each_row(const struct setting_options *o,
                     void (*run)(const struct setting *, void *), void *arg)
{
    size_t t, i;

    for (t = 0; t < o->tables_count; t++) {
        for (i = 0; i < o->tables[t].count; i++)
            run(&o->tables[t].rows[i], arg);
    }
}

struct page {
    size_t widths[COLUMNS_COUNT];
    struct buffer cell;
    struct buffer *out;
};

static void measure_row(const struct setting *s, void *arg)
{
    struct page *p = arg;
    size_t i;

    for (i = 0; i < COLUMNS_COUNT; i++) {
        buffer_clear(&p->cell);
        columns[i].cell(s, &p->cell);
        if (p->cell.count > p->widths[i] && p->cell.count <= WIDTH_MAX)
            p->widths[i] = p->cell.count;
    }
}

static void print_cell(struct page *p, size_t column, const char *text)
{
    if (column + 1 == COLUMNS_COUNT)
        buffer_append_format(p->out, "%s\n", text);
    else
        buffer_append_format(p->out, "%-*s  ", (int)p->widths[column], text);
}

static void print_row(const struct setting *s, void *arg)
{
    struct page *p = arg;
    size_t i;

    for (i = 0; i < COLUMNS_COUNT; i++) {
        buffer_clear(&p->cell);
        columns[i].cell(s, &p->cell);
        print_cell(p, i, buffer_text(&p->cell));
    }
}

void setting_print(const struct setting_options *o, struct buffer *out)
{
    struct page p = {.out = out};
    size_t i;

    buffer_init(&p.cell, CELL_BYTES_MAX);
    for (i = 0; i < COLUMNS_COUNT; i++)
        p.widths[i] = strlen(columns[i].title);
    each_row(o, measure_row, &p);
    for (i = 0; i < COLUMNS_COUNT; i++)
        print_cell(&p, i, columns[i].title);
    each_row(o, print_row, &p);
    buffer_fini(&p.cell);
}

static void append_markdown(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, (uint8_t)*text);
    }
}

static void print_markdown_row(const struct setting *s, void *arg)
{
    struct page *p = arg;
    size_t i;

    for (i = 0; i < COLUMNS_COUNT; i++) {
        if (columns[i].cell == setting_value_print)
            continue; /* the page tells about every installation */
        buffer_clear(&p->cell);
        columns[i].cell(s, &p->cell);
        buffer_append_text(p->out, columns[i].cell == name_cell ? "| `" : " ");
        append_markdown(p->out, buffer_text(&p->cell));
        buffer_append_text(p->out, columns[i].cell == name_cell ? "` |" : " |");
    }
    buffer_append_byte(p->out, '\n');
}

void setting_print_markdown(const struct setting_options *o, struct buffer *out)
{
    struct page p = {.out = out};

    buffer_init(&p.cell, CELL_BYTES_MAX);
    each_row(o, print_markdown_row, &p);
    buffer_fini(&p.cell);
}

static void print_flag(const struct setting *s, void *arg)
{
    struct page *p = arg;

    buffer_clear(&p->cell);
    setting_name_append_flag(s->name, &p->cell);
    if (s->kind != SETTING_KIND_FLAG)
        buffer_append_text(&p->cell, "=VALUE");
    buffer_append_format(p->out, "  %-26s %s (", buffer_text(&p->cell),
                         s->help);
    setting_value_default(s, p->out);
    buffer_append_text(p->out, ")\n");
}

void setting_print_flags(const struct setting_options *o, struct buffer *out)
{
    struct page p = {.out = out};

    buffer_init(&p.cell, CELL_BYTES_MAX);
    each_row(o, print_flag, &p);
    buffer_fini(&p.cell);
}

void setting_print_help(const struct setting_options *o, struct buffer *out)
{
    buffer_append_format(out, "%s: %s\n\nUsage: %s [--name=value]...\n\n",
                         o->program, o->about, o->program);
    buffer_append_text(out,
                       "Settings, as flags or as TIDEMILL_NAME in the "
                       "environment:\n\n");
    setting_print_flags(o, out);
    buffer_append_text(out,
                       "\n  --settings    print every setting and its "
                       "value, and exit\n"
                       "  --settings-markdown  the same as table rows\n"
                       "  --version     print the version, and exit\n"
                       "  --help        this page\n");
}
