/*
 * verifier/scheme_jws.h: did the key of this JWS sign it?
 *
 * Thread: any number at once.
 */
#ifndef VERIFIER_SCHEME_JWS_H
#define VERIFIER_SCHEME_JWS_H

#include "schemas/transaction.h"

/*
 * `t` is of chain `jws` and was decoded with REASON_NONE. Returns REASON_NONE
 * and sets the sender, or REASON_BAD_KEY, REASON_BAD_SIGNATURE.
 */
enum reason scheme_jws_prove(struct transaction *t) MUST_CHECK;

#endif
