/*
 * schemas/cursor.h: where a subscriber resumes, as a short opaque string.
 *
 * One next offset of tx.results per partition, and the number of that log. A
 * partition that is not in it counts from its beginning. Base64url without
 * padding of: byte 1, varint log, a varint offset per partition 0..n-1. Every
 * cursor has exactly one text. Pure.
 *
 * Thread: any.
 */
#ifndef SCHEMAS_CURSOR_H
#define SCHEMAS_CURSOR_H

#include "schemas/base/bytes.h"

#define CURSOR_PARTITIONS_MAX 64
#define CURSOR_TEXT_MAX 784 /* without its NUL */

struct cursor {
    int32_t log;                         /* 0: not known yet */
    size_t count;                        /* partitions in it */
    int64_t next[CURSOR_PARTITIONS_MAX]; /* first offset not delivered */
};

/* Writes the text and a NUL; returns the length without it. */
size_t cursor_format(const struct cursor *c, char out[CURSOR_TEXT_MAX + 1]);

/*
 * Reads a cursor from anybody.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   not the text of any cursor.
 */
int cursor_parse(struct bytes text, struct cursor *out) MUST_CHECK;

#endif
