/*
 * consumer/base/http_exchange.c: one request, in memory of its own.
 *
 * A request outlives the bytes it was read from, since it may be answered
 * much later, so its head is copied once, into one allocation:
 *
 *   struct http_exchange | fields[] | head | decoded path | peer | id
 *
 * From: consumer/base/http_connection.c, when a head is whole.
 * To:   the application, which asks with the readers at the end of this file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/http_connection.h"
#include "consumer/base/http_target.h"

#define EXCHANGE_MAGIC 0x48545458u /* HTTX */

static bool is_sane_id(struct bytes id);
static size_t make_id(struct http_core *core, const struct http_head *head,
                      char out[HTTP_REQUEST_ID_MAX + 1]);

/* The slice that `s` is in `to`, if it lies inside `from`. */
static struct bytes move_slice(struct bytes s, struct bytes from,
                               const uint8_t *to)
{
    if (s.data == NULL || from.count == 0 || s.data < from.data ||
        s.data >= from.data + from.count)
        return s;
    return bytes_of(to + (s.data - from.data), s.count);
}

static uint8_t *put(uint8_t **at, const void *data, size_t count)
{
    uint8_t *here = *at;

    memcpy(here, data, count);
    *at += count;
    return here;
}

struct http_exchange *http_exchange_new(struct http_connection *c,
                                        const struct http_head *head,
                                        struct bytes bytes)
{
    char id[HTTP_REQUEST_ID_MAX + 1];
    size_t id_count = make_id(c->core, head, id);
    const char *peer = c->core->wire->peer(c->wire);
    size_t peer_count = strlen(peer);
    bool escaped = memchr(head->path.data, '%', head->path.count) != NULL;
    size_t fields_bytes = head->field_count * sizeof(struct http_field);
    size_t total = sizeof(struct http_exchange) + fields_bytes + bytes.count +
                   (escaped ? head->path.count : 0) + peer_count + 1 +
                   id_count + 1;
    struct http_exchange *x = malloc(total);

    CHECK(x != NULL);
    memset(x, 0, sizeof(*x));
    x->magic = EXCHANGE_MAGIC;
    x->connection = c;
    buffer_init(&x->body, 0);
    buffer_init(&x->added, 4096);
    buffer_init(&x->out, SIZE_MAX / 2);
    x->head_only = bytes_equal_text(head->method, "HEAD");
    x->keep_alive = head->keep_alive;
    x->upgrade = head->upgrade;

    uint8_t *at = (uint8_t *)x->fields + fields_bytes;
    const uint8_t *to =
        bytes.count > 0 ? put(&at, bytes.data, bytes.count) : at;
    for (size_t i = 0; i < head->field_count; i++) {
        x->fields[i].name = move_slice(head->fields[i].name, bytes, to);
        x->fields[i].value = move_slice(head->fields[i].value, bytes, to);
    }
    struct http_request *r = &x->request;
    r->method = move_slice(head->method, bytes, to);
    r->target = move_slice(head->target, bytes, to);
    r->path = move_slice(head->path, bytes, to);
    if (escaped) {
        r->path = bytes_of(at, http_path_decode(head->path, at));
        at += head->path.count;
    }
    r->query = move_slice(head->query, bytes, to);
    r->host = move_slice(head->host, bytes, to);
    r->minor = head->minor;
    r->fields = x->fields;
    r->field_count = head->field_count;
    r->has_body = head->chunked || head->content_length > 0;
    r->content_length = head->content_length;
    r->peer = (const char *)put(&at, peer, peer_count + 1);
    r->request_id = (const char *)put(&at, id, id_count + 1);
    r->started_ns = c->core->now_ns();
    CHECK(at <= (uint8_t *)x + total);
    return x;
}

void http_exchange_free(struct http_exchange *x)
{
    CHECK(x->magic == EXCHANGE_MAGIC);
    x->magic = 0;
    buffer_fini(&x->body);
    buffer_fini(&x->added);
    buffer_fini(&x->out);
    free(x);
}

/* The client's own id if it is harmless in logs, else the next of ours. */
static size_t make_id(struct http_core *core, const struct http_head *head,
                      char out[HTTP_REQUEST_ID_MAX + 1])
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct bytes value = head->fields[i].value;
        if (bytes_equal_text_any_case(head->fields[i].name, "x-request-id") &&
            is_sane_id(value)) {
            memcpy(out, value.data, value.count);
            out[value.count] = '\0';
            return value.count;
        }
    }
    uint64_t number = core->id_next++;
    char digits[17];
    size_t pos = sizeof(digits);
    do {
        digits[--pos] = "0123456789abcdef"[number & 15];
        number >>= 4;
    } while (number > 0);
    for (size_t i = 0; i < 8; i++)
        out[i] = "0123456789abcdef"[(core->id_start >> (28 - 4 * i)) & 15];
    out[8] = '-';
    memcpy(out + 9, digits + pos, sizeof(digits) - pos);
    out[9 + sizeof(digits) - pos] = '\0';
    return 9 + sizeof(digits) - pos;
}

static bool is_sane_id(struct bytes id)
{
    if (id.count == 0 || id.count > HTTP_REQUEST_ID_MAX)
        return false;
    for (size_t i = 0; i < id.count; i++) {
        uint8_t b = id.data[i];
        if (!(b >= '0' && b <= '9') &&
            !((b | 0x20) >= 'a' && (b | 0x20) <= 'z') && b != '.' && b != '_' &&
            b != '-')
            return false;
    }
    return true;
}

const struct http_request *http_exchange_request(const struct http_exchange *x)
{
    CHECK(x->magic == EXCHANGE_MAGIC);
    return &x->request;
}

struct bytes http_header(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->field_count; i++)
        if (bytes_equal_text_any_case(r->fields[i].name, name))
            return r->fields[i].value;
    return BYTES_NONE;
}

size_t http_header_count(const struct http_request *r, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < r->field_count; i++)
        if (bytes_equal_text_any_case(r->fields[i].name, name))
            count++;
    return count;
}

bool http_header_has(const struct http_request *r, const char *name,
                     const char *element)
{
    for (size_t i = 0; i < r->field_count; i++)
        if (bytes_equal_text_any_case(r->fields[i].name, name) &&
            http_list_has(r->fields[i].value, element))
            return true;
    return false;
}

bool http_method_is(const struct http_request *r, const char *method)
{
    return bytes_equal_text(r->method, method);
}

bool http_content_type_is(const struct http_request *r, const char *type)
{
    struct bytes value = http_header(r, "content-type");
    size_t count = 0;

    if (value.data == NULL || http_header_count(r, "content-type") != 1)
        return false;
    while (count < value.count && value.data[count] != ';')
        count++;
    while (count > 0 &&
           (value.data[count - 1] == ' ' || value.data[count - 1] == '\t'))
        count--;
    return bytes_equal_text_any_case(bytes_slice(value, 0, count), type);
}

/* Decodes %XX and + into a C string. */
static int decode_query(struct bytes raw, char *out, size_t out_max)
{
    size_t count = 0;

    for (size_t i = 0; i < raw.count; i++) {
        int byte = raw.data[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            if (i + 2 >= raw.count)
                return FAIL_MALFORMED;
            int high = http_hex_digit(raw.data[i + 1]);
            int low = http_hex_digit(raw.data[i + 2]);
            if (high < 0 || low < 0 || high * 16 + low < 0x20)
                return FAIL_MALFORMED;
            byte = high * 16 + low;
            i += 2;
        }
        if (count + 1 >= out_max)
            return FAIL_TOO_BIG;
        out[count++] = (char)byte;
    }
    if (out_max == 0)
        return FAIL_TOO_BIG;
    out[count] = '\0';
    return (int)count;
}

int http_query(const struct http_request *r, const char *name, char *out_value,
               size_t out_max)
{
    struct bytes rest = r->query;

    while (rest.count > 0) {
        const uint8_t *end = memchr(rest.data, '&', rest.count);
        size_t count = end ? (size_t)(end - rest.data) : rest.count;
        struct bytes pair = bytes_slice(rest, 0, count);
        const uint8_t *equals =
            count > 0 ? memchr(pair.data, '=', count) : NULL;
        size_t name_count = equals ? (size_t)(equals - pair.data) : count;
        if (bytes_equal_text(bytes_slice(pair, 0, name_count), name))
            return decode_query(
                equals ? bytes_slice(pair, name_count + 1, count) : BYTES_NONE,
                out_value, out_max);
        rest = bytes_slice(rest, count + 1, rest.count);
    }
    return FAIL_NOT_FOUND;
}
