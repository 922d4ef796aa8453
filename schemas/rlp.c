/*
 * schemas/rlp.c: reads one item, writes one item.
 *
 * A count is compared with what is left before anything is added to it, so no
 * length in the input can overflow or make us allocate.
 *
 * From: schemas/ethereum_parse.c.
 * To:   nothing.
 */
#include "schemas/rlp.h"

#include "schemas/base/fail.h"

#define SHORT_MAX 55  /* a longer payload has its count written out */
#define LOW_BITS 0x3f /* of a first byte: what the two highest leave */
#define RLP_DEPTH_MAX 1024

/* The count written in `digits` bytes at `at`. */
static enum rlp_fault read_count(const uint8_t *at, size_t digits,
                                 uint64_t *out)
{
    uint64_t count = 0;

    if (at[0] == 0)
        return RLP_CANONICAL;
    for (size_t i = 0; i < digits; i++)
        count = count << 8 | at[i];
    if (count <= SHORT_MAX)
        return RLP_CANONICAL;
    *out = count;
    return RLP_GOOD;
}

/* The count of an item whose prefix has it in bytes of its own. */
static enum rlp_fault read_long_prefix(struct bytes rest, size_t *out_prefix,
                                       uint64_t *out_count)
{
    size_t digits = (size_t)((rest.data[0] & LOW_BITS) - SHORT_MAX);

    if (digits > rest.count - 1)
        return RLP_TOO_LONG;
    *out_prefix = 1 + digits;
    return read_count(rest.data + 1, digits, out_count);
}

enum rlp_fault rlp_read(struct bytes *rest, struct rlp_item *out)
{
    const uint8_t *at = rest->data;
    enum rlp_fault fault;
    size_t prefix = 1;
    uint64_t count;

    if (rest->count == 0)
        return RLP_END;
    if (at[0] < 0x80) {
        prefix = 0;
        count = 1;
    } else if ((at[0] & LOW_BITS) <= SHORT_MAX) {
        count = at[0] & LOW_BITS;
    } else {
        fault = read_long_prefix(*rest, &prefix, &count);
        if (fault != RLP_GOOD)
            return fault;
    }
    if (count > rest->count - prefix)
        return RLP_TOO_LONG;
    if (at[0] == 0x81 && at[1] < 0x80)
        return RLP_CANONICAL;
    out->list = at[0] >= RLP_LIST_FIRST;
    out->payload = (struct bytes){at + prefix, (size_t)count};
    out->raw = (struct bytes){at, prefix + (size_t)count};
    rest->data += prefix + count;
    rest->count -= prefix + (size_t)count;
    return RLP_GOOD;
}

int rlp_check(struct bytes b, int depth_max)
{
    const uint8_t *ends[RLP_DEPTH_MAX]; /* of the lists we are in */
    struct bytes rest = b;
    struct rlp_item item;
    int depth = 0;

    CHECK(depth_max <= RLP_DEPTH_MAX);
    do {
        if (rlp_read(&rest, &item) != RLP_GOOD)
            return FAIL_MALFORMED;
        if (item.list) {
            if (depth == depth_max)
                return FAIL_TOO_BIG;
            ends[depth++] = item.raw.data + item.raw.count;
            rest = item.payload;
        }
        while (depth > 0 && rest.count == 0) {
            const uint8_t *here = ends[--depth];
            const uint8_t *end = depth > 0 ? ends[depth - 1] : b.data + b.count;

            rest = bytes_of(here, (size_t)(end - here));
        }
    } while (depth > 0);
    return rest.count == 0 ? 0 : FAIL_MALFORMED;
}

static size_t write_prefix(uint8_t base, size_t count,
                           uint8_t out[RLP_PREFIX_MAX])
{
    size_t digits = 0;

    if (count <= SHORT_MAX) {
        out[0] = (uint8_t)(base + count);
        return 1;
    }
    for (size_t rest = count; rest > 0; rest >>= 8)
        digits++;
    out[0] = (uint8_t)(base + SHORT_MAX + digits);
    for (size_t i = 0; i < digits; i++)
        out[1 + i] = (uint8_t)(count >> 8 * (digits - 1 - i));
    return 1 + digits;
}

static bool stands_alone(struct bytes payload)
{
    return payload.count == 1 && payload.data[0] < 0x80;
}

size_t rlp_string_bytes(struct bytes payload)
{
    uint8_t prefix[RLP_PREFIX_MAX];

    if (stands_alone(payload))
        return 1;
    return write_prefix(0x80, payload.count, prefix) + payload.count;
}

size_t rlp_list_prefix(size_t count, uint8_t out[RLP_PREFIX_MAX])
{
    return write_prefix(RLP_LIST_FIRST, count, out);
}

void rlp_append_string(struct buffer *out, struct bytes payload)
{
    uint8_t prefix[RLP_PREFIX_MAX];

    if (!stands_alone(payload))
        buffer_append(out, prefix, write_prefix(0x80, payload.count, prefix));
    if (payload.count > 0)
        buffer_append_bytes(out, payload);
}

void rlp_append_uint(struct buffer *out, uint64_t value)
{
    uint8_t be[8];

    bytes_put_be64(be, value);
    rlp_append_integer(out, bytes_of(be, sizeof(be)));
}

void rlp_append_integer(struct buffer *out, struct bytes be)
{
    while (be.count > 0 && be.data[0] == 0)
        be = bytes_slice(be, 1, be.count - 1);
    rlp_append_string(out, be);
}

void rlp_append_list(struct buffer *out, struct bytes items)
{
    uint8_t prefix[RLP_PREFIX_MAX];

    buffer_append(out, prefix,
                  write_prefix(RLP_LIST_FIRST, items.count, prefix));
    if (items.count > 0)
        buffer_append_bytes(out, items);
}
