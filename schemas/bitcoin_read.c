/*
 * schemas/bitcoin_read.c: numbers, lengths and hashes as Bitcoin writes them.
 *
 * Everything is little-endian. A length is one byte, or fd, fe, ff and 2, 4 or
 * 8 more; the shortest form is the only one.
 *
 * From: schemas/bitcoin_parse.c, schemas/psbt.c, schemas/bitcoin_sighash.c.
 * To:   schemas/hash.h, schemas/ripemd160.h.
 */
#include "schemas/bitcoin_inside.h"
#include "schemas/hash.h"
#include "schemas/ripemd160.h"

static struct bytes fault(struct bitcoin_reader *r, enum reason reason)
{
    if (r->fault == REASON_NONE)
        r->fault = reason;
    r->rest.count = 0;
    return bytes_of(r->rest.data, 0);
}

struct bytes bitcoin_take(struct bitcoin_reader *r, size_t count)
{
    struct bytes taken = {r->rest.data, count};

    if (r->fault != REASON_NONE || count > r->rest.count)
        return fault(r, REASON_MALFORMED);
    r->rest.data += count;
    r->rest.count -= count;
    return taken;
}

uint64_t bitcoin_number(struct bytes le)
{
    uint64_t n = 0;

    CHECK(le.count <= 8);
    for (size_t i = le.count; i > 0; i--)
        n = n << 8 | le.data[i - 1];
    return n;
}

uint64_t bitcoin_take_number(struct bitcoin_reader *r, size_t width)
{
    return bitcoin_number(bitcoin_take(r, width));
}

uint64_t bitcoin_take_size(struct bitcoin_reader *r)
{
    uint64_t first = bitcoin_take_number(r, 1), size, least;

    if (first < 0xfd)
        return first;
    size = bitcoin_take_number(r, (size_t)1 << (first - 0xfc));
    least = first == 0xfd ? 0xfd : first == 0xfe ? 0x10000 : 0x100000000;
    if (size < least)
        fault(r, REASON_NON_CANONICAL);
    return r->fault == REASON_NONE ? size : 0;
}

struct bytes bitcoin_take_string(struct bitcoin_reader *r)
{
    uint64_t count = bitcoin_take_size(r);

    return bitcoin_take(r, count > SIZE_MAX ? SIZE_MAX : (size_t)count);
}

struct bitcoin_output bitcoin_take_output(struct bitcoin_reader *r)
{
    struct bitcoin_output o;
    const uint8_t *start = r->rest.data;

    o.value = bitcoin_take_number(r, 8);
    o.script = bitcoin_take_string(r);
    o.raw = bytes_of(start, (size_t)(r->rest.data - start));
    return o;
}

void bitcoin_append_number(struct buffer *out, uint64_t n, size_t width)
{
    for (; width > 0; width--, n >>= 8)
        buffer_append_byte(out, (uint8_t)n);
}

void bitcoin_append_size(struct buffer *out, uint64_t size)
{
    if (size < 0xfd) {
        buffer_append_byte(out, (uint8_t)size);
        return;
    }
    for (size_t i = 1; i <= 3; i++) {
        size_t width = (size_t)1 << i;

        if (i < 3 && size >> 8 * width != 0)
            continue;
        buffer_append_byte(out, (uint8_t)(0xfc + i));
        bitcoin_append_number(out, size, width);
        return;
    }
}

void bitcoin_append_string(struct buffer *out, struct bytes b)
{
    bitcoin_append_size(out, b.count);
    buffer_append_bytes(out, b);
}

void bitcoin_hash_twice(struct bytes b, uint8_t out[32])
{
    hash_sha256(b, out);
    hash_sha256(bytes_of(out, HASH_BYTES), out);
}

void bitcoin_hash160(struct bytes b, uint8_t out[20])
{
    uint8_t hash[HASH_BYTES];

    hash_sha256(b, hash);
    ripemd160(bytes_of(hash, sizeof(hash)), out);
}

void bitcoin_reverse(uint8_t hash[32])
{
    for (size_t i = 0; i < 16; i++) {
        uint8_t byte = hash[i];

        hash[i] = hash[31 - i];
        hash[31 - i] = byte;
    }
}
