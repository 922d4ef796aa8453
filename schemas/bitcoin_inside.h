/*
 * schemas/bitcoin_inside.h: what the files of the Bitcoin decoder share.
 *
 * Thread: any. Memory: everything borrows from the input.
 */
#ifndef SCHEMAS_BITCOIN_INSIDE_H
#define SCHEMAS_BITCOIN_INSIDE_H

#include "schemas/bitcoin.h"

/*
 * Reads from the front. The first fault stays, and whatever is taken after it
 * is empty or 0: a parser may take many things and ask once.
 */
struct bitcoin_reader {
    struct bytes rest;
    enum reason fault; /* REASON_NONE, _MALFORMED or _NON_CANONICAL */
};

struct bytes bitcoin_take(struct bitcoin_reader *r, size_t count);

/* A little-endian number of `width` bytes, at most 8. */
uint64_t bitcoin_take_number(struct bitcoin_reader *r, size_t width);

/* A compact size; one that could be shorter is REASON_NON_CANONICAL. */
uint64_t bitcoin_take_size(struct bitcoin_reader *r);

/* A compact size and as many bytes. */
struct bytes bitcoin_take_string(struct bitcoin_reader *r);

/* A spent or created output. */
struct bitcoin_output bitcoin_take_output(struct bitcoin_reader *r);

/* Writes a compact size, as short as it goes. */
void bitcoin_append_size(struct buffer *out, uint64_t size);

/* A length and the bytes. */
void bitcoin_append_string(struct buffer *out, struct bytes b);

/* Little-endian, `width` bytes, at most 8. */
void bitcoin_append_number(struct buffer *out, uint64_t n, size_t width);

/* The little-endian number in at most 8 bytes. */
uint64_t bitcoin_number(struct bytes le);

/* SHA-256 of SHA-256, in the order it is computed. */
void bitcoin_hash_twice(struct bytes b, uint8_t out[32]);

/* RIPEMD-160 of SHA-256. */
void bitcoin_hash160(struct bytes b, uint8_t out[20]);

/* The bytes in the other order. */
void bitcoin_reverse(uint8_t hash[32]);

#endif
