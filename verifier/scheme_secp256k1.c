/*
 * verifier/scheme_secp256k1.c: recovery, on the library's constant context.
 *
 * That context is read-only and shared by all threads. It is never randomised:
 * randomness hides secret keys, and verifying uses none.
 *
 * From: verifier/judge.c.
 * To:   libsecp256k1.
 */
#include "verifier/scheme_secp256k1.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "schemas/base/fail.h"

void scheme_secp256k1_prove(void)
{
    secp256k1_selftest();
}

int scheme_secp256k1_recover(const uint8_t hash[32],
                             const uint8_t signature[64], uint8_t parity,
                             uint8_t out_key[65])
{
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey key;
    size_t count = 65;

    CHECK(parity <= 1);
    if (!secp256k1_ecdsa_recoverable_signature_parse_compact(
            ctx, &parsed, signature, parity) ||
        !secp256k1_ecdsa_recover(ctx, &key, &parsed, hash))
        return FAIL_MALFORMED;
    secp256k1_ec_pubkey_serialize(ctx, out_key, &count, &key,
                                  SECP256K1_EC_UNCOMPRESSED);
    CHECK(count == 65);
    return 0;
}
