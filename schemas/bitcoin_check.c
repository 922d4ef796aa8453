/*
 * schemas/bitcoin_check.c: encodings of signatures and keys.
 *
 * Every signature of a template that verifies has been looked at by the script,
 * so all of them are checked at once; the order makes no verdict another one.
 *
 * From: schemas/bitcoin_spend.c.
 * To:   schemas/bitcoin_der.c.
 */
#include "schemas/bitcoin_check.h"

#define SCHNORR_BYTES 64

static bool is_defined(uint8_t type)
{
    type &= (uint8_t)~BITCOIN_SIGHASH_ANYONECANPAY;
    return type >= BITCOIN_SIGHASH_ALL && type <= BITCOIN_SIGHASH_SINGLE;
}

static enum reason check_ecdsa(struct bytes signature, bool standard)
{
    uint8_t rs[64];
    enum reason reason;

    if (signature.count == 0)
        return REASON_SCRIPT_FAILED;
    reason =
        bitcoin_signature_read(bytes_slice(signature, 0, signature.count - 1),
                               rs);
    if (reason != REASON_NONE || !standard)
        return reason;
    if (bitcoin_signature_high(rs))
        return REASON_HIGH_S;
    return is_defined(signature.data[signature.count - 1])
               ? REASON_NONE
               : REASON_NON_STANDARD;
}

/* BIP 341. An empty one in a tapscript stands for a key that does not sign. */
static enum reason check_schnorr(const struct bitcoin_transaction *t,
                                 size_t index, struct bytes signature,
                                 bool may_be_empty)
{
    uint8_t type;

    if (signature.count == SCHNORR_BYTES ||
        (signature.count == 0 && may_be_empty))
        return REASON_NONE;
    if (signature.count != SCHNORR_BYTES + 1)
        return REASON_SIGNATURE_ENCODING;
    type = signature.data[SCHNORR_BYTES];
    if (!is_defined(type))
        return REASON_SIGNATURE_ENCODING;
    /* It signs the output beside it, and there is none. */
    if ((type & BITCOIN_SIGHASH_MASK) == BITCOIN_SIGHASH_SINGLE &&
        index >= t->outputs_count)
        return REASON_SCRIPT_FAILED;
    return REASON_NONE;
}

/* Compressed where there are witnesses; elsewhere at least not hybrid. */
static bool is_standard_key(struct bytes key, enum bitcoin_message message)
{
    uint8_t first = key.count > 0 ? key.data[0] : 0;

    if (key.count == 33)
        return first == 2 || first == 3;
    return message == BITCOIN_LEGACY && key.count == 65 && first == 4;
}

enum reason bitcoin_check_spend(const struct bitcoin_transaction *t,
                                size_t index, bool standard,
                                const struct bitcoin_spend *s)
{
    bool ecdsa = s->message == BITCOIN_LEGACY || s->message == BITCOIN_V0;
    enum reason reason = REASON_NONE;

    for (size_t i = 0; i < s->signatures_count && reason == REASON_NONE; i++)
        reason = ecdsa ? check_ecdsa(s->signatures[i], standard)
                       : check_schnorr(t, index, s->signatures[i],
                                       s->message == BITCOIN_TAPSCRIPT);
    if (reason != REASON_NONE || !ecdsa || !standard)
        return reason;
    for (size_t i = 0; i < s->keys_count; i++) {
        if (!is_standard_key(s->keys[i], s->message))
            return REASON_NON_STANDARD;
    }
    return REASON_NONE;
}
