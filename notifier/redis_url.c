/*
 * notifier/redis_url.c: takes a Redis URL apart, from the left.
 *
 * The words about a fault never repeat the URL: it holds the password.
 *
 * From: the setting REDIS_URL.
 * To:   notifier/redis.c, which connects there.
 */
#include "notifier/redis_url.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

static const char *parse(struct bytes text, struct redis_url *out);
static const char *parse_socket(struct bytes text, struct redis_url *out);
static const char *parse_login(struct bytes login, struct redis_url *out);
static const char *parse_address(struct bytes text, struct redis_url *out);
static bool begins(struct bytes *text, const char *with);
static bool split(struct bytes text, char at, struct bytes *out_before,
                  struct bytes *out_after);
static bool copy_decoded(struct bytes text, char *out);
static bool parse_number(struct bytes text, int most, int *out);
static int hex_value(uint8_t c);

int redis_url_parse(const char *url, struct redis_url *out,
                    const char **out_why)
{
    struct redis_url parsed = {.port = REDIS_URL_DEFAULT_PORT};
    struct bytes text = bytes_text(url);
    const char *why;

    if (begins(&text, "rediss://")) {
        *out_why = "rediss:// (TLS) is not supported; end TLS beside us";
        return FAIL_UNSUPPORTED;
    }
    if (begins(&text, "redis://"))
        why = parse(text, &parsed);
    else if (begins(&text, "unix://"))
        why = parse_socket(text, &parsed);
    else
        why = "does not begin with redis:// or unix://";
    if (why != NULL) {
        *out_why = why;
        return FAIL_MALFORMED;
    }
    *out = parsed;
    return 0;
}

static const char *parse(struct bytes text, struct redis_url *out)
{
    struct bytes login, rest, db;
    const uint8_t *at = memrchr(text.data, '@', text.count);
    const char *why = NULL;

    if (at != NULL) {
        login = bytes_of(text.data, (size_t)(at - text.data));
        rest = bytes_slice(text, login.count + 1, text.count);
        why = parse_login(login, out);
    } else {
        rest = text;
    }
    if (why != NULL)
        return why;
    if (split(rest, '?', &rest, &db))
        return "parameters after ? are not known";
    if (split(rest, '/', &rest, &db) && db.count > 0 &&
        !parse_number(db, 1 << 20, &out->db))
        return "the database after / is not a number";
    return parse_address(rest, out);
}

static const char *parse_socket(struct bytes text, struct redis_url *out)
{
    struct bytes path, query = BYTES_NONE;

    split(text, '?', &path, &query);
    if (path.count == 0 || path.data[0] != '/' ||
        !copy_decoded(path, out->path))
        return "the path of the socket is missing or too long";
    if (query.count > 0 &&
        (!begins(&query, "db=") || !parse_number(query, 1 << 20, &out->db)))
        return "parameters other than db=N are not known";
    return NULL;
}

static const char *parse_login(struct bytes login, struct redis_url *out)
{
    struct bytes user, password;

    if (!split(login, ':', &user, &password))
        return "a login is written user:password@ or :password@";
    if (!copy_decoded(user, out->user) ||
        !copy_decoded(password, out->password))
        return "user or password is too long or badly escaped";
    return NULL;
}

static const char *parse_address(struct bytes text, struct redis_url *out)
{
    struct bytes host, port = BYTES_NONE;

    if (text.count > 0 && text.data[0] == '[') {
        if (!split(bytes_slice(text, 1, text.count), ']', &host, &port))
            return "a [ without ]";
        if (port.count > 0 && !begins(&port, ":"))
            return "something stands between ] and the port";
    } else {
        split(text, ':', &host, &port);
    }
    if (host.count == 0)
        host = BYTES_LITERAL("localhost");
    if (!copy_decoded(host, out->host))
        return "the host is too long";
    if (port.count > 0 &&
        (!parse_number(port, 65535, &out->port) || out->port == 0))
        return "the port is not a number from 1 to 65535";
    return NULL;
}

/* Takes `with` off the front. */
static bool begins(struct bytes *text, const char *with)
{
    size_t count = strlen(with);

    if (text->count < count || memcmp(text->data, with, count) != 0)
        return false;
    *text = bytes_of(text->data + count, text->count - count);
    return true;
}

/* What stands before and after the first `at`; without one, all is before. */
static bool split(struct bytes text, char at, struct bytes *out_before,
                  struct bytes *out_after)
{
    const uint8_t *found =
        text.count > 0 ? memchr(text.data, at, text.count) : NULL;

    if (found == NULL) {
        *out_before = text;
        return false;
    }
    *out_after =
        bytes_of(found + 1, text.count - (size_t)(found - text.data) - 1);
    *out_before = bytes_of(text.data, (size_t)(found - text.data));
    return true;
}

static bool copy_decoded(struct bytes text, char *out)
{
    size_t count = 0;

    for (size_t i = 0; i < text.count; i++) {
        int c = text.data[i];

        if (c == '%') {
            int high = i + 2 < text.count ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.count ? hex_value(text.data[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || count == REDIS_URL_PART_MAX)
            return false;
        out[count++] = (char)c;
    }
    out[count] = '\0';
    return true;
}

static bool parse_number(struct bytes text, int most, int *out)
{
    long value = 0;

    if (text.count == 0 || text.count > 9)
        return false;
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    if (value > most)
        return false;
    *out = (int)value;
    return true;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (uint8_t)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
