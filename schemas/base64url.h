/*
 * schemas/base64url.h: base64url of RFC 4648, section 5, without padding, in
 * its one spelling.
 *
 *   00 10 83   <->   ABCD        no = behind it, no white space, no + and /
 *   00         <->   AA          and not AB: the last four bits are zero
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_BASE64URL_H
#define SCHEMAS_BASE64URL_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

/* Characters that `count` bytes take; bytes that `count` characters give. */
#define BASE64URL_CHARACTERS(count) (((count)*8 + 5) / 6)
#define BASE64URL_BYTES(count) ((count)*6 / 8)

/*
 * Writes the characters and a NUL; `out` has room for both. Returns how many
 * characters.
 */
size_t base64url_encode(struct bytes b, char *out);

/*
 * Decodes all of `text` into `out`, which has room for
 * BASE64URL_BYTES(text.count) bytes.
 *
 * Returns 0, or
 *   FAIL_MALFORMED     a character of another alphabet, or one too many
 *   FAIL_UNSUPPORTED   the last character has bits that belong to no byte:
 *                      another spelling of the same bytes
 */
int base64url_decode(struct bytes text, uint8_t *out,
                     size_t *out_count) MUST_CHECK;

#endif
