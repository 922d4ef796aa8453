/*
 * consumer/base/postgres.h: one connection to PostgreSQL, on the loop.
 *
 * Statements are queued and travel in flights (libpq's pipeline mode): a flight
 * is everything queued up to postgres_sync(). Answers come back in order, each
 * to its own function. The connection opens itself, sets its session up, and
 * opens itself again with a growing, jittered pause when it is lost. Nothing
 * blocks, names are resolved off the loop, and every wait has a deadline of our
 * own: a stopped server keeps its TCP connection alive for ever.
 *
 *   postgres_queue(pg, "SELECT ...", ...)  -+
 *   postgres_queue(pg, "INSERT ...", ...)   | one flight
 *   postgres_sync(pg, 5000)                -+   -> answer, answer
 *
 * Every statement gets exactly one answer, whatever happens: POSTGRES_LOST when
 * the connection went before its answer came. Only postgres_close() ends that.
 * Answers and state changes come from the loop, never from inside a call of
 * ours, and inside them everything here may be called.
 *
 * Thread: the loop's.
 */
#ifndef CONSUMER_BASE_POSTGRES_H
#define CONSUMER_BASE_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

struct loop;
struct postgres;

/* Type numbers of parameters, the same in every PostgreSQL. */
enum postgres_type {
    POSTGRES_BOOL = 16,
    POSTGRES_BYTEA = 17,
    POSTGRES_INT8 = 20,
    POSTGRES_INT2 = 21,
    POSTGRES_INT4 = 23,
    POSTGRES_TEXT = 25,
    POSTGRES_BYTEA_ARRAY = 1001,
    POSTGRES_INT2_ARRAY = 1005,
    POSTGRES_INT4_ARRAY = 1007,
    POSTGRES_TEXT_ARRAY = 1009,
    POSTGRES_INT8_ARRAY = 1016,
    POSTGRES_NUMERIC_ARRAY = 1231,
    POSTGRES_NUMERIC = 1700,
    POSTGRES_UUID = 2950
};

enum postgres_state {
    POSTGRES_DOWN, /* not connected; trying again by itself */
    POSTGRES_UP    /* session set up; a primary, if read_write was asked */
};

/* All text is borrowed for the connection's life. */
struct postgres_options {
    const char *url;              /* URL or key=value; NULL: PG* variables */
    const char *application_name; /* NULL: what the url or PGAPPNAME says */
    const char *session_sql;      /* run once per connection; NULL: nothing */
    bool read_write;              /* only a primary that takes writes will do */
    int connect_ms;               /* for each host; 0: 5,000 */
    int age_ms_max;               /* for postgres_renew_if_old(); 0: never */
    const char *name;             /* in logs and metrics: "ledger" */
};

/* One parameter may be no longer than this. */
#define POSTGRES_PARAM_BYTES_MAX ((size_t)256 << 20)

/* One parameter, in PostgreSQL's binary form. `value.data` NULL is NULL. */
struct postgres_param {
    uint32_t type; /* enum postgres_type */
    struct bytes value;
};

enum postgres_outcome {
    POSTGRES_OK,
    POSTGRES_ERROR,   /* this statement failed: sqlstate, message */
    POSTGRES_ABORTED, /* an earlier statement of the flight failed */
    POSTGRES_LOST     /* no answer: it may have happened or not */
};

/* Lives until the function it was given to returns. */
struct postgres_answer {
    enum postgres_outcome outcome;
    const char *tag;     /* command tag, "INSERT 0 500"; "" without one */
    char sqlstate[6];    /* "" when OK; may be set when LOST (57P01) */
    const char *table;   /* of the error, "" when it names none */
    const char *column;  /* of the error, "" when it names none */
    const char *message; /* of the error, "" when OK */
    int rows, columns;   /* 0 unless OK */
    const void *handle;  /* postgres_answer.c's own */
};

typedef void (*postgres_fn)(void *arg, const struct postgres_answer *a);

/*
 * `why` says what was lost, in words; "" when up. Called on every change of
 * state, after every pending statement got its POSTGRES_LOST.
 */
typedef void (*postgres_state_fn)(void *arg, enum postgres_state state,
                                  const char *why);

/*
 * Starts connecting; it is POSTGRES_DOWN until `state` says otherwise.
 * Returns 0, or FAIL_SETTING when the url does not parse (nothing is given).
 */
MUST_CHECK int postgres_open(struct loop *loop,
                             const struct postgres_options *options,
                             postgres_state_fn state, void *arg,
                             struct postgres **out_pg);

/*
 * Queues one statement. It is prepared once per connection and text (at most
 * 256 texts are kept, the one unused longest makes room). sql and parameters
 * are copied. While the connection is down, the answer is POSTGRES_LOST, still
 * from the loop and never from inside this call.
 */
void postgres_queue(struct postgres *pg, const char *sql,
                    const struct postgres_param *params, size_t count,
                    postgres_fn done, void *arg);

/* The same, but not kept: for statements that are seldom or once (DDL). */
void postgres_once(struct postgres *pg, const char *sql,
                   const struct postgres_param *params, size_t count,
                   postgres_fn done, void *arg);

/*
 * Ends a flight: sends it, and drops the connection unless every answer of it
 * is there within `deadline_ms`. Flights may overlap; each has its own time.
 */
void postgres_sync(struct postgres *pg, int deadline_ms);

/*
 * Runs a text of several statements separated by `;`, by itself and in the
 * simple protocol, after every flight that is under way. It runs in one
 * transaction unless it holds BEGIN and COMMIT of its own; the first error ends
 * it. One answer: the last statement's, or the error. Cells are text there.
 * Nothing else is queued on this connection until that answer came.
 */
void postgres_script(struct postgres *pg, const char *sql, int deadline_ms,
                     postgres_fn done, void *arg);

/*
 * Drops the connection: what is queued from now on is lost, and what was is
 * told so at the end of this turn. It opens again by itself.
 */
void postgres_drop(struct postgres *pg, const char *why);

/*
 * Drops the connection if it is older than age_ms_max (less up to a tenth, so
 * that a fleet does not renew together) and nothing is pending. The caller is
 * between two transactions. Returns whether it did.
 */
bool postgres_renew_if_old(struct postgres *pg);

/* Nothing is called any more. NULL is fine. */
void postgres_close(struct postgres *pg);

bool postgres_up(const struct postgres *pg);

/* The server's process for this connection, 0 while it is down. */
int32_t postgres_backend_pid(const struct postgres *pg);

/* The last failure in words, "" if there was none. */
const char *postgres_why(const struct postgres *pg);

/* Cells. data NULL = SQL NULL (or no such cell). Borrowed from the answer. */
struct bytes postgres_cell(const struct postgres_answer *a, int row, int col);
/* Typed cells; NULL or another width gives `absent`. */
int32_t postgres_cell_i32(const struct postgres_answer *a, int row, int col,
                          int32_t absent);
int64_t postgres_cell_i64(const struct postgres_answer *a, int row, int col,
                          int64_t absent);
bool postgres_cell_bool(const struct postgres_answer *a, int row, int col,
                        bool absent);
/* NUL-terminated by libpq; "" for NULL. */
const char *postgres_cell_text(const struct postgres_answer *a, int row,
                               int col);

/* How many rows the command tag counts: "INSERT 0 500" is 500; -1 if none. */
int64_t postgres_tag_count(const struct postgres_answer *a);

/* A parameter from a number, into 8 bytes of the caller's. */
struct postgres_param postgres_i16(int16_t value, uint8_t at[8]);
struct postgres_param postgres_i32(int32_t value, uint8_t at[8]);
struct postgres_param postgres_i64(int64_t value, uint8_t at[8]);
struct postgres_param postgres_bool(bool value, uint8_t at[8]);
struct postgres_param postgres_text(const char *value);
struct postgres_param postgres_bytea(struct bytes value);

#endif
