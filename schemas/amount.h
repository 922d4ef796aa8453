/*
 * schemas/amount.h: 256-bit amounts, big-endian, as they travel.
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_AMOUNT_H
#define SCHEMAS_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

#define AMOUNT_BYTES 32
#define AMOUNT_TEXT_MAX 78 /* decimal digits of 2^256 - 1 */

/*
 * Sets `out` to the big-endian number `be`, at most 32 bytes.
 *
 * Returns 0, or FAIL_TOO_BIG when more than 32 bytes are left once leading
 * zeros are gone.
 */
int amount_set(struct bytes be, uint8_t out[AMOUNT_BYTES]) MUST_CHECK;

/* Writes the decimal digits and a NUL; returns how many digits. */
size_t amount_format(const uint8_t amount[AMOUNT_BYTES],
                     char out[AMOUNT_TEXT_MAX + 1]);

/*
 * Reads decimal digits without sign or leading zero.
 *
 * Returns 0, FAIL_MALFORMED, or FAIL_TOO_BIG from 2^256 on.
 */
int amount_parse(struct bytes text, uint8_t out[AMOUNT_BYTES]) MUST_CHECK;

/*
 * Adds `count` times `price` to `sum`.
 *
 * Returns 0, or FAIL_TOO_BIG when that does not fit; `sum` is as it was.
 */
int amount_add_product(uint8_t sum[AMOUNT_BYTES], uint64_t count,
                       const uint8_t price[AMOUNT_BYTES]) MUST_CHECK;

/* Whether `count` times `price` plus `value` fits 256 bits. */
bool amount_cost_fits(uint64_t count, const uint8_t price[AMOUNT_BYTES],
                      const uint8_t value[AMOUNT_BYTES]);

#endif
