/*
 * schemas/base64.h: reads standard base64 (RFC 4648, section 4) strictly.
 *
 * The alphabet ends with + and /, padding is required, bits that are left over
 * are zero, and there is nothing else between the digits: every byte string has
 * exactly one text.
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_BASE64_H
#define SCHEMAS_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

/*
 * Decodes `text` to at most `out_max` bytes.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   not base64: `out_fault`, which may be NULL, is the place
 *                    of the first character that cannot be there, or the
 *                    text's length when padding is missing
 *   FAIL_TOO_BIG     more than `out_max` bytes
 */
int base64_decode(struct bytes text, uint8_t *out, size_t out_max,
                  size_t *out_count, size_t *out_fault) MUST_CHECK;

#endif
