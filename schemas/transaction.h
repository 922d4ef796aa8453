/*
 * schemas/transaction.h: a decoded transaction, whatever its chain.
 *
 * Decoding answers everything that can be known without a curve: is the
 * encoding the one true one, what is the id, do the rules of this set hold.
 * The door asks it before it stores, the judge asks it again before it
 * recovers the signer; both get the same answer, because only chain, rule set
 * and bytes take part in it.
 *
 *   f8 6b 09 85.. 82.. 94.. 88.. 80 25 a0.. a0..
 *   '---------- signed fields ------' v  r    s     id = keccak256(all)
 *
 * Chains differ in what stands in the input as it is and what has to be put
 * together; sender, recipient and signature are therefore read by their
 * functions below.
 *
 * Thread: any. Memory: a decoded transaction borrows from its input.
 */
#ifndef SCHEMAS_TRANSACTION_H
#define SCHEMAS_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/chain.h"
#include "schemas/reason.h"

#define TRANSACTION_BYTES_MAX 131072 /* one transaction, as it is stored */
#define TRANSACTION_PARTY_MAX                                                  \
    96                              /* bytes of a sender or recipient: what a  \
                                       channel's name and an index take */
#define TRANSACTION_CURRENCY_MAX 32 /* bytes of printable ASCII */
#define TRANSACTION_ALIAS_MAX 64    /* of another name */

/* How a signature is made, where a chain lets the signer choose. */
enum transaction_algorithm { TRANSACTION_ES256K, TRANSACTION_ED25519 };

struct transaction {
    uint8_t id[32];         /* the hash; set when has_id */
    bool has_id;            /* decoded far enough to have one */
    bool id_covers_all;     /* every byte judged is under the id, so that a
                               rejection may be found by it */
    struct bytes canonical; /* what is stored; borrowed. Read it with
                               transaction_canonical() */
    uint8_t sender[32];     /* set by the judge */
    uint8_t sender_count;   /* bytes of it; 0 until it is known */
    struct bytes sender_in; /* or where it stands in the input */
    struct bytes recipient; /* in the input; data NULL: contract creation */
    uint8_t recipient_made[TRANSACTION_PARTY_MAX]; /* or it had to be decoded */
    uint8_t recipient_made_count;
    uint8_t amount[32];                          /* smallest unit, big-endian */
    char currency[TRANSACTION_CURRENCY_MAX + 1]; /* what the amount counts;
                                                    "" when it is not said */
    bool has_nonce;
    uint64_t nonce;
    uint8_t signature[65];     /* eip155: r, s, y parity */
    uint8_t signature_count;   /* bytes of it; 0 until range-checked */
    struct bytes signature_in; /* or where it stands in the input */
    bool has_alias;
    uint8_t alias[32];           /* another name that people ask for: a txid */
    struct bytes alias_in;       /* or where it stands in the input */
    uint8_t signing_hash[32];    /* set by transaction_signing_hash() */
    uint8_t parity;              /* 0 or 1, for recovery */
    bool has_chain_id;           /* the bytes themselves name a chain */
    struct chain chain_in_bytes; /* it; name "" when it is too big to name */
    uint8_t type;                /* eip155: 0 legacy .. 4; solana: 0 legacy,
                                    or the version byte */
    bool stripped;               /* what was judged is not what is stored: a
                                    network form with its blobs (`canonical`
                                    then lacks the type byte before it), or a
                                    PSBT */
    bool psbt;                   /* bip122: the input is one */
    struct bytes signed_fields;  /* RLP items under the signature; borrowed */
    uint8_t chain_id[32];        /* big-endian; meaningful when has_chain_id */
    /* What only the decoder of the chain and the judge of it know: reading it
     * twice would cost a tenth of a verdict. */
    union {
        struct {
            struct bytes header;  /* what is signed: this, */
            struct bytes payload; /* a dot, and this; in the input */
            enum transaction_algorithm algorithm;
            uint8_t key[64]; /* x and y; of Ed25519 32 bytes */
        } jws;
        struct {
            struct bytes spent; /* the script of the first input's prevout */
        } bitcoin;
    } in;
};

/*
 * The party that signed: an address, a public key, a script. Empty until the
 * judge knows it. At most TRANSACTION_PARTY_MAX bytes.
 */
struct bytes transaction_sender(const struct transaction *t);

/* Who gets the amount; data NULL: nobody. TRANSACTION_PARTY_MAX bytes. */
struct bytes transaction_recipient(const struct transaction *t);

/* The signature, or the first of several. Empty until it is checked. */
struct bytes transaction_signature(const struct transaction *t);

/*
 * The other name under which people ask for it, where its chain has one: a
 * txid, a first signature; data NULL: none. TRANSACTION_ALIAS_MAX bytes.
 */
struct bytes transaction_alias(const struct transaction *t);

/* A refusal in the words of a node, which wallets match on. */
#define TRANSACTION_WORDS_MAX 191
struct transaction_words {
    char text[TRANSACTION_WORDS_MAX + 1]; /* "" when nothing is refused */
};

/*
 * For decoders: sets the words, unless `w` is NULL, and returns `reason`. Words
 * that do not fit are cut.
 */
enum reason transaction_refuse(struct transaction_words *w, enum reason reason,
                               const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Decodes `input` and checks everything of rule set `rules` of `chain` that
 * needs no curve. `rules` is 1..chain_rules_newest(chain->ns).
 *
 * Returns REASON_NONE, or why it is refused; `out` is then filled as far as it
 * got (has_id says whether there is an id). `input` outlives `out`.
 * `out_words` may be NULL.
 */
enum reason transaction_decode(const struct chain *chain, int rules,
                               struct bytes input, struct transaction *out,
                               struct transaction_words *out_words);

/*
 * The bytes of `t` that are stored, and that a record should hold: the input,
 * or what is left of a network form without its blobs, or the extended form of
 * a PSBT. Those are put together in `room`, which has a limit of
 * TRANSACTION_BYTES_MAX at least; what it held is gone. Borrowed from the input
 * or from `room`.
 */
struct bytes transaction_canonical(const struct transaction *t,
                                   struct buffer *room);

/*
 * Sets t->signing_hash, the hash the sender signed. `t` is of a chain of the
 * namespace `eip155` and was decoded with REASON_NONE.
 */
void transaction_signing_hash(struct transaction *t);

/*
 * Which chain do these bytes name? For a door that serves several. `out_has`
 * false: they name none (a legacy transaction without chain id).
 *
 * Returns 0, or
 *   FAIL_MALFORMED   they do not decode; transaction_decode() of any chain
 *                    says why
 *   FAIL_TOO_BIG     they name a chain whose id does not fit a name: nobody
 *                    serves it
 */
int transaction_chain(struct bytes input, bool *out_has,
                      struct chain *out) MUST_CHECK;

#endif
