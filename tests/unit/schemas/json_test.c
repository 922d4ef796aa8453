/*
 * tests/unit/schemas/json_test.c: the strict reader, against JSONTestSuite and
 * against the bad inputs we thought of ourselves.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two headers with the same enumerators; we call jansson, not its macros. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

#include "schemas/base/fail.h"
#include "schemas/json.h"
#include "schemas/utf8.h"
#include "tests/support/harness.h"

static struct json_value parse(const char *text)
{
    struct json_value doc;
    struct json_fault fault;

    if (json_parse(bytes_text(text), 16, &doc, &fault) < 0) {
        printf("%s: at %zu: %s\n", text, fault.pos, fault.why);
        EXPECT(false);
    }
    return doc;
}

static int parse_code(struct bytes text)
{
    struct json_value doc;

    return json_parse(text, 16, &doc, NULL);
}

static size_t suite(const char *kind, bool accept)
{
    char pattern[4096];
    size_t count = 0;
    glob_t files;

    snprintf(pattern, sizeof(pattern), "%s/http/JSONTestSuite/%s_*",
             harness_vectors(), kind);
    if (glob(pattern, 0, NULL, &files) != 0) {
        snprintf(pattern, sizeof(pattern), "%s/http/JSONTestSuite/*/%s_*",
                 harness_vectors(), kind);
        EXPECT_INT(glob(pattern, 0, NULL, &files), 0);
    }
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct json_value doc;
        size_t bytes;
        char *text = harness_read_file(files.gl_pathv[i], &bytes);
        int rc = json_parse(bytes_of(text, bytes), JSON_DEPTH_MAX, &doc, NULL);

        if ((rc == 0) != accept)
            printf("%s: %s\n", files.gl_pathv[i],
                   rc == 0 ? "accepted" : "refused");
        EXPECT_INT(rc == 0, accept);
        free(text);
        count++;
    }
    globfree(&files);
    return count;
}

TEST(json_test_suite_is_accepted_and_refused_as_it_says)
{
    size_t yes, no;

    if (harness_vectors() == NULL) {
        harness_absent("JSONTestSuite");
        return;
    }
    yes = suite("y", true);
    no = suite("n", false);
    printf("JSONTestSuite: %zu of 95 accepted, %zu of 188 refused\n", yes, no);
    EXPECT_INT(yes, 95);
    EXPECT_INT(no, 188);
}

TEST(texts_that_are_not_json_are_refused)
{
    static const char *const cases[] = {
        "",
        "  \t\r\n",
        "\xef\xbb\xbf{}",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "--1",
        "-",
        "NaN",
        "Infinity",
        "0x10",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1",
        "1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{1:1}",
        "{,}",
        "{'a':1}",
        "{\"a\":1",
        "{\"a\":1]",
        "[1}",
        "'a'",
        "\"a",
        "\"\\\"",
        "\"a\nb\"",
        "\"\x1f\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\xc0\x80\"",
        "\"\xe0\x80\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xc3\"",
        "\"\x80\"",
        "// c\n1",
        "1 /* c */",
        "{} {}",
        "[] x",
        "nul",
        "nulll",
        "True",
        "\f1",
        "[1]\x0b",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (parse_code(bytes_text(cases[i])) == 0)
            printf("accepted: %s\n", cases[i]);
        EXPECT_INT(parse_code(bytes_text(cases[i])), FAIL_MALFORMED);
    }
    EXPECT_INT(parse_code(BYTES_LITERAL("1\0")), FAIL_MALFORMED);
    EXPECT_INT(parse_code(BYTES_LITERAL("\"a\0b\"")), FAIL_MALFORMED);
    EXPECT_INT(parse_code(BYTES_NONE), FAIL_MALFORMED);
}

TEST(a_fault_says_where_it_is)
{
    struct json_value doc;
    struct json_fault fault;

    EXPECT_INT(json_parse(bytes_text("{\"a\":1,}"), 4, &doc, &fault),
               FAIL_MALFORMED);
    EXPECT_INT(fault.pos, 7);
    EXPECT_TEXT(fault.why, "a member without a name");
    EXPECT_INT(json_parse(bytes_text("[1] 2"), 4, &doc, &fault),
               FAIL_MALFORMED);
    EXPECT_INT(fault.pos, 4);
    EXPECT_TEXT(fault.why, "more than one value");
}

TEST(depth_is_limited_exactly)
{
    struct json_value doc;
    char *deep = malloc(100001);

    EXPECT_INT(json_parse(bytes_text("[[{\"a\":[]}]]"), 4, &doc, NULL), 0);
    EXPECT_INT(json_parse(bytes_text("[[{\"a\":[]}]]"), 3, &doc, NULL),
               FAIL_TOO_BIG);
    EXPECT_INT(json_parse(bytes_text("7"), 0, &doc, NULL), 0);
    EXPECT_INT(json_parse(bytes_text("[]"), 0, &doc, NULL), FAIL_TOO_BIG);
    memset(deep, '[', 100000);
    EXPECT_INT(json_parse(bytes_of(deep, 100000), JSON_DEPTH_MAX, &doc, NULL),
               FAIL_TOO_BIG);
    free(deep);
}

TEST(a_string_may_break_anywhere_in_an_eight_byte_step)
{
    for (size_t before = 0; before < 20; before++) {
        char text[256], plain[32];
        uint8_t out[64];
        size_t count;

        memset(plain, 'x', before);
        plain[before] = '\0';
        snprintf(text, sizeof(text), "[\"%s\\\"%s\",\"%s\xc3\xa9\",\"%s\"]",
                 plain, plain, plain, plain);
        EXPECT_INT(parse_code(bytes_text(text)), 0);
        snprintf(text, sizeof(text), "\"%s\\\"%s\"", plain, plain);
        EXPECT_INT(json_unescape(parse(text), out, sizeof(out), &count), 0);
        EXPECT_INT(count, 2 * before + 1);
        EXPECT_INT(out[before], '"');
        snprintf(text, sizeof(text), "\"%s\x01%s\"", plain, plain);
        EXPECT_INT(parse_code(bytes_text(text)), FAIL_MALFORMED);
        snprintf(text, sizeof(text), "\"%s\xff%s\"", plain, plain);
        EXPECT_INT(parse_code(bytes_text(text)), FAIL_MALFORMED);
    }
}

TEST(an_array_is_walked_in_order_with_the_exact_bytes)
{
    static const char *const raws[] = {
        "1",    "-2.50E+3", "\"a,]\\\"\"", "[ 1 , [2]]", "{ \"x\" : {} }",
        "true", "false",    "null",        "[]",         "\"\""};
    struct json_value doc = parse(
        " [ 1,-2.50E+3 ,\"a,]\\\"\" , [ 1 , [2]],{ \"x\" : {} },true,false"
        " ,\tnull,[],\"\" ] ");
    struct json_walk walk = json_walk(doc);
    struct json_value value;
    size_t i = 0;

    EXPECT_INT(doc.type, JSON_ARRAY);
    for (; json_next(&walk, NULL, &value); i++) {
        EXPECT(i < 10);
        EXPECT_BYTES(value.raw, bytes_text(raws[i]));
    }
    EXPECT_INT(i, 10);
    EXPECT(!json_next(&walk, NULL, &value));
}

TEST(an_object_is_walked_with_its_names)
{
    struct json_value doc =
        parse("{\"a\" : 1 , \"\\u0062\":[{\"c\":2}], \"\":\"\\\\\"}");
    struct json_walk walk = json_walk(doc);
    struct json_value name, value;

    EXPECT(json_next(&walk, &name, &value));
    EXPECT(json_is_text(name, "a"));
    EXPECT_INT(value.type, JSON_NUMBER);
    EXPECT(json_next(&walk, &name, &value));
    EXPECT(json_is_text(name, "b"));
    EXPECT_BYTES(value.raw, bytes_text("[{\"c\":2}]"));
    EXPECT(json_next(&walk, &name, &value));
    EXPECT(json_is_text(name, ""));
    EXPECT(json_is_text(value, "\\"));
    EXPECT(!json_next(&walk, &name, &value));
}

TEST(scalars_and_empty_containers_have_nothing_to_walk)
{
    static const char *const texts[] = {"1",  "\"x\"", "null",
                                        "[]", "{}",    "[ \n ]"};
    struct json_value value;

    for (size_t i = 0; i < 6; i++) {
        struct json_walk walk = json_walk(parse(texts[i]));

        EXPECT(!json_next(&walk, NULL, &value));
    }
}

TEST(names_are_compared_after_unescaping)
{
    EXPECT(json_is_text(parse("\"\\u0074x\""), "tx"));
    EXPECT(!json_is_text(parse("\"\\u0074x\""), "t"));
    EXPECT(!json_is_text(parse("\"t\""), "tx"));
    EXPECT(!json_is_text(parse("\"t\\u0000\""), "t"));
    EXPECT(json_is_text(parse("\"\\/\\b\\f\\n\\r\\t\\\"\\\\\""),
                        "/\b\f\n\r\t\"\\"));
    EXPECT(json_is_text(parse("\"\\ud83d\\ude00\""), "\xf0\x9f\x98\x80"));
    EXPECT(json_is_text(parse("\"\\u00e9\\u20ac\""), "\xc3\xa9\xe2\x82\xac"));
    EXPECT(!json_is_text(parse("1"), "1"));
}

TEST(duplicate_members_are_refused_also_when_one_is_escaped)
{
    static const char *const names[] = {"tx", "id"};
    struct json_value out[2];

    EXPECT_INT(json_members(parse("{\"id\":7,\"\\u0074x\":\"0x\"}"), names, 2,
                            true, out),
               0);
    EXPECT_INT(out[0].type, JSON_STRING);
    EXPECT_BYTES(out[1].raw, bytes_text("7"));
    EXPECT_INT(json_members(parse("{\"tx\":1,\"\\u0074x\":2}"), names, 2, true,
                            out),
               FAIL_MALFORMED);
    EXPECT_INT(json_members(parse("{\"tx\":1,\"other\":2}"), names, 2, true,
                            out),
               FAIL_UNSUPPORTED);
    EXPECT_INT(json_members(parse("{\"other\":2,\"other\":3}"), names, 2, false,
                            out),
               0);
    EXPECT_INT(out[0].type, JSON_ABSENT);
    EXPECT_INT(json_members(parse("[]"), names, 2, true, out), FAIL_MALFORMED);
    EXPECT_INT(json_member(parse("{\"a\":null}"), "a", out), 0);
    EXPECT_INT(out[0].type, JSON_NULL);
}

TEST(whole_numbers_are_read_exactly_or_not_at_all)
{
    static const char *const bad[] = {"1.0",   "1e3",  "-0",
                                      "\"1\"", "null", "1E0"};
    uint64_t u = 0;
    int64_t i = 0;

    EXPECT_INT(json_uint64(parse("18446744073709551615"), &u), 0);
    EXPECT(u == UINT64_MAX);
    EXPECT_INT(json_uint64(parse("18446744073709551616"), &u), FAIL_TOO_BIG);
    EXPECT_INT(json_uint64(parse("-1"), &u), FAIL_MALFORMED);
    EXPECT_INT(json_uint64(parse("0"), &u), 0);
    EXPECT(u == 0);
    EXPECT_INT(json_int64(parse("-9223372036854775808"), &i), 0);
    EXPECT(i == INT64_MIN);
    EXPECT_INT(json_int64(parse("-9223372036854775809"), &i), FAIL_TOO_BIG);
    EXPECT_INT(json_int64(parse("9223372036854775807"), &i), 0);
    EXPECT(i == INT64_MAX);
    EXPECT_INT(json_int64(parse("9223372036854775808"), &i), FAIL_TOO_BIG);
    for (size_t k = 0; k < 6; k++)
        EXPECT_INT(json_int64(parse(bad[k]), &i), FAIL_MALFORMED);
}

TEST(plain_strings_are_not_copied_and_escaped_ones_say_so)
{
    struct bytes out;
    uint8_t copy[4];
    size_t count;

    EXPECT_INT(json_plain(parse("\"0xabc\""), &out), 0);
    EXPECT_BYTES(out, bytes_text("0xabc"));
    EXPECT_INT(json_plain(parse("\"\\u0030\""), &out), FAIL_UNSUPPORTED);
    EXPECT_INT(json_plain(parse("1"), &out), FAIL_MALFORMED);
    EXPECT_INT(json_unescape(parse("\"a\\u0000b\""), copy, 4, &count), 0);
    EXPECT_BYTES(bytes_of(copy, count), BYTES_LITERAL("a\0b"));
    EXPECT_INT(json_unescape(parse("\"abcde\""), copy, 4, &count),
               FAIL_TOO_BIG);
}

/* Random small texts: we and jansson agree on what is JSON. */
TEST(the_reader_agrees_with_jansson_on_random_texts)
{
    static const char *const parts[] = {"{",    "}",  "[",           "]",
                                        ",",    ":",  "\"a\"",       "\"b\\n\"",
                                        "1",    "-0", "2.5",         "true",
                                        "null", " ",  "\"\\u0041\"", "0",
                                        "\"",   "\\"};
    size_t good = 0;

    srand(1);
    for (int i = 0; i < 200000; i++) {
        struct json_value doc;
        char text[80] = "";
        json_t *other;
        int count = rand() % 8 + 1;

        for (int k = 0; k < count; k++)
            strcat(text, parts[(size_t)rand() % 18]);
        other = json_loads(text, JSON_DECODE_ANY, NULL);
        if ((json_parse(bytes_text(text), 16, &doc, NULL) == 0) !=
            (other != NULL))
            printf("differs: %s\n", text);
        EXPECT_INT(json_parse(bytes_text(text), 16, &doc, NULL) == 0,
                   other != NULL);
        good += other != NULL;
        json_decref(other);
    }
    printf("%zu of 200000 random texts are JSON\n", good);
    EXPECT(good > 1000);
}

TEST(every_code_point_is_encoded_and_counted)
{
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        uint8_t out[4];
        size_t count;

        if (point >= 0xd800 && point <= 0xdfff)
            continue;
        count = utf8_encode(point, out);
        EXPECT_INT(utf8_count(out, out + count), count);
        if (count > 1)
            EXPECT_INT(utf8_count(out, out + count - 1), 0);
    }
    EXPECT(utf8_is_valid(BYTES_NONE));
    EXPECT(!utf8_is_valid(BYTES_LITERAL("a\xed\xbf\xbf")));
}

TEST(a_writer_puts_commas_where_they_belong)
{
    struct json_writer w;
    struct buffer out;

    buffer_init(&out, 1024);
    json_writer_init(&w, &out);
    json_writer_object(&w);
    json_writer_name(&w, "a");
    json_writer_array(&w);
    json_writer_int(&w, -7);
    json_writer_object(&w);
    json_writer_end(&w);
    json_writer_array(&w);
    json_writer_end(&w);
    json_writer_null(&w);
    json_writer_end(&w);
    json_writer_name(&w, "b\"");
    json_writer_bool(&w, true);
    json_writer_name(&w, "c");
    json_writer_hex(&w, BYTES_LITERAL("\xab\x01"));
    json_writer_name(&w, "d");
    json_writer_double(&w, 0.25);
    json_writer_name(&w, "e");
    json_writer_text(&w, NULL);
    json_writer_name(&w, "f");
    json_writer_raw(&w, bytes_text("[1]"));
    json_writer_name(&w, "g");
    json_writer_hex(&w, BYTES_NONE);
    json_writer_end(&w);
    EXPECT(!out.overflow);
    EXPECT_TEXT(buffer_text(&out),
                "{\"a\":[-7,{},[],null],\"b\\\"\":true,\"c\":\"0xab01\","
                "\"d\":0.25,\"e\":null,\"f\":[1],\"g\":null}");
    buffer_fini(&out);
}

/* Every byte, alone and beside others, comes back through our own reader. */
TEST(written_strings_are_read_back)
{
    uint8_t text[3] = {'x', 0, 'y'};

    for (int i = 0; i < 256; i++) {
        uint8_t back[8];
        struct json_value doc;
        struct buffer out;
        size_t count = 0;

        text[1] = (uint8_t)i;
        buffer_init(&out, 64);
        json_append_string(&out, bytes_of(text, 3));
        EXPECT_INT(json_parse(buffer_bytes(&out), 0, &doc, NULL), 0);
        EXPECT_INT(json_unescape(doc, back, sizeof(back), &count), 0);
        EXPECT_BYTES(bytes_of(back, count),
                     i < 0x80 ? bytes_of(text, 3)
                              : BYTES_LITERAL("x\xef\xbf\xbdy"));
        buffer_fini(&out);
    }
}
