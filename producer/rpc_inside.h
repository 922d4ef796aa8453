/*
 * producer/rpc_inside.h: one call of a JSON-RPC request, for the files that
 * answer calls, and nobody else includes it.
 *
 * Each kind of node has its methods and its words in a file of its own. A call
 * is answered exactly once: at once, by setting its answer, or later, by
 * setting it and saying rpc_answered().
 *
 * Thread: loop thread.
 */
#ifndef PRODUCER_RPC_INSIDE_H
#define PRODUCER_RPC_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "producer/door.h"
#include "schemas/json.h"

struct rpc_batch;

/* One call of a request and what it is answered. */
struct rpc_call {
    struct rpc_batch *batch;
    struct door *door;
    const struct chain *chain; /* that the path names; NULL: none */
    struct bytes id;           /* raw; borrowed from the request */
    bool silent;               /* a notification: no answer */
    uint8_t signature[64];     /* solana: the first, which is the answer */
    struct buffer answer; /* the whole response object; "" until it is there */
};

/* What became of a call that was offered to a file. */
enum rpc_end {
    RPC_NOT_MINE, /* no method of this kind of node; nothing happened */
    RPC_ANSWERED, /* the answer is set */
    RPC_WAITS     /* it comes later, with rpc_answered() */
};

/* Sets the answer: a result, which is JSON, or an error. */
void rpc_result(struct rpc_call *c, const char *json);
void rpc_error(struct rpc_call *c, int code, const char *message);

/* An error with data, which is JSON. */
void rpc_error_data(struct rpc_call *c, int code, const char *message,
                    const char *data);

/* The answer of a call that waited is set. The call may be gone afterwards. */
void rpc_answered(struct rpc_call *c);

/* rpc_ethereum.c: in geth's words. */
enum rpc_end rpc_ethereum(struct rpc_call *c, struct json_value method,
                          struct json_value params);

/* rpc_solana.c: in agave's words. */
enum rpc_end rpc_solana(struct rpc_call *c, struct json_value method,
                        struct json_value params);

#endif
