/*
 * schemas/result.c: a result as JSON, and the parts of it that routing reads.
 *
 * Every member is written here by hand and in order, because these bytes are
 * never encoded again on their way to the screen.
 *
 * To add a member: append it behind all others, so that old readers let it
 * through, and add an example to schemas/examples.
 *
 * From: verifier/announce.c (encodes), notifier/ and notifier/gateway/ (view).
 * To:   schemas/record.h, schemas/amount.h, schemas/json.h.
 */
#include "schemas/result.h"

#include <inttypes.h>

#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "schemas/json.h"

static const char *const type_names[] = {
    [RESULT_VERIFIED] = "verified",
    [RESULT_REJECTED] = "rejected",
    [RESULT_DUPLICATE] = "duplicate",
    [RESULT_QUARANTINED] = "quarantined",
};

#define TYPES_COUNT (sizeof(type_names) / sizeof(type_names[0]))

const char *result_type_name(enum result_type type)
{
    CHECK((size_t)type < TYPES_COUNT);
    return type_names[type];
}

static void append_id(struct buffer *out, const char *name, struct record_id id)
{
    char text[RECORD_ID_TEXT_MAX];

    record_id_format(id, text);
    buffer_append_text(out, name);
    buffer_append_byte(out, '"');
    buffer_append_text(out, text);
    buffer_append_byte(out, '"');
}

/* `name` is the member as it stands in the JSON: comma, quotes and colon. */
static void append_hex(struct buffer *out, const char *name, struct bytes b)
{
    buffer_append_text(out, name);
    if (b.data == NULL) {
        buffer_append_text(out, "null");
        return;
    }
    buffer_append_text(out, "\"0x");
    hex_append(out, b);
    buffer_append_byte(out, '"');
}

/* Names need no escapes: chains and reasons are plain by their grammar. */
static void append_word(struct buffer *out, const char *name, const char *word)
{
    buffer_append_text(out, name);
    if (word == NULL) {
        buffer_append_text(out, "null");
        return;
    }
    buffer_append_byte(out, '"');
    buffer_append_text(out, word);
    buffer_append_byte(out, '"');
}

static void append_amount(struct buffer *out, const struct result *r)
{
    char text[AMOUNT_TEXT_MAX + 1];

    if (r->has_amount)
        amount_format(r->amount, text);
    append_word(out, ",\"amount\":", r->has_amount ? text : NULL);
}

static void append_members(struct buffer *out, const struct result *r)
{
    append_id(out, "{\"id\":", r->id);
    append_word(out, ",\"type\":", result_type_name(r->type));
    append_word(out, ",\"chain\":", r->chain);
    append_hex(out, ",\"hash\":", r->hash);
    append_hex(out, ",\"sender\":", r->sender);
    append_hex(out, ",\"recipient\":", r->recipient);
    append_amount(out, r);
    append_word(out, ",\"reason\":",
                r->reason == REASON_NONE ? NULL : reason_name(r->reason));
    buffer_append_format(out, ",\"accepted_at\":%" PRId64, r->accepted_at_ms);
    if (r->type == RESULT_REJECTED || r->type == RESULT_QUARANTINED)
        append_hex(out, ",\"payload_sha256\":", r->payload_sha256);
    if (r->type == RESULT_DUPLICATE)
        append_id(out, ",\"of\":", r->of);
    buffer_append_byte(out, '}');
}

int result_encode(const struct result *r, struct buffer *out)
{
    size_t before = out->count;

    append_members(out, r);
    if (!out->overflow && out->count - before <= RESULT_BYTES_MAX)
        return 0;
    /* All or nothing: take back what went in. */
    out->count = before;
    return FAIL_FULL;
}

/* The next member must be `name`, a string without escapes, or null. */
static bool next_text(struct json_walk *w, const char *name, struct bytes *out)
{
    struct json_value found, value;

    if (!json_next(w, &found, &value) || !json_is_text(found, name))
        return false;
    *out = BYTES_NONE;
    return value.type == JSON_NULL || json_plain(value, out) == 0;
}

static bool next_int(struct json_walk *w, const char *name, int64_t *out)
{
    struct json_value found, value;

    return json_next(w, &found, &value) && json_is_text(found, name) &&
           json_int64(value, out) == 0;
}

static bool find_type(struct bytes name, enum result_type *out)
{
    for (size_t i = 0; i < TYPES_COUNT; i++) {
        if (bytes_equal_text(name, type_names[i])) {
            *out = (enum result_type)i;
            return true;
        }
    }
    return false;
}

int result_view_parse(struct bytes json, struct result_view *out)
{
    struct bytes id, type, amount, reason;
    struct json_value doc;
    struct json_walk w;
    struct result_view v;

    if (json.count > RESULT_BYTES_MAX || json_parse(json, 8, &doc, NULL) < 0 ||
        doc.type != JSON_OBJECT)
        return FAIL_MALFORMED;
    w = json_walk(doc);
    if (!next_text(&w, "id", &id) || record_id_parse(id, &v.id) < 0 ||
        !next_text(&w, "type", &type) || !find_type(type, &v.type) ||
        !next_text(&w, "chain", &v.chain) || !next_text(&w, "hash", &v.hash) ||
        !next_text(&w, "sender", &v.sender) ||
        !next_text(&w, "recipient", &v.recipient) ||
        !next_text(&w, "amount", &amount) ||
        !next_text(&w, "reason", &reason) ||
        !next_int(&w, "accepted_at", &v.accepted_at_ms))
        return FAIL_MALFORMED;
    *out = v;
    return 0;
}
