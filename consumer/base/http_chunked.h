/*
 * consumer/base/http_chunked.h: the body of a request in chunks (RFC 9112 7.1).
 *
 * Strict: sizes are 1 to 16 hex digits, lines end in CRLF, extensions are
 * tokens and quoted strings within a limit and are read past, trailers
 * likewise; a trailer that speaks about framing, routing or credentials is
 * refused.
 *
 * Thread: one at a time.
 */
#ifndef CONSUMER_BASE_HTTP_CHUNKED_H
#define CONSUMER_BASE_HTTP_CHUNKED_H

#include "consumer/base/http_head.h"

#define HTTP_EXTENSION_BYTES_MAX 256 /* of one chunk */
#define HTTP_EXTENSIONS_BYTES_MAX 4096
#define HTTP_TRAILER_BYTES_MAX 2048

struct http_chunked {
    uint8_t state;
    bool quoted, escaped; /* inside a quoted extension value */
    bool cr;              /* in a trailer: the byte before is CR */
    uint8_t digits;       /* of this size */
    uint64_t left;        /* bytes of this chunk still to come */
    uint64_t total;       /* announced so far */
    uint64_t limit;       /* most that may be announced */
    size_t extension;     /* bytes of this chunk's extension */
    size_t extensions;    /* of all */
    size_t trailers;      /* bytes of all trailers */
    size_t line_count;    /* bytes of `line` */
    uint8_t line[1024];   /* the trailer line being read */
};

void http_chunked_init(struct http_chunked *c, uint64_t limit);

/*
 * Reads from the start of `*in` and moves it past what was used, up to one
 * piece of the body, which is borrowed from `*in`. Returns 1 when the body is
 * whole, 0 when more is needed or there is a piece (count > 0), or minus the
 * status of the refusal: 400, 413.
 */
int http_chunked_read(struct http_chunked *c, struct bytes *in,
                      struct bytes *out_piece);

#endif
