/*
 * tests/bench/bench_judge.c: a verdict beside nothing but its arithmetic.
 *
 * Bare: two Keccak hashes (id and what was signed), the recovery, and the
 * Keccak of the key: what no verifier can leave out. Ours: judge_payload().
 *
 * From: tests/bench/run.
 * To:   verifier/judge.c.
 */
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <string.h>

#include "deploy/ctl/load.h"
#include "schemas/hash.h"
#include "tests/bench/rounds.h"
#include "verifier/judge.h"

#define COUNT 10000
/* What v, r and s take at the end, and is not signed. */
#define SIGNATURE_BYTES 67

static struct prepared {
    struct bytes raw;
    uint8_t hash[32];
    uint8_t signature[65];
} list[COUNT];

static struct chain chain;
static struct judge *judge;
static secp256k1_context *curve;

static void prepare(struct load *load)
{
    struct verdict v;

    for (size_t i = 0; i < COUNT; i++) {
        list[i].raw = load_raw(load, i);
        judge_payload(judge, &chain, 2, list[i].raw, &v);
        CHECK(v.verified);
        memcpy(list[i].hash, v.tx.signing_hash, 32);
        memcpy(list[i].signature, v.tx.signature, 65);
    }
}

static double bare(void)
{
    double before = rounds_cpu_us();
    uint8_t hash[32], key[65];
    size_t count;

    for (size_t i = 0; i < COUNT; i++) {
        const struct prepared *p = &list[i];
        secp256k1_ecdsa_recoverable_signature signature;
        secp256k1_pubkey public;
        hash_keccak256(p->raw, hash);
        hash_keccak256(bytes_slice(p->raw, 0, p->raw.count - SIGNATURE_BYTES),
                       hash);
        CHECK(secp256k1_ecdsa_recoverable_signature_parse_compact(
            curve, &signature, p->signature, p->signature[64]));
        CHECK(secp256k1_ecdsa_recover(curve, &public, &signature, p->hash));
        count = sizeof(key);
        secp256k1_ec_pubkey_serialize(curve, key, &count, &public,
                                      SECP256K1_EC_UNCOMPRESSED);
        hash_keccak256(bytes_of(key + 1, 64), hash);
    }
    return (rounds_cpu_us() - before) / COUNT;
}

static double ours(void)
{
    double before = rounds_cpu_us();
    struct verdict v;

    for (size_t i = 0; i < COUNT; i++) {
        judge_payload(judge, &chain, 2, list[i].raw, &v);
        CHECK(v.verified);
    }
    return (rounds_cpu_us() - before) / COUNT;
}

int main(void)
{
    double b[ROUNDS], o[ROUNDS];
    struct load *load;

    curve = secp256k1_context_create(SECP256K1_CONTEXT_VERIFY);
    CHECK(curve != NULL && judge_open(&judge) == 0);
    CHECK(chain_parse(BYTES_LITERAL("eip155:1"), &chain) == 0);
    CHECK(load_sign(COUNT, 1, &load) == 0);
    prepare(load);
    for (int r = 0; r < ROUNDS; r++) {
        b[r] = bare();
        o[r] = ours();
    }
    rounds_print("judge", b, o);
    load_close(load);
    judge_close(judge);
    secp256k1_context_destroy(curve);
    return 0;
}
