/*
 * verifier/scheme_ed25519_sign.h: signs, for generated load and for tests.
 *
 * No program that judges ever signs for others.
 *
 * Thread: any number at once.
 */
#ifndef VERIFIER_SCHEME_ED25519_SIGN_H
#define VERIFIER_SCHEME_ED25519_SIGN_H

#include <stdint.h>

#include "schemas/base/bytes.h"

/* The public key of a seed (RFC 8032's 32-byte private key). */
void scheme_ed25519_public(const uint8_t seed[32], uint8_t out_key[32]);

/* Signs `message` with the key of `seed`: R, s (RFC 8032, 5.1.6). */
void scheme_ed25519_sign(const uint8_t seed[32], struct bytes message,
                         uint8_t out_signature[64]);

#endif
