/*
 * producer/rpc_ethereum.c: what wallets ask an Ethereum node, answered in
 * geth's words.
 *
 * Without an upstream node there is no chain state: what is harmless is
 * answered honestly empty, and a nonce, which would be signed, is an error.
 *
 * From: producer/rpc.c, with one call.
 * To:   producer/submit.c, for eth_sendRawTransaction.
 */
#include <stdio.h>
#include <string.h>

#include "producer/rpc_inside.h"
#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/hex.h"

/* The chain of the path, or the door's default; NULL: the bytes name it. */
static const struct chain *chain_of(const struct rpc_call *c)
{
    const struct chain *chain =
        c->chain != NULL ? c->chain : chains_default(c->door->chains);

    return chain != NULL && chain->ns == CHAIN_EIP155 ? chain : NULL;
}

/* ---- eth_sendRawTransaction ---- */

static void on_submitted(void *arg, const struct submit_answer *a)
{
    struct rpc_call *c = arg;
    char hash[70] = "\"0x", words[256];

    switch (a->kind) {
    case SUBMIT_ACCEPTED:
    case SUBMIT_REPEATED:
        hex_encode(bytes_of(a->hash, 32), hash + 3);
        strcat(hash, "\"");
        rpc_result(c, hash);
        break;
    case SUBMIT_REFUSED:
        rpc_error(c, -32000, a->words);
        break;
    case SUBMIT_CHAIN_REQUIRED:
    case SUBMIT_NOT_SERVED:
        rpc_error(c, -32000, a->words);
        break;
    case SUBMIT_BUSY:
    case SUBMIT_AWAY:
        snprintf(words, sizeof(words), "limit exceeded: %s", a->words);
        rpc_error(c, -32005, words);
        break;
    case SUBMIT_UNKNOWN:
        rpc_error(c, -32000, "outcome unknown, send again");
        break;
    }
    rpc_answered(c);
}

/* The first positional argument, and `out_walk` behind it; false: the error
 * was answered. */
static bool first_argument(struct rpc_call *c, struct json_value params,
                           struct json_walk *out_walk, struct json_value *out)
{
    *out_walk = json_walk(params);
    if (params.type != JSON_ABSENT && params.type != JSON_NULL &&
        params.type != JSON_ARRAY) {
        rpc_error(c, -32602, "non-array args");
        return false;
    }
    if (params.type != JSON_ARRAY || !json_next(out_walk, NULL, out) ||
        out->type == JSON_NULL) {
        rpc_error(c, -32602, "missing value for required argument 0");
        return false;
    }
    return true;
}

#define UNMARSHAL "invalid argument 0: json: cannot unmarshal "
#define INTO " into Go value of type hexutil.Bytes"

/* The bytes of a hex string, in the door's buffer; words: why not. */
static const char *hex_argument(struct door *d, struct json_value v,
                                struct bytes *out)
{
    struct bytes text;
    size_t count;
    uint8_t *at;

    if (v.type != JSON_STRING)
        return UNMARSHAL "non-string" INTO;
    if (json_plain(v, &text) < 0)
        return UNMARSHAL "invalid hex string" INTO;
    if (text.count == 0) {
        *out = BYTES_NONE;
        return NULL;
    }
    if (text.count < 2 || text.data[0] != '0' ||
        (text.data[1] != 'x' && text.data[1] != 'X'))
        return UNMARSHAL "hex string without 0x prefix" INTO;
    text = bytes_slice(text, 2, text.count);
    if (text.count % 2 != 0)
        return UNMARSHAL "hex string of odd length" INTO;
    buffer_clear(&d->decode);
    at = buffer_reserve(&d->decode, text.count / 2 + 1);
    CHECK(at != NULL);
    if (hex_decode(text, at, text.count / 2 + 1, &count) < 0)
        return UNMARSHAL "invalid hex string" INTO;
    *out = bytes_of(at, count);
    return NULL;
}

/* A first argument that is none is said before a second one too many: a node
 * reads them in order. */
static enum rpc_end send_raw(struct rpc_call *c, struct json_value params)
{
    struct json_value argument, extra;
    struct json_walk walk;
    struct bytes transaction;
    const char *words;

    if (!first_argument(c, params, &walk, &argument))
        return RPC_ANSWERED;
    words = hex_argument(c->door, argument, &transaction);
    if (words != NULL) {
        rpc_error(c, -32602, words);
        return RPC_ANSWERED;
    }
    if (json_next(&walk, NULL, &extra)) {
        rpc_error(c, -32602, "too many arguments, want at most 1");
        return RPC_ANSWERED;
    }
    submit_take(c->door->submit, chain_of(c), transaction, on_submitted, c);
    return RPC_WAITS;
}

/* ---- the other methods ---- */

/* The decimal reference of the chain; NULL: the error was answered. */
static const char *reference_of(struct rpc_call *c)
{
    const struct chain *chain = chain_of(c);

    if (chain != NULL)
        return chain->name + strlen("eip155:");
    rpc_error(c, -32000, "this door has no default chain: use /rpc/{chain}");
    return NULL;
}

/* In hex: a reference of 32 digits is more than 64 bits hold. */
static void chain_id(struct rpc_call *c, struct json_value params)
{
    const char *reference = reference_of(c);
    char hex[2 * AMOUNT_BYTES + 1], json[sizeof(hex) + 4];
    uint8_t id[AMOUNT_BYTES];
    size_t zeros;

    (void)params;
    if (reference == NULL)
        return;
    CHECK(amount_parse(bytes_text(reference), id) == 0);
    hex_encode(bytes_of(id, sizeof(id)), hex);
    zeros = strspn(hex, "0");
    if (hex[zeros] == '\0')
        zeros--;
    snprintf(json, sizeof(json), "\"0x%s\"", hex + zeros);
    rpc_result(c, json);
}

static void net_version(struct rpc_call *c, struct json_value params)
{
    const char *reference = reference_of(c);
    char json[64];

    (void)params;
    if (reference == NULL)
        return;
    snprintf(json, sizeof(json), "\"%s\"", reference);
    rpc_result(c, json);
}

static void block_number(struct rpc_call *c, struct json_value params)
{
    (void)params;
    rpc_result(c, "\"0x0\"");
}

static void empty_call(struct rpc_call *c, struct json_value params)
{
    (void)params;
    rpc_result(c, "\"0x\"");
}

static void nothing(struct rpc_call *c, struct json_value params)
{
    (void)params;
    rpc_result(c, "null");
}

static void no_nonce(struct rpc_call *c, struct json_value params)
{
    (void)params;
    rpc_error(c, -32000, "nonce unknown: no upstream node");
}

static void client_version(struct rpc_call *c, struct json_value params)
{
    (void)params;
    rpc_result(c, "\"tidemill/" TIDEMILL_VERSION "\"");
}

struct method {
    const char *name;
    void (*run)(struct rpc_call *c, struct json_value params);
};

static const struct method methods[] = {
    {"eth_chainId", chain_id},
    {"net_version", net_version},
    {"eth_blockNumber", block_number},
    {"eth_call", empty_call},
    {"eth_getTransactionReceipt", nothing},
    {"eth_getTransactionByHash", nothing},
    {"eth_getBlockByNumber", nothing},
    {"eth_getTransactionCount", no_nonce},
    {"web3_clientVersion", client_version},
};

enum rpc_end rpc_ethereum(struct rpc_call *c, struct json_value method,
                          struct json_value params)
{
    if (json_is_text(method, "eth_sendRawTransaction"))
        return send_raw(c, params);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (json_is_text(method, methods[i].name)) {
            methods[i].run(c, params);
            return RPC_ANSWERED;
        }
    }
    return RPC_NOT_MINE;
}
