/*
 * tests/unit/notifier/redis_test.c: the Redis door against a real server, which
 * is stopped, killed, started late and asked for a password.
 *
 * From: notifier/redis.h.
 * To:   redis-server, on a port of its own.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "notifier/redis.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

#define WAIT_MS 10000

struct side {
    struct redis *redis;
    bool up, down; /* waited for */
    bool heard;    /* waited for */
    char channel[64];
    char text[64];
    size_t count;
};

static struct loop *loop;
static int port;
static pid_t server;

static void changed(void *arg, bool up, const char *why)
{
    struct side *s = arg;

    (void)why;
    s->up = up;
    s->down = !up;
}

static void message(void *arg, struct bytes channel, struct bytes text)
{
    struct side *s = arg;

    s->heard = true;
    s->count++;
    snprintf(s->channel, sizeof(s->channel), "%.*s", (int)channel.count,
             (const char *)channel.data);
    snprintf(s->text, sizeof(s->text), "%.*s", (int)text.count,
             (const char *)text.data);
}

/* A port that nobody listens on now. */
static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t count = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &count) == 0);
    close(fd);
    return ntohs(at.sin_port);
}

static void server_start(const char *password)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", port);
    server = fork();
    if (server != 0)
        return;
    /* A test that fails leaves no server behind. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(open("/dev/null", O_WRONLY), 1);
    execlp("redis-server", "redis-server", "--port", text, "--bind",
           "127.0.0.1", "--save", "", "--appendonly", "no",
           password ? "--requirepass" : NULL, password, (char *)NULL);
    _exit(127);
}

static void server_end(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

/* False: there is no Redis here, said loudly. */
static bool begin(void)
{
    if (system("command -v redis-server >/dev/null") != 0) {
        harness_absent("redis-server");
        return false;
    }
    CHECK(log_configure("error", "text") == 0);
    CHECK(loop_open(&loop) == 0);
    port = free_port();
    return true;
}

static void end(void)
{
    server_end();
    loop_close(loop);
}

static void open_side(struct side *s, const char *login, size_t queued_max)
{
    char url[128];
    const char *why;
    struct redis_options o = {
        .loop = loop,
        .name = "test",
        .url = url,
        .silence_ms = 1500,
        .queued_bytes_max = queued_max,
        .state = changed,
        .message = message,
        .arg = s,
    };

    memset(s, 0, sizeof(*s));
    snprintf(url, sizeof(url), "redis://%s127.0.0.1:%d/1", login, port);
    EXPECT_INT(redis_open(&o, &s->redis, &why), 0);
}

static bool wait_for(const bool *what)
{
    return loop_run_until(loop, what, WAIT_MS);
}

TEST(redis_carries_a_message_to_those_who_listen)
{
    struct side talks, listens;

    if (!begin())
        return;
    server_start(NULL);
    open_side(&talks, "", 0);
    open_side(&listens, "", 0);
    redis_subscribe(listens.redis, "a");
    redis_subscribe(listens.redis, "b");
    EXPECT(wait_for(&talks.up));
    EXPECT(wait_for(&listens.up));
    EXPECT_INT(redis_publish(talks.redis, BYTES_LITERAL("b"),
                             BYTES_LITERAL("hello")),
               0);
    EXPECT(wait_for(&listens.heard));
    EXPECT_TEXT(listens.channel, "b");
    EXPECT_TEXT(listens.text, "hello");
    redis_close(talks.redis);
    redis_close(listens.redis);
    end();
}

TEST(redis_refused_is_tried_again_until_it_is_there)
{
    struct side s;
    bool never = false;

    if (!begin())
        return;
    open_side(&s, "", 0);
    loop_run_until(loop, &never, 500);
    EXPECT(!redis_up(s.redis));
    EXPECT_INT(redis_publish(s.redis, BYTES_LITERAL("a"), BYTES_LITERAL("x")),
               FAIL_UNREACHABLE);
    server_start(NULL);
    EXPECT(wait_for(&s.up));
    redis_close(s.redis);
    end();
}

TEST(redis_that_is_stopped_is_noticed_and_found_again)
{
    struct side talks, listens;
    int64_t began;

    if (!begin())
        return;
    server_start(NULL);
    open_side(&talks, "", 0);
    open_side(&listens, "", 0);
    redis_subscribe(listens.redis, "a");
    EXPECT(wait_for(&talks.up) && wait_for(&listens.up));
    kill(server, SIGSTOP);
    began = clock_ms();
    EXPECT(wait_for(&talks.down));
    EXPECT(wait_for(&listens.down));
    EXPECT(clock_ms() - began < 4000);
    kill(server, SIGCONT);
    EXPECT(wait_for(&talks.up) && wait_for(&listens.up));
    redis_publish(talks.redis, BYTES_LITERAL("a"), BYTES_LITERAL("again"));
    EXPECT(wait_for(&listens.heard));
    EXPECT_TEXT(listens.text, "again");
    redis_close(talks.redis);
    redis_close(listens.redis);
    end();
}

TEST(redis_that_is_quiet_stays_up)
{
    struct side talks, listens;
    bool never = false;

    if (!begin())
        return;
    server_start(NULL);
    open_side(&talks, "", 0);
    open_side(&listens, "", 0);
    redis_subscribe(listens.redis, "a");
    EXPECT(wait_for(&talks.up) && wait_for(&listens.up));
    loop_run_until(loop, &never, 3500);
    EXPECT(!talks.down && !listens.down);
    EXPECT_INT(redis_queued_bytes(talks.redis), 0);
    redis_close(talks.redis);
    redis_close(listens.redis);
    end();
}

TEST(redis_that_is_killed_loses_what_was_queued_and_comes_back)
{
    struct side s;

    if (!begin())
        return;
    server_start(NULL);
    open_side(&s, "", 0);
    EXPECT(wait_for(&s.up));
    server_end();
    redis_publish(s.redis, BYTES_LITERAL("a"), BYTES_LITERAL("lost"));
    EXPECT(wait_for(&s.down));
    EXPECT_INT(redis_queued_bytes(s.redis), 0);
    server_start(NULL);
    EXPECT(wait_for(&s.up));
    redis_close(s.redis);
    end();
}

TEST(redis_queue_has_an_end)
{
    struct side s;
    static uint8_t big[60000];
    int rc = 0, sent = 0;

    if (!begin())
        return;
    server_start(NULL);
    open_side(&s, "", 1 << 20);
    EXPECT(wait_for(&s.up));
    kill(server, SIGSTOP);
    while (rc == 0 && sent < 1000) {
        rc = redis_publish(s.redis, BYTES_LITERAL("a"),
                           bytes_of(big, sizeof(big)));
        sent += rc == 0;
    }
    EXPECT_INT(rc, FAIL_FULL);
    EXPECT_INT(sent, (1 << 20) / 60000);
    kill(server, SIGCONT);
    redis_close(s.redis);
    end();
}

TEST(redis_wants_the_right_password)
{
    struct side right, wrong;
    bool never = false;

    if (!begin())
        return;
    server_start("secret");
    open_side(&wrong, ":guess@", 0);
    open_side(&right, ":secret@", 0);
    EXPECT(wait_for(&right.up));
    loop_run_until(loop, &never, 500);
    EXPECT(!wrong.up);
    redis_close(right.redis);
    redis_close(wrong.redis);
    end();
}

TEST(redis_may_be_closed_at_any_moment_of_connecting)
{
    struct side s;
    bool never = false;

    if (!begin())
        return;
    server_start(NULL);
    for (int ms = 0; ms < 40; ms++) {
        open_side(&s, "", 0);
        redis_subscribe(s.redis, "a");
        if (ms > 0)
            loop_run_until(loop, &never, ms);
        redis_close(s.redis);
    }
    end();
}
