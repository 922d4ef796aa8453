/*
 * consumer/base/http_target.c: target and Host of a request.
 *
 *   /v1/eip155%3A1/transactions?wait=50      what clients send
 *   http://host/v1/…                         what they send to a proxy: the
 *                                            authority must be the Host
 *   *                                        only with OPTIONS
 *
 * The path is kept as it came but for a second copy with harmless escapes
 * decoded, so that an application compares text. An escape that would make a
 * control byte, a backslash, a dot segment: refused, since nobody needs them
 * and somebody behind us may read them differently.
 *
 * From: consumer/base/http_head.c.
 * To:   consumer/base/http_connection.c, which hands the request out.
 */
#include "consumer/base/http_target.h"

#include <string.h>

static int take_authority(struct http_head *h, struct bytes *rest);
static int check_host(struct bytes host);
static int check_path(struct bytes path);
static bool check_escapes(struct bytes b);
static bool is_dot_segment(struct bytes segment);

/* What RFC 3986 allows in path and query, percent sign included. */
static const bool target_bytes[256] = {
    ['!'] = true,         ['$' ... ';'] = true, ['='] = true, ['?'] = true,
    ['@' ... 'Z'] = true, ['['] = true,         [']'] = true, ['_'] = true,
    ['a' ... 'z'] = true, ['~'] = true,
};

int http_hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    return -1;
}

int http_target_split(struct http_head *h)
{
    struct bytes rest = h->target;
    int rc;

    h->query = BYTES_NONE;
    h->path = h->target;
    if (h->host.data != NULL) {
        rc = check_host(h->host);
        if (rc < 0)
            return rc;
    }
    if (bytes_equal_text(h->method, "CONNECT"))
        return -501;
    if (bytes_equal_text(rest, "*"))
        return bytes_equal_text(h->method, "OPTIONS") ? 0 : -400;
    if (rest.data[0] != '/') {
        rc = take_authority(h, &rest);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < rest.count; i++)
        if (!target_bytes[rest.data[i]])
            return -400;
    const uint8_t *mark =
        rest.count > 0 ? memchr(rest.data, '?', rest.count) : NULL;
    size_t path_count = mark ? (size_t)(mark - rest.data) : rest.count;
    h->path =
        path_count > 0 ? bytes_slice(rest, 0, path_count) : BYTES_LITERAL("/");
    if (mark)
        h->query = bytes_slice(rest, path_count + 1, rest.count);
    rc = check_path(h->path);
    if (rc < 0)
        return rc;
    return check_escapes(h->query) ? 0 : -400;
}

/* "http://host:port" in front of the path, the same as the Host field. */
static int take_authority(struct http_head *h, struct bytes *rest)
{
    static const char scheme[] = "http://";
    size_t pos = sizeof(scheme) - 1;

    if (!bytes_equal_text_any_case(bytes_slice(*rest, 0, pos), scheme))
        return -400;
    size_t end = pos;
    while (end < rest->count && rest->data[end] != '/' &&
           rest->data[end] != '?')
        end++;
    struct bytes authority = bytes_slice(*rest, pos, end - pos);
    char text[256];
    if (authority.count >= sizeof(text) || check_host(authority) < 0)
        return -400;
    memcpy(text, authority.data, authority.count);
    text[authority.count] = '\0';
    if (h->host.data != NULL && !bytes_equal_text_any_case(h->host, text))
        return -400;
    h->host = authority;
    *rest = bytes_slice(*rest, end, rest->count);
    return 0;
}

/* A name or address, and a port: no list, no user, no path. */
static int check_host(struct bytes host)
{
    size_t pos = 0, name;

    if (host.count == 0 || host.count > 255)
        return -400;
    if (host.data[0] == '[') {
        for (pos = 1; pos < host.count && host.data[pos] != ']'; pos++)
            if (http_hex_digit(host.data[pos]) < 0 && host.data[pos] != ':' &&
                host.data[pos] != '.')
                return -400;
        if (pos == host.count || pos == 1)
            return -400;
        pos++;
    } else {
        for (; pos < host.count && host.data[pos] != ':'; pos++)
            if (!target_bytes[host.data[pos]] ||
                memchr("/?@,%[]&'()*+;=$!", host.data[pos], 17) != NULL)
                return -400;
        if (pos == 0)
            return -400;
    }
    if (pos == host.count)
        return 0;
    if (host.data[pos++] != ':')
        return -400;
    for (name = pos; pos < host.count; pos++)
        if (host.data[pos] < '0' || host.data[pos] > '9' || pos - name >= 5)
            return -400;
    return 0;
}

/* Escapes are two hex digits and make no control byte. */
static bool check_escapes(struct bytes b)
{
    for (size_t i = 0; i < b.count; i++) {
        if (b.data[i] != '%')
            continue;
        if (i + 2 >= b.count)
            return false;
        int high = http_hex_digit(b.data[i + 1]);
        int low = http_hex_digit(b.data[i + 2]);
        if (high < 0 || low < 0)
            return false;
        int byte = high * 16 + low;
        if (byte < 0x20 || byte == 0x7f)
            return false;
        i += 2;
    }
    return true;
}

static int check_path(struct bytes path)
{
    size_t from = 1;

    if (!check_escapes(path))
        return -400;
    for (size_t i = 1; i <= path.count; i++) {
        if (i < path.count && path.data[i] != '/')
            continue;
        if (is_dot_segment(bytes_slice(path, from, i - from)))
            return -400;
        from = i + 1;
    }
    return 0;
}

/* "." and "..", also with the dot as %2e. */
static bool is_dot_segment(struct bytes segment)
{
    size_t dots = 0, pos = 0;

    while (pos < segment.count) {
        if (segment.data[pos] == '.')
            pos++;
        else if (segment.count - pos >= 3 && segment.data[pos] == '%' &&
                 segment.data[pos + 1] == '2' &&
                 (segment.data[pos + 2] | 0x20) == 'e')
            pos += 3;
        else
            return false;
        dots++;
    }
    return dots == 1 || dots == 2;
}

size_t http_path_decode(struct bytes path, uint8_t *out)
{
    size_t count = 0;

    for (size_t i = 0; i < path.count; i++) {
        uint8_t byte = path.data[i];
        if (byte == '%' && i + 2 < path.count) {
            int value = http_hex_digit(path.data[i + 1]) * 16 +
                        http_hex_digit(path.data[i + 2]);
            if (value > 0x20 && value < 0x7f &&
                strchr("/?#%\\", value) == NULL) {
                byte = (uint8_t)value;
                i += 2;
            }
        }
        out[count++] = byte;
    }
    return count;
}

bool http_list_next(struct bytes *list, struct bytes *out_element)
{
    size_t pos = 0;

    while (pos < list->count &&
           (list->data[pos] == ' ' || list->data[pos] == '\t' ||
            list->data[pos] == ','))
        pos++;
    if (pos == list->count)
        return false;
    size_t from = pos;
    while (pos < list->count && list->data[pos] != ',')
        pos++;
    size_t end = pos;
    while (end > from &&
           (list->data[end - 1] == ' ' || list->data[end - 1] == '\t'))
        end--;
    *out_element = bytes_slice(*list, from, end - from);
    *list = bytes_slice(*list, pos, list->count);
    return true;
}

bool http_list_has(struct bytes list, const char *element)
{
    struct bytes found;

    while (http_list_next(&list, &found))
        if (bytes_equal_text_any_case(found, element))
            return true;
    return false;
}
