/*
 * schemas/bitcoin.h: a Bitcoin transaction and what its inputs spend.
 *
 * A signature of Bitcoin covers more than the transaction: the scripts that
 * are spent, and in newer inputs their amounts. What is judged is therefore
 * the extended form, the transaction with the spent outputs behind it:
 *
 *   62 74 78 01 | 02 00 00 00 .. 00 00 00 00 | e8 03 .. 16 00 14 .. | ...
 *   '- magic --'  '------ transaction -----'   '- spent by input 0-'
 *
 * A PSBT says the same in other words; it is turned into the extended form
 * (schemas/psbt.h), which is what is stored.
 *
 * The id is the wtxid as people write it, bytes reversed. It does not cover
 * the spent outputs, which anybody may state as he likes: a verdict holds
 * against the stated ones.
 *
 * Thread: any. Memory: everything borrows from the input.
 */
#ifndef SCHEMAS_BITCOIN_H
#define SCHEMAS_BITCOIN_H

#include "schemas/transaction.h"

#define BITCOIN_MAGIC "btx\x01"
#define BITCOIN_MAGIC_BYTES 4
#define BITCOIN_MONEY_MAX 2100000000000000 /* satoshi there can ever be */
#define BITCOIN_CHECKS_MAX 1200            /* of signatures and commitments */
#define BITCOIN_HASHED_MAX (24 << 20)      /* bytes under old signatures */
/* Inputs of the extended form: 41 bytes, and 9 of what each spends. */
#define BITCOIN_INPUTS_MAX (TRANSACTION_BYTES_MAX / 50)
/* What an old signature covers: the transaction and one script at most. */
#define BITCOIN_PREIMAGE_MAX (TRANSACTION_BYTES_MAX + 16384)

/* A transaction taken apart; all parts lie in the input. */
struct bitcoin_transaction {
    struct bytes raw;       /* as in a block, with witnesses */
    struct bytes version;   /* 4 bytes */
    struct bytes inputs;    /* with the count before them */
    struct bytes outputs;   /* the same */
    struct bytes locktime;  /* 4 bytes */
    struct bytes witnesses; /* data NULL: the form without witnesses */
    struct bytes prevouts;  /* data NULL: they are not stated */
    size_t inputs_count;
    size_t outputs_count;
    size_t bare_count; /* bytes, without witnesses, every script empty */
};

struct bitcoin_output {
    uint64_t value;      /* satoshi, as signed by nobody yet: any number */
    struct bytes script; /* scriptPubKey */
    struct bytes raw;    /* both, as serialized */
};

struct bitcoin_input {
    size_t index;
    struct bytes outpoint;       /* 36 bytes */
    struct bytes script;         /* scriptSig */
    struct bytes sequence;       /* 4 bytes */
    size_t witness_count;        /* items */
    struct bytes witness;        /* them, each with its length before it */
    struct bitcoin_output spent; /* zero when prevouts are not stated */
};

/* A place among inputs and what belongs to each. */
struct bitcoin_walk {
    struct bytes inputs, witnesses, prevouts;
    size_t index, count;
};

/*
 * The decoder of namespace `bip122`, for transaction_decode(): `out` is new.
 * Takes the extended form and PSBT.
 */
enum reason bitcoin_decode(int rules, struct bytes input,
                           struct transaction *out,
                           struct transaction_words *out_words);

/* Whether these bytes say that they are of this namespace. */
bool bitcoin_is_named(struct bytes input);

/*
 * Takes the extended form apart. REASON_NONE, or why not; words as in
 * transaction_decode().
 */
enum reason bitcoin_parse(struct bytes extended,
                          struct bitcoin_transaction *out,
                          struct transaction_words *out_words);

/*
 * Takes a transaction apart that stands at the front of `rest`, and moves
 * `rest` behind it; nothing is said of what it spends.
 */
enum reason bitcoin_parse_transaction(struct bytes *rest,
                                      struct bitcoin_transaction *out);

/* The txid and the wtxid, in the order people write. */
void bitcoin_txid(const struct bitcoin_transaction *t, uint8_t out[32]);
void bitcoin_wtxid(const struct bitcoin_transaction *t, uint8_t out[32]);

/*
 * The txid of what a door was sent, in either form, for its answer. Returns 0,
 * or FAIL_MALFORMED.
 */
int bitcoin_txid_of(struct bytes input, uint8_t out[32]) MUST_CHECK;

/* From the first input on; bitcoin_next_input() is false behind the last. */
void bitcoin_walk_inputs(const struct bitcoin_transaction *t,
                         struct bitcoin_walk *out);
bool bitcoin_next_input(struct bitcoin_walk *w, struct bitcoin_input *out);

/* Output `index`; false: there is none. */
bool bitcoin_output_at(const struct bitcoin_transaction *t, size_t index,
                       struct bitcoin_output *out);

/* Makes the scriptPubKey of the first spent output the sender of what decoded.
 */
void bitcoin_set_sender(struct transaction *t);

/* Appends the extended form of a PSBT that decoded as far as its id. */
void bitcoin_append_stored(struct bytes psbt, struct buffer *out);

#endif
