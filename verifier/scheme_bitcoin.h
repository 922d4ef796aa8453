/*
 * verifier/scheme_bitcoin.h: are these the signatures of what is spent?
 *
 * Thread: any number at once.
 */
#ifndef VERIFIER_SCHEME_BITCOIN_H
#define VERIFIER_SCHEME_BITCOIN_H

#include "schemas/bitcoin_sighash.h"

/*
 * Verifies every signature of `t`, which bitcoin_decode() took by rule set
 * `rules`, and sets its sender.
 *
 * Returns REASON_NONE, or BAD_SIGNATURE or SCRIPT_FAILED (a tapscript that its
 * key does not commit to).
 */
enum reason scheme_bitcoin_prove(int rules, struct transaction *t);

/*
 * One input of a transaction whose spent outputs are stated, by itself: no sums
 * and no costs. `hashes` is of that transaction.
 *
 * Returns REASON_NONE, or why the input is not verified.
 */
enum reason scheme_bitcoin_input(int rules, struct bitcoin_hashes *hashes,
                                 const struct bitcoin_input *in);

#endif
