/*
 * consumer/base/setting_name.c: finds names, and the nearest to a misspelt one.
 *
 * From: consumer/base/setting.c, setting_print.c, command.c.
 * To:   the tables of the program.
 */
#include "consumer/base/setting_name.h"

#include <string.h>

#define LETTERS_MAX 64

const struct setting *setting_name_find(const struct setting_options *o,
                                        const char *name)
{
    size_t t, i;

    for (t = 0; t < o->tables_count; t++) {
        for (i = 0; i < o->tables[t].count; i++) {
            if (strcmp(o->tables[t].rows[i].name, name) == 0)
                return &o->tables[t].rows[i];
        }
    }
    return NULL;
}

/* Copies `name` without its _FILE; false when it has none. */
static bool cut_file(const char *name, char out[SETTING_NAME_MAX])
{
    size_t count = strlen(name);

    if (count <= 5 || count >= SETTING_NAME_MAX ||
        strcmp(name + count - 5, "_FILE") != 0)
        return false;
    memcpy(out, name, count - 5);
    out[count - 5] = '\0';
    return true;
}

const struct setting *setting_name_find_file(const struct setting_options *o,
                                             const char *name)
{
    char base[SETTING_NAME_MAX];
    const struct setting *s;

    if (!cut_file(name, base))
        return NULL;
    s = setting_name_find(o, base);
    return s != NULL && setting_in_file(s) ? s : NULL;
}

bool setting_name_known(const struct setting_options *o, const char *name)
{
    char base[SETTING_NAME_MAX];
    bool file = cut_file(name, base);
    size_t i;

    for (i = 0; i < o->known_count; i++) {
        if (strcmp(o->known[i], name) == 0)
            return true;
        if (file && strcmp(o->known[i], base) == 0)
            return true;
    }
    return false;
}

void setting_name_of_flag(const char *flag, size_t count,
                          char out[SETTING_NAME_MAX])
{
    size_t i;

    if (count >= SETTING_NAME_MAX)
        count = SETTING_NAME_MAX - 1;
    for (i = 0; i < count; i++) {
        if (flag[i] >= 'a' && flag[i] <= 'z')
            out[i] = (char)(flag[i] - 32);
        else if (flag[i] >= '0' && flag[i] <= '9')
            out[i] = flag[i];
        else
            out[i] = flag[i] == '-' ? '_' : '?';
    }
    out[count] = '\0';
}

void setting_name_append_flag(const char *name, struct buffer *out)
{
    buffer_append_text(out, "--");
    for (; *name != '\0'; name++) {
        if (*name == '_')
            buffer_append_byte(out, '-');
        else if (*name >= 'A' && *name <= 'Z')
            buffer_append_byte(out, (uint8_t)(*name + 32));
        else
            buffer_append_byte(out, (uint8_t)*name);
    }
}

/* Row by row: row[j] is the distance of a's first i letters to b's first j. */
int setting_distance(const char *a, const char *b)
{
    size_t a_count = strnlen(a, LETTERS_MAX), b_count = strnlen(b, LETTERS_MAX);
    int row[LETTERS_MAX + 1], diagonal, above, best;
    size_t i, j;

    for (j = 0; j <= b_count; j++)
        row[j] = (int)j;
    for (i = 1; i <= a_count; i++) {
        diagonal = row[0];
        row[0] = (int)i;
        for (j = 1; j <= b_count; j++) {
            above = row[j];
            best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[b_count];
}

static void nearer(const char *name, const char *candidate, const char **best,
                   int *best_distance)
{
    int distance = setting_distance(name, candidate);

    if (*best == NULL || distance < *best_distance) {
        *best = candidate;
        *best_distance = distance;
    }
}

const char *setting_name_nearest(const struct setting_options *o,
                                 const char *name, bool ours)
{
    const char *best = NULL;
    int distance = 0;
    size_t t, i;

    for (t = 0; t < o->tables_count; t++) {
        for (i = 0; i < o->tables[t].count; i++)
            nearer(name, o->tables[t].rows[i].name, &best, &distance);
    }
    for (i = 0; i < o->known_count && !ours; i++)
        nearer(name, o->known[i], &best, &distance);
    return best;
}
