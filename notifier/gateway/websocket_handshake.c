/*
 * notifier/gateway/websocket_handshake.c: how HTTP becomes a WebSocket.
 *
 *   client  GET /v1/ws, Upgrade: websocket, Sec-WebSocket-Key: K
 *   server  101, Sec-WebSocket-Accept: base64(SHA-1(K + a fixed GUID))
 *
 * From: notifier/gateway/client.c for the server's side, the command's watch
 *       and the tests for the client's.
 * To:   consumer/base/http.h, whose requests it reads.
 */
#include <string.h>

#include "consumer/base/http.h"
#include "notifier/gateway/websocket.h"
#include "notifier/gateway/websocket_hash.h"

#define KEY_BYTES 16
/* An answer's head larger than this is not one. */
#define ANSWER_BYTES_MAX 16384

static void accept_of(struct bytes key, char out[29])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[WEBSOCKET_KEY_CHARS + sizeof(guid) - 1], digest[20];

    CHECK(key.count == WEBSOCKET_KEY_CHARS);
    memcpy(text, key.data, key.count);
    memcpy(text + key.count, guid, sizeof(guid) - 1);
    websocket_sha1(bytes_of(text, sizeof(text)), digest);
    websocket_base64(bytes_of(digest, sizeof(digest)), out);
}

bool websocket_wanted(const struct http_request *r)
{
    return http_header_has(r, "connection", "upgrade") &&
           http_header_count(r, "upgrade") > 0;
}

int websocket_offer_read(const struct http_request *r,
                         struct websocket_offer *out_offer,
                         const char **out_why)
{
    struct bytes key = http_header(r, "sec-websocket-key");
    const char *why = NULL;

    if (!http_method_is(r, "GET") || r->minor != 1)
        why = "a WebSocket begins with GET and HTTP/1.1";
    else if (!http_header_has(r, "connection", "upgrade") ||
             !http_header_has(r, "upgrade", "websocket"))
        why = "Upgrade: websocket and Connection: upgrade are needed";
    else if (r->has_body)
        why = "a WebSocket request has no body";
    else if (http_header_count(r, "sec-websocket-version") != 1)
        why = "one Sec-WebSocket-Version is needed";
    if (why != NULL) {
        *out_why = why;
        return 400;
    }
    if (!bytes_equal_text(http_header(r, "sec-websocket-version"), "13")) {
        *out_why = "only WebSocket version 13 is spoken here";
        return 426;
    }
    if (http_header_count(r, "sec-websocket-key") != 1 ||
        !websocket_is_base64(key, KEY_BYTES)) {
        *out_why = "one Sec-WebSocket-Key of 16 bytes in base64 is needed";
        return 400;
    }
    if (http_header_count(r, "origin") > 1) {
        *out_why = "there can be only one Origin";
        return 400;
    }
    *out_offer = (struct websocket_offer){
        .origin = http_header(r, "origin"),
        .protocols = http_header(r, "sec-websocket-protocol"),
        .request = r,
    };
    accept_of(key, out_offer->accept);
    return 0;
}

/* The next element of a comma-separated list. */
static bool next_element(struct bytes *list, struct bytes *out_element)
{
    size_t from = 0;

    while (from < list->count && memchr(" \t,", list->data[from], 3) != NULL)
        from++;
    if (from == list->count)
        return false;
    size_t end = from;
    while (end < list->count && list->data[end] != ',')
        end++;
    size_t last = end;
    while (last > from && memchr(" \t", list->data[last - 1], 2) != NULL)
        last--;
    *out_element = bytes_slice(*list, from, last - from);
    *list = bytes_slice(*list, end, list->count);
    return true;
}

bool websocket_offer_has(const struct websocket_offer *o, const char *protocol)
{
    const struct http_request *r = o->request;

    for (size_t i = 0; i < r->field_count; i++) {
        struct bytes list = r->fields[i].value, element;
        if (!bytes_equal_text_any_case(r->fields[i].name,
                                       "sec-websocket-protocol"))
            continue;
        while (next_element(&list, &element))
            if (bytes_equal_text(element, protocol))
                return true;
    }
    return false;
}

int websocket_offer_accept(const struct websocket_offer *o,
                           const char *protocol, struct bytes extra_headers,
                           struct buffer *out)
{
    buffer_append_format(out,
                         "HTTP/1.1 101 Switching Protocols\r\n"
                         "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: %s\r\n",
                         o->accept);
    if (protocol != NULL)
        buffer_append_format(out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
    buffer_append_bytes(out, extra_headers);
    buffer_append_text(out, "\r\n");
    return out->overflow ? FAIL_FULL : 0;
}

/* ---- the client's side ---- */

void websocket_key(const uint8_t random[16], char out[WEBSOCKET_KEY_CHARS + 1])
{
    websocket_base64(bytes_of(random, KEY_BYTES), out);
}

int websocket_ask(const char *host, const char *target, const char *key,
                  const char *protocol, struct bytes extra_headers,
                  struct buffer *out)
{
    buffer_append_format(out,
                         "GET %s HTTP/1.1\r\nHost: %s\r\n"
                         "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: %s\r\n",
                         target, host, key);
    if (protocol != NULL)
        buffer_append_format(out, "Sec-WebSocket-Protocol: %s\r\n", protocol);
    buffer_append_bytes(out, extra_headers);
    buffer_append_text(out, "\r\n");
    return out->overflow ? FAIL_FULL : 0;
}

/* What a client looks for in the head of the answer. */
struct answer {
    size_t upgrade, connection, accept, protocol, extensions;
    struct bytes accept_value, protocol_value;
    bool upgrade_right, connection_right;
};

static bool has_element(struct bytes list, const char *wanted)
{
    struct bytes element;

    while (next_element(&list, &element))
        if (bytes_equal_text_any_case(element, wanted))
            return true;
    return false;
}

static void read_answer_line(struct bytes line, struct answer *a)
{
    const uint8_t *colon = memchr(line.data, ':', line.count);

    if (colon == NULL)
        return;
    struct bytes name = bytes_of(line.data, (size_t)(colon - line.data));
    struct bytes value = bytes_slice(line, name.count + 1, line.count);
    while (value.count > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
        value = bytes_slice(value, 1, value.count);
    while (value.count > 0 && (value.data[value.count - 1] == ' ' ||
                               value.data[value.count - 1] == '\t'))
        value.count--;
    if (bytes_equal_text_any_case(name, "upgrade")) {
        a->upgrade++;
        a->upgrade_right = bytes_equal_text_any_case(value, "websocket");
    } else if (bytes_equal_text_any_case(name, "connection")) {
        a->connection++;
        a->connection_right |= has_element(value, "upgrade");
    } else if (bytes_equal_text_any_case(name, "sec-websocket-accept")) {
        a->accept++;
        a->accept_value = value;
    } else if (bytes_equal_text_any_case(name, "sec-websocket-protocol")) {
        a->protocol++;
        a->protocol_value = value;
    } else if (bytes_equal_text_any_case(name, "sec-websocket-extensions")) {
        a->extensions++;
    }
}

int websocket_answered(struct bytes received, const char *key,
                       const char *protocol, int *out_status)
{
    const uint8_t *end =
        received.count > 0
            ? memmem(received.data, received.count, "\r\n\r\n", 4)
            : NULL;
    struct answer a = {0};
    char wanted[29];

    if (end == NULL)
        return received.count > ANSWER_BYTES_MAX ? FAIL_MALFORMED : 0;
    size_t count = (size_t)(end - received.data) + 4;
    const char *head = (const char *)received.data;
    if (count < 16 || memcmp(head, "HTTP/1.1 ", 9) != 0)
        return FAIL_MALFORMED;
    int status = 0;
    for (int i = 9; i < 12; i++) {
        if (head[i] < '0' || head[i] > '9')
            return FAIL_MALFORMED;
        status = status * 10 + (head[i] - '0');
    }
    if (status != 101) {
        *out_status = status;
        return FAIL_DENIED;
    }
    struct bytes rest = bytes_slice(received, 0, count - 2);
    while (rest.count > 0) {
        const uint8_t *eol = memmem(rest.data, rest.count, "\r\n", 2);
        size_t line = (size_t)(eol - rest.data);
        read_answer_line(bytes_slice(rest, 0, line), &a);
        rest = bytes_slice(rest, line + 2, rest.count);
    }
    accept_of(bytes_text(key), wanted);
    if (a.upgrade != 1 || !a.upgrade_right || !a.connection_right ||
        a.accept != 1 || !bytes_equal_text(a.accept_value, wanted) ||
        a.extensions > 0)
        return FAIL_MALFORMED;
    if (protocol == NULL
            ? a.protocol > 0
            : a.protocol != 1 || !bytes_equal_text(a.protocol_value, protocol))
        return FAIL_MALFORMED;
    return (int)count;
}
