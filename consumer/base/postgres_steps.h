/*
 * consumer/base/postgres_steps.h: the answers a connection still owes, in
 * order, and the statements it knows by name.
 *
 *   prepare s7 | statement | statement | sync | script
 *   '- the next result that comes belongs to this one
 *
 * Thread: one at a time. Pure.
 */
#ifndef CONSUMER_BASE_POSTGRES_STEPS_H
#define CONSUMER_BASE_POSTGRES_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/postgres.h"

enum postgres_step_kind {
    POSTGRES_STEP_PREPARE,    /* ours: names a statement */
    POSTGRES_STEP_DEALLOCATE, /* ours: forgets one */
    POSTGRES_STEP_STATEMENT,
    POSTGRES_STEP_SYNC,  /* ends a flight */
    POSTGRES_STEP_SCRIPT /* waits for its turn, then runs alone */
};

struct postgres_step {
    enum postgres_step_kind kind;
    bool doomed;         /* queued while down: only to be told so */
    postgres_fn done;    /* of statements and scripts */
    void *arg;           /* for done */
    int64_t deadline_ms; /* of syncs and scripts; monotonic */
    uint64_t name;       /* of prepares and statements; 0 = none */
    char *script;        /* owned; of scripts */
};

/* A ring that grows; zero-filled is empty. */
struct postgres_steps {
    struct postgres_step *ring;
    size_t capacity, first, count;
};

void postgres_steps_fini(struct postgres_steps *s);
void postgres_steps_push(struct postgres_steps *s, struct postgres_step step);
/* The oldest, NULL when empty. */
struct postgres_step *postgres_steps_head(struct postgres_steps *s);
/* Number `i` from the oldest, below count. */
struct postgres_step *postgres_steps_at(struct postgres_steps *s, size_t i);
/* Takes the oldest out; the caller owns its script. Not empty. */
struct postgres_step postgres_steps_pop(struct postgres_steps *s);
/* The earliest deadline of any sync or script, 0 when there is none. */
int64_t postgres_steps_deadline(struct postgres_steps *s);

#define POSTGRES_NAMES_MAX 256

/* A text that the server knows as "s<name>". */
struct postgres_named {
    char *sql; /* owned; NULL = free */
    uint64_t name;
    uint64_t used;   /* clock of the last use */
    uint64_t flight; /* the one it was prepared in */
    bool confirmed;  /* the server said so; else only its own flight may use
                        it, which would fail with it */
};

struct postgres_names {
    struct postgres_named named[POSTGRES_NAMES_MAX];
    uint64_t clock;
    uint64_t last; /* name given last */
};

/* The name of `sql` for use in `flight`, or 0. Notes that it was used. */
uint64_t postgres_names_find(struct postgres_names *n, const char *sql,
                             uint64_t flight);

/*
 * Gives `sql` a new name. When the table is full the one unused longest is
 * forgotten and written to `out_evicted` if the server knows it, else 0 is.
 */
uint64_t postgres_names_add(struct postgres_names *n, const char *sql,
                            uint64_t flight, uint64_t *out_evicted);

/* The server prepared it. */
void postgres_names_confirm(struct postgres_names *n, uint64_t name);

void postgres_names_forget(struct postgres_names *n, uint64_t name);

/* Forgets all, for a new connection. */
void postgres_names_clear(struct postgres_names *n);

#endif
