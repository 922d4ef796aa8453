/*
 * verifier/audit.h: reconcile, cheaply and for ever: do rows and ledger agree?
 *
 * Every verifier has one, on a connection of its own; the one that holds an
 * advisory lock works. Each turn it counts the rows of the live leaf and of one
 * sealed leaf, and compares them with their ledger:
 *
 *      the ranges of each partition follow each other without a hole
 *      rows of each kind = what the ledger says was written
 *
 * It takes at most a hundredth of the time. It does not read the log: that
 * records and rows agree one by one is what `tidemill reconcile` proves.
 *
 *      tidemill_reconcile_difference_records     0 is good
 *      tidemill_reconcile_checked_at_seconds     when it last finished a turn;
 *                                                0: another verifier does it
 *
 * Thread: the loop's.
 */
#ifndef VERIFIER_AUDIT_H
#define VERIFIER_AUDIT_H

#include "schemas/base/check.h"

struct loop;
struct audit;

/* Text is borrowed for the audit's life. */
struct audit_options {
    const char *url;              /* DATABASE_URL; NULL: PG* variables */
    const char *application_name; /* "tidemill-verifier/<host>/<pid>" */
    int turn_ms;                  /* a turn's interval; 0: no audit */
};

/* 0, or FAIL_SETTING when the url does not parse. */
MUST_CHECK int audit_open(struct loop *loop,
                          const struct audit_options *options,
                          struct audit **out);

/* Cuts off what is under way. NULL is fine. */
void audit_close(struct audit *a);

#endif
