/*
 * verifier/command/schema.h: the numbered migrations, applied in order.
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_SCHEMA_H
#define VERIFIER_COMMAND_SCHEMA_H

#include "verifier/command/database.h"

struct schema_state {
    int version;       /* the newest applied; 0: none */
    int oldest_reader; /* programs older than this must not run */
};

/* What the database has. 0, or a FAIL_ code of database_run(). */
int schema_read(struct database *db, struct schema_state *out) MUST_CHECK;

/*
 * Applies every migration the database lacks, each in a transaction of its own,
 * and prints a line for each. Two at once are safe: the second waits. Returns
 * how many were applied, or a FAIL_ code after printing why; FAIL_VERSION when
 * the database is newer than this program may read.
 */
int schema_migrate(struct database *db) MUST_CHECK;

/*
 * For commands that write as a verifier does: the tables are those of this
 * release. Returns 0, or a command_exit after printing what to run.
 */
int schema_require(struct database *db) MUST_CHECK;

/* The newest version this program brings. */
int schema_newest(void);

#endif
