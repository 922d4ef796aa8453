/*
 * schemas/keccak.c: keccak-f[1600] as straight-line code.
 *
 * A loop over x and y leaves the lanes in memory and costs almost five times
 * as much. Here every lane is a local with a name, a round reads one set and
 * writes the other, and two rounds make one turn of the loop, so that the sets
 * change places without a copy:
 *
 *   turn i:  a --round 2i--> e --round 2i+1--> a
 *
 * Lane (x, y) is a<y><x>. After the column sums d0..d4 are mixed in, lane
 * (x, y) is rotated and moves to (y, 2x + 3y); so row Y of the result is made
 * of the lanes (X + 3Y, X), X = 0..4, each in one ROW below.
 *
 * From: schemas/hash.c, once per 136 bytes.
 * To:   nothing.
 */
#include "schemas/keccak.h"

#define ROTATE(lane, by) ((lane) << (by) | (lane) >> (64 - (by)))

static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a,
    0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
    0x8000000080008081, 0x8000000000008009, 0x000000000000008a,
    0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
    0x000000000000800a, 0x800000008000000a, 0x8000000080008081,
    0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* One row of the result, from five rotated lanes. */
#define ROW(to, y, l0, l1, l2, l3, l4)                                         \
    b0 = (l0);                                                                 \
    b1 = (l1);                                                                 \
    b2 = (l2);                                                                 \
    b3 = (l3);                                                                 \
    b4 = (l4);                                                                 \
    to##y##0 = b0 ^ (~b1 & b2);                                                \
    to##y##1 = b1 ^ (~b2 & b3);                                                \
    to##y##2 = b2 ^ (~b3 & b4);                                                \
    to##y##3 = b3 ^ (~b4 & b0);                                                \
    to##y##4 = b4 ^ (~b0 & b1)

#define COLUMN(f, x) (f##0##x ^ f##1##x ^ f##2##x ^ f##3##x ^ f##4##x)

#define ROUND(f, to, constant)                                                 \
    b0 = COLUMN(f, 0);                                                         \
    b1 = COLUMN(f, 1);                                                         \
    b2 = COLUMN(f, 2);                                                         \
    b3 = COLUMN(f, 3);                                                         \
    b4 = COLUMN(f, 4);                                                         \
    d0 = b4 ^ ROTATE(b1, 1);                                                   \
    d1 = b0 ^ ROTATE(b2, 1);                                                   \
    d2 = b1 ^ ROTATE(b3, 1);                                                   \
    d3 = b2 ^ ROTATE(b4, 1);                                                   \
    d4 = b3 ^ ROTATE(b0, 1);                                                   \
    ROW(to, 0, f##00 ^ d0, ROTATE(f##11 ^ d1, 44), ROTATE(f##22 ^ d2, 43),     \
        ROTATE(f##33 ^ d3, 21), ROTATE(f##44 ^ d4, 14));                       \
    to##00 ^= (constant);                                                      \
    ROW(to, 1, ROTATE(f##03 ^ d3, 28), ROTATE(f##14 ^ d4, 20),                 \
        ROTATE(f##20 ^ d0, 3), ROTATE(f##31 ^ d1, 45),                         \
        ROTATE(f##42 ^ d2, 61));                                               \
    ROW(to, 2, ROTATE(f##01 ^ d1, 1), ROTATE(f##12 ^ d2, 6),                   \
        ROTATE(f##23 ^ d3, 25), ROTATE(f##34 ^ d4, 8),                         \
        ROTATE(f##40 ^ d0, 18));                                               \
    ROW(to, 3, ROTATE(f##04 ^ d4, 27), ROTATE(f##10 ^ d0, 36),                 \
        ROTATE(f##21 ^ d1, 10), ROTATE(f##32 ^ d2, 15),                        \
        ROTATE(f##43 ^ d3, 56));                                               \
    ROW(to, 4, ROTATE(f##02 ^ d2, 62), ROTATE(f##13 ^ d3, 55),                 \
        ROTATE(f##24 ^ d4, 39), ROTATE(f##30 ^ d0, 41), ROTATE(f##41 ^ d1, 2))

void keccak_permute(uint64_t lanes[25])
{
    uint64_t a00 = lanes[0], a01 = lanes[1], a02 = lanes[2], a03 = lanes[3],
             a04 = lanes[4], a10 = lanes[5], a11 = lanes[6], a12 = lanes[7],
             a13 = lanes[8], a14 = lanes[9], a20 = lanes[10], a21 = lanes[11],
             a22 = lanes[12], a23 = lanes[13], a24 = lanes[14], a30 = lanes[15],
             a31 = lanes[16], a32 = lanes[17], a33 = lanes[18], a34 = lanes[19],
             a40 = lanes[20], a41 = lanes[21], a42 = lanes[22], a43 = lanes[23],
             a44 = lanes[24];
    uint64_t e00, e01, e02, e03, e04, e10, e11, e12, e13, e14, e20, e21, e22,
        e23, e24, e30, e31, e32, e33, e34, e40, e41, e42, e43, e44;
    uint64_t b0, b1, b2, b3, b4, d0, d1, d2, d3, d4;

    for (int i = 0; i < 24; i += 2) {
        ROUND(a, e, round_constants[i]);
        ROUND(e, a, round_constants[i + 1]);
    }
    lanes[0] = a00, lanes[1] = a01, lanes[2] = a02, lanes[3] = a03;
    lanes[4] = a04, lanes[5] = a10, lanes[6] = a11, lanes[7] = a12;
    lanes[8] = a13, lanes[9] = a14, lanes[10] = a20, lanes[11] = a21;
    lanes[12] = a22, lanes[13] = a23, lanes[14] = a24, lanes[15] = a30;
    lanes[16] = a31, lanes[17] = a32, lanes[18] = a33, lanes[19] = a34;
    lanes[20] = a40, lanes[21] = a41, lanes[22] = a42, lanes[23] = a43;
    lanes[24] = a44;
}
