/*
 * tests/unit/schemas/record_test.c: key, header, id and fingerprint.
 */
#include "schemas/record.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hash.h"
#include "tests/support/harness.h"

static struct chain chain_named(const char *name)
{
    struct chain chain;

    CHECK(chain_parse(bytes_text(name), &chain) == 0);
    return chain;
}

TEST(a_key_is_the_chain_and_the_id)
{
    struct chain chain = chain_named("eip155:1");
    uint8_t id[32], key[RECORD_KEY_BYTES];

    memset(id, 0xab, sizeof(id));
    record_key(&chain, id, key);
    EXPECT_BYTES(bytes_of(key, 5), BYTES_LITERAL("\x1a\x29\x0b\x3d\xab"));
    EXPECT_BYTES(bytes_of(key + 4, 32), bytes_of(id, 32));
}

TEST(a_header_survives_the_round_trip)
{
    static const char *const names[] = {
        "eip155:1", "eip155:99999999999999999999999999999999"};
    char text[RECORD_HEADER_MAX + 1];
    struct chain chain, parsed;
    int rules, count;

    for (size_t i = 0; i < 2; i++) {
        chain = chain_named(names[i]);
        count = record_header_format(&chain, 2, text);
        EXPECT_INT(count, strlen(text));
        EXPECT_INT(record_header_parse(bytes_text(text), &parsed, &rules),
                   RECORD_HEADER_GOOD);
        EXPECT(chain_equal(&chain, &parsed));
        EXPECT_INT(rules, 2);
    }
    chain = chain_named("eip155:1");
    record_header_format(&chain, 1, text);
    EXPECT_TEXT(text, "1;eip155:1;1");
}

TEST(a_well_formed_newer_rule_set_is_newer)
{
    struct chain chain;
    int rules;

    EXPECT_INT(record_header_parse(bytes_text("1;eip155:7;6"), &chain, &rules),
               RECORD_HEADER_NEWER);
    EXPECT_INT(rules, 6);
    EXPECT_TEXT(chain.name, "eip155:7");
    EXPECT_INT(record_header_parse(bytes_text("1;eip155:1;65535"), &chain,
                                   &rules),
               RECORD_HEADER_NEWER);
}

TEST(anything_else_is_a_foreign_record)
{
    static const char *const cases[] = {
        "",
        "1",
        "1;",
        "1;eip155:1",
        "1;eip155:1;",
        "1;eip155:1;0",
        "1;eip155:1;02",
        "1;eip155:1;+2",
        "1;eip155:1; 2",
        "1;eip155:1;2;",
        "1;eip155:1;2\n",
        "1;eip155:1;65536",
        "1;eip155:1;4000000000",
        "1;eip155:1;99999999999999999999",
        "1;eip155:1;x",
        "1;eip155:01;2",
        "2;eip155:1;2",
        "01;eip155:1;2",
        "1;cosmos:hub;1",
        "1;cosmos;1",
        "1;jws:x;1",
        "1;EIP155:1;2",
        "1;eip155:1;                                                     2",
    };
    struct chain chain;
    int rules;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_INT(record_header_parse(bytes_text(cases[i]), &chain, &rules),
                   RECORD_HEADER_FOREIGN);
    EXPECT_INT(record_header_parse(BYTES_NONE, &chain, &rules),
               RECORD_HEADER_FOREIGN);
    EXPECT_INT(record_header_parse(BYTES_LITERAL("1;eip155:1;2\0"), &chain,
                                   &rules),
               RECORD_HEADER_FOREIGN);
}

TEST(a_fingerprint_covers_key_value_and_time_and_tells_null_from_empty)
{
    struct bytes empty = bytes_of("", 0);
    uint8_t prints[8][32], expected[32];
    size_t n = 0;

    record_fingerprint(BYTES_NONE, BYTES_NONE, 5, prints[n++]);
    record_fingerprint(empty, BYTES_NONE, 5, prints[n++]);
    record_fingerprint(BYTES_NONE, empty, 5, prints[n++]);
    record_fingerprint(empty, empty, 5, prints[n++]);
    record_fingerprint(empty, empty, 6, prints[n++]);
    record_fingerprint(BYTES_LITERAL("ab"), BYTES_LITERAL("c"), 5, prints[n++]);
    record_fingerprint(BYTES_LITERAL("a"), BYTES_LITERAL("bc"), 5, prints[n++]);
    record_fingerprint(BYTES_LITERAL("a"), BYTES_LITERAL("bd"), 5, prints[n++]);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            EXPECT(memcmp(prints[i], prints[k], 32) != 0);

    hash_sha256(BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff"
                              "\0\0\0\0\0\0\0\x05"),
                expected);
    EXPECT_BYTES(bytes_of(prints[0], 32), bytes_of(expected, 32));
    hash_sha256(BYTES_LITERAL("\0\0\0\x02"
                              "ab\0\0\0\x01"
                              "c\0\0\0\0\0\0\0\x05"),
                expected);
    EXPECT_BYTES(bytes_of(prints[5], 32), bytes_of(expected, 32));
}

TEST(a_record_id_survives_the_round_trip)
{
    static const struct record_id ids[] = {
        {1, 7, 88123}, {0, 0, 0}, {INT32_MAX, INT32_MAX, INT64_MAX}};
    char text[RECORD_ID_TEXT_MAX];
    struct record_id parsed;

    for (size_t i = 0; i < 3; i++) {
        int count = record_id_format(ids[i], text);

        EXPECT_INT(count, strlen(text));
        EXPECT_INT(record_id_parse(bytes_text(text), &parsed), 0);
        EXPECT_INT(parsed.log, ids[i].log);
        EXPECT_INT(parsed.partition, ids[i].partition);
        EXPECT_INT(parsed.offset, ids[i].offset);
    }
    record_id_format(ids[0], text);
    EXPECT_TEXT(text, "1-7-88123");
}

TEST(other_texts_are_no_record_id)
{
    static const char *const cases[] = {
        "",        "1",         "1-2",
        "1-2-",    "-1-2-3",    "1--2-3",
        "1-2-3-4", "01-2-3",    "1-2-+3",
        "1-2- 3",  "1-2-3 ",    "2147483648-0-0",
        "a-b-c",   "1-2-3\xff", "1-2-9223372036854775808"};
    struct record_id id;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_INT(record_id_parse(bytes_text(cases[i]), &id), FAIL_MALFORMED);
    EXPECT_INT(record_id_parse(BYTES_NONE, &id), FAIL_MALFORMED);
}
