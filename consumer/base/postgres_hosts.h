/*
 * consumer/base/postgres_hosts.h: which server to try next, and when.
 *
 * A connection string may name several hosts, one of which takes writes. They
 * are tried in turn, each with its whole deadline, so that a host that swallows
 * packets does not hide the next one. After a full round of failures comes a
 * pause that grows to 5 s, with jitter, because a fleet that lost its database
 * comes back all at once.
 *
 * Thread: one at a time. Pure.
 */
#ifndef CONSUMER_BASE_POSTGRES_HOSTS_H
#define CONSUMER_BASE_POSTGRES_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/check.h"

#define POSTGRES_HOSTS_MAX 16
#define POSTGRES_HOST_BYTES_MAX 255
#define POSTGRES_PAUSE_MS_MIN 100
#define POSTGRES_PAUSE_MS_MAX 5000

struct postgres_host {
    char host[POSTGRES_HOST_BYTES_MAX + 1];     /* "" = libpq's default */
    char hostaddr[POSTGRES_HOST_BYTES_MAX + 1]; /* "" = look the name up */
    char port[16];                              /* "" = libpq's default */
};

struct postgres_hosts {
    struct postgres_host hosts[POSTGRES_HOSTS_MAX];
    size_t count; /* at least 1 */
    size_t next;  /* tried next */
    int rounds;   /* failed rounds since the last success */
};

/*
 * Reads libpq's comma-separated lists; NULL is empty. One port stands for all.
 * 0, or FAIL_SETTING: the lists have different lengths, or one is too long.
 */
MUST_CHECK int postgres_hosts_init(struct postgres_hosts *h, const char *hosts,
                                   const char *hostaddrs, const char *ports);

/* The host to try now. */
const struct postgres_host *postgres_hosts_next(const struct postgres_hosts *h);

/* Whether its name has to be looked up before libpq sees it. */
bool postgres_host_needs_lookup(const struct postgres_host *h);

/*
 * That host failed: moves on. Returns how long to wait, 0 until the round is
 * over. `random` is any number; it spreads the pause over its second half.
 */
int postgres_hosts_failed(struct postgres_hosts *h, uint32_t random);

/* That host is the one: stays with it, forgets failures. */
void postgres_hosts_worked(struct postgres_hosts *h);

#endif
