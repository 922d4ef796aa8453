/*
 * schemas/bitcoin_sighash.h: the message of a signature, by its hash type.
 *
 * Thread: one at a time per `struct bitcoin_hashes`.
 */
#ifndef SCHEMAS_BITCOIN_SIGHASH_H
#define SCHEMAS_BITCOIN_SIGHASH_H

#include "schemas/bitcoin_spend.h"

/* What all inputs of one transaction sign alike, made when first asked for. */
struct bitcoin_hashes {
    const struct bitcoin_transaction *t;
    struct buffer room;    /* the message under way */
    struct buffer bare[2]; /* inputs before witnesses; [1] with sequences */
    bool made;
    uint8_t prevouts[32], sequences[32], outputs[32]; /* SHA-256 once */
    uint8_t amounts[32], scripts[32];
};

/* `t` outlives it; bitcoin_hashes_fini() frees the room. */
void bitcoin_hashes_init(struct bitcoin_hashes *h,
                         const struct bitcoin_transaction *t);
void bitcoin_hashes_fini(struct bitcoin_hashes *h);

/*
 * The 32 bytes that a signature of hash type `type` over input `in` signs. A
 * signature ends in one byte of type; the message has room for four. `s`
 * is what bitcoin_spend() made of that input. For BITCOIN_KEY and
 * BITCOIN_TAPSCRIPT the type is 0 or one that BIP 341 defines.
 */
void bitcoin_sighash(struct bitcoin_hashes *h, const struct bitcoin_input *in,
                     const struct bitcoin_spend *s, uint32_t type,
                     uint8_t out[32]);

/* BIP 340: SHA-256 of the tag's hash twice, and the message. */
void bitcoin_tagged_hash(const char *tag, struct bytes message,
                         uint8_t out[32]);

/* BIP 341: a tapscript as a leaf of its tree. */
void bitcoin_leaf_hash(struct bytes script, uint8_t out[32]);

/*
 * BIP 341: what the internal key of the control block is tweaked by: the hash
 * of it and the root of the tree that the leaf is in.
 */
void bitcoin_tweak(const struct bitcoin_spend *s, uint8_t out[32]);

#endif
