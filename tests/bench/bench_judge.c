/*
 * tests/bench/bench_judge.c: a verdict beside nothing but its arithmetic.
 *
 * Bare: two Keccak hashes (id and what was signed), the recovery, and the
 * Keccak of the key: what no verifier can leave out. Ours: judge_payload().
 *
 *   judge refused          a good one; the dearest refusal: all of the recovery
 *                          is done, and ends in no point
 *   judge 128 KiB refused  the same, as large as may be
 *
 * From: tests/bench/run.
 * To:   verifier/judge.c, schemas/rlp.h.
 */
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <string.h>

#include "deploy/ctl/load.h"
#include "schemas/hash.h"
#include "schemas/rlp.h"
#include "schemas/transaction.h"
#include "tests/bench/rounds.h"
#include "verifier/judge.h"

#define COUNT 10000
/* What v, r and s take at the end, and is not signed. */
#define SIGNATURE_BYTES 67
#define LARGE_BYTES (TRANSACTION_BYTES_MAX - 200)
#define LARGE_TIMES 200
#define ADDRESS_BYTES 20

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

/* The generator's x: whoever takes 1 for the secret number signs with it. */
static const uint8_t generator[32] = {0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb,
                                      0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87,
                                      0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d,
                                      0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b,
                                      0x16, 0xf8, 0x17, 0x98};

/* No number that makes the arithmetic short. */
static const uint8_t any[32] = {0x17, 0x98, 0x5b, 0x16, 0xf8, 0x81, 0x59, 0xf2,
                                0x28, 0xd9, 0x2d, 0xce, 0xfc, 0xdb, 0x02, 0x9b,
                                0x0b, 0x07, 0xce, 0x87, 0x62, 0x95, 0x55, 0xa0,
                                0xbb, 0xac, 0xf9, 0xdc, 0x66, 0x7e, 0x79, 0xbe};

/* A transfer with `count` bytes of data; its signature is (generator, s). */
static void make(struct buffer *out, uint64_t nonce, size_t count,
                 const uint8_t s[32])
{
    static const uint8_t zeros[TRANSACTION_BYTES_MAX];
    struct buffer items;

    buffer_init(&items, TRANSACTION_BYTES_MAX);
    rlp_append_uint(&items, 1);
    rlp_append_uint(&items, nonce);
    rlp_append_uint(&items, 1000000000);
    rlp_append_uint(&items, 20000000000);
    rlp_append_uint(&items, 16000000);
    rlp_append_string(&items, bytes_of(zeros, ADDRESS_BYTES));
    rlp_append_uint(&items, 1);
    rlp_append_string(&items, bytes_of(zeros, count));
    rlp_append_list(&items, bytes_of(NULL, 0));
    rlp_append_uint(&items, 0);
    rlp_append_string(&items, bytes_of(generator, 32));
    rlp_append_string(&items, bytes_of(s, 32));
    buffer_clear(out);
    buffer_append_byte(out, 2);
    rlp_append_list(out, buffer_bytes(&items));
    buffer_fini(&items);
}

/*
 * With 1 for the secret number, s = z makes the recovered point s G - z G,
 * which is none: known only when all is done. z has to be a low s as well.
 */
static void make_pair(size_t count, struct buffer *good, struct buffer *bad)
{
    struct verdict v;
    uint64_t nonce = 0;

    do {
        make(good, ++nonce, count, any);
        judge_payload(judge, &chain, 2, buffer_bytes(good), &v);
        CHECK(v.verified);
    } while (v.tx.signing_hash[0] == 0 || v.tx.signing_hash[0] >= 0x7f);
    make(bad, nonce, count, v.tx.signing_hash);
}

static double one(const struct buffer *raw, enum reason reason, size_t times)
{
    double before = rounds_cpu_us();
    struct verdict v;

    for (size_t i = 0; i < times; i++) {
        judge_payload(judge, &chain, 2, buffer_bytes(raw), &v);
        CHECK(v.reason == reason);
    }
    return (rounds_cpu_us() - before) / (double)times;
}

static void refused(const char *name, size_t data_bytes, size_t times)
{
    double b[ROUNDS], o[ROUNDS];
    struct buffer good, bad;

    buffer_init(&good, TRANSACTION_BYTES_MAX);
    buffer_init(&bad, TRANSACTION_BYTES_MAX);
    make_pair(data_bytes, &good, &bad);
    for (int r = 0; r < ROUNDS; r++) {
        b[r] = one(&good, REASON_NONE, times);
        o[r] = one(&bad, REASON_RECOVERY_FAILED, times);
    }
    rounds_print(name, b, o);
    buffer_fini(&good);
    buffer_fini(&bad);
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
    refused("judge refused", 0, COUNT);
    refused("judge 128 KiB refused", LARGE_BYTES, LARGE_TIMES);
    load_close(load);
    judge_close(judge);
    secp256k1_context_destroy(curve);
    return 0;
}
