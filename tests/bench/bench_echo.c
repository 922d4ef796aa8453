/*
 * tests/bench/bench_echo.c: the least that can stand where a door stands.
 *
 * One thread, raw epoll, no parsing but for the end of the head and its
 * Content-Length; the body is read past, and every request gets the same 202,
 * as long as a door's. Prints its port and serves until it is ended.
 *
 *      bench_echo [PORT]
 *
 * From: tests/bench/run.
 * To:   wrk and `tidemill bench`, which take it for a door.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "schemas/base/check.h"
#include "tests/bench/rounds.h"

#define CONNECTIONS_MAX 4096
#define ROOM 16384

static const char body[] =
    "{\"chain\":\"eip155:1\",\"hash\":\"0x5c504ed432cb51138bcf09aa5e8a410dd4a1"
    "e204ef84bfed1be16dfba1b22060\",\"partition\":3,\"offset\":1234567,"
    "\"accepted_at\":1763720000123}\n";

static char answer[1024];
static int answer_count;

static struct connection {
    char room[ROOM];
    size_t count;
} * connections[CONNECTIONS_MAX];

static void make_answer(void)
{
    answer_count = snprintf(
        answer, sizeof(answer),
        "HTTP/1.1 202 Accepted\r\nDate: Fri, 21 Nov 2025 10:13:20 GMT\r\n"
        "X-Request-Id: 4b05a1d1-1a2b3c4d\r\nServer-Timing: app;dur=7.411\r\n"
        "Location: http://127.0.0.1:18082/v1/transactions/eip155:1/0x5c504ed43"
        "2cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        sizeof(body) - 1, body);
}

/* Bytes of the first whole request, or 0. */
static size_t whole(const struct connection *c)
{
    const char *end = memmem(c->room, c->count, "\r\n\r\n", 4);
    const char *field;
    size_t head, length = 0;

    if (end == NULL)
        return 0;
    head = (size_t)(end - c->room) + 4;
    field = memmem(c->room, head, "\r\nContent-Length: ", 18);
    if (field != NULL)
        length = (size_t)atol(field + 18);
    return c->count >= head + length ? head + length : 0;
}

static void serve(int fd)
{
    struct connection *c = connections[fd];
    ssize_t count = recv(fd, c->room + c->count, ROOM - c->count, 0);
    size_t used;

    if (count <= 0) {
        free(c);
        connections[fd] = NULL;
        close(fd);
        return;
    }
    c->count += (size_t)count;
    while ((used = whole(c)) > 0) {
        CHECK(send(fd, answer, (size_t)answer_count, MSG_NOSIGNAL) != 0);
        memmove(c->room, c->room + used, c->count - used);
        c->count -= used;
    }
}

static void take(int listening, int poll)
{
    struct epoll_event e = {.events = EPOLLIN};
    int one = 1, fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK);

    if (fd < 0)
        return;
    CHECK(fd < CONNECTIONS_MAX);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    connections[fd] = calloc(1, sizeof(struct connection));
    CHECK(connections[fd] != NULL);
    e.data.fd = fd;
    CHECK(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e) == 0);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event e = {.events = EPOLLIN}, got[256];
    socklen_t size = sizeof(at);
    int one = 1, poll = epoll_create1(0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    at.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
          listen(fd, 1024) == 0 &&
          getsockname(fd, (struct sockaddr *)&at, &size) == 0);
    make_answer();
    e.data.fd = fd;
    CHECK(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e) == 0);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(poll, got, 256, -1);
        for (int i = 0; i < count; i++)
            if (got[i].data.fd == fd)
                take(fd, poll);
            else
                serve(got[i].data.fd);
    }
}
