/*
 * notifier/gateway/websocket.h: RFC 6455, without a socket in it.
 *
 * Three parts: the handshake, both sides of it; a decoder that turns bytes into
 * messages and control frames; encoders. The decoder's answers do not depend on
 * how the bytes were cut on their way. No extension is negotiated:
 * permessage-deflate is declined by silence.
 *
 *   while (in.count > 0)
 *       switch (websocket_read(&w, &in, &event)) {
 *       case WEBSOCKET_MORE:    all of it is used
 *       case WEBSOCKET_TEXT:    event.data is a whole message
 *       case WEBSOCKET_PING:    answer with a pong of event.data
 *       case WEBSOCKET_CLOSE:   answer with a close, then finish
 *       case WEBSOCKET_FAILED:  send a close with event.code, then finish
 *       }
 *
 * Thread: one at a time.
 */
#ifndef NOTIFIER_GATEWAY_WEBSOCKET_H
#define NOTIFIER_GATEWAY_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/chunk.h"
#include "schemas/base/bytes.h"
#include "schemas/base/check.h"
#include "schemas/base/fail.h"

struct http_request;

/* Close codes of RFC 6455 7.4.1 that we send; 4000-4999 are ours to define. */
enum websocket_code {
    WEBSOCKET_CODE_NORMAL = 1000,
    WEBSOCKET_CODE_AWAY = 1001,
    WEBSOCKET_CODE_PROTOCOL = 1002,
    WEBSOCKET_CODE_NO_STATUS = 1005, /* never sent: a close without a code */
    WEBSOCKET_CODE_NOT_UTF8 = 1007,
    WEBSOCKET_CODE_POLICY = 1008,
    WEBSOCKET_CODE_TOO_BIG = 1009,
    WEBSOCKET_CODE_INTERNAL = 1011
};

/* ---- the handshake, server ---- */

/* What a client offers; slices are borrowed from the request. */
struct websocket_offer {
    char accept[29];        /* Sec-WebSocket-Accept */
    struct bytes origin;    /* data NULL: none, not a browser */
    struct bytes protocols; /* the first list of subprotocols; may be none */
    const struct http_request *request;
};

/* The request asks for a WebSocket (or another) upgrade at all. */
bool websocket_wanted(const struct http_request *r);

/*
 * Checks RFC 6455 4.2.1. Returns 0, or the HTTP status to answer with:
 *   426  another version: answer with Sec-WebSocket-Version: 13;
 *   400  anything else; `*out_why` says what (static).
 */
int websocket_offer_read(const struct http_request *r,
                         struct websocket_offer *out_offer,
                         const char **out_why);

/* The client offers that subprotocol (case matters). */
bool websocket_offer_has(const struct websocket_offer *o, const char *protocol);

/*
 * Appends the 101 head. `protocol` NULL: none is chosen. `extra_headers`: whole
 * lines with CRLF, or BYTES_NONE. Returns 0 or FAIL_FULL.
 */
int websocket_offer_accept(const struct websocket_offer *o,
                           const char *protocol, struct bytes extra_headers,
                           struct buffer *out);

/* ---- the handshake, client ---- */

#define WEBSOCKET_KEY_CHARS 24

/* A key from 16 random bytes. */
void websocket_key(const uint8_t random[16], char out[WEBSOCKET_KEY_CHARS + 1]);

/*
 * Appends the request. `protocol` may be NULL. Returns 0 or FAIL_FULL.
 */
int websocket_ask(const char *host, const char *target, const char *key,
                  const char *protocol, struct bytes extra_headers,
                  struct buffer *out);

/*
 * Reads the server's answer from the start of what was received. Returns its
 * length in bytes (frames follow), 0 when it is not whole yet, or
 *   FAIL_DENIED     an answer other than 101: `*out_status` says which;
 *   FAIL_MALFORMED  not a proper acceptance of `key` and `protocol`.
 */
int websocket_answered(struct bytes received, const char *key,
                       const char *protocol, int *out_status);

/* ---- reading ---- */

enum websocket_role { WEBSOCKET_SERVER, WEBSOCKET_CLIENT };

enum websocket_kind {
    WEBSOCKET_MORE,   /* all input is used, nothing is whole yet */
    WEBSOCKET_TEXT,   /* a whole message, valid UTF-8 */
    WEBSOCKET_BINARY, /* a whole message */
    WEBSOCKET_PING,
    WEBSOCKET_PONG,
    WEBSOCKET_CLOSE, /* `code` and the reason in `data` */
    WEBSOCKET_FAILED /* the peer broke the protocol: close with `code` */
};

/* Borrowed until the next websocket_read(). */
struct websocket_event {
    struct bytes data;
    int code;        /* close code; only for CLOSE and FAILED */
    const char *why; /* FAILED: what was wrong. Static. */
};

/* Zero means the default in brackets. */
struct websocket_limits {
    size_t message_bytes_max; /* one message, all its fragments [4096] */
    size_t fragments_max;     /* fragments of one message [64] */
};

/* One direction of one connection. Holds memory only for a partial message. */
struct websocket {
    enum websocket_role role; /* who reads */
    struct websocket_limits limits;
    uint8_t state;       /* which part of a frame comes next */
    uint8_t opcode;      /* of the frame being read */
    bool final;          /* FIN of it */
    uint8_t message;     /* opcode of the message being read, 0 none */
    bool ended;          /* CLOSE or FAILED was reported */
    bool hand_out;       /* the message in `buffer` was reported */
    uint8_t head_count;  /* bytes of `head` so far */
    uint8_t head_wanted; /* how many there will be */
    uint8_t control_count;
    uint8_t head[14]; /* the frame header being read */
    uint8_t mask[4];
    uint8_t control[125]; /* payload of a control frame */
    uint32_t utf8;        /* state of the UTF-8 check */
    size_t left;          /* payload bytes of this frame still to come */
    size_t pos;           /* payload bytes of this frame so far */
    size_t fragments;     /* of this message so far */
    struct buffer buffer; /* the message so far */
};

void websocket_init(struct websocket *w, enum websocket_role role,
                    const struct websocket_limits *limits);
void websocket_fini(struct websocket *w);

/*
 * Reads from the start of `*in` and moves it past what was used. After CLOSE or
 * FAILED everything else is ignored and WEBSOCKET_MORE is returned.
 */
enum websocket_kind websocket_read(struct websocket *w, struct bytes *in,
                                   struct websocket_event *out_event);

/* A message has begun and is not whole: for deadlines. */
bool websocket_partial(const struct websocket *w);

/* ---- writing ---- */

enum websocket_opcode {
    WEBSOCKET_OP_TEXT = 1,
    WEBSOCKET_OP_BINARY = 2,
    WEBSOCKET_OP_CLOSE = 8,
    WEBSOCKET_OP_PING = 9,
    WEBSOCKET_OP_PONG = 10
};

#define WEBSOCKET_HEAD_MAX 10

/* The head of an unmasked, final frame of `count` bytes. Returns 2, 4 or 10. */
size_t websocket_head(enum websocket_opcode opcode, size_t count,
                      uint8_t out[WEBSOCKET_HEAD_MAX]);

/* A whole server frame: one copy of the payload behind its head. */
struct chunk *websocket_frame(enum websocket_opcode opcode,
                              struct bytes payload);

/* A server's close frame; `reason` is cut at 123 bytes. */
struct chunk *websocket_frame_close(int code, const char *reason);

/* A client frame, masked. */
struct chunk *websocket_frame_masked(enum websocket_opcode opcode,
                                     struct bytes payload,
                                     const uint8_t mask[4]);

/* A client's close frame. */
struct chunk *websocket_frame_close_masked(int code, const char *reason,
                                           const uint8_t mask[4]);

#endif
