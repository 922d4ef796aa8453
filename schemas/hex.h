/*
 * schemas/hex.h: bytes as hexadecimal text and back.
 *
 * We write lower case. We read any case, digits only: no spaces, no separators,
 * and never half a byte.
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_HEX_H
#define SCHEMAS_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

/* Appends `b` in lower case, without 0x. 0, or FAIL_FULL and no change. */
int hex_append(struct buffer *out, struct bytes b);

/* Writes 2 * b.count digits and a NUL to `out`. */
void hex_encode(struct bytes b, char *out);

/*
 * Decodes `text`, digits only, to at most `out_max` bytes.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   an odd number of digits, or something else than a digit
 *   FAIL_TOO_BIG     more than `out_max` bytes
 * The bytes at `out` may have changed on failure; `out_count` has not.
 */
int hex_decode(struct bytes text, uint8_t *out, size_t out_max,
               size_t *out_count) MUST_CHECK;

/* The same for text that must begin with 0x (lower-case x, as wallets do). */
int hex_decode_0x(struct bytes text, uint8_t *out, size_t out_max,
                  size_t *out_count) MUST_CHECK;

#endif
