/*
 * schemas/bitcoin_der.c: r and s out of a DER signature.
 *
 *   30 len | 02 len r | 02 len s          r and s: no sign, no needless zero
 *
 * Strict since BIP 66: one byte more or less, or a length that does not add up,
 * and it is none.
 *
 * From: schemas/bitcoin_check.c, verifier/scheme_bitcoin.c.
 * To:   64 bytes, as the curve's library wants them.
 */
#include <string.h>

#include "schemas/bitcoin_spend.h"

#define NUMBER_BYTES 32

/* The order of the curve, and half of it, rounded down. */
static const uint8_t order[NUMBER_BYTES] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
    0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
};
static const uint8_t half[NUMBER_BYTES] = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
    0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
};

/* 02, a length, a positive number without needless zeros. */
static bool take_integer(struct bytes *rest, struct bytes *out)
{
    struct bytes number;

    if (rest->count < 3 || rest->data[0] != 0x02 || rest->data[1] == 0 ||
        rest->data[1] > rest->count - 2)
        return false;
    number = bytes_slice(*rest, 2, rest->data[1]);
    *rest = bytes_slice(*rest, 2 + number.count, rest->count);
    if (number.data[0] & 0x80)
        return false;
    if (number.data[0] == 0 && number.count > 1) {
        if ((number.data[1] & 0x80) == 0)
            return false;
        number = bytes_slice(number, 1, number.count);
    }
    *out = number;
    return true;
}

/* Right-aligned in 32 bytes; false: zero, or not below the order. */
static bool set_number(struct bytes number, uint8_t out[NUMBER_BYTES])
{
    static const uint8_t zero[NUMBER_BYTES];

    if (number.count > NUMBER_BYTES)
        return false;
    memset(out, 0, NUMBER_BYTES);
    memcpy(out + NUMBER_BYTES - number.count, number.data, number.count);
    return memcmp(out, order, NUMBER_BYTES) < 0 &&
           memcmp(out, zero, NUMBER_BYTES) != 0;
}

enum reason bitcoin_signature_read(struct bytes der, uint8_t out[64])
{
    struct bytes rest, r, s;

    if (der.count < 8 || der.count > 72 || der.data[0] != 0x30 ||
        der.data[1] != der.count - 2)
        return REASON_SIGNATURE_ENCODING;
    rest = bytes_slice(der, 2, der.count);
    if (!take_integer(&rest, &r) || !take_integer(&rest, &s) || rest.count > 0)
        return REASON_SIGNATURE_ENCODING;
    if (!set_number(r, out) || !set_number(s, out + NUMBER_BYTES))
        return REASON_OUT_OF_RANGE;
    return REASON_NONE;
}

bool bitcoin_signature_high(const uint8_t signature[64])
{
    return memcmp(signature + NUMBER_BYTES, half, NUMBER_BYTES) > 0;
}
