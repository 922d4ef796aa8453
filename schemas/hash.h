/*
 * schemas/hash.h: the two hash functions everything is named by, and random
 * bytes.
 *
 * Keccak-256 is our own (the original padding of Ethereum, not SHA-3's);
 * SHA-256 is the processor's or libsodium's; the random bytes are libsodium's.
 *
 * Thread: any. Memory: the caller's; nothing is allocated.
 */
#ifndef SCHEMAS_HASH_H
#define SCHEMAS_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

#define HASH_BYTES 32
#define HASH_KECCAK_RATE 136 /* bytes absorbed between two permutations */

/* The Keccak-256 of `b`. */
void hash_keccak256(struct bytes b, uint8_t out[HASH_BYTES]);

/* The same of bytes that come in pieces. */
struct hash_keccak256 {
    uint64_t lanes[25];
    size_t pos; /* bytes absorbed since the last permutation, < rate */
};
void hash_keccak256_init(struct hash_keccak256 *h);
void hash_keccak256_update(struct hash_keccak256 *h, struct bytes b);
/* Ends the hash; `h` must be initialised again before its next use. */
void hash_keccak256_final(struct hash_keccak256 *h, uint8_t out[HASH_BYTES]);

/* The SHA-256 of `b`. */
void hash_sha256(struct bytes b, uint8_t out[HASH_BYTES]);

/* The same of bytes that come in pieces. The state is libsodium's. */
struct hash_sha256 {
    _Alignas(8) uint8_t state[104];
};
void hash_sha256_init(struct hash_sha256 *h);
void hash_sha256_update(struct hash_sha256 *h, struct bytes b);
/* Ends the hash; `h` must be initialised again before its next use. */
void hash_sha256_final(struct hash_sha256 *h, uint8_t out[HASH_BYTES]);

/*
 * Fills `out` with random bytes that nobody can predict.
 *
 * Returns 0, or FAIL_SYSTEM when the operating system gives none.
 */
int hash_random(uint8_t *out, size_t count) MUST_CHECK;

#endif
