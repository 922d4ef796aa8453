/*
 * consumer/assignment.c: the partitions a consumer reads, and where it is in
 * each.
 *
 * Few partitions and rare changes: a sorted array is enough, and finding one is
 * a binary search on the path of every record.
 *
 * From: consumer/consumer.c.
 * To:   nothing; it is a table.
 */
#include "consumer/assignment.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/check.h"

static struct assignment_part *add(struct assignment *a, int32_t partition);

void assignment_fini(struct assignment *a)
{
    free(a->parts);
    memset(a, 0, sizeof(*a));
}

void assignment_own(struct assignment *a, const int32_t *partitions,
                    size_t count)
{
    a->count = 0;
    for (size_t i = 0; i < count; i++)
        (void)add(a, partitions[i]);
}

size_t assignment_start(struct assignment *a,
                        const struct consumer_place *places, size_t count,
                        bool only_owned)
{
    size_t started = 0;

    for (size_t i = 0; i < a->count; i++)
        a->parts[i] =
            (struct assignment_part){.id = a->parts[i].id, .commit = -1};
    for (size_t i = 0; i < count; i++) {
        struct assignment_part *p = assignment_find(a, places[i].partition);
        if (p == NULL && only_owned)
            continue;
        if (p == NULL)
            p = add(a, places[i].partition);
        CHECK(!p->started);
        p->started = true;
        p->next = places[i].offset;
        started++;
    }
    return started;
}

struct assignment_part *assignment_find(const struct assignment *a,
                                        int32_t partition)
{
    size_t low = 0;
    size_t high = a->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->parts[middle].id < partition)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == a->count || a->parts[low].id != partition)
        return NULL;
    return &a->parts[low];
}

struct assignment_part *assignment_find_started(const struct assignment *a,
                                                int32_t partition)
{
    struct assignment_part *p = assignment_find(a, partition);

    return p != NULL && p->started ? p : NULL;
}

bool assignment_accept(struct assignment *a, int32_t partition, int64_t offset)
{
    struct assignment_part *p = assignment_find_started(a, partition);

    if (p == NULL || p->stuck || offset < p->next)
        return false;
    if (p->paused) {
        /* The library should not have; it is read again on resume. */
        p->missed = true;
        return false;
    }
    p->next = offset + 1;
    return true;
}

enum assignment_resume assignment_resume(struct assignment_part *p)
{
    bool knows = !p->missed && p->next >= 0;

    if (!p->paused)
        return ASSIGNMENT_RESUME_NOTHING;
    p->paused = false;
    p->missed = false;
    return knows ? ASSIGNMENT_RESUME_PLAIN : ASSIGNMENT_RESUME_AGAIN;
}

/* Keeps the order. */
static struct assignment_part *add(struct assignment *a, int32_t partition)
{
    struct assignment_part *parts =
        realloc(a->parts, (a->count + 1) * sizeof(*parts));
    size_t at = a->count;

    CHECK(parts != NULL);
    CHECK(partition >= 0);
    a->parts = parts;
    while (at > 0 && parts[at - 1].id > partition)
        at--;
    CHECK(at == 0 || parts[at - 1].id != partition);
    memmove(&parts[at + 1], &parts[at], (a->count - at) * sizeof(*parts));
    parts[at] = (struct assignment_part){.id = partition, .commit = -1};
    a->count++;
    return &parts[at];
}
