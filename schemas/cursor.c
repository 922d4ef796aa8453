/*
 * schemas/cursor.c: a position per partition, made into one short word.
 *
 *   log 1, next offsets 300 and 5   ->   01 01 ac 02 05   ->   "AQGsAgU"
 *
 * Anybody may send one, so reading is strict: shortest varints, no bits left
 * over, no more partitions than we would ever write.
 *
 * From: notifier/gateway/gateway.c, which writes it behind the last frame.
 * To:   notifier/gateway/catchup.c, which starts from one that comes back.
 */
#include "schemas/cursor.h"

#include "schemas/base/check.h"
#include "schemas/base/fail.h"
#include "schemas/base64url.h"

#define VERSION 1
#define VARINT_MAX 9 /* bytes of a number below 2^63 */
#define BYTES_MAX (1 + 5 + CURSOR_PARTITIONS_MAX * VARINT_MAX)

static size_t put_varint(uint8_t *at, int64_t value);
static int get_varint(struct bytes *b, int64_t *out);

size_t cursor_format(const struct cursor *c, char out[CURSOR_TEXT_MAX + 1])
{
    uint8_t raw[BYTES_MAX];
    size_t count = 0;

    CHECK(c->log >= 0 && c->count <= CURSOR_PARTITIONS_MAX);
    raw[count++] = VERSION;
    count += put_varint(raw + count, c->log);
    for (size_t i = 0; i < c->count; i++)
        count += put_varint(raw + count, c->next[i]);
    return base64url_encode(bytes_of(raw, count), out);
}

int cursor_parse(struct bytes text, struct cursor *out)
{
    uint8_t raw[BYTES_MAX];
    struct bytes left = {raw, 0};
    struct cursor c = {.count = 0};
    int64_t log;

    if (text.data == NULL || BASE64URL_BYTES(text.count) > BYTES_MAX ||
        base64url_decode(text, raw, &left.count) < 0)
        return FAIL_MALFORMED;
    if (left.count < 2 || raw[0] != VERSION)
        return FAIL_MALFORMED;
    left = bytes_slice(left, 1, left.count);
    if (get_varint(&left, &log) < 0 || log > INT32_MAX)
        return FAIL_MALFORMED;
    c.log = (int32_t)log;
    while (left.count > 0) {
        if (c.count == CURSOR_PARTITIONS_MAX ||
            get_varint(&left, &c.next[c.count]) < 0)
            return FAIL_MALFORMED;
        c.count++;
    }
    *out = c;
    return 0;
}

static size_t put_varint(uint8_t *at, int64_t value)
{
    uint64_t left = (uint64_t)value;
    size_t count = 0;

    CHECK(value >= 0);
    while (left >= 0x80) {
        at[count++] = (uint8_t)(left | 0x80);
        left >>= 7;
    }
    at[count++] = (uint8_t)left;
    return count;
}

static int get_varint(struct bytes *b, int64_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < b->count && i < VARINT_MAX; i++) {
        value |= (uint64_t)(b->data[i] & 0x7f) << (7 * i);
        if (b->data[i] & 0x80)
            continue;
        /* A last byte of zero would be a second spelling of one number. */
        if (i > 0 && b->data[i] == 0)
            return FAIL_MALFORMED;
        *b = bytes_slice(*b, i + 1, b->count);
        *out = (int64_t)value;
        return 0;
    }
    return FAIL_MALFORMED;
}
