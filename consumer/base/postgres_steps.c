/*
 * consumer/base/postgres_steps.c: a ring of owed answers, a table of names.
 *
 * From: consumer/base/postgres_queue.c, postgres_answer.c.
 * To:   nothing: memory only.
 */
#include "consumer/base/postgres_steps.h"

#include <stdlib.h>
#include <string.h>

void postgres_steps_fini(struct postgres_steps *s)
{
    size_t i;

    for (i = 0; i < s->count; i++)
        free(postgres_steps_at(s, i)->script);
    free(s->ring);
    memset(s, 0, sizeof(*s));
}

/* Doubles the ring and lays it out from its start again. */
static void grow(struct postgres_steps *s)
{
    size_t capacity = s->capacity == 0 ? 64 : s->capacity * 2, i;
    struct postgres_step *ring = calloc(capacity, sizeof(*ring));

    CHECK(ring != NULL);
    for (i = 0; i < s->count; i++)
        ring[i] = *postgres_steps_at(s, i);
    free(s->ring);
    s->ring = ring;
    s->capacity = capacity;
    s->first = 0;
}

void postgres_steps_push(struct postgres_steps *s, struct postgres_step step)
{
    if (s->count == s->capacity)
        grow(s);
    s->ring[(s->first + s->count) % s->capacity] = step;
    s->count++;
}

struct postgres_step *postgres_steps_at(struct postgres_steps *s, size_t i)
{
    CHECK(i < s->count);
    return &s->ring[(s->first + i) % s->capacity];
}

struct postgres_step *postgres_steps_head(struct postgres_steps *s)
{
    return s->count == 0 ? NULL : postgres_steps_at(s, 0);
}

struct postgres_step postgres_steps_pop(struct postgres_steps *s)
{
    struct postgres_step step = *postgres_steps_at(s, 0);

    s->first = (s->first + 1) % s->capacity;
    s->count--;
    return step;
}

int64_t postgres_steps_deadline(struct postgres_steps *s)
{
    int64_t earliest = 0;
    size_t i;

    for (i = 0; i < s->count; i++) {
        const struct postgres_step *step = postgres_steps_at(s, i);

        if (step->deadline_ms != 0 &&
            (earliest == 0 || step->deadline_ms < earliest))
            earliest = step->deadline_ms;
    }
    return earliest;
}

uint64_t postgres_names_find(struct postgres_names *n, const char *sql,
                             uint64_t flight)
{
    size_t i;

    for (i = 0; i < POSTGRES_NAMES_MAX; i++) {
        struct postgres_named *named = &n->named[i];

        if (named->sql != NULL && strcmp(named->sql, sql) == 0 &&
            (named->confirmed || named->flight == flight)) {
            named->used = ++n->clock;
            return named->name;
        }
    }
    return 0;
}

/* A free place, or that of the one unused longest. */
static struct postgres_named *place(struct postgres_names *n)
{
    struct postgres_named *oldest = &n->named[0];
    size_t i;

    for (i = 0; i < POSTGRES_NAMES_MAX; i++) {
        if (n->named[i].sql == NULL)
            return &n->named[i];
        if (n->named[i].used < oldest->used)
            oldest = &n->named[i];
    }
    return oldest;
}

uint64_t postgres_names_add(struct postgres_names *n, const char *sql,
                            uint64_t flight, uint64_t *out_evicted)
{
    struct postgres_named *named = place(n);

    *out_evicted = named->sql != NULL && named->confirmed ? named->name : 0;
    free(named->sql);
    named->sql = strdup(sql);
    CHECK(named->sql != NULL);
    named->name = ++n->last;
    named->used = ++n->clock;
    named->flight = flight;
    named->confirmed = false;
    return named->name;
}

void postgres_names_confirm(struct postgres_names *n, uint64_t name)
{
    size_t i;

    for (i = 0; i < POSTGRES_NAMES_MAX; i++)
        if (n->named[i].sql != NULL && n->named[i].name == name)
            n->named[i].confirmed = true;
}

void postgres_names_forget(struct postgres_names *n, uint64_t name)
{
    size_t i;

    for (i = 0; i < POSTGRES_NAMES_MAX; i++) {
        if (n->named[i].sql != NULL && n->named[i].name == name) {
            free(n->named[i].sql);
            n->named[i].sql = NULL;
        }
    }
}

void postgres_names_clear(struct postgres_names *n)
{
    size_t i;

    for (i = 0; i < POSTGRES_NAMES_MAX; i++) {
        free(n->named[i].sql);
        n->named[i].sql = NULL;
    }
}
