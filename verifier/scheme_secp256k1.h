/*
 * verifier/scheme_secp256k1.h: who signed this hash?
 *
 * Thread: any number at once.
 */
#ifndef VERIFIER_SCHEME_SECP256K1_H
#define VERIFIER_SCHEME_SECP256K1_H

#include <stdint.h>

#include "schemas/base/check.h"

/* Proves once that the library works here; it stops the process if not. */
void scheme_secp256k1_prove(void);

/*
 * Recovers the public key that signed `hash`: 04, x, y. `signature` is r and s;
 * `parity` is 0 or 1.
 *
 * r and s are below the order of the curve and not zero: the caller has
 * checked, and has refused a high s, which the library would let through.
 *
 * Returns 0, or FAIL_MALFORMED when no key belongs to them.
 */
int scheme_secp256k1_recover(const uint8_t hash[32],
                             const uint8_t signature[64], uint8_t parity,
                             uint8_t out_key[65]) MUST_CHECK;

#endif
