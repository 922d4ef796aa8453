/*
 * tests/unit/judge/vectors.h: third-party files as JSON, hex and RLP.
 *
 * Included by the tests that judge other people's transactions; each of them
 * uses a part of it.
 */
#ifndef TESTS_UNIT_JUDGE_VECTORS_H
#define TESTS_UNIT_JUDGE_VECTORS_H

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/ethereum.h"
#include "schemas/hex.h"
#include "schemas/rlp.h"
#include "tests/support/harness.h"
#include "verifier/judge.h"

#define VECTORS_UNUSED __attribute__((unused)) static

/* The path of a vector file; NULL, loudly, when there are none. Static. */
VECTORS_UNUSED const char *vectors_path(const char *name)
{
    static char path[4096];
    const char *root = harness_vectors();

    if (root == NULL) {
        harness_absent(name);
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

/* json_decref() it. */
VECTORS_UNUSED json_t *vectors_json(const char *path)
{
    json_error_t error;
    json_t *doc = json_load_file(path, 0, &error);

    if (doc == NULL)
        printf("%s:%d: %s\n", path, error.line, error.text);
    EXPECT(doc != NULL);
    return doc;
}

VECTORS_UNUSED json_t *vectors_json_gz(const char *path)
{
    char command[4200];
    json_error_t error;
    json_t *doc;
    FILE *f;

    snprintf(command, sizeof(command), "gzip -dc '%s'", path);
    f = popen(command, "r");
    EXPECT(f != NULL);
    doc = json_loadf(f, 0, &error);
    EXPECT_INT(pclose(f), 0);
    EXPECT(doc != NULL);
    return doc;
}

/* "0x.." decoded; bad hex gives no bytes. free() the data. */
VECTORS_UNUSED struct bytes vectors_hex(const char *text)
{
    size_t count = strlen(text) / 2 + 1;
    uint8_t *data = malloc(count);

    CHECK(data != NULL);
    if (hex_decode_0x(bytes_text(text), data, count, &count) < 0)
        count = 0;
    return bytes_of(data, count);
}

/* "0x.." of `b`, in one of a few static places; "" for no bytes. */
VECTORS_UNUSED const char *vectors_text(struct bytes b)
{
    static char texts[8][2 * TRANSACTION_PARTY_MAX + 3];
    static int next;
    char *text = texts[next++ % 8];

    CHECK(b.count <= TRANSACTION_PARTY_MAX);
    text[0] = '\0';
    if (b.count > 0) {
        memcpy(text, "0x", 2);
        hex_encode(b, text + 2);
    }
    return text;
}

VECTORS_UNUSED struct chain vectors_chain(const char *name)
{
    struct chain chain;

    CHECK(chain_parse(bytes_text(name), &chain) == 0);
    return chain;
}

/* The chain the bytes name, or eip155:1. */
VECTORS_UNUSED struct chain vectors_chain_of(struct bytes raw)
{
    struct chain chain;
    bool has = false;

    if (transaction_chain(raw, &has, &chain) < 0 || !has)
        chain = vectors_chain("eip155:1");
    return chain;
}

/* The item at `index` of a list's items. */
VECTORS_UNUSED struct rlp_item vectors_item(struct bytes items, size_t index)
{
    struct rlp_item item = {0};

    for (size_t i = 0; i <= index; i++)
        EXPECT_INT(rlp_read(&items, &item), RLP_GOOD);
    return item;
}

/* A block body holds a legacy transaction as a list, others as strings. */
VECTORS_UNUSED struct bytes vectors_transaction(struct rlp_item item)
{
    return item.list ? item.raw : item.payload;
}

/* Writes what was read, all the way down. */
VECTORS_UNUSED void vectors_write_again(struct rlp_item item,
                                        struct buffer *out)
{
    struct bytes rest = item.payload;
    struct buffer items;

    if (!item.list) {
        rlp_append_string(out, item.payload);
        return;
    }
    buffer_init(&items, 2 << 20);
    while (rest.count > 0) {
        struct rlp_item inner;

        EXPECT_INT(rlp_read(&rest, &inner), RLP_GOOD);
        vectors_write_again(inner, &items);
    }
    rlp_append_list(out, buffer_bytes(&items));
    buffer_fini(&items);
}

/* An accepted transaction, encoded again item by item and field by field. */
VECTORS_UNUSED void vectors_expect_canonical(struct bytes raw)
{
    struct ethereum_fields f;
    struct bytes list = raw;
    struct rlp_item item;
    struct buffer out;

    EXPECT_INT(ethereum_parse(raw, &f, NULL), REASON_NONE);
    buffer_init(&out, 2 << 20);
    ethereum_encode(&f, &out);
    EXPECT_BYTES(buffer_bytes(&out), raw);

    buffer_clear(&out);
    if (f.type != 0) {
        buffer_append_byte(&out, f.type);
        list = bytes_slice(raw, 1, raw.count - 1);
    }
    EXPECT_INT(rlp_read(&list, &item), RLP_GOOD);
    vectors_write_again(item, &out);
    EXPECT_BYTES(buffer_bytes(&out), raw);
    buffer_fini(&out);
}

#endif
