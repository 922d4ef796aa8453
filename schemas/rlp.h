/*
 * schemas/rlp.h: recursive length prefix, strictly.
 *
 *   7f             the byte 7f itself        80        the empty string
 *   83 646f67      three bytes               c0        the empty list
 *   b8 38 ..       56 bytes, count in 1      c2 01 80  a list of two items
 *
 * One value has one encoding: a single byte below 80 stands alone, a count that
 * fits the short form takes it, and a count has no leading zero. Everything
 * else is refused here, so that what was read is what would be written.
 *
 * Thread: any. Memory: items borrow from the input.
 */
#ifndef SCHEMAS_RLP_H
#define SCHEMAS_RLP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

#define RLP_LIST_FIRST 0xc0 /* a first byte from here on begins a list */

enum rlp_fault {
    RLP_GOOD = 0,
    RLP_END,       /* there is no further item */
    RLP_TOO_LONG,  /* the item is larger than what it is in */
    RLP_CANONICAL, /* the item has a shorter encoding */
};

struct rlp_item {
    bool list;
    struct bytes payload; /* the string, or the items inside the list */
    struct bytes raw;     /* with its prefix */
};

/*
 * Reads the first item of `rest` and moves `rest` past it; on a fault nothing
 * moves and `out` keeps what it had. The insides of a list are not looked at.
 */
enum rlp_fault rlp_read(struct bytes *rest, struct rlp_item *out) MUST_CHECK;

/*
 * Whether `b` is exactly one item, all the way down. `depth_max` lists may be
 * inside each other.
 *
 * Returns 0, FAIL_MALFORMED, or FAIL_TOO_BIG when it is deeper.
 */
int rlp_check(struct bytes b, int depth_max) MUST_CHECK;

/* How many bytes `payload` takes as a string. */
size_t rlp_string_bytes(struct bytes payload);

#define RLP_PREFIX_MAX 9

/* Writes the prefix of a list whose items take `count` bytes; its length. */
size_t rlp_list_prefix(size_t count, uint8_t out[RLP_PREFIX_MAX]);

/* Each appends to `out`, which marks an overflow. */
void rlp_append_string(struct buffer *out, struct bytes payload);
void rlp_append_uint(struct buffer *out, uint64_t value);
/* Leading zeros are left out. */
void rlp_append_integer(struct buffer *out, struct bytes be);
void rlp_append_list(struct buffer *out, struct bytes items);

#endif
