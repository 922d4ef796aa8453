/*
 * schemas/ripemd160.h: the hash that makes a key or script an address of
 * Bitcoin. Nothing else is named by it.
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_RIPEMD160_H
#define SCHEMAS_RIPEMD160_H

#include "schemas/base/bytes.h"

#define RIPEMD160_BYTES 20

/* The RIPEMD-160 of `b`. */
void ripemd160(struct bytes b, uint8_t out[RIPEMD160_BYTES]);

#endif
