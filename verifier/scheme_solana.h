/*
 * verifier/scheme_solana.h: are all signatures of a Solana transaction good?
 *
 * Thread: any number at once.
 */
#ifndef VERIFIER_SCHEME_SOLANA_H
#define VERIFIER_SCHEME_SOLANA_H

#include "schemas/transaction.h"

/*
 * Checks every signature of `t`, which transaction_decode() let through.
 * Returns REASON_NONE, or REASON_BAD_SIGNATURE at the first that is not its
 * key's.
 */
enum reason scheme_solana_prove(const struct transaction *t) MUST_CHECK;

#endif
