/*
 * deploy/ctl/decode.c: takes a transaction apart for somebody to read.
 *
 * Rules are not asked: what decodes is described, also what no rule set would
 * take. Only who signed needs the curve, by the rule set that asks least. The
 * bytes themselves say of which form they are: none of one form parses as
 * another, since each is read to the last byte.
 *
 * From: tx decode.
 * To:   deploy/ctl/decode_ethereum.c, deploy/ctl/decode_solana.c,
 *       deploy/ctl/decode_bitcoin.c, deploy/ctl/decode_jws.c.
 */
#include "deploy/ctl/decode.h"

#include <stdio.h>

#include "deploy/ctl/decode_inside.h"
#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/bitcoin.h"
#include "schemas/json_writer.h"
#include "schemas/jws.h"

/* What has no name: Ethereum's words, unless it begins like a Solana one. */
static enum reason describe_nameless(const struct judge *judge,
                                     struct bytes raw, struct buffer *out,
                                     struct transaction_words *out_words)
{
    struct transaction_words words = {""};
    enum reason ethereum, solana;

    ethereum = decode_ethereum(judge, raw, out, out_words);
    if (ethereum == REASON_NONE)
        return REASON_NONE;
    solana = decode_solana(judge, raw, out, &words);
    if (solana != REASON_NONE && !decode_solana_is_likely(raw))
        return ethereum;
    *out_words = words;
    return solana;
}

enum reason decode_describe(const struct judge *judge, struct bytes raw,
                            struct buffer *out,
                            struct transaction_words *out_words)
{
    /* What names itself is not tried as anything else. */
    if (bitcoin_is_named(raw))
        return decode_bitcoin(judge, raw, out, out_words);
    if (jws_looks_like(raw))
        return decode_jws(judge, raw, out, out_words);
    return describe_nameless(judge, raw, out, out_words);
}

/* A number of up to 32 bytes as its decimal digits; longer ones as hex. */
void decode_number(struct json_writer *w, const char *name, struct bytes be)
{
    uint8_t amount[AMOUNT_BYTES];
    char text[AMOUNT_TEXT_MAX + 1];

    json_writer_name(w, name);
    if (amount_set(be, amount) < 0) {
        json_writer_hex(w, be);
        return;
    }
    amount_format(amount, text);
    json_writer_text(w, text);
}

void decode_whole(struct json_writer *w, const char *name, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    json_writer_name(w, name);
    json_writer_raw(w, bytes_text(text));
}

void decode_hex(struct json_writer *w, const char *name, struct bytes b)
{
    json_writer_name(w, name);
    json_writer_hex(w, b);
}

void decode_sender(struct json_writer *w, const struct verdict *v)
{
    decode_hex(w, "sender",
               v->verified ? transaction_sender(&v->tx) : BYTES_NONE);
    if (v->verified)
        return;
    json_writer_name(w, "why_no_sender");
    json_writer_text(w, reason_words(v->reason));
}
