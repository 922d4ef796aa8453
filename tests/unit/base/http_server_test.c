/*
 * tests/unit/base/http_server_test.c: the server on real sockets, port 0.
 *
 * From: this file, as clients.
 * To:   consumer/base/http_server.c and stream.c.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumer/base/http.h"
#include "consumer/base/listen.h"
#include "tests/support/peer.h"

static struct loop *loop;
static struct http_server *server;
static struct http_exchange *kept[32];
static size_t kept_count, gone_count;
static bool arrived, drained;

static size_t body_limit(void *arg, const struct http_request *r)
{
    (void)arg;
    (void)r;
    return 1024 * 1024;
}

static void count_gone(void *arg)
{
    (void)arg;
    gone_count++;
}

static void request(void *arg, struct http_exchange *x,
                    const struct http_request *r)
{
    (void)arg;
    if (bytes_equal_text(r->path, "/later")) {
        kept[kept_count++] = x;
        http_on_gone(x, count_gone, NULL);
        arrived = true;
    } else if (bytes_equal_text(r->path, "/big")) {
        static char big[8 * 1024 * 1024];
        memset(big, 'x', sizeof(big));
        http_reply(x, 200, "text/plain", BYTES_NONE,
                   bytes_of(big, sizeof(big)));
    } else if (bytes_equal_text(r->path, "/peer")) {
        http_reply_text(x, 200, r->peer);
    } else {
        http_reply(x, 202, "text/plain", BYTES_NONE, r->body);
    }
}

static void on_drained(void *arg)
{
    (void)arg;
    drained = true;
}

static void begin(struct http_options options)
{
    kept_count = gone_count = 0;
    arrived = drained = false;
    options.request = request;
    options.body_limit = body_limit;
    if (options.listen == NULL)
        options.listen = "127.0.0.1:0";
    EXPECT_INT(loop_open(&loop), 0);
    EXPECT_INT(http_server_open(loop, &options, &server), 0);
    EXPECT(http_server_port(server) > 0);
}

static void end(void)
{
    http_server_close(server);
    loop_close(loop);
}

static void open_peer(struct peer *p)
{
    peer_open(p, loop, "127.0.0.1", http_server_port(server));
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

TEST(one_connection_carries_many_requests)
{
    struct peer p;

    begin((struct http_options){0});
    open_peer(&p);
    for (int i = 0; i < 50; i++) {
        char wanted[16];
        snprintf(wanted, sizeof(wanted), "\r\n\r\nbody-%d", i);
        char text[128];
        snprintf(text, sizeof(text),
                 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n"
                 "body-%d",
                 strlen(wanted) - 4, i);
        peer_send(&p, text);
        EXPECT(peer_await(&p, wanted));
    }
    EXPECT_INT(peer_count(&p, "HTTP/1.1 202"), 50);
    EXPECT_INT(http_server_connections(server), 1);
    EXPECT_INT(http_server_requests(server), 0);
    peer_close(&p);
    end();
}

TEST(a_hundred_pipelined_requests_are_answered_in_order)
{
    struct peer p;

    begin((struct http_options){0});
    open_peer(&p);
    for (int i = 0; i < 100; i++) {
        char text[128];
        snprintf(text, sizeof(text),
                 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
                 "<%02d>",
                 i);
        peer_send(&p, text);
    }
    EXPECT(peer_await(&p, "<99>"));
    const char *at = buffer_text(&p.received);
    for (int i = 0; i < 100; i++) {
        char wanted[8];
        snprintf(wanted, sizeof(wanted), "<%02d>", i);
        at = strstr(at, wanted);
        EXPECT(at != NULL);
    }
    peer_close(&p);
    end();
}

TEST(requests_that_wait_are_held_and_go_on_when_answered)
{
    struct peer p;

    begin((struct http_options){0});
    open_peer(&p);
    for (int i = 0; i < 20; i++)
        peer_send(&p, GET("/later"));
    peer_send(&p, GET("/last"));
    while (kept_count < 16)
        loop_run_until(loop, &arrived, 10);
    for (size_t i = 0; i < 20; i++) {
        while (kept_count <= i) {
            arrived = false;
            EXPECT(loop_run_until(loop, &arrived, 2000));
        }
        http_reply(kept[i], 200, NULL, BYTES_NONE, BYTES_NONE);
    }
    EXPECT(peer_await(&p, "HTTP/1.1 202"));
    EXPECT_INT(peer_count(&p, "HTTP/1.1 200"), 20);
    peer_close(&p);
    end();
}

TEST(a_body_comes_after_its_100_continue)
{
    struct peer p;

    begin((struct http_options){0});
    open_peer(&p);
    peer_send(&p,
              "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
              "Expect: 100-continue\r\n\r\n");
    EXPECT(peer_await(&p, "HTTP/1.1 100 Continue\r\n\r\n"));
    peer_send(&p, "hello");
    EXPECT(peer_await(&p, "\r\n\r\nhello"));
    peer_close(&p);
    end();
}

TEST(a_client_that_half_closes_gets_its_answer)
{
    struct peer p;

    begin((struct http_options){0});
    open_peer(&p);
    peer_send(&p, GET("/later"));
    stream_finish(p.stream, 5000);
    EXPECT(loop_run_until(loop, &arrived, 5000));
    bool never = false;
    loop_run_until(loop, &never, 50);
    EXPECT_INT(gone_count, 0);
    http_reply_text(kept[0], 200, "late");
    EXPECT(peer_await_close(&p));
    EXPECT_INT(peer_count(&p, "late"), 1);
    peer_close(&p);
    end();
}

TEST(a_client_that_resets_is_noticed_and_leaves_nothing)
{
    struct peer p;

    begin((struct http_options){0});
    open_peer(&p);
    peer_send(&p, GET("/later"));
    peer_send(&p, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    EXPECT(loop_run_until(loop, &arrived, 5000));
    peer_close(&p);
    bool never = false;
    for (int i = 0; i < 100 && http_server_requests(server) > 0; i++)
        loop_run_until(loop, &never, 20);
    /* An orderly close looks like a half-close until we answer. */
    if (!http_gone(kept[0]))
        EXPECT_INT(gone_count, 0);
    http_reply_text(kept[0], 200, "nobody");
    for (int i = 0; i < 250 && http_server_connections(server) > 0; i++)
        loop_run_until(loop, &never, 20);
    EXPECT_INT(http_server_connections(server), 0);
    end();
}

TEST(a_slow_head_is_closed_at_its_deadline_however_it_drips)
{
    struct peer p;

    begin((struct http_options){.head_ms = 300});
    open_peer(&p);
    for (int i = 0; i < 100 && !p.closed && !p.seen; i++) {
        bool never = false;
        peer_send(&p, i == 0 ? "G" : "A");
        loop_run_until(loop, &never, 20);
        p.awaited = " 408 ";
        peer_look(&p);
    }
    EXPECT(p.seen);
    EXPECT(peer_await_close(&p));
    peer_close(&p);
    end();
}

TEST(a_slow_body_is_answered_408)
{
    struct peer p;

    begin((struct http_options){.body_ms = 200});
    open_peer(&p);
    peer_send(&p, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    EXPECT(peer_await(&p, "request_timeout"));
    peer_close(&p);
    end();
}

TEST(an_idle_connection_is_closed)
{
    struct peer p;

    begin((struct http_options){.idle_ms = 200});
    open_peer(&p);
    peer_send(&p, GET("/"));
    EXPECT(peer_await(&p, " 202 "));
    EXPECT(peer_await_close(&p));
    EXPECT_INT(p.why, STREAM_END_PEER);
    peer_close(&p);
    end();
}

TEST(a_large_answer_reaches_a_slow_reader_whole)
{
    struct peer p;
    bool never = false;

    begin((struct http_options){0});
    open_peer(&p);
    peer_send(&p, GET("/big"));
    EXPECT(peer_await(&p, "\r\n\r\nxxx"));
    stream_pause(p.stream);
    loop_run_until(loop, &never, 100);
    stream_resume(p.stream);
    peer_send(&p, GET("/peer"));
    EXPECT(peer_await(&p, "127.0.0.1:"));
    EXPECT(p.received.count > 8 * 1024 * 1024);
    peer_close(&p);
    end();
}

TEST(a_reader_that_takes_nothing_is_cut)
{
    struct peer p;
    bool never = false;

    begin((struct http_options){.write_ms = 300});
    open_peer(&p);
    peer_send(&p, GET("/big"));
    EXPECT(peer_await(&p, "\r\n\r\nxxx"));
    stream_pause(p.stream);
    for (int i = 0; i < 200 && http_server_connections(server) > 0; i++)
        loop_run_until(loop, &never, 20);
    EXPECT_INT(http_server_connections(server), 0);
    peer_close(&p);
    end();
}

TEST(a_connection_too_many_is_told_so)
{
    struct peer first, second;

    begin((struct http_options){.connections_max = 1});
    open_peer(&first);
    peer_send(&first, GET("/"));
    EXPECT(peer_await(&first, " 202 "));
    open_peer(&second);
    EXPECT(peer_await(&second, "HTTP/1.1 503 "));
    EXPECT(peer_await_close(&second));
    EXPECT_INT(peer_count(&second, "Retry-After: 1"), 1);
    peer_close(&first);
    peer_close(&second);
    end();
}

TEST(draining_answers_what_is_open_and_then_says_so)
{
    struct peer busy, idle;

    begin((struct http_options){0});
    open_peer(&busy);
    open_peer(&idle);
    peer_send(&idle, GET("/"));
    EXPECT(peer_await(&idle, " 202 "));
    peer_send(&busy, GET("/later"));
    EXPECT(loop_run_until(loop, &arrived, 5000));
    http_server_drain(server, on_drained, NULL);
    EXPECT(peer_await_close(&idle));
    EXPECT(!drained);
    http_reply_text(kept[0], 200, "done");
    EXPECT(peer_await_close(&busy));
    EXPECT_INT(peer_count(&busy, "Connection: close"), 1);
    EXPECT(loop_run_until(loop, &drained, 5000));
    peer_close(&busy);
    peer_close(&idle);
    end();
}

TEST(draining_an_idle_server_says_so_too)
{
    begin((struct http_options){0});
    http_server_drain(server, on_drained, NULL);
    EXPECT(!drained);
    EXPECT(loop_run_until(loop, &drained, 5000));
    end();
}

TEST(without_descriptors_accepting_pauses_and_goes_on)
{
    struct peer p[8];
    struct rlimit old, small;
    bool never = false;
    int spare[64];
    size_t count = 0;

    begin((struct http_options){0});
    EXPECT_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
    small = old;
    small.rlim_cur = 64;
    /* Clients have their descriptors; the server will find none. */
    for (size_t i = 0; i < 8; i++)
        open_peer(&p[i]);
    for (size_t i = 0; i < 8; i++)
        EXPECT(p[i].connected || loop_run_until(loop, &p[i].connected, 2000));
    setrlimit(RLIMIT_NOFILE, &small);
    while (count < 64 && (spare[count] = dup(0)) >= 0)
        count++;
    struct peer late;
    close(spare[--count]);
    open_peer(&late);
    loop_run_until(loop, &late.connected, 2000);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    loop_run_until(loop, &never, 300);
    getrusage(RUSAGE_SELF, &after);
    long us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
              after.ru_utime.tv_usec - before.ru_utime.tv_usec;
    while (count > 0)
        close(spare[--count]);
    setrlimit(RLIMIT_NOFILE, &old);
    EXPECT(us < 150000);
    peer_send(&late, GET("/"));
    EXPECT(peer_await(&late, " 202 "));
    for (size_t i = 0; i < 8; i++)
        peer_close(&p[i]);
    peer_close(&late);
    end();
}

TEST(two_servers_share_a_port)
{
    struct http_server *second;
    char listen[32];

    begin((struct http_options){0});
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", http_server_port(server));
    struct http_options options = {.listen = listen, .request = request};
    EXPECT_INT(http_server_open(loop, &options, &second), 0);
    EXPECT_INT(http_server_port(second), http_server_port(server));
    http_server_close(second);
    end();
}

TEST(a_server_closes_with_requests_open)
{
    struct peer p;

    begin((struct http_options){0});
    open_peer(&p);
    peer_send(&p, GET("/later"));
    EXPECT(loop_run_until(loop, &arrived, 5000));
    http_server_close(server);
    EXPECT(peer_await_close(&p));
    EXPECT_INT(gone_count, 1);
    http_reply_text(kept[0], 200, "nobody");
    peer_close(&p);
    loop_close(loop);
}

TEST(an_address_is_host_and_port)
{
    char host[LISTEN_HOST_MAX + 1];
    int port;

    EXPECT_INT(listen_split("127.0.0.1:80", host, &port), 0);
    EXPECT_TEXT(host, "127.0.0.1");
    EXPECT_INT(port, 80);
    EXPECT_INT(listen_split(":8080", host, &port), 0);
    EXPECT_TEXT(host, "");
    EXPECT_INT(listen_split("[::1]:0", host, &port), 0);
    EXPECT_TEXT(host, "::1");
    EXPECT_INT(listen_split("9", host, &port), 0);
    EXPECT_INT(port, 9);
    EXPECT_INT(listen_split("", host, &port), FAIL_MALFORMED);
    EXPECT_INT(listen_split("a:", host, &port), FAIL_MALFORMED);
    EXPECT_INT(listen_split("::1:80", host, &port), FAIL_MALFORMED);
    EXPECT_INT(listen_split("[]:80", host, &port), FAIL_MALFORMED);
    EXPECT_INT(listen_split("a:65536", host, &port), FAIL_MALFORMED);
    EXPECT_INT(listen_split("a:8o", host, &port), FAIL_MALFORMED);
}

TEST(an_address_in_use_by_nobody_of_ours_is_refused)
{
    struct http_options options = {.listen = "203.0.113.7:0",
                                   .request = request};

    EXPECT_INT(loop_open(&loop), 0);
    EXPECT_INT(http_server_open(loop, &options, &server), FAIL_SYSTEM);
    options.listen = "not an address";
    EXPECT_INT(http_server_open(loop, &options, &server), FAIL_SETTING);
    loop_close(loop);
}
