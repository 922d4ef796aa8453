/*
 * verifier/ledger_guard.h: ends a stopped verifier that others wait for.
 *
 * A process that is stopped inside a transaction keeps its locks, and no timer
 * of the server's is armed while a step was sent by halves. Whoever waits too
 * long asks, on another connection, who holds what it waits for, and ends that
 * backend if it is one of ours: same role, a verifier's application name, its
 * transaction older than the limit, itself waiting for no lock.
 *
 * Thread: the loop's.
 */
#ifndef VERIFIER_LEDGER_GUARD_H
#define VERIFIER_LEDGER_GUARD_H

#include <stdint.h>

struct loop;
struct ledger_guard;

/* Never NULL. Connects only while there is something to do. */
struct ledger_guard *ledger_guard_open(struct loop *loop, const char *url,
                                       const char *application_name);
void ledger_guard_close(struct ledger_guard *g);

/*
 * Ends whoever keeps backend `pid` waiting. `lock_ms` is how old such a
 * transaction must be. A call while another is under way replaces it.
 */
void ledger_guard_end_blockers(struct ledger_guard *g, int32_t pid,
                               int lock_ms);

#endif
