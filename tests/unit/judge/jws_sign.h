/*
 * tests/unit/judge/jws_sign.h: makes JWS, good ones and others.
 *
 * Included by tests and benches that need some; each of them uses a part of it.
 */
#ifndef TESTS_UNIT_JUDGE_JWS_SIGN_H
#define TESTS_UNIT_JUDGE_JWS_SIGN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base64url.h"
#include "schemas/hash.h"
#include "schemas/jws.h"
#include "verifier/scheme_ed25519_sign.h"
#include "verifier/scheme_secp256k1_sign.h"

#define JWS_SIGN_UNUSED __attribute__((unused)) static
#define JWS_SIGN_PAYMENT                                                       \
    "{\"recipient\":\"acct:shop@example.com\",\"amount\":\"1500\","            \
    "\"nonce\":\"7\",\"currency\":\"EUR\"}"

/* A payment in its parts, as base64url. */
struct jws_sign {
    enum transaction_algorithm algorithm;
    uint8_t secret[32];
    char header[JWS_BYTES_MAX];
    char payload[2 * JWS_BYTES_MAX];
    uint8_t signature[64];
    char text[4 * JWS_BYTES_MAX]; /* what was put together last */
};

JWS_SIGN_UNUSED struct signer *jws_signer(void)
{
    static struct signer *signer;

    if (signer == NULL)
        CHECK(signer_open(&signer) == 0);
    return signer;
}

/* The header that names the public key of `secret`. */
JWS_SIGN_UNUSED void jws_sign_header(struct jws_sign *j)
{
    uint8_t key[65];
    char x[44], y[44], text[400];
    int count;

    if (j->algorithm == TRANSACTION_ES256K) {
        CHECK(signer_public(jws_signer(), j->secret, key) == 0);
        base64url_encode(bytes_of(key + 1, 32), x);
        base64url_encode(bytes_of(key + 33, 32), y);
        count = snprintf(text, sizeof(text),
                         "{\"alg\":\"ES256K\",\"jwk\":{\"kty\":\"EC\","
                         "\"crv\":\"secp256k1\",\"x\":\"%s\",\"y\":\"%s\"}}",
                         x, y);
    } else {
        scheme_ed25519_public(j->secret, key);
        base64url_encode(bytes_of(key, 32), x);
        count = snprintf(text, sizeof(text),
                         "{\"alg\":\"EdDSA\",\"jwk\":{\"kty\":\"OKP\","
                         "\"crv\":\"Ed25519\",\"x\":\"%s\"}}",
                         x);
    }
    CHECK(count > 0 && (size_t)count < sizeof(text));
    base64url_encode(bytes_of(text, (size_t)count), j->header);
}

/* Signs header and payload as they stand. */
JWS_SIGN_UNUSED void jws_sign_now(struct jws_sign *j)
{
    uint8_t hash[HASH_BYTES], parity;
    int count =
        snprintf(j->text, sizeof(j->text), "%s.%s", j->header, j->payload);
    struct bytes message = bytes_of(j->text, (size_t)count);

    CHECK(count > 0 && (size_t)count < sizeof(j->text));
    if (j->algorithm == TRANSACTION_ED25519) {
        scheme_ed25519_sign(j->secret, message, j->signature);
        return;
    }
    hash_sha256(message, hash);
    CHECK(signer_sign(jws_signer(), j->secret, hash, j->signature, &parity) ==
          0);
}

/* A signed payment; `seed` says whose. */
JWS_SIGN_UNUSED void jws_sign_init(struct jws_sign *j,
                                   enum transaction_algorithm algorithm,
                                   uint8_t seed, const char *payment)
{
    j->algorithm = algorithm;
    memset(j->secret, seed, sizeof(j->secret));
    jws_sign_header(j);
    CHECK(BASE64URL_CHARACTERS(strlen(payment)) < sizeof(j->payload));
    base64url_encode(bytes_text(payment), j->payload);
    jws_sign_now(j);
}

/* The text; it stays until the next one is made. */
JWS_SIGN_UNUSED struct bytes jws_sign_compact(struct jws_sign *j)
{
    char signature[87];
    int count;

    base64url_encode(bytes_of(j->signature, 64), signature);
    count = snprintf(j->text, sizeof(j->text), "%s.%s.%s", j->header,
                     j->payload, signature);
    return bytes_of(j->text, (size_t)count);
}

/* The other serialization of the same. */
#define JWS_SIGN_FLATTENED                                                     \
    "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}"
JWS_SIGN_UNUSED struct bytes jws_sign_flattened(struct jws_sign *j)
{
    char signature[87];
    int count;

    base64url_encode(bytes_of(j->signature, 64), signature);
    count = snprintf(j->text, sizeof(j->text), JWS_SIGN_FLATTENED, j->header,
                     j->payload, signature);
    return bytes_of(j->text, (size_t)count);
}

/* The other s of the same signature: n - s. */
JWS_SIGN_UNUSED void jws_sign_twin(struct jws_sign *j)
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf,
                                      0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c,
                                      0xd0, 0x36, 0x41, 0x41};
    int borrow = 0;

    for (int i = 31; i >= 0; i--) {
        int rest = order[i] - j->signature[32 + i] - borrow;

        borrow = rest < 0;
        j->signature[32 + i] = (uint8_t)rest;
    }
}

#endif
