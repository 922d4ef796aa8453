/*
 * consumer/base/chunk.h: bytes that several sockets send and nobody changes.
 *
 * A chunk is counted by reference: one frame that goes to ten thousand
 * listeners exists once. Whoever makes a chunk holds it; chunk_drop() gives
 * that hold up, and the last one frees the memory.
 *
 * Thread: one loop; the count is not atomic.
 */
#ifndef CONSUMER_BASE_CHUNK_H
#define CONSUMER_BASE_CHUNK_H

#include "schemas/base/bytes.h"

struct chunk;

/* A chunk holding a copy of `b`. The caller holds it. */
struct chunk *chunk_new(struct bytes b);

/*
 * A chunk of `count` bytes that the caller fills through chunk_space() before
 * anybody else sees it.
 */
struct chunk *chunk_blank(size_t count);

/* Where to write the bytes of a chunk that has one holder. */
uint8_t *chunk_space(struct chunk *c);

/* One more holder; returns `c`. */
struct chunk *chunk_hold(struct chunk *c);

/* One holder less. NULL is accepted. */
void chunk_drop(struct chunk *c);

/* The bytes, borrowed while somebody holds the chunk. */
struct bytes chunk_bytes(const struct chunk *c);

#endif
