/*
 * schemas/jws_header.c: which key signed, and by which algorithm.
 *
 *   ES256K           kty EC    crv secp256k1   x, y
 *   EdDSA, Ed25519   kty OKP   crv Ed25519     x
 *
 * The key stands in the header itself; nothing is fetched and nothing is looked
 * up. What a header says beyond alg, jwk, crit and b64 is not read.
 *
 * From: schemas/jws.c.
 * To:   schemas/jws_object.c, schemas/hash.h.
 */
#include <stdio.h>
#include <string.h>

#include "schemas/base64url.h"
#include "schemas/hash.h"
#include "schemas/jws_inside.h"

/* The members of a key that are secret, by kty (RFC 7518, 6; RFC 8037, 2), the
 * one of keys that are secret as a whole, and that of RFC 9964. */
static const char *const private_names[] = {"d",  "p",   "q", "dp",  "dq",
                                            "qi", "oth", "k", "priv"};
#define PRIVATE_COUNT (sizeof(private_names) / sizeof(private_names[0]))

static const struct algorithm {
    const char *alg;
    enum transaction_algorithm algorithm;
    const char *kty;
    const char *crv;
} algorithms[] = {
    {"ES256K", TRANSACTION_ES256K, "EC", "secp256k1"},
    {"EdDSA", TRANSACTION_ED25519, "OKP", "Ed25519"},
    {"Ed25519", TRANSACTION_ED25519, "OKP", "Ed25519"},
};

static enum reason bad_key(struct transaction_words *w, const char *words)
{
    return transaction_refuse(w, REASON_BAD_KEY, "jwk: %s", words);
}

/* NULL: none of ours. */
static const struct algorithm *find_algorithm(struct json_value alg)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (json_is_text(alg, algorithms[i].alg))
            return &algorithms[i];
    }
    return NULL;
}

static enum reason refuse_algorithm(struct json_value alg,
                                    struct transaction_words *w)
{
    if (alg.type != JSON_STRING)
        return transaction_refuse(w, REASON_MALFORMED,
                                  "the protected header names no alg");
    if (json_is_text(alg, "none"))
        return transaction_refuse(w, REASON_UNSUPPORTED_ALGORITHM,
                                  "alg none is no signature");
    return transaction_refuse(w, REASON_UNSUPPORTED_ALGORITHM,
                              "alg is not ES256K, EdDSA or Ed25519");
}

/* Anybody who saw it can sign: not even the row shall hold it. */
static enum reason refuse_private(const struct json_value *values,
                                  struct transaction_words *w)
{
    for (size_t i = 0; i < PRIVATE_COUNT; i++) {
        if (values[i].type != JSON_ABSENT)
            return transaction_refuse(
                w, REASON_PRIVATE_KEY,
                "jwk holds \"%s\", which is private: send the public key "
                "alone, and never use this key again",
                private_names[i]);
    }
    return REASON_NONE;
}

/* What a key says of its own use agrees with the use it is put to. */
static const char *check_use(const struct algorithm *a, struct json_value alg,
                             struct json_value use, struct json_value key_ops)
{
    struct json_value op;
    struct json_walk walk = json_walk(key_ops);
    bool found = key_ops.type == JSON_ABSENT;

    if (alg.type != JSON_ABSENT && !json_is_text(alg, a->alg))
        return "its alg is another than that of the header";
    if (use.type != JSON_ABSENT && !json_is_text(use, "sig"))
        return "its use is not sig";
    while (key_ops.type == JSON_ARRAY && json_next(&walk, NULL, &op))
        found |= json_is_text(op, "verify");
    return found ? NULL : "its key_ops lack verify";
}

/* 43 characters of base64url, which are 32 bytes. */
static bool read_coordinate(struct json_value v, uint8_t out[32],
                            struct bytes *out_text)
{
    size_t count;

    return json_plain(v, out_text) == 0 &&
           out_text->count == JWS_KEY_CHARACTERS &&
           base64url_decode(*out_text, out, &count) == 0;
}

/* RFC 7638: the members that a key needs, in order of their names. */
static void set_thumbprint(const struct algorithm *a, struct bytes x,
                           struct bytes y, uint8_t out[32])
{
    char text[192];
    int count;

    count = snprintf(text, sizeof(text),
                     "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"%.*s\"%s%.*s%s}",
                     a->crv, a->kty, (int)x.count, (const char *)x.data,
                     y.count > 0 ? ",\"y\":\"" : "", (int)y.count,
                     y.count > 0 ? (const char *)y.data : "",
                     y.count > 0 ? "\"" : "");
    CHECK(count > 0 && (size_t)count < sizeof(text));
    hash_sha256(bytes_of(text, (size_t)count), out);
}

static enum reason read_key(struct json_value jwk, const struct algorithm *a,
                            struct jws_header *out, struct transaction_words *w)
{
    enum { KTY, CRV, X, Y, ALG, USE, KEY_OPS, PRIVATE };
    static const char *const names[PRIVATE + PRIVATE_COUNT] = {
        "kty", "crv", "x",  "y",  "alg", "use", "key_ops", "d",
        "p",   "q",   "dp", "dq", "qi",  "oth", "k",       "priv"};
    struct json_value v[PRIVATE + PRIVATE_COUNT];
    struct bytes x, y = BYTES_NONE;
    const char *why;

    if (jwk.type != JSON_OBJECT)
        return bad_key(w, "the protected header holds no key");
    why = jws_members(jwk, names, PRIVATE + PRIVATE_COUNT, v);
    if (why != NULL)
        return bad_key(w, why);
    if (refuse_private(v + PRIVATE, w) != REASON_NONE)
        return REASON_PRIVATE_KEY;
    if (!json_is_text(v[KTY], a->kty) || !json_is_text(v[CRV], a->crv))
        return bad_key(w, "kty or crv is not that of alg");
    why = check_use(a, v[ALG], v[USE], v[KEY_OPS]);
    if (why != NULL)
        return bad_key(w, why);
    if (!read_coordinate(v[X], out->key, &x))
        return bad_key(w, "x is not base64url of 32 bytes");
    if (a->algorithm == TRANSACTION_ES256K &&
        !read_coordinate(v[Y], out->key + 32, &y))
        return bad_key(w, "y is not base64url of 32 bytes");
    out->algorithm = a->algorithm;
    set_thumbprint(a, x, y, out->thumbprint);
    return REASON_NONE;
}

enum reason jws_header_read(struct bytes text, struct jws_header *out,
                            struct transaction_words *out_words)
{
    enum { ALG, JWK, CRIT, B64, COUNT };
    static const char *const names[COUNT] = {"alg", "jwk", "crit", "b64"};
    uint8_t decoded[BASE64URL_BYTES(JWS_HEADER_MAX)];
    struct json_value v[COUNT];
    const struct algorithm *a;
    char room[JWS_FAULT_MAX];
    enum reason reason;
    const char *why;
    size_t count;

    if (text.count > JWS_HEADER_MAX)
        return transaction_refuse(out_words, REASON_TOO_LARGE,
                                  "the protected header has more than %d "
                                  "characters",
                                  JWS_HEADER_MAX);
    reason =
        jws_bytes(text, "the protected header", decoded, &count, out_words);
    if (reason != REASON_NONE)
        return reason;
    why = jws_object(bytes_of(decoded, count), names, COUNT, v, room);
    if (why != NULL)
        return transaction_refuse(out_words, REASON_MALFORMED,
                                  "the protected header %s", why);
    if (v[CRIT].type != JSON_ABSENT || v[B64].type != JSON_ABSENT)
        return transaction_refuse(out_words, REASON_CRITICAL_HEADER,
                                  "crit and b64 are not understood here");
    a = find_algorithm(v[ALG]);
    if (a == NULL)
        return refuse_algorithm(v[ALG], out_words);
    return read_key(v[JWK], a, out, out_words);
}
