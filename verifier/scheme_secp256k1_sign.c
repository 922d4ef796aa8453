/*
 * verifier/scheme_secp256k1_sign.c: libsecp256k1 the other way round.
 *
 * From: deploy/ctl/gen.c.
 * To:   bytes that verifier/scheme_secp256k1.c recovers the signer from.
 */
#include "verifier/scheme_secp256k1_sign.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>

#include "schemas/base/fail.h"

struct signer {
    secp256k1_context *context;
};

int signer_open(struct signer **out)
{
    struct signer *s = calloc(1, sizeof(*s));

    CHECK(s != NULL);
    s->context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
    if (s->context == NULL) {
        free(s);
        return FAIL_SYSTEM;
    }
    *out = s;
    return 0;
}

void signer_close(struct signer *s)
{
    if (s == NULL)
        return;
    secp256k1_context_destroy(s->context);
    free(s);
}

int signer_public(const struct signer *s, const uint8_t key[32],
                  uint8_t out[65])
{
    secp256k1_pubkey public;
    size_t count = 65;

    if (secp256k1_ec_pubkey_create(s->context, &public, key) != 1)
        return FAIL_MALFORMED;
    CHECK(secp256k1_ec_pubkey_serialize(s->context, out, &count, &public,
                                        SECP256K1_EC_UNCOMPRESSED) == 1);
    return 0;
}

int signer_sign(const struct signer *s, const uint8_t key[32],
                const uint8_t hash[32], uint8_t out_signature[64],
                uint8_t *out_parity)
{
    secp256k1_ecdsa_recoverable_signature signature;
    int parity;

    if (secp256k1_ecdsa_sign_recoverable(s->context, &signature, hash, key,
                                         NULL, NULL) != 1)
        return FAIL_MALFORMED;
    CHECK(secp256k1_ecdsa_recoverable_signature_serialize_compact(
              s->context, out_signature, &parity, &signature) == 1);
    *out_parity = (uint8_t)(parity & 1);
    return 0;
}
