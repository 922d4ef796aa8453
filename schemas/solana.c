/*
 * schemas/solana.c: from bytes to id, rules, and who pays whom.
 *
 *   02000000 00ca9a3b00000000     to accounts[1], 1000000000 lamports
 *   '------' '--------------'
 *   Transfer     lamports         little-endian, of the System Program
 *
 * From: schemas/transaction.c.
 * To:   schemas/solana_parse.c, schemas/solana_rules.c, schemas/hash.h.
 */
#include "schemas/solana.h"

#include <string.h>

#include "schemas/amount.h"
#include "schemas/hash.h"

#define TRANSFER 2           /* SystemInstruction::Transfer */
#define TRANSFER_BYTES 12    /* what is behind them the program ignores */
#define TRANSFER_RECIPIENT 1 /* place in its accounts */

/* Base58 "11111111111111111111111111111111". */
static const uint8_t system_program[SOLANA_KEY_BYTES];

static uint64_t get_little_endian(const uint8_t *at, int bytes)
{
    uint64_t value = 0;

    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static struct bytes key_at(const struct solana_parts *p, size_t index)
{
    return bytes_slice(p->keys, index * SOLANA_KEY_BYTES, SOLANA_KEY_BYTES);
}

static bool is_transfer(const struct solana_parts *p,
                        const struct solana_instruction *i)
{
    return i->data.count >= TRANSFER_BYTES &&
           get_little_endian(i->data.data, 4) == TRANSFER &&
           i->accounts.count > TRANSFER_RECIPIENT &&
           memcmp(key_at(p, i->program).data, system_program,
                  SOLANA_KEY_BYTES) == 0;
}

bool solana_transfer(const struct solana_parts *p, struct bytes *out_recipient,
                     uint64_t *out_lamports)
{
    struct bytes rest = p->instructions;
    struct solana_instruction i;

    while (solana_next_instruction(&rest, &i)) {
        size_t to;

        if (!is_transfer(p, &i))
            continue;
        to = i.accounts.data[TRANSFER_RECIPIENT];
        *out_recipient = to < p->key_count ? key_at(p, to) : BYTES_NONE;
        *out_lamports = get_little_endian(i.data.data + 4, 8);
        return true;
    }
    return false;
}

/* What can be said of anything that parses. */
static void describe(const struct solana_parts *p, struct transaction *out)
{
    out->type = p->type;
    out->has_id = true;
    out->id_covers_all = false; /* it does not cover the signatures */
    hash_sha256(p->message, out->id);
    if (p->key_count > 0)
        out->sender_in = key_at(p, 0);
    if (p->signature_count > 0)
        out->signature_in = out->alias_in =
            bytes_slice(p->signatures, 0, SOLANA_SIGNATURE_BYTES);
}

static void describe_transfer(const struct solana_parts *p,
                              struct transaction *out)
{
    uint64_t lamports;

    if (solana_transfer(p, &out->recipient, &lamports))
        bytes_put_be64(out->amount + AMOUNT_BYTES - 8, lamports);
}

enum reason solana_decode(int rules, struct bytes input,
                          struct transaction *out,
                          struct transaction_words *out_words)
{
    struct solana_parts p;
    enum reason reason;

    CHECK(rules == 1);
    if (input.count == 0)
        return transaction_refuse(out_words, REASON_EMPTY,
                                  "io error: failed to fill whole buffer");
    if (input.count > SOLANA_BYTES_MAX)
        return transaction_refuse(out_words, REASON_TOO_LARGE,
                                  "too large: %zu bytes (max: %d bytes)",
                                  input.count, SOLANA_BYTES_MAX);
    reason = solana_parse(input, &p, out_words);
    if (reason != REASON_NONE)
        return reason;
    describe(&p, out);
    reason = solana_rules(&p, out_words);
    if (reason == REASON_NONE)
        describe_transfer(&p, out);
    return reason;
}
