/*
 * deploy/ctl/card.c: walks an object and prints it, name beside value.
 *
 * From: tx get, tx decode.
 * To:   standard output.
 */
#include "deploy/ctl/card.h"

#include <stdio.h>

#include "schemas/json.h"

#define DEPTH_MAX 16
#define TEXT_BYTES_MAX 65536
#define NAME_WIDTH 14

/* Someone else's text goes to a terminal: no escapes of it. */
static void put(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++)
        putchar(text.data[i] < ' ' || text.data[i] == 0x7f ? '?'
                                                           : text.data[i]);
}

static void put_value(struct json_value v)
{
    static uint8_t text[TEXT_BYTES_MAX];
    size_t count;

    if (v.type == JSON_NULL)
        putchar('-');
    else if (v.type == JSON_STRING &&
             json_unescape(v, text, sizeof(text), &count) == 0)
        put(bytes_of(text, count));
    else
        put(v.raw);
}

static void put_name(struct json_value name)
{
    struct bytes text;

    if (json_plain(name, &text) < 0)
        text = name.raw;
    put(text);
    for (size_t i = text.count; i < NAME_WIDTH; i++)
        putchar(' ');
    putchar(' ');
}

void card_print(struct bytes json)
{
    struct json_value doc, name, value;
    struct json_walk walk;

    if (json_parse(json, DEPTH_MAX, &doc, NULL) < 0 ||
        doc.type != JSON_OBJECT) {
        put(json);
        putchar('\n');
        return;
    }
    for (walk = json_walk(doc); json_next(&walk, &name, &value);) {
        put_name(name);
        put_value(value);
        putchar('\n');
    }
}
