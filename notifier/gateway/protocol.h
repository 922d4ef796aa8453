/*
 * notifier/gateway/protocol.h: what a WebSocket client may say, and the words
 * of our answers.
 *
 *   {"id":1,"op":"subscribe","channel":"account:0x…","cursor":"…",
 *    "snapshot":true}
 *   {"id":2,"op":"unsubscribe","channel":"account:0x…"}
 *   {"id":3,"op":"query","channel":"transaction:eip155:1:0x…"}
 *   {"id":4,"op":"ping"}
 *
 * One JSON object a message. `id` is a whole number or a string of at most 64
 * bytes and comes back as it was written; without one it is null. Members we do
 * not know are refused: a misspelt "cursor" must not lose events.
 *
 * Thread: any. Pure.
 */
#ifndef NOTIFIER_GATEWAY_PROTOCOL_H
#define NOTIFIER_GATEWAY_PROTOCOL_H

#include "notifier/gateway/channel.h"
#include "schemas/base/bytes.h"
#include "schemas/cursor.h"

#define PROTOCOL_ID_MAX 96 /* bytes of an id as written, quotes included */
#define PROTOCOL_DEPTH_MAX 4

enum protocol_op {
    PROTOCOL_SUBSCRIBE,
    PROTOCOL_UNSUBSCRIBE,
    PROTOCOL_QUERY,
    PROTOCOL_PING
};

/* X(enumerator, code, words) */
#define PROTOCOL_FAULT_LIST(X)                                                 \
    X(PROTOCOL_NOT_JSON, "not_json", "the message is not one JSON object")     \
    X(PROTOCOL_BAD_ID, "bad_id",                                               \
      "id is a whole number or a string of at most 64 bytes")                  \
    X(PROTOCOL_UNKNOWN_MEMBER, "unknown_member",                               \
      "a member that this release does not know, or one twice")                \
    X(PROTOCOL_UNKNOWN_OP, "unknown_op",                                       \
      "op is subscribe, unsubscribe, query or ping")                           \
    X(PROTOCOL_BAD_CHANNEL, "bad_channel",                                     \
      "channel is transactions, transaction:<chain>:<hash>, account:<address>" \
      " or system")                                                            \
    X(PROTOCOL_BAD_CURSOR, "bad_cursor", "cursor is not one of ours")          \
    X(PROTOCOL_TOKEN_REQUIRED, "token_required",                               \
      "the channel of all transactions is not open here")                      \
    X(PROTOCOL_TOO_MANY, "too_many_subscriptions",                             \
      "this connection has as many subscriptions as it may")                   \
    X(PROTOCOL_NOT_SUBSCRIBED, "not_subscribed",                               \
      "there is no subscription of that channel")                              \
    X(PROTOCOL_BUSY, "busy", "that channel is still catching up")              \
    X(PROTOCOL_NO_HISTORY, "history_unavailable",                              \
      "the database does not answer; live events go on")

enum protocol_fault {
    PROTOCOL_FINE,
#define PROTOCOL_ENUM(fault, code, words) fault,
    PROTOCOL_FAULT_LIST(PROTOCOL_ENUM)
#undef PROTOCOL_ENUM
};

struct protocol_request {
    char id[PROTOCOL_ID_MAX + 1]; /* JSON, "null" without one */
    enum protocol_op op;
    struct channel channel; /* but for ping */
    bool has_cursor;
    struct cursor cursor;
    bool snapshot;
};

/* Reads one message. `out->id` is set whatever comes back, if it is known. */
enum protocol_fault protocol_read(struct bytes message,
                                  struct protocol_request *out);

/* The stable code and the words of a fault. Static. */
const char *protocol_code(enum protocol_fault fault);
const char *protocol_words(enum protocol_fault fault);

/* {"id":1,"ok":true}; with `cursor` the members recovered and cursor. */
void protocol_ok(struct buffer *out, const char *id, const char *recovered,
                 const char *cursor);

/* {"id":1,"error":{"code":"…","message":"…"}} */
void protocol_error(struct buffer *out, const char *id,
                    enum protocol_fault fault);

#endif
