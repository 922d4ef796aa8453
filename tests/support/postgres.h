/*
 * tests/support/postgres.h: a private PostgreSQL for one test program.
 *
 * The first call makes a cluster under a temporary folder, on a free port of
 * 127.0.0.1, and starts it (as user postgres when we are root). It ends and is
 * removed with the program, however that ends. Where PostgreSQL is not
 * installed, tests are skipped loudly.
 *
 * Thread: one at a time.
 */
#ifndef TESTS_SUPPORT_POSTGRES_H
#define TESTS_SUPPORT_POSTGRES_H

#include <stdbool.h>

/*
 * The URL of a new, empty database. Static, until the next call. NULL when
 * there is no PostgreSQL: harness_absent() was called; return.
 */
const char *test_postgres_database(void);

/*
 * Runs `sql` in the database of the last call with psql and returns its output:
 * rows in lines, columns between `|`, no line feed at the end. "error: ..."
 * when it failed. Static, until the next call.
 */
const char *test_postgres_sql(const char *sql);

/* The port, for urls of one's own. 0 before the first database. */
int test_postgres_port(void);

/* The server's own process, to stop it or let it go on; 0 when absent. */
int test_postgres_pid(void);

/* CPU microseconds that all processes of the server have used. */
long long test_postgres_cpu_us(void);

#endif
