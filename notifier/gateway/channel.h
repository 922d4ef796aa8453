/*
 * notifier/gateway/channel.h: the names of channels, each in one spelling.
 *
 *   transactions                       every result
 *   transaction:<chain>:<hash>         what happens to one transaction
 *   account:<address>                  what it sent or received, on any chain
 *   system                             what the gateway has to say
 *
 * Hex is lower case with 0x in the one spelling; clients may write any case. An
 * account of Solana may be written in base58, and so may its hashes.
 *
 * Thread: any. Pure.
 */
#ifndef NOTIFIER_GATEWAY_CHANNEL_H
#define NOTIFIER_GATEWAY_CHANNEL_H

#include "schemas/base/bytes.h"
#include "schemas/names.h"
#include "schemas/run.h"

#define CHANNEL_TRANSACTIONS NAMES_CHANNEL_TRANSACTIONS
#define CHANNEL_SYSTEM NAMES_CHANNEL_SYSTEM
#define CHANNEL_NAME_MAX 256

enum channel_kind {
    CHANNEL_KIND_TRANSACTIONS,
    CHANNEL_KIND_TRANSACTION,
    CHANNEL_KIND_ACCOUNT,
    CHANNEL_KIND_SYSTEM
};

struct channel {
    enum channel_kind kind;
    char name[CHANNEL_NAME_MAX + 1]; /* the one spelling */
    char chain[CHAIN_NAME_MAX + 1];  /* of a transaction */
    size_t value_at; /* where "0x…" of hash or address begins in `name` */
};

/*
 * Reads a name that a client wrote.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   there is no such channel.
 */
int channel_parse(struct bytes text, struct channel *out) MUST_CHECK;

/*
 * The channel-shaped name of a look-up by what people call the transaction: the
 * first signature of a Solana transaction, in hex or base58; a txid without 0x
 * of a Bitcoin one. Nothing is ever heard under such a name.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   the chain has no such names, or it is none.
 */
int channel_parse_alias(struct bytes chain, struct bytes alias,
                        struct channel *out) MUST_CHECK;

/* "0x…" of the hash or the address; empty for other channels. Borrowed. */
struct bytes channel_value(const struct channel *c);

/*
 * Spells the channel of a result's transaction or account, from the result's
 * own fields. Returns its length, 0 when the result has none.
 */
size_t channel_of_transaction(struct bytes chain, struct bytes hash,
                              char out[CHANNEL_NAME_MAX + 1]);
size_t channel_of_account(struct bytes address, char out[CHANNEL_NAME_MAX + 1]);

/* Whether a result belongs on the channel. */
bool channel_matches(const struct channel *c, const struct run_event *e);

#endif
