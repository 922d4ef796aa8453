/*
 * verifier/scheme_secp256k1_schnorr.c: BIP 340 by libsecp256k1, on its constant
 * context.
 *
 * From: verifier/scheme_bitcoin.c.
 * To:   libsecp256k1.
 */
#include "verifier/scheme_secp256k1_schnorr.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

bool scheme_schnorr_verify(const uint8_t signature[64], struct bytes message,
                           const uint8_t key[32])
{
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_xonly_pubkey parsed;

    return secp256k1_xonly_pubkey_parse(ctx, &parsed, key) == 1 &&
           secp256k1_schnorrsig_verify(ctx, signature, message.data,
                                       message.count, &parsed) == 1;
}

bool scheme_schnorr_tweaked(const uint8_t key[32], const uint8_t tweak[32],
                            const uint8_t tweaked[32], bool odd)
{
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_xonly_pubkey internal;

    return secp256k1_xonly_pubkey_parse(ctx, &internal, key) == 1 &&
           secp256k1_xonly_pubkey_tweak_add_check(ctx, tweaked, odd, &internal,
                                                  tweak) == 1;
}
