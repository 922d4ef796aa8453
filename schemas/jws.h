/*
 * schemas/jws.h: payments signed as JWS (RFC 7515), by anybody with a key.
 *
 *   compact     <header> . <payload> . <signature>       each base64url
 *   flattened   {"protected":"<header>","payload":"<payload>",
 *                "signature":"<signature>"}
 *
 *   header      {"alg":"ES256K","jwk":{"kty":"EC","crv":"secp256k1",
 *                "x":"..","y":".."}}
 *   payload     {"recipient":"..","amount":"1500","nonce":"7",
 *                "currency":"EUR"}
 *
 * Header and payload are under the signature, and so is the key in them. The id
 * is SHA-256(thumbprint of the key, header, '.', payload): whoever changes the
 * spelling of the JSON around them, or the signature, still has the same
 * transaction. schemas/rules/jws-1.md is the law.
 *
 * Stages use schemas/transaction.h; this is what stands behind it for `jws`.
 *
 * Thread: any. Memory: fields borrow from the input.
 */
#ifndef SCHEMAS_JWS_H
#define SCHEMAS_JWS_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/transaction.h"

#define JWS_BYTES_MAX 65536         /* all of it */
#define JWS_HEADER_MAX 8192         /* characters of the protected header */
#define JWS_MEMBERS_MAX 32          /* of one object that we read */
#define JWS_NAME_BYTES_MAX 128      /* of one of their names */
#define JWS_DEPTH_MAX 8             /* arrays and objects inside each other */
#define JWS_SIGNATURE_CHARACTERS 86 /* of 64 bytes */
#define JWS_KEY_CHARACTERS 43       /* of 32 bytes */
#define JWS_RECIPIENT_BYTES_MAX TRANSACTION_PARTY_MAX
#define JWS_CURRENCY_BYTES_MAX TRANSACTION_CURRENCY_MAX

/* The three parts, still as base64url. */
struct jws_parts {
    bool flattened;
    struct bytes header;
    struct bytes payload;
    struct bytes signature;
};

/* Takes `input` apart. Nothing is decoded. */
enum reason jws_split(struct bytes input, struct jws_parts *out,
                      struct transaction_words *out_words);

/* What the protected header says, as far as it counts. */
struct jws_header {
    enum transaction_algorithm algorithm;
    uint8_t key[64];        /* x and y; of Ed25519 32 bytes */
    uint8_t thumbprint[32]; /* RFC 7638 */
};

/* Reads a header, which is base64url. */
enum reason jws_header_read(struct bytes text, struct jws_header *out,
                            struct transaction_words *out_words);

/* What the payload says, as far as it counts. */
struct jws_payment {
    uint8_t recipient[JWS_RECIPIENT_BYTES_MAX];
    uint8_t recipient_count;
    uint8_t amount[32]; /* big-endian */
    bool has_nonce;
    uint64_t nonce;
    char currency[JWS_CURRENCY_BYTES_MAX + 1]; /* "" when there is none */
};

/* Reads a payload, which is base64url. */
enum reason jws_payment_read(struct bytes text, struct jws_payment *out,
                             struct transaction_words *out_words);

/*
 * What was signed: header, dot and payload. In the input, or put together in
 * `room`. `t` was decoded with REASON_NONE.
 */
struct bytes jws_signing_input(const struct transaction *t,
                               uint8_t room[JWS_BYTES_MAX]);

/*
 * Whether bytes of no other chain begin like these: `{`, or the `e` that a
 * header in base64url begins with, unless white space stands before its brace.
 */
bool jws_looks_like(struct bytes input);

/* Behind transaction_decode(). There is one rule set. */
enum reason jws_decode(const struct chain *chain, int rules, struct bytes input,
                       struct transaction *out,
                       struct transaction_words *out_words);

#endif
