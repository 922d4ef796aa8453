/*
 * tests/fuzz/websocket_fuzz.c: any bytes into a WebSocket reader.
 *
 * The events must not depend on how the input was cut, and a message is never
 * longer than the cap.
 *
 * From: the fuzzer; the first byte chooses the role and how the input is cut.
 * To:   notifier/gateway/websocket.c.
 */
#include <stdlib.h>
#include <string.h>

#include "notifier/gateway/websocket.h"

#define MESSAGE_BYTES_MAX 300

static void read_all(enum websocket_role role, struct bytes feed, size_t piece,
                     struct buffer *log)
{
    const struct websocket_limits limits = {
        .message_bytes_max = MESSAGE_BYTES_MAX, .fragments_max = 8};
    struct websocket w;
    struct websocket_event e;

    websocket_init(&w, role, &limits);
    while (feed.count > 0) {
        size_t count = feed.count < piece ? feed.count : piece;
        uint8_t *copy = malloc(count);
        CHECK(copy != NULL);
        memcpy(copy, feed.data, count);
        struct bytes in = bytes_of(copy, count);
        feed = bytes_slice(feed, count, feed.count);
        for (;;) {
            enum websocket_kind kind = websocket_read(&w, &in, &e);
            if (kind == WEBSOCKET_MORE)
                break;
            CHECK(e.data.count <= MESSAGE_BYTES_MAX);
            buffer_append_format(log, "%d %d %zu ", (int)kind, e.code,
                                 e.data.count);
            buffer_append_bytes(log, e.data);
        }
        CHECK(in.count == 0);
        free(copy);
    }
    websocket_fini(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct buffer whole, cut;

    if (count < 1)
        return 0;
    struct bytes feed = bytes_of(data + 1, count - 1);
    enum websocket_role role =
        data[0] & 0x80 ? WEBSOCKET_CLIENT : WEBSOCKET_SERVER;
    buffer_init(&whole, 1 << 24);
    buffer_init(&cut, 1 << 24);
    read_all(role, feed, SIZE_MAX, &whole);
    read_all(role, feed, 1 + data[0] % 32, &cut);
    CHECK(bytes_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
    buffer_fini(&whole);
    buffer_fini(&cut);
    return 0;
}
