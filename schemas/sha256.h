/*
 * schemas/sha256.h: SHA-256 in hardware, where there is such hardware.
 *
 * schemas/hash.h is what everybody calls; it asks here first.
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_SHA256_H
#define SCHEMAS_SHA256_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

#define SHA256_BYTES 32
#define SHA256_BLOCK_BYTES 64

/* Whether this processor can. */
bool sha256_here(void);

/* The SHA-256 of `b`. Only where sha256_here(). */
void sha256_all(struct bytes b, uint8_t out[SHA256_BYTES]);

#endif
