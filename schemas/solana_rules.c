/*
 * schemas/solana_rules.c: do the parts of a transaction agree with each other?
 *
 * These are the checks of the runtime that need no account: its transactions
 * call them sanitize(), and what comes after them there relies on them.
 *
 *   keys   [ payer  signs  signs | signs, readonly | other | other, readonly ]
 *            '------ required ------------------'            '-- readonly --'
 *                             '-- readonly --'               '-- unsigned --'
 *                             '--  signed  --'
 *
 * From: schemas/solana.c, with parts that parsed.
 * To:   schemas/transaction.h, for the words.
 */
#include <string.h>

#include "schemas/solana.h"

static enum reason check_header(const struct solana_parts *p,
                                struct transaction_words *w)
{
    if (p->required + p->readonly_unsigned > p->key_count)
        return transaction_refuse(w, REASON_INCONSISTENT,
                                  "%d keys sign, %d are readonly, of %zu",
                                  p->required, p->readonly_unsigned,
                                  p->key_count);
    if (p->readonly_signed >= p->required)
        return transaction_refuse(w, REASON_INCONSISTENT,
                                  "of %d keys that sign %d are readonly, and "
                                  "none can pay",
                                  p->required, p->readonly_signed);
    if (p->signature_count != p->required)
        return transaction_refuse(w, REASON_INCONSISTENT,
                                  "%zu signatures, and %d keys that sign",
                                  p->signature_count, p->required);
    return REASON_NONE;
}

/* Counts the accounts that are looked up, each table at least once used. */
static enum reason check_lookups(const struct solana_parts *p,
                                 size_t *out_accounts,
                                 struct transaction_words *w)
{
    struct bytes rest = p->lookups;
    struct solana_lookup l;
    size_t accounts = p->key_count;

    while (solana_next_lookup(&rest, &l)) {
        if (l.writable.count + l.readonly.count == 0)
            return transaction_refuse(w, REASON_INCONSISTENT,
                                      "a lookup table of which no account is "
                                      "looked up");
        accounts += l.writable.count + l.readonly.count;
    }
    if (accounts > SOLANA_ACCOUNTS_MAX)
        return transaction_refuse(w, REASON_INCONSISTENT,
                                  "%zu accounts, limit %d", accounts,
                                  SOLANA_ACCOUNTS_MAX);
    *out_accounts = accounts;
    return REASON_NONE;
}

static enum reason check_instruction(const struct solana_parts *p,
                                     const struct solana_instruction *i,
                                     size_t place, size_t accounts,
                                     struct transaction_words *w)
{
    if (i->program == 0)
        return transaction_refuse(w, REASON_INCONSISTENT,
                                  "instruction %zu: the fee payer is no "
                                  "program",
                                  place);
    if (i->program >= p->key_count)
        return transaction_refuse(w, REASON_INCONSISTENT,
                                  "instruction %zu: program %d of %zu keys",
                                  place, i->program, p->key_count);
    for (size_t k = 0; k < i->accounts.count; k++) {
        if (i->accounts.data[k] >= accounts)
            return transaction_refuse(w, REASON_INCONSISTENT,
                                      "instruction %zu: account %d of %zu",
                                      place, i->accounts.data[k], accounts);
    }
    return REASON_NONE;
}

static enum reason check_instructions(const struct solana_parts *p,
                                      size_t accounts,
                                      struct transaction_words *w)
{
    struct bytes rest = p->instructions;
    struct solana_instruction i;
    enum reason reason = REASON_NONE;

    for (size_t n = 0; reason == REASON_NONE; n++) {
        if (!solana_next_instruction(&rest, &i))
            break;
        reason = check_instruction(p, &i, n, accounts, w);
    }
    return reason;
}

/* A packet has room for 37 keys: comparing all pairs costs less than a sort. */
static enum reason check_twice(const struct solana_parts *p,
                               struct transaction_words *w)
{
    for (size_t i = 1; i < p->key_count; i++) {
        const uint8_t *key = p->keys.data + i * SOLANA_KEY_BYTES;

        for (size_t k = 0; k < i; k++) {
            if (memcmp(key, p->keys.data + k * SOLANA_KEY_BYTES,
                       SOLANA_KEY_BYTES) == 0)
                return transaction_refuse(w, REASON_DUPLICATE_KEY,
                                          "keys %zu and %zu are the same", k,
                                          i);
        }
    }
    return REASON_NONE;
}

enum reason solana_rules(const struct solana_parts *p,
                         struct transaction_words *out_words)
{
    size_t accounts = 0;
    enum reason reason = check_header(p, out_words);

    if (reason == REASON_NONE)
        reason = check_lookups(p, &accounts, out_words);
    if (reason == REASON_NONE)
        reason = check_instructions(p, accounts, out_words);
    if (reason == REASON_NONE)
        reason = check_twice(p, out_words);
    return reason;
}
