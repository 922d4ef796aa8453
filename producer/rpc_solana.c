/*
 * producer/rpc_solana.c: what wallets ask a Solana node, answered in the words
 * of agave, which clients match on.
 *
 *      "AVn..", {"encoding":"base64"}    sendTransaction
 *        text -> bytes -> submit         no curve is touched here
 *        persisted -> first signature    in base58: the id that wallets know
 *
 * Nothing is simulated: skipPreflight or not, a transaction is stored when its
 * encoding and its parts are good, and its signatures are judged behind the
 * log. What takes the state of a chain is an error that says so: a blockhash
 * that was made up would be signed.
 *
 * From: producer/rpc.c, with one call.
 * To:   producer/submit.c, for sendTransaction.
 */
#include <stdio.h>
#include <string.h>

#include "producer/rpc_inside.h"
#include "producer/rpc_solana_params.h"
#include "schemas/base/fail.h"
#include "schemas/base58.h"
#include "schemas/base64.h"
#include "schemas/solana.h"

#define TRANSACTION "solana_transaction::versioned::VersionedTransaction"
#define WORDS_MAX 512
#define BASE64_TEXT_MAX 1644 /* characters of a packet */

/*
 * The agave whose words these are, and who says them. It must parse as a
 * semantic version: Rust clients up to 1.18 ask for it before they send, fail
 * on any other text, and below 1.9.0 they speak of older methods.
 */
#define SPOKEN_VERSION "3.0.0+tidemill." TIDEMILL_VERSION

/* Codes that Solana's clients know: kit fails on any other. */
#define INVALID_PARAMS -32602
#define NOT_HERE -32601
#define UNKNOWN -32603
#define UNHEALTHY -32005

/* ---- the answer ---- */

static void unhealthy(struct rpc_call *c)
{
    rpc_error_data(c, UNHEALTHY, "Node is unhealthy",
                   "{\"numSlotsBehind\":null}");
}

static void signature(struct rpc_call *c)
{
    char json[2 + BASE58_TEXT_BYTES(SOLANA_SIGNATURE_BYTES)] = "\"";
    size_t count = 1;

    count += base58_encode(bytes_of(c->signature, sizeof(c->signature)),
                           json + count);
    json[count++] = '"';
    json[count] = '\0';
    rpc_result(c, json);
}

/* What agave says before the words of the decoder. */
static const char *refusal(enum reason reason)
{
    switch (reason) {
    case REASON_TOO_LARGE:
        return "decoded " TRANSACTION " ";
    case REASON_INCONSISTENT:
        return "invalid transaction: Transaction failed to sanitize accounts "
               "offsets correctly: ";
    case REASON_DUPLICATE_KEY:
        return "invalid transaction: Account loaded twice: ";
    default:
        return "failed to deserialize " TRANSACTION ": ";
    }
}

static void on_submitted(void *arg, const struct submit_answer *a)
{
    struct rpc_call *c = arg;
    char words[WORDS_MAX];

    switch (a->kind) {
    case SUBMIT_ACCEPTED:
    case SUBMIT_REPEATED:
        signature(c);
        break;
    case SUBMIT_REFUSED:
        snprintf(words, sizeof(words), "%s%s", refusal(a->reason), a->words);
        rpc_error(c, INVALID_PARAMS, words);
        break;
    case SUBMIT_CHAIN_REQUIRED:
    case SUBMIT_NOT_SERVED:
        rpc_error(c, INVALID_PARAMS, a->words);
        break;
    case SUBMIT_BUSY:
    case SUBMIT_AWAY:
        unhealthy(c);
        break;
    case SUBMIT_UNKNOWN:
        rpc_error(c, UNKNOWN, "outcome unknown, send again");
        break;
    }
    rpc_answered(c);
}

/* ---- the text ---- */

static void too_long(struct rpc_call *c, const char *encoding, size_t count,
                     int count_max)
{
    char words[WORDS_MAX];

    snprintf(words, sizeof(words),
             "%s encoded " TRANSACTION
             " too large: %zu bytes (max: encoded/raw %d/%d)",
             encoding, count, count_max, SOLANA_BYTES_MAX);
    rpc_error(c, INVALID_PARAMS, words);
}

static void bad_base58(struct rpc_call *c, struct bytes text, size_t pos)
{
    uint8_t byte = text.data[pos];
    char words[WORDS_MAX];

    if (byte >= 0x80)
        snprintf(words, sizeof(words),
                 "invalid base58 encoding: NonAsciiCharacter { index: %zu }",
                 pos);
    else
        snprintf(words, sizeof(words),
                 byte >= 0x20 && byte != '\'' && byte != '\\'
                     ? "invalid base58 encoding: InvalidCharacter { "
                       "character: '%c', index: %zu }"
                     : "invalid base58 encoding: InvalidCharacter { "
                       "character: '\\u{%x}', index: %zu }",
                 byte, pos);
    rpc_error(c, INVALID_PARAMS, words);
}

static void bad_base64(struct rpc_call *c, struct bytes text, size_t pos)
{
    char words[WORDS_MAX];

    if (pos == text.count)
        snprintf(words, sizeof(words),
                 "invalid base64 encoding: InvalidPadding");
    else
        snprintf(words, sizeof(words),
                 "invalid base64 encoding: InvalidByte(%zu, %d)", pos,
                 text.data[pos]);
    rpc_error(c, INVALID_PARAMS, words);
}

/* The transaction's bytes, at most BASE58_TEXT_MAX; false: answered. */
static bool decode_text(struct rpc_call *c, const struct rpc_send *send,
                        uint8_t *out, size_t *out_count)
{
    struct bytes text = send->text;
    size_t fault = 0;

    if (send->base64) {
        if (text.count > BASE64_TEXT_MAX) {
            too_long(c, "base64", text.count, BASE64_TEXT_MAX);
            return false;
        }
        if (base64_decode(text, out, BASE58_TEXT_MAX, out_count, &fault) < 0) {
            bad_base64(c, text, fault);
            return false;
        }
        return true;
    }
    if (text.count > BASE58_TEXT_MAX) {
        too_long(c, "base58", text.count, BASE58_TEXT_MAX);
        return false;
    }
    if (base58_decode(text, out, BASE58_TEXT_MAX, out_count, &fault) < 0) {
        bad_base58(c, text, fault);
        return false;
    }
    return true;
}

/* ---- sendTransaction ---- */

/* The chain of the path, or the only one of Solana that the door serves. */
static const struct chain *chain_of(const struct rpc_call *c)
{
    return c->chain != NULL ? c->chain
                            : chains_sole(c->door->chains, CHAIN_SOLANA);
}

static enum rpc_end send_transaction(struct rpc_call *c,
                                     struct json_value params)
{
    const struct chain *chain = chain_of(c);
    uint8_t text[RPC_SEND_TEXT_MAX], raw[BASE58_TEXT_MAX];
    struct rpc_send send;
    char words[WORDS_MAX];
    size_t count;

    if (chain == NULL) {
        rpc_error(c, NOT_HERE,
                  "this door serves several clusters: use /rpc/{chain}");
        return RPC_ANSWERED;
    }
    if (!rpc_send_read(params, text, &send, words, sizeof(words))) {
        rpc_error(c, INVALID_PARAMS, words);
        return RPC_ANSWERED;
    }
    if (!decode_text(c, &send, raw, &count))
        return RPC_ANSWERED;
    /* One byte counts them: 128 signatures do not fit. What is too short for
     * one is refused. */
    if (count > sizeof(c->signature))
        memcpy(c->signature, raw + 1, sizeof(c->signature));
    submit_take(c->door->submit, chain, bytes_of(raw, count), on_submitted, c);
    return RPC_WAITS;
}

/* ---- the other methods ---- */

static void health(struct rpc_call *c)
{
    struct buffer why;

    buffer_init(&why, 1024);
    if (submit_ready(c->door->submit, &why))
        rpc_result(c, "\"ok\"");
    else
        unhealthy(c);
    buffer_fini(&why);
}

/* What a node knows and we do not. */
static const struct {
    const char *method, *words;
} unknown[] = {
    {"getLatestBlockhash", "blockhash unknown: no upstream node"},
    {"isBlockhashValid", "blockhash unknown: no upstream node"},
    {"getFeeForMessage", "fee unknown: no upstream node"},
    {"getRecentPrioritizationFees", "fee unknown: no upstream node"},
    {"getMinimumBalanceForRentExemption", "rent unknown: no upstream node"},
    {"getBalance", "balance unknown: no upstream node"},
    {"getAccountInfo", "account unknown: no upstream node"},
    {"getMultipleAccounts", "accounts unknown: no upstream node"},
    {"getSlot", "slot unknown: no upstream node"},
    {"getBlockHeight", "block height unknown: no upstream node"},
    {"getEpochInfo", "epoch unknown: no upstream node"},
    {"getSignatureStatuses", "status unknown: no upstream node"},
    {"getTransaction", "transaction unknown: no upstream node"},
    {"simulateTransaction", "nothing is simulated: no upstream node"},
    {"getGenesisHash", "of the genesis hash only the chain's name is known"},
};

enum rpc_end rpc_solana(struct rpc_call *c, struct json_value method,
                        struct json_value params)
{
    if (json_is_text(method, "sendTransaction"))
        return send_transaction(c, params);
    if (json_is_text(method, "getHealth")) {
        health(c);
        return RPC_ANSWERED;
    }
    if (json_is_text(method, "getVersion")) {
        rpc_result(c, "{\"solana-core\":\"" SPOKEN_VERSION "\"}");
        return RPC_ANSWERED;
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        if (json_is_text(method, unknown[i].method)) {
            rpc_error(c, NOT_HERE, unknown[i].words);
            return RPC_ANSWERED;
        }
    }
    return RPC_NOT_MINE;
}
