/*
 * tests/bench/bench_jws.c: a verdict on a signed payment beside nothing but its
 * arithmetic, and the dearest refusals beside a payment that is good.
 *
 * Bare: SHA-256 of what was signed, the key taken apart, and the library's own
 * verification. Ours: judge_payload(). Of the door's part transaction_decode()
 * is ours. Of a refusal the verdict on a good payment of the same size is bare.
 *
 * From: tests/bench/run.
 * To:   verifier/judge.c, schemas/jws.c.
 */
#include <secp256k1.h>
#include <sodium.h>

#include "tests/bench/rounds.h"
#include "tests/unit/judge/jws_sign.h"
#include "verifier/judge.h"

#define COUNT 2000
#define TEXT_MAX 1000

static struct prepared {
    char text[TEXT_MAX];
    struct bytes raw, message;
    uint8_t signature[64], key[65];
} list[COUNT];

static struct chain chain;
static struct judge *judge;
static struct jws_sign made;
static char large[4][2 * JWS_BYTES_MAX];

static void prepare(enum transaction_algorithm algorithm)
{
    char payment[200];

    for (size_t i = 0; i < COUNT; i++) {
        struct prepared *p = &list[i];
        struct verdict v;

        snprintf(payment, sizeof(payment),
                 "{\"recipient\":\"acct:shop%zu@example.com\",\"amount\":"
                 "\"%zu\",\"nonce\":\"%zu\",\"currency\":\"EUR\"}",
                 i, i * i, i);
        jws_sign_init(&made, algorithm, (uint8_t)(1 + i % 200), payment);
        p->raw = jws_sign_compact(&made);
        CHECK(p->raw.count < TEXT_MAX);
        memcpy(p->text, p->raw.data, p->raw.count);
        p->raw.data = (uint8_t *)p->text;
        p->message = bytes_slice(p->raw, 0, p->raw.count - 87);
        memcpy(p->signature, made.signature, 64);
        judge_payload(judge, &chain, 1, p->raw, &v);
        CHECK(v.verified);
        p->key[0] = 4;
        memcpy(p->key + 1, v.tx.in.jws.key, 64);
    }
}

static void verify_es256k(const struct prepared *p)
{
    const secp256k1_context *ctx = secp256k1_context_static;
    secp256k1_ecdsa_signature signature;
    secp256k1_pubkey key;
    uint8_t hash[32];

    hash_sha256(p->message, hash);
    CHECK(secp256k1_ec_pubkey_parse(ctx, &key, p->key, 65));
    CHECK(
        secp256k1_ecdsa_signature_parse_compact(ctx, &signature, p->signature));
    CHECK(secp256k1_ecdsa_verify(ctx, &signature, hash, &key));
}

static double bare(enum transaction_algorithm algorithm)
{
    double before = rounds_cpu_us();

    for (size_t i = 0; i < COUNT; i++) {
        const struct prepared *p = &list[i];

        if (algorithm == TRANSACTION_ES256K)
            verify_es256k(p);
        else
            CHECK(crypto_sign_verify_detached(p->signature, p->message.data,
                                              p->message.count,
                                              p->key + 1) == 0);
    }
    return (rounds_cpu_us() - before) / COUNT;
}

static double verdicts(void)
{
    double before = rounds_cpu_us();
    struct verdict v;

    for (size_t i = 0; i < COUNT; i++) {
        judge_payload(judge, &chain, 1, list[i].raw, &v);
        CHECK(v.verified);
    }
    return (rounds_cpu_us() - before) / COUNT;
}

static double door(void)
{
    double before = rounds_cpu_us();
    struct transaction t;

    for (size_t i = 0; i < COUNT; i++)
        CHECK(transaction_decode(&chain, 1, list[i].raw, &t, NULL) ==
              REASON_NONE);
    return (rounds_cpu_us() - before) / COUNT;
}

static double one(const char *text, enum reason reason, size_t times)
{
    struct bytes raw = bytes_text(text);
    double before = rounds_cpu_us();
    struct verdict v;

    for (size_t i = 0; i < times; i++) {
        judge_payload(judge, &chain, 1, raw, &v);
        CHECK(v.reason == reason);
    }
    return (rounds_cpu_us() - before) / (double)times;
}

/* Signed, as large as may be; `amount` is of the payment. */
static void prepare_large(char *out, size_t free_bytes, const char *amount)
{
    static char payment[JWS_BYTES_MAX];
    struct bytes raw;

    snprintf(payment, sizeof(payment),
             "{\"recipient\":\"a\",\"free\":\"%0*d\",\"amount\":\"%s\"}",
             (int)free_bytes, 0, amount);
    jws_sign_init(&made, TRANSACTION_ES256K, 7, payment);
    raw = jws_sign_compact(&made);
    CHECK(raw.count <= JWS_BYTES_MAX);
    memcpy(out, raw.data, raw.count + 1);
}

/* 32 members with names that differ in their last character, or twice one. */
static void prepare_names(char *out, bool twice)
{
    static char payment[JWS_BYTES_MAX];
    size_t count = 0;
    struct bytes raw;

    for (int i = 0; i < 30; i++)
        count += (size_t)snprintf(payment + count, sizeof(payment) - count,
                                  "%s\"%0*d%c\":0", i == 0 ? "{" : ",", 127, 0,
                                  twice && i == 29 ? 'a' : 'a' + i);
    snprintf(payment + count, sizeof(payment) - count,
             ",\"recipient\":\"a\",\"amount\":\"1\"}");
    jws_sign_init(&made, TRANSACTION_ES256K, 7, payment);
    raw = jws_sign_compact(&made);
    memcpy(out, raw.data, raw.count + 1);
}

static void refusals(void)
{
    double good[ROUNDS], bad[ROUNDS];
    static char forged[TEXT_MAX];

    prepare(TRANSACTION_ES256K);
    memcpy(forged, list[0].raw.data, list[0].raw.count);
    memcpy(forged + list[0].raw.count - 86,
           list[1].raw.data + list[1].raw.count - 86, 86);
    for (int r = 0; r < ROUNDS; r++) {
        good[r] = verdicts();
        bad[r] = one(forged, REASON_BAD_SIGNATURE, COUNT);
    }
    rounds_print("jws refused", good, bad);

    prepare_large(large[0], 48000, "1");
    prepare_large(large[1], 48000, "01");
    for (int r = 0; r < ROUNDS; r++) {
        good[r] = one(large[0], REASON_NONE, 200);
        bad[r] = one(large[1], REASON_NOT_A_PAYMENT, 200);
    }
    rounds_print("jws 64 KiB refused", good, bad);

    prepare_names(large[2], false);
    prepare_names(large[3], true);
    for (int r = 0; r < ROUNDS; r++) {
        good[r] = one(large[2], REASON_NONE, COUNT);
        bad[r] = one(large[3], REASON_NOT_A_PAYMENT, COUNT);
    }
    rounds_print("jws names refused", good, bad);
}

int main(void)
{
    static const char *const names[][2] = {{"jws es256k", "jws es256k decode"},
                                           {"jws ed25519",
                                            "jws ed25519 decode"}};
    double b[ROUNDS], o[ROUNDS];

    CHECK(judge_open(&judge) == 0);
    CHECK(chain_parse(BYTES_LITERAL("jws"), &chain) == 0);
    for (int a = 0; a < 2; a++) {
        prepare((enum transaction_algorithm)a);
        for (int r = 0; r < ROUNDS; r++) {
            b[r] = bare((enum transaction_algorithm)a);
            o[r] = verdicts();
        }
        rounds_print(names[a][0], b, o);
        for (int r = 0; r < ROUNDS; r++)
            o[r] = door();
        rounds_print(names[a][1], b, o);
    }
    refusals();
    judge_close(judge);
    return 0;
}
