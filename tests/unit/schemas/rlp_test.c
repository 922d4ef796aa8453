/*
 * tests/unit/schemas/rlp_test.c: one value, one encoding, against the vectors
 * of ethereum-tests and ethers.
 */
#include "schemas/rlp.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "tests/support/harness.h"

#define BYTES_MAX (1 << 20)

/* free() the data. */
static struct bytes unhex(const char *text)
{
    size_t count = strlen(text);
    uint8_t *data = malloc(count + 1);

    CHECK(data != NULL);
    if (strncmp(text, "0x", 2) == 0)
        text += 2;
    EXPECT_INT(hex_decode(bytes_text(text), data, count, &count), 0);
    return bytes_of(data, count);
}

/* Writes what was read, all the way down. */
static void write_again(struct rlp_item item, struct buffer *out)
{
    struct bytes rest = item.payload;
    struct buffer items;

    if (!item.list) {
        rlp_append_string(out, item.payload);
        return;
    }
    buffer_init(&items, BYTES_MAX);
    while (rest.count > 0) {
        struct rlp_item inner;

        EXPECT_INT(rlp_read(&rest, &inner), RLP_GOOD);
        write_again(inner, &items);
    }
    rlp_append_list(out, buffer_bytes(&items));
    buffer_fini(&items);
}

static void expect_same_again(struct bytes raw)
{
    struct bytes rest = raw;
    struct rlp_item item;
    struct buffer out;

    buffer_init(&out, BYTES_MAX);
    EXPECT_INT(rlp_read(&rest, &item), RLP_GOOD);
    EXPECT_INT(rest.count, 0);
    write_again(item, &out);
    EXPECT_BYTES(buffer_bytes(&out), raw);
    buffer_fini(&out);
}

/* Decimal digits of any length, as the vectors' "#..." has them. */
static void append_decimal(const char *digits, struct buffer *out)
{
    uint8_t be[40] = {0};

    for (; *digits != '\0'; digits++) {
        unsigned carry = (unsigned)(*digits - '0');

        for (size_t i = sizeof(be); i-- > 0; carry >>= 8) {
            carry += be[i] * 10u;
            be[i] = (uint8_t)carry;
        }
    }
    rlp_append_integer(out, bytes_of(be, sizeof(be)));
}

/* Encodes a value as the vectors write it: text, number, "#number", list. */
static void encode(json_t *value, bool hex, struct buffer *out)
{
    struct buffer items;
    json_t *element;
    size_t i;

    if (json_is_integer(value)) {
        rlp_append_uint(out, (uint64_t)json_integer_value(value));
    } else if (json_is_string(value) && hex) {
        struct bytes raw = unhex(json_string_value(value));

        rlp_append_string(out, raw);
        free((void *)raw.data);
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);

        if (*text == '#')
            append_decimal(text + 1, out);
        else
            rlp_append_string(out, bytes_of(text, json_string_length(value)));
    } else {
        buffer_init(&items, BYTES_MAX);
        json_array_foreach(value, i, element) encode(element, hex, &items);
        rlp_append_list(out, buffer_bytes(&items));
        buffer_fini(&items);
    }
}

static json_t *load(const char *name, bool gz)
{
    char command[4200];
    json_t *doc;
    FILE *f;

    if (harness_vectors() == NULL) {
        harness_absent(name);
        return NULL;
    }
    snprintf(command, sizeof(command), "%s '%s/ethereum/%s'",
             gz ? "gzip -dc" : "cat", harness_vectors(), name);
    f = popen(command, "r");
    EXPECT(f != NULL);
    doc = json_loadf(f, JSON_ALLOW_NUL, NULL);
    pclose(f);
    EXPECT(doc != NULL);
    return doc;
}

static void expect_encoding(json_t *in, bool hex, const char *text)
{
    struct bytes raw = unhex(text);
    struct buffer out;

    buffer_init(&out, BYTES_MAX);
    encode(in, hex, &out);
    EXPECT_BYTES(buffer_bytes(&out), raw);
    EXPECT_INT(rlp_check(raw, 64), 0);
    expect_same_again(raw);
    buffer_fini(&out);
    free((void *)raw.data);
}

TEST(encodings_equal_those_of_ethereum_tests)
{
    json_t *doc = load("ethereum-tests/RLPTests/rlptest.json", false), *test;
    const char *name;
    size_t count = 0;

    if (doc == NULL)
        return;
    json_object_foreach(doc, name, test)
    {
        expect_encoding(json_object_get(test, "in"), false,
                        json_string_value(json_object_get(test, "out")));
        count++;
    }
    json_decref(doc);
    printf("RLPTests: %zu of 28 encoded, read and encoded again\n", count);
    EXPECT_INT(count, 28);
}

TEST(invalid_encodings_of_ethereum_tests_are_refused)
{
    json_t *doc = load("ethereum-tests/RLPTests/invalidRLPTest.json", false);
    const char *name;
    json_t *test;
    size_t count = 0;

    if (doc == NULL)
        return;
    json_object_foreach(doc, name, test)
    {
        struct bytes raw =
            unhex(json_string_value(json_object_get(test, "out")));

        if (rlp_check(raw, 64) == 0)
            printf("accepted: %s\n", name);
        EXPECT(rlp_check(raw, 64) < 0);
        free((void *)raw.data);
        count++;
    }
    json_decref(doc);
    printf("invalidRLPTest: %zu of 26 refused\n", count);
    EXPECT_INT(count, 26);
}

TEST(encodings_equal_those_of_ethers)
{
    json_t *doc = load("ethers/rlp.json.gz", true), *test;
    size_t i, count = 0;

    if (doc == NULL)
        return;
    json_array_foreach(doc, i, test)
    {
        expect_encoding(json_object_get(test, "decoded"), true,
                        json_string_value(json_object_get(test, "encoded")));
        count++;
    }
    json_decref(doc);
    printf("ethers rlp: %zu of 61 encoded, read and encoded again\n", count);
    EXPECT_INT(count, 61);
}

TEST(faults_are_told_apart)
{
    static const struct {
        const char *hex;
        enum rlp_fault fault;
    } cases[] = {
        {"", RLP_END},
        {"80", RLP_GOOD},
        {"c0", RLP_GOOD},
        {"00", RLP_GOOD},
        {"7f", RLP_GOOD},
        {"8180", RLP_GOOD},
        {"8100", RLP_CANONICAL},
        {"817f", RLP_CANONICAL},
        {"81", RLP_TOO_LONG},
        {"c1", RLP_TOO_LONG},
        {"b8", RLP_TOO_LONG},
        {"b837", RLP_CANONICAL},
        {"b838", RLP_TOO_LONG},
        {"b90038", RLP_CANONICAL},
        {"f8", RLP_TOO_LONG},
        {"f800", RLP_CANONICAL},
        {"ffffffffffffffffff", RLP_TOO_LONG},
        {"bfffffffffffffffff", RLP_TOO_LONG},
        {"ff0000000000000001", RLP_CANONICAL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes raw = unhex(cases[i].hex), rest = raw;
        struct rlp_item item;

        EXPECT_INT(rlp_read(&rest, &item), cases[i].fault);
        if (cases[i].fault != RLP_GOOD)
            EXPECT_INT(rest.count, raw.count);
        free((void *)raw.data);
    }
}

TEST(deep_nesting_is_refused_without_recursion)
{
    uint8_t deep[10000];

    memset(deep, 0xc1, sizeof(deep));
    deep[sizeof(deep) - 1] = 0xc0;
    EXPECT_INT(rlp_check(bytes_of(deep, sizeof(deep)), 1024), FAIL_MALFORMED);
    EXPECT_INT(rlp_check(BYTES_LITERAL("\xc2\xc1\xc0"), 3), 0);
    EXPECT_INT(rlp_check(BYTES_LITERAL("\xc2\xc1\xc0"), 2), FAIL_TOO_BIG);
    EXPECT_INT(rlp_check(BYTES_LITERAL("\xc3\xc1\xc0\x01"), 3), 0);
    EXPECT_INT(rlp_check(BYTES_LITERAL("\xc2\xc1\xc0\x01"), 3), FAIL_MALFORMED);
    EXPECT_INT(rlp_check(BYTES_NONE, 3), FAIL_MALFORMED);
}

/* Every text of up to three bytes: what is read is what would be written. */
TEST(whatever_is_read_is_written_the_same)
{
    size_t good = 0;

    for (uint32_t n = 0; n < 1u << 24; n++) {
        uint8_t text[3] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

        if (rlp_check(bytes_of(text, 3), 3) != 0)
            continue;
        good++;
        expect_same_again(bytes_of(text, 3));
    }
    /* 82 xx xx, and c2 with two items of one byte or one item of two. */
    printf("%zu of 2^24 texts of three bytes are RLP\n", good);
    EXPECT_INT(good, 65536 + 130 * 130 + 128 + 130);
}

TEST(list_prefixes_grow_with_the_count)
{
    uint8_t out[RLP_PREFIX_MAX];

    EXPECT_INT(rlp_list_prefix(0, out), 1);
    EXPECT_INT(out[0], 0xc0);
    EXPECT_INT(rlp_list_prefix(55, out), 1);
    EXPECT_INT(out[0], 0xf7);
    EXPECT_INT(rlp_list_prefix(56, out), 2);
    EXPECT_BYTES(bytes_of(out, 2), BYTES_LITERAL("\xf8\x38"));
    EXPECT_INT(rlp_list_prefix(65536, out), 4);
    EXPECT_BYTES(bytes_of(out, 4), BYTES_LITERAL("\xfa\x01\x00\x00"));
    EXPECT_INT(rlp_string_bytes(BYTES_LITERAL("\x7f")), 1);
    EXPECT_INT(rlp_string_bytes(BYTES_LITERAL("\x80")), 2);
    EXPECT_INT(rlp_string_bytes(BYTES_NONE), 1);
}
