/*
 * schemas/bitcoin_check.h: what can be said of signatures and keys without a
 * curve.
 *
 * Thread: any. Pure.
 */
#ifndef SCHEMAS_BITCOIN_CHECK_H
#define SCHEMAS_BITCOIN_CHECK_H

#include "schemas/bitcoin_spend.h"

/* The last bits of a hash type; the others but ANYONECANPAY say nothing. */
#define BITCOIN_SIGHASH_ALL 1
#define BITCOIN_SIGHASH_NONE 2
#define BITCOIN_SIGHASH_SINGLE 3
#define BITCOIN_SIGHASH_ANYONECANPAY 0x80
#define BITCOIN_SIGHASH_MASK 0x1f

/*
 * The encodings of the signatures and keys of input `index`; `standard`: by
 * rule set 2. Returns REASON_NONE, SIGNATURE_ENCODING, OUT_OF_RANGE, HIGH_S,
 * NON_STANDARD or SCRIPT_FAILED.
 */
enum reason bitcoin_check_spend(const struct bitcoin_transaction *t,
                                size_t index, bool standard,
                                const struct bitcoin_spend *s);

#endif
