/*
 * tests/bench/bench_solana.c: verdicts about Solana transactions beside nothing
 * but their arithmetic, and what the door pays before it has asked a curve.
 *
 *   solana           one signature: SHA-256 and the library's check; a verdict
 *   solana x12       the same with as many signatures as fit
 *   solana refused   a good one; the dearest refusal: the last of twelve
 *                    signatures is false
 *   solana decode    the check of a signature; all that a door does
 *   base58 packet    the check of a signature; the longest text decoded
 *
 * From: tests/bench/run.
 * To:   verifier/judge.c, schemas/base58.c.
 */
#include <sodium.h>
#include <string.h>

#include "schemas/base58.h"
#include "schemas/hash.h"
#include "schemas/solana.h"
#include "tests/bench/rounds.h"
#include "verifier/judge.h"
#include "verifier/scheme_ed25519_sign.h"

#define COUNT 400
#define SIGNERS_MAX 12

struct made {
    uint8_t raw[SOLANA_BYTES_MAX];
    size_t count;
    struct solana_parts p; /* of raw */
};

static struct made one[COUNT], twelve[COUNT], bad[COUNT];
static struct chain chain;
static struct judge *judge;

static void seed_of(size_t n, size_t signer, uint8_t seed[32])
{
    memset(seed, 0, 32);
    bytes_put_be64(seed, n);
    seed[31] = (uint8_t)(signer + 1);
}

/* A transfer; with twelve signers there is no room for one. */
static void make(size_t n, size_t signers, struct made *out)
{
    static const uint8_t zeros[32], data[12] = {2, 0, 0, 0, 5};
    uint8_t keys[(SIGNERS_MAX + 1) * 32], places[2] = {0, 0}, seed[32];
    uint8_t signatures[SIGNERS_MAX * 64];
    struct solana_instruction i = {(uint8_t)signers, bytes_of(places, 2),
                                   bytes_of(data, sizeof(data))};
    struct solana_parts p = {.signature_count = signers,
                             .required = (uint8_t)signers,
                             .blockhash = bytes_of(zeros, 32)};
    struct buffer list, raw;

    buffer_init(&list, SOLANA_BYTES_MAX);
    buffer_init(&raw, SOLANA_BYTES_MAX);
    for (size_t s = 0; s < signers; s++) {
        seed_of(n, s, seed);
        scheme_ed25519_public(seed, keys + 32 * s);
    }
    memset(keys + 32 * signers, 0, 32);
    p.key_count = signers < SIGNERS_MAX ? signers + 1 : signers;
    p.keys = bytes_of(keys, 32 * p.key_count);
    if (signers < SIGNERS_MAX) {
        solana_append_instruction(&i, &list);
        p.instruction_count = 1;
    }
    p.instructions = buffer_bytes(&list);
    solana_encode_message(&p, &raw);
    for (size_t s = 0; s < signers; s++) {
        seed_of(n, s, seed);
        scheme_ed25519_sign(seed, buffer_bytes(&raw), signatures + 64 * s);
    }
    p.signatures = bytes_of(signatures, 64 * signers);
    buffer_clear(&raw);
    solana_encode(&p, &raw);
    CHECK(!raw.overflow);
    out->count = raw.count;
    memcpy(out->raw, raw.data, raw.count);
    CHECK(solana_parse(bytes_of(out->raw, out->count), &out->p, NULL) ==
          REASON_NONE);
    buffer_fini(&list);
    buffer_fini(&raw);
}

static double bare(const struct made *list)
{
    double before = rounds_cpu_us();
    uint8_t id[32];

    for (size_t n = 0; n < COUNT; n++) {
        const struct solana_parts *p = &list[n].p;

        hash_sha256(p->message, id);
        for (size_t s = 0; s < p->signature_count; s++)
            CHECK(crypto_sign_verify_detached(p->signatures.data + 64 * s,
                                              p->message.data, p->message.count,
                                              p->keys.data + 32 * s) == 0);
    }
    return (rounds_cpu_us() - before) / COUNT;
}

static double judged(const struct made *list, enum reason reason)
{
    double before = rounds_cpu_us();
    struct verdict v;

    for (size_t n = 0; n < COUNT; n++) {
        judge_payload(judge, &chain, 1, bytes_of(list[n].raw, list[n].count),
                      &v);
        CHECK(v.reason == reason);
    }
    return (rounds_cpu_us() - before) / COUNT;
}

static double decoded(const struct made *list)
{
    double before = rounds_cpu_us();
    struct transaction_words words;
    struct transaction t;

    for (size_t k = 0; k < 50; k++) {
        for (size_t n = 0; n < COUNT; n++)
            CHECK(transaction_decode(&chain, 1,
                                     bytes_of(list[n].raw, list[n].count), &t,
                                     &words) == REASON_NONE);
    }
    return (rounds_cpu_us() - before) / COUNT / 50;
}

static double base58(void)
{
    static char text[BASE58_TEXT_MAX];
    uint8_t raw[BASE58_DECODED_MAX];
    double before = rounds_cpu_us();
    size_t count;

    memset(text, 'z', sizeof(text));
    text[0] = '2';
    for (size_t n = 0; n < COUNT; n++)
        CHECK(base58_decode(bytes_of(text, BASE58_TEXT_MAX - 1), raw,
                            sizeof(raw), &count, NULL) == 0);
    return (rounds_cpu_us() - before) / COUNT;
}

static void prepare(void)
{
    CHECK(judge_open(&judge) == 0);
    CHECK(chain_parse(BYTES_LITERAL("solana:bench"), &chain) == 0);
    for (size_t n = 0; n < COUNT; n++) {
        make(n, 1, &one[n]);
        make(n, SIGNERS_MAX, &twelve[n]);
        bad[n] = twelve[n];
        bad[n].raw[1 + 64 * (SIGNERS_MAX - 1) + 5] ^= 1;
    }
}

int main(void)
{
    double b[6][ROUNDS], o[6][ROUNDS];

    prepare();
    for (int r = 0; r < ROUNDS; r++) {
        b[0][r] = bare(one);
        o[0][r] = judged(one, REASON_NONE);
        b[1][r] = bare(twelve);
        o[1][r] = judged(twelve, REASON_NONE);
        b[2][r] = judged(twelve, REASON_NONE);
        o[2][r] = judged(bad, REASON_BAD_SIGNATURE);
        b[3][r] = bare(one);
        o[3][r] = decoded(one);
        b[4][r] = bare(twelve);
        o[4][r] = decoded(twelve);
        b[5][r] = bare(one);
        o[5][r] = base58();
    }
    rounds_print("solana", b[0], o[0]);
    rounds_print("solana x12", b[1], o[1]);
    rounds_print("solana refused", b[2], o[2]);
    rounds_print("solana decode", b[3], o[3]);
    rounds_print("solana x12 decode", b[4], o[4]);
    rounds_print("base58 packet", b[5], o[5]);
    judge_close(judge);
    return 0;
}
