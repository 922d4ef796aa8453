/*
 * schemas/bitcoin_sighash.c: three generations of what a signature covers.
 *
 *   legacy   the transaction again, all scripts empty but the one spent; every
 *            input hashes all of it
 *   BIP 143  hashes of the parts, made once; the amount that is spent
 *   BIP 341  the same, and amounts and scripts of all inputs
 *
 * A message is put together in one buffer and hashed at once, which the
 * processor does three times as fast as in pieces.
 *
 * From: verifier/scheme_bitcoin.c, with an input whose template is known.
 * To:   schemas/hash.h; the hash goes to the curve.
 */
#include "schemas/bitcoin_sighash.h"

#include <string.h>

#include "schemas/bitcoin_check.h"
#include "schemas/bitcoin_inside.h"
#include "schemas/hash.h"

#define LEAF_VERSION 0xc0
#define CONTROL_KEY_BYTES 33 /* leaf version and parity, internal key */
#define BARE_INPUT_BYTES 41
#define EXTENSION 1 /* BIP 342 adds to BIP 341's message */

static const uint8_t zeros[32];

static bool is_single(uint32_t type)
{
    return (type & BITCOIN_SIGHASH_MASK) == BITCOIN_SIGHASH_SINGLE;
}

static bool is_none(uint32_t type)
{
    return (type & BITCOIN_SIGHASH_MASK) == BITCOIN_SIGHASH_NONE;
}

static bool is_alone(uint32_t type)
{
    return (type & BITCOIN_SIGHASH_ANYONECANPAY) != 0;
}

void bitcoin_hashes_init(struct bitcoin_hashes *h,
                         const struct bitcoin_transaction *t)
{
    h->t = t;
    h->made = false;
    buffer_init(&h->room, BITCOIN_PREIMAGE_MAX);
    for (size_t i = 0; i < 2; i++)
        buffer_init(&h->bare[i], TRANSACTION_BYTES_MAX);
}

void bitcoin_hashes_fini(struct bitcoin_hashes *h)
{
    buffer_fini(&h->room);
    for (size_t i = 0; i < 2; i++)
        buffer_fini(&h->bare[i]);
}

/* The hash of what is in the room, which is empty afterwards. */
static void hash_room(struct bitcoin_hashes *h, uint8_t out[32])
{
    CHECK(!h->room.overflow);
    hash_sha256(buffer_bytes(&h->room), out);
    buffer_clear(&h->room);
}

enum part { PART_OUTPOINT, PART_SEQUENCE, PART_AMOUNT, PART_SCRIPT };

/* One part of every input, one behind the other. */
static void hash_parts(struct bitcoin_hashes *h, enum part part,
                       uint8_t out[32])
{
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    bitcoin_walk_inputs(h->t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        switch (part) {
        case PART_OUTPOINT:
            buffer_append_bytes(&h->room, in.outpoint);
            break;
        case PART_SEQUENCE:
            buffer_append_bytes(&h->room, in.sequence);
            break;
        case PART_AMOUNT:
            bitcoin_append_number(&h->room, in.spent.value, 8);
            break;
        case PART_SCRIPT:
            bitcoin_append_string(&h->room, in.spent.script);
            break;
        }
    }
    hash_room(h, out);
}

static struct bytes outputs_alone(const struct bitcoin_transaction *t)
{
    struct bitcoin_reader r = {t->outputs, REASON_NONE};

    bitcoin_take_size(&r);
    return r.rest;
}

static void make_hashes(struct bitcoin_hashes *h)
{
    if (h->made)
        return;
    buffer_clear(&h->room);
    hash_parts(h, PART_OUTPOINT, h->prevouts);
    hash_parts(h, PART_SEQUENCE, h->sequences);
    hash_parts(h, PART_AMOUNT, h->amounts);
    hash_parts(h, PART_SCRIPT, h->scripts);
    hash_sha256(outputs_alone(h->t), h->outputs);
    h->made = true;
}

/* ---- legacy ---- */

/* All inputs with empty scripts: 41 bytes each, so that any is found at once.
 * NONE and SINGLE leave the sequences to others. */
static struct bytes bare_inputs(struct bitcoin_hashes *h, bool sequences)
{
    struct buffer *bare = &h->bare[sequences];
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    if (bare->count > 0)
        return buffer_bytes(bare);
    bitcoin_walk_inputs(h->t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        buffer_append_bytes(bare, in.outpoint);
        buffer_append_byte(bare, 0);
        buffer_append(bare, sequences ? in.sequence.data : zeros, 4);
    }
    CHECK(!bare->overflow);
    return buffer_bytes(bare);
}

static void append_legacy_inputs(struct bitcoin_hashes *h,
                                 const struct bitcoin_input *in,
                                 const struct bitcoin_spend *s, uint32_t type)
{
    struct bytes all = BYTES_NONE;
    size_t pos = in->index * BARE_INPUT_BYTES;

    if (!is_alone(type))
        all = bare_inputs(h, !is_none(type) && !is_single(type));
    bitcoin_append_size(&h->room, is_alone(type) ? 1 : h->t->inputs_count);
    buffer_append_bytes(&h->room, bytes_slice(all, 0, pos));
    buffer_append_bytes(&h->room, in->outpoint);
    bitcoin_append_string(&h->room, s->code);
    buffer_append_bytes(&h->room, in->sequence);
    buffer_append_bytes(&h->room,
                        bytes_slice(all, pos + BARE_INPUT_BYTES, all.count));
}

/* SINGLE: the outputs before are there, but without amount and script. */
static void append_legacy_outputs(struct bitcoin_hashes *h, size_t index,
                                  uint32_t type)
{
    struct bitcoin_output o;

    if (is_none(type)) {
        bitcoin_append_size(&h->room, 0);
    } else if (is_single(type)) {
        CHECK(bitcoin_output_at(h->t, index, &o));
        bitcoin_append_size(&h->room, index + 1);
        for (size_t i = 0; i < index; i++) {
            bitcoin_append_number(&h->room, UINT64_MAX, 8);
            bitcoin_append_size(&h->room, 0);
        }
        buffer_append_bytes(&h->room, o.raw);
    } else {
        buffer_append_bytes(&h->room, h->t->outputs);
    }
}

static void sighash_legacy(struct bitcoin_hashes *h,
                           const struct bitcoin_input *in,
                           const struct bitcoin_spend *s, uint32_t type,
                           uint8_t out[32])
{
    /* The first implementation returned the number 1 here, and so do all. */
    if (is_single(type) && in->index >= h->t->outputs_count) {
        memset(out, 0, 32);
        out[0] = 1;
        return;
    }
    buffer_clear(&h->room);
    buffer_append_bytes(&h->room, h->t->version);
    append_legacy_inputs(h, in, s, type);
    append_legacy_outputs(h, in->index, type);
    buffer_append_bytes(&h->room, h->t->locktime);
    bitcoin_append_number(&h->room, type, 4);
    hash_room(h, out);
    hash_sha256(bytes_of(out, HASH_BYTES), out);
}

/* ---- BIP 143 ---- */

/* A hash of BIP 341 once more, or zeros where the type leaves it out. */
static void append_twice(struct buffer *out, const uint8_t once[32], bool left)
{
    uint8_t hash[HASH_BYTES];

    if (left) {
        buffer_append(out, zeros, sizeof(zeros));
        return;
    }
    hash_sha256(bytes_of(once, HASH_BYTES), hash);
    buffer_append(out, hash, sizeof(hash));
}

static void append_v0_outputs(struct bitcoin_hashes *h, size_t index,
                              uint32_t type)
{
    struct bitcoin_output o;
    uint8_t hash[HASH_BYTES];

    if (!is_single(type)) {
        append_twice(&h->room, h->outputs, is_none(type));
        return;
    }
    if (!bitcoin_output_at(h->t, index, &o)) {
        buffer_append(&h->room, zeros, sizeof(zeros));
        return;
    }
    bitcoin_hash_twice(o.raw, hash);
    buffer_append(&h->room, hash, sizeof(hash));
}

static void sighash_v0(struct bitcoin_hashes *h, const struct bitcoin_input *in,
                       const struct bitcoin_spend *s, uint32_t type,
                       uint8_t out[32])
{
    make_hashes(h);
    buffer_clear(&h->room);
    buffer_append_bytes(&h->room, h->t->version);
    append_twice(&h->room, h->prevouts, is_alone(type));
    append_twice(&h->room, h->sequences,
                 is_alone(type) || is_none(type) || is_single(type));
    buffer_append_bytes(&h->room, in->outpoint);
    bitcoin_append_string(&h->room, s->code);
    bitcoin_append_number(&h->room, in->spent.value, 8);
    buffer_append_bytes(&h->room, in->sequence);
    append_v0_outputs(h, in->index, type);
    buffer_append_bytes(&h->room, h->t->locktime);
    bitcoin_append_number(&h->room, type, 4);
    hash_room(h, out);
    hash_sha256(bytes_of(out, HASH_BYTES), out);
}

/* ---- BIP 341 and 342 ---- */

static void append_tag(struct buffer *out, const char *tag)
{
    uint8_t hash[HASH_BYTES];

    hash_sha256(bytes_text(tag), hash);
    buffer_append(out, hash, sizeof(hash));
    buffer_append(out, hash, sizeof(hash));
}

void bitcoin_tagged_hash(const char *tag, struct bytes message, uint8_t out[32])
{
    struct buffer b;

    buffer_init(&b, 2 * HASH_BYTES + message.count);
    append_tag(&b, tag);
    buffer_append_bytes(&b, message);
    CHECK(!b.overflow);
    hash_sha256(buffer_bytes(&b), out);
    buffer_fini(&b);
}

static void append_all_inputs(struct bitcoin_hashes *h)
{
    buffer_append(&h->room, h->prevouts, 32);
    buffer_append(&h->room, h->amounts, 32);
    buffer_append(&h->room, h->scripts, 32);
    buffer_append(&h->room, h->sequences, 32);
}

static void append_own_input(struct bitcoin_hashes *h,
                             const struct bitcoin_input *in)
{
    buffer_append_bytes(&h->room, in->outpoint);
    buffer_append_bytes(&h->room, in->spent.raw);
    buffer_append_bytes(&h->room, in->sequence);
}

/* The SHA-256 of an annex or an output, as it is serialized. */
static void append_hash_of(struct buffer *out, struct bytes b, bool with_count)
{
    uint8_t hash[HASH_BYTES];
    struct buffer string;

    buffer_init(&string, b.count + 9);
    if (with_count)
        bitcoin_append_size(&string, b.count);
    buffer_append_bytes(&string, b);
    CHECK(!string.overflow);
    hash_sha256(buffer_bytes(&string), hash);
    buffer_fini(&string);
    buffer_append(out, hash, sizeof(hash));
}

static void append_extension(struct bitcoin_hashes *h,
                             const struct bitcoin_spend *s)
{
    uint8_t leaf[HASH_BYTES];

    bitcoin_leaf_hash(s->script, leaf);
    buffer_append(&h->room, leaf, sizeof(leaf));
    buffer_append_byte(&h->room, 0); /* the only kind of key there is */
    /* No OP_CODESEPARATOR was before. */
    bitcoin_append_number(&h->room, 0xffffffff, 4);
}

static void sighash_taproot(struct bitcoin_hashes *h,
                            const struct bitcoin_input *in,
                            const struct bitcoin_spend *s, uint32_t type,
                            uint8_t out[32])
{
    bool script = s->message == BITCOIN_TAPSCRIPT;
    bool annex = s->annex.data != NULL;
    struct bitcoin_output o;

    make_hashes(h);
    buffer_clear(&h->room);
    append_tag(&h->room, "TapSighash");
    buffer_append_byte(&h->room, 0); /* epoch */
    buffer_append_byte(&h->room, (uint8_t)type);
    buffer_append_bytes(&h->room, h->t->version);
    buffer_append_bytes(&h->room, h->t->locktime);
    if (!is_alone(type))
        append_all_inputs(h);
    if (!is_none(type) && !is_single(type))
        buffer_append(&h->room, h->outputs, 32);
    buffer_append_byte(&h->room, (uint8_t)(2 * EXTENSION * script + annex));
    if (is_alone(type))
        append_own_input(h, in);
    else
        bitcoin_append_number(&h->room, in->index, 4);
    if (annex)
        append_hash_of(&h->room, s->annex, true);
    if (is_single(type)) {
        CHECK(bitcoin_output_at(h->t, in->index, &o));
        append_hash_of(&h->room, o.raw, false);
    }
    if (script)
        append_extension(h, s);
    hash_room(h, out);
}

void bitcoin_sighash(struct bitcoin_hashes *h, const struct bitcoin_input *in,
                     const struct bitcoin_spend *s, uint32_t type,
                     uint8_t out[32])
{
    switch (s->message) {
    case BITCOIN_LEGACY:
        sighash_legacy(h, in, s, type, out);
        return;
    case BITCOIN_V0:
        sighash_v0(h, in, s, type, out);
        return;
    case BITCOIN_KEY:
    case BITCOIN_TAPSCRIPT:
        sighash_taproot(h, in, s, type, out);
        return;
    }
    CHECK(false);
}

/* ---- the tree of tapscripts ---- */

void bitcoin_leaf_hash(struct bytes script, uint8_t out[32])
{
    struct buffer leaf;

    buffer_init(&leaf, script.count + 10);
    buffer_append_byte(&leaf, LEAF_VERSION);
    bitcoin_append_string(&leaf, script);
    CHECK(!leaf.overflow);
    bitcoin_tagged_hash("TapLeaf", buffer_bytes(&leaf), out);
    buffer_fini(&leaf);
}

void bitcoin_tweak(const struct bitcoin_spend *s, uint8_t out[32])
{
    struct bytes key = bytes_slice(s->control, 1, 32);
    struct bytes path =
        bytes_slice(s->control, CONTROL_KEY_BYTES, s->control.count);
    uint8_t both[64], node[HASH_BYTES];

    bitcoin_leaf_hash(s->script, node);
    for (; path.count > 0; path = bytes_slice(path, HASH_BYTES, path.count)) {
        bool left = memcmp(node, path.data, HASH_BYTES) < 0;

        memcpy(both + (left ? 0 : HASH_BYTES), node, HASH_BYTES);
        memcpy(both + (left ? HASH_BYTES : 0), path.data, HASH_BYTES);
        bitcoin_tagged_hash("TapBranch", bytes_of(both, sizeof(both)), node);
    }
    memcpy(both, key.data, key.count);
    memcpy(both + HASH_BYTES, node, HASH_BYTES);
    bitcoin_tagged_hash("TapTweak", bytes_of(both, sizeof(both)), out);
}
