/*
 * schemas/utf8.h: one code point at a time, strictly (RFC 3629): no overlong
 * forms, no surrogates, nothing above U+10FFFF.
 *
 * Thread: any.
 */
#ifndef SCHEMAS_UTF8_H
#define SCHEMAS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

/* How many bytes the code point at `at` has, or 0 when it is none. */
size_t utf8_count(const uint8_t *at, const uint8_t *end);

/* Writes a code point (no surrogate, at most U+10FFFF); returns its bytes. */
size_t utf8_encode(uint32_t point, uint8_t out[4]);

/*
 * Reads one code point written as \uXXXX, or as a pair of them; `at` stands
 * behind the first "\u" and is moved past the rest. -1 when it is none, or half
 * of a pair; then `at` may have moved.
 */
int32_t utf8_read_escape(const uint8_t **at, const uint8_t *end);

/* Whether all of `text` is UTF-8. */
bool utf8_is_valid(struct bytes text);

#endif
