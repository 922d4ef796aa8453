/*
 * consumer/base/http_head.h: the head of one request, read strictly.
 *
 * Two steps. A scan looks at every byte once, however the head arrives, and
 * finds its end or the first byte that cannot be in one; it also holds the
 * limits, so that nothing large is ever kept. The parser then takes a whole
 * head apart and decides how its body is framed. Neither repairs anything.
 *
 * Refusals are HTTP statuses: 400, 414, 417, 431, 501, 505.
 *
 * Thread: any; no state of its own.
 */
#ifndef CONSUMER_BASE_HTTP_HEAD_H
#define CONSUMER_BASE_HTTP_HEAD_H

#include "consumer/base/http.h"

/* One field with its name. */
#define HTTP_FIELD_BYTES_MAX 8192

/* Where a scan stands. Zero-filled is the start of a head. */
struct http_scan {
    size_t pos;        /* bytes looked at */
    size_t line;       /* where the current line begins */
    size_t line_count; /* whole lines so far, the request line included */
    bool cr;           /* the byte before pos is CR */
    bool blank;        /* an empty line came before the request line */
};

/*
 * Looks at the bytes of `received` that it has not seen; they stay in front of
 * the new ones from call to call. Returns the length of the head with its empty
 * line; 0 when it is not whole yet; or minus the status of the refusal.
 */
int http_scan(struct http_scan *s, struct bytes received);

/* A head taken apart. Slices borrow from its bytes. */
struct http_head {
    struct bytes method, target, path, query, host;
    int minor;
    struct http_field fields[HTTP_HEADERS_MAX];
    size_t field_count;
    int64_t content_length; /* -1: no such field */
    bool chunked;
    bool keep_alive;
    bool expect_continue;
    bool upgrade; /* Upgrade, and Connection: upgrade */
};

/*
 * Takes a whole head apart. Returns 0, or minus the status of the refusal, and
 * then `*out_head` is undefined.
 */
int http_head_parse(struct bytes head, struct http_head *out_head);

/* The byte may be in a token (RFC 9110 5.6.2). */
bool http_is_token_byte(uint8_t byte);

/*
 * Writes the path with the escapes of printable ASCII decoded, but for those
 * of / ? # % and \, which keep their meaning. `out` has room for path.count
 * bytes. Returns the bytes written.
 */
size_t http_path_decode(struct bytes path, uint8_t *out);

/*
 * Takes one field line without its CRLF apart. Returns 0, or -400. Also used
 * for trailers. `*out_tab`: a TAB stood beside the value.
 */
int http_field_parse(struct bytes line, struct http_field *out_field,
                     bool *out_tab);

#endif
