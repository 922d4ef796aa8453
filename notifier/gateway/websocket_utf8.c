/*
 * notifier/gateway/websocket_utf8.c: UTF-8 (RFC 3629), a byte at a time.
 *
 * The state is how many continuation bytes are missing, and the range the next
 * one must be in, which is narrower after E0, ED, F0 and F4: no overlong form,
 * no surrogate, nothing above U+10FFFF.
 *
 *   bits 0-7 missing, 8-15 least next byte, 16-23 greatest next byte
 *
 * From: notifier/gateway/websocket.c.
 * To:   the same.
 */
#include "notifier/gateway/websocket_utf8.h"

#include <string.h>

static uint32_t expect(uint32_t missing, uint32_t least, uint32_t greatest)
{
    return missing | least << 8 | greatest << 16;
}

/* The state after a first byte; 1 << 31 when there is no such first byte. */
static uint32_t begin(uint8_t byte)
{
    if (byte < 0x80)
        return WEBSOCKET_UTF8_WHOLE;
    if (byte >= 0xc2 && byte <= 0xdf)
        return expect(1, 0x80, 0xbf);
    if (byte == 0xe0)
        return expect(2, 0xa0, 0xbf);
    if (byte == 0xed)
        return expect(2, 0x80, 0x9f);
    if (byte >= 0xe1 && byte <= 0xef)
        return expect(2, 0x80, 0xbf);
    if (byte == 0xf0)
        return expect(3, 0x90, 0xbf);
    if (byte >= 0xf1 && byte <= 0xf3)
        return expect(3, 0x80, 0xbf);
    if (byte == 0xf4)
        return expect(3, 0x80, 0x8f);
    return 1u << 31;
}

bool websocket_utf8(uint32_t *state, struct bytes b)
{
    uint32_t s = *state;

    for (size_t i = 0; i < b.count; i++) {
        uint64_t eight;
        /* Most text is ASCII: eight bytes at once. */
        while (s == WEBSOCKET_UTF8_WHOLE && b.count - i >= 8) {
            memcpy(&eight, b.data + i, 8);
            if (eight & 0x8080808080808080u)
                break;
            i += 8;
        }
        if (i == b.count)
            break;
        uint8_t byte = b.data[i];
        if (s == WEBSOCKET_UTF8_WHOLE) {
            s = begin(byte);
            if (s == 1u << 31)
                return false;
            continue;
        }
        if (byte < (s >> 8 & 0xff) || byte > (s >> 16 & 0xff))
            return false;
        uint32_t missing = (s & 0xff) - 1;
        s = missing > 0 ? expect(missing, 0x80, 0xbf) : WEBSOCKET_UTF8_WHOLE;
    }
    *state = s;
    return true;
}
