/*
 * tests/support/tools/epoll_echo.c: the floor under an HTTP server.
 *
 * One thread, epoll, one read and one write a request, no parsing but for the
 * end of the head and a Content-Length. It is not a server: it believes
 * everything. What it costs, nobody who reads and writes sockets goes below.
 *
 *   epoll_echo 22003
 *
 * From: a load generator.
 * To:   nobody.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "schemas/base/check.h"

static const char answer[] =
    "HTTP/1.1 202 Accepted\r\nDate: Sat, 21 Nov 2026 14:20:00 GMT\r\n"
    "X-Request-Id: 3f2a9c01-1a2b3c\r\nServer-Timing: app;dur=0.012\r\n"
    "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
    "{\"bytes\":400}";

static char buffer[65536];

static void serve(int fd)
{
    ssize_t count = read(fd, buffer, sizeof(buffer) - 1);

    if (count <= 0) {
        close(fd);
        return;
    }
    buffer[count] = '\0';
    char *end = memmem(buffer, (size_t)count, "\r\n\r\n", 4);
    char *length = strcasestr(buffer, "content-length:");
    long body = length ? strtol(length + 15, NULL, 10) : 0;
    if (end == NULL || end + 4 + body != buffer + count ||
        write(fd, answer, sizeof(answer) - 1) != sizeof(answer) - 1)
        close(fd);
}

int main(int argc, char **argv)
{
    int on = 1, port = argc > 1 ? atoi(argv[1]) : 0;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    CHECK(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(listen(listener, 1024) == 0);
    CHECK(epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) == 0);
    printf("listening %d\n", port);
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd != listener) {
                serve(events[i].data.fd);
                continue;
            }
            int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0)
                continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            event.data.fd = fd;
            epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
