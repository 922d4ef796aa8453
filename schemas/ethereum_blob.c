/*
 * schemas/ethereum_blob.c: type 3, alone or with its blobs beside it.
 *
 *   03 f9 01 0b  01 ..          the first item is a chain id: consensus form
 *   03 fa 02 1a 3f  f9 01 0b .. the first item is a list, the body; then
 *                   fa .. blobs    a list: version 0
 *                   01 fa .. blobs a number: that version
 *
 * A blob is named by its hash: 01 and the last 31 bytes of the SHA-256 of its
 * commitment. That a commitment is one to its blob is what the proofs say; they
 * take a pairing on another curve to check, and are not checked here.
 *
 * From: schemas/ethereum_parse.c; schemas/ethereum_rules.c, once all else is
 *       known to be good.
 * To:   schemas/ethereum_items.c, schemas/hash.h.
 */
#include <string.h>

#include "schemas/ethereum_inside.h"
#include "schemas/hash.h"
#include "schemas/hex.h"

#define BLOB_HASH_VERSION 1

static const struct ethereum_form networks[] = {
    {.name = "types.blobTxWithBlobsV0"},
    {.name = "types.blobTxWithBlobsV1"},
};

bool ethereum_is_network(struct bytes body)
{
    size_t prefix;

    if (body.count == 0 || body.data[0] < RLP_LIST_FIRST)
        return false;
    prefix = body.data[0] <= 0xf7 ? 1 : 1 + (size_t)(body.data[0] - 0xf7);
    return prefix < body.count && body.data[prefix] >= RLP_LIST_FIRST;
}

/* The first item of `rest`, of which geth says no more than this. */
static enum reason look(const struct ethereum_parse *p, struct bytes rest,
                        struct rlp_item *out)
{
    switch (rlp_read(&rest, out)) {
    case RLP_GOOD:
        return REASON_NONE;
    case RLP_END:
        return transaction_refuse(p->words, REASON_MALFORMED, "unexpected EOF");
    case RLP_CANONICAL:
        return transaction_refuse(p->words, REASON_NON_CANONICAL,
                                  "rlp: non-canonical size information");
    case RLP_TOO_LONG:
        break;
    }
    return transaction_refuse(p->words, REASON_MALFORMED,
                              "rlp: value size exceeds available input length");
}

/* The next item of a network form, into `out`. */
static enum reason next_item(const struct ethereum_parse *p, struct bytes *rest,
                             const char *go_type, struct rlp_item *out)
{
    enum rlp_fault fault = rlp_read(rest, out);

    if (fault == RLP_GOOD)
        return REASON_NONE;
    return ethereum_refuse_item(
        p, fault, fault == RLP_END ? p->form->name : go_type, ETHEREUM_HERE);
}

static enum reason read_version(struct ethereum_parse *p, struct bytes *rest)
{
    enum reason reason;
    struct rlp_item item;

    p->field = "Version";
    reason = next_item(p, rest, "uint8", &item);
    if (reason != REASON_NONE)
        return reason;
    return ethereum_read_uint(p, &item, 1, ETHEREUM_HERE,
                              &p->out->sidecar.version);
}

/* A list of strings of `bytes` each. */
static enum reason read_strings(struct ethereum_parse *p, struct bytes *rest,
                                const char *field, const char *go_type,
                                size_t bytes, struct bytes *out,
                                size_t *out_count)
{
    enum reason reason;
    struct rlp_item item;

    p->field = field;
    reason = next_item(p, rest, go_type, &item);
    if (reason == REASON_NONE)
        reason = ethereum_read_strings(p, &item, bytes, go_type, out_count);
    if (reason == REASON_NONE)
        *out = item.payload;
    return reason;
}

static enum reason read_sidecar(struct ethereum_parse *p, struct bytes rest,
                                bool versioned)
{
    struct ethereum_sidecar *s = &p->out->sidecar;
    enum reason reason = versioned ? read_version(p, &rest) : REASON_NONE;

    if (reason == REASON_NONE)
        reason = read_strings(p, &rest, "Blobs", "[]kzg4844.Blob",
                              ETHEREUM_BLOB_BYTES, &s->blobs, &s->blob_count);
    if (reason == REASON_NONE)
        reason = read_strings(p, &rest, "Commitments", "[]kzg4844.Commitment",
                              ETHEREUM_COMMITMENT_BYTES, &s->commitments,
                              &s->commitment_count);
    if (reason == REASON_NONE)
        reason =
            read_strings(p, &rest, "Proofs", "[]kzg4844.Proof",
                         ETHEREUM_PROOF_BYTES, &s->proofs, &s->proof_count);
    if (reason == REASON_NONE && rest.count > 0)
        reason =
            transaction_refuse(p->words, REASON_MALFORMED,
                               "rlp: input list has too many elements for %s",
                               p->form->name);
    return reason;
}

/* rlp[body, (version,) blobs, commitments, proofs], the items of its list. */
static enum reason read_network(struct ethereum_parse *p, struct bytes items,
                                bool *out_versioned)
{
    const struct ethereum_form *consensus = p->form;
    struct rlp_item body, second;
    struct bytes rest = items;
    enum reason reason;
    bool versioned;

    CHECK(rlp_read(&rest, &body) == RLP_GOOD);
    reason = look(p, rest, &second);
    if (reason != REASON_NONE)
        return reason;
    versioned = !second.list;
    p->outer = networks[versioned].name;
    reason = ethereum_read_fields(p, body.payload);
    if (reason != REASON_NONE)
        return reason;
    p->outer = NULL;
    p->form = &networks[versioned];
    reason = read_sidecar(p, rest, versioned);
    p->form = consensus;
    p->out->network = true;
    p->out->body = body.raw;
    *out_versioned = versioned;
    return reason;
}

/* What can be said of a network form once all of it is read. */
static enum reason check_network(const struct ethereum_parse *p, bool versioned)
{
    const struct ethereum_fields *f = p->out;

    if (versioned && f->sidecar.version != 1)
        return transaction_refuse(p->words, REASON_BLOB_SIDECAR,
                                  "unsupported blob tx version %llu",
                                  (unsigned long long)f->sidecar.version);
    if (f->body.count + 1 > TRANSACTION_BYTES_MAX)
        return transaction_refuse(
            p->words, REASON_TOO_LARGE,
            "oversized data: transaction size %zu, limit %d", f->body.count + 1,
            TRANSACTION_BYTES_MAX);
    return REASON_NONE;
}

enum reason ethereum_read_blob(struct ethereum_parse *p, struct bytes body)
{
    struct rlp_item list, first;
    enum reason reason = look(p, body, &list);
    bool versioned;

    if (reason != REASON_NONE)
        return reason;
    if (!list.list)
        return transaction_refuse(p->words, REASON_MALFORMED,
                                  "rlp: expected List");
    reason = look(p, list.payload, &first);
    if (reason != REASON_NONE)
        return reason;
    if (!first.list)
        return ethereum_read_list(p, body);

    reason = read_network(p, list.payload, &versioned);
    if (reason != REASON_NONE)
        return reason;
    if (list.raw.count < body.count)
        return transaction_refuse(p->words, REASON_NON_CANONICAL,
                                  "rlp: input contains more than one value");
    return check_network(p, versioned);
}

/* ---- does it belong to the transaction? ---- */

static enum reason refuse_counts(const struct ethereum_fields *f,
                                 struct transaction_words *words)
{
    const struct ethereum_sidecar *s = &f->sidecar;
    size_t proofs = s->version == 0 ? 1 : ETHEREUM_CELL_PROOFS;

    if (s->commitment_count != f->blob_count)
        return transaction_refuse(
            words, REASON_BLOB_SIDECAR,
            "invalid number of %zu blob commitments compared to %zu blob "
            "hashes",
            s->commitment_count, f->blob_count);
    if (s->blob_count != f->blob_count)
        return transaction_refuse(
            words, REASON_BLOB_SIDECAR,
            "invalid number of %zu blobs compared to %zu commitments",
            s->blob_count, s->commitment_count);
    if (s->proof_count != f->blob_count * proofs)
        return transaction_refuse(
            words, REASON_BLOB_SIDECAR,
            "Wrong sidecar format: invalid number of %zu blob proofs expected "
            "%zu",
            s->proof_count, f->blob_count * proofs);
    return REASON_NONE;
}

static enum reason refuse_hash(size_t i, const uint8_t computed[HASH_BYTES],
                               const uint8_t named[HASH_BYTES],
                               struct transaction_words *words)
{
    char have[2 * HASH_BYTES + 1], want[2 * HASH_BYTES + 1];

    hex_encode(bytes_of(computed, HASH_BYTES), have);
    hex_encode(bytes_of(named, HASH_BYTES), want);
    return transaction_refuse(
        words, REASON_BLOB_SIDECAR,
        "blob %zu: computed hash 0x%s mismatches transaction one 0x%s", i, have,
        want);
}

enum reason ethereum_check_sidecar(const struct ethereum_fields *f,
                                   struct transaction_words *words)
{
    struct bytes hashes = f->blob_hashes, commitments = f->sidecar.commitments;
    enum reason reason = refuse_counts(f, words);
    struct rlp_item hash, commitment;
    uint8_t computed[HASH_BYTES];

    if (reason != REASON_NONE)
        return reason;
    for (size_t i = 0; i < f->blob_count; i++) {
        CHECK(rlp_read(&hashes, &hash) == RLP_GOOD);
        CHECK(rlp_read(&commitments, &commitment) == RLP_GOOD);
        hash_sha256(commitment.payload, computed);
        computed[0] = BLOB_HASH_VERSION;
        if (memcmp(computed, hash.payload.data, HASH_BYTES) != 0)
            return refuse_hash(i, computed, hash.payload.data, words);
    }
    return REASON_NONE;
}
