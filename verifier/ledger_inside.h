/*
 * verifier/ledger_inside.h: what the files of the ledger share. Only
 * verifier/ledger*.c include it.
 *
 *   ledger.c        the connection, the queue of calls, up and down
 *   ledger_read.c   logs, positions, rows
 *   ledger_write.c  a batch, flight by flight
 *
 * Thread: the loop's.
 */
#ifndef VERIFIER_LEDGER_INSIDE_H
#define VERIFIER_LEDGER_INSIDE_H

#include "consumer/base/loop.h"
#include "consumer/base/metrics.h"
#include "consumer/base/postgres.h"
#include "verifier/decide.h"
#include "verifier/ledger.h"
#include "verifier/ledger_columns.h"
#include "verifier/ledger_guard.h"
#include "verifier/ledger_leaves.h"
#include "verifier/ledger_plan.h"

#define LEDGER_WHY_MAX 256
#define LEDGER_CHAINS_MAX 256 /* numbers remembered, and new ones a batch */

enum ledger_call_kind {
    CALL_LOG,
    CALL_POSITIONS,
    CALL_WRITE,
    CALL_ROWS,
    CALL_RAISE
};

/* One call, from its making to its done(). Owned by the queue. */
struct ledger_call {
    enum ledger_call_kind kind;
    struct ledger_call *next;
    void *arg;
    union {
        ledger_log_fn log;
        ledger_positions_fn positions;
        ledger_write_fn write;
        ledger_rows_fn rows;
    } done;
    const char *topic;                  /* CALL_LOG, borrowed */
    int32_t *partitions;                /* CALL_POSITIONS, owned */
    struct ledger_position *positions;  /* its answers, owned */
    struct ledger_batch *batch;         /* CALL_WRITE, borrowed */
    struct ledger_row_query *queries;   /* CALL_ROWS, owned */
    struct ledger_row *rows;            /* its answers, owned */
    uint32_t *order;                    /* queries by record, owned */
    size_t leaf;                        /* CALL_ROWS: 0 live, then sealed */
    struct ledger_announced *announced; /* CALL_RAISE, owned */
    size_t count;
};

struct ledger {
    struct loop *loop;
    struct ledger_options options;
    struct ledger_events events;
    void *arg;
    int log;
    struct postgres *pg;
    struct ledger_guard *guard;
    struct loop_hook *hook;        /* starts the next call, fails them all */
    struct loop_timer *tick;       /* looks at the schema and the age again */
    struct loop_timer *lock_timer; /* a statement may be waiting for a lock */
    char session_sql[512];
    char why[LEDGER_WHY_MAX];
    bool connected;      /* the door is up */
    bool up;             /* and the tables are ours: up() told */
    bool known;          /* `leaves` is what this connection read */
    uint8_t live_id[16]; /* of leaves.live, as look first saw it */
    bool live_id_known;
    struct ledger_leaves leaves;
    int64_t chains[LEDGER_CHAINS_MAX]; /* whose names are stored */
    size_t chain_count;

    struct ledger_call *first, *last; /* waiting */
    size_t waiting;
    struct ledger_call *call; /* under way, not in the list */

    /* The batch under way. */
    struct decide decide;
    struct ledger_plan plan;
    struct ledger_columns columns[LEDGER_COLUMNS_KINDS];
    struct postgres_array chain_numbers, chain_names;
    size_t new_chains;
    int64_t inserted; /* what INSERT's tag said */
    struct buffer sql;

    struct metric *doubts;
};

void ledger_note_why(struct ledger *l, const char *why);

/* Frees the call under way and lets the next one start. */
void ledger_call_over(struct ledger *l);

/* How long statements of one flight may take. */
int ledger_flight_ms(const struct ledger *l);

/* ledger_read.c: start a call; end it without the database. */
void ledger_read_log(struct ledger *l);
void ledger_read_positions(struct ledger *l);
void ledger_read_rows(struct ledger *l);

/* ledger_write.c */
void ledger_write_start(struct ledger *l);
void ledger_raise_start(struct ledger *l);

#endif
