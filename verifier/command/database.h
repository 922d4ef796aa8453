/*
 * verifier/command/database.h: PostgreSQL for a command: one statement at a
 * time, waited for.
 *
 *      database_open(url, &db)
 *      database_run(db, sql, params, count, take_rows, arg)
 *      database_close(db)
 *
 * Thread: main thread. Every wait has a deadline and ends at Ctrl-C.
 */
#ifndef VERIFIER_COMMAND_DATABASE_H
#define VERIFIER_COMMAND_DATABASE_H

#include "consumer/base/postgres.h"
#include "schemas/base/check.h"

struct database;

/* Rows are read inside; `a` lives for the call. */
typedef void (*database_fn)(void *arg, const struct postgres_answer *a);

/*
 * Connects, within 10 s. `url` NULL: PG* variables. Returns 0 and the
 * connection, or FAIL_SETTING, FAIL_UNREACHABLE, FAIL_GONE (a signal), after
 * printing why.
 */
int database_open(const char *url, struct database **out) MUST_CHECK;
void database_close(struct database *db);

struct loop;
struct loop *database_loop(struct database *db);
struct postgres *database_postgres(struct database *db);

/*
 * Runs one statement and waits. `rows` may be NULL. Returns 0, or
 *   FAIL_BROKEN       the statement failed: database_why(), database_state()
 *   FAIL_UNREACHABLE  the connection went; FAIL_TIMEOUT; FAIL_GONE
 */
int database_run(struct database *db, const char *sql,
                 const struct postgres_param *params, size_t count,
                 database_fn rows, void *arg) MUST_CHECK;

/* Runs a text of several statements in one transaction. Same returns. */
int database_script(struct database *db, const char *sql) MUST_CHECK;

/* How long database_run() waits; 60 s at first. */
void database_patience(struct database *db, int ms);

const char *database_why(const struct database *db);
const char *database_sqlstate(const struct database *db);

#endif
