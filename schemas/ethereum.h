/*
 * schemas/ethereum.h: Ethereum transactions of types 0 to 4.
 *
 *   legacy  rlp[nonce, gasPrice, gas, to, value, data, v, r, s]
 *   1       01 rlp[chainId, nonce, gasPrice, gas, to, value, data, accessList,
 *                  yParity, r, s]
 *   2       02 rlp[chainId, nonce, tip, maxFee, gas, to, value, data,
 *                  accessList, yParity, r, s]
 *   3       03 rlp[chainId, nonce, tip, maxFee, gas, to, value, data,
 *                  accessList, maxBlobFee, blobHashes, yParity, r, s]
 *   4       04 rlp[chainId, nonce, tip, maxFee, gas, to, value, data,
 *                  accessList, authorizations, yParity, r, s]
 *
 * Blobs travel beside a type 3 transaction, in its network form. They are no
 * part of it: id, signature and what is stored are of the form above, which is
 * called the consensus form. `body` is its list.
 *
 *   version 0   03 rlp[body, blobs, commitments, proofs]
 *   version 1   03 rlp[body, 01, blobs, commitments, cellProofs]
 *
 * Stages use schemas/transaction.h; this is what stands behind it for
 * `eip155`, and what a generator of transactions builds from.
 *
 * Thread: any. Memory: fields borrow from the input.
 */
#ifndef SCHEMAS_ETHEREUM_H
#define SCHEMAS_ETHEREUM_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/transaction.h"

/* Integers are big-endian without leading zeros; zero has no bytes. */
struct ethereum_fields {
    uint8_t type; /* 0 legacy .. 4 */
    uint64_t nonce;
    uint64_t gas;          /* limit */
    struct bytes chain_id; /* types 1 to 4 */
    struct bytes price;    /* gas price; types 2 to 4: maximum fee */
    struct bytes tip;      /* types 2 to 4: maximum priority fee */
    struct bytes to;       /* 20 bytes; none: contract creation */
    struct bytes value;
    struct bytes data;
    struct bytes access_list; /* the RLP items inside the list */
    size_t access_addresses;  /* in it; set by ethereum_parse() */
    size_t access_keys;
    struct bytes blob_price;     /* type 3: maximum fee per blob gas */
    struct bytes blob_hashes;    /* type 3: the RLP items inside the list */
    size_t blob_count;           /* of them; set by ethereum_parse() */
    struct bytes authorizations; /* type 4: the RLP items inside the list */
    size_t authorization_count;  /* of them; set by ethereum_parse() */
    struct bytes v;              /* types 1 to 4: y parity */
    struct bytes r;
    struct bytes s;
    struct bytes signed_fields; /* the RLP items under the signature */

    bool network; /* type 3 in network form: the rest is set */
    struct ethereum_sidecar {
        uint64_t version; /* 0 or 1 */
        struct bytes blobs, commitments,
            proofs; /* RLP items inside the lists */
        size_t blob_count, commitment_count, proof_count; /* set by parse */
    } sidecar;
    struct bytes body; /* its list, with prefix; set by ethereum_parse() */
};

#define ETHEREUM_TYPE_MAX 4
#define ETHEREUM_NETWORK_BYTES_MAX (1 << 20) /* of a network form */
#define ETHEREUM_BLOB_BYTES 131072
#define ETHEREUM_COMMITMENT_BYTES 48
#define ETHEREUM_PROOF_BYTES 48
#define ETHEREUM_CELL_PROOFS 128 /* of one blob, in version 1 */

/*
 * Takes `input` apart: exactly one transaction in its one encoding. Numbers
 * other than nonce and gas may be of any length in types 0, 1 and 2; the rules
 * bound them. A network form has the shape above, but what it brings is
 * compared with nothing here.
 *
 * Returns REASON_NONE, or why not, in geth's words; `out` is then undefined.
 */
enum reason ethereum_parse(struct bytes input, struct ethereum_fields *out,
                           struct transaction_words *out_words);

/*
 * The largest type of transaction that rule set `rules` knows.
 */
uint8_t ethereum_type_max(int rules);

/*
 * Checks the rules of set `rules` that need no curve, and fills what `out`
 * says about chain, amount, nonce and signature. The fields are of a type that
 * the set knows.
 */
enum reason ethereum_rules(const struct chain *chain, int rules,
                           const struct ethereum_fields *f,
                           struct transaction *out,
                           struct transaction_words *out_words);

/*
 * The chain id the fields name, 32 bytes big-endian; false: none, or `v` is
 * none that a legacy transaction may have. `out_parity` is 0 or 1, or 255 when
 * the form does not allow it.
 */
bool ethereum_chain_id(const struct ethereum_fields *f, uint8_t out[32],
                       uint8_t *out_parity);

/* Behind transaction_decode(), _signing_hash() and _chain(). */
enum reason ethereum_decode(const struct chain *chain, int rules,
                            struct bytes input, struct transaction *out,
                            struct transaction_words *out_words);
void ethereum_sign_transaction(struct transaction *t);
int ethereum_chain(struct bytes input, bool *out_has,
                   struct chain *out) MUST_CHECK;

/*
 * The hash that the sender signs. `chain_id` (big-endian) is for protected
 * legacy transactions only: for types 1 to 4 it is among `signed_fields`,
 * unprotected ones have none; data NULL then.
 */
void ethereum_signing_hash(uint8_t type, struct bytes signed_fields,
                           struct bytes chain_id, uint8_t out[32]);

/* Appends the RLP items under the signature, without list around them. */
void ethereum_append_signed_fields(const struct ethereum_fields *f,
                                   struct buffer *out);

/*
 * Appends the whole transaction, in network form if `f->network`; the buffer
 * marks an overflow.
 */
void ethereum_encode(const struct ethereum_fields *f, struct buffer *out);

#endif
