/*
 * deploy/ctl/decode_jws.c: takes a signed payment apart for somebody to read.
 *
 * Without recipient and amount there is nothing to describe, so here the rules
 * are asked, all but the signature.
 *
 * From: deploy/ctl/decode.c.
 * To:   deploy/ctl/decode_inside.h, for the members.
 */
#include "deploy/ctl/decode_inside.h"
#include "schemas/base/fail.h"
#include "schemas/base64url.h"
#include "schemas/jws.h"

static void text(struct json_writer *w, const char *name, const char *value)
{
    json_writer_name(w, name);
    json_writer_text(w, value);
}

enum reason decode_jws(const struct judge *judge, struct bytes raw,
                       struct buffer *out, struct transaction_words *out_words)
{
    char thumbprint[BASE64URL_CHARACTERS(32) + 1];
    struct transaction t;
    struct json_writer w;
    struct chain chain;
    struct verdict v;
    enum reason reason;

    CHECK(chain_parse(BYTES_LITERAL("jws"), &chain) == 0);
    reason = transaction_decode(&chain, 1, raw, &t, out_words);
    if (reason != REASON_NONE)
        return reason;
    judge_payload(judge, &chain, 1, raw, &v);
    base64url_encode(bytes_of(t.sender, sizeof(t.sender)), thumbprint);
    json_writer_init(&w, out);
    json_writer_object(&w);
    text(&w, "form", raw.data[0] == '{' ? "jws flattened" : "jws compact");
    text(&w, "chain", chain.name);
    decode_hex(&w, "hash", bytes_of(t.id, sizeof(t.id)));
    text(&w, "algorithm",
         t.in.jws.algorithm == TRANSACTION_ES256K ? "ES256K" : "Ed25519");
    text(&w, "thumbprint", thumbprint);
    decode_sender(&w, &v);
    json_writer_name(&w, "recipient");
    json_writer_bytes(&w, transaction_recipient(&t));
    decode_number(&w, "amount", bytes_of(t.amount, sizeof(t.amount)));
    text(&w, "currency", t.currency[0] == '\0' ? NULL : t.currency);
    if (t.has_nonce)
        decode_whole(&w, "nonce", t.nonce);
    else
        text(&w, "nonce", NULL);
    decode_hex(&w, "signature", transaction_signature(&t));
    decode_whole(&w, "bytes", raw.count);
    json_writer_end(&w);
    return REASON_NONE;
}
