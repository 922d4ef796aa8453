/*
 * deploy/ctl/decode_ethereum.c: takes an Ethereum transaction apart for
 * somebody to read.
 *
 * From: deploy/ctl/decode.c.
 * To:   deploy/ctl/decode_inside.h, for the members.
 */
#include "deploy/ctl/decode_inside.h"
#include "schemas/base/fail.h"
#include "schemas/ethereum.h"

#define RULES_LEAST 3 /* all types, encoding and signature alone */
#define SELECTOR_BYTES 4

static const char *const types[] = {"legacy", "access list", "dynamic fee",
                                    "blob", "set code"};

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
    decode_number(w, f->type >= 2 ? "max_fee" : "gas_price", f->price);
    if (f->type >= 2)
        decode_number(w, "max_tip", f->tip);
    if (f->type == 3)
        decode_number(w, "max_blob_fee", f->blob_price);
}

static void data(struct json_writer *w, const struct ethereum_fields *f)
{
    decode_whole(w, "data_bytes", f->data.count);
    if (f->data.count >= SELECTOR_BYTES && f->to.count > 0)
        decode_hex(w, "selector", bytes_slice(f->data, 0, SELECTOR_BYTES));
    if (f->type == 0)
        return;
    decode_whole(w, "access_addresses", f->access_addresses);
    decode_whole(w, "access_keys", f->access_keys);
    if (f->type == 3)
        decode_whole(w, "blobs", f->blob_count);
    if (f->type == 4)
        decode_whole(w, "authorizations", f->authorization_count);
}

enum reason decode_ethereum(const struct judge *judge, struct bytes raw,
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
    decode_whole(&w, "type", f.type);
    json_writer_name(&w, "form");
    json_writer_text(&w, types[f.type]);
    json_writer_name(&w, "chain");
    json_writer_text(&w, name);
    decode_hex(&w, "hash", bytes_of(v.tx.id, sizeof(v.tx.id)));
    decode_sender(&w, &v);
    decode_whole(&w, "nonce", f.nonce);
    decode_hex(&w, "to", f.to.count > 0 ? f.to : BYTES_NONE);
    decode_number(&w, "value", f.value);
    decode_whole(&w, "gas", f.gas);
    prices(&w, &f);
    data(&w, &f);
    decode_hex(&w, "r", f.r);
    decode_hex(&w, "s", f.s);
    json_writer_name(&w, "y_parity");
    if (parity == 255)
        json_writer_null(&w);
    else
        json_writer_int(&w, parity);
    decode_whole(&w, "bytes", raw.count);
    json_writer_end(&w);
    return REASON_NONE;
}
