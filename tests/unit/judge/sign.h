/*
 * tests/unit/judge/sign.h: transactions of our own making.
 *
 * Included by tests that need a signature over fields they chose.
 */
#ifndef TESTS_UNIT_JUDGE_SIGN_H
#define TESTS_UNIT_JUDGE_SIGN_H

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/ethereum.h"
#include "schemas/hash.h"
#include "schemas/rlp.h"
#include "tests/support/harness.h"

#define SIGN_UNUSED __attribute__((unused)) static

/* Everything a transaction is made of; change what you like, then encode. */
struct signing {
    struct ethereum_fields f;
    bool protect; /* legacy: put the chain id under the signature */
    uint8_t v[32], r[32], s[32];
};

/* One hash of version 1, as an item of a list. */
static const uint8_t sign_blob_hash[33] = {0xa0, 0x01, 0x7e};

/* Chain 1337, address 0x..00, nonce 0, y parity 1, r 1, s 1: signed by nobody,
 * which is no reason to refuse the transaction. */
static const uint8_t sign_authorization[29] = {
    0xdc,        0x82,        0x05,        0x39,        0x94,
    [25] = 0x80, [26] = 0x01, [27] = 0x01, [28] = 0x01,
};

/*
 * A transfer of nothing to 3535..35 on chain 1337 that sets 2 and 4 like, as
 * far as they know the type.
 */
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
    if (type == 3) {
        t->f.blob_price = BYTES_LITERAL("\x02");
        t->f.blob_hashes = bytes_of(sign_blob_hash, sizeof(sign_blob_hash));
    }
    if (type == 4) {
        t->f.gas = 46000;
        t->f.authorizations =
            bytes_of(sign_authorization, sizeof(sign_authorization));
    }
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

/* What a network form brings along. */
struct sign_sidecar {
    struct buffer blobs, commitments, proofs, hashes;
};

/* `count` strings of `bytes` each, made of what is not zero. */
SIGN_UNUSED void sign_strings(struct buffer *out, size_t count, size_t bytes)
{
    uint8_t *data = malloc(bytes);

    buffer_clear(out);
    for (size_t i = 0; i < count; i++) {
        memset(data, (int)(i % 255 + 1), bytes);
        rlp_append_string(out, bytes_of(data, bytes));
    }
    EXPECT(!out->overflow);
    free(data);
}

/* The hashes that the commitments have. */
SIGN_UNUSED void sign_hashes(struct sign_sidecar *s)
{
    struct bytes rest = buffer_bytes(&s->commitments);
    struct rlp_item item;
    uint8_t hash[32];

    buffer_clear(&s->hashes);
    while (rlp_read(&rest, &item) == RLP_GOOD) {
        hash_sha256(item.payload, hash);
        hash[0] = 1;
        rlp_append_string(&s->hashes, bytes_of(hash, 32));
    }
}

/* The transaction brings what is in `s`. */
SIGN_UNUSED void sign_put(struct signing *t, struct sign_sidecar *s)
{
    t->f.network = true;
    t->f.sidecar.blobs = buffer_bytes(&s->blobs);
    t->f.sidecar.commitments = buffer_bytes(&s->commitments);
    t->f.sidecar.proofs = buffer_bytes(&s->proofs);
    t->f.blob_hashes = buffer_bytes(&s->hashes);
}

/* A type 3 transaction in network form with `count` blobs; version 0 or 1. */
SIGN_UNUSED void sign_network(struct signing *t, struct sign_sidecar *s,
                              size_t count, uint64_t version)
{
    sign_init(t, 3);
    buffer_init(&s->blobs, 2 << 20);
    buffer_init(&s->commitments, 1 << 16);
    buffer_init(&s->proofs, 1 << 17);
    buffer_init(&s->hashes, 1 << 16);
    sign_strings(&s->blobs, count, ETHEREUM_BLOB_BYTES);
    sign_strings(&s->commitments, count, ETHEREUM_COMMITMENT_BYTES);
    sign_strings(&s->proofs, version == 0 ? count : count * 128,
                 ETHEREUM_PROOF_BYTES);
    sign_hashes(s);
    t->f.sidecar.version = version;
    sign_put(t, s);
    sign_now(t);
}

SIGN_UNUSED void sign_sidecar_fini(struct sign_sidecar *s)
{
    buffer_fini(&s->blobs);
    buffer_fini(&s->commitments);
    buffer_fini(&s->proofs);
    buffer_fini(&s->hashes);
}

/* The bytes; buffer_fini() `out`. */
SIGN_UNUSED struct bytes sign_encode(struct signing *t, struct buffer *out)
{
    buffer_init(out, 2 << 20);
    ethereum_encode(&t->f, out);
    EXPECT(!out->overflow);
    return buffer_bytes(out);
}

#endif
