/*
 * tests/unit/judge/jws_test.c: signed payments, other people's and our own,
 * whole, flipped and at the edge of every limit.
 */
#include "schemas/amount.h"
#include "tests/unit/judge/jws_sign.h"
#include "tests/unit/judge/vectors.h"
#include "verifier/scheme_ed25519.h"
#include "verifier/scheme_secp256k1_verify.h"

static struct judge *judge;
static struct chain chain;
static struct jws_sign made;

static void setup(void)
{
    if (judge == NULL)
        EXPECT_INT(judge_open(&judge), 0);
    chain = vectors_chain("jws");
}

static void judge_bytes(struct bytes raw, struct verdict *out)
{
    memset(out, 0xee, sizeof(*out));
    judge_payload(judge, &chain, 1, raw, out);
}

static void expect_reason(struct bytes raw, enum reason reason)
{
    struct verdict v;

    setup();
    judge_bytes(raw, &v);
    EXPECT_TEXT(reason_name(v.reason), reason_name(reason));
}

/* RFC 8037, appendix A: key, thumbprint and signature. */
TEST(the_examples_of_rfc_8037_are_what_it_says)
{
    static const char header[] =
        "{\"alg\":\"EdDSA\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
        "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}}";
    static const char message[] =
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    static const char signature[] =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
        "9g7sVvpAr_MuM0KAg";
    uint8_t seed[32], raw[64], again[64], key[32];
    char text[400], thumbprint[44];
    struct jws_header h;
    size_t count;

    EXPECT_INT(base64url_decode(
                   BYTES_LITERAL("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"),
                   seed, &count),
               0);
    base64url_encode(bytes_text(header), text);
    EXPECT_INT(jws_header_read(bytes_text(text), &h, NULL), REASON_NONE);
    scheme_ed25519_public(seed, key);
    EXPECT_BYTES(bytes_of(h.key, 32), bytes_of(key, 32));
    base64url_encode(bytes_of(h.thumbprint, 32), thumbprint);
    EXPECT_TEXT(thumbprint, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    EXPECT_INT(base64url_decode(bytes_text(signature), raw, &count), 0);
    EXPECT_INT(count, 64);
    EXPECT(scheme_ed25519_verify(raw, bytes_text(message), h.key));
    scheme_ed25519_sign(seed, bytes_text(message), again);
    EXPECT_BYTES(bytes_of(again, 64), bytes_of(raw, 64));
}

/* Appendix A, where no algorithm is one of ours. */
TEST(the_examples_of_rfc_7515_are_refused_for_what_they_are)
{
    /* A.1, HS256 */
    static const char a1[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAi"
        "OjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBj"
        "ftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    /* A.3, ES256 */
    static const char a3[] =
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
        "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqO"
        "yKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    /* A.5, none */
    static const char a5[] =
        "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogI"
        "mh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    /* A.7, flattened with an unprotected header. */
    static const char flattened[] =
        "{\"payload\":\"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA"
        "6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\",\"protected\":"
        "\"eyJhbGciOiJFUzI1NiJ9\",\"header\":{\"kid\":"
        "\"e9bc097a-ce51-4036-9562-d2ade882db0d\"},\"signature\":"
        "\"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQ"
        "xfKTUJqPP3-Kg6NU1Q\"}";

    expect_reason(bytes_text(a1), REASON_UNSUPPORTED_ALGORITHM);
    expect_reason(bytes_text(a3), REASON_UNSUPPORTED_ALGORITHM);
    expect_reason(bytes_text(a5), REASON_UNSUPPORTED_ALGORITHM);
    expect_reason(bytes_text(flattened), REASON_MALFORMED);
}

static struct bytes hex_member(json_t *from, const char *name, uint8_t *out,
                               size_t out_max)
{
    size_t count;

    EXPECT_INT(
        hex_decode(bytes_text(json_string_value(json_object_get(from, name))),
                   out, out_max, &count),
        0);
    return bytes_of(out, count);
}

/* Wycheproof's r and s side by side: any s, and the low one alone. */
TEST(all_of_wycheproof_secp256k1_is_judged_as_it_says)
{
    const char *path = vectors_path(
        "signatures/wycheproof/ecdsa_secp256k1_sha256_p1363_test.json");
    size_t good = 0, bad = 0, high = 0, width = 0, g, i;
    json_t *doc, *group, *test;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    json_array_foreach(json_object_get(doc, "testGroups"), g, group)
    {
        struct scheme_secp256k1_key key;
        uint8_t encoded[65];

        EXPECT_INT(scheme_secp256k1_key_parse(
                       hex_member(json_object_get(group, "publicKey"),
                                  "uncompressed", encoded, sizeof(encoded)),
                       &key),
                   0);
        json_array_foreach(json_object_get(group, "tests"), i, test)
        {
            bool valid =
                strcmp(json_string_value(json_object_get(test, "result")),
                       "valid") == 0;
            uint8_t msg[256], sig[256], hash[HASH_BYTES];
            struct bytes s = hex_member(test, "sig", sig, sizeof(sig));

            *(valid ? &good : &bad) += 1;
            hash_sha256(hex_member(test, "msg", msg, sizeof(msg)), hash);
            if (s.count != 64) {
                EXPECT(!valid);
                width++;
                continue;
            }
            EXPECT_INT(scheme_secp256k1_verify(hash, sig, &key, true), valid);
            if (!scheme_secp256k1_verify(hash, sig, &key, false))
                high += valid;
            else
                EXPECT(valid);
        }
    }
    printf(
        "wycheproof: %zu good (%zu with a high s), %zu refused (%zu by "
        "their width)\n",
        good, high, bad, width);
    EXPECT_INT(good + bad,
               json_integer_value(json_object_get(doc, "numberOfTests")));
    EXPECT(good > 100 && bad > 50 && high > 0 && high < good);
    json_decref(doc);
}

static void flip_everything(struct bytes raw, const struct verdict *good)
{
    uint8_t *data = malloc(raw.count);
    size_t harmless = 0;

    CHECK(data != NULL);
    memcpy(data, raw.data, raw.count);
    for (size_t bit = 0; bit < 8 * raw.count; bit++) {
        struct verdict v;

        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        judge_bytes(bytes_of(data, raw.count), &v);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (v.verified && memcmp(v.tx.sender, good->tx.sender, 32) == 0)
            harmless++;
        EXPECT(v.verified || !v.tx.id_covers_all);
    }
    printf("flipped: %zu bits, %zu harmless\n", 8 * raw.count, harmless);
    EXPECT_INT(harmless, 0);
    free(data);
}

TEST(no_bit_of_any_form_can_be_flipped)
{
    setup();
    for (int a = 0; a < 2; a++) {
        struct verdict v;

        jws_sign_init(&made, (enum transaction_algorithm)a, 7,
                      JWS_SIGN_PAYMENT);
        judge_bytes(jws_sign_compact(&made), &v);
        EXPECT(v.verified);
        flip_everything(jws_sign_compact(&made), &v);
        judge_bytes(jws_sign_flattened(&made), &v);
        EXPECT(v.verified);
        flip_everything(jws_sign_flattened(&made), &v);
    }
}

TEST(the_same_words_of_two_signers_are_two_payments)
{
    struct verdict v, w;

    setup();
    for (int a = 0; a < 2; a++) {
        jws_sign_init(&made, (enum transaction_algorithm)a, 7,
                      JWS_SIGN_PAYMENT);
        judge_bytes(jws_sign_compact(&made), &v);
        jws_sign_init(&made, (enum transaction_algorithm)a, 8,
                      JWS_SIGN_PAYMENT);
        judge_bytes(jws_sign_compact(&made), &w);
        EXPECT(v.verified && w.verified);
        EXPECT(memcmp(v.tx.id, w.tx.id, 32) != 0);
        EXPECT(memcmp(v.tx.sender, w.tx.sender, 32) != 0);
    }
}

TEST(a_verified_payment_says_what_a_row_needs)
{
    char amount[AMOUNT_TEXT_MAX + 1];
    struct verdict v;

    setup();
    jws_sign_init(&made, TRANSACTION_ES256K, 7, JWS_SIGN_PAYMENT);
    judge_bytes(jws_sign_compact(&made), &v);
    EXPECT(v.verified && v.tx.has_id && !v.tx.id_covers_all);
    EXPECT_INT(transaction_sender(&v.tx).count, 32);
    EXPECT_BYTES(transaction_recipient(&v.tx),
                 BYTES_LITERAL("acct:shop@example.com"));
    EXPECT_BYTES(transaction_signature(&v.tx), bytes_of(made.signature, 64));
    amount_format(v.tx.amount, amount);
    EXPECT_TEXT(amount, "1500");
    EXPECT(v.tx.has_nonce && v.tx.nonce == 7);
    EXPECT_TEXT(v.tx.currency, "EUR");
}

/* A payment of exactly so many bytes, by a claim that is not read. */
static struct bytes of_size(size_t bytes)
{
    static char payment[JWS_BYTES_MAX];
    size_t free_bytes = bytes > 1000 ? (bytes - 1000) / 4 * 3 : 0;

    for (;; free_bytes++) {
        int count = snprintf(payment, sizeof(payment),
                             "{\"recipient\":\"a\",\"amount\":\"1\",\"free\":\""
                             "%0*d\"}",
                             (int)free_bytes, 0);

        CHECK(count > 0 && (size_t)count < sizeof(payment));
        jws_sign_init(&made, TRANSACTION_ED25519, 7, payment);
        if (jws_sign_compact(&made).count >= bytes)
            return jws_sign_compact(&made);
    }
}

TEST(the_limit_is_65536_bytes_and_not_one_more)
{
    struct bytes raw = of_size(JWS_BYTES_MAX - 1);

    /* Base64url does not have every length; the flattened form does. */
    EXPECT(raw.count == JWS_BYTES_MAX - 1 || raw.count == JWS_BYTES_MAX);
    expect_reason(raw, REASON_NONE);
    raw = of_size(JWS_BYTES_MAX + 1);
    EXPECT(raw.count > JWS_BYTES_MAX);
    expect_reason(raw, REASON_TOO_LARGE);

    of_size(JWS_BYTES_MAX - 200);
    raw = jws_sign_flattened(&made);
    EXPECT(raw.count <= JWS_BYTES_MAX);
    memset(made.text + raw.count, ' ', JWS_BYTES_MAX + 1 - raw.count);
    expect_reason(bytes_of(made.text, JWS_BYTES_MAX), REASON_NONE);
    expect_reason(bytes_of(made.text, JWS_BYTES_MAX + 1), REASON_TOO_LARGE);
}

/* Header and payload are what their bytes encode to, and nothing is lost. */
TEST(what_is_verified_encodes_to_the_same_characters)
{
    for (int a = 0; a < 2; a++) {
        struct bytes raw;
        struct jws_parts parts;
        const struct bytes *const all[] = {&parts.header, &parts.payload,
                                           &parts.signature};

        jws_sign_init(&made, (enum transaction_algorithm)a, 9,
                      JWS_SIGN_PAYMENT);
        raw = jws_sign_compact(&made);
        EXPECT_INT(jws_split(raw, &parts, NULL), REASON_NONE);
        for (size_t i = 0; i < 3; i++) {
            uint8_t decoded[1000];
            char again[1400];
            size_t count;

            EXPECT_INT(base64url_decode(*all[i], decoded, &count), 0);
            base64url_encode(bytes_of(decoded, count), again);
            EXPECT_BYTES(bytes_text(again), *all[i]);
        }
    }
}

/* Which no library writes: it is judged, but has to be posted to its chain. */
TEST(a_header_that_begins_with_white_space_is_one)
{
    uint8_t header[1000];
    struct chain found;
    struct verdict v;
    struct bytes raw;
    size_t count;
    bool has = false;

    setup();
    jws_sign_init(&made, TRANSACTION_ES256K, 7, JWS_SIGN_PAYMENT);
    header[0] = '\t';
    EXPECT_INT(base64url_decode(bytes_text(made.header), header + 1, &count),
               0);
    base64url_encode(bytes_of(header, count + 1), made.header);
    jws_sign_now(&made);
    raw = jws_sign_compact(&made);
    judge_bytes(raw, &v);
    EXPECT(v.verified);
    EXPECT(transaction_chain(raw, &has, &found) < 0 || !has ||
           !chain_equal(&found, &chain));
}

TEST(bytes_name_the_chain_jws_by_their_first_one_alone)
{
    struct chain found;
    bool has;

    setup();
    for (int first = 0; first < 256; first++) {
        uint8_t raw[] = {(uint8_t)first, 'y'};
        int rc = transaction_chain(bytes_of(raw, sizeof(raw)), &has, &found);

        if (first == '{' || first == 'e')
            EXPECT(rc == 0 && has && chain_equal(&found, &chain));
        else
            EXPECT(rc < 0 || !has || !chain_equal(&found, &chain));
    }
}
