/*
 * deploy/ctl/decode.h: everything one transaction says, as a JSON object.
 *
 * Thread: any. Pure.
 */
#ifndef DEPLOY_CTL_DECODE_H
#define DEPLOY_CTL_DECODE_H

#include "schemas/base/bytes.h"
#include "verifier/judge.h"

/*
 * Appends the object: type, form, chain (null when the bytes name none), hash,
 * sender (null when the signatures prove none), and what that form has beside
 * it: nonce, to, value, gas, prices, data, access list; or recipient, lamports,
 * blockhash, keys, instructions, tables; or algorithm, thumbprint, recipient,
 * amount, currency, nonce.
 * Returns REASON_NONE, or why the bytes do not decode, with geth's words; then
 * nothing is appended.
 */
enum reason decode_describe(const struct judge *judge, struct bytes raw,
                            struct buffer *out,
                            struct transaction_words *out_words);

#endif
