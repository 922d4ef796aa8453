/*
 * notifier/redis_url.h: where a Redis is, read from its URL.
 *
 *   redis://:secret@10.0.0.7:6380/2     redis://[::1]      unix:///run/r.sock
 *
 * Thread: any. Pure.
 */
#ifndef NOTIFIER_REDIS_URL_H
#define NOTIFIER_REDIS_URL_H

#include "schemas/base/bytes.h"

#define REDIS_URL_PART_MAX 255
#define REDIS_URL_DEFAULT_PORT 6379

struct redis_url {
    char host[REDIS_URL_PART_MAX + 1]; /* "" for a socket in the file system */
    char path[REDIS_URL_PART_MAX + 1]; /* of that socket */
    char user[REDIS_URL_PART_MAX + 1]; /* "" without one */
    char password[REDIS_URL_PART_MAX + 1];
    int port;
    int db;
};

/*
 * Reads a URL.
 *
 * Returns 0, or
 *   FAIL_UNSUPPORTED   rediss:// (TLS)
 *   FAIL_MALFORMED     anything else that is wrong
 * and `*out_why` says what, in static words without any part of the URL.
 */
int redis_url_parse(const char *url, struct redis_url *out,
                    const char **out_why) MUST_CHECK;

#endif
