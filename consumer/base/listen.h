/*
 * consumer/base/listen.h: a listening socket from an address as people write
 * it.
 *
 * Thread: any. May block for a name, so only at start.
 */
#ifndef CONSUMER_BASE_LISTEN_H
#define CONSUMER_BASE_LISTEN_H

#include <stddef.h>

#include "schemas/base/check.h"
#include "schemas/base/fail.h"

#define LISTEN_HOST_MAX 255

/*
 * Splits "host:port", ":port", "[::1]:port" or "port". `host` is without
 * brackets, and empty for all addresses. Returns 0 or FAIL_MALFORMED.
 */
int listen_split(const char *text, char out_host[LISTEN_HOST_MAX + 1],
                 int *out_port);

/*
 * Listens with SO_REUSEADDR and SO_REUSEPORT: several processes of one user may
 * share a port, and the kernel spreads connections over them. Port 0 is any
 * free one. Returns 0 and a non-blocking descriptor that the caller closes, or
 *   FAIL_SETTING  no such form, or an unknown host;
 *   FAIL_SYSTEM   the address cannot be bound; errno says why.
 */
MUST_CHECK int listen_open(const char *text, int backlog, int *out_fd,
                           int *out_port);

#endif
