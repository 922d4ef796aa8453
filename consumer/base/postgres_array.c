/*
 * consumer/base/postgres_array.c: arrays and numerics in binary form.
 *
 * A numeric is base 10,000, most significant digit first:
 *
 *   0002 0001 0000 0000 | 0001 0000    10,000: 2 digits, weight 1, +, scale 0
 *
 * From: verifier/ledger_columns.c, one array a column.
 * To:   consumer/base/postgres_queue.c, as parameters.
 */
#include "consumer/base/postgres_array.h"

#include <string.h>

#include "schemas/base/fail.h"

#define HEADER_BYTES 20
#define NUMERIC_BASE 10000

static uint32_t element_type(enum postgres_type type)
{
    switch (type) {
    case POSTGRES_BYTEA_ARRAY:
        return POSTGRES_BYTEA;
    case POSTGRES_INT2_ARRAY:
        return POSTGRES_INT2;
    case POSTGRES_INT4_ARRAY:
        return POSTGRES_INT4;
    case POSTGRES_INT8_ARRAY:
        return POSTGRES_INT8;
    case POSTGRES_TEXT_ARRAY:
        return POSTGRES_TEXT;
    case POSTGRES_NUMERIC_ARRAY:
        return POSTGRES_NUMERIC;
    default:
        check_failed(__FILE__, __LINE__, "an array type");
        return 0;
    }
}

void postgres_array_init(struct postgres_array *a, enum postgres_type type)
{
    a->type = type;
    a->element_type = element_type(type);
    buffer_init(&a->bytes, POSTGRES_ARRAY_BYTES_MAX);
    postgres_array_clear(a);
}

void postgres_array_fini(struct postgres_array *a)
{
    buffer_fini(&a->bytes);
}

/* The header is filled in when the array is read. */
void postgres_array_clear(struct postgres_array *a)
{
    static const uint8_t header[HEADER_BYTES];

    buffer_clear(&a->bytes);
    (void)buffer_append(&a->bytes, header, sizeof(header));
    a->count = 0;
    a->nulls = false;
}

static void append(struct postgres_array *a, const void *data, size_t count)
{
    uint8_t *at = buffer_reserve(&a->bytes, count + 4);

    a->count++;
    if (at == NULL)
        return;
    bytes_put_be32(at, (uint32_t)count);
    if (count > 0)
        memcpy(at + 4, data, count);
    buffer_commit(&a->bytes, count + 4);
}

void postgres_array_i16(struct postgres_array *a, int16_t value)
{
    uint8_t b[2] = {(uint8_t)((uint16_t)value >> 8), (uint8_t)value};

    CHECK(a->element_type == POSTGRES_INT2);
    append(a, b, sizeof(b));
}

void postgres_array_i32(struct postgres_array *a, int32_t value)
{
    uint8_t b[4];

    CHECK(a->element_type == POSTGRES_INT4);
    bytes_put_be32(b, (uint32_t)value);
    append(a, b, sizeof(b));
}

void postgres_array_i64(struct postgres_array *a, int64_t value)
{
    uint8_t b[8];

    CHECK(a->element_type == POSTGRES_INT8);
    bytes_put_be64(b, (uint64_t)value);
    append(a, b, sizeof(b));
}

void postgres_array_bytes(struct postgres_array *a, struct bytes value)
{
    CHECK(a->element_type == POSTGRES_BYTEA ||
          a->element_type == POSTGRES_TEXT);
    if (value.data == NULL)
        postgres_array_null(a);
    else
        append(a, value.data, value.count);
}

void postgres_array_numeric_be(struct postgres_array *a, const uint8_t *data,
                               size_t count)
{
    uint8_t b[50];

    CHECK(a->element_type == POSTGRES_NUMERIC);
    append(a, b, postgres_numeric_be(data, count, b));
}

void postgres_array_numeric_u64(struct postgres_array *a, uint64_t value)
{
    uint8_t b[8];

    bytes_put_be64(b, value);
    postgres_array_numeric_be(a, b, sizeof(b));
}

void postgres_array_null(struct postgres_array *a)
{
    static const uint8_t null[4] = {0xff, 0xff, 0xff, 0xff};

    a->count++;
    a->nulls = true;
    (void)buffer_append(&a->bytes, null, sizeof(null));
}

bool postgres_array_full(const struct postgres_array *a)
{
    return a->bytes.overflow;
}

struct postgres_param postgres_array_param(struct postgres_array *a)
{
    uint8_t *at = a->bytes.data;

    CHECK(!a->bytes.overflow);
    CHECK(at != NULL);
    bytes_put_be32(at, 1);
    bytes_put_be32(at + 4, a->nulls);
    bytes_put_be32(at + 8, a->element_type);
    bytes_put_be32(at + 12, a->count);
    bytes_put_be32(at + 16, 1);
    return (struct postgres_param){a->type, buffer_bytes(&a->bytes)};
}

/*
 * Divides by 10,000 until nothing is left. `words` is the number in 32-bit
 * words, most significant first; most amounts fit the last two or three, so
 * leading zero words are skipped.
 */
static size_t digits_of(uint32_t *words, size_t count, uint16_t digits[20])
{
    size_t first = 0, n = 0, i;

    while (first < count && words[first] == 0)
        first++;
    while (first < count) {
        uint64_t rest = 0;

        for (i = first; i < count; i++) {
            rest = rest << 32 | words[i];
            words[i] = (uint32_t)(rest / NUMERIC_BASE);
            rest %= NUMERIC_BASE;
        }
        digits[n++] = (uint16_t)rest;
        while (first < count && words[first] == 0)
            first++;
    }
    return n;
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

size_t postgres_numeric_be(const uint8_t *data, size_t count, uint8_t out[50])
{
    uint32_t words[8] = {0};
    uint16_t digits[20];
    size_t n, low = 0, i;

    CHECK(count <= 32);
    for (i = 0; i < count; i++)
        words[7 - (count - 1 - i) / 4] |= (uint32_t)data[i]
                                          << 8 * ((count - 1 - i) % 4);
    n = digits_of(words, 8, digits);
    /* Trailing zero digits are not sent: the weight stands for them. */
    while (low < n && digits[low] == 0)
        low++;
    put16(out, n - low);
    put16(out + 2, n == 0 ? 0 : n - 1);
    put16(out + 4, 0);
    put16(out + 6, 0);
    for (i = 0; i < n - low; i++)
        put16(out + 8 + 2 * i, digits[n - 1 - i]);
    return 8 + 2 * (n - low);
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* number = number * 10,000 + digit; false when it passes 256 bits. */
static bool push_digit(uint8_t number[32], uint16_t digit)
{
    uint32_t carry = digit;
    size_t i;

    for (i = 32; i-- > 0;) {
        carry += (uint32_t)number[i] * NUMERIC_BASE;
        number[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return carry == 0;
}

int postgres_numeric_parse(struct bytes cell, uint8_t out[32])
{
    uint8_t number[32] = {0};
    size_t n, weight, i;

    if (cell.data == NULL || cell.count < 8)
        return FAIL_MALFORMED;
    n = get16(cell.data);
    weight = get16(cell.data + 2);
    if (cell.count != 8 + 2 * n || get16(cell.data + 4) != 0)
        return FAIL_MALFORMED;
    if (n > 0 && (weight > 19 || n > weight + 1))
        return FAIL_MALFORMED;
    for (i = 0; n > 0 && i <= weight; i++) {
        uint16_t digit = i < n ? get16(cell.data + 8 + 2 * i) : 0;

        if (digit >= NUMERIC_BASE || !push_digit(number, digit))
            return FAIL_MALFORMED;
    }
    memcpy(out, number, sizeof(number));
    return 0;
}
