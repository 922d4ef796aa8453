/*
 * schemas/base58.h: bytes as base58 text, and back.
 *
 * The alphabet is Bitcoin's, which Solana uses too: no 0, O, I and l. A leading
 * zero byte is a leading 1, and what follows is one large number, so that every
 * byte string has exactly one text. Both ways cost the square of the length;
 * both are bounded.
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_BASE58_H
#define SCHEMAS_BASE58_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

#define BASE58_DECODED_MAX 1232 /* bytes: a Solana packet */
#define BASE58_TEXT_MAX 1683    /* characters of so many bytes */
#define BASE58_ENCODED_MAX 128  /* bytes that base58_encode() takes */

/* Characters, with the NUL, that any `bytes` may need. */
#define BASE58_TEXT_BYTES(bytes) ((bytes)*138 / 100 + 2)

/*
 * Writes `b`, at most BASE58_ENCODED_MAX bytes, and a NUL to `out`, which has
 * BASE58_TEXT_BYTES(b.count). Returns how many characters.
 */
size_t base58_encode(struct bytes b, char *out);

/*
 * Decodes `text` to at most `out_max` bytes.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   a character that is none of the alphabet: `out_fault`,
 *                    which may be NULL, is its place
 *   FAIL_TOO_BIG     more than BASE58_TEXT_MAX characters, or `out_max` bytes
 */
int base58_decode(struct bytes text, uint8_t *out, size_t out_max,
                  size_t *out_count, size_t *out_fault) MUST_CHECK;

#endif
