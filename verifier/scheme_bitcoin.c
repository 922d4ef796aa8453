/*
 * verifier/scheme_bitcoin.c: every input, every signature.
 *
 *   input -> bitcoin_spend()     template, keys, signatures
 *         -> bitcoin_sighash()   once per hash type
 *         -> the curve           once per signature; multisig: per key tried
 *
 * The transaction is taken apart again, input by input: keeping the parts since
 * decoding would need memory that grows with it, and the curve costs a hundred
 * times as much.
 *
 * From: verifier/judge.c.
 * To:   schemas/bitcoin_sighash.h, verifier/scheme_secp256k1_verify.h,
 *       verifier/scheme_secp256k1_schnorr.h.
 */
#include "verifier/scheme_bitcoin.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "verifier/scheme_secp256k1_schnorr.h"
#include "verifier/scheme_secp256k1_verify.h"

#define KEY_BYTES_MAX 65
#define SCHNORR_BYTES 64

/* One input, and the last message that was made for it. */
struct proving {
    struct bitcoin_hashes *hashes;
    const struct bitcoin_input *in;
    const struct bitcoin_spend *s;
    bool have;
    uint8_t type;
    uint8_t message[32];
};

static const uint8_t *message_of(struct proving *p, uint8_t type)
{
    if (!p->have || p->type != type)
        bitcoin_sighash(p->hashes, p->in, p->s, type, p->message);
    p->have = true;
    p->type = type;
    return p->message;
}

/* A hybrid key says the parity of its y twice; the library wants it once. */
static int parse_key(struct bytes key, struct scheme_secp256k1_key *out)
{
    uint8_t plain[KEY_BYTES_MAX];

    if (key.count != KEY_BYTES_MAX || (key.data[0] & 0xfe) != 0x06)
        return scheme_secp256k1_key_parse(key, out);
    if ((key.data[0] & 1) != (key.data[KEY_BYTES_MAX - 1] & 1))
        return FAIL_MALFORMED;
    memcpy(plain, key.data, sizeof(plain));
    plain[0] = 0x04;
    return scheme_secp256k1_key_parse(bytes_of(plain, sizeof(plain)), out);
}

static bool ecdsa_is_good(struct proving *p, struct bytes signature,
                          struct bytes key)
{
    struct scheme_secp256k1_key parsed;
    uint8_t rs[64];

    if (parse_key(key, &parsed) < 0)
        return false;
    CHECK(bitcoin_signature_read(bytes_slice(signature, 0, signature.count - 1),
                                 rs) == REASON_NONE);
    /* The rule set has been asked: a high s is as good here. */
    return scheme_secp256k1_verify(
        message_of(p, signature.data[signature.count - 1]), rs, &parsed, true);
}

static bool schnorr_is_good(struct proving *p, struct bytes signature,
                            struct bytes key)
{
    uint8_t type =
        signature.count > SCHNORR_BYTES ? signature.data[SCHNORR_BYTES] : 0;

    return scheme_schnorr_verify(signature.data,
                                 bytes_of(message_of(p, type), 32), key.data);
}

/* OP_CHECKMULTISIG: from the last, and no key twice. */
static bool multisig_is_good(struct proving *p)
{
    size_t signatures = p->s->signatures_count, keys = p->s->keys_count;

    while (signatures > 0 && signatures <= keys) {
        if (ecdsa_is_good(p, p->s->signatures[signatures - 1],
                          p->s->keys[keys - 1]))
            signatures--;
        keys--;
    }
    return signatures == 0;
}

static bool signatures_are_good(struct proving *p)
{
    bool ecdsa = p->s->message == BITCOIN_LEGACY || p->s->message == BITCOIN_V0;

    if (p->s->ordered)
        return multisig_is_good(p);
    for (size_t i = 0; i < p->s->signatures_count; i++) {
        struct bytes signature = p->s->signatures[i], key = p->s->keys[i];

        if (signature.count == 0)
            continue; /* a tapscript does without this key */
        if (ecdsa ? !ecdsa_is_good(p, signature, key)
                  : !schnorr_is_good(p, signature, key))
            return false;
    }
    return true;
}

/* The key that is spent commits to the script that spends it. */
static bool script_is_committed(const struct bitcoin_spend *s)
{
    uint8_t tweak[32];

    bitcoin_tweak(s, tweak);
    return scheme_schnorr_tweaked(s->control.data + 1, tweak,
                                  s->output_key.data, s->control.data[0] & 1);
}

enum reason scheme_bitcoin_input(int rules, struct bitcoin_hashes *hashes,
                                 const struct bitcoin_input *in)
{
    struct bitcoin_spend s;
    struct proving p = {.hashes = hashes, .in = in, .s = &s};
    enum reason reason = bitcoin_spend(hashes->t, in, rules, &s);

    if (reason != REASON_NONE)
        return reason;
    if (s.message == BITCOIN_TAPSCRIPT && !script_is_committed(&s))
        return REASON_SCRIPT_FAILED;
    return signatures_are_good(&p) ? REASON_NONE : REASON_BAD_SIGNATURE;
}

static enum reason prove_all(int rules, struct bytes extended)
{
    struct bitcoin_transaction b;
    struct bitcoin_hashes hashes;
    struct bitcoin_walk walk;
    struct bitcoin_input in;
    enum reason reason = REASON_NONE;

    CHECK(bitcoin_parse(extended, &b, NULL) == REASON_NONE);
    bitcoin_hashes_init(&hashes, &b);
    bitcoin_walk_inputs(&b, &walk);
    while (reason == REASON_NONE && bitcoin_next_input(&walk, &in)) {
        reason = scheme_bitcoin_input(rules, &hashes, &in);
    }
    bitcoin_hashes_fini(&hashes);
    return reason;
}

enum reason scheme_bitcoin_prove(int rules, struct transaction *t)
{
    struct buffer room;
    enum reason reason;

    buffer_init(&room, TRANSACTION_BYTES_MAX);
    reason = prove_all(rules, transaction_canonical(t, &room));
    if (reason == REASON_NONE)
        bitcoin_set_sender(t);
    buffer_fini(&room);
    return reason;
}
