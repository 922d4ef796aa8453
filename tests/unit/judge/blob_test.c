/*
 * tests/unit/judge/blob_test.c: type 3, in consensus form and with its blobs.
 */
#include <stdlib.h>

#include "tests/unit/judge/sign.h"
#include "tests/unit/judge/vectors.h"

#define WRAPPED "(types.blobTxWithBlobsV"

static struct judge *judge;
static struct transaction_words words;

static void judge_by(int rules, struct bytes raw, struct verdict *out)
{
    struct chain chain = vectors_chain("eip155:1337");

    if (judge == NULL)
        EXPECT_INT(judge_open(&judge), 0);
    memset(out, 0xee, sizeof(*out));
    judge_payload(judge, &chain, rules, raw, out);
}

static void expect(int rules, struct bytes raw, enum reason reason,
                   const char *text)
{
    struct chain chain = vectors_chain("eip155:1337");
    struct transaction t;
    enum reason found = transaction_decode(&chain, rules, raw, &t, &words);

    EXPECT_TEXT(reason_name(found), reason_name(reason));
    EXPECT_TEXT(words.text, text);
}

static void expect_built(struct signing *t, int rules, enum reason reason,
                         const char *text)
{
    struct buffer out;

    expect(rules, sign_encode(t, &out), reason, text);
    buffer_fini(&out);
}

TEST(a_network_form_is_judged_and_stored_as_its_consensus_form)
{
    for (uint64_t version = 0; version <= 1; version++) {
        struct sign_sidecar s;
        struct buffer network, consensus, room;
        struct signing t;
        struct verdict v, w;

        sign_network(&t, &s, 2, version);
        sign_encode(&t, &network);
        t.f.network = false;
        sign_encode(&t, &consensus);
        for (int rules = 3; rules <= 4; rules++) {
            judge_by(rules, buffer_bytes(&network), &v);
            judge_by(rules, buffer_bytes(&consensus), &w);
            EXPECT(v.verified && w.verified);
            EXPECT_BYTES(bytes_of(v.tx.id, 32), bytes_of(w.tx.id, 32));
            EXPECT_BYTES(bytes_of(v.tx.sender, 20), bytes_of(w.tx.sender, 20));
            EXPECT(v.tx.stripped && !w.tx.stripped);
            EXPECT(!v.tx.id_covers_all && w.tx.id_covers_all);

            buffer_init(&room, TRANSACTION_BYTES_MAX);
            EXPECT_BYTES(transaction_canonical(&v.tx, &room),
                         buffer_bytes(&consensus));
            EXPECT_BYTES(transaction_canonical(&w.tx, &room),
                         buffer_bytes(&consensus));
            buffer_fini(&room);
        }
        vectors_expect_canonical(buffer_bytes(&network));
        vectors_expect_canonical(buffer_bytes(&consensus));
        buffer_fini(&network);
        buffer_fini(&consensus);
        sign_sidecar_fini(&s);
    }
}

/* Anybody can put another sidecar beside somebody's transaction. */
TEST(a_bad_sidecar_is_not_rejected_in_the_name_of_the_transaction)
{
    struct sign_sidecar s;
    struct buffer out;
    struct signing t;
    struct verdict v;

    sign_network(&t, &s, 1, 1);
    s.commitments.data[5] ^= 1;
    judge_by(4, sign_encode(&t, &out), &v);
    EXPECT_INT(v.reason, REASON_BLOB_SIDECAR);
    EXPECT(!v.tx.id_covers_all);
    buffer_fini(&out);

    /* A blob is under its proofs alone, which are not checked. */
    s.commitments.data[5] ^= 1;
    s.blobs.data[1000] ^= 1;
    s.proofs.data[1000] ^= 1;
    judge_by(4, sign_encode(&t, &out), &v);
    EXPECT(v.verified);
    EXPECT(!v.tx.id_covers_all);
    buffer_fini(&out);

    /* Whatever else is wrong with it. */
    t.f.s = BYTES_LITERAL("");
    judge_by(4, sign_encode(&t, &out), &v);
    EXPECT_INT(v.reason, REASON_OUT_OF_RANGE);
    EXPECT(!v.tx.id_covers_all);
    buffer_fini(&out);
    sign_sidecar_fini(&s);
}

TEST(a_sidecar_has_as_many_of_each_as_there_are_hashes)
{
    for (uint64_t version = 0; version <= 1; version++) {
        size_t proofs = version == 0 ? 1 : 128;
        struct sign_sidecar s;
        struct signing t;
        char text[128];

        sign_network(&t, &s, 1, version);
        sign_strings(&s.blobs, 2, ETHEREUM_BLOB_BYTES);
        sign_put(&t, &s);
        expect_built(&t, 3, REASON_BLOB_SIDECAR,
                     "invalid number of 2 blobs compared to 1 commitments");
        sign_strings(&s.blobs, 0, ETHEREUM_BLOB_BYTES);
        sign_put(&t, &s);
        expect_built(&t, 3, REASON_BLOB_SIDECAR,
                     "invalid number of 0 blobs compared to 1 commitments");

        sign_strings(&s.blobs, 1, ETHEREUM_BLOB_BYTES);
        for (size_t i = 0; i < 3; i++) {
            size_t count = (size_t[]){0, proofs - 1, proofs + 1}[i];

            sign_strings(&s.proofs, count, ETHEREUM_PROOF_BYTES);
            sign_put(&t, &s);
            snprintf(text, sizeof(text),
                     "Wrong sidecar format: invalid number of %zu blob proofs "
                     "expected %zu",
                     count, proofs);
            expect_built(&t, 3, REASON_BLOB_SIDECAR, text);
        }

        sign_strings(&s.commitments, 2, ETHEREUM_COMMITMENT_BYTES);
        sign_put(&t, &s);
        expect_built(&t, 3, REASON_BLOB_SIDECAR,
                     "invalid number of 2 blob commitments compared to 1 blob "
                     "hashes");
        sign_sidecar_fini(&s);
    }
}

TEST(a_commitment_of_another_blob_is_refused_with_both_hashes)
{
    struct sign_sidecar s;
    struct signing t;
    uint8_t hash[32];
    char text[192], have[65], want[65];

    sign_network(&t, &s, 2, 1);
    hex_encode(bytes_of(s.hashes.data + 34, 32), want);
    s.commitments.data[49 + 7] ^= 0x10;
    hash_sha256(bytes_of(s.commitments.data + 50, 48), hash);
    hash[0] = 1;
    hex_encode(bytes_of(hash, 32), have);
    snprintf(text, sizeof(text),
             "blob 1: computed hash 0x%s mismatches transaction one 0x%s", have,
             want);
    expect_built(&t, 3, REASON_BLOB_SIDECAR, text);
    expect_built(&t, 4, REASON_BLOB_SIDECAR, text);

    /* A hash of another version is none of this commitment either. */
    s.commitments.data[49 + 7] ^= 0x10;
    s.hashes.data[1] = 2;
    sign_put(&t, &s);
    sign_now(&t);
    hex_encode(bytes_of(s.hashes.data + 1, 32), want);
    memcpy(have, want, sizeof(have));
    have[1] = '1';
    snprintf(text, sizeof(text),
             "blob 0: computed hash 0x%s mismatches transaction one 0x%s", have,
             want);
    expect_built(&t, 3, REASON_BLOB_SIDECAR, text);
    sign_sidecar_fini(&s);
}

/* 03 rlp[items...], each item as it comes. */
static struct bytes wrap(struct buffer *out, struct bytes items)
{
    buffer_init(out, 2 << 20);
    buffer_append_byte(out, 3);
    rlp_append_list(out, items);
    return buffer_bytes(out);
}

/* Wraps the body of a good transaction and these bytes of hex. */
static void expect_wrapped(const char *hex, enum reason reason,
                           const char *text)
{
    struct bytes more = vectors_hex(hex);
    struct buffer consensus, items, out;
    struct signing t;
    struct bytes raw;

    sign_init(&t, 3);
    sign_now(&t);
    raw = sign_encode(&t, &consensus);
    buffer_init(&items, 2 << 20);
    buffer_append_bytes(&items, bytes_slice(raw, 1, raw.count));
    buffer_append_bytes(&items, more);
    expect(3, wrap(&out, buffer_bytes(&items)), reason, text);
    buffer_fini(&consensus);
    buffer_fini(&items);
    buffer_fini(&out);
    free((void *)more.data);
}

TEST(a_network_form_has_its_shape_to_the_last_proof)
{
    expect_wrapped("0x", REASON_MALFORMED, "unexpected EOF");
    expect_wrapped("0xc1", REASON_MALFORMED,
                   "rlp: value size exceeds available input length");
    expect_wrapped("0x8101", REASON_NON_CANONICAL,
                   "rlp: non-canonical size information");
    expect_wrapped("0xc0", REASON_MALFORMED,
                   "rlp: too few elements for types.blobTxWithBlobsV0");
    expect_wrapped("0xc0c0", REASON_MALFORMED,
                   "rlp: too few elements for types.blobTxWithBlobsV0");
    expect_wrapped("0xc0c0c0c0", REASON_MALFORMED,
                   "rlp: input list has too many elements for "
                   "types.blobTxWithBlobsV0");
    expect_wrapped("0x01c0c0", REASON_MALFORMED,
                   "rlp: too few elements for types.blobTxWithBlobsV1");
    expect_wrapped("0x01c0c0c080", REASON_MALFORMED,
                   "rlp: input list has too many elements for "
                   "types.blobTxWithBlobsV1");
    expect_wrapped("0xc0c0c0", REASON_BLOB_SIDECAR,
                   "invalid number of 0 blob commitments compared to 1 blob "
                   "hashes");
    expect_wrapped("0xc08080", REASON_MALFORMED,
                   "rlp: expected input list for []kzg4844.Commitment, "
                   "decoding into " WRAPPED "0).Commitments");
    expect_wrapped("0x01c0c0c100", REASON_FIELD_RANGE,
                   "rlp: input string too short for kzg4844.Proof, decoding "
                   "into " WRAPPED "1).Proofs[0]");
    expect_wrapped("0x01c0c1c0c0", REASON_MALFORMED,
                   "rlp: expected input string or byte for "
                   "kzg4844.Commitment, decoding into " WRAPPED
                   "1).Commitments[0]");
    expect_wrapped("0x01c105c0c0", REASON_FIELD_RANGE,
                   "rlp: input string too short for kzg4844.Blob, decoding "
                   "into " WRAPPED "1).Blobs[0]");
}

TEST(a_sidecar_is_of_version_0_or_1)
{
    expect_wrapped("0x02c0c0c0", REASON_BLOB_SIDECAR,
                   "unsupported blob tx version 2");
    expect_wrapped("0x81ffc0c0c0", REASON_BLOB_SIDECAR,
                   "unsupported blob tx version 255");
    /* Version 0 is written by leaving it out. */
    expect_wrapped("0x80c0c0c0", REASON_BLOB_SIDECAR,
                   "unsupported blob tx version 0");
    expect_wrapped("0x00c0c0c0", REASON_NON_CANONICAL,
                   "rlp: non-canonical integer (leading zero bytes) for "
                   "uint8, decoding into " WRAPPED "1).Version");
    expect_wrapped("0x820100c0c0c0", REASON_FIELD_RANGE,
                   "rlp: input string too long for uint8, decoding "
                   "into " WRAPPED "1).Version");
}

TEST(the_body_of_a_network_form_is_read_as_strictly_as_alone)
{
    struct sign_sidecar s;
    struct buffer out;
    struct signing t;

    sign_network(&t, &s, 1, 1);
    sign_encode(&t, &out);
    buffer_append_byte(&out, 0);
    expect(3, buffer_bytes(&out), REASON_NON_CANONICAL,
           "rlp: input contains more than one value");
    buffer_fini(&out);
    t.f.to = BYTES_LITERAL("ab");
    expect_built(&t, 3, REASON_FIELD_RANGE,
                 "rlp: input string too short for common.Address, decoding "
                 "into " WRAPPED "1).BlobTx.To");
    sign_sidecar_fini(&s);
}

TEST(what_is_not_even_a_list_of_something_is_refused_in_geths_words)
{
    static const struct {
        const char *hex;
        enum reason reason;
        const char *text;
    } cases[] = {
        {"0x03", REASON_MALFORMED, "typed transaction too short"},
        {"0x0380", REASON_MALFORMED, "rlp: expected List"},
        {"0x03c0", REASON_MALFORMED, "unexpected EOF"},
        {"0x03c180", REASON_MALFORMED,
         "rlp: too few elements for types.BlobTx"},
        {"0x03c1c0", REASON_MALFORMED, "unexpected EOF"},
        {"0x03c2c0c0", REASON_MALFORMED,
         "rlp: too few elements for types.BlobTx, decoding into " WRAPPED
         "0).BlobTx"},
        {"0x03c2c080", REASON_MALFORMED,
         "rlp: too few elements for types.BlobTx, decoding into " WRAPPED
         "1).BlobTx"},
        {"0x03c182", REASON_MALFORMED,
         "rlp: value size exceeds available input length"},
        {"0x03c4", REASON_MALFORMED,
         "rlp: value size exceeds available input length"},
        {"0x03f800", REASON_NON_CANONICAL,
         "rlp: non-canonical size information"},
        {"0x03c100", REASON_NON_CANONICAL,
         "rlp: non-canonical integer (leading zero bytes) for *uint256.Int, "
         "decoding into (types.BlobTx).ChainID"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes raw = vectors_hex(cases[i].hex);

        expect(3, raw, cases[i].reason, cases[i].text);
        expect(4, raw, cases[i].reason, cases[i].text);
        free((void *)raw.data);
    }
}

TEST(numbers_of_type_3_fit_256_bits)
{
    static uint8_t wide[33] = {1};
    size_t places[] = {
        offsetof(struct ethereum_fields, chain_id),
        offsetof(struct ethereum_fields, tip),
        offsetof(struct ethereum_fields, price),
        offsetof(struct ethereum_fields, value),
        offsetof(struct ethereum_fields, blob_price),
        offsetof(struct ethereum_fields, v),
        offsetof(struct ethereum_fields, r),
        offsetof(struct ethereum_fields, s),
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct signing t;

        sign_init(&t, 3);
        sign_now(&t);
        *(struct bytes *)((char *)&t.f + places[i]) = bytes_of(wide, 33);
        expect_built(&t, 3, REASON_FIELD_RANGE,
                     "rlp: value too large for uint256");
    }
}

TEST(a_blob_transaction_creates_no_contract)
{
    struct signing t;

    sign_init(&t, 3);
    t.f.to = BYTES_NONE;
    sign_now(&t);
    expect_built(&t, 3, REASON_FIELD_RANGE,
                 "rlp: input string too short for common.Address, decoding "
                 "into (types.BlobTx).To");
}

TEST(set_4_wants_one_to_six_blobs_of_version_1)
{
    static uint8_t hashes[7 * 33];
    struct signing t;

    for (size_t i = 0; i < 7; i++)
        memcpy(hashes + 33 * i, sign_blob_hash, 33);
    for (size_t count = 0; count <= 7; count++) {
        sign_init(&t, 3);
        t.f.blob_hashes = bytes_of(hashes, 33 * count);
        sign_now(&t);
        expect_built(&t, 3, REASON_NONE, "");
        if (count == 0)
            expect_built(&t, 4, REASON_BLOB_COUNT, "blobless blob transaction");
        else if (count == 7)
            expect_built(&t, 4, REASON_BLOB_COUNT,
                         "transaction blob limit exceeded: blob count 7, limit "
                         "6");
        else
            expect_built(&t, 4, REASON_NONE, "");
    }
    for (int version = 0; version < 256; version++) {
        sign_init(&t, 3);
        hashes[33 + 1] = (uint8_t)version;
        t.f.blob_hashes = bytes_of(hashes, 66);
        sign_now(&t);
        expect_built(&t, 3, REASON_NONE, "");
        if (version == 1)
            expect_built(&t, 4, REASON_NONE, "");
        else
            expect_built(&t, 4, REASON_BLOB_VERSION,
                         "blob 1 has invalid hash version");
    }
}

TEST(set_4_wants_a_blob_fee)
{
    struct signing t;

    sign_init(&t, 3);
    t.f.blob_price = BYTES_NONE;
    sign_now(&t);
    expect_built(&t, 3, REASON_NONE, "");
    expect_built(&t, 4, REASON_BLOB_FEE,
                 "transaction gas price below minimum: blob fee cap 0, minimum "
                 "needed 1");
    t.f.blob_price = BYTES_LITERAL("\x01");
    sign_now(&t);
    expect_built(&t, 4, REASON_NONE, "");
}

TEST(six_blobs_fit_and_a_network_form_is_at_most_1_MiB)
{
    for (uint64_t version = 0; version <= 1; version++) {
        struct sign_sidecar s;
        struct buffer out;
        struct signing t;
        struct bytes raw;

        sign_network(&t, &s, 6, version);
        raw = sign_encode(&t, &out);
        printf("six blobs, version %d: %zu bytes\n", (int)version, raw.count);
        EXPECT(raw.count < ETHEREUM_NETWORK_BYTES_MAX);
        expect(4, raw, REASON_NONE, "");
        buffer_fini(&out);
        sign_sidecar_fini(&s);

        sign_network(&t, &s, 8, version);
        raw = sign_encode(&t, &out);
        EXPECT(raw.count > ETHEREUM_NETWORK_BYTES_MAX);
        {
            char text[128];

            snprintf(text, sizeof(text),
                     "oversized data: transaction size %zu, limit 1048576",
                     raw.count);
            expect(3, raw, REASON_TOO_LARGE, text);
        }
        buffer_fini(&out);
        sign_sidecar_fini(&s);
    }
}

TEST(the_consensus_form_inside_has_the_limit_of_any_other)
{
    static uint8_t data[140000];

    for (size_t more = 0; more <= 1; more++) {
        struct sign_sidecar s;
        struct buffer out;
        struct signing t;
        struct bytes raw;
        size_t spare;

        sign_network(&t, &s, 1, 1);
        t.f.network = false;
        t.f.data = bytes_of(data, 130000);
        raw = sign_encode(&t, &out);
        spare = TRANSACTION_BYTES_MAX - raw.count;
        buffer_fini(&out);
        t.f.data.count += spare + more;
        sign_now(&t);
        expect_built(&t, 3, more == 0 ? REASON_NONE : REASON_TOO_LARGE,
                     more == 0 ? ""
                               : "oversized data: transaction size 131073, "
                                 "limit 131072");
        t.f.network = true;
        expect_built(&t, 3, more == 0 ? REASON_NONE : REASON_TOO_LARGE,
                     more == 0 ? ""
                               : "oversized data: transaction size 131073, "
                                 "limit 131072");
        sign_sidecar_fini(&s);
    }
}

/* All of it may be paid: gas, value, and the gas of the blobs. */
TEST(the_cost_of_blobs_counts_among_what_must_fit_256_bits)
{
    static uint8_t most[32];
    struct signing t;

    /* 131072 is 2^17: one below 2^239 times that is the most that fits. */
    memset(most, 0xff, sizeof(most));
    sign_init(&t, 3);
    t.f.price = BYTES_NONE;
    t.f.tip = BYTES_NONE;
    most[0] = 0x7f;
    t.f.blob_price = bytes_of(most, 30);
    sign_now(&t);
    expect_built(&t, 4, REASON_NONE, "");
    t.f.value = BYTES_LITERAL("\x01\xff\xff");
    sign_now(&t);
    expect_built(&t, 4, REASON_NONE, "");
    t.f.value = BYTES_LITERAL("\x02\x00\x00");
    sign_now(&t);
    expect_built(&t, 4, REASON_COST_OVERFLOW,
                 "insufficient funds for gas * price + value");
    expect_built(&t, 3, REASON_NONE, "");
    t.f.value = BYTES_NONE;
    t.f.blob_price = BYTES_LITERAL(
        "\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0");
    sign_now(&t);
    expect_built(&t, 4, REASON_COST_OVERFLOW,
                 "insufficient funds for gas * price + value");
}

TEST(sets_1_2_and_5_do_not_know_the_type)
{
    static const int sets[] = {1, 2, 5};

    for (size_t i = 0; i < 3; i++) {
        struct sign_sidecar s;
        struct buffer out;
        struct signing t;
        char text[128];

        sign_network(&t, &s, 1, 1);
        snprintf(text, sizeof(text),
                 "oversized data: transaction size %zu, limit 131072",
                 sign_encode(&t, &out).count);
        buffer_fini(&out);
        expect_built(&t, sets[i], REASON_TOO_LARGE, text);
        t.f.network = false;
        expect_built(&t, sets[i], REASON_UNSUPPORTED_TYPE,
                     "transaction type not supported");
        sign_sidecar_fini(&s);
    }
}

/* Bits of the sidecar: refused, or verified with the same id and sender, since
 * what is stored does not have them. */
static void flip(struct bytes raw, size_t from, size_t to, size_t step,
                 const struct verdict *good, size_t counts[3])
{
    uint8_t *data = malloc(raw.count);
    struct verdict v;

    memcpy(data, raw.data, raw.count);
    for (size_t bit = 8 * from; bit < 8 * to; bit += step) {
        bool same;

        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        judge_by(4, bytes_of(data, raw.count), &v);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT(!v.tx.id_covers_all);
        same = v.verified && memcmp(v.tx.id, good->tx.id, 32) == 0;
        EXPECT(same ==
               (v.verified && memcmp(v.tx.sender, good->tx.sender, 20) == 0));
        counts[!v.verified ? 0 : same ? 1 : 2]++;
    }
    free(data);
}

TEST(every_flipped_bit_of_a_network_form_leads_to_no_second_row)
{
    for (uint64_t version = 0; version <= 1; version++) {
        size_t counts[3] = {0}, sidecar[3] = {0};
        struct sign_sidecar s;
        struct buffer out;
        struct signing t;
        struct verdict good;
        struct bytes raw;
        size_t body;

        sign_network(&t, &s, 1, version);
        raw = sign_encode(&t, &out);
        judge_by(4, raw, &good);
        EXPECT(good.verified);
        body = (size_t)(good.tx.canonical.data - raw.data);

        flip(raw, 0, body + good.tx.canonical.count, 1, &good, counts);
        EXPECT_INT(counts[1], 0);
        flip(raw, body + good.tx.canonical.count, raw.count, 61, &good,
             sidecar);
        EXPECT_INT(sidecar[2], 0);
        printf(
            "version %d, flipped bits of body and around it: %zu refused, "
            "%zu with another sender; of the sidecar, every 61st: %zu "
            "refused, %zu the same transaction\n",
            (int)version, counts[0], counts[2], sidecar[0], sidecar[1]);
        EXPECT(counts[0] > 0 && counts[2] > 0 && sidecar[0] > 0);
        buffer_fini(&out);
        sign_sidecar_fini(&s);
    }
}

TEST(a_network_form_cut_anywhere_is_refused)
{
    struct sign_sidecar s;
    struct buffer out;
    struct signing t;
    struct bytes raw;
    size_t cuts = 0;

    sign_network(&t, &s, 1, 1);
    raw = sign_encode(&t, &out);
    for (size_t count = 0; count < raw.count;
         count += count < 1000 || count > raw.count - 200 ? 1 : 997) {
        uint8_t *data = malloc(count + (count == 0));
        struct verdict v;

        memcpy(data, raw.data, count);
        judge_by(3, bytes_of(data, count), &v);
        EXPECT_TEXT(reason_name(v.reason), count == 0 ? "empty" : "malformed");
        EXPECT(!v.tx.has_id);
        free(data);
        cuts++;
    }
    printf("cuts: %zu, all malformed\n", cuts);
    buffer_fini(&out);
    sign_sidecar_fini(&s);
}

TEST(the_chain_of_a_network_form_is_found)
{
    struct sign_sidecar s;
    struct buffer out;
    struct signing t;
    struct chain chain;
    bool has = false;

    sign_network(&t, &s, 1, 0);
    EXPECT_INT(transaction_chain(sign_encode(&t, &out), &has, &chain), 0);
    EXPECT(has);
    EXPECT_TEXT(chain.name, "eip155:1337");
    buffer_fini(&out);
    sign_sidecar_fini(&s);
}
