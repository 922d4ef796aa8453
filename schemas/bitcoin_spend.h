/*
 * schemas/bitcoin_spend.h: what has to be signed for one input, by which keys.
 *
 * Scripts are not run. A script that is exactly one of the known templates is
 * taken apart into keys and signatures, and everything that needs no curve is
 * checked; what remains is a list of signatures to verify. Any other script is
 * REASON_UNSUPPORTED_SCRIPT, never a guess.
 *
 * Thread: any. Memory: everything borrows from the input.
 */
#ifndef SCHEMAS_BITCOIN_SPEND_H
#define SCHEMAS_BITCOIN_SPEND_H

#include "schemas/bitcoin.h"

#define BITCOIN_KEYS_MAX 64     /* of one input */
#define BITCOIN_MULTISIG_MAX 20 /* of OP_CHECKMULTISIG */

/* How the message of a signature is made. */
enum bitcoin_message {
    BITCOIN_LEGACY,   /* before witnesses */
    BITCOIN_V0,       /* BIP 143 */
    BITCOIN_KEY,      /* BIP 341, by the key itself */
    BITCOIN_TAPSCRIPT /* BIP 342, by a script the key commits to */
};

struct bitcoin_spend {
    enum bitcoin_message message;
    /* OP_CHECKMULTISIG: signatures stand in the order of their keys, with
     * gaps. Otherwise signature i is of key i, and an empty one is none. */
    bool ordered;
    struct bytes keys[BITCOIN_KEYS_MAX];
    size_t keys_count;
    struct bytes signatures[BITCOIN_KEYS_MAX]; /* with their hash type */
    size_t signatures_count;
    struct bytes code;     /* what LEGACY and V0 sign as the script */
    uint8_t code_made[25]; /* of P2WPKH */
    struct bytes annex;    /* data NULL: none */
    struct bytes script;   /* TAPSCRIPT: the leaf, and the way to the key */
    struct bytes control;
    struct bytes output_key; /* TAPSCRIPT: 32 bytes */
    size_t checks;           /* of signatures and commitments, at most */
    size_t hashed;           /* bytes that LEGACY signatures cover */
};

/*
 * Looks at what `in` spends and with what. `rules` is 1 or 2.
 *
 * Returns REASON_NONE, or why this input is not verified whatever its
 * signatures say. `out` is not copied: it points into itself.
 */
enum reason bitcoin_spend(const struct bitcoin_transaction *t,
                          const struct bitcoin_input *in, int rules,
                          struct bitcoin_spend *out);

/*
 * The first signature of `in`, if it is a known template and has one of the
 * lengths that signatures have; else data NULL.
 */
struct bytes bitcoin_first_signature(const struct bitcoin_spend *s);

/*
 * The r and s of a strict DER signature, `der` being without its hash type.
 *
 * Returns REASON_NONE, or
 *   REASON_SIGNATURE_ENCODING   it is not strict DER (BIP 66)
 *   REASON_OUT_OF_RANGE         r or s is 0 or not below the order
 */
enum reason bitcoin_signature_read(struct bytes der, uint8_t out[64]);

/* Whether s of r and s is in the upper half. */
bool bitcoin_signature_high(const uint8_t signature[64]);

#endif
