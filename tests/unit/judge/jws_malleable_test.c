/*
 * tests/unit/judge/jws_malleable_test.c: what a third party can make of
 * somebody's payment.
 *
 * Each way ends as the same payment again (one id, so one row), or refused; a
 * rejection never carries the hash of the payment. `what` of a way is a number
 * for its function, so that one function makes a family.
 */
#include "tests/unit/judge/jws_sign.h"
#include "tests/unit/judge/vectors.h"

#define TEXT_MAX 4096

static struct judge *judge;
static struct chain chain;
static struct jws_sign made;
static char signature[87], text[TEXT_MAX];

typedef void (*make_fn)(int what);

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void put(const char *format, ...)
{
    va_list args;
    int count;

    va_start(args, format);
    count = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    CHECK(count > 0 && count < TEXT_MAX);
}

/* Another spelling of the last character: its unused bits are not zero. */
static void stray(char *at)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *found = strchr(digits, at[strlen(at) - 1]);

    CHECK(found != NULL && found[1] != '\0');
    at[strlen(at) - 1] = found[1];
}

static void compact(int what)
{
    (void)what;
    put("%s.%s.%s", made.header, made.payload, signature);
}

static void twin(int what)
{
    (void)what;
    jws_sign_twin(&made);
    base64url_encode(bytes_of(made.signature, 64), signature);
    compact(0);
}

static void flattened(int what)
{
    static const char *const formats[] = {
        JWS_SIGN_FLATTENED,
        "{ \"protected\" : \"%s\",\n\t\"payload\":\"%s\",\"signature\":\"%s\" "
        "}\r\n",
        "{\"\\u0070rotected\":\"%s\",\"p\\u0061yload\":\"%s\",\"signatur\\u0065"
        "\":\"%s\"}",
        /* from here on refused */
        " {\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
        "{\"header\":{},\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":"
        "\"%s\"}",
        "{\"header\":{\"kid\":\"1\"},\"protected\":\"%s\",\"payload\":\"%s\","
        "\"signature\":\"%s\"}",
        "{\"note\":\"mine\",\"protected\":\"%s\",\"payload\":\"%s\","
        "\"signature\":\"%s\"}",
        "{\"payload\":\"e30\",\"protected\":\"%s\",\"payload\":\"%s\","
        "\"signature\":\"%s\"}",
        "{\"p\\u0061yload\":\"e30\",\"protected\":\"%s\",\"payload\":\"%s\","
        "\"signature\":\"%s\"}",
        "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}{}",
        "{\"signatures\":[],\"protected\":\"%s\",\"payload\":\"%s\","
        "\"signature\":\"%s\"}",
        "[{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}]",
        "{\"protected\":\"%s=\",\"payload\":\"%s\",\"signature\":\"%s\"}",
        "{\"protected\":\"%s\\n\",\"payload\":\"%s\",\"signature\":\"%s\"}",
        "{\"protected\":\"%s\",\"payload\":\"%s=\",\"signature\":\"%s\"}",
        "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s==\"}",
    };

    CHECK(what < (int)(sizeof(formats) / sizeof(formats[0])));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    put(formats[what], made.header, made.payload, signature);
#pragma GCC diagnostic pop
}

static void reordered(int what)
{
    (void)what;
    put("{\"signature\":\"%s\",\"payload\":\"%s\",\"protected\":\"%s\"}",
        signature, made.payload, made.header);
}

static void escaped_value(int what)
{
    (void)what;
    put("{\"protected\":\"\\u0065%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
        made.header + 1, made.payload, signature);
}

static void stray_bits(int what)
{
    stray(what == 0 ? made.header : what == 1 ? made.payload : signature);
    compact(0);
}

static void around(int what)
{
    static const char *const formats[] = {
        "%s=.%s.%s",  "%s.%s=.%s", "%s.%s.%s=",   "%s.%s.%s==", " %s.%s.%s",
        "%s.%s.%s\n", "%s.%s.%s ", "%s .%s.%s",   "%s.\n%s.%s", "%s.%s.%s.",
        ".%s.%s.%s",  "%s..%s.%s", "\t%s.%s.%s",  "%sA.%s.%s",  "%s.%sA.%s",
        "%s.%s.%sA",  "%s.%s.A%s", "%s.%s.%s.%%", "%s%%2e%s.%s"};

    CHECK(what < (int)(sizeof(formats) / sizeof(formats[0])));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    put(formats[what], made.header, made.payload, signature);
#pragma GCC diagnostic pop
}

/* The other alphabet of base64, at a place where it differs. */
static void other_alphabet(int what)
{
    char *at;

    (void)what;
    compact(0);
    for (at = text; *at != '\0'; at++) {
        if (*at == '-' || *at == '_')
            *at = *at == '-' ? '+' : '/';
    }
}

/* The header in another order, another spelling, with more or less in it. */
static void other_header(int what)
{
    uint8_t header[1000];
    char changed[1100];
    size_t count;
    struct bytes h;

    CHECK(base64url_decode(bytes_text(made.header), header, &count) == 0);
    h = bytes_of(header, count);
    if (what == 0) /* {"jwk":..,"alg":..}: the order of members */
        snprintf(changed, sizeof(changed), "{%.*s,%.*s}",
                 (int)(strrchr((char *)header, '}') - (char *)header) - 1 -
                     (int)(strchr((char *)header, ',') - (char *)header),
                 strchr((char *)header, ',') + 1,
                 (int)(strchr((char *)header, ',') - (char *)header) - 1,
                 (char *)header + 1);
    else if (what == 1)
        snprintf(changed, sizeof(changed), " %.*s", (int)h.count, h.data);
    else
        snprintf(changed, sizeof(changed), "%.*s,\"kid\":\"1\"}",
                 (int)h.count - 1, h.data);
    base64url_encode(bytes_text(changed), made.header);
    compact(0);
}

static void other_payload(int what)
{
    static const char *const payments[] = {
        " " JWS_SIGN_PAYMENT,
        "{\"recipient\":\"acct:thief@example.com\",\"amount\":\"1500\"}",
        "{\"amount\":\"1500\",\"recipient\":\"acct:shop@example.com\"}",
    };

    base64url_encode(bytes_text(payments[what]), made.payload);
    compact(0);
}

/* Somebody signs the same words with a key of their own. */
static void own_key(int what)
{
    (void)what;
    jws_sign_init(&made, made.algorithm, 99, JWS_SIGN_PAYMENT);
    base64url_encode(bytes_of(made.signature, 64), signature);
    compact(0);
}

/* And puts that signature, or that header, beside the words of the first. */
static void own_signature(int what)
{
    static struct jws_sign own;

    jws_sign_init(&own, made.algorithm, 99, JWS_SIGN_PAYMENT);
    if (what == 0)
        base64url_encode(bytes_of(own.signature, 64), signature);
    else
        memcpy(made.header, own.header, sizeof(made.header));
    compact(0);
}

/* Numbers that are the same modulo the order, where 256 bits hold them. */
static void above_the_order(int what)
{
    static const uint8_t l[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                  0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                  0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    int carry = 0;

    for (int times = 0; times <= what; times++) {
        carry = 0;
        for (int i = 0; i < 32; i++) {
            carry += made.signature[32 + i] + l[i];
            made.signature[32 + i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    base64url_encode(bytes_of(made.signature, 64), signature);
    compact(0);
}

static void shortened(int what)
{
    base64url_encode(bytes_of(made.signature, (size_t)(63 - what)), signature);
    compact(0);
}

enum end { SAME, REFUSED, OTHER };

static const struct way {
    const char *name;
    make_fn make;
    int first, last; /* each `what` from first to last */
    int algorithm;   /* -1: both */
    enum end end;
} ways[] = {
    {"as it came", compact, 0, 0, -1, SAME},
    {"the other s", twin, 0, 0, TRANSACTION_ES256K, SAME},
    {"flattened, spelt in many ways", flattened, 0, 2, -1, SAME},
    {"flattened, in another order", reordered, 0, 0, -1, SAME},
    {"flattened, with more or less in it", flattened, 3, 15, -1, REFUSED},
    {"base64url with an escape", escaped_value, 0, 0, -1, REFUSED},
    {"bits that belong to no byte", stray_bits, 0, 2, -1, REFUSED},
    {"padding, space and dots", around, 0, 18, -1, REFUSED},
    {"the other alphabet", other_alphabet, 0, 0, -1, REFUSED},
    {"another header", other_header, 0, 2, -1, REFUSED},
    {"another payload", other_payload, 0, 2, -1, REFUSED},
    {"a key of one's own", own_key, 0, 0, -1, OTHER},
    {"a signature or key of one's own", own_signature, 0, 1, -1, REFUSED},
    {"S and multiples of the order", above_the_order, 0, 13,
     TRANSACTION_ED25519, REFUSED},
    {"a shorter signature", shortened, 0, 31, -1, REFUSED},
};

static void try_way(const struct way *w, int what, const struct verdict *good)
{
    struct verdict v;
    bool ok;

    jws_sign_init(&made, made.algorithm, 7, JWS_SIGN_PAYMENT);
    base64url_encode(bytes_of(made.signature, 64), signature);
    w->make(what);
    judge_payload(judge, &chain, 1, bytes_text(text), &v);
    ok = w->end == REFUSED
             ? !v.verified && !v.tx.id_covers_all
             : v.verified &&
                   (w->end == SAME) == (memcmp(v.tx.id, good->tx.id, 32) == 0);
    if (!ok)
        printf("%s, %d: %s\n", w->name, what, reason_name(v.reason));
    EXPECT(ok);
    if (w->end != SAME)
        return;
    EXPECT_BYTES(transaction_sender(&v.tx), transaction_sender(&good->tx));
    EXPECT_BYTES(transaction_recipient(&v.tx),
                 transaction_recipient(&good->tx));
    EXPECT_BYTES(bytes_of(v.tx.amount, 32), bytes_of(good->tx.amount, 32));
}

TEST(nobody_else_makes_a_second_row_of_a_payment)
{
    size_t tried = 0;

    EXPECT_INT(judge_open(&judge), 0);
    chain = vectors_chain("jws");
    for (int a = 0; a < 2; a++) {
        static struct jws_sign first;
        struct verdict good;

        made.algorithm = (enum transaction_algorithm)a;
        jws_sign_init(&first, made.algorithm, 7, JWS_SIGN_PAYMENT);
        judge_payload(judge, &chain, 1, jws_sign_compact(&first), &good);
        EXPECT(good.verified);
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
            if (ways[i].algorithm != -1 && ways[i].algorithm != a)
                continue;
            for (int what = ways[i].first; what <= ways[i].last; what++) {
                try_way(&ways[i], what, &good);
                tried++;
            }
        }
    }
    printf("ways tried: %zu\n", tried);
    judge_close(judge);
}
