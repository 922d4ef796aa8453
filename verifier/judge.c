/*
 * verifier/judge.c: decodes, checks, and asks the curve last.
 *
 *   bytes -> transaction_decode()   encoding, id, rules      about 1 us
 *
 * then, of Ethereum,
 *
 *         -> signing hash           one keccak
 *         -> recover                the signer's public key  about 35 us
 *         -> keccak(key)[12..]      the sender
 *
 * A recovered sender is compared with nothing: whoever's key belongs to the
 * signature is the sender. A changed byte gives another sender, not an error.
 *
 * From: verifier/pool.c; the command, which verifies offline.
 * To:   schemas/transaction.h, verifier/scheme_secp256k1.h,
 *       verifier/scheme_jws.h, verifier/scheme_solana.h,
 *       verifier/scheme_bitcoin.h.
 */
#include "verifier/judge.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hash.h"
#include "verifier/scheme_bitcoin.h"
#include "verifier/scheme_ed25519.h"
#include "verifier/scheme_jws.h"
#include "verifier/scheme_secp256k1.h"
#include "verifier/scheme_solana.h"

#define JUDGE_MAGIC 0x6a756467 /* "judg" */
#define ADDRESS_BYTES 20

struct judge {
    uint32_t magic;
};

int judge_open(struct judge **out)
{
    struct judge *j = malloc(sizeof(*j));

    if (j == NULL)
        return FAIL_SYSTEM;
    scheme_secp256k1_prove();
    scheme_ed25519_prove();
    j->magic = JUDGE_MAGIC;
    *out = j;
    return 0;
}

void judge_close(struct judge *j)
{
    free(j);
}

/* eip155: sets the sender, or returns why there is none. */
static enum reason recover_sender(struct transaction *t)
{
    uint8_t key[65], hash[HASH_BYTES];

    transaction_signing_hash(t);
    if (scheme_secp256k1_recover(t->signing_hash, t->signature, t->parity,
                                 key) < 0)
        return REASON_RECOVERY_FAILED;
    hash_keccak256(bytes_of(key + 1, 64), hash);
    memcpy(t->sender, hash + HASH_BYTES - ADDRESS_BYTES, ADDRESS_BYTES);
    t->sender_count = ADDRESS_BYTES;
    return REASON_NONE;
}

/* What the curves say of a transaction that decoded. */
static enum reason prove(const struct chain *chain, int rules,
                         struct transaction *t)
{
    switch (chain->ns) {
    case CHAIN_EIP155:
        return recover_sender(t);
    case CHAIN_JWS:
        return scheme_jws_prove(t);
    case CHAIN_SOLANA:
        return scheme_solana_prove(t);
    case CHAIN_BIP122:
        return scheme_bitcoin_prove(rules, t);
    case CHAIN_NONE:
        break;
    }
    return REASON_UNSUPPORTED_CHAIN;
}

void judge_payload(const struct judge *j, const struct chain *chain, int rules,
                   struct bytes payload, struct verdict *out)
{
    CHECK(j->magic == JUDGE_MAGIC);
    out->reason = transaction_decode(chain, rules, payload, &out->tx, NULL);
    if (out->reason == REASON_NONE)
        out->reason = prove(chain, rules, &out->tx);
    out->verified = out->reason == REASON_NONE;
    if (!out->verified)
        hash_sha256(payload, out->payload_sha256);
}
