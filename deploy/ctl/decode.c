/*
 * deploy/ctl/decode.c: takes a transaction apart for somebody to read.
 *
 * Rules are not asked: what decodes is described, also what no rule set would
 * take. Only the sender needs the curve, by the rule set that asks least.
 *
 * From: tx decode.
 * To:   standard output.
 */
#include "deploy/ctl/decode.h"

#include <stdio.h>
#include <string.h>

#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/ethereum.h"
#include "schemas/json_writer.h"

#define RULES_LEAST 3 /* all types, encoding and signature alone */
#define SELECTOR_BYTES 4

static const char *const types[] = {"legacy", "access list", "dynamic fee",
                                    "blob", "set code"};

/* A number of up to 32 bytes as its decimal digits; longer ones as hex. */
static void number(struct json_writer *w, const char *name, struct bytes be)
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

static void whole(struct json_writer *w, const char *name, uint64_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    json_writer_name(w, name);
    json_writer_raw(w, bytes_text(text));
}

static void hex(struct json_writer *w, const char *name, struct bytes b)
{
    json_writer_name(w, name);
    json_writer_hex(w, b);
}

/* The chain the bytes name: its name, or NULL. */
static const char *chain_of(const struct ethereum_fields *f,
                            struct chain *chain, uint8_t *out_parity)
{
    uint8_t id[32];

    if (!ethereum_chain_id(f, id, out_parity))
        return NULL;
    if (chain_eip155(bytes_of(id, sizeof(id)), chain) < 0)
        return "an eip155 chain id too long for a name";
    return chain->name;
}

static void prices(struct json_writer *w, const struct ethereum_fields *f)
{
    number(w, f->type >= 2 ? "max_fee" : "gas_price", f->price);
    if (f->type >= 2)
        number(w, "max_tip", f->tip);
    if (f->type == 3)
        number(w, "max_blob_fee", f->blob_price);
}

static void data(struct json_writer *w, const struct ethereum_fields *f)
{
    whole(w, "data_bytes", f->data.count);
    if (f->data.count >= SELECTOR_BYTES && f->to.count > 0)
        hex(w, "selector", bytes_slice(f->data, 0, SELECTOR_BYTES));
    if (f->type == 0)
        return;
    whole(w, "access_addresses", f->access_addresses);
    whole(w, "access_keys", f->access_keys);
    if (f->type == 3)
        whole(w, "blobs", f->blob_count);
    if (f->type == 4)
        whole(w, "authorizations", f->authorization_count);
}

static void sender(struct json_writer *w, const struct verdict *v)
{
    hex(w, "sender",
        v->verified ? bytes_of(v->tx.sender, v->tx.sender_count) : BYTES_NONE);
    if (v->verified)
        return;
    json_writer_name(w, "why_no_sender");
    json_writer_text(w, reason_words(v->reason));
}

enum reason decode_describe(const struct judge *judge, struct bytes raw,
                            struct buffer *out,
                            struct transaction_words *out_words)
{
    struct ethereum_fields f;
    struct json_writer w;
    struct chain chain;
    struct verdict v;
    uint8_t parity = 255;
    const char *name;
    enum reason reason = ethereum_parse(raw, &f, out_words);

    if (reason != REASON_NONE)
        return reason;
    CHECK(chain_parse(BYTES_LITERAL("eip155:1"), &chain) == 0);
    name = chain_of(&f, &chain, &parity);
    judge_payload(judge, &chain, RULES_LEAST, raw, &v);
    json_writer_init(&w, out);
    json_writer_object(&w);
    whole(&w, "type", f.type);
    json_writer_name(&w, "form");
    json_writer_text(&w, types[f.type]);
    json_writer_name(&w, "chain");
    json_writer_text(&w, name);
    hex(&w, "hash", bytes_of(v.tx.id, sizeof(v.tx.id)));
    sender(&w, &v);
    whole(&w, "nonce", f.nonce);
    hex(&w, "to", f.to.count > 0 ? f.to : BYTES_NONE);
    number(&w, "value", f.value);
    whole(&w, "gas", f.gas);
    prices(&w, &f);
    data(&w, &f);
    hex(&w, "r", f.r);
    hex(&w, "s", f.s);
    json_writer_name(&w, "y_parity");
    if (parity == 255)
        json_writer_null(&w);
    else
        json_writer_int(&w, parity);
    whole(&w, "bytes", raw.count);
    json_writer_end(&w);
    return REASON_NONE;
}
