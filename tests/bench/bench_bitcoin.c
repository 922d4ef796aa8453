/*
 * tests/bench/bench_bitcoin.c: verdicts about Bitcoin transactions beside
 * nothing but their arithmetic, what the door pays, and what the dearest
 * transactions cost that the rules let through.
 *
 *   bitcoin            one witness key: three hashes, the library's check; a
 *                      verdict
 *   bitcoin x650       the check of 650 signatures of before witnesses; a
 *                      verdict, which hashes 17 MB for them
 *   bitcoin keys       the check of 1,180 keys, of 59 multisigs whose last key
 *                      signed; a verdict
 *   bitcoin refused    a good one with 650 inputs; the last signature is false
 *   bitcoin decode     the check of a signature; all that a door does
 *
 * From: tests/bench/run.
 * To:   verifier/judge.c.
 */
#include <secp256k1.h>
#include <string.h>

#include "schemas/bitcoin_inside.h"
#include "schemas/bitcoin_sighash.h"
#include "schemas/hash.h"
#include "tests/bench/rounds.h"
#include "verifier/judge.h"
#include "verifier/scheme_secp256k1_sign.h"

#define COUNT 200
#define INPUTS_MAX 650
#define MULTISIGS 59
#define KEYS 20
#define DER_MAX 73
#define SCRIPT_MAX 800

enum kind { WITNESS_KEY, KEY_HASH, MULTISIG };

struct input {
    uint8_t spent[SCRIPT_MAX]; /* what it spends */
    size_t spent_count;
    uint8_t public[33];
    uint8_t der[DER_MAX];
    size_t der_count;
};

struct made {
    struct buffer raw;
    uint8_t message[32], public[33], rs[64]; /* of the first signature */
};

static struct made one[COUNT], many, keys, bad;
static struct chain chain;
static struct judge *judge;
static struct signer *signer;
static struct input inputs[INPUTS_MAX];

static void key_of(size_t n, uint8_t key[32])
{
    memset(key, 0, 32);
    bytes_put_be64(key + 24, n + 1);
}

static void public_of(size_t n, uint8_t out[33])
{
    uint8_t key[32], full[65];

    key_of(n, key);
    CHECK(signer_public(signer, key, full) == 0);
    out[0] = (uint8_t)(2 + (full[64] & 1));
    memcpy(out + 1, full + 1, 32);
}

/* 1 of 20, signed by the key that is tried last. */
static void lock_multisig(size_t n, struct input *in)
{
    uint8_t *at = in->spent;

    *at++ = 0x51;
    for (size_t k = 0; k < KEYS; k++) {
        *at++ = 33;
        public_of(k == 0 ? n : 100000 + k, at);
        at += 33;
    }
    memcpy(at, "\x01\x14\xae", 3);
    in->spent_count = (size_t)(at + 3 - in->spent);
}

static void lock_input(enum kind kind, size_t n, struct input *in)
{
    uint8_t hash[20];

    public_of(n, in->public);
    bitcoin_hash160(bytes_of(in->public, 33), hash);
    if (kind == MULTISIG) {
        lock_multisig(n, in);
    } else if (kind == WITNESS_KEY) {
        memcpy(in->spent, "\x00\x14", 2);
        memcpy(in->spent + 2, hash, 20);
        in->spent_count = 22;
    } else {
        memcpy(in->spent, "\x76\xa9\x14", 3);
        memcpy(in->spent + 3, hash, 20);
        memcpy(in->spent + 23, "\x88\xac", 2);
        in->spent_count = 25;
    }
    in->der_count = 0;
}

static void append_script(enum kind kind, const struct input *in,
                          struct buffer *out)
{
    struct buffer script;

    buffer_init(&script, 256);
    if (in->der_count > 0 && kind == MULTISIG)
        buffer_append_byte(&script, 0);
    if (in->der_count > 0 && kind != WITNESS_KEY)
        bitcoin_append_string(&script, bytes_of(in->der, in->der_count));
    if (in->der_count > 0 && kind == KEY_HASH)
        bitcoin_append_string(&script, bytes_of(in->public, 33));
    bitcoin_append_string(out, buffer_bytes(&script));
    buffer_fini(&script);
}

static void append_witness(const struct input *in, struct buffer *out)
{
    bitcoin_append_size(out, 2);
    bitcoin_append_string(out, bytes_of(in->der, in->der_count));
    bitcoin_append_string(out, bytes_of(in->public, 33));
}

static void build(enum kind kind, size_t count, struct buffer *out)
{
    static const uint8_t recipient[22] = {0x00, 0x14};
    bool witness = kind == WITNESS_KEY && inputs[0].der_count > 0;

    buffer_clear(out);
    buffer_append_text(out, BITCOIN_MAGIC);
    bitcoin_append_number(out, 2, 4);
    if (witness)
        buffer_append(out, "\x00\x01", 2);
    bitcoin_append_size(out, count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 4; k++)
            bitcoin_append_number(out, i + 1, 8);
        bitcoin_append_number(out, 0, 4);
        append_script(kind, &inputs[i], out);
        bitcoin_append_number(out, 0xfffffffd, 4);
    }
    bitcoin_append_size(out, 1);
    bitcoin_append_number(out, 1000, 8);
    bitcoin_append_string(out, bytes_of(recipient, sizeof(recipient)));
    for (size_t i = 0; i < count && witness; i++)
        append_witness(&inputs[i], out);
    bitcoin_append_number(out, 0, 4);
    for (size_t i = 0; i < count; i++) {
        bitcoin_append_number(out, 2000, 8);
        bitcoin_append_string(out,
                              bytes_of(inputs[i].spent, inputs[i].spent_count));
    }
    CHECK(!out->overflow);
}

static void append_integer(const uint8_t number[32], struct input *in)
{
    uint8_t *at = in->der + in->der_count;
    size_t zero = number[0] & 0x80 ? 1 : 0, skip = 0;

    while (skip < 31 && number[skip] == 0 && !(number[skip + 1] & 0x80))
        skip++;
    *at++ = 0x02;
    *at++ = (uint8_t)(32 - skip + zero);
    if (zero > 0)
        *at++ = 0;
    memcpy(at, number + skip, 32 - skip);
    in->der_count += 2 + zero + 32 - skip;
}

static void sign(size_t n, const uint8_t message[32], struct input *in,
                 uint8_t rs[64])
{
    uint8_t key[32], parity;

    key_of(n, key);
    CHECK(signer_sign(signer, key, message, rs, &parity) == 0);
    in->der[0] = 0x30;
    in->der_count = 2;
    append_integer(rs, in);
    append_integer(rs + 32, in);
    in->der[1] = (uint8_t)(in->der_count - 2);
    in->der[in->der_count++] = 1;
}

static void make(enum kind kind, size_t first, size_t count, struct made *out)
{
    struct bitcoin_transaction t;
    struct bitcoin_hashes hashes;
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    buffer_init(&out->raw, TRANSACTION_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        lock_input(kind, first + i, &inputs[i]);
    build(kind, count, &out->raw);
    CHECK(bitcoin_parse(buffer_bytes(&out->raw), &t, NULL) == REASON_NONE);
    bitcoin_hashes_init(&hashes, &t);
    bitcoin_walk_inputs(&t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        struct bitcoin_spend s = {
            .message = kind == WITNESS_KEY ? BITCOIN_V0 : BITCOIN_LEGACY,
            .code = in.spent.script};
        uint8_t message[32], rs[64];

        if (kind == WITNESS_KEY) {
            memcpy(s.code_made, "\x76\xa9\x14", 3);
            memcpy(s.code_made + 3, in.spent.script.data + 2, 20);
            memcpy(s.code_made + 23, "\x88\xac", 2);
            s.code = bytes_of(s.code_made, sizeof(s.code_made));
        }
        bitcoin_sighash(&hashes, &in, &s, 1, message);
        sign(first + in.index, message, &inputs[in.index], rs);
        if (in.index > 0)
            continue;
        memcpy(out->message, message, sizeof(message));
        memcpy(out->rs, rs, sizeof(rs));
        memcpy(out->public, inputs[0].public, 33);
    }
    bitcoin_hashes_fini(&hashes);
    build(kind, count, &out->raw);
}

/* The library's check of one signature, `times` over. */
static void check_signature(const struct made *m, size_t times)
{
    const secp256k1_context *ctx = secp256k1_context_static;

    for (size_t i = 0; i < times; i++) {
        secp256k1_ecdsa_signature signature;
        secp256k1_pubkey key;

        CHECK(secp256k1_ec_pubkey_parse(ctx, &key, m->public, 33));
        CHECK(secp256k1_ecdsa_signature_parse_compact(ctx, &signature, m->rs));
        CHECK(secp256k1_ecdsa_verify(ctx, &signature, m->message, &key));
    }
}

static double bare(const struct made *list, size_t count, size_t times)
{
    double before = rounds_cpu_us();
    uint8_t hash[32];

    for (size_t n = 0; n < count; n++) {
        /* wtxid, txid, and the message. */
        for (int i = 0; i < 3; i++)
            bitcoin_hash_twice(buffer_bytes(&list[n].raw), hash);
        check_signature(&list[n], times);
    }
    return (rounds_cpu_us() - before) / (double)count;
}

static double judged(const struct made *list, size_t count, enum reason reason)
{
    double before = rounds_cpu_us();
    struct verdict v;

    for (size_t n = 0; n < count; n++) {
        judge_payload(judge, &chain, 2, buffer_bytes(&list[n].raw), &v);
        CHECK(v.reason == reason);
    }
    return (rounds_cpu_us() - before) / (double)count;
}

static double decoded(const struct made *list, size_t count)
{
    double before = rounds_cpu_us();
    struct transaction_words words;
    struct transaction t;

    for (size_t k = 0; k < 20; k++) {
        for (size_t n = 0; n < count; n++)
            CHECK(transaction_decode(&chain, 2, buffer_bytes(&list[n].raw), &t,
                                     &words) == REASON_NONE);
    }
    return (rounds_cpu_us() - before) / (double)count / 20;
}

static void prepare(void)
{
    CHECK(judge_open(&judge) == 0 && signer_open(&signer) == 0);
    CHECK(chain_parse(BYTES_LITERAL("bip122:bench"), &chain) == 0);
    for (size_t n = 0; n < COUNT; n++)
        make(WITNESS_KEY, n, 1, &one[n]);
    make(MULTISIG, 1000, MULTISIGS, &keys);
    make(KEY_HASH, 2000, INPUTS_MAX, &many);
    buffer_init(&bad.raw, TRANSACTION_BYTES_MAX);
    inputs[INPUTS_MAX - 1].der[40] ^= 1;
    build(KEY_HASH, INPUTS_MAX, &bad.raw);
}

int main(void)
{
    double b[6][ROUNDS], o[6][ROUNDS];

    prepare();
    for (int r = 0; r < ROUNDS; r++) {
        b[0][r] = bare(one, COUNT, 1);
        o[0][r] = judged(one, COUNT, REASON_NONE);
        b[1][r] = bare(&many, 1, INPUTS_MAX);
        o[1][r] = judged(&many, 1, REASON_NONE);
        b[2][r] = bare(&keys, 1, MULTISIGS * KEYS);
        o[2][r] = judged(&keys, 1, REASON_NONE);
        b[3][r] = judged(&many, 1, REASON_NONE);
        o[3][r] = judged(&bad, 1, REASON_BAD_SIGNATURE);
        b[4][r] = bare(one, COUNT, 1);
        o[4][r] = decoded(one, COUNT);
        b[5][r] = bare(&many, 1, INPUTS_MAX);
        o[5][r] = decoded(&many, 1);
    }
    rounds_print("bitcoin", b[0], o[0]);
    rounds_print("bitcoin x650", b[1], o[1]);
    rounds_print("bitcoin keys", b[2], o[2]);
    rounds_print("bitcoin refused", b[3], o[3]);
    rounds_print("bitcoin decode", b[4], o[4]);
    rounds_print("bitcoin x650 decode", b[5], o[5]);
    judge_close(judge);
    signer_close(signer);
    return 0;
}
