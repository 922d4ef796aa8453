/*
 * schemas/base/bytes.h: bytes that are borrowed, and bytes that grow to a
 * limit.
 *
 * `struct bytes` points at somebody else's memory and never owns it. `struct
 * buffer` owns its memory and refuses to grow past `limit`; a refused append
 * marks the buffer, so that a writer may append many things and ask once.
 *
 * Thread: one at a time.
 */
#ifndef SCHEMAS_BASE_BYTES_H
#define SCHEMAS_BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/check.h"

/* Borrowed. `data` NULL means "no value", which is not the empty value. */
struct bytes {
    const uint8_t *data;
    size_t count;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
/* The bytes of a string literal, without its NUL. */
#define BYTES_LITERAL(text)                                                    \
    ((struct bytes){(const uint8_t *)("" text), sizeof(text) - 1})

struct bytes bytes_of(const void *data, size_t count);

/* The bytes of `text`, without its NUL. */
struct bytes bytes_text(const char *text);

bool bytes_equal(struct bytes a, struct bytes b);

/* Equal, with A-Z and a-z taken for the same. */
bool bytes_equal_text_any_case(struct bytes a, const char *text);

/* Equal to a C string. */
bool bytes_equal_text(struct bytes a, const char *text);

/* Below, equal or above zero, as memcmp; a prefix is below. */
int bytes_compare(struct bytes a, struct bytes b);

/* `b` from `pos` on, at most `count` bytes of it; empty past its end. */
struct bytes bytes_slice(struct bytes b, size_t pos, size_t count);

/* Without the spaces, tabs and line ends around it. */
struct bytes bytes_trim(struct bytes b);

/* Owned. Zero-filled is an empty buffer with limit 0: use buffer_init(). */
struct buffer {
    uint8_t *data;   /* NULL while nothing was ever appended */
    size_t count;    /* bytes in use */
    size_t capacity; /* bytes allocated */
    size_t limit;    /* never more than this */
    bool overflow;   /* an append was refused since buffer_clear() */
};

void buffer_init(struct buffer *b, size_t limit);

/* Frees the memory. The buffer may be initialised again. */
void buffer_fini(struct buffer *b);

/* Empties the buffer and forgets an overflow; keeps the memory. */
void buffer_clear(struct buffer *b);

/*
 * Makes room for `count` more bytes and returns where they go, or NULL when the
 * limit forbids it (then `overflow` is set). They count once buffer_commit() is
 * called.
 */
uint8_t *buffer_reserve(struct buffer *b, size_t count);
void buffer_commit(struct buffer *b, size_t count);

/* Appends; each returns 0, or FAIL_FULL and nothing was appended. */
int buffer_append(struct buffer *b, const void *data, size_t count);
int buffer_append_bytes(struct buffer *b, struct bytes bytes);
int buffer_append_text(struct buffer *b, const char *text);
int buffer_append_byte(struct buffer *b, uint8_t byte);
int buffer_append_format(struct buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int buffer_append_format_v(struct buffer *b, const char *format, va_list args);

/* Removes the first `count` bytes, moving the rest down. */
void buffer_consume(struct buffer *b, size_t count);

/* What the buffer holds, borrowed until the next change. */
struct bytes buffer_bytes(const struct buffer *b);

/* The contents as a C string (a NUL is kept behind them), for names and text.
 */
const char *buffer_text(struct buffer *b);

/* Big-endian numbers, as wire formats want them. */
void bytes_put_be32(uint8_t *at, uint32_t value);
void bytes_put_be64(uint8_t *at, uint64_t value);
uint32_t bytes_get_be32(const uint8_t *at);
uint64_t bytes_get_be64(const uint8_t *at);

#endif
