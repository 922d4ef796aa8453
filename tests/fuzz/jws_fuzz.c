/*
 * tests/fuzz/jws_fuzz.c: whatever anybody posts as a JWS is refused in words,
 * or is the one spelling of its header, payload and signature; compact and
 * flattened of the same parts are the same payment.
 *
 * An input that begins with a zero is header, zero, payload as JSON, so that
 * what stands behind base64url is reached as well.
 */
#include <string.h>

#include "schemas/base64url.h"
#include "schemas/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

static struct chain chain;

static void expect_one_spelling(struct bytes text)
{
    uint8_t decoded[JWS_BYTES_MAX];
    char again[JWS_BYTES_MAX + 4];
    size_t count;

    CHECK(base64url_decode(text, decoded, &count) == 0);
    CHECK(base64url_encode(bytes_of(decoded, count), again) == text.count);
    CHECK(memcmp(again, text.data, text.count) == 0);
}

static void append_compact(const struct jws_parts *p, struct buffer *out)
{
    buffer_append_bytes(out, p->header);
    buffer_append_byte(out, '.');
    buffer_append_bytes(out, p->payload);
    buffer_append_byte(out, '.');
    buffer_append_bytes(out, p->signature);
}

static void append_flattened(const struct jws_parts *p, struct buffer *out)
{
    buffer_append_text(out, "{\"signature\":\"");
    buffer_append_bytes(out, p->signature);
    buffer_append_text(out, "\", \"protected\" : \"");
    buffer_append_bytes(out, p->header);
    buffer_append_text(out, "\",\"payload\":\"");
    buffer_append_bytes(out, p->payload);
    buffer_append_text(out, "\"}\n");
}

/* The same payment in another form, unless that is too long. */
static void expect_same(const struct transaction *t, struct bytes other)
{
    uint8_t room[JWS_BYTES_MAX], room_again[JWS_BYTES_MAX];
    struct transaction again;

    if (other.count > JWS_BYTES_MAX)
        return;
    CHECK(transaction_decode(&chain, 1, other, &again, NULL) == REASON_NONE);
    CHECK(memcmp(again.id, t->id, 32) == 0);
    CHECK(memcmp(again.signature, t->signature, 64) == 0);
    CHECK(memcmp(again.amount, t->amount, 32) == 0);
    CHECK(bytes_equal(transaction_recipient(&again), transaction_recipient(t)));
    CHECK(bytes_equal(jws_signing_input(t, room),
                      jws_signing_input(&again, room_again)));
}

static void expect_accepted(struct bytes input, const struct transaction *t)
{
    struct jws_parts p;
    struct buffer out;

    CHECK(t->has_id && !t->id_covers_all && !t->stripped);
    CHECK(t->signature_count == 64 && t->sender_count == 0);
    CHECK(transaction_recipient(t).count > 0);
    CHECK(jws_split(input, &p, NULL) == REASON_NONE);
    expect_one_spelling(p.header);
    expect_one_spelling(p.payload);
    expect_one_spelling(p.signature);
    buffer_init(&out, 2 * JWS_BYTES_MAX);
    append_compact(&p, &out);
    CHECK(p.flattened || bytes_equal(buffer_bytes(&out), input));
    expect_same(t, buffer_bytes(&out));
    buffer_clear(&out);
    append_flattened(&p, &out);
    expect_same(t, buffer_bytes(&out));
    buffer_fini(&out);
}

static void decode(struct bytes input)
{
    struct transaction_words words;
    struct transaction t;
    struct chain named;
    enum reason reason;
    bool has = false;

    reason = transaction_decode(&chain, 1, input, &t, &words);
    CHECK((reason == REASON_NONE) == (words.text[0] == '\0'));
    CHECK((reason == REASON_NONE) == t.has_id);
    if (reason != REASON_NONE)
        return;
    /* A header may begin with white space; then only a path names the chain. */
    if (jws_looks_like(input)) {
        CHECK(transaction_chain(input, &has, &named) == 0 && has);
        CHECK(chain_equal(&named, &chain));
    }
    expect_accepted(input, &t);
}

/* Header and payload as JSON, with some signature. */
static void decode_json(struct bytes header, struct bytes payload)
{
    static const char signature[] =
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ"
        "EBAQEBAQEBAQEBAQ";
    char text[2 * JWS_BYTES_MAX];
    size_t count;

    if (header.count + payload.count > JWS_BYTES_MAX)
        return;
    count = base64url_encode(header, text);
    text[count++] = '.';
    count += base64url_encode(payload, text + count);
    text[count++] = '.';
    memcpy(text + count, signature, sizeof(signature));
    decode(bytes_of(text, count + sizeof(signature) - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes input = bytes_of(data, count);
    const uint8_t *zero;

    CHECK(chain_parse(BYTES_LITERAL("jws"), &chain) == 0);
    if (count == 0 || data[0] != 0) {
        decode(input);
        return 0;
    }
    zero = memchr(data + 1, 0, count - 1);
    if (zero != NULL)
        decode_json(bytes_of(data + 1, (size_t)(zero - data - 1)),
                    bytes_of(zero + 1, (size_t)(data + count - zero - 1)));
    return 0;
}
