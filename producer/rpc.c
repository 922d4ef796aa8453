/*
 * producer/rpc.c: JSON-RPC 2.0 as wallets speak it to a node.
 *
 * Errors are HTTP 200, in geth's words, because clients match on them. Calls of
 * a batch run at once and are answered in order. Without an upstream node there
 * is no chain state: what is harmless is answered honestly empty, and a nonce,
 * which would be signed, is an error.
 *
 *      request -> calls[0..n-1] -> each fills its answer -> the last one sends
 *
 * From: producer/door.c.
 * To:   producer/submit.c, for eth_sendRawTransaction.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/door.h"
#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "schemas/json.h"

#define BATCH_MAX 1000
#define ID_BYTES_MAX 256
#define DEPTH_MAX 32
#define ANSWER_BYTES_MAX 1024

/* One call of a request and what it is answered. */
struct call {
    struct batch *batch;
    struct bytes id;      /* raw; borrowed from the request */
    bool silent;          /* a notification: no answer */
    struct buffer answer; /* the whole response object; "" until it is there */
};

struct batch {
    struct door *door;
    const struct chain *chain; /* &chain_here, or NULL */
    struct chain chain_here;
    struct http_exchange *exchange;
    bool array;     /* the request was one */
    size_t count;   /* calls */
    size_t waiting; /* calls without an answer, and one while it is read */
    struct call calls[];
};

/* ---- answers ---- */

static void begin_answer(struct call *c)
{
    buffer_clear(&c->answer);
    buffer_append_text(&c->answer, "{\"jsonrpc\":\"2.0\",\"id\":");
    buffer_append_bytes(&c->answer, c->id);
}

static void result(struct call *c, const char *json)
{
    begin_answer(c);
    buffer_append_format(&c->answer, ",\"result\":%s}", json);
}

static void error(struct call *c, int code, const char *message)
{
    begin_answer(c);
    buffer_append_format(&c->answer,
                         ",\"error\":{\"code\":%d,\"message\":", code);
    json_append_string(&c->answer, bytes_text(message));
    buffer_append_text(&c->answer, "}}");
}

static void free_batch(struct batch *b)
{
    size_t i;

    for (i = 0; i < b->count; i++)
        buffer_fini(&b->calls[i].answer);
    free(b);
}

/* All calls are answered: sends what there is to send. */
static void finish(struct batch *b)
{
    struct buffer body;
    size_t i, said = 0;

    buffer_init(&body, (size_t)BATCH_MAX * ANSWER_BYTES_MAX * 2);
    for (i = 0; i < b->count; i++) {
        if (b->calls[i].silent)
            continue;
        if (b->array)
            buffer_append_byte(&body, said == 0 ? '[' : ',');
        buffer_append_bytes(&body, buffer_bytes(&b->calls[i].answer));
        said++;
    }
    if (b->array && said > 0)
        buffer_append_byte(&body, ']');
    if (said > 0)
        buffer_append_byte(&body, '\n');
    http_reply(b->exchange, 200, said > 0 ? "application/json" : NULL,
               BYTES_NONE, buffer_bytes(&body));
    buffer_fini(&body);
    free_batch(b);
}

static void answered(struct batch *b)
{
    CHECK(b->waiting > 0);
    if (--b->waiting == 0)
        finish(b);
}

/* ---- eth_sendRawTransaction ---- */

static void on_submitted(void *arg, const struct submit_answer *a)
{
    struct call *c = arg;
    char hash[70] = "\"0x", words[256];

    switch (a->kind) {
    case SUBMIT_ACCEPTED:
    case SUBMIT_REPEATED:
        hex_encode(bytes_of(a->hash, 32), hash + 3);
        strcat(hash, "\"");
        result(c, hash);
        break;
    case SUBMIT_REFUSED:
        error(c, -32000, a->words);
        break;
    case SUBMIT_CHAIN_REQUIRED:
    case SUBMIT_NOT_SERVED:
        error(c, -32000, a->words);
        break;
    case SUBMIT_BUSY:
    case SUBMIT_AWAY:
        snprintf(words, sizeof(words), "limit exceeded: %s", a->words);
        error(c, -32005, words);
        break;
    case SUBMIT_UNKNOWN:
        error(c, -32000, "outcome unknown, send again");
        break;
    }
    answered(c->batch);
}

/* The one positional argument; false: the error was answered. */
static bool one_argument(struct call *c, struct json_value params,
                         struct json_value *out)
{
    struct json_walk walk = json_walk(params);
    struct json_value extra;

    if (params.type != JSON_ABSENT && params.type != JSON_NULL &&
        params.type != JSON_ARRAY) {
        error(c, -32602, "non-array args");
        return false;
    }
    if (params.type != JSON_ARRAY || !json_next(&walk, NULL, out) ||
        out->type == JSON_NULL) {
        error(c, -32602, "missing value for required argument 0");
        return false;
    }
    if (json_next(&walk, NULL, &extra)) {
        error(c, -32602, "too many arguments, want at most 1");
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

/* Returns false when it was answered at once. */
static bool send_raw(struct call *c, struct json_value params)
{
    struct batch *b = c->batch;
    struct json_value argument;
    struct bytes transaction;
    const char *words;

    if (!one_argument(c, params, &argument))
        return false;
    words = hex_argument(b->door, argument, &transaction);
    if (words != NULL) {
        error(c, -32602, words);
        return false;
    }
    submit_take(b->door->submit, b->chain, transaction, on_submitted, c);
    return true;
}

/* ---- the other methods ---- */

static void chain_id(struct call *c, struct json_value params)
{
    const struct chain *chain = c->batch->chain;
    char json[64];

    (void)params;
    if (chain == NULL || chain->ns != CHAIN_EIP155) {
        error(c, -32000, "this door has no default chain: use /rpc/{chain}");
        return;
    }
    snprintf(json, sizeof(json), "\"0x%llx\"",
             strtoull(chain->name + strlen("eip155:"), NULL, 10));
    result(c, json);
}

static void net_version(struct call *c, struct json_value params)
{
    const struct chain *chain = c->batch->chain;
    char json[64];

    (void)params;
    if (chain == NULL || chain->ns != CHAIN_EIP155) {
        error(c, -32000, "this door has no default chain: use /rpc/{chain}");
        return;
    }
    snprintf(json, sizeof(json), "\"%s\"", chain->name + strlen("eip155:"));
    result(c, json);
}

static void block_number(struct call *c, struct json_value params)
{
    (void)params;
    result(c, "\"0x0\"");
}

static void empty_call(struct call *c, struct json_value params)
{
    (void)params;
    result(c, "\"0x\"");
}

static void nothing(struct call *c, struct json_value params)
{
    (void)params;
    result(c, "null");
}

static void no_nonce(struct call *c, struct json_value params)
{
    (void)params;
    error(c, -32000, "nonce unknown: no upstream node");
}

static void client_version(struct call *c, struct json_value params)
{
    (void)params;
    result(c, "\"tidemill/" TIDEMILL_VERSION "\"");
}

struct method {
    const char *name;
    void (*run)(struct call *c, struct json_value params);
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

static void no_such_method(struct call *c, struct json_value method)
{
    char name[96], words[160];
    size_t count;

    if (json_unescape(method, (uint8_t *)name, sizeof(name) - 1, &count) < 0)
        count = 0;
    snprintf(words, sizeof(words),
             "the method %.*s does not exist/is not available", (int)count,
             name);
    error(c, -32601, words);
}

/* Returns false when it was answered at once. */
static bool run(struct call *c, struct json_value method,
                struct json_value params)
{
    size_t i;

    if (json_is_text(method, "eth_sendRawTransaction"))
        return send_raw(c, params);
    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (json_is_text(method, methods[i].name)) {
            methods[i].run(c, params);
            return false;
        }
    }
    no_such_method(c, method);
    return false;
}

/* ---- requests ---- */

static const struct bytes no_id = {(const uint8_t *)"null", 4};

/* Is it a call? Sets id and silent; false: -32600 was answered. */
static bool read_call(struct call *c, struct json_value request,
                      struct json_value *out_method,
                      struct json_value *out_params)
{
    static const char *const names[] = {"jsonrpc", "id", "method", "params"};
    struct json_value v[4];

    c->id = no_id;
    if (json_members(request, names, 4, false, v) < 0) {
        error(c, -32600, "invalid request");
        return false;
    }
    if ((v[1].type == JSON_NUMBER || v[1].type == JSON_STRING) &&
        v[1].raw.count <= ID_BYTES_MAX)
        c->id = v[1].raw;
    else if (v[1].type != JSON_ABSENT && v[1].type != JSON_NULL) {
        error(c, -32600, "invalid request");
        return false;
    }
    if (!json_is_text(v[0], "2.0") || v[2].type != JSON_STRING) {
        error(c, -32600, "invalid request");
        return false;
    }
    c->silent = v[1].type == JSON_ABSENT;
    *out_method = v[2];
    *out_params = v[3];
    return true;
}

static void add_call(struct batch *b, struct json_value request)
{
    struct call *c = &b->calls[b->count++];
    struct json_value method, params;

    c->batch = b;
    buffer_init(&c->answer, ANSWER_BYTES_MAX);
    b->waiting++;
    if (!read_call(c, request, &method, &params) || !run(c, method, params))
        answered(b);
}

static struct batch *open_batch(struct door *d, const struct chain *chain,
                                struct http_exchange *x, size_t count)
{
    struct batch *b = calloc(1, sizeof(*b) + count * sizeof(struct call));

    CHECK(b != NULL);
    b->door = d;
    b->exchange = x;
    if (chain != NULL) {
        b->chain_here = *chain;
        b->chain = &b->chain_here;
    }
    b->waiting = 1;
    return b;
}

static void reply_error(struct http_exchange *x, const char *json)
{
    http_reply(x, 200, "application/json", BYTES_NONE, bytes_text(json));
}

static size_t count_elements(struct json_value array)
{
    struct json_walk walk = json_walk(array);
    struct json_value v;
    size_t count = 0;

    while (json_next(&walk, NULL, &v))
        count++;
    return count;
}

/* One array with one error, under the id of the first call. */
static void too_large(struct http_exchange *x, struct json_value array)
{
    struct json_walk walk = json_walk(array);
    struct json_value first, id;
    struct buffer body;

    buffer_init(&body, ANSWER_BYTES_MAX);
    buffer_append_text(&body, "[{\"jsonrpc\":\"2.0\",\"id\":");
    if (json_next(&walk, NULL, &first) && json_member(first, "id", &id) == 0 &&
        (id.type == JSON_NUMBER || id.type == JSON_STRING) &&
        id.raw.count <= ID_BYTES_MAX)
        buffer_append_bytes(&body, id.raw);
    else
        buffer_append_bytes(&body, no_id);
    buffer_append_text(&body,
                       ",\"error\":{\"code\":-32600,\"message\":"
                       "\"batch too large\"}}]\n");
    http_reply(x, 200, "application/json", BYTES_NONE, buffer_bytes(&body));
    buffer_fini(&body);
}

static void serve_array(struct door *d, const struct chain *chain,
                        struct http_exchange *x, struct json_value array)
{
    size_t count = count_elements(array);
    struct json_walk walk = json_walk(array);
    struct json_value request;
    struct batch *b;

    if (count == 0) {
        reply_error(x,
                    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":"
                    "-32600,\"message\":\"empty batch\"}}\n");
        return;
    }
    if (count > BATCH_MAX) {
        too_large(x, array);
        return;
    }
    b = open_batch(d, chain, x, count);
    b->array = true;
    while (json_next(&walk, NULL, &request))
        add_call(b, request);
    answered(b);
}

static bool is_json_type(const struct http_request *r)
{
    return http_content_type_is(r, "application/json") ||
           http_content_type_is(r, "application/json-rpc") ||
           http_content_type_is(r, "application/jsonrequest");
}

void rpc_serve(struct door *d, const struct chain *chain,
               struct http_exchange *x, const struct http_request *r)
{
    struct json_value document;
    struct batch *b;

    if (!is_json_type(r)) {
        http_reply_text(x, 415,
                        "invalid content type, only application/json is "
                        "supported\n");
        return;
    }
    if (r->body.count == 0) {
        http_reply(x, 200, NULL, BYTES_NONE, BYTES_NONE);
        return;
    }
    if (json_parse(r->body, DEPTH_MAX, &document, NULL) < 0) {
        reply_error(x,
                    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":"
                    "-32700,\"message\":\"parse error\"}}\n");
        return;
    }
    if (document.type == JSON_ARRAY) {
        serve_array(d, chain, x, document);
        return;
    }
    b = open_batch(d, chain, x, 1);
    add_call(b, document);
    answered(b);
}
