/*
 * tests/bench/bench_frame.c: a WebSocket frame to each of many listeners,
 * beside nothing but send().
 *
 * A child process reads and drops, so that only the sender is measured.
 *
 *      bare        send(fd, frame) for each listener and frame
 *      frame       one chunk a frame, by reference into every stream's queue
 *      coalesced   the same, 16 frames a turn: one writev a listener
 *
 * From: tests/bench/run.
 * To:   consumer/base/stream.c, notifier/gateway/websocket.c.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/base/stream.h"
#include "notifier/gateway/websocket.h"
#include "tests/bench/rounds.h"

#define LISTENERS 64
#define FRAMES 800 /* a round and listener */
#define TURN 16
#define EVENT_BYTES 430 /* a push of one result */
#define QUEUED_MAX (64 << 20)

static char event[EVENT_BYTES];
static struct loop *loop;
static struct stream *streams[LISTENERS];
static size_t connected;
static bool all;

/* ---- the child: accepts for ever and reads all ---- */

static void read_all(int listening)
{
    static char room[1 << 20];
    struct epoll_event e = {.events = EPOLLIN}, got[64];
    int poll = epoll_create1(0);

    e.data.fd = listening;
    CHECK(epoll_ctl(poll, EPOLL_CTL_ADD, listening, &e) == 0);
    for (;;) {
        int count = epoll_wait(poll, got, 64, -1);
        for (int i = 0; i < count; i++) {
            if (got[i].data.fd == listening) {
                e.data.fd = accept(listening, NULL, NULL);
                CHECK(epoll_ctl(poll, EPOLL_CTL_ADD, e.data.fd, &e) == 0);
            } else if (recv(got[i].data.fd, room, sizeof(room), 0) <= 0) {
                close(got[i].data.fd);
            }
        }
    }
}

static int listen_any(struct sockaddr_in *at)
{
    socklen_t count = sizeof(*at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *at = (struct sockaddr_in){.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)at, sizeof(*at)) == 0 &&
          listen(fd, 256) == 0 &&
          getsockname(fd, (struct sockaddr *)at, &count) == 0);
    return fd;
}

/* ---- bare ---- */

static double bare(const struct sockaddr_in *at)
{
    int fds[LISTENERS];
    uint8_t frame[EVENT_BYTES + WEBSOCKET_HEAD_MAX];
    size_t head = websocket_head(WEBSOCKET_OP_TEXT, EVENT_BYTES, frame);
    double before, used;
    int one = 1;

    memcpy(frame + head, event, EVENT_BYTES);
    for (int i = 0; i < LISTENERS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(connect(fds[i], (const struct sockaddr *)at, sizeof(*at)) == 0);
        /* Without it, the kernel would coalesce what we want one by one. */
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    before = rounds_cpu_us();
    for (int f = 0; f < FRAMES; f++)
        for (int i = 0; i < LISTENERS; i++)
            CHECK(send(fds[i], frame, head + EVENT_BYTES, MSG_NOSIGNAL) ==
                  (ssize_t)(head + EVENT_BYTES));
    used = rounds_cpu_us() - before;
    for (int i = 0; i < LISTENERS; i++)
        close(fds[i]);
    return used / (FRAMES * LISTENERS);
}

/* ---- ours ---- */

static void on_connected(void *arg)
{
    (void)arg;
    all = ++connected == LISTENERS;
}

static void on_closed(void *arg, enum stream_end why)
{
    (void)arg;
    (void)why;
    all = --connected == 0;
}

static const struct stream_events events = {
    .connected = on_connected,
    .closed = on_closed,
};

static void open_streams(int port)
{
    struct stream_limits limits = {.queued_bytes_max = QUEUED_MAX,
                                   .queued_chunks_max = FRAMES * TURN};

    all = false;
    for (int i = 0; i < LISTENERS; i++) {
        CHECK(stream_connect(loop, "127.0.0.1", port, 5000, &events, NULL,
                             &streams[i]) == 0);
        stream_limit(streams[i], &limits);
    }
    CHECK(loop_run_until(loop, &all, 10000));
}

static struct loop_timer *timer;
static size_t turns_left, per_turn;
static bool sent;

static size_t queued(void)
{
    size_t bytes = 0;

    for (int i = 0; i < LISTENERS; i++)
        bytes += stream_queued_bytes(streams[i]);
    return bytes;
}

/* One turn of a gateway: some frames to everybody, written at its end. What the
 * last one left must be gone, or frames would be coalesced that should not. */
static void turn(void *arg)
{
    (void)arg;
    if (queued() > 0) {
        loop_timer_start(timer, 1, 0);
        return;
    }
    for (size_t f = 0; f < per_turn; f++) {
        struct chunk *c =
            websocket_frame(WEBSOCKET_OP_TEXT, bytes_of(event, EVENT_BYTES));
        for (int i = 0; i < LISTENERS; i++)
            CHECK(stream_send(streams[i], c) == 0);
        chunk_drop(c);
    }
    if (--turns_left > 0)
        loop_timer_start(timer, 0, 0);
    else
        sent = true;
}

static double ours(int port, size_t frames_a_turn)
{
    double before, used;
    bool never = false;

    open_streams(port);
    per_turn = frames_a_turn;
    turns_left = FRAMES / frames_a_turn;
    sent = false;
    timer = loop_timer_open(loop, "bench.turn", turn, NULL);
    before = rounds_cpu_us();
    loop_timer_start(timer, 0, 0);
    CHECK(loop_run_until(loop, &sent, 60000));
    while (queued() > 0)
        (void)loop_run_until(loop, &never, 1);
    used = rounds_cpu_us() - before;
    loop_timer_close(timer);
    all = false;
    for (int i = 0; i < LISTENERS; i++)
        stream_close(streams[i]);
    CHECK(loop_run_until(loop, &all, 10000));
    return used / (FRAMES * LISTENERS);
}

int main(void)
{
    double b[ROUNDS], one[ROUNDS], many[ROUNDS];
    struct sockaddr_in at;
    int fd = listen_any(&at), port = ntohs(at.sin_port);
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0)
        read_all(fd);
    close(fd);
    memset(event, 'x', sizeof(event));
    CHECK(log_configure("error", "text") == 0 && loop_open(&loop) == 0);
    for (int r = 0; r < ROUNDS; r++) {
        b[r] = bare(&at);
        one[r] = ours(port, 1);
        many[r] = ours(port, TURN);
    }
    loop_close(loop);
    rounds_print("frame", b, one);
    rounds_print("frame, coalesced at 16", b, many);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
