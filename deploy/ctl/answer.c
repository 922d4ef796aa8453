/*
 * deploy/ctl/answer.c: the head of an answer, then its body in one of three
 * frames: a length, chunks, or the end of the connection.
 *
 *      HTTP/1.1 202 Accepted CRLF fields CRLF CRLF body
 *
 * From: deploy/ctl/http_client.c, with what a socket gave.
 * To:   consumer/base/http_head.c and http_chunked.c, which the server shares.
 */
#include "deploy/ctl/answer.h"

#include <string.h>

#include "consumer/base/http_head.h"
#include "schemas/base/fail.h"

enum state { HEAD, LENGTH, CHUNKED, TO_THE_END, WHOLE };

static int fail(struct answer *a, int code, const char *why)
{
    a->why = why;
    return code;
}

void answer_init(struct answer *a, size_t body_bytes_max)
{
    *a = (struct answer){.why = ""};
    buffer_init(&a->head, ANSWER_HEAD_BYTES_MAX);
    buffer_init(&a->content, body_bytes_max);
}

void answer_fini(struct answer *a)
{
    buffer_fini(&a->head);
    buffer_fini(&a->content);
}

void answer_next(struct answer *a)
{
    a->state = HEAD;
    a->status = 0;
    a->field_count = 0;
    a->body = BYTES_NONE;
    a->why = "";
    buffer_clear(&a->head);
    buffer_clear(&a->content);
}

bool answer_untouched(const struct answer *a)
{
    return a->state == HEAD && a->head.count == 0;
}

const char *answer_why(const struct answer *a)
{
    return a->why;
}

struct bytes answer_header(const struct answer *a, const char *name)
{
    for (size_t i = 0; i < a->field_count; i++)
        if (bytes_equal_text_any_case(a->fields[i].name, name))
            return a->fields[i].value;
    return BYTES_NONE;
}

/* "HTTP/1.1 202 Accepted"; the words may be missing. */
static int read_status(struct answer *a, struct bytes line)
{
    const uint8_t *at = line.data;

    if (line.count < 12 || memcmp(at, "HTTP/1.", 7) != 0 ||
        (at[7] != '0' && at[7] != '1') || at[8] != ' ' ||
        (line.count > 12 && at[12] != ' '))
        return fail(a, FAIL_MALFORMED, "the answer is no HTTP/1.1");
    a->minor = at[7] - '0';
    a->status = 0;
    for (int i = 9; i < 12; i++) {
        if (at[i] < '0' || at[i] > '9')
            return fail(a, FAIL_MALFORMED, "the status is no number");
        a->status = a->status * 10 + (at[i] - '0');
    }
    if (a->status < 100 || a->status == 101)
        return fail(a, FAIL_MALFORMED, "a status nobody asked for");
    return 0;
}

/* The line up to CRLF, and `rest` past it. Every line here has its CRLF. */
static int next_line(struct answer *a, struct bytes *rest, struct bytes *out)
{
    const uint8_t *lf = memchr(rest->data, '\n', rest->count);
    size_t count;

    CHECK(lf != NULL);
    count = (size_t)(lf - rest->data);
    if (count == 0 || lf[-1] != '\r')
        return fail(a, FAIL_MALFORMED, "a line of the head ends in a bare LF");
    *out = bytes_slice(*rest, 0, count - 1);
    *rest = bytes_slice(*rest, count + 1, rest->count);
    return 0;
}

static int read_fields(struct answer *a, struct bytes rest)
{
    struct bytes line;
    bool tab;
    int rc;

    for (;;) {
        rc = next_line(a, &rest, &line);
        if (rc < 0 || line.count == 0)
            return rc;
        if (a->field_count == HTTP_HEADERS_MAX)
            return fail(a, FAIL_TOO_BIG, "more than 64 fields");
        if (http_field_parse(line, &a->fields[a->field_count], &tab) < 0)
            return fail(a, FAIL_MALFORMED, "a field that is none");
        a->field_count++;
    }
}

static int read_length(struct answer *a, struct bytes text)
{
    a->left = 0;
    if (text.count == 0 || text.count > 18)
        return fail(a, FAIL_MALFORMED, "a Content-Length that is no number");
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return fail(a, FAIL_MALFORMED,
                        "a Content-Length that is no number");
        a->left = a->left * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (a->left > a->content.limit)
        return fail(a, FAIL_TOO_BIG, "the answer is too long");
    return 0;
}

/* "Connection: keep-alive, Upgrade" and the like. */
static bool says(struct bytes list, const char *word)
{
    while (list.count > 0) {
        const uint8_t *comma = memchr(list.data, ',', list.count);
        size_t count = comma != NULL ? (size_t)(comma - list.data) : list.count;
        struct bytes one = bytes_slice(list, 0, count);
        while (one.count > 0 && one.data[0] == ' ')
            one = bytes_slice(one, 1, one.count);
        while (one.count > 0 && one.data[one.count - 1] == ' ')
            one.count--;
        if (bytes_equal_text_any_case(one, word))
            return true;
        list = bytes_slice(list, count + 1, list.count);
    }
    return false;
}

/* How the body ends, by RFC 9112 6.3, without the repairs it allows. */
static int frame(struct answer *a)
{
    struct bytes length = BYTES_NONE, coding = BYTES_NONE;
    int lengths = 0, codings = 0;

    a->keep_alive = a->minor == 1;
    for (size_t i = 0; i < a->field_count; i++) {
        struct http_field *f = &a->fields[i];
        if (bytes_equal_text_any_case(f->name, "content-length")) {
            length = f->value;
            lengths++;
        } else if (bytes_equal_text_any_case(f->name, "transfer-encoding")) {
            coding = f->value;
            codings++;
        } else if (bytes_equal_text_any_case(f->name, "connection")) {
            if (says(f->value, "close"))
                a->keep_alive = false;
        }
    }
    if (lengths + codings > 1)
        return fail(a, FAIL_MALFORMED, "the answer names two lengths");
    if (a->status == 204 || a->status == 304) {
        a->state = WHOLE;
    } else if (codings == 1) {
        if (!bytes_equal_text_any_case(coding, "chunked"))
            return fail(a, FAIL_MALFORMED, "a transfer coding but chunked");
        http_chunked_init(&a->chunked, a->content.limit);
        a->state = CHUNKED;
    } else if (lengths == 1) {
        a->state = LENGTH;
        return read_length(a, length);
    } else {
        a->state = TO_THE_END;
        a->keep_alive = false;
    }
    return 0;
}

/* A whole head is in the buffer. */
static int take_head(struct answer *a)
{
    struct bytes rest = buffer_bytes(&a->head), line;
    int rc = next_line(a, &rest, &line);

    a->field_count = 0;
    if (rc == 0)
        rc = read_status(a, line);
    if (rc == 0)
        rc = read_fields(a, rest);
    if (rc < 0)
        return rc;
    if (a->status >= 200)
        return frame(a);
    buffer_clear(&a->head);
    a->field_count = 0;
    return 0;
}

/* Moves bytes into the head up to the empty line. */
static int read_head(struct answer *a, struct bytes *in)
{
    size_t had = a->head.count, from = had > 3 ? had - 3 : 0, used;
    const uint8_t *end;

    if (buffer_append(&a->head, in->data,
                      in->count < a->head.limit - had
                          ? in->count
                          : a->head.limit - had) < 0)
        return fail(a, FAIL_TOO_BIG, "the head of the answer is too long");
    end = memmem(a->head.data + from, a->head.count - from, "\r\n\r\n", 4);
    if (end == NULL) {
        if (a->head.count == a->head.limit)
            return fail(a, FAIL_TOO_BIG, "the head of the answer is too long");
        *in = bytes_slice(*in, in->count, 0);
        return 0;
    }
    used = (size_t)(end + 4 - a->head.data);
    a->head.count = used;
    *in = bytes_slice(*in, used - had, in->count);
    return take_head(a);
}

static int take(struct answer *a, struct bytes piece)
{
    if (buffer_append_bytes(&a->content, piece) < 0)
        return fail(a, FAIL_TOO_BIG, "the answer is too long");
    return 0;
}

static int read_counted(struct answer *a, struct bytes *in)
{
    size_t count = in->count < a->left ? in->count : (size_t)a->left;
    int rc = take(a, bytes_slice(*in, 0, count));

    *in = bytes_slice(*in, count, in->count);
    a->left -= count;
    if (a->left == 0)
        a->state = WHOLE;
    return rc;
}

static int read_chunked(struct answer *a, struct bytes *in)
{
    struct bytes piece;
    int rc;

    while (in->count > 0) {
        rc = http_chunked_read(&a->chunked, in, &piece);
        if (rc < 0)
            return fail(a, rc == -413 ? FAIL_TOO_BIG : FAIL_MALFORMED,
                        rc == -413 ? "the answer is too long"
                                   : "the chunks of the answer are broken");
        if (piece.count > 0 && take(a, piece) < 0)
            return FAIL_TOO_BIG;
        if (rc == 1) {
            a->state = WHOLE;
            return 0;
        }
    }
    return 0;
}

int answer_read(struct answer *a, struct bytes *in)
{
    int rc = 0;

    while (rc == 0 && in->count > 0 && a->state == HEAD)
        rc = read_head(a, in);
    if (rc == 0 && a->state == LENGTH)
        rc = read_counted(a, in);
    else if (rc == 0 && a->state == CHUNKED)
        rc = read_chunked(a, in);
    else if (rc == 0 && a->state == TO_THE_END) {
        rc = take(a, *in);
        *in = bytes_slice(*in, in->count, 0);
    }
    if (rc < 0)
        return rc;
    a->body = buffer_bytes(&a->content);
    return a->state == WHOLE;
}

int answer_end(struct answer *a)
{
    if (a->state != TO_THE_END)
        return fail(a, FAIL_GONE, "the connection ended inside the answer");
    a->state = WHOLE;
    a->body = buffer_bytes(&a->content);
    return 1;
}
