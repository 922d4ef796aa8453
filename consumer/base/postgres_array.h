/*
 * consumer/base/postgres_array.h: PostgreSQL's binary arrays, for unnest().
 *
 * A statement over 500 records takes one array a column. An array is appended
 * to element by element and read as one parameter. The memory is kept between
 * batches: clear, append, pass.
 *
 *   00000001 00000000 00000014   1 dimension, no null, element type int8
 *   00000002 00000001            2 elements, from index 1
 *   00000008 0000000000015848    8 bytes: 88136 ...
 *
 * Thread: one at a time. Pure: knows no library.
 */
#ifndef CONSUMER_BASE_POSTGRES_ARRAY_H
#define CONSUMER_BASE_POSTGRES_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "consumer/base/postgres.h"
#include "schemas/base/bytes.h"

/* The largest array: what one batch may hold, payloads included. */
#define POSTGRES_ARRAY_BYTES_MAX ((size_t)64 << 20)

struct postgres_array {
    uint32_t type;         /* the array's type: POSTGRES_INT8_ARRAY ... */
    uint32_t element_type; /* POSTGRES_INT8 ... */
    uint32_t count;        /* elements so far */
    bool nulls;            /* one of them is null */
    struct buffer bytes;   /* header and elements */
};

/* `type` is one of the *_ARRAY types. */
void postgres_array_init(struct postgres_array *a, enum postgres_type type);
void postgres_array_fini(struct postgres_array *a);

/* Empties it, keeping the memory. */
void postgres_array_clear(struct postgres_array *a);

/*
 * Append one element; the array's type must be the matching one. Past
 * POSTGRES_ARRAY_BYTES_MAX the array is marked and postgres_array_full() says
 * so.
 */
void postgres_array_i16(struct postgres_array *a, int16_t value);
void postgres_array_i32(struct postgres_array *a, int32_t value);
void postgres_array_i64(struct postgres_array *a, int64_t value);
/* bytea and text; data NULL is NULL. Text is UTF-8 without NUL. */
void postgres_array_bytes(struct postgres_array *a, struct bytes value);
/* numeric, from a big-endian number of at most 32 bytes, or from 64 bits. */
void postgres_array_numeric_be(struct postgres_array *a, const uint8_t *data,
                               size_t count);
void postgres_array_numeric_u64(struct postgres_array *a, uint64_t value);
void postgres_array_null(struct postgres_array *a);

/* Whether an element did not fit: the array must not be sent. */
bool postgres_array_full(const struct postgres_array *a);

/* The array as a parameter, borrowed until the next change. */
struct postgres_param postgres_array_param(struct postgres_array *a);

/* One numeric in binary form into `out`, at most 50 bytes; returns how many. */
size_t postgres_numeric_be(const uint8_t *data, size_t count, uint8_t out[50]);

/*
 * A numeric cell that is a whole number of at most 256 bits, as 32 big-endian
 * bytes: the way back. 0, or FAIL_MALFORMED (NaN, a fraction, negative,
 * larger).
 */
MUST_CHECK int postgres_numeric_parse(struct bytes cell, uint8_t out[32]);

#endif
