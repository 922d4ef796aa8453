/*
 * verifier/scheme_secp256k1_verify.c: ECDSA on the library's constant context.
 *
 * The library refuses every s in the upper half. RFC 8812 and Bitcoin's older
 * blocks know no halves, so the caller may have s replaced by its twin first.
 *
 * From: verifier/scheme_jws.c.
 * To:   libsecp256k1.
 */
#include "verifier/scheme_secp256k1_verify.h"

#include <secp256k1.h>
#include <string.h>

#include "schemas/base/fail.h"

_Static_assert(sizeof(secp256k1_pubkey) == sizeof(struct scheme_secp256k1_key),
               "a key is copied as it is");

int scheme_secp256k1_key_parse(struct bytes encoded,
                               struct scheme_secp256k1_key *out)
{
    secp256k1_pubkey key;

    if (encoded.count == 65 && encoded.data[0] != 4)
        return FAIL_MALFORMED;
    if (!secp256k1_ec_pubkey_parse(secp256k1_context_static, &key, encoded.data,
                                   encoded.count))
        return FAIL_MALFORMED;
    memcpy(out->inside, &key, sizeof(key));
    return 0;
}

bool scheme_secp256k1_verify(const uint8_t hash[32],
                             const uint8_t signature[64],
                             const struct scheme_secp256k1_key *key,
                             bool high_s)
{
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_ecdsa_signature parsed;
    secp256k1_pubkey public;

    memcpy(&public, key->inside, sizeof(public));
    if (!secp256k1_ecdsa_signature_parse_compact(ctx, &parsed, signature))
        return false;
    if (high_s)
        secp256k1_ecdsa_signature_normalize(ctx, &parsed, &parsed);
    return secp256k1_ecdsa_verify(ctx, &parsed, hash, &public) == 1;
}
