/*
 * producer/rpc_solana_params.h: what sendTransaction was asked.
 *
 *   ["2ufR..", {"encoding":"base58", "skipPreflight":true, "maxRetries":3,
 *               "preflightCommitment":"confirmed", "minContextSlot":7}]
 *
 * Thread: any.
 */
#ifndef PRODUCER_RPC_SOLANA_PARAMS_H
#define PRODUCER_RPC_SOLANA_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/json.h"

#define RPC_SEND_TEXT_MAX 2048 /* of a text with escapes in it */

struct rpc_send {
    struct bytes text; /* in the request, or in the room that was given */
    bool base64;       /* else base58 */
};

/*
 * Reads the params of sendTransaction; all options are checked as a node checks
 * them, though only the encoding changes anything. `room` is for a text with
 * escapes.
 *
 * False: they are wrong, and `out_words` says how.
 */
bool rpc_send_read(struct json_value params, uint8_t room[RPC_SEND_TEXT_MAX],
                   struct rpc_send *out, char *out_words,
                   size_t out_words_bytes) MUST_CHECK;

#endif
