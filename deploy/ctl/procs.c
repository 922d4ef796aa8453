/*
 * deploy/ctl/procs.c: reads /proc.
 *
 * From: bench, at the start and the end of what it measures.
 * To:   /proc/PID/stat of every process, since a child is known by its parent.
 */
#include "deploy/ctl/procs.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schemas/base/fail.h"

#define STAT_BYTES_MAX 2048
#define SEEN_MAX 8192 /* processes of a machine */

int procs_parse(const char *text, struct procs *out)
{
    struct procs p = {0};
    char *end;

    for (;;) {
        size_t name = strcspn(text, "=,");
        if (p.count == PROCS_MAX)
            return FAIL_FULL;
        if (name == 0 || name > PROCS_NAME_MAX || text[name] != '=' ||
            !isdigit((unsigned char)text[name + 1]))
            return FAIL_MALFORMED;
        long pid = strtol(text + name + 1, &end, 10);
        if (pid <= 0 || pid > INT32_MAX || (*end != '\0' && *end != ','))
            return FAIL_MALFORMED;
        snprintf(p.list[p.count].name, sizeof(p.list[0].name), "%.*s",
                 (int)name, text);
        p.list[p.count++].pid = (int)pid;
        if (*end == '\0')
            break;
        text = end + 1;
    }
    *out = p;
    return 0;
}

size_t procs_first(const struct procs *p, size_t index)
{
    size_t i = 0;

    while (strcmp(p->list[i].name, p->list[index].name) != 0)
        i++;
    return i;
}

/* The name in parentheses may itself hold blanks and parentheses. */
int procs_parse_stat(struct bytes line, struct proc_stat *out)
{
    char text[STAT_BYTES_MAX];
    unsigned long long user, system, children_user, children_system;
    struct proc_stat s;
    const char *rest;

    snprintf(text, sizeof(text), "%.*s", (int)line.count,
             (const char *)line.data);
    rest = strrchr(text, ')');
    if (rest == NULL || sscanf(text, "%d", &s.pid) != 1 ||
        sscanf(rest + 1,
               " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu "
               "%llu",
               &s.parent, &user, &system, &children_user,
               &children_system) != 5)
        return FAIL_MALFORMED;
    s.own_ticks = user + system;
    s.reaped_ticks = children_user + children_system;
    *out = s;
    return 0;
}

static bool read_stat(const char *pid, struct proc_stat *out)
{
    char path[64], line[STAT_BYTES_MAX];
    size_t count;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    count = fread(line, 1, sizeof(line), file);
    fclose(file);
    return procs_parse_stat(bytes_of(line, count), out) == 0;
}

static size_t read_all(struct proc_stat *all)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    size_t count = 0;

    if (dir == NULL)
        return 0;
    while (count < SEEN_MAX && (entry = readdir(dir)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]) &&
            read_stat(entry->d_name, &all[count]))
            count++;
    closedir(dir);
    return count;
}

/* A process and all below it. */
static uint64_t sum(const struct proc_stat *all, size_t count, int pid,
                    bool *out_found)
{
    uint64_t ticks = 0;
    bool ignored;

    *out_found = false;
    for (size_t i = 0; i < count; i++) {
        if (all[i].pid == pid) {
            *out_found = true;
            ticks += all[i].own_ticks + all[i].reaped_ticks;
        } else if (all[i].parent == pid) {
            ticks += sum(all, count, all[i].pid, &ignored);
        }
    }
    return ticks;
}

int procs_read(const struct procs *p, uint64_t *out_us, size_t *out_gone)
{
    struct proc_stat *all = calloc(SEEN_MAX, sizeof(*all));
    uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    size_t count, i;
    bool found = true;

    CHECK(all != NULL);
    count = read_all(all);
    for (i = 0; i < p->count && found; i++)
        out_us[i] =
            sum(all, count, p->list[i].pid, &found) * 1000000 / per_second;
    free(all);
    if (!found) {
        *out_gone = i - 1;
        return FAIL_NOT_FOUND;
    }
    return 0;
}
