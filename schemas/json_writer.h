/*
 * schemas/json_writer.h: writes JSON onto a buffer, commas and escapes right.
 *
 *   struct json_writer w;
 *   json_writer_init(&w, &body);
 *   json_writer_object(&w);
 *   json_writer_name(&w, "count");
 *   json_writer_int(&w, 7);
 *   json_writer_end(&w);
 *
 * A refused append marks the buffer (`overflow`); ask it once, at the end.
 *
 * Thread: one at a time. Memory: the buffer's.
 */
#ifndef SCHEMAS_JSON_WRITER_H
#define SCHEMAS_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

#define JSON_WRITER_DEPTH_MAX 32

struct json_writer {
    struct buffer *out;
    uint32_t objects; /* bit d: depth d is an object, else an array */
    uint32_t filled;  /* bit d: depth d has something in it */
    int depth;
    bool named; /* a name was written, its value is due */
};

void json_writer_init(struct json_writer *w, struct buffer *out);

/* Opens an object or array; json_writer_end() closes the innermost. */
void json_writer_object(struct json_writer *w);
void json_writer_array(struct json_writer *w);
void json_writer_end(struct json_writer *w);

/* The name of the next value; inside an object, once before each value. */
void json_writer_name(struct json_writer *w, const char *name);

/* Values. Text is escaped; what is not UTF-8 becomes U+FFFD; NULL is null. */
void json_writer_text(struct json_writer *w, const char *text);
void json_writer_bytes(struct json_writer *w, struct bytes text);
void json_writer_int(struct json_writer *w, int64_t value);
void json_writer_double(struct json_writer *w, double value);
void json_writer_bool(struct json_writer *w, bool value);
void json_writer_null(struct json_writer *w);
/* "0x" and lower-case hex as a string; data NULL is null. */
void json_writer_hex(struct json_writer *w, struct bytes b);
/* JSON that is ready, byte for byte. */
void json_writer_raw(struct json_writer *w, struct bytes json);

/* A string alone, with its quotes, for those who need no writer. */
void json_append_string(struct buffer *out, struct bytes text);

#endif
