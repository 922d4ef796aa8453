/*
 * schemas/reason.h: why a transaction is refused: a closed list, one word each.
 *
 * The same word stands in the table, the result, the metrics, the problem
 * document and the pages of schemas/rules. The number is the place in the list.
 * To add one: append a line; never move, rename or remove any.
 *
 * Thread: any.
 */
#ifndef SCHEMAS_REASON_H
#define SCHEMAS_REASON_H

#include "schemas/base/bytes.h"

/* X(enumerator, name, words) */
#define REASON_LIST(X)                                                         \
    X(REASON_EMPTY, "empty", "there are no bytes")                             \
    X(REASON_TOO_LARGE, "too_large", "more bytes than it may have")            \
    X(REASON_UNSUPPORTED_TYPE, "unsupported_type",                             \
      "a transaction type this rule set does not know")                        \
    X(REASON_MALFORMED, "malformed", "the bytes do not decode")                \
    X(REASON_NON_CANONICAL, "non_canonical",                                   \
      "the bytes decode, but are not the one true encoding")                   \
    X(REASON_FIELD_RANGE, "field_range",                                       \
      "a number or address has another width than its field")                  \
    X(REASON_CHAIN_REQUIRED, "chain_required",                                 \
      "the transaction names no chain and this rule set wants one")            \
    X(REASON_WRONG_CHAIN, "wrong_chain", "signed for another chain")           \
    X(REASON_CHAIN_NOT_SERVED, "chain_not_served",                             \
      "signed for a chain that nobody serves here")                            \
    X(REASON_BAD_RECOVERY_ID, "bad_recovery_id",                               \
      "v or y parity is not one that the form allows")                         \
    X(REASON_OUT_OF_RANGE, "out_of_range",                                     \
      "r or s is zero or not below the order of the curve")                    \
    X(REASON_HIGH_S, "high_s", "s is in the upper half of its range")          \
    X(REASON_INITCODE_SIZE, "initcode_size",                                   \
      "init code longer than 49152 bytes")                                     \
    X(REASON_TIP_ABOVE_CAP, "tip_above_cap",                                   \
      "the priority fee is higher than the maximum fee")                       \
    X(REASON_NONCE_TOO_HIGH, "nonce_too_high", "the nonce is 2^64 - 1")        \
    X(REASON_INTRINSIC_GAS, "intrinsic_gas",                                   \
      "less gas than the transaction costs before it runs")                    \
    X(REASON_COST_OVERFLOW, "cost_overflow",                                   \
      "gas times price plus value does not fit 256 bits")                      \
    X(REASON_RECOVERY_FAILED, "recovery_failed",                               \
      "no public key belongs to this signature")                               \
    X(REASON_UNSUPPORTED_CHAIN, "unsupported_chain",                           \
      "a chain this release does not judge")                                   \
    X(REASON_FLOOR_GAS, "floor_gas",                                           \
      "less gas than the floor price of its data")                             \
    X(REASON_GAS_ABOVE_CAP, "gas_above_cap", "more gas than 16777216")         \
    X(REASON_BLOB_COUNT, "blob_count", "no blob, or more than six")            \
    X(REASON_BLOB_VERSION, "blob_version",                                     \
      "a blob hash of another version than 1")                                 \
    X(REASON_BLOB_SIDECAR, "blob_sidecar",                                     \
      "what came with the transaction is not what its blob hashes name")       \
    X(REASON_NO_AUTHORIZATION, "no_authorization",                             \
      "a set-code transaction without any authorization")                      \
    X(REASON_BLOB_FEE, "blob_fee",                                             \
      "a maximum blob fee of zero, which is below that of any block")          \
    X(REASON_INCONSISTENT, "inconsistent",                                     \
      "the parts decode, but what one says is not so in another")              \
    X(REASON_DUPLICATE_KEY, "duplicate_key", "a key is there twice")           \
    X(REASON_BAD_SIGNATURE, "bad_signature",                                   \
      "a signature is not that of its key over these bytes")                   \
    X(REASON_BAD_KEY, "bad_key",                                               \
      "the key is missing, is no point of the curve, or is for another use")   \
    X(REASON_PRIVATE_KEY, "private_key", "a private key came along")           \
    X(REASON_UNSUPPORTED_ALGORITHM, "unsupported_algorithm",                   \
      "signed by an algorithm this release does not judge")                    \
    X(REASON_CRITICAL_HEADER, "critical_header",                               \
      "a header asks for something that is not understood here")               \
    X(REASON_NOT_A_PAYMENT, "not_a_payment",                                   \
      "what is signed does not say who gets how much")                         \
    X(REASON_PREVOUT_MISSING, "prevout_missing",                               \
      "what an input spends is not stated")                                    \
    X(REASON_NOT_FINAL, "not_final",                                           \
      "an input of the PSBT has no final script or witness")                   \
    X(REASON_BAD_INPUTS, "bad_inputs",                                         \
      "no input, no output, an input named twice, or a coinbase")              \
    X(REASON_AMOUNT_RANGE, "amount_range",                                     \
      "an amount or a sum is more than there can ever be")                     \
    X(REASON_FEE_NEGATIVE, "fee_negative", "more goes out than what is spent") \
    X(REASON_UNSUPPORTED_SCRIPT, "unsupported_script",                         \
      "a script this release does not judge")                                  \
    X(REASON_SCRIPT_FAILED, "script_failed",                                   \
      "the script that is spent does not accept what it was given")            \
    X(REASON_TIMELOCK, "timelock",                                             \
      "a time that the script waits for is not that of the transaction")       \
    X(REASON_SIGNATURE_ENCODING, "signature_encoding",                         \
      "a signature or its hash type is not encoded as it must be")             \
    X(REASON_NON_STANDARD, "non_standard",                                     \
      "blocks may hold it, but nodes do not relay it")                         \
    X(REASON_TOO_COSTLY, "too_costly",                                         \
      "verifying would take longer than any transaction may")

enum reason {
    REASON_NONE = 0,
#define REASON_ENUM(code, name, words) code,
    REASON_LIST(REASON_ENUM)
#undef REASON_ENUM
        REASON_END /* one past the last */
};

/* "high_s"; "none" for REASON_NONE. Static. */
const char *reason_name(enum reason reason);

/* One sentence without full stop, for people. Static. */
const char *reason_words(enum reason reason);

/* The reason with this name, or REASON_NONE. */
enum reason reason_find(struct bytes name);

#endif
