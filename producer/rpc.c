/*
 * producer/rpc.c: JSON-RPC 2.0 as wallets speak it to a node.
 *
 * Errors are HTTP 200, in a node's words, because clients match on them. Calls
 * of a batch run at once and are answered in order.
 *
 *      request -> calls[0..n-1] -> each fills its answer -> the last one sends
 *
 * From: producer/door.c.
 * To:   producer/rpc_ethereum.c, producer/rpc_solana.c, for each call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer/rpc_inside.h"
#include "schemas/base/fail.h"

#define BATCH_MAX 1000
#define ID_BYTES_MAX 256
#define DEPTH_MAX 32
#define ANSWER_BYTES_MAX 1024

struct rpc_batch {
    struct chain chain_here; /* what the path names, if it does */
    struct http_exchange *exchange;
    bool array;     /* the request was one */
    size_t count;   /* calls */
    size_t waiting; /* calls without an answer, and one while it is read */
    struct rpc_call calls[];
};

/* ---- answers ---- */

static void begin_answer(struct rpc_call *c)
{
    buffer_clear(&c->answer);
    buffer_append_text(&c->answer, "{\"jsonrpc\":\"2.0\",\"id\":");
    buffer_append_bytes(&c->answer, c->id);
}

void rpc_result(struct rpc_call *c, const char *json)
{
    begin_answer(c);
    buffer_append_format(&c->answer, ",\"result\":%s}", json);
}

static void begin_error(struct rpc_call *c, int code, const char *message)
{
    begin_answer(c);
    buffer_append_format(&c->answer,
                         ",\"error\":{\"code\":%d,\"message\":", code);
    json_append_string(&c->answer, bytes_text(message));
}

void rpc_error(struct rpc_call *c, int code, const char *message)
{
    begin_error(c, code, message);
    buffer_append_text(&c->answer, "}}");
}

void rpc_error_data(struct rpc_call *c, int code, const char *message,
                    const char *data)
{
    begin_error(c, code, message);
    buffer_append_format(&c->answer, ",\"data\":%s}}", data);
}

static void free_batch(struct rpc_batch *b)
{
    size_t i;

    for (i = 0; i < b->count; i++)
        buffer_fini(&b->calls[i].answer);
    free(b);
}

/* All calls are answered: sends what there is to send. */
static void finish(struct rpc_batch *b)
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

static void answered(struct rpc_batch *b)
{
    CHECK(b->waiting > 0);
    if (--b->waiting == 0)
        finish(b);
}

void rpc_answered(struct rpc_call *c)
{
    answered(c->batch);
}

static void no_such_method(struct rpc_call *c, struct json_value method)
{
    char name[96], words[160];
    size_t count;

    if (json_unescape(method, (uint8_t *)name, sizeof(name) - 1, &count) < 0)
        count = 0;
    snprintf(words, sizeof(words),
             "the method %.*s does not exist/is not available", (int)count,
             name);
    rpc_error(c, -32601, words);
}

/* The kinds of node a door is, by the chains it serves. */
static const struct {
    enum chain_namespace ns;
    enum rpc_end (*run)(struct rpc_call *c, struct json_value method,
                        struct json_value params);
} nodes[] = {
    {CHAIN_EIP155, rpc_ethereum},
    {CHAIN_SOLANA, rpc_solana},
};

/* A path that names a chain is a node of its kind; others are all kinds. */
static bool answers_for(const struct rpc_call *c, enum chain_namespace ns)
{
    if (c->chain != NULL)
        return c->chain->ns == ns;
    return chains_serve(c->door->chains, ns);
}

/* Returns false when it was answered at once. */
static bool run(struct rpc_call *c, struct json_value method,
                struct json_value params)
{
    enum rpc_end end = RPC_NOT_MINE;

    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        if (end == RPC_NOT_MINE && answers_for(c, nodes[i].ns))
            end = nodes[i].run(c, method, params);
    }
    if (end != RPC_NOT_MINE)
        return end == RPC_WAITS;
    if (answers_for(c, CHAIN_SOLANA) && !answers_for(c, CHAIN_EIP155))
        rpc_error(c, -32601, "Method not found");
    else
        no_such_method(c, method);
    return false;
}

/* ---- requests ---- */

static const struct bytes no_id = {(const uint8_t *)"null", 4};

/* May an answer bear it? */
static bool is_id(struct json_value v)
{
    return (v.type == JSON_NUMBER || v.type == JSON_STRING) &&
           v.raw.count <= ID_BYTES_MAX;
}

/* Is it a call? Sets id and silent; false: -32600 was answered. */
static bool read_call(struct rpc_call *c, struct json_value request,
                      struct json_value *out_method,
                      struct json_value *out_params)
{
    static const char *const names[] = {"jsonrpc", "id", "method", "params"};
    struct json_value v[4];

    c->id = no_id;
    if (json_members(request, names, 4, false, v) < 0) {
        rpc_error(c, -32600, "invalid request");
        return false;
    }
    if (is_id(v[1]))
        c->id = v[1].raw;
    else if (v[1].type != JSON_ABSENT && v[1].type != JSON_NULL) {
        rpc_error(c, -32600, "invalid request");
        return false;
    }
    if (!json_is_text(v[0], "2.0") || v[2].type != JSON_STRING ||
        json_is_text(v[2], "")) {
        rpc_error(c, -32600, "invalid request");
        return false;
    }
    c->silent = v[1].type == JSON_ABSENT;
    *out_method = v[2];
    *out_params = v[3];
    return true;
}

static void add_call(struct rpc_batch *b, struct door *d,
                     struct json_value request)
{
    struct rpc_call *c = &b->calls[b->count++];
    struct json_value method, params;

    c->batch = b;
    c->door = d;
    c->chain = b->chain_here.name[0] == '\0' ? NULL : &b->chain_here;
    buffer_init(&c->answer, ANSWER_BYTES_MAX);
    b->waiting++;
    if (!read_call(c, request, &method, &params) || !run(c, method, params))
        answered(b);
}

static struct rpc_batch *open_batch(const struct chain *chain,
                                    struct http_exchange *x, size_t count)
{
    struct rpc_batch *b =
        calloc(1, sizeof(*b) + count * sizeof(struct rpc_call));

    CHECK(b != NULL);
    b->exchange = x;
    if (chain != NULL)
        b->chain_here = *chain;
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

/* The id of the first call that has one: notifications have none. */
static struct bytes first_id(struct json_value array)
{
    struct json_walk walk = json_walk(array);
    struct json_value call, id;

    while (json_next(&walk, NULL, &call)) {
        if (json_member(call, "id", &id) == 0 && is_id(id))
            return id.raw;
    }
    return no_id;
}

/* One array with one error, under the id of the first call. */
static void too_large(struct http_exchange *x, struct json_value array)
{
    struct buffer body;

    buffer_init(&body, ANSWER_BYTES_MAX);
    buffer_append_text(&body, "[{\"jsonrpc\":\"2.0\",\"id\":");
    buffer_append_bytes(&body, first_id(array));
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
    struct rpc_batch *b;

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
    b = open_batch(chain, x, count);
    b->array = true;
    while (json_next(&walk, NULL, &request))
        add_call(b, d, request);
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
    struct rpc_batch *b;

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
    b = open_batch(chain, x, 1);
    add_call(b, d, document);
    answered(b);
}
