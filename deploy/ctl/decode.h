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
 * Appends the object: type, chain, hash, sender (null when no key belongs to
 * the signature), nonce, to, value, gas, prices, data, access list, signature.
 * Returns REASON_NONE, or why the bytes do not decode, with geth's words; then
 * nothing is appended.
 */
enum reason decode_describe(const struct judge *judge, struct bytes raw,
                            struct buffer *out,
                            struct transaction_words *out_words);

#endif
