/*
 * verifier/scheme_ed25519.h: is this the signature of that key?
 *
 * The rule is the strict one, without cofactor: s is below the order of the
 * group, neither key nor R is of small order, the key is encoded canonically,
 * and the R that is computed equals the first half of the signature byte for
 * byte. So nobody but the holder of a key makes a second signature of the same
 * bytes. ed25519-dalek calls it verify_strict; it is Solana's rule.
 *
 * Thread: any number at once.
 */
#ifndef VERIFIER_SCHEME_ED25519_H
#define VERIFIER_SCHEME_ED25519_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

#define SCHEME_ED25519_KEY_BYTES 32
#define SCHEME_ED25519_SIGNATURE_BYTES 64

/*
 * Proves once that the library works here and keeps the strict rule; it stops
 * the process if not.
 */
void scheme_ed25519_prove(void);

/* True when `signature` (R, s) is that of `key` over `message`. */
bool scheme_ed25519_verify(
    const uint8_t signature[SCHEME_ED25519_SIGNATURE_BYTES],
    struct bytes message,
    const uint8_t key[SCHEME_ED25519_KEY_BYTES]) MUST_CHECK;

#endif
