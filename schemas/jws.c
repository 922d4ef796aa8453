/*
 * schemas/jws.c: from bytes to key, payment and id.
 *
 *   split -> header: algorithm and key -> signature in its range
 *         -> payload: recipient and amount -> id
 *
 * The id is made last: two hashes are dearer than any refusal here. It does not
 * cover the signature, so a rejection never speaks in its name.
 *
 * From: schemas/transaction.c.
 * To:   schemas/jws_split.c, schemas/jws_header.c, schemas/jws_payment.c.
 */
#include "schemas/jws.h"

#include <string.h>

#include "schemas/hash.h"
#include "schemas/jws_inside.h"

/* n of secp256k1, and the order of the group of Ed25519, both big-endian. */
static const uint8_t order_secp256k1[32] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
    0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
static const uint8_t order_ed25519[32] = {
    0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7,
    0x9c, 0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed};

/* From 1 to n - 1, whatever the half: the twin of an s is the same payment. */
static bool ecdsa_in_range(const uint8_t number[32])
{
    static const uint8_t zero[32];

    return memcmp(number, zero, 32) != 0 &&
           memcmp(number, order_secp256k1, 32) < 0;
}

/* S is little-endian, and may be zero. */
static bool ed25519_in_range(const uint8_t s[32])
{
    uint8_t be[32];

    for (size_t i = 0; i < 32; i++)
        be[i] = s[31 - i];
    return memcmp(be, order_ed25519, 32) < 0;
}

static enum reason read_signature(struct bytes text,
                                  enum transaction_algorithm algorithm,
                                  struct transaction *t,
                                  struct transaction_words *w)
{
    enum reason reason;
    uint8_t raw[64];
    size_t count;

    if (text.count != JWS_SIGNATURE_CHARACTERS)
        return transaction_refuse(w, REASON_FIELD_RANGE,
                                  "the signature is not base64url of 64 bytes");
    reason = jws_bytes(text, "the signature", raw, &count, w);
    if (reason != REASON_NONE)
        return reason;
    if (algorithm == TRANSACTION_ES256K
            ? !ecdsa_in_range(raw) || !ecdsa_in_range(raw + 32)
            : !ed25519_in_range(raw + 32))
        return transaction_refuse(w, REASON_OUT_OF_RANGE, "%s",
                                  reason_words(REASON_OUT_OF_RANGE));
    memcpy(t->signature, raw, sizeof(raw));
    t->signature_count = sizeof(raw);
    return REASON_NONE;
}

static void set_payment(const struct jws_payment *p, struct transaction *t)
{
    memcpy(t->recipient_made, p->recipient, p->recipient_count);
    t->recipient_made_count = p->recipient_count;
    memcpy(t->amount, p->amount, sizeof(t->amount));
    t->has_nonce = p->has_nonce;
    t->nonce = p->nonce;
    memcpy(t->currency, p->currency, sizeof(p->currency));
}

_Static_assert(sizeof(((struct transaction *)0)->currency) ==
                   sizeof(((struct jws_payment *)0)->currency),
               "a currency is copied as it is");

/* Header, dot, payload: one behind the other. Returns the end. */
static uint8_t *append_signing_input(const struct transaction *t, uint8_t *at)
{
    memcpy(at, t->in.jws.header.data, t->in.jws.header.count);
    at += t->in.jws.header.count;
    *at++ = '.';
    memcpy(at, t->in.jws.payload.data, t->in.jws.payload.count);
    return at + t->in.jws.payload.count;
}

/* The sender stands before what was signed: the same words of two signers are
 * two transactions. */
static void set_id(struct transaction *t)
{
    uint8_t all[sizeof(t->sender) + JWS_BYTES_MAX];
    uint8_t *end;

    memcpy(all, t->sender, sizeof(t->sender));
    end = append_signing_input(t, all + sizeof(t->sender));
    hash_sha256(bytes_of(all, (size_t)(end - all)), t->id);
    t->has_id = true;
}

struct bytes jws_signing_input(const struct transaction *t,
                               uint8_t room[JWS_BYTES_MAX])
{
    struct bytes header = t->in.jws.header, payload = t->in.jws.payload;

    /* The compact form has it in one piece. */
    if (t->canonical.data[0] != '{')
        return bytes_of(header.data, header.count + 1 + payload.count);
    return bytes_of(room, (size_t)(append_signing_input(t, room) - room));
}

bool jws_looks_like(struct bytes input)
{
    return input.count > 0 && (input.data[0] == '{' || input.data[0] == 'e');
}

enum reason jws_decode(const struct chain *chain, int rules, struct bytes input,
                       struct transaction *out,
                       struct transaction_words *out_words)
{
    struct jws_payment payment;
    struct jws_header header;
    struct jws_parts parts;
    enum reason reason;

    (void)chain;
    (void)rules;
    if (input.count == 0)
        return transaction_refuse(out_words, REASON_EMPTY,
                                  "there are no bytes");
    if (input.count > JWS_BYTES_MAX)
        return transaction_refuse(out_words, REASON_TOO_LARGE,
                                  "more than %d bytes", JWS_BYTES_MAX);
    reason = jws_split(input, &parts, out_words);
    if (reason == REASON_NONE)
        reason = jws_header_read(parts.header, &header, out_words);
    if (reason == REASON_NONE)
        reason =
            read_signature(parts.signature, header.algorithm, out, out_words);
    if (reason == REASON_NONE)
        reason = jws_payment_read(parts.payload, &payment, out_words);
    if (reason != REASON_NONE)
        return reason;
    set_payment(&payment, out);
    memcpy(out->sender, header.thumbprint, sizeof(out->sender));
    out->in.jws.header = parts.header;
    out->in.jws.payload = parts.payload;
    out->in.jws.algorithm = header.algorithm;
    memcpy(out->in.jws.key, header.key, sizeof(header.key));
    set_id(out);
    return REASON_NONE;
}
