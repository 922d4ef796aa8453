/*
 * verifier/scheme_ed25519_sign.c: libsodium the other way round.
 *
 * From: generated load, tests.
 * To:   bytes that verifier/scheme_ed25519.c accepts.
 */
#include "verifier/scheme_ed25519_sign.h"

#include <sodium.h>

/* The secret key as libsodium wants it: seed and public key. */
static void expand(const uint8_t seed[32], uint8_t out_key[32],
                   uint8_t out_secret[crypto_sign_SECRETKEYBYTES])
{
    CHECK(crypto_sign_seed_keypair(out_key, out_secret, seed) == 0);
}

void scheme_ed25519_public(const uint8_t seed[32], uint8_t out_key[32])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    expand(seed, out_key, secret);
}

void scheme_ed25519_sign(const uint8_t seed[32], struct bytes message,
                         uint8_t out_signature[64])
{
    static const uint8_t nothing[1];
    uint8_t key[32], secret[crypto_sign_SECRETKEYBYTES];

    expand(seed, key, secret);
    CHECK(crypto_sign_detached(out_signature, NULL,
                               message.count == 0 ? nothing : message.data,
                               message.count, secret) == 0);
}
