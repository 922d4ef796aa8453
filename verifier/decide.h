/*
 * verifier/decide.h: what the answers of a batch's statements mean.
 *
 * Pure: answers in, the next move and at last an outcome out. The ledger sends
 * what this module says, and nothing else decides whether rows were written.
 *
 *   ASK      sealed leaves, before BEGIN (only if there are any)
 *   WRITE    BEGIN, lock, look, INSERT transactions
 *   RESOLVE  whose rows the conflicts are (only if there are any)
 *   CLOSE    chains, ledger, duplicates, rejections, quarantine, announced,
 *            COMMIT
 *   UNDO     ROLLBACK
 *
 * Committed is only what COMMIT's tag calls COMMIT. The first error of a batch
 * names its cause; what follows is noise. A lost answer is unknown. COMMIT is
 * sent only for a batch that adds up.
 *
 * Thread: one at a time.
 */
#ifndef VERIFIER_DECIDE_H
#define VERIFIER_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/postgres.h"
#include "verifier/ledger.h"

/* What a SQLSTATE asks for, by itself. */
enum decide_class {
    DECIDE_OURS,    /* 23502, 23505 on batches_*: fenced */
    DECIDE_DATA,    /* 22, 54, other 23: the record */
    DECIDE_BLOCKED, /* 55P03: a lock is held too long */
    DECIDE_WORLD    /* everything else: the database */
};

/* `table` is the error's table name, "" if it names none. */
enum decide_class decide_class_of(const char *sqlstate, const char *table);

enum decide_flight {
    DECIDE_ASK,
    DECIDE_WRITE,
    DECIDE_RESOLVE,
    DECIDE_CLOSE,
    DECIDE_UNDO
};

enum decide_step {
    DECIDE_FIND, /* in one or more sealed leaves */
    DECIDE_BEGIN,
    DECIDE_LOCK,
    DECIDE_LOOK,
    DECIDE_REPLAY, /* moves a replay; only in a batch of one */
    DECIDE_INSERT,
    DECIDE_WHOSE,
    DECIDE_CHAINS,
    DECIDE_DUPLICATES,
    DECIDE_REJECTIONS,
    DECIDE_QUARANTINE,
    DECIDE_ANNOUNCED,
    DECIDE_LEDGER,
    DECIDE_COMMIT,
    DECIDE_ROLLBACK
};

enum decide_move {
    DECIDE_WAIT,       /* the flight has answers outstanding */
    DECIDE_GO_WRITE,   /* send flight WRITE */
    DECIDE_GO_RESOLVE, /* send flight RESOLVE */
    DECIDE_GO_CLOSE,   /* send flight CLOSE */
    DECIDE_GO_UNDO,    /* send ROLLBACK */
    DECIDE_DONE        /* outcome is final */
};

struct decide {
    /* The caller counts, before it asks decide_next(). */
    size_t expected;    /* records of the batch */
    size_t present;     /* own rows: inserted now or there already */
    size_t duplicates;  /* of a row whose record is known */
    size_t rejected;    /* rows for rejections */
    size_t quarantined; /* rows for quarantine */
    size_t conflicts;   /* offered, and not known whose the row is */

    enum decide_flight flight; /* sent last */
    size_t outstanding;        /* answers it still owes */
    bool open;                 /* BEGIN was sent and no end of it is known */
    bool committed;            /* COMMIT's tag said so */
    bool failed;   /* `outcome`, `sqlstate` and `why` hold the cause */
    bool lost;     /* the connection went */
    bool doubtful; /* DONE, but the connection is not fit for use: drop it */
    enum ledger_outcome outcome;
    char sqlstate[6];
    char why[200];
};

/* A batch of `expected` records begins; nothing was sent. */
void decide_start(struct decide *d, size_t expected);

/* `flight` is about to be sent, with `count` statements. Not during another. */
void decide_sent(struct decide *d, enum decide_flight flight, size_t count);

/* The answer to one step of the flight; each step answers once. */
void decide_answer(struct decide *d, enum decide_step step,
                   const struct postgres_answer *a);

/* The look found another live leaf, or none. */
void decide_stale(struct decide *d, const char *why);

/* The replay stands elsewhere than we believe. */
void decide_fenced(struct decide *d, const char *why);

/* Something of ours does not add up: nothing will be written. */
void decide_doubt(struct decide *d, const char *why);

/* What to do now. GO_ moves are followed by decide_sent(). */
enum decide_move decide_next(struct decide *d);

#endif
