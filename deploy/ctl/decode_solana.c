/*
 * deploy/ctl/decode_solana.c: takes a Solana transaction apart for somebody to
 * read, with keys as its people write them.
 *
 * From: deploy/ctl/decode.c.
 * To:   deploy/ctl/decode_inside.h, for the members.
 */
#include "deploy/ctl/decode_inside.h"
#include "schemas/base/fail.h"
#include "schemas/base58.h"
#include "schemas/solana.h"

#define RULES_LEAST 1
#define SIGNATURES_MAX 12 /* with their keys, in a packet */

bool decode_solana_is_likely(struct bytes raw)
{
    size_t count = raw.count > 0 ? raw.data[0] : 0;
    size_t message = 1 + count * SOLANA_SIGNATURE_BYTES;

    if (count == 0 || count > SIGNATURES_MAX || raw.count < message + 2)
        return false;
    if (raw.data[message] == SOLANA_TYPE_V0)
        message++;
    return raw.data[message] == count;
}

static void text58(struct json_writer *w, const char *name, struct bytes b)
{
    char text[BASE58_TEXT_BYTES(SOLANA_SIGNATURE_BYTES)];

    json_writer_name(w, name);
    if (b.data == NULL) {
        json_writer_null(w);
        return;
    }
    base58_encode(b, text);
    json_writer_text(w, text);
}

static void who(struct json_writer *w, const struct solana_parts *p,
                const struct verdict *v)
{
    text58(w, "signature",
           p->signature_count > 0
               ? bytes_slice(p->signatures, 0, SOLANA_SIGNATURE_BYTES)
               : BYTES_NONE);
    decode_whole(w, "signatures", p->signature_count);
    text58(w, "sender", v->verified ? transaction_sender(&v->tx) : BYTES_NONE);
    if (v->verified)
        return;
    json_writer_name(w, "why_no_sender");
    json_writer_text(w, reason_words(v->reason));
}

/* Parts that contradict each other name no recipient. */
static void payment(struct json_writer *w, const struct verdict *v)
{
    text58(w, "recipient", transaction_recipient(&v->tx));
    decode_number(w, "lamports", bytes_of(v->tx.amount, sizeof(v->tx.amount)));
}

static uint64_t looked_up(const struct solana_parts *p)
{
    struct bytes rest = p->lookups;
    struct solana_lookup l;
    uint64_t count = 0;

    while (solana_next_lookup(&rest, &l))
        count += l.writable.count + l.readonly.count;
    return count;
}

enum reason decode_solana(const struct judge *judge, struct bytes raw,
                          struct buffer *out,
                          struct transaction_words *out_words)
{
    struct solana_parts p;
    struct json_writer w;
    struct chain chain;
    struct verdict v;
    enum reason reason = solana_parse(raw, &p, out_words);

    if (reason != REASON_NONE)
        return reason;
    CHECK(chain_parse(BYTES_LITERAL("solana:any"), &chain) == 0);
    judge_payload(judge, &chain, RULES_LEAST, raw, &v);
    json_writer_init(&w, out);
    json_writer_object(&w);
    decode_whole(&w, "type", p.type);
    json_writer_name(&w, "form");
    json_writer_text(&w, p.type == SOLANA_TYPE_V0 ? "solana version 0"
                                                  : "solana legacy");
    json_writer_name(&w, "chain");
    json_writer_null(&w);
    decode_hex(&w, "hash", v.tx.has_id ? bytes_of(v.tx.id, 32) : BYTES_NONE);
    who(&w, &p, &v);
    payment(&w, &v);
    text58(&w, "blockhash", p.blockhash);
    decode_whole(&w, "keys", p.key_count);
    decode_whole(&w, "instructions", p.instruction_count);
    decode_whole(&w, "tables", p.lookup_count);
    decode_whole(&w, "looked_up", looked_up(&p));
    decode_whole(&w, "bytes", raw.count);
    json_writer_end(&w);
    return REASON_NONE;
}
