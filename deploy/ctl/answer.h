/*
 * deploy/ctl/answer.h: one HTTP/1.1 answer, read strictly, without a socket.
 *
 *      bytes as they come --answer_read()--> 0, 0, 0, 1: whole
 *
 * As with requests, any doubt about where an answer ends is a fault and never
 * repaired: two lengths, a length beside chunks, a bare LF.
 *
 * Thread: one at a time. Memory: one head and one body, kept between answers.
 */
#ifndef DEPLOY_CTL_ANSWER_H
#define DEPLOY_CTL_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "consumer/base/http_chunked.h"
#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

#define ANSWER_HEAD_BYTES_MAX 16384

struct answer {
    int status;
    bool keep_alive;   /* the connection may carry another request */
    struct bytes body; /* slices live until answer_next() or answer_fini() */
    size_t field_count;
    struct http_field fields[HTTP_HEADERS_MAX];
    /* The rest is the reader's. */
    uint8_t state;
    int minor;
    uint64_t left; /* bytes of the body still to come */
    struct buffer head, content;
    struct http_chunked chunked;
    const char *why;
};

/* Ready for the first answer, of at most so many bytes of body. */
void answer_init(struct answer *a, size_t body_bytes_max);
void answer_fini(struct answer *a);

/* Ready for the next answer of the same connection, or of another. */
void answer_next(struct answer *a);

/*
 * Reads from the start of `*in` and moves it past what was used. Interim
 * answers (100, 103) are read past. Returns 1 when the answer is whole, 0 when
 * all of `*in` is used and more is needed, or
 *   FAIL_MALFORMED  not an answer we understand: answer_why()
 *   FAIL_TOO_BIG    head or body are longer than the limit
 */
int answer_read(struct answer *a, struct bytes *in) MUST_CHECK;

/* The connection ended. 1: that was the end of the answer; else FAIL_GONE. */
int answer_end(struct answer *a) MUST_CHECK;

/* Nothing of an answer has come yet. */
bool answer_untouched(const struct answer *a);

/* Words about the last failure. Static. */
const char *answer_why(const struct answer *a);

/* The first field of that name, any case; data NULL: none. */
struct bytes answer_header(const struct answer *a, const char *name);

#endif
