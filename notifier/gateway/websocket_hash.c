/*
 * notifier/gateway/websocket_hash.c: SHA-1 (FIPS 180-4) and base64 (RFC 4648),
 * written for clarity: they run once a connection.
 *
 * From: notifier/gateway/websocket_handshake.c.
 * To:   the same.
 */
#include "notifier/gateway/websocket_hash.h"

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t rotate(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static void sha1_block(uint32_t state[5], const uint8_t block[64])
{
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                          0xca62c1d6};
    uint32_t w[80];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3],
             e = state[4];

    for (int i = 0; i < 16; i++)
        w[i] = bytes_get_be32(block + 4 * i);
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? (b & c) | (~b & d)
                     : i < 40 ? b ^ c ^ d
                     : i < 60 ? (b & c) | (b & d) | (c & d)
                              : b ^ c ^ d;
        uint32_t next = rotate(a, 5) + f + e + constants[i / 20] + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void websocket_sha1(struct bytes b, uint8_t out[20])
{
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                         0xc3d2e1f0};
    uint8_t tail[128] = {0};
    size_t whole = b.count / 64 * 64;
    size_t rest = b.count - whole;
    size_t tail_count = rest < 56 ? 64 : 128;

    for (size_t pos = 0; pos < whole; pos += 64)
        sha1_block(state, b.data + pos);
    if (rest > 0)
        memcpy(tail, b.data + whole, rest);
    tail[rest] = 0x80;
    bytes_put_be64(tail + tail_count - 8, (uint64_t)b.count * 8);
    for (size_t pos = 0; pos < tail_count; pos += 64)
        sha1_block(state, tail + pos);
    for (int i = 0; i < 5; i++)
        bytes_put_be32(out + 4 * i, state[i]);
}

void websocket_base64(struct bytes b, char *out)
{
    for (size_t pos = 0; pos < b.count; pos += 3) {
        size_t left = b.count - pos;
        uint32_t bits = (uint32_t)b.data[pos] << 16;
        if (left > 1)
            bits |= (uint32_t)b.data[pos + 1] << 8;
        if (left > 2)
            bits |= b.data[pos + 2];
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? alphabet[bits & 63] : '=';
    }
    *out = '\0';
}

bool websocket_is_base64(struct bytes text, size_t count)
{
    size_t padding = (3 - count % 3) % 3;

    if (text.count != (count + 2) / 3 * 4)
        return false;
    for (size_t i = 0; i < text.count; i++) {
        bool pad = i >= text.count - padding;
        if (pad ? text.data[i] != '='
                : text.data[i] == '\0' ||
                      strchr(alphabet, text.data[i]) == NULL)
            return false;
    }
    return true;
}
