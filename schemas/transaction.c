/*
 * schemas/transaction.c: hands bytes to the decoder of their chain.
 *
 * To add a chain: write its decoder, and add its namespace to the switches here
 * and its newest rule set to schemas/chain.c.
 *
 * From: producer/submit.c (the door), verifier/judge.c.
 * To:   schemas/ethereum.c, schemas/jws.c, schemas/solana.c, schemas/bitcoin.c.
 */
#include "schemas/transaction.h"

#include <stdarg.h>
#include <stdio.h>

#include "schemas/base/fail.h"
#include "schemas/bitcoin.h"
#include "schemas/ethereum.h"
#include "schemas/jws.h"
#include "schemas/solana.h"

enum reason transaction_refuse(struct transaction_words *w, enum reason reason,
                               const char *format, ...)
{
    va_list args;

    if (w == NULL)
        return reason;
    va_start(args, format);
    vsnprintf(w->text, sizeof(w->text), format, args);
    va_end(args);
    return reason;
}

enum reason transaction_decode(const struct chain *chain, int rules,
                               struct bytes input, struct transaction *out,
                               struct transaction_words *out_words)
{
    *out = (struct transaction){.canonical = input};
    if (out_words != NULL)
        out_words->text[0] = '\0';
    switch (chain->ns) {
    case CHAIN_EIP155:
        return ethereum_decode(chain, rules, input, out, out_words);
    case CHAIN_JWS:
        return jws_decode(chain, rules, input, out, out_words);
    case CHAIN_SOLANA:
        return solana_decode(rules, input, out, out_words);
    case CHAIN_BIP122:
        return bitcoin_decode(rules, input, out, out_words);
    case CHAIN_NONE:
        break;
    }
    return transaction_refuse(out_words, REASON_UNSUPPORTED_CHAIN, "%s",
                              reason_words(REASON_UNSUPPORTED_CHAIN));
}

struct bytes transaction_sender(const struct transaction *t)
{
    if (t->sender_in.data != NULL)
        return t->sender_in;
    return bytes_of(t->sender, t->sender_count);
}

struct bytes transaction_recipient(const struct transaction *t)
{
    if (t->recipient_made_count > 0)
        return bytes_of(t->recipient_made, t->recipient_made_count);
    return t->recipient;
}

struct bytes transaction_signature(const struct transaction *t)
{
    if (t->signature_in.data != NULL)
        return t->signature_in;
    return bytes_of(t->signature, t->signature_count);
}

struct bytes transaction_alias(const struct transaction *t)
{
    if (t->alias_in.data != NULL || !t->has_alias)
        return t->alias_in;
    return bytes_of(t->alias, sizeof(t->alias));
}

struct bytes transaction_canonical(const struct transaction *t,
                                   struct buffer *room)
{
    if (!t->stripped)
        return t->canonical;
    buffer_clear(room);
    if (t->psbt) {
        bitcoin_append_stored(t->canonical, room);
    } else {
        buffer_append_byte(room, t->type);
        buffer_append_bytes(room, t->canonical);
    }
    CHECK(!room->overflow);
    return buffer_bytes(room);
}

void transaction_signing_hash(struct transaction *t)
{
    CHECK(t->signature_count > 0);
    ethereum_sign_transaction(t);
}

int transaction_chain(struct bytes input, bool *out_has, struct chain *out)
{
    if (jws_looks_like(input)) {
        *out_has = true;
        return chain_parse(BYTES_LITERAL("jws"), out);
    }
    if (bitcoin_is_named(input)) {
        *out_has = false; /* a network, but nobody says which */
        return 0;
    }
    return ethereum_chain(input, out_has, out);
}
