/*
 * verifier/scheme_secp256k1_verify.h: ECDSA, when the key is known.
 *
 * Thread: any number at once.
 */
#ifndef VERIFIER_SCHEME_SECP256K1_VERIFY_H
#define VERIFIER_SCHEME_SECP256K1_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

/* A public key, taken apart once. */
struct scheme_secp256k1_key {
    _Alignas(8) uint8_t inside[64];
};

/*
 * Takes a key apart: 33 bytes (02 or 03, x), or 65 (04, x, y; 06 and 07 are
 * refused).
 *
 * Returns 0, or FAIL_MALFORMED when it is no point of the curve.
 */
int scheme_secp256k1_key_parse(struct bytes encoded,
                               struct scheme_secp256k1_key *out) MUST_CHECK;

/*
 * True when `signature` (r, s) over `hash` is that of `key`. r or s of zero, or
 * not below the order of the curve, are false. `high_s`: an s in the upper half
 * is as good as its twin in the lower; otherwise it is false.
 */
bool scheme_secp256k1_verify(const uint8_t hash[32],
                             const uint8_t signature[64],
                             const struct scheme_secp256k1_key *key,
                             bool high_s) MUST_CHECK;

#endif
