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

struct name {
    uint8_t text[JWS_NAME_BYTES_MAX];
    size_t count;
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

/* Reads a name; is it among those that were there before it? */
static const char *read_name(struct json_value v, struct name *names,
                             size_t count)
{
    struct name *name = &names[count];

    if (count == JWS_MEMBERS_MAX)
        return "has more than 32 members";
    if (json_unescape(v, name->text, sizeof(name->text), &name->count) < 0)
        return "has a name of more than 128 bytes";
    for (size_t i = 0; i < count; i++) {
        if (names[i].count == name->count &&
            memcmp(names[i].text, name->text, name->count) == 0)
            return "has a member twice";
    }
    return NULL;
}

const char *jws_members(struct json_value object, const char *const *names,
                        size_t count, struct json_value *out)
{
    struct name seen[JWS_MEMBERS_MAX];
    struct json_value name, value;
    struct json_walk w;
    const char *why;
    size_t members = 0;

    for (size_t i = 0; i < count; i++)
        out[i] = (struct json_value){JSON_ABSENT, BYTES_NONE};
    for (w = json_walk(object); json_next(&w, &name, &value); members++) {
        why = read_name(name, seen, members);
        if (why != NULL)
            return why;
        for (size_t i = 0; i < count; i++) {
            if (bytes_equal_text(bytes_of(seen[members].text,
                                          seen[members].count),
                                 names[i]))
                out[i] = value;
        }
    }
    return NULL;
}
