/*
 * notifier/gateway/origin.c: compares an Origin with our own and with the list.
 *
 * A browser sends Origin with every WebSocket; without this check any page that
 * somebody visits could read with his network's rights.
 *
 * From: notifier/gateway/client.c and route.c.
 * To:   the same: 403, or CORS fields.
 */
#include "notifier/gateway/origin.h"

#include <string.h>

static bool is_own(struct bytes origin, struct bytes host);
static bool is_listed(const char *list, struct bytes origin);

bool origin_allowed(const char *list, struct bytes origin, struct bytes host)
{
    return origin.data == NULL || is_own(origin, host) ||
           is_listed(list, origin);
}

static bool is_own(struct bytes origin, struct bytes host)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < 2; i++) {
        size_t count = strlen(schemes[i]);

        if (host.count > 0 && origin.count == count + host.count &&
            memcmp(origin.data, schemes[i], count) == 0 &&
            memcmp(origin.data + count, host.data, host.count) == 0)
            return true;
    }
    return false;
}

static bool is_listed(const char *list, struct bytes origin)
{
    const char *at = list == NULL ? "" : list;

    while (*at != '\0') {
        size_t count = strcspn(at, ", ");

        if ((count == 1 && *at == '*') ||
            (count > 0 && bytes_equal(bytes_of(at, count), origin)))
            return true;
        at += count;
        at += strspn(at, ", ");
    }
    return false;
}
