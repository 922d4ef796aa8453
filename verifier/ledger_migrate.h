/*
 * verifier/ledger_migrate.h: brings the database to the tables of this program.
 *
 * Runs what is missing of schemas/sql, in order, each file in one transaction
 * with its row in schema_version, under one advisory lock: two at once are one
 * after the other. Never runs a file twice, never changes one that ran.
 *
 * Thread: the loop's.
 */
#ifndef VERIFIER_LEDGER_MIGRATE_H
#define VERIFIER_LEDGER_MIGRATE_H

#include <stdbool.h>

#include "schemas/base/check.h"

struct loop;
struct ledger_migrate;

/*
 * rc 0: the database is at `version` (`before` is what it was; the same: there
 * was nothing to do). Else FAIL_VERSION (its oldest reader is newer than we),
 * FAIL_DENIED (a statement failed; `why`), FAIL_UNREACHABLE (not within the
 * time given). Called once, from the loop; the object is gone after it.
 */
typedef void (*ledger_migrate_fn)(void *arg, int rc, int before, int version,
                                  const char *why);

/*
 * Starts. `execute` false only looks: rc 0, `version` is what it would come to.
 * Returns 0, or FAIL_SETTING when the url does not parse.
 */
MUST_CHECK int ledger_migrate_start(struct loop *loop, const char *url,
                                    bool execute, int deadline_ms,
                                    ledger_migrate_fn done, void *arg);

#endif
