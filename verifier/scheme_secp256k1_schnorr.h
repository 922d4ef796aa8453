/*
 * verifier/scheme_secp256k1_schnorr.h: signatures and keys of BIP 340.
 *
 * Thread: any number at once.
 */
#ifndef VERIFIER_SCHEME_SECP256K1_SCHNORR_H
#define VERIFIER_SCHEME_SECP256K1_SCHNORR_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

/* True when `signature` over `message` is that of `key`, an x coordinate. */
bool scheme_schnorr_verify(const uint8_t signature[64], struct bytes message,
                           const uint8_t key[32]) MUST_CHECK;

/*
 * True when `key` plus `tweak` times the generator is the point with x
 * `tweaked` and an odd y as `odd` says (BIP 341, script path).
 */
bool scheme_schnorr_tweaked(const uint8_t key[32], const uint8_t tweak[32],
                            const uint8_t tweaked[32], bool odd) MUST_CHECK;

#endif
