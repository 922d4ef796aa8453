/*
 * deploy/ctl/url.c: takes a URL apart, and refuses what it would have to guess.
 *
 * From: every command that speaks HTTP or WebSocket.
 * To:   deploy/ctl/http_client.c, deploy/ctl/ws_client.c.
 */
#include "deploy/ctl/url.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "schemas/base/fail.h"

#define PORT_DEFAULT 80

static int refuse(int code, const char *why, const char **out_why)
{
    *out_why = why;
    return code;
}

/* Skips "http://" or "ws://"; NULL when it is neither. */
static const char *after_scheme(const char *text)
{
    if (strncmp(text, "http://", 7) == 0)
        return text + 7;
    return strncmp(text, "ws://", 5) == 0 ? text + 5 : NULL;
}

/* Control bytes and blanks would let one field become two. */
static bool is_clean(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

static int read_port(const char *text, size_t count, int *out)
{
    int port = 0;

    if (count == 0 || count > 5)
        return FAIL_MALFORMED;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return FAIL_MALFORMED;
        port = port * 10 + (text[i] - '0');
    }
    if (port < 1 || port > 65535)
        return FAIL_MALFORMED;
    *out = port;
    return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port"; `count` bytes of it. */
static int read_authority(const char *text, size_t count, struct url *out)
{
    const char *end = text + count, *host = text, *colon;
    size_t host_count;

    if (count > 0 && *text == '[') {
        const char *close = memchr(text, ']', count);
        if (close == NULL || close[-1] == '[')
            return FAIL_MALFORMED;
        host = text + 1;
        host_count = (size_t)(close - host);
        colon = close + 1 < end ? close + 1 : NULL;
        if (colon != NULL && *colon != ':')
            return FAIL_MALFORMED;
    } else {
        colon = memchr(text, ':', count);
        host_count = colon != NULL ? (size_t)(colon - text) : count;
    }
    if (host_count == 0 || host_count > URL_HOST_MAX ||
        memchr(host, '@', host_count) != NULL)
        return FAIL_MALFORMED;
    out->port = PORT_DEFAULT;
    if (colon != NULL &&
        read_port(colon + 1, (size_t)(end - colon - 1), &out->port) < 0)
        return FAIL_MALFORMED;
    snprintf(out->host, sizeof(out->host), "%.*s", (int)host_count, host);
    snprintf(out->authority, sizeof(out->authority), "%.*s", (int)count, text);
    return 0;
}

int url_parse(const char *text, struct url *out, const char **out_why)
{
    struct url u = {0};
    const char *rest = after_scheme(text);

    if (strncmp(text, "https://", 8) == 0 || strncmp(text, "wss://", 6) == 0)
        return refuse(FAIL_UNSUPPORTED,
                      "TLS is not spoken here: give the http:// address behind "
                      "whatever ends TLS",
                      out_why);
    if (rest == NULL)
        return refuse(FAIL_MALFORMED, "a URL begins with http://", out_why);
    if (!is_clean(rest))
        return refuse(FAIL_MALFORMED, "a URL has no blanks in it", out_why);
    if (strpbrk(rest, "?#") != NULL)
        return refuse(FAIL_MALFORMED, "the URL of a service has no ? and no #",
                      out_why);
    size_t count = strcspn(rest, "/");
    if (count >= sizeof(u.authority) || read_authority(rest, count, &u) < 0)
        return refuse(FAIL_MALFORMED, "a URL is http://host:port", out_why);
    size_t path = strlen(rest + count);
    while (path > 0 && rest[count + path - 1] == '/')
        path--;
    if (path > URL_PATH_MAX)
        return refuse(FAIL_MALFORMED, "the path is too long", out_why);
    snprintf(u.path, sizeof(u.path), "%.*s", (int)path, rest + count);
    *out = u;
    return 0;
}
