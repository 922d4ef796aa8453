/*
 * consumer/base/postgres_hosts.c: the list of hosts and the growing pause.
 *
 * From: consumer/base/postgres_connect.c, around each try.
 * To:   nothing: lists and arithmetic.
 */
#include "consumer/base/postgres_hosts.h"

#include <string.h>

#include "schemas/base/fail.h"

/* Copies element `index` of a comma-separated list; false when it has fewer. */
static int list_element(const char *list, size_t index, char *out,
                        size_t out_bytes, bool *out_found)
{
    const char *at = list == NULL ? "" : list;
    size_t count;

    for (; index > 0; index--) {
        at = strchr(at, ',');
        if (at == NULL) {
            *out_found = false;
            out[0] = '\0';
            return 0;
        }
        at++;
    }
    count = strcspn(at, ",");
    if (count >= out_bytes)
        return FAIL_SETTING;
    memcpy(out, at, count);
    out[count] = '\0';
    *out_found = true;
    return 0;
}

static size_t list_count(const char *list)
{
    size_t count = 1;

    if (list == NULL || *list == '\0')
        return 0;
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

static int read_host(struct postgres_host *h, size_t i, const char *hosts,
                     const char *hostaddrs, const char *ports)
{
    size_t port = list_count(ports) > 1 ? i : 0;
    bool found;
    int rc;

    rc = list_element(hosts, i, h->host, sizeof(h->host), &found);
    if (rc == 0)
        rc = list_element(hostaddrs, i, h->hostaddr, sizeof(h->hostaddr),
                          &found);
    if (rc == 0)
        rc = list_element(ports, port, h->port, sizeof(h->port), &found);
    return rc;
}

int postgres_hosts_init(struct postgres_hosts *h, const char *hosts,
                        const char *hostaddrs, const char *ports)
{
    size_t named = list_count(hosts), numbered = list_count(hostaddrs);
    size_t count = named > numbered ? named : numbered, i;
    int rc;

    if (count == 0)
        count = 1;
    if (count > POSTGRES_HOSTS_MAX)
        return FAIL_SETTING;
    if (named != 0 && numbered != 0 && named != numbered)
        return FAIL_SETTING;
    if (list_count(ports) > 1 && list_count(ports) != count)
        return FAIL_SETTING;
    memset(h, 0, sizeof(*h));
    for (i = 0; i < count; i++) {
        rc = read_host(&h->hosts[i], i, hosts, hostaddrs, ports);
        if (rc < 0)
            return rc;
    }
    h->count = count;
    return 0;
}

const struct postgres_host *postgres_hosts_next(const struct postgres_hosts *h)
{
    return &h->hosts[h->next];
}

/* A path or an abstract name is a socket of this host, not a name. */
bool postgres_host_needs_lookup(const struct postgres_host *h)
{
    return h->hostaddr[0] == '\0' && h->host[0] != '\0' && h->host[0] != '/' &&
           h->host[0] != '@';
}

int postgres_hosts_failed(struct postgres_hosts *h, uint32_t random)
{
    int pause = POSTGRES_PAUSE_MS_MIN, i;

    h->next = (h->next + 1) % h->count;
    if (h->next != 0)
        return 0;
    for (i = 0; i < h->rounds && pause < POSTGRES_PAUSE_MS_MAX; i++)
        pause *= 2;
    if (pause > POSTGRES_PAUSE_MS_MAX)
        pause = POSTGRES_PAUSE_MS_MAX;
    h->rounds++;
    return pause / 2 + (int)(random % (uint32_t)(pause / 2 + 1));
}

void postgres_hosts_worked(struct postgres_hosts *h)
{
    h->rounds = 0;
}
