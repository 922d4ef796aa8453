/*
 * schemas/ripemd160.c: RIPEMD-160, which no library we stand on has.
 *
 * Two lines of 80 steps read the same 16 words of a block in different orders;
 * at its end both are added to the state, each a word further on.
 *
 *      A = rotate(A + f(B, C, D) + word + constant, n) + E
 *      C = rotate(C, 10), and the five move one place
 *
 * From: schemas/bitcoin_read.c.
 * To:   the name of a key or a script.
 */
#include "schemas/ripemd160.h"

#include <string.h>

#define BLOCK_BYTES 64

/* Which word each step reads; how far it turns; left line, then right. */
static const uint8_t words[2][80] = {
    {0, 1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15,
     7, 4,  13, 1,  10, 6,  15, 3,  12, 0, 9,  5,  2,  14, 11, 8,
     3, 10, 14, 4,  9,  15, 8,  1,  2,  7, 0,  6,  13, 11, 5,  12,
     1, 9,  11, 10, 0,  8,  12, 4,  13, 3, 7,  15, 14, 5,  6,  2,
     4, 0,  5,  9,  7,  12, 2,  10, 14, 1, 3,  8,  11, 6,  15, 13},
    {5,  14, 7,  0, 9, 2,  11, 4,  13, 6,  15, 8,  1,  10, 3,  12,
     6,  11, 3,  7, 0, 13, 5,  10, 14, 15, 8,  12, 4,  9,  1,  2,
     15, 5,  1,  3, 7, 14, 6,  9,  11, 8,  12, 2,  10, 0,  4,  13,
     8,  6,  4,  1, 3, 11, 15, 0,  5,  12, 2,  13, 9,  7,  10, 14,
     12, 15, 10, 4, 1, 5,  8,  7,  6,  2,  13, 14, 0,  3,  9,  11},
};
static const uint8_t turns[2][80] = {
    {11, 14, 15, 12, 5,  8,  7,  9,  11, 13, 14, 15, 6,  7,  9,  8,
     7,  6,  8,  13, 11, 9,  7,  15, 7,  12, 15, 9,  11, 7,  13, 12,
     11, 13, 6,  7,  14, 9,  13, 15, 14, 8,  13, 6,  5,  12, 7,  5,
     11, 12, 14, 15, 14, 15, 9,  8,  9,  14, 5,  6,  8,  6,  5,  12,
     9,  15, 5,  11, 6,  8,  13, 12, 5,  12, 13, 14, 11, 8,  5,  6},
    {8,  9,  9,  11, 13, 15, 15, 5,  7,  7,  8,  11, 14, 14, 12, 6,
     9,  13, 15, 7,  12, 8,  9,  11, 7,  7,  12, 7,  6,  15, 13, 11,
     9,  7,  15, 11, 8,  6,  6,  14, 12, 13, 5,  14, 13, 13, 7,  5,
     15, 5,  8,  11, 14, 14, 6,  14, 6,  9,  12, 9,  12, 5,  15, 8,
     8,  5,  12, 9,  12, 5,  14, 6,  8,  13, 6,  5,  15, 13, 11, 11},
};
static const uint32_t constants[2][5] = {
    {0x00000000, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e},
    {0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0x00000000},
};

static uint32_t rotate(uint32_t word, int n)
{
    return word << n | word >> (32 - n);
}

/* The five ways to mix; the right line uses them from the last to the first. */
static uint32_t mix(int how, uint32_t x, uint32_t y, uint32_t z)
{
    switch (how) {
    case 0:
        return x ^ y ^ z;
    case 1:
        return (x & y) | (~x & z);
    case 2:
        return (x | ~y) ^ z;
    case 3:
        return (x & z) | (y & ~z);
    default:
        return x ^ (y | ~z);
    }
}

static void run_line(int line, const uint32_t block[16], uint32_t s[5])
{
    for (int i = 0; i < 80; i++) {
        int round = i / 16;
        uint32_t word = block[words[line][i]] + constants[line][round];
        uint32_t t =
            s[0] + word + mix(line == 0 ? round : 4 - round, s[1], s[2], s[3]);

        t = rotate(t, turns[line][i]) + s[4];
        s[0] = s[4];
        s[4] = s[3];
        s[3] = rotate(s[2], 10);
        s[2] = s[1];
        s[1] = t;
    }
}

static void absorb(uint32_t state[5], const uint8_t *bytes)
{
    uint32_t block[16], left[5], right[5], first;

    for (int i = 0; i < 16; i++, bytes += 4)
        block[i] = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
                   (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    memcpy(left, state, sizeof(left));
    memcpy(right, state, sizeof(right));
    run_line(0, block, left);
    run_line(1, block, right);

    first = state[1] + left[2] + right[3];
    state[1] = state[2] + left[3] + right[4];
    state[2] = state[3] + left[4] + right[0];
    state[3] = state[4] + left[0] + right[1];
    state[4] = state[0] + left[1] + right[2];
    state[0] = first;
}

/* The rest, 80, zeros, and the number of bits, little-endian. */
static void absorb_tail(uint32_t state[5], struct bytes rest, uint64_t bits)
{
    uint8_t tail[2 * BLOCK_BYTES] = {0};
    size_t count = rest.count < BLOCK_BYTES - 8 ? BLOCK_BYTES : sizeof(tail);

    if (rest.count > 0)
        memcpy(tail, rest.data, rest.count);
    tail[rest.count] = 0x80;
    for (size_t i = 0; i < 8; i++)
        tail[count - 8 + i] = (uint8_t)(bits >> 8 * i);
    for (size_t i = 0; i < count; i += BLOCK_BYTES)
        absorb(state, tail + i);
}

void ripemd160(struct bytes b, uint8_t out[RIPEMD160_BYTES])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                         0xc3d2e1f0};
    uint64_t bits = (uint64_t)b.count * 8;

    for (; b.count >= BLOCK_BYTES; b = bytes_slice(b, BLOCK_BYTES, b.count))
        absorb(state, b.data);
    absorb_tail(state, b, bits);
    for (int i = 0; i < RIPEMD160_BYTES; i++)
        out[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
}
