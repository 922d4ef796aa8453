/*
 * verifier/scheme_secp256k1_sign.h: signs, for generated load and for tests.
 *
 * No program that judges ever signs; only `tidemill gen` and what is built on
 * it does, with keys it made up.
 *
 * Thread: one at a time per signer.
 */
#ifndef VERIFIER_SCHEME_SECP256K1_SIGN_H
#define VERIFIER_SCHEME_SECP256K1_SIGN_H

#include <stdint.h>

#include "schemas/base/check.h"

struct signer;

/* A signer; signer_close() frees it. 0, or FAIL_SYSTEM. */
int signer_open(struct signer **out) MUST_CHECK;
void signer_close(struct signer *s);

/*
 * The public key of `key`, uncompressed. FAIL_MALFORMED when `key` is zero or
 * not below the order of the curve.
 */
int signer_public(const struct signer *s, const uint8_t key[32],
                  uint8_t out[65]) MUST_CHECK;

/*
 * Signs a 32-byte hash: r, s (low) and the parity for recovery; the nonce is
 * RFC 6979's. FAIL_MALFORMED as above.
 */
int signer_sign(const struct signer *s, const uint8_t key[32],
                const uint8_t hash[32], uint8_t out_signature[64],
                uint8_t *out_parity) MUST_CHECK;

#endif
