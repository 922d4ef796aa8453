/*
 * schemas/ethereum.c: from bytes to id, rules and signing hash.
 *
 * The signed fields are a slice of the input: nothing is encoded again to find
 * the signing hash, a new list prefix goes before them and, for a protected
 * legacy transaction, chain id, 0 and 0 behind them.
 *
 * From: schemas/transaction.c; generators of transactions.
 * To:   schemas/ethereum_parse.c, schemas/ethereum_rules.c, schemas/hash.h.
 */
#include "schemas/ethereum.h"

#include "schemas/base/fail.h"
#include "schemas/ethereum_inside.h"
#include "schemas/hash.h"

/* RLP items behind the signed fields: chain id (33 at most), 80, 80. */
#define TRAILER_MAX 40

/* The id is of the consensus form, which a network form has inside it. */
static void set_id(struct bytes input, const struct ethereum_fields *f,
                   struct transaction *out)
{
    struct hash_keccak256 h;

    out->has_id = true;
    out->id_covers_all = !f->network;
    if (!f->network) {
        hash_keccak256(input, out->id);
        return;
    }
    hash_keccak256_init(&h);
    hash_keccak256_update(&h, bytes_of(&f->type, 1));
    hash_keccak256_update(&h, f->body);
    hash_keccak256_final(&h, out->id);
    out->stripped = true;
    out->canonical = f->body;
}

enum reason ethereum_decode(const struct chain *chain, int rules,
                            struct bytes input, struct transaction *out,
                            struct transaction_words *out_words)
{
    struct ethereum_fields f;
    enum reason reason =
        ethereum_parse_up_to(ethereum_type_max(rules), input, &f, out_words);

    if (reason != REASON_NONE)
        return reason;
    out->type = f.type;
    set_id(input, &f, out);
    out->recipient = f.to.count == 0 ? BYTES_NONE : f.to;
    out->signed_fields = f.signed_fields;
    return ethereum_rules(chain, rules, &f, out, out_words);
}

static struct bytes without_zeros(struct bytes be)
{
    while (be.count > 0 && be.data[0] == 0)
        be = bytes_slice(be, 1, be.count - 1);
    return be;
}

void ethereum_sign_transaction(struct transaction *t)
{
    struct bytes chain_id = BYTES_NONE;

    if (t->type == 0 && t->has_chain_id)
        chain_id = bytes_of(t->chain_id, sizeof(t->chain_id));
    ethereum_signing_hash(t->type, t->signed_fields, chain_id, t->signing_hash);
}

/* What follows the signed fields of a protected legacy transaction. */
static size_t write_trailer(struct bytes chain_id, uint8_t out[TRAILER_MAX])
{
    struct bytes id = without_zeros(chain_id);
    size_t count = 0;

    CHECK(id.count <= 32);
    if (id.count != 1 || id.data[0] >= 0x80)
        out[count++] = (uint8_t)(0x80 + id.count);
    for (size_t i = 0; i < id.count; i++)
        out[count++] = id.data[i];
    out[count++] = 0x80;
    out[count++] = 0x80;
    return count;
}

void ethereum_signing_hash(uint8_t type, struct bytes signed_fields,
                           struct bytes chain_id, uint8_t out[32])
{
    uint8_t head[1 + RLP_PREFIX_MAX], trailer[TRAILER_MAX];
    size_t head_count = 0, trailer_count = 0;
    struct hash_keccak256 h;

    if (type != 0)
        head[head_count++] = type;
    else if (chain_id.data != NULL)
        trailer_count = write_trailer(chain_id, trailer);
    head_count +=
        rlp_list_prefix(signed_fields.count + trailer_count, head + head_count);

    hash_keccak256_init(&h);
    hash_keccak256_update(&h, bytes_of(head, head_count));
    hash_keccak256_update(&h, signed_fields);
    hash_keccak256_update(&h, bytes_of(trailer, trailer_count));
    hash_keccak256_final(&h, out);
}

int ethereum_chain(struct bytes input, bool *out_has, struct chain *out)
{
    struct ethereum_fields f;
    uint8_t id[32], parity;
    int rc;

    if (ethereum_parse(input, &f, NULL) != REASON_NONE)
        return FAIL_MALFORMED;
    if (!ethereum_chain_id(&f, id, &parity)) {
        /* A legacy v of 27 or 28 names none; any other is not one at all. */
        if (f.type != 0 || parity > 1)
            return FAIL_MALFORMED;
        *out_has = false;
        return 0;
    }
    rc = chain_eip155(bytes_of(id, sizeof(id)), out);
    if (rc == 0)
        *out_has = true;
    return rc;
}

void ethereum_append_signed_fields(const struct ethereum_fields *f,
                                   struct buffer *out)
{
    if (f->type != 0)
        rlp_append_integer(out, f->chain_id);
    rlp_append_uint(out, f->nonce);
    if (f->type >= 2)
        rlp_append_integer(out, f->tip);
    rlp_append_integer(out, f->price);
    rlp_append_uint(out, f->gas);
    rlp_append_string(out, f->to);
    rlp_append_integer(out, f->value);
    rlp_append_string(out, f->data);
    if (f->type != 0)
        rlp_append_list(out, f->access_list);
    if (f->type == 3) {
        rlp_append_integer(out, f->blob_price);
        rlp_append_list(out, f->blob_hashes);
    }
    if (f->type == 4)
        rlp_append_list(out, f->authorizations);
}

/* The list of all fields. */
static void append_body(const struct ethereum_fields *f, struct buffer *out)
{
    struct buffer items;

    buffer_init(&items, out->limit);
    ethereum_append_signed_fields(f, &items);
    rlp_append_integer(&items, f->v);
    rlp_append_integer(&items, f->r);
    rlp_append_integer(&items, f->s);
    rlp_append_list(out, buffer_bytes(&items));
    out->overflow |= items.overflow;
    buffer_fini(&items);
}

void ethereum_encode(const struct ethereum_fields *f, struct buffer *out)
{
    struct buffer items;

    if (f->type != 0)
        buffer_append_byte(out, f->type);
    if (!f->network) {
        append_body(f, out);
        return;
    }
    buffer_init(&items, out->limit);
    append_body(f, &items);
    if (f->sidecar.version != 0)
        rlp_append_uint(&items, f->sidecar.version);
    rlp_append_list(&items, f->sidecar.blobs);
    rlp_append_list(&items, f->sidecar.commitments);
    rlp_append_list(&items, f->sidecar.proofs);
    rlp_append_list(out, buffer_bytes(&items));
    out->overflow |= items.overflow;
    buffer_fini(&items);
}
