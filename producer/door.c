/*
 * producer/door.c: routes.
 *
 * From: consumer/base/http_exchange.c, with one whole request.
 * To:   producer/rest.c, producer/rpc.c or producer/esplora.c; what is not here
 *       is a 404 that says where it is.
 */
#include "producer/door.h"

#include <stdio.h>
#include <string.h>

#define TRANSACTIONS "/transactions"
#define TX "/tx"

enum route { ROUTE_NONE, ROUTE_REST, ROUTE_RPC, ROUTE_ESPLORA };

void door_init(struct door *d)
{
    *d = (struct door){.public_url = ""};
    buffer_init(&d->decode, RPC_BODY_MAX);
}

void door_fini(struct door *d)
{
    buffer_fini(&d->decode);
}

static bool starts(struct bytes path, const char *with, struct bytes *out_rest)
{
    size_t count = strlen(with);

    if (path.count < count || memcmp(path.data, with, count) != 0)
        return false;
    *out_rest = bytes_slice(path, count, path.count);
    return true;
}

/* "/a/chain/b": the chain between `before` and `tail`. */
static bool between(struct bytes path, const char *before, const char *tail,
                    struct bytes *out_chain)
{
    struct bytes rest;
    size_t count = strlen(tail);

    if (!starts(path, before, &rest) || rest.count <= count ||
        memcmp(rest.data + rest.count - count, tail, count) != 0)
        return false;
    *out_chain = bytes_slice(rest, 0, rest.count - count);
    return true;
}

/* The part of the path that names a chain; data NULL: there is none. */
static enum route find(struct bytes path, struct bytes *out_chain)
{
    struct bytes rest;

    *out_chain = BYTES_NONE;
    if (bytes_equal_text(path, "/"))
        return ROUTE_RPC;
    if (bytes_equal_text(path, "/v1/transactions"))
        return ROUTE_REST;
    if (starts(path, "/rpc/", &rest)) {
        *out_chain = rest;
        return ROUTE_RPC;
    }
    if (between(path, "/v1/", TRANSACTIONS, out_chain))
        return ROUTE_REST;
    if (bytes_equal_text(path, TX) || between(path, "/esplora/", TX, out_chain))
        return ROUTE_ESPLORA;
    return ROUTE_NONE;
}

/* A chain as a path names it: "eip155:1", and for JSON-RPC also "1". */
static int parse_chain(enum route route, struct bytes name, struct chain *out)
{
    char with_namespace[CHAIN_NAME_MAX + 1] = "eip155:";
    size_t i;

    for (i = 0; i < name.count; i++) {
        if (name.data[i] < '0' || name.data[i] > '9')
            break;
    }
    if (route != ROUTE_RPC || i < name.count || i == 0 ||
        name.count > CHAIN_REFERENCE_MAX)
        return chain_parse(name, out);
    memcpy(with_namespace + 7, name.data, name.count);
    return chain_parse(bytes_of(with_namespace, 7 + name.count), out);
}

size_t door_body_limit(void *arg, const struct http_request *head)
{
    struct bytes chain;

    (void)arg;
    if (!http_method_is(head, "POST"))
        return 0;
    switch (find(head->path, &chain)) {
    case ROUTE_REST:
        return REST_BODY_MAX;
    case ROUTE_ESPLORA:
        return ESPLORA_BODY_MAX;
    case ROUTE_RPC:
        /* What is longer is answered here, in a node's words. */
        return head->content_length > RPC_BODY_MAX ? 0 : RPC_BODY_MAX;
    case ROUTE_NONE:
        break;
    }
    return 0;
}

static void serve_rest(struct door *d, struct bytes name,
                       struct http_exchange *x, const struct http_request *r)
{
    struct chain chain;

    if (!http_method_is(r, "POST")) {
        http_add_header(x, "Allow", "POST");
        http_reply_problem(x, 405, "method_not_allowed", NULL,
                           "post a transaction here; queries are answered by "
                           "the gateway");
        return;
    }
    if (name.data != NULL && parse_chain(ROUTE_REST, name, &chain) < 0) {
        http_reply_problem(x, 404, "no_such_chain", NULL,
                           "the path does not name a chain by its CAIP-2 id, "
                           "such as eip155:1");
        return;
    }
    rest_submit(d, name.data == NULL ? NULL : &chain, x, r);
}

static void too_large(struct http_exchange *x, int64_t content_length)
{
    char words[80];

    snprintf(words, sizeof(words), "content length too large (%lld>%d)\n",
             (long long)content_length, RPC_BODY_MAX);
    http_reply_text(x, 413, words);
}

/* What geth answers to anything but POST: nothing, or 405. */
static void serve_rpc(struct door *d, struct bytes name,
                      struct http_exchange *x, const struct http_request *r)
{
    const struct chain *asked = NULL;
    struct chain chain;

    if (http_method_is(r, "GET") || http_method_is(r, "HEAD") ||
        http_method_is(r, "OPTIONS")) {
        http_reply(x, 200, NULL, BYTES_NONE, BYTES_NONE);
        return;
    }
    if (!http_method_is(r, "POST")) {
        http_add_header(x, "Allow", "POST, GET, OPTIONS");
        http_reply_problem(x, 405, "method_not_allowed", NULL, NULL);
        return;
    }
    if (r->content_length > RPC_BODY_MAX) {
        too_large(x, r->content_length);
        return;
    }
    if (name.data != NULL) {
        if (parse_chain(ROUTE_RPC, name, &chain) < 0 ||
            chains_rules(d->chains, &chain) == 0) {
            http_reply_problem(x, 404, "chain_not_served", NULL,
                               "this door does not serve that chain");
            return;
        }
        asked = &chain;
    }
    rpc_serve(d, asked, x, r);
}

/* "/tx" alone is that of the only chain of Bitcoin that is served. */
static void serve_esplora(struct door *d, struct bytes name,
                          struct http_exchange *x, const struct http_request *r)
{
    const struct chain *asked = chains_sole(d->chains, CHAIN_BIP122);
    struct chain chain;

    if (name.data != NULL) {
        asked = NULL;
        if (parse_chain(ROUTE_ESPLORA, name, &chain) == 0 &&
            chain.ns == CHAIN_BIP122 && chains_rules(d->chains, &chain) > 0)
            asked = &chain;
    }
    if (asked == NULL) {
        http_reply_text(x, 404,
                        "this door serves no such chain of Bitcoin, or several "
                        "of them: post to /esplora/{chain}/tx");
        return;
    }
    if (!http_method_is(r, "POST")) {
        http_add_header(x, "Allow", "POST");
        http_reply_text(x, 405, "post a transaction here");
        return;
    }
    esplora_submit(d, asked, x, r);
}

void door_request(void *arg, struct http_exchange *x,
                  const struct http_request *r)
{
    struct door *d = arg;
    struct bytes chain;

    switch (find(r->path, &chain)) {
    case ROUTE_REST:
        serve_rest(d, chain, x, r);
        return;
    case ROUTE_RPC:
        serve_rpc(d, chain, x, r);
        return;
    case ROUTE_ESPLORA:
        serve_esplora(d, chain, x, r);
        return;
    case ROUTE_NONE:
        break;
    }
    http_reply_problem(
        x, 404, "not_found", NULL,
        "transactions are posted to /v1/transactions or "
        "/v1/{chain}/transactions, JSON-RPC to / or "
        "/rpc/{chain}, Bitcoin also to /tx or "
        "/esplora/{chain}/tx; queries are answered by the gateway");
}
