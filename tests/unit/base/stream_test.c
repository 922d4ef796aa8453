/*
 * tests/unit/base/stream_test.c: streams between two ends in one process.
 *
 * From: this file.
 * To:   consumer/base/stream*.c, chunk.c; http_upgrade() gives the server end.
 */
#include "consumer/base/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumer/base/http.h"
#include "consumer/base/listen.h"
#include "tests/support/peer.h"

static struct loop *loop;
static struct http_server *server;
static struct peer other; /* the server's end */
static bool upgraded;

static void request(void *arg, struct http_exchange *x,
                    const struct http_request *r)
{
    (void)arg;
    (void)r;
    other = (struct peer){.loop = loop};
    buffer_init(&other.received, 256 * 1024 * 1024);
    other.stream = http_upgrade(x, BYTES_LITERAL("HTTP/1.1 101 x\r\n\r\n"));
    EXPECT(other.stream != NULL);
    upgraded = true;
}

static void begin(struct peer *p, const char *behind)
{
    struct http_options options = {.listen = "127.0.0.1:0", .request = request};
    char text[256];

    upgraded = false;
    EXPECT_INT(loop_open(&loop), 0);
    EXPECT_INT(http_server_open(loop, &options, &server), 0);
    peer_open(p, loop, "localhost", http_server_port(server));
    snprintf(text, sizeof(text),
             "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
             "Upgrade: test\r\n\r\n%s",
             behind);
    peer_send(p, text);
    EXPECT(loop_run_until(loop, &upgraded, 5000));
    EXPECT(peer_await(p, "\r\n\r\n"));
}

static void end(struct peer *p)
{
    peer_close(p);
    peer_close(&other);
    http_server_close(server);
    loop_close(loop);
}

static void listen_other(void)
{
    stream_listen(other.stream, &peer_events, &other);
}

/* A chunk of `count` bytes of `byte`. */
static struct chunk *filled(size_t count, uint8_t byte)
{
    struct chunk *c = chunk_blank(count);

    memset(chunk_space(c), byte, count);
    return c;
}

static void send_filled(struct stream *s, size_t count, uint8_t byte,
                        int wanted)
{
    struct chunk *c = filled(count, byte);

    EXPECT_INT(stream_send(s, c), wanted);
    chunk_drop(c);
}

TEST(bytes_that_were_read_before_the_upgrade_are_delivered)
{
    struct peer p;

    begin(&p, "early");
    bool never = false;
    peer_send(&p, " and late");
    loop_run_until(loop, &never, 30);
    EXPECT_INT(http_server_connections(server), 0);
    listen_other();
    EXPECT(peer_await(&other, "early and late"));
    end(&p);
}

TEST(what_is_sent_in_a_turn_arrives_in_order)
{
    struct peer p;

    begin(&p, "");
    listen_other();
    for (int i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "<%d>", i);
        struct chunk *c = chunk_new(bytes_text(text));
        EXPECT_INT(stream_send(other.stream, c), 0);
        chunk_drop(c);
    }
    EXPECT_INT(stream_queued_chunks(other.stream), 1000);
    EXPECT(peer_await(&p, "<999>"));
    EXPECT_INT(stream_queued_chunks(other.stream), 0);
    EXPECT_INT(stream_queued_bytes(other.stream), 0);
    const char *at = buffer_text(&p.received);
    for (int i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "<%d>", i);
        at = strstr(at, text);
        EXPECT(at != NULL);
    }
    end(&p);
}

TEST(one_chunk_goes_to_many)
{
    struct peer p;

    begin(&p, "");
    listen_other();
    struct chunk *c = chunk_new(BYTES_LITERAL("shared"));
    for (int i = 0; i < 5; i++)
        EXPECT_INT(stream_send(other.stream, c), 0);
    EXPECT_INT(stream_send(p.stream, c), 0);
    chunk_drop(c);
    EXPECT(peer_await(&p, "sharedsharedsharedsharedshared"));
    EXPECT(peer_await(&other, "shared"));
    end(&p);
}

TEST(a_listener_that_does_not_read_fills_a_bounded_queue)
{
    struct peer p;
    bool never = false;
    const struct stream_limits limits = {.queued_bytes_max = 256 * 1024,
                                         .queued_chunks_max = 100,
                                         .notsent_lowat = 16384};

    begin(&p, "");
    listen_other();
    stream_limit(other.stream, &limits);
    stream_pause(p.stream);
    int rc = 0;
    size_t sent = 0;
    for (int i = 0; i < 20000 && rc == 0; i++) {
        struct chunk *c = filled(8192, 'x');
        rc = stream_send(other.stream, c);
        chunk_drop(c);
        sent += rc == 0;
        if (i % 16 == 15)
            loop_run_until(loop, &never, 1);
    }
    EXPECT_INT(rc, FAIL_FULL);
    EXPECT(stream_queued_bytes(other.stream) <= 256 * 1024);
    EXPECT(stream_queued_bytes(other.stream) > 0);
    send_filled(other.stream, 512 * 1024, 'x', FAIL_FULL);
    other.drained = false;
    stream_resume(p.stream);
    EXPECT(loop_run_until(loop, &other.drained, 5000));
    EXPECT_INT(stream_queued_bytes(other.stream), 0);
    send_filled(other.stream, 3, '!', 0);
    EXPECT(peer_await(&p, "!!!"));
    EXPECT_INT(peer_count(&p, "x"), sent * 8192 + 1 /* of the 101 */);
    end(&p);
}

TEST(too_many_chunks_are_refused_too)
{
    struct peer p;
    const struct stream_limits limits = {.queued_chunks_max = 10};

    begin(&p, "");
    listen_other();
    stream_limit(other.stream, &limits);
    for (int i = 0; i < 10; i++)
        send_filled(other.stream, 1, 'x', 0);
    send_filled(other.stream, 1, 'x', FAIL_FULL);
    end(&p);
}

TEST(finishing_sends_what_is_queued_and_then_ends_both)
{
    struct peer p;

    begin(&p, "");
    listen_other();
    stream_pause(p.stream);
    send_filled(other.stream, 900 * 1024, 'x', 0);
    stream_finish(other.stream, 5000);
    send_filled(other.stream, 1, 'y', FAIL_GONE);
    stream_resume(p.stream);
    EXPECT(peer_await_close(&p));
    EXPECT_INT(p.why, STREAM_END_PEER);
    EXPECT_INT(peer_count(&p, "x"), 900 * 1024 + 1 /* of the 101 */);
    EXPECT(peer_await_close(&other));
    EXPECT_INT(other.why, STREAM_END_OURS);
    end(&p);
}

TEST(finishing_does_not_wait_for_ever)
{
    struct peer p;

    begin(&p, "");
    listen_other();
    stream_pause(p.stream);
    stream_finish(other.stream, 300);
    EXPECT(peer_await_close(&other));
    EXPECT_INT(other.why, STREAM_END_TIMEOUT);
    end(&p);
}

TEST(closing_calls_closed_later_and_once)
{
    struct peer p;

    begin(&p, "");
    listen_other();
    send_filled(other.stream, 10, 'x', 0);
    stream_close(other.stream);
    EXPECT(!other.closed);
    send_filled(other.stream, 1, 'x', FAIL_GONE);
    stream_close(other.stream);
    EXPECT(peer_await_close(&other));
    EXPECT_INT(other.why, STREAM_END_OURS);
    EXPECT(peer_await_close(&p));
    end(&p);
}

TEST(a_reset_is_told_as_one)
{
    struct peer p;

    begin(&p, "");
    listen_other();
    /* Unread bytes in a closed socket's buffer are answered by a reset. */
    stream_pause(p.stream);
    send_filled(other.stream, 100, 'x', 0);
    bool never = false;
    loop_run_until(loop, &never, 30);
    stream_close(p.stream);
    EXPECT(peer_await_close(&other));
    EXPECT_INT(other.why, STREAM_END_RESET);
    end(&p);
}

/* A port where nobody listens: bound, and not listening. */
static int closed_port(int *out_fd)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t count = sizeof(at);

    *out_fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_INT(bind(*out_fd, (struct sockaddr *)&at, sizeof(at)), 0);
    EXPECT_INT(getsockname(*out_fd, (struct sockaddr *)&at, &count), 0);
    return ntohs(at.sin_port);
}

TEST(a_refused_connection_is_unreachable)
{
    struct peer p;
    int fd;

    EXPECT_INT(loop_open(&loop), 0);
    peer_open(&p, loop, "127.0.0.1", closed_port(&fd));
    peer_send(&p, "never sent");
    EXPECT(!p.closed);
    EXPECT(peer_await_close(&p));
    EXPECT_INT(p.why, STREAM_END_UNREACHABLE);
    EXPECT(!p.connected);
    peer_close(&p);
    close(fd);
    loop_close(loop);
}

TEST(a_connection_that_is_given_up_leaves_nothing)
{
    struct peer p;

    EXPECT_INT(loop_open(&loop), 0);
    peer_open(&p, loop, "127.0.0.1", 9);
    stream_close(p.stream);
    EXPECT(peer_await_close(&p));
    EXPECT_INT(p.why, STREAM_END_OURS);
    peer_close(&p);
    loop_close(loop);
}

TEST(a_host_or_port_of_no_form_is_refused)
{
    struct stream *s;

    EXPECT_INT(loop_open(&loop), 0);
    EXPECT_INT(stream_connect(loop, "", 80, 100, &peer_events, NULL, &s),
               FAIL_MALFORMED);
    EXPECT_INT(stream_connect(loop, "a", 0, 100, &peer_events, NULL, &s),
               FAIL_MALFORMED);
    EXPECT_INT(stream_connect(loop, "a", 65536, 100, &peer_events, NULL, &s),
               FAIL_MALFORMED);
    loop_close(loop);
}

TEST(a_chunk_is_freed_by_its_last_holder)
{
    struct chunk *c = chunk_new(BYTES_LITERAL("abc"));

    EXPECT(chunk_hold(c) == c);
    chunk_drop(c);
    EXPECT_BYTES(chunk_bytes(c), BYTES_LITERAL("abc"));
    chunk_drop(c);
    chunk_drop(NULL);
}
