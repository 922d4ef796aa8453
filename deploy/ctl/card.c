/*
 * deploy/ctl/card.c: walks an object and prints it, name beside value.
 *
 * From: tx get, tx decode.
 * To:   standard output.
 */
#include "deploy/ctl/card.h"

#include <stdio.h>

#include "schemas/json.h"
#include "schemas/utf8.h"

#define DEPTH_MAX 16
#define TEXT_BYTES_MAX 65536
#define NAME_WIDTH 14

/*
 * Someone else's text goes to a terminal. Controls are escapes to it, C1 too
 * (U+009B is ESC and [), and those of direction show another recipient than
 * the one that was signed.
 */
static bool is_harmful(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0x202a && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069);
}

/* The code point of `count` bytes of good UTF-8. */
static uint32_t read_point(const uint8_t *at, size_t count)
{
    uint32_t point = count == 1 ? at[0] : at[0] & (0x7fu >> count);

    for (size_t i = 1; i < count; i++)
        point = point << 6 | (at[i] & 0x3f);
    return point;
}

static void put(struct bytes text)
{
    for (size_t i = 0; i < text.count;) {
        const uint8_t *at = text.data + i;
        size_t count = utf8_count(at, text.data + text.count);

        if (count == 0 || is_harmful(read_point(at, count))) {
            putchar('?');
            i += count == 0 ? 1 : count;
            continue;
        }
        fwrite(at, 1, count, stdout);
        i += count;
    }
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
