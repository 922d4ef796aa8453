/*
 * verifier/sealer.h: ends leaves and prepares new ones.
 *
 * Every verifier runs one, on a connection of its own; the flip elects itself
 * in the database and the later steps by an advisory lock, so that any number
 * of sealers does each thing once. Each turn does the first thing that is due:
 *
 *   make the leaf after the live one        one ahead of need
 *   flip, when the live leaf is full        all that happens under the lock
 *   vacuum, index, analyze, count           what was sealed, step by step
 *   drop leaves past their keeping time     off the list, detach, drop
 *   summarize the live leaf's BRIN index    every 10 s
 *
 * Every step may be cut off anywhere and is taken up again by whoever comes
 * next. The sealer asks nothing of its owner and answers nothing.
 *
 * Thread: the loop's.
 */
#ifndef VERIFIER_SEALER_H
#define VERIFIER_SEALER_H

#include <stdint.h>

#include "schemas/base/check.h"

struct loop;
struct sealer;

/* Text is borrowed for the sealer's life. 0 takes the default. */
struct sealer_options {
    const char *url;              /* DATABASE_URL; NULL: PG* variables */
    const char *application_name; /* "tidemill-verifier/<host>/<pid>" */
    int64_t leaf_rows;            /* sealed at so many rows; 2,000,000 */
    int64_t leaf_age_ms;          /* or when so old; 24 h */
    int keep_days;                /* sealed leaves are kept; 0: for ever */
    int turn_ms;                  /* a turn's interval; 1,000 */
    int step_ms;                  /* deadline of a step; 600,000 */
};

/* 0, or FAIL_SETTING when the url does not parse. */
MUST_CHECK int sealer_open(struct loop *loop,
                           const struct sealer_options *options,
                           struct sealer **out_sealer);

/* Cuts off what is under way. NULL is fine. */
void sealer_close(struct sealer *s);

/* How many leaves this sealer has flipped since it was opened. */
int64_t sealer_flips(const struct sealer *s);

/* Flips at the next turn whatever the leaf holds (tests, `tidemill`). */
void sealer_flip_now(struct sealer *s);

#endif
