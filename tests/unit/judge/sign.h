/*
 * tests/unit/judge/sign.h: transactions of our own making.
 *
 * Included by tests that need a signature over fields they chose.
 */
#ifndef TESTS_UNIT_JUDGE_SIGN_H
#define TESTS_UNIT_JUDGE_SIGN_H

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <string.h>

#include "schemas/ethereum.h"
#include "tests/support/harness.h"

#define SIGN_UNUSED __attribute__((unused)) static

/* Everything a transaction is made of; change what you like, then encode. */
struct signing {
    struct ethereum_fields f;
    bool protect; /* legacy: put the chain id under the signature */
    uint8_t v[32], r[32], s[32];
};

/* A transfer of nothing to 3535..35 on chain 1337 that set 2 likes. */
SIGN_UNUSED void sign_init(struct signing *t, uint8_t type)
{
    static uint8_t to[20];

    memset(to, 0x35, sizeof(to));
    *t = (struct signing){.protect = true};
    t->f.type = type;
    t->f.gas = 21000;
    t->f.chain_id = BYTES_LITERAL("\x05\x39");
    t->f.price = BYTES_LITERAL("\x77\x35\x94\x00");
    t->f.tip = BYTES_LITERAL("\x01");
    t->f.to = bytes_of(to, sizeof(to));
}

/* v = 2 * chain id + 35 + parity, or 27 + parity, or the parity. */
SIGN_UNUSED void sign_set_parity(struct signing *t, int parity)
{
    int carry = 35 + parity;

    memset(t->v, 0, sizeof(t->v));
    t->f.v = bytes_of(t->v, sizeof(t->v));
    if (t->f.type != 0 || !t->protect) {
        t->v[31] = (uint8_t)(t->f.type != 0 ? parity : 27 + parity);
        return;
    }
    memcpy(t->v + 32 - t->f.chain_id.count, t->f.chain_id.data,
           t->f.chain_id.count);
    for (int i = 31; i >= 0; i--) {
        carry += 2 * t->v[i];
        t->v[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

/* Signs with key 4646..46. */
SIGN_UNUSED void sign_now(struct signing *t)
{
    static secp256k1_context *ctx;
    secp256k1_ecdsa_recoverable_signature signature;
    uint8_t key[32], hash[32], compact[64];
    struct buffer fields;
    int parity;

    if (ctx == NULL)
        ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    memset(key, 0x46, sizeof(key));
    buffer_init(&fields, 1 << 20);
    ethereum_append_signed_fields(&t->f, &fields);
    ethereum_signing_hash(
        t->f.type, buffer_bytes(&fields),
        t->f.type == 0 && t->protect ? t->f.chain_id : BYTES_NONE, hash);
    buffer_fini(&fields);
    EXPECT(secp256k1_ecdsa_sign_recoverable(ctx, &signature, hash, key, NULL,
                                            NULL));
    secp256k1_ecdsa_recoverable_signature_serialize_compact(
        ctx, compact, &parity, &signature);
    memcpy(t->r, compact, 32);
    memcpy(t->s, compact + 32, 32);
    t->f.r = bytes_of(t->r, 32);
    t->f.s = bytes_of(t->s, 32);
    sign_set_parity(t, parity);
}

/* The bytes; buffer_fini() `out`. */
SIGN_UNUSED struct bytes sign_encode(struct signing *t, struct buffer *out)
{
    buffer_init(out, 1 << 20);
    ethereum_encode(&t->f, out);
    EXPECT(!out->overflow);
    return buffer_bytes(out);
}

#endif
