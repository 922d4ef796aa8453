/*
 * consumer/base/listen.c: "127.0.0.1:8080" to a descriptor.
 *
 * Our own socket() and setsockopt(), since the loop's library has no flag for
 * SO_REUSEPORT in the oldest version we run on.
 *
 * From: consumer/base/http_server.c.
 * To:   the kernel.
 */
#include "consumer/base/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int bind_one(const struct addrinfo *a, int backlog, int *out_fd);
static int port_of(int fd);

int listen_split(const char *text, char out_host[LISTEN_HOST_MAX + 1],
                 int *out_port)
{
    const char *colon = strrchr(text, ':');
    const char *digits = colon ? colon + 1 : text;
    size_t count = colon ? (size_t)(colon - text) : 0;
    long port = 0;

    if (*digits == '\0' || strlen(digits) > 5)
        return FAIL_MALFORMED;
    for (const char *at = digits; *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return FAIL_MALFORMED;
        port = port * 10 + (*at - '0');
    }
    if (port > 65535)
        return FAIL_MALFORMED;
    if (count > 0 && text[0] == '[') {
        if (count < 3 || text[count - 1] != ']')
            return FAIL_MALFORMED;
        text++;
        count -= 2;
    } else if (count > 0 && memchr(text, ':', count) != NULL) {
        return FAIL_MALFORMED;
    }
    if (count > LISTEN_HOST_MAX)
        return FAIL_MALFORMED;
    memcpy(out_host, text, count);
    out_host[count] = '\0';
    *out_port = (int)port;
    return 0;
}

int listen_open(const char *text, int backlog, int *out_fd, int *out_port)
{
    char host[LISTEN_HOST_MAX + 1], service[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int port, rc;

    if (listen_split(text, host, &port) < 0)
        return FAIL_SETTING;
    snprintf(service, sizeof(service), "%d", port);
    /* All addresses: one IPv6 socket takes both kinds, where there is IPv6. */
    if (host[0] == '\0')
        hints.ai_family = AF_INET6;
    if (getaddrinfo(host[0] ? host : NULL, service, &hints, &list) != 0)
        list = NULL;
    rc = list ? FAIL_SYSTEM : FAIL_SETTING;
    for (struct addrinfo *a = list; a != NULL && rc < 0; a = a->ai_next)
        rc = bind_one(a, backlog, out_fd);
    if (list != NULL)
        freeaddrinfo(list);
    if (rc < 0 && host[0] == '\0' &&
        (list == NULL || errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        struct sockaddr_in any = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
        struct addrinfo a = {.ai_family = AF_INET,
                             .ai_addr = (struct sockaddr *)&any,
                             .ai_addrlen = sizeof(any)};
        rc = bind_one(&a, backlog, out_fd);
    }
    if (rc == 0)
        *out_port = port_of(*out_fd);
    return rc;
}

static int bind_one(const struct addrinfo *a, int backlog, int *out_fd)
{
    int on = 1, off = 0;
    int fd =
        socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return FAIL_SYSTEM;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, backlog) == 0) {
        *out_fd = fd;
        return 0;
    }
    int error = errno;
    close(fd);
    errno = error;
    return FAIL_SYSTEM;
}

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t count = sizeof(address);

    CHECK(getsockname(fd, (struct sockaddr *)&address, &count) == 0);
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
    return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
}
