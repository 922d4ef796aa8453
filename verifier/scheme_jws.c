/*
 * verifier/scheme_jws.c: ES256K (RFC 8812) and Ed25519 (RFC 8037).
 *
 * The sender is the thumbprint of the key in the header; the decoder made it
 * for the id, and here it becomes true.
 *
 * From: verifier/judge.c.
 * To:   verifier/scheme_secp256k1_verify.c, verifier/scheme_ed25519.c.
 */
#include "verifier/scheme_jws.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hash.h"
#include "schemas/jws.h"
#include "verifier/scheme_ed25519.h"
#include "verifier/scheme_secp256k1_verify.h"

static enum reason prove_es256k(const struct transaction *t,
                                struct bytes message)
{
    uint8_t encoded[65] = {4}, hash[HASH_BYTES];
    struct scheme_secp256k1_key key;

    memcpy(encoded + 1, t->in.jws.key, 64);
    if (scheme_secp256k1_key_parse(bytes_of(encoded, 65), &key) < 0)
        return REASON_BAD_KEY;
    hash_sha256(message, hash);
    return scheme_secp256k1_verify(hash, t->signature, &key, true)
               ? REASON_NONE
               : REASON_BAD_SIGNATURE;
}

enum reason scheme_jws_prove(struct transaction *t)
{
    uint8_t room[JWS_BYTES_MAX];
    struct bytes message = jws_signing_input(t, room);
    enum reason reason;

    if (t->in.jws.algorithm == TRANSACTION_ES256K)
        reason = prove_es256k(t, message);
    else
        reason = scheme_ed25519_verify(t->signature, message, t->in.jws.key)
                     ? REASON_NONE
                     : REASON_BAD_SIGNATURE;
    if (reason == REASON_NONE)
        t->sender_count = sizeof(t->sender);
    return reason;
}
