/*
 * schemas/jws_object.c: objects in which no name stands twice.
 *
 * Two libraries that meet {"amount":"1","amount":"9"} may see two payments. So
 * every name of an object that we read is compared with those before it, after
 * unescaping, also the names that mean nothing to us. Few and short names keep
 * that cheap.
 *
 * From: schemas/jws.c, schemas/jws_header.c, schemas/jws_payment.c.
 * To:   schemas/json.h.
 */
#include <stdio.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/base64url.h"
#include "schemas/jws_inside.h"

/* Those that were there before; a name with escapes is unescaped into `room`.
 */
struct names {
    struct bytes text[JWS_MEMBERS_MAX];
    size_t count;
    uint8_t room[JWS_MEMBERS_MAX][JWS_NAME_BYTES_MAX];
};

enum reason jws_bytes(struct bytes text, const char *what, uint8_t *out,
                      size_t *out_count, struct transaction_words *out_words)
{
    switch (base64url_decode(text, out, out_count)) {
    case 0:
        return REASON_NONE;
    case FAIL_UNSUPPORTED:
        return transaction_refuse(
            out_words, REASON_NON_CANONICAL,
            "%s: its last character has bits that belong to no byte", what);
    default:
        return transaction_refuse(
            out_words, REASON_MALFORMED,
            "%s is not base64url without padding and white space", what);
    }
}

const char *jws_object(struct bytes text, const char *const *names,
                       size_t count, struct json_value *out,
                       char room[JWS_FAULT_MAX])
{
    struct json_value document;
    struct json_fault fault;

    if (json_parse(text, JWS_DEPTH_MAX, &document, &fault) < 0) {
        snprintf(room, JWS_FAULT_MAX, "is not JSON: %s, at byte %zu", fault.why,
                 fault.pos);
        return room;
    }
    if (document.type != JSON_OBJECT)
        return "is not a JSON object";
    return jws_members(document, names, count, out);
}

static bool take_name(struct json_value v, uint8_t room[JWS_NAME_BYTES_MAX],
                      struct bytes *out)
{
    out->data = room;
    return json_plain(v, out) == 0 ||
           json_unescape(v, room, JWS_NAME_BYTES_MAX, &out->count) == 0;
}

/* Reads a name; is it among those that were there before it? */
static const char *read_name(struct json_value v, struct names *seen)
{
    struct bytes *name = &seen->text[seen->count];

    if (seen->count == JWS_MEMBERS_MAX)
        return "has more than 32 members";
    if (!take_name(v, seen->room[seen->count], name) ||
        name->count > JWS_NAME_BYTES_MAX)
        return "has a name of more than 128 bytes";
    for (size_t i = 0; i < seen->count; i++) {
        if (bytes_equal(seen->text[i], *name))
            return "has a member twice";
    }
    seen->count++;
    return NULL;
}

const char *jws_members(struct json_value object, const char *const *names,
                        size_t count, struct json_value *out)
{
    struct names seen;
    struct json_value name, value;
    struct json_walk w;
    const char *why;

    /* Not the room: it is large, and seldom used. */
    seen.count = 0;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct json_value){JSON_ABSENT, BYTES_NONE};
    for (w = json_walk(object); json_next(&w, &name, &value);) {
        why = read_name(name, &seen);
        if (why != NULL)
            return why;
        for (size_t i = 0; i < count; i++) {
            if (bytes_equal_text(seen.text[seen.count - 1], names[i]))
                out[i] = value;
        }
    }
    return NULL;
}
