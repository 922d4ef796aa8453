/*
 * verifier/sealer_inside.h: what the files of the sealer share.
 *
 * A task is a few statements on the sealer's own connection; it ends with
 * sealer_over().
 *
 * Thread: loop thread only.
 */
#ifndef VERIFIER_SEALER_INSIDE_H
#define VERIFIER_SEALER_INSIDE_H

#include "consumer/base/postgres.h"
#include "verifier/sealer.h"

#define SEALER_STEPS 5
#define SEALER_SHORT_MS 10000 /* deadline of what is not a long step */

struct loop_timer;
struct metric;

enum task {
    TASK_NONE,
    TASK_SURVEY,
    TASK_SUM,
    TASK_PREPARE,
    TASK_FLIP,
    TASK_STEP,
    TASK_LEAVE,
    TASK_DROP,
    TASK_SUMMARIZE
};

/* What the survey found; 0 = none. */
struct survey {
    int live, unsealed, step, expired, dropping;
    int64_t live_age_ms;
    bool has_next;
};

struct sealer {
    struct loop *loop;
    struct sealer_options options;
    struct postgres *pg;
    struct loop_timer *timer;
    bool up;
    enum task task;
    struct survey seen;
    bool tried[TASK_SUMMARIZE + 1]; /* came to nothing this turn */
    bool full;                      /* the live leaf is to be flipped */
    bool flip_now;
    int64_t sum_due_ms; /* when the ledger may be summed again */
    int64_t task_since_ms;
    int64_t refused_since_ms; /* the lock was refused first; 0: was not */
    int64_t summarize_due_ms;
    bool ok;  /* of the statements of this task so far */
    bool did; /* the task changed something */
    char why[200];
    int64_t flips;
    struct metric *flipped, *dropped, *live_leaf;
    struct metric *live_age, *live_rows, *rows_limit, *unsealed;
};

/* Queues one statement that names `leaf` as %1$d; with a deadline above 0, and
 * everything before it, it goes out. */
void sealer_ask(struct sealer *s, const char *format, int leaf, int deadline_ms,
                postgres_fn done);

/* What an answer means for the task: the first that is not good is kept. */
void sealer_note(struct sealer *s, const struct postgres_answer *a);

/* postgres_fn: notes, and no more. */
void sealer_on_part(void *arg, const struct postgres_answer *a);

/* A task is over. What changed something may be due again at once; what did
 * not is left alone until the next turn. */
void sealer_over(struct sealer *s, bool did);

/* Tasks. The live leaf is sealed and the next one live; */
void sealer_flip(struct sealer *s);
/* the expired one goes off the list; */
void sealer_leave(struct sealer *s);
/* the next step of one that is sealed; */
void sealer_step(struct sealer *s);
/* and of one that is dropped. */
void sealer_drop(struct sealer *s);

#endif
