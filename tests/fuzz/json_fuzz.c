/*
 * tests/fuzz/json_fuzz.c: a text that was proven good is walked to its end,
 * and every string in it survives being written again.
 */
#include <stdlib.h>

#include "schemas/json.h"
#include "schemas/result.h"
#include "schemas/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

static void visit_string(struct json_value v)
{
    uint8_t *text = malloc(v.raw.count), *again = malloc(v.raw.count);
    struct json_value read;
    struct buffer out;
    size_t count, again_count;

    CHECK(text != NULL && again != NULL);
    CHECK(json_unescape(v, text, v.raw.count, &count) == 0);
    CHECK(utf8_is_valid(bytes_of(text, count)));
    buffer_init(&out, 8 * v.raw.count);
    json_append_string(&out, bytes_of(text, count));
    CHECK(json_parse(buffer_bytes(&out), 0, &read, NULL) == 0);
    CHECK(json_unescape(read, again, v.raw.count, &again_count) == 0);
    CHECK(bytes_equal(bytes_of(text, count), bytes_of(again, again_count)));
    buffer_fini(&out);
    free(text);
    free(again);
}

static void visit(struct json_value v)
{
    struct json_value name, value, read;
    struct json_walk walk;
    uint64_t number;
    int64_t integer;

    /* A value alone is the same value. */
    CHECK(json_parse(v.raw, JSON_DEPTH_MAX, &read, NULL) == 0);
    CHECK(read.type == v.type && bytes_equal(read.raw, v.raw));
    if (v.type == JSON_STRING)
        visit_string(v);
    if (v.type == JSON_NUMBER && json_uint64(v, &number) == 0 &&
        number <= INT64_MAX)
        CHECK(json_int64(v, &integer) == 0 && (uint64_t)integer == number);
    for (walk = json_walk(v); json_next(&walk, &name, &value);) {
        if (v.type == JSON_OBJECT)
            visit_string(name);
        visit(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes input = bytes_of(data, count);
    struct result_view view;
    struct json_fault fault;
    struct json_value doc;

    if (json_parse(input, JSON_DEPTH_MAX, &doc, &fault) == 0) {
        visit(doc);
    } else {
        CHECK(fault.pos <= count && fault.why != NULL);
        CHECK(result_view_parse(input, &view) < 0);
    }
    return 0;
}
