/*
 * notifier/gateway/protocol.c: reads requests strictly, writes answers.
 *
 * From: notifier/gateway/client.c, with a whole message.
 * To:   notifier/gateway/client.c, which does what was asked.
 */
#include "notifier/gateway/protocol.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/json.h"

enum member { ID, OP, CHANNEL, CURSOR, SNAPSHOT, MEMBERS };

static const char *const names[MEMBERS] = {"id", "op", "channel", "cursor",
                                           "snapshot"};
static const char *const ops[] = {
    [PROTOCOL_SUBSCRIBE] = "subscribe",
    [PROTOCOL_UNSUBSCRIBE] = "unsubscribe",
    [PROTOCOL_QUERY] = "query",
    [PROTOCOL_PING] = "ping",
};

static const char *const codes[] = {[PROTOCOL_FINE] = "",
#define PROTOCOL_CODE(fault, code, words) [fault] = code,
                                    PROTOCOL_FAULT_LIST(PROTOCOL_CODE)};
static const char *const faults[] = {[PROTOCOL_FINE] = "",
#define PROTOCOL_WORDS(fault, code, words) [fault] = words,
                                     PROTOCOL_FAULT_LIST(PROTOCOL_WORDS)};

static bool read_id(struct json_value v, char *out);
static bool read_op(struct json_value v, enum protocol_op *out);
static bool read_channel(struct json_value v, struct channel *out);
static bool read_cursor(struct json_value v, struct protocol_request *out);

enum protocol_fault protocol_read(struct bytes message,
                                  struct protocol_request *out)
{
    struct json_value doc, v[MEMBERS];
    int rc;

    *out = (struct protocol_request){.id = "null"};
    if (json_parse(message, PROTOCOL_DEPTH_MAX, &doc, NULL) < 0 ||
        doc.type != JSON_OBJECT)
        return PROTOCOL_NOT_JSON;
    /* Not strict first, so that a fault can be answered under its id. */
    rc = json_members(doc, names, MEMBERS, false, v);
    if (rc == 0 && !read_id(v[ID], out->id))
        return PROTOCOL_BAD_ID;
    if (rc < 0 || json_members(doc, names, MEMBERS, true, v) < 0)
        return PROTOCOL_UNKNOWN_MEMBER;
    if (!read_op(v[OP], &out->op))
        return PROTOCOL_UNKNOWN_OP;
    if (out->op == PROTOCOL_PING)
        return PROTOCOL_FINE;
    if (!read_channel(v[CHANNEL], &out->channel))
        return PROTOCOL_BAD_CHANNEL;
    if (!read_cursor(v[CURSOR], out))
        return PROTOCOL_BAD_CURSOR;
    out->snapshot = v[SNAPSHOT].type == JSON_TRUE;
    return PROTOCOL_FINE;
}

const char *protocol_code(enum protocol_fault fault)
{
    return codes[fault];
}

const char *protocol_words(enum protocol_fault fault)
{
    return faults[fault];
}

void protocol_ok(struct buffer *out, const char *id, const char *recovered,
                 const char *cursor)
{
    buffer_append_format(out, "{\"id\":%s,\"ok\":true", id);
    if (recovered != NULL)
        buffer_append_format(out, ",\"recovered\":%s", recovered);
    if (cursor != NULL)
        buffer_append_format(out, ",\"cursor\":\"%s\"", cursor);
    buffer_append_byte(out, '}');
}

void protocol_error(struct buffer *out, const char *id,
                    enum protocol_fault fault)
{
    buffer_append_format(
        out, "{\"id\":%s,\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", id,
        codes[fault], faults[fault]);
}

/* Kept as written, since it goes back as written. */
static bool read_id(struct json_value v, char *out)
{
    int64_t number;

    if (v.type == JSON_ABSENT || v.type == JSON_NULL)
        return true;
    if (v.raw.count > PROTOCOL_ID_MAX)
        return false;
    if (v.type == JSON_NUMBER ? json_int64(v, &number) < 0
                              : v.type != JSON_STRING || v.raw.count > 66)
        return false;
    memcpy(out, v.raw.data, v.raw.count);
    out[v.raw.count] = '\0';
    return true;
}

static bool read_op(struct json_value v, enum protocol_op *out)
{
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (json_is_text(v, ops[i])) {
            *out = (enum protocol_op)i;
            return true;
        }
    return false;
}

static bool read_channel(struct json_value v, struct channel *out)
{
    uint8_t text[CHANNEL_NAME_MAX];
    size_t count;

    return json_unescape(v, text, sizeof(text), &count) == 0 &&
           channel_parse(bytes_of(text, count), out) == 0;
}

static bool read_cursor(struct json_value v, struct protocol_request *out)
{
    struct bytes text;

    if (v.type == JSON_ABSENT || v.type == JSON_NULL)
        return true;
    if (json_plain(v, &text) < 0 || cursor_parse(text, &out->cursor) < 0)
        return false;
    out->has_cursor = true;
    return true;
}
