/*
 * deploy/ctl/event.c: the result's members, shortened to a line.
 *
 * From: tx watch, tx demo.
 * To:   standard output.
 */
#include "deploy/ctl/event.h"

#include <stdio.h>

#include "consumer/base/clock.h"
#include "schemas/json.h"
#include "schemas/result.h"

#define LINE_BYTES_MAX 8192

/* "0x5c504ed4…2060": enough to know it again. */
static void append_short(struct buffer *out, struct bytes hex)
{
    if (hex.data == NULL)
        buffer_append_text(out, "-");
    else if (hex.count <= 16)
        buffer_append_bytes(out, hex);
    else
        buffer_append_format(out, "%.8s..%.4s", (const char *)hex.data,
                             (const char *)hex.data + hex.count - 4);
}

/* "14:20:00.123" of the broker's clock. */
static void append_time(struct buffer *out, int64_t ms)
{
    char text[CLOCK_TEXT_MAX];

    clock_format(ms, text);
    buffer_append_format(out, "%.12s", text + 11);
}

/* A member that result_view has not: as written, without its quotes. */
static struct bytes member(struct json_value doc, const char *name)
{
    struct json_value v;
    struct bytes text = BYTES_NONE;

    if (json_member(doc, name, &v) < 0)
        return text;
    if (v.type != JSON_STRING)
        return v.type == JSON_NULL ? text : v.raw;
    return json_plain(v, &text) < 0 ? BYTES_NONE : text;
}

static void append_words(struct buffer *out, struct json_value doc,
                         enum result_type type)
{
    struct bytes text = member(doc, type == RESULT_DUPLICATE ? "of" : "reason");

    if (text.data == NULL)
        return;
    buffer_append_text(out, type == RESULT_DUPLICATE ? "  of " : "  ");
    buffer_append_bytes(out, text);
}

static void append_raw(struct buffer *out, struct bytes json)
{
    for (size_t i = 0; i < json.count; i++)
        buffer_append_byte(out, json.data[i] < ' ' || json.data[i] == 0x7f
                                    ? '?'
                                    : json.data[i]);
}

void event_format(struct bytes json, struct buffer *out)
{
    struct result_view v;
    struct json_value doc;
    char id[RECORD_ID_TEXT_MAX];

    if (result_view_parse(json, &v) < 0 ||
        json_parse(json, 8, &doc, NULL) < 0) {
        append_raw(out, json);
        return;
    }
    record_id_format(v.id, id);
    append_time(out, v.accepted_at_ms);
    buffer_append_format(
        out, "  %-11s %-10.*s  ", result_type_name(v.type), (int)v.chain.count,
        v.chain.data != NULL ? (const char *)v.chain.data : "-");
    append_short(out, v.hash);
    buffer_append_text(out, "  ");
    append_short(out, v.sender);
    buffer_append_text(out, " -> ");
    append_short(out, v.recipient);
    buffer_append_format(out, "  %s", id);
    append_words(out, doc, v.type);
}

void event_print(struct bytes json)
{
    struct buffer b;

    buffer_init(&b, LINE_BYTES_MAX);
    event_format(json, &b);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}
