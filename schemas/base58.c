/*
 * schemas/base58.c: one large number, from base 2^64 to base 58 and back.
 *
 * Ten digits are read at a time, since 58^10 is below 2^64: each group is one
 * pass over what is there, number = number * 58^10 + group. Writing goes the
 * other way by five, 58^5 being below 2^32, so that a step is a division of
 * 64 bits by a constant.
 *
 * From: those who read and write texts of Solana and Bitcoin.
 * To:   schemas/base/bytes.h.
 */
#include "schemas/base58.h"

#include <stdbool.h>
#include <string.h>

#include "schemas/base/fail.h"

#define READ_GROUP 10
#define LIMBS_MAX ((BASE58_TEXT_MAX * 6 + 63) / 64) /* log2(58) < 6 */
#define WRITE_GROUP 5
#define WRITE_BASE 656356768u                        /* 58^5 */
#define GROUPS_MAX (BASE58_ENCODED_MAX * 8 / 29 + 1) /* 29 < log2(58^5) */

typedef unsigned __int128 wide;

static const char digits[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* A digit's value; 58 and more for what is none. */
static uint8_t digit_value(uint8_t c)
{
    /* 0 means "no digit" here, so that the table needs 58 entries only. */
    static const uint8_t values[256] = {
        ['1'] = 1,  ['2'] = 2,  ['3'] = 3,  ['4'] = 4,  ['5'] = 5,  ['6'] = 6,
        ['7'] = 7,  ['8'] = 8,  ['9'] = 9,  ['A'] = 10, ['B'] = 11, ['C'] = 12,
        ['D'] = 13, ['E'] = 14, ['F'] = 15, ['G'] = 16, ['H'] = 17, ['J'] = 18,
        ['K'] = 19, ['L'] = 20, ['M'] = 21, ['N'] = 22, ['P'] = 23, ['Q'] = 24,
        ['R'] = 25, ['S'] = 26, ['T'] = 27, ['U'] = 28, ['V'] = 29, ['W'] = 30,
        ['X'] = 31, ['Y'] = 32, ['Z'] = 33, ['a'] = 34, ['b'] = 35, ['c'] = 36,
        ['d'] = 37, ['e'] = 38, ['f'] = 39, ['g'] = 40, ['h'] = 41, ['i'] = 42,
        ['j'] = 43, ['k'] = 44, ['m'] = 45, ['n'] = 46, ['o'] = 47, ['p'] = 48,
        ['q'] = 49, ['r'] = 50, ['s'] = 51, ['t'] = 52, ['u'] = 53, ['v'] = 54,
        ['w'] = 55, ['x'] = 56, ['y'] = 57, ['z'] = 58,
    };

    return (uint8_t)(values[c] - 1);
}

/* limbs = limbs * by + add, the lowest limb first; returns how many there are.
 */
static size_t grow(uint64_t *limbs, size_t count, uint64_t by, uint64_t add)
{
    for (size_t i = 0; i < count; i++) {
        wide product = (wide)limbs[i] * by + add;

        limbs[i] = (uint64_t)product;
        add = (uint64_t)(product >> 64);
    }
    if (add > 0)
        limbs[count++] = add;
    return count;
}

/* The number that `text` is; FAIL_MALFORMED and where it is not one. */
static int read_number(struct bytes text, uint64_t limbs[LIMBS_MAX],
                       size_t *out_count, size_t *out_fault)
{
    size_t count = 0;

    for (size_t pos = 0; pos < text.count;) {
        uint64_t by = 1, group = 0;

        for (int i = 0; i < READ_GROUP && pos < text.count; i++, pos++) {
            uint8_t value = digit_value(text.data[pos]);

            if (value >= 58) {
                if (out_fault != NULL)
                    *out_fault = pos;
                return FAIL_MALFORMED;
            }
            by *= 58;
            group = group * 58 + value;
        }
        count = grow(limbs, count, by, group);
        CHECK(count <= LIMBS_MAX);
    }
    *out_count = count;
    return 0;
}

static size_t leading(struct bytes b, uint8_t byte)
{
    size_t count = 0;

    while (count < b.count && b.data[count] == byte)
        count++;
    return count;
}

/* Bytes of the number, without leading zeros. */
static size_t number_bytes(const uint64_t *limbs, size_t count)
{
    if (count == 0)
        return 0;
    return 8 * count - (size_t)__builtin_clzll(limbs[count - 1]) / 8;
}

int base58_decode(struct bytes text, uint8_t *out, size_t out_max,
                  size_t *out_count, size_t *out_fault)
{
    uint64_t limbs[LIMBS_MAX];
    size_t ones = leading(text, '1'), limb_count, bytes;
    int rc;

    if (text.count > BASE58_TEXT_MAX)
        return FAIL_TOO_BIG;
    rc = read_number(text, limbs, &limb_count, out_fault);
    if (rc < 0)
        return rc;
    bytes = number_bytes(limbs, limb_count);
    if (ones + bytes > out_max)
        return FAIL_TOO_BIG;
    memset(out, 0, ones);
    for (size_t i = 0; i < bytes; i++)
        out[ones + bytes - 1 - i] = (uint8_t)(limbs[i / 8] >> 8 * (i % 8));
    *out_count = ones + bytes;
    return 0;
}

/* groups = groups * 256 + byte, each below 58^5, the lowest first. */
static size_t add_byte(uint32_t *groups, size_t count, uint8_t byte)
{
    uint64_t carry = byte;

    for (size_t i = 0; i < count; i++) {
        carry += (uint64_t)groups[i] << 8;
        groups[i] = (uint32_t)(carry % WRITE_BASE);
        carry /= WRITE_BASE;
    }
    if (carry > 0)
        groups[count++] = (uint32_t)carry;
    return count;
}

/* Five digits, the highest first; fewer of the first group. */
static size_t write_group(uint32_t group, bool first, char *out)
{
    char five[WRITE_GROUP];
    size_t skip = 0;

    for (size_t i = WRITE_GROUP; i-- > 0; group /= 58)
        five[i] = digits[group % 58];
    while (first && five[skip] == digits[0])
        skip++;
    memcpy(out, five + skip, WRITE_GROUP - skip);
    return WRITE_GROUP - skip;
}

size_t base58_encode(struct bytes b, char *out)
{
    uint32_t groups[GROUPS_MAX];
    size_t count = 0, written = leading(b, 0);

    CHECK(b.count <= BASE58_ENCODED_MAX);
    for (size_t i = written; i < b.count; i++)
        count = add_byte(groups, count, b.data[i]);
    CHECK(count <= GROUPS_MAX);
    memset(out, digits[0], written);
    for (size_t i = count; i-- > 0;)
        written += write_group(groups[i], i == count - 1, out + written);
    out[written] = '\0';
    return written;
}
