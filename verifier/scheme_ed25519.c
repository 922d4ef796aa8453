/*
 * verifier/scheme_ed25519.c: libsodium's check of an ed25519 signature.
 *
 * A library may be built to be lenient (libsodium's ED25519_COMPAT); the proof
 * at start would notice: it shows it a signature that only a lenient check
 * accepts.
 *
 * From: verifier/judge.c, the schemes that carry ed25519.
 * To:   libsodium.
 */
#include "verifier/scheme_ed25519.h"

#include <sodium.h>
#include <string.h>

_Static_assert(SCHEME_ED25519_KEY_BYTES == crypto_sign_PUBLICKEYBYTES,
               "a key is what libsodium says it is");
_Static_assert(SCHEME_ED25519_SIGNATURE_BYTES == crypto_sign_BYTES,
               "a signature is what libsodium says it is");

void scheme_ed25519_prove(void)
{
    static const uint8_t seed[crypto_sign_SEEDBYTES] = {1};
    uint8_t key[SCHEME_ED25519_KEY_BYTES], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t signature[SCHEME_ED25519_SIGNATURE_BYTES];
    struct bytes message = bytes_text("tide");

    CHECK(sodium_init() >= 0);
    CHECK(crypto_sign_seed_keypair(key, secret, seed) == 0);
    CHECK(crypto_sign_detached(signature, NULL, message.data, message.count,
                               secret) == 0);
    CHECK(scheme_ed25519_verify(signature, message, key));
    CHECK(!scheme_ed25519_verify(signature, bytes_text("tidf"), key));

    /* The neutral point as key, as R, and s = 0: the equation holds for every
     * message, and only the rule about small orders refuses it. */
    memset(key, 0, sizeof(key));
    memset(signature, 0, sizeof(signature));
    key[0] = signature[0] = 1;
    CHECK(!scheme_ed25519_verify(signature, message, key));
}

bool scheme_ed25519_verify(
    const uint8_t signature[SCHEME_ED25519_SIGNATURE_BYTES],
    struct bytes message, const uint8_t key[SCHEME_ED25519_KEY_BYTES])
{
    static const uint8_t nothing[1];

    return crypto_sign_verify_detached(
               signature, message.count == 0 ? nothing : message.data,
               message.count, key) == 0;
}
