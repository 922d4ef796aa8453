/*
 * tests/unit/judge/solana_test.c: Solana transactions, other people's and our
 * own: what is judged how, and what nobody but a signer can make of them.
 */
#include "schemas/base58.h"
#include "schemas/base64.h"
#include "schemas/hash.h"
#include "schemas/solana.h"
#include "tests/unit/judge/vectors.h"
#include "verifier/scheme_ed25519_sign.h"

#define CHAIN "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
#define SIGNERS_MAX 12
#define JUDGED_MAX 2048

static struct judge *judge;

static void judge_bytes(struct bytes raw, struct verdict *out)
{
    struct chain chain = vectors_chain(CHAIN);

    if (judge == NULL)
        EXPECT_INT(judge_open(&judge), 0);
    memset(out, 0xee, sizeof(*out));
    judge_payload(judge, &chain, 1, raw, out);
}

static enum reason reason_of(struct bytes raw)
{
    struct verdict v;

    judge_bytes(raw, &v);
    EXPECT_INT(v.verified, v.reason == REASON_NONE);
    return v.reason;
}

/* Parsed and written again, field by field, it is the same bytes. */
static void expect_canonical(struct bytes raw)
{
    struct solana_parts p;
    struct buffer out;

    EXPECT_INT(solana_parse(raw, &p, NULL), REASON_NONE);
    buffer_init(&out, JUDGED_MAX);
    solana_encode(&p, &out);
    EXPECT_BYTES(buffer_bytes(&out), raw);
    buffer_fini(&out);
}

/* ---- transactions of our own ---- */

/* Parts with room of their own; signed by the seeds 1, 2, ... of its signers.
 */
struct made {
    struct solana_parts p;
    uint8_t keys[16 * SOLANA_KEY_BYTES];
    uint8_t signatures[SIGNERS_MAX * SOLANA_SIGNATURE_BYTES];
    struct buffer instructions, lookups, out;
};

static void seed_of(size_t signer, uint8_t seed[32])
{
    memset(seed, 0, 32);
    seed[0] = (uint8_t)(signer + 1);
}

static void make_keys(struct made *m, size_t signers, size_t others)
{
    uint8_t seed[32];

    for (size_t i = 0; i < signers; i++) {
        seed_of(i, seed);
        scheme_ed25519_public(seed, m->keys + i * SOLANA_KEY_BYTES);
    }
    for (size_t i = signers; i < signers + others; i++)
        memset(m->keys + i * SOLANA_KEY_BYTES, (int)(0x40 + i),
               SOLANA_KEY_BYTES);
    /* The last is the System Program. */
    if (others > 0)
        memset(m->keys + (signers + others - 1) * SOLANA_KEY_BYTES, 0,
               SOLANA_KEY_BYTES);
    m->p.keys = bytes_of(m->keys, (signers + others) * SOLANA_KEY_BYTES);
    m->p.key_count = signers + others;
}

static void make_signatures(struct made *m)
{
    struct buffer message;
    uint8_t seed[32];

    buffer_init(&message, JUDGED_MAX);
    solana_encode_message(&m->p, &message);
    for (size_t i = 0; i < m->p.signature_count; i++) {
        seed_of(i, seed);
        scheme_ed25519_sign(seed, buffer_bytes(&message),
                            m->signatures + i * SOLANA_SIGNATURE_BYTES);
    }
    m->p.signatures =
        bytes_of(m->signatures, m->p.signature_count * SOLANA_SIGNATURE_BYTES);
    buffer_fini(&message);
}

static struct bytes encoded(struct made *m)
{
    buffer_clear(&m->out);
    solana_encode(&m->p, &m->out);
    CHECK(!m->out.overflow);
    return buffer_bytes(&m->out);
}

/* A transfer of 5 lamports from the first key to the one behind the signers. */
static struct bytes make(struct made *m, uint8_t type, size_t signers)
{
    static const uint8_t data[12] = {2, 0, 0, 0, 5};
    static const uint8_t blockhash[32] = {9, 9, 9};
    uint8_t accounts[2] = {0, (uint8_t)signers};
    struct solana_instruction i = {(uint8_t)(signers + 1),
                                   bytes_of(accounts, 2),
                                   bytes_of(data, sizeof(data))};
    uint8_t indices[3] = {1, 2, 3};
    struct solana_lookup l = {bytes_of(blockhash, 32), bytes_of(indices, 2),
                              bytes_of(indices + 2, 1)};

    *m = (struct made){.p = {.type = type,
                             .signature_count = signers,
                             .required = (uint8_t)signers,
                             .readonly_unsigned = 1,
                             .blockhash = bytes_of(blockhash, 32)}};
    buffer_init(&m->instructions, JUDGED_MAX);
    buffer_init(&m->lookups, JUDGED_MAX);
    buffer_init(&m->out, JUDGED_MAX);
    make_keys(m, signers, 2);
    solana_append_instruction(&i, &m->instructions);
    m->p.instructions = buffer_bytes(&m->instructions);
    m->p.instruction_count = 1;
    if (type == SOLANA_TYPE_V0) {
        solana_append_lookup(&l, &m->lookups);
        m->p.lookups = buffer_bytes(&m->lookups);
        m->p.lookup_count = 1;
    }
    make_signatures(m);
    return encoded(m);
}

static void made_fini(struct made *m)
{
    buffer_fini(&m->instructions);
    buffer_fini(&m->lookups);
    buffer_fini(&m->out);
}

TEST(what_is_made_is_verified_and_says_who_pays_whom)
{
    static const uint8_t types[] = {SOLANA_TYPE_LEGACY, SOLANA_TYPE_V0};

    for (size_t t = 0; t < 2; t++) {
        for (size_t signers = 1; signers <= SIGNERS_MAX - 2; signers++) {
            struct made m;
            struct bytes raw = make(&m, types[t], signers);
            struct verdict v;
            uint8_t id[32];

            judge_bytes(raw, &v);
            EXPECT_INT(v.reason, REASON_NONE);
            EXPECT_INT(v.tx.type, types[t]);
            hash_sha256(bytes_slice(raw, 1 + 64 * signers, raw.count), id);
            EXPECT(v.tx.has_id && !v.tx.id_covers_all && !v.tx.has_nonce);
            EXPECT_BYTES(bytes_of(v.tx.id, 32), bytes_of(id, 32));
            EXPECT_BYTES(transaction_sender(&v.tx), bytes_of(m.keys, 32));
            EXPECT_BYTES(transaction_recipient(&v.tx),
                         bytes_of(m.keys + 32 * signers, 32));
            EXPECT_BYTES(transaction_signature(&v.tx),
                         bytes_of(m.signatures, 64));
            EXPECT_INT(v.tx.amount[31], 5);
            expect_canonical(raw);
            made_fini(&m);
        }
    }
}

/* ---- other people's ---- */

struct counts {
    size_t accepted, refused, legacy, version_0;
};

static void expect_base58(struct bytes found, json_t *wanted)
{
    char text[BASE58_TEXT_BYTES(64)];

    base58_encode(found, text);
    EXPECT_TEXT(text, json_string_value(wanted));
}

/* One line of the derived file. */
static void judge_line(json_t *line, struct counts *counts)
{
    const char *text = json_string_value(json_object_get(line, "base64"));
    bool good = json_is_true(json_object_get(line, "all_signatures_valid"));
    json_t *signers = json_object_get(line, "signers");
    static uint8_t raw[JUDGED_MAX];
    struct solana_parts p;
    struct verdict v;
    struct bytes b = {raw, 0};

    EXPECT_INT(
        base64_decode(bytes_text(text), raw, sizeof(raw), &b.count, NULL), 0);
    EXPECT_INT(b.count, json_integer_value(json_object_get(line, "bytes")));
    judge_bytes(b, &v);
    /* The one that is not signed looks nothing up in its tables either. */
    EXPECT_TEXT(reason_name(v.reason), good ? "none" : "inconsistent");
    expect_canonical(b);
    EXPECT_INT(solana_parse(b, &p, NULL), REASON_NONE);
    EXPECT_INT(p.signature_count, json_array_size(signers));
    expect_base58(transaction_sender(&v.tx),
                  json_object_get(line, "fee_payer"));
    expect_base58(transaction_signature(&v.tx),
                  json_array_get(json_object_get(line, "signatures"), 0));
    EXPECT_INT(v.tx.type == SOLANA_TYPE_V0,
               json_is_integer(json_object_get(line, "version")));
    *(good ? &counts->accepted : &counts->refused) += 1;
    *(p.type == SOLANA_TYPE_V0 ? &counts->version_0 : &counts->legacy) += 1;
}

TEST(real_transactions_are_judged_as_their_file_says)
{
    const char *path = vectors_path("derived/solana-raw-transactions.jsonl");
    struct counts counts = {0};
    char *text, *rest, *line;

    if (path == NULL)
        return;
    text = harness_read_file(path, NULL);
    EXPECT(text != NULL);
    for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
        json_error_t error;
        json_t *doc;

        if (*line == '\0')
            continue;
        doc = json_loads(line, 0, &error);
        EXPECT(doc != NULL);
        judge_line(doc, &counts);
        json_decref(doc);
    }
    free(text);
    printf(
        "derived: %zu accepted, %zu refused as expected (empty lookups); "
        "%zu legacy, %zu version 0\n",
        counts.accepted, counts.refused, counts.legacy, counts.version_0);
    EXPECT_INT(counts.accepted, 13);
    EXPECT_INT(counts.refused, 1);
}

/* The raw files themselves. */
TEST(firedancers_transactions_are_judged_as_it_says)
{
    static const struct {
        const char *name;
        enum reason reason;
        uint8_t type;
        size_t signatures, lookups;
    } files[] = {
        {"1", REASON_NONE, SOLANA_TYPE_LEGACY, 4, 0},
        {"2", REASON_NONE, SOLANA_TYPE_V0, 1, 3},
        {"5", REASON_INCONSISTENT, SOLANA_TYPE_V0, 1, 26},
    };

    for (size_t i = 0; i < 3; i++) {
        struct solana_parts p;
        const char *path;
        char name[64];
        size_t count;
        char *data;

        snprintf(name, sizeof(name), "solana/firedancer/transaction%s.bin",
                 files[i].name);
        path = vectors_path(name);
        if (path == NULL)
            return;
        data = harness_read_file(path, &count);
        EXPECT(data != NULL);
        EXPECT_INT(reason_of(bytes_of(data, count)), files[i].reason);
        EXPECT_INT(solana_parse(bytes_of(data, count), &p, NULL), REASON_NONE);
        EXPECT_INT(p.type, files[i].type);
        EXPECT_INT(p.signature_count, files[i].signatures);
        EXPECT_INT(p.lookup_count, files[i].lookups);
        free(data);
    }
    printf("firedancer: 2 accepted, 1 refused as expected\n");
}

/* ---- nobody else's ---- */

/* The strict rule leaves no bit of a transaction without effect. */
TEST(every_flipped_bit_is_refused)
{
    static const uint8_t types[] = {SOLANA_TYPE_LEGACY, SOLANA_TYPE_V0};

    for (size_t t = 0; t < 2; t++) {
        size_t counts[REASON_END] = {0}, bits = 0;
        struct made m;
        struct bytes raw = make(&m, types[t], 2);
        uint8_t data[JUDGED_MAX];

        memcpy(data, raw.data, raw.count);
        for (size_t bit = 0; bit < 8 * raw.count; bit++, bits++) {
            enum reason reason;

            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            reason = reason_of(bytes_of(data, raw.count));
            EXPECT(reason != REASON_NONE);
            counts[reason]++;
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        printf("type %d, flipped bits: %zu, all refused:", types[t], bits);
        for (int i = 1; i < REASON_END; i++) {
            if (counts[i] > 0)
                printf(" %zu %s", counts[i], reason_name((enum reason)i));
        }
        printf("\n");
        made_fini(&m);
    }
}

/* A copy of `raw` with `count` bytes at `pos` replaced by `with`. */
static struct bytes spliced(struct bytes raw, size_t pos, size_t count,
                            struct bytes with, uint8_t out[JUDGED_MAX])
{
    size_t tail = raw.count - pos - count;

    memcpy(out, raw.data, pos);
    memcpy(out + pos, with.data, with.count);
    memcpy(out + pos + with.count, raw.data + pos + count, tail);
    return bytes_of(out, pos + with.count + tail);
}

/* It is refused, and the refusal carries nobody's id. */
static void expect_refused(struct bytes raw, enum reason reason)
{
    struct verdict v;

    judge_bytes(raw, &v);
    EXPECT_TEXT(reason_name(v.reason), reason_name(reason));
    EXPECT(!v.tx.id_covers_all);
}

TEST(nobody_but_a_signer_makes_other_accepted_bytes)
{
    struct made m;
    struct bytes raw = make(&m, SOLANA_TYPE_V0, 2);
    struct bytes message = bytes_slice(raw, 1 + 128, raw.count);
    uint8_t out[JUDGED_MAX], other[128];

    /* Bytes behind it. */
    expect_refused(spliced(raw, raw.count, 0, BYTES_LITERAL("\0"), out),
                   REASON_NON_CANONICAL);
    expect_refused(spliced(raw, raw.count, 0, raw, out), REASON_NON_CANONICAL);
    /* A longer form of the count outside the message. */
    expect_refused(spliced(raw, 0, 1, BYTES_LITERAL("\x82\0"), out),
                   REASON_NON_CANONICAL);
    expect_refused(spliced(raw, 0, 1, BYTES_LITERAL("\x82\x80\0"), out),
                   REASON_NON_CANONICAL);
    /* A signature more, less, twice, or in another place. */
    expect_refused(spliced(raw, 0, 1, BYTES_LITERAL("\3"), out),
                   REASON_MALFORMED);
    memcpy(other, m.signatures, 64);
    memcpy(other + 64, m.signatures, 64);
    expect_refused(spliced(raw, 1, 128, bytes_of(other, 128), out),
                   REASON_BAD_SIGNATURE);
    memcpy(other, m.signatures + 64, 64);
    expect_refused(spliced(raw, 1, 128, bytes_of(other, 128), out),
                   REASON_BAD_SIGNATURE);
    raw = bytes_of(out, 1 + 64);
    out[0] = 1;
    memcpy(out + 1, m.signatures, 64);
    memcpy(out + 65, message.data, message.count);
    expect_refused(bytes_of(out, 65 + message.count), REASON_INCONSISTENT);
    out[0] = 3;
    memcpy(out + 1, m.signatures, 128);
    memcpy(out + 129, m.signatures, 64);
    memcpy(out + 193, message.data, message.count);
    expect_refused(bytes_of(out, 193 + message.count), REASON_INCONSISTENT);
    made_fini(&m);
}

/* s and s + L are one number to a lenient check; likewise -R with its sign. */
TEST(other_forms_of_a_signature_are_refused)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a,       0x63,
                                      0x12, 0x58, 0xd6, 0x9c, 0xf7,       0xa2,
                                      0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct made m;
    struct bytes raw = make(&m, SOLANA_TYPE_LEGACY, 1);
    uint8_t changed[64], out[JUDGED_MAX];
    unsigned carry = 0;

    memcpy(changed, m.signatures, 64);
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)changed[32 + i] + order[i];
        changed[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    expect_refused(spliced(raw, 1, 64, bytes_of(changed, 64), out),
                   REASON_BAD_SIGNATURE);
    memcpy(changed, m.signatures, 64);
    changed[31] ^= 0x80;
    expect_refused(spliced(raw, 1, 64, bytes_of(changed, 64), out),
                   REASON_BAD_SIGNATURE);
    memset(changed, 0, 64);
    expect_refused(spliced(raw, 1, 64, bytes_of(changed, 64), out),
                   REASON_BAD_SIGNATURE);
    made_fini(&m);
}

/* Whoever sees a message can send it with nonsense for signatures. */
TEST(a_forged_copy_is_not_rejected_in_the_name_of_the_transaction)
{
    struct made m;
    struct bytes raw = make(&m, SOLANA_TYPE_LEGACY, 1);
    uint8_t out[JUDGED_MAX], nonsense[64];
    struct verdict good, forged;

    memset(nonsense, 0x5a, sizeof(nonsense));
    judge_bytes(raw, &good);
    judge_bytes(spliced(raw, 1, 64, bytes_of(nonsense, 64), out), &forged);
    EXPECT(good.verified && !forged.verified);
    EXPECT_BYTES(bytes_of(good.tx.id, 32), bytes_of(forged.tx.id, 32));
    EXPECT(!forged.tx.id_covers_all);
    made_fini(&m);
}

TEST(legacy_and_version_0_of_the_same_content_are_two_transactions)
{
    struct made a, b;
    struct verdict v, w;

    judge_bytes(make(&a, SOLANA_TYPE_LEGACY, 1), &v);
    judge_bytes(make(&b, SOLANA_TYPE_V0, 1), &w);
    EXPECT(v.verified && w.verified);
    EXPECT(memcmp(v.tx.id, w.tx.id, 32) != 0);
    made_fini(&a);
    made_fini(&b);
}

TEST(every_count_of_two_bytes_and_three_is_read_in_one_form_only)
{
    size_t good = 0, alias = 0;

    /* All compact-u16 of up to three bytes, as the count of signatures: none
     * of them fits, so the count alone is judged. */
    for (uint32_t n = 0; n < 1 << 24; n += n < 1 << 16 ? 1 : 251) {
        uint8_t raw[3] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16)};
        size_t count = raw[0] < 0x80 ? 1 : raw[1] < 0x80 ? 2 : 3;
        uint32_t value = (raw[0] & 0x7fu) |
                         (count > 1 ? (raw[1] & 0x7fu) << 7 : 0) |
                         (count > 2 ? (uint32_t)raw[2] << 14 : 0);
        struct solana_parts p;
        enum reason reason;

        if (raw[0] == 0 || raw[0] == 0x81) /* none; version 1 */
            continue;
        reason = solana_parse(bytes_of(raw, 3), &p, NULL);
        if (count > 1 && raw[count - 1] == 0) {
            EXPECT_INT(reason, REASON_NON_CANONICAL);
            alias++;
        } else {
            EXPECT_INT(reason, REASON_MALFORMED);
            good += value <= UINT16_MAX;
        }
    }
    printf("counts: %zu in range, %zu in a longer form\n", good, alias);
    EXPECT(good > 0 && alias > 0);
}
