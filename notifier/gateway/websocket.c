/*
 * notifier/gateway/websocket.c: frames (RFC 6455 5) in both directions.
 *
 *    0                   1
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5     81 05 48 65 6c 6c 6f     "Hello"
 *   |F|RSV|opcode |M| length      |     then 0, 2 or 8 bytes of length,
 *                                       0 or 4 of mask, the payload
 *
 * A frame's header is judged when it is whole, before a byte of payload is
 * kept: what is too long is refused without memory. Fragments are collected in
 * one bounded buffer. Text is checked as it comes, so that a bad byte ends the
 * connection at once and not at the end of its message.
 *
 * From: notifier/gateway/client.c and the command's watch, with what a stream
 *       received.
 * To:   the same, as messages; consumer/base/stream.c gets the frames.
 */
#include "notifier/gateway/websocket.h"

#include <string.h>

#include "notifier/gateway/websocket_utf8.h"

#define MESSAGE_BYTES_MAX 4096
#define FRAGMENTS_MAX 64
#define CONTROL_BYTES_MAX 125
#define REASON_BYTES_MAX 123

enum { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PONG = 10 };

enum { STATE_HEAD, STATE_PAYLOAD };

static enum websocket_kind fail(struct websocket *w,
                                struct websocket_event *event, int code,
                                const char *why);
static bool read_head(struct websocket *w, struct bytes *in);
static enum websocket_kind judge_head(struct websocket *w,
                                      struct websocket_event *event);
static enum websocket_kind judge_data(struct websocket *w,
                                      struct websocket_event *event);
static enum websocket_kind read_payload(struct websocket *w, struct bytes *in,
                                        struct websocket_event *event);
static enum websocket_kind end_frame(struct websocket *w,
                                     struct websocket_event *event);
static enum websocket_kind end_control(struct websocket *w,
                                       struct websocket_event *event);
static bool is_control(uint8_t opcode);

void websocket_init(struct websocket *w, enum websocket_role role,
                    const struct websocket_limits *limits)
{
    *w = (struct websocket){.role = role, .head_wanted = 2};
    if (limits != NULL)
        w->limits = *limits;
    if (w->limits.message_bytes_max == 0)
        w->limits.message_bytes_max = MESSAGE_BYTES_MAX;
    if (w->limits.fragments_max == 0)
        w->limits.fragments_max = FRAGMENTS_MAX;
    buffer_init(&w->buffer, w->limits.message_bytes_max);
}

void websocket_fini(struct websocket *w)
{
    buffer_fini(&w->buffer);
}

bool websocket_partial(const struct websocket *w)
{
    return w->message != 0 || w->state != STATE_HEAD || w->head_count > 0;
}

enum websocket_kind websocket_read(struct websocket *w, struct bytes *in,
                                   struct websocket_event *out_event)
{
    if (w->hand_out) {
        w->hand_out = false;
        buffer_fini(&w->buffer);
    }
    *out_event = (struct websocket_event){.data = BYTES_LITERAL("")};
    while (in->count > 0 && !w->ended) {
        enum websocket_kind kind = WEBSOCKET_MORE;
        if (w->state == STATE_HEAD) {
            if (!read_head(w, in))
                return WEBSOCKET_MORE;
            kind = judge_head(w, out_event);
        }
        if (kind == WEBSOCKET_MORE && w->state == STATE_PAYLOAD &&
            in->count > 0)
            kind = read_payload(w, in, out_event);
        if (kind != WEBSOCKET_MORE)
            return kind;
    }
    if (w->ended)
        *in = bytes_slice(*in, in->count, 0);
    return WEBSOCKET_MORE;
}

static enum websocket_kind fail(struct websocket *w,
                                struct websocket_event *event, int code,
                                const char *why)
{
    w->ended = true;
    buffer_fini(&w->buffer);
    *event = (struct websocket_event){
        .data = BYTES_LITERAL(""), .code = code, .why = why};
    return WEBSOCKET_FAILED;
}

/* Collects a frame's header; how long it is, its second byte says. */
static bool read_head(struct websocket *w, struct bytes *in)
{
    while (in->count > 0 && w->head_count < w->head_wanted) {
        w->head[w->head_count++] = in->data[0];
        *in = bytes_slice(*in, 1, in->count);
        if (w->head_count != 2)
            continue;
        uint8_t length = w->head[1] & 0x7f;
        int wanted = 2 +
                     (length == 126   ? 2
                      : length == 127 ? 8
                                      : 0) +
                     (w->head[1] & 0x80 ? 4 : 0);
        w->head_wanted = (uint8_t)wanted;
        /* A header that is wrong already need not come whole. */
        if ((w->head[0] & 0x70) != 0 ||
            ((w->head[1] & 0x80) != 0) != (w->role == WEBSOCKET_SERVER))
            return true;
    }
    return w->head_count == w->head_wanted;
}

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

static enum websocket_kind judge_head(struct websocket *w,
                                      struct websocket_event *event)
{
    bool masked = (w->head[1] & 0x80) != 0;
    uint8_t length = w->head[1] & 0x7f;
    uint64_t left = length;

    w->final = (w->head[0] & 0x80) != 0;
    w->opcode = w->head[0] & 0x0f;
    if ((w->head[0] & 0x70) != 0)
        return fail(w, event, WEBSOCKET_CODE_PROTOCOL, "a reserved bit is set");
    if (masked != (w->role == WEBSOCKET_SERVER))
        return fail(w, event, WEBSOCKET_CODE_PROTOCOL,
                    masked ? "a server's frame is masked"
                           : "a client's frame is not masked");
    if (length == 126)
        left = (uint64_t)w->head[2] << 8 | w->head[3];
    else if (length == 127)
        left = bytes_get_be64(w->head + 2);
    if ((length == 126 && left < 126) || (length == 127 && left < 65536) ||
        left >> 63 != 0)
        return fail(w, event, WEBSOCKET_CODE_PROTOCOL,
                    "a length is not in its shortest form");
    if (masked)
        memcpy(w->mask, w->head + w->head_wanted - 4, 4);
    else
        memset(w->mask, 0, 4);
    w->head_count = 0;
    w->head_wanted = 2;
    w->pos = 0;
    w->state = STATE_PAYLOAD;
    if (is_control(w->opcode)) {
        if (w->opcode > OP_PONG)
            return fail(w, event, WEBSOCKET_CODE_PROTOCOL, "a reserved opcode");
        if (!w->final || left > CONTROL_BYTES_MAX)
            return fail(w, event, WEBSOCKET_CODE_PROTOCOL,
                        "a control frame is fragmented or too long");
        w->control_count = 0;
        w->left = (size_t)left;
    } else {
        if (left > SIZE_MAX / 2)
            left = SIZE_MAX / 2;
        w->left = (size_t)left;
        enum websocket_kind kind = judge_data(w, event);
        if (kind != WEBSOCKET_MORE)
            return kind;
    }
    return w->left == 0 ? end_frame(w, event) : WEBSOCKET_MORE;
}

/* A data frame must follow what came before, and fit. */
static enum websocket_kind judge_data(struct websocket *w,
                                      struct websocket_event *event)
{
    if (w->opcode > OP_BINARY)
        return fail(w, event, WEBSOCKET_CODE_PROTOCOL, "a reserved opcode");
    if ((w->opcode == OP_MORE) != (w->message != 0))
        return fail(w, event, WEBSOCKET_CODE_PROTOCOL,
                    w->message != 0 ? "a message inside a message"
                                    : "a continuation of nothing");
    if (w->opcode != OP_MORE) {
        w->message = w->opcode;
        w->fragments = 0;
        w->utf8 = WEBSOCKET_UTF8_WHOLE;
    }
    if (w->left > w->limits.message_bytes_max - w->buffer.count)
        return fail(w, event, WEBSOCKET_CODE_TOO_BIG, "a message is too long");
    if (++w->fragments > w->limits.fragments_max)
        return fail(w, event, WEBSOCKET_CODE_POLICY,
                    "a message has too many fragments");
    return WEBSOCKET_MORE;
}

static void unmask(const struct websocket *w, const uint8_t *from, uint8_t *to,
                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[i] ^ w->mask[(w->pos + i) & 3];
}

static enum websocket_kind read_payload(struct websocket *w, struct bytes *in,
                                        struct websocket_event *event)
{
    size_t count = in->count < w->left ? in->count : w->left;
    uint8_t *to;

    if (is_control(w->opcode)) {
        to = w->control + w->control_count;
        w->control_count = (uint8_t)(w->control_count + count);
        unmask(w, in->data, to, count);
    } else {
        to = buffer_reserve(&w->buffer, count);
        CHECK(to != NULL);
        unmask(w, in->data, to, count);
        buffer_commit(&w->buffer, count);
        if (w->message == OP_TEXT &&
            !websocket_utf8(&w->utf8, bytes_of(to, count)))
            return fail(w, event, WEBSOCKET_CODE_NOT_UTF8,
                        "a text is not UTF-8");
    }
    *in = bytes_slice(*in, count, in->count);
    w->pos += count;
    w->left -= count;
    return w->left == 0 ? end_frame(w, event) : WEBSOCKET_MORE;
}

static enum websocket_kind end_frame(struct websocket *w,
                                     struct websocket_event *event)
{
    w->state = STATE_HEAD;
    if (is_control(w->opcode))
        return end_control(w, event);
    if (!w->final)
        return WEBSOCKET_MORE;
    if (w->message == OP_TEXT && w->utf8 != WEBSOCKET_UTF8_WHOLE)
        return fail(w, event, WEBSOCKET_CODE_NOT_UTF8,
                    "a text ends inside a character");
    enum websocket_kind kind =
        w->message == OP_TEXT ? WEBSOCKET_TEXT : WEBSOCKET_BINARY;
    w->message = 0;
    if (w->buffer.count > 0)
        event->data = buffer_bytes(&w->buffer);
    w->hand_out = true;
    return kind;
}

/* What a peer may say in a close frame (RFC 6455 7.4, and its registry). */
static bool is_valid_code(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
            code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static enum websocket_kind end_control(struct websocket *w,
                                       struct websocket_event *event)
{
    struct bytes payload = bytes_of(w->control, w->control_count);
    uint32_t utf8 = WEBSOCKET_UTF8_WHOLE;

    event->data = payload;
    if (w->opcode != OP_CLOSE)
        return w->opcode == OP_PONG ? WEBSOCKET_PONG : WEBSOCKET_PING;
    event->code = WEBSOCKET_CODE_NO_STATUS;
    if (payload.count == 1)
        return fail(w, event, WEBSOCKET_CODE_PROTOCOL,
                    "a close code has one byte");
    if (payload.count >= 2) {
        event->code = payload.data[0] << 8 | payload.data[1];
        event->data = bytes_slice(payload, 2, payload.count);
        if (!is_valid_code(event->code))
            return fail(w, event, WEBSOCKET_CODE_PROTOCOL,
                        "a close code that nobody may send");
        if (!websocket_utf8(&utf8, event->data) || utf8 != WEBSOCKET_UTF8_WHOLE)
            return fail(w, event, WEBSOCKET_CODE_NOT_UTF8,
                        "a close reason is not UTF-8");
    }
    w->ended = true;
    buffer_fini(&w->buffer);
    return WEBSOCKET_CLOSE;
}

/* ---- writing ---- */

size_t websocket_head(enum websocket_opcode opcode, size_t count,
                      uint8_t out[WEBSOCKET_HEAD_MAX])
{
    out[0] = (uint8_t)(0x80 | opcode);
    if (count < 126) {
        out[1] = (uint8_t)count;
        return 2;
    }
    if (count < 65536) {
        out[1] = 126;
        out[2] = (uint8_t)(count >> 8);
        out[3] = (uint8_t)count;
        return 4;
    }
    out[1] = 127;
    bytes_put_be64(out + 2, count);
    return 10;
}

struct chunk *websocket_frame(enum websocket_opcode opcode,
                              struct bytes payload)
{
    uint8_t head[WEBSOCKET_HEAD_MAX];
    size_t head_count = websocket_head(opcode, payload.count, head);
    struct chunk *c = chunk_blank(head_count + payload.count);
    uint8_t *at = chunk_space(c);

    memcpy(at, head, head_count);
    if (payload.count > 0)
        memcpy(at + head_count, payload.data, payload.count);
    return c;
}

struct chunk *websocket_frame_masked(enum websocket_opcode opcode,
                                     struct bytes payload,
                                     const uint8_t mask[4])
{
    uint8_t head[WEBSOCKET_HEAD_MAX];
    size_t head_count = websocket_head(opcode, payload.count, head);
    struct chunk *c = chunk_blank(head_count + 4 + payload.count);
    uint8_t *at = chunk_space(c);

    head[1] |= 0x80;
    memcpy(at, head, head_count);
    memcpy(at + head_count, mask, 4);
    at += head_count + 4;
    for (size_t i = 0; i < payload.count; i++)
        at[i] = payload.data[i] ^ mask[i & 3];
    return c;
}

/* Code and reason as they travel; a close without a status has none. */
static size_t close_payload(int code, const char *reason,
                            uint8_t out[CONTROL_BYTES_MAX])
{
    size_t count = strlen(reason);

    if (code == WEBSOCKET_CODE_NO_STATUS)
        return 0;
    CHECK(is_valid_code(code));
    if (count > REASON_BYTES_MAX)
        count = REASON_BYTES_MAX;
    /* Not inside a character. */
    while (count > 0 && count < strlen(reason) &&
           ((uint8_t)reason[count] & 0xc0) == 0x80)
        count--;
    out[0] = (uint8_t)(code >> 8);
    out[1] = (uint8_t)code;
    memcpy(out + 2, reason, count);
    return 2 + count;
}

struct chunk *websocket_frame_close(int code, const char *reason)
{
    uint8_t payload[CONTROL_BYTES_MAX];
    size_t count = close_payload(code, reason, payload);

    return websocket_frame(WEBSOCKET_OP_CLOSE, bytes_of(payload, count));
}

struct chunk *websocket_frame_close_masked(int code, const char *reason,
                                           const uint8_t mask[4])
{
    uint8_t payload[CONTROL_BYTES_MAX];
    size_t count = close_payload(code, reason, payload);

    return websocket_frame_masked(WEBSOCKET_OP_CLOSE, bytes_of(payload, count),
                                  mask);
}
