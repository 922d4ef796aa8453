/*
 * schemas/base/bytes.c: borrowed slices and bounded buffers.
 *
 * Memory doubles until the limit. Running out of memory below the limit stops
 * the process: limits are chosen so that it cannot happen on a healthy machine.
 *
 * From: every module that reads or builds bytes.
 * To:   the same.
 */
#include "schemas/base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

struct bytes bytes_of(const void *data, size_t count)
{
    return (struct bytes){data, count};
}

struct bytes bytes_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.count == b.count &&
           (a.count == 0 || memcmp(a.data, b.data, a.count) == 0);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool bytes_equal_text_any_case(struct bytes a, const char *text)
{
    size_t i;

    for (i = 0; i < a.count; i++) {
        if (text[i] == '\0' || lower(a.data[i]) != lower((uint8_t)text[i]))
            return false;
    }
    return text[i] == '\0';
}

bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_text(text));
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t least = a.count < b.count ? a.count : b.count;
    int order = least == 0 ? 0 : memcmp(a.data, b.data, least);

    if (order != 0)
        return order;
    return (a.count > b.count) - (a.count < b.count);
}

struct bytes bytes_slice(struct bytes b, size_t pos, size_t count)
{
    if (pos >= b.count)
        return (struct bytes){b.data, 0};
    if (count > b.count - pos)
        count = b.count - pos;
    return (struct bytes){b.data + pos, count};
}

void buffer_init(struct buffer *b, size_t limit)
{
    *b = (struct buffer){.limit = limit};
}

void buffer_fini(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){.limit = b->limit};
}

void buffer_clear(struct buffer *b)
{
    b->count = 0;
    b->overflow = false;
}

uint8_t *buffer_reserve(struct buffer *b, size_t count)
{
    size_t capacity;

    if (count > b->limit || b->count > b->limit - count) {
        b->overflow = true;
        return NULL;
    }
    /* One byte more than asked, so that buffer_text() has room for its NUL. */
    if (b->count + count + 1 > b->capacity) {
        capacity = b->capacity == 0 ? 64 : b->capacity;
        while (capacity < b->count + count + 1)
            capacity *= 2;
        b->data = realloc(b->data, capacity);
        CHECK(b->data != NULL);
        b->capacity = capacity;
    }
    return b->data + b->count;
}

void buffer_commit(struct buffer *b, size_t count)
{
    CHECK(b->count + count < b->capacity);
    b->count += count;
}

int buffer_append(struct buffer *b, const void *data, size_t count)
{
    uint8_t *at = buffer_reserve(b, count);

    if (at == NULL)
        return FAIL_FULL;
    if (count > 0)
        memcpy(at, data, count);
    buffer_commit(b, count);
    return 0;
}

int buffer_append_bytes(struct buffer *b, struct bytes bytes)
{
    return buffer_append(b, bytes.data, bytes.count);
}

int buffer_append_text(struct buffer *b, const char *text)
{
    return buffer_append(b, text, strlen(text));
}

int buffer_append_byte(struct buffer *b, uint8_t byte)
{
    return buffer_append(b, &byte, 1);
}

int buffer_append_format_v(struct buffer *b, const char *format, va_list args)
{
    va_list again;
    uint8_t *at;
    int count;

    va_copy(again, args);
    count = vsnprintf(NULL, 0, format, again);
    va_end(again);
    CHECK(count >= 0);
    at = buffer_reserve(b, (size_t)count);
    if (at == NULL)
        return FAIL_FULL;
    vsnprintf((char *)at, (size_t)count + 1, format, args);
    buffer_commit(b, (size_t)count);
    return 0;
}

int buffer_append_format(struct buffer *b, const char *format, ...)
{
    va_list args;
    int rc;

    va_start(args, format);
    rc = buffer_append_format_v(b, format, args);
    va_end(args);
    return rc;
}

void buffer_consume(struct buffer *b, size_t count)
{
    CHECK(count <= b->count);
    if (count == 0)
        return;
    memmove(b->data, b->data + count, b->count - count);
    b->count -= count;
}

struct bytes buffer_bytes(const struct buffer *b)
{
    return bytes_of(b->data, b->count);
}

const char *buffer_text(struct buffer *b)
{
    if (b->data == NULL)
        return "";
    b->data[b->count] = '\0';
    return (const char *)b->data;
}

void bytes_put_be32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
}

void bytes_put_be64(uint8_t *at, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof(value));
}

uint32_t bytes_get_be32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

uint64_t bytes_get_be64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return __builtin_bswap64(value);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bytes bytes_trim(struct bytes b)
{
    while (b.count > 0 && is_space(b.data[0]))
        b = bytes_slice(b, 1, b.count);
    while (b.count > 0 && is_space(b.data[b.count - 1]))
        b.count--;
    return b;
}
