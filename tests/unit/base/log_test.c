/*
 * tests/unit/base/log_test.c: lines as text and JSON, quoting, and a reader
 * that has stopped.
 *
 * From: ctest.
 * To:   consumer/base/log.c, consumer/base/log_json.c.
 */
#include "consumer/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/log_json.h"
#include "consumer/base/metrics.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

#define TIME_COUNT 25 /* a time and a space */

static int fds[2];
static char text[1 << 20];

static void begin(void)
{
    CHECK(pipe(fds) == 0);
    log_redirect(fds[1]);
}

/* Ends the redirection and returns everything that was written. */
static const char *end(void)
{
    size_t count = 0;
    ssize_t got;

    log_redirect(-1);
    CHECK(log_configure("info", "text") == 0);
    close(fds[1]);
    while ((got = read(fds[0], text + count, sizeof(text) - count - 1)) > 0)
        count += (size_t)got;
    text[count] = '\0';
    close(fds[0]);
    return text;
}

TEST(line_has_time_level_event_and_pairs)
{
    const char *line;

    begin();
    log_info("ledger.written", "partition=%d count=%zu", 7, (size_t)500);
    line = end();
    EXPECT_TEXT(line + TIME_COUNT,
                "info ledger.written partition=7 count=500\n");
    EXPECT(line[4] == '-' && line[10] == 'T' && line[23] == 'Z');
}

TEST(event_without_pairs_is_a_line_too)
{
    begin();
    log_warn("client.gone");
    EXPECT_TEXT(end() + TIME_COUNT, "warn client.gone\n");
}

TEST(level_that_is_off_writes_nothing_and_debug_evaluates_nothing)
{
    int evaluated = 0;

    begin();
    log_debug("a.b", "n=%d", ++evaluated);
    EXPECT_INT(log_configure("error", "text"), 0);
    log_warn("a.c");
    EXPECT(!log_enabled(LOG_WARN));
    EXPECT_INT(log_configure("debug", "text"), 0);
    log_debug("a.d", "n=%d", ++evaluated);
    EXPECT_TEXT(end() + TIME_COUNT, "debug a.d n=1\n");
}

TEST(wrong_words_of_level_or_format_change_nothing)
{
    EXPECT_INT(log_configure("error", "xml"), FAIL_SETTING);
    EXPECT_INT(log_configure("loud", "text"), FAIL_SETTING);
    EXPECT(log_enabled(LOG_INFO));
}

TEST(control_bytes_never_reach_the_line)
{
    begin();
    log_info("a.b", "x=%s", "1\nroot ok\033[2J\x80");
    EXPECT_TEXT(end() + TIME_COUNT, "info a.b x=1?root ok?[2J?\n");
}

TEST(quoted_text_is_one_safe_value)
{
    begin();
    log_info("a.b", "why=%s none=%s", LOG_TEXT("say \"no\"\\\n"),
             LOG_QUOTE(BYTES_NONE));
    EXPECT_TEXT(end() + TIME_COUNT,
                "info a.b why=\"say \\\"no\\\"\\\\\\x0a\" none=null\n");
}

TEST(long_quoted_text_is_cut_and_says_so_for_every_length)
{
    char in[400], out[LOG_QUOTE_MAX];
    size_t count;

    memset(in, 0x01, sizeof(in));
    for (count = 0; count < sizeof(in); count++) {
        log_quote(bytes_of(in, count), out);
        EXPECT(strlen(out) < sizeof(out));
        EXPECT(out[strlen(out) - 1] == '"');
        EXPECT((strstr(out, "...") != NULL) == (count > 73));
    }
}

TEST(line_that_is_too_long_is_cut_and_still_ends)
{
    static char long_text[10000];
    const char *line;

    memset(long_text, 'x', sizeof(long_text) - 1);
    begin();
    log_info("a.b", "x=%s", long_text);
    log_info("a.c");
    line = end();
    EXPECT(strlen(line) <= 2 * LOG_LINE_MAX);
    EXPECT(strstr(line, "xxx\n20") != NULL);
}

TEST(json_line_holds_the_same_pairs)
{
    const char *line;

    begin();
    EXPECT_INT(log_configure("info", "json"), 0);
    log_info("a.b",
             "n=%d neg=-5 f=1.25 big=12345678901234567 t=true z=007 "
             "host=a:1 why=%s stray",
             7, LOG_TEXT("say \"no\"\n"));
    line = strchr(end(), ',');
    EXPECT_TEXT(line,
                ",\"level\":\"info\",\"event\":\"a.b\",\"n\":7,\"neg\":-5,"
                "\"f\":1.25,\"big\":\"12345678901234567\",\"t\":true,"
                "\"z\":\"007\",\"host\":\"a:1\",\"why\":\"say "
                "\\\"no\\\"\\u000a\",\"text\":\"stray\"}\n");
}

TEST(json_line_leaves_out_whole_pairs_that_do_not_fit)
{
    char out[400], pairs[600];
    size_t n, count;

    for (n = 0; n < 500; n++) {
        snprintf(pairs, sizeof(pairs), "a=1 b=%0*d", (int)n, 0);
        count = log_json(out, sizeof(out), "t", "info", "x.y", pairs);
        EXPECT(count <= sizeof(out));
        EXPECT(memcmp(out + count - 2, "}\n", 2) == 0);
        EXPECT(memmem(out, count, "\"a\":1", 5) != NULL);
    }
    EXPECT(memmem(out, count, "\"b\"", 3) == NULL);
}

TEST(json_survives_every_broken_pair)
{
    static const char *const odd[] = {"=",    "a=\"", "a=\"\\", "a=\"\\x",
                                      "\"",   "a=",   "=b",     "a=\"\\x4",
                                      "a=-",  "a=.",  "a=1.",   "a=\"b\"c",
                                      "a==b", "-=-"};
    char out[400];
    size_t i, count;

    for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        count = log_json(out, sizeof(out), "t", "info", "x.y", odd[i]);
        EXPECT(memcmp(out + count - 2, "}\n", 2) == 0);
    }
}

/* Fills the pipe, so that its next writer would wait. */
static void fill(int fd)
{
    char block[4096];
    int flags = fcntl(fd, F_GETFL);

    memset(block, '.', sizeof(block));
    CHECK(fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0);
    while (write(fd, block, sizeof(block)) > 0)
        continue;
    CHECK(fcntl(fd, F_SETFL, flags) == 0);
}

static void drain_some(int fd)
{
    char block[65536];

    CHECK(read(fd, block, sizeof(block)) > 0);
}

TEST(reader_that_stopped_costs_lines_and_never_time)
{
    uint64_t dropped = log_dropped();
    int64_t before = clock_ms();
    const char *line;
    int i;

    begin();
    fill(fds[1]);
    for (i = 0; i < 1000; i++)
        log_info("a.lost", "i=%d", i);
    EXPECT(clock_ms() - before < 2000);
    EXPECT_INT(log_dropped() - dropped, 1000);
    /* The descriptor that others share still blocks. */
    EXPECT_INT(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    drain_some(fds[0]);
    log_info("a.found");
    line = strstr(end(), " warn log.dropped count=1000 ");
    EXPECT(line != NULL);
    EXPECT(strstr(line, " info a.found\n") != NULL);
    EXPECT(strstr(line, "a.lost") == NULL);
}

TEST(socket_that_is_full_costs_lines_and_never_time)
{
    uint64_t dropped = log_dropped();
    int i;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    log_redirect(fds[1]);
    for (i = 0; i < 20000; i++)
        log_info("a.b", "i=%d", i);
    EXPECT(log_dropped() > dropped);
    end();
    log_info("a.told");
}

TEST(reader_that_has_gone_is_no_reason_to_stop)
{
    uint64_t dropped = log_dropped();

    begin();
    log_info("a.b");
    close(fds[0]);
    fds[0] = dup(fds[1]);
    signal(SIGPIPE, SIG_IGN);
    log_info("a.c");
    EXPECT_INT(log_dropped() - dropped, 1);
    log_redirect(-1);
    /* What was lost there is told here, before the next test reads. */
    log_info("a.told");
    close(fds[0]);
    close(fds[1]);
}

static void *write_lines(void *arg)
{
    int i;

    for (i = 0; i < 100; i++)
        log_info("a.thread", "id=%s x=%s", (const char *)arg,
                 "0123456789012345678901234567890123456789");
    return NULL;
}

TEST(lines_of_threads_do_not_mix)
{
    pthread_t threads[4];
    const char *line;
    size_t i, count = 0;

    begin();
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, write_lines,
                             (char *)"ABCD" + i) == 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (line = end(); *line != '\0'; line = strchr(line, '\n') + 1) {
        EXPECT(memcmp(line + TIME_COUNT, "info a.thread id=", 17) == 0);
        count++;
    }
    EXPECT_INT(count, 400);
}

TEST(logging_does_not_change_errno)
{
    begin();
    errno = EDOM;
    log_info("a.b");
    EXPECT_INT(errno, EDOM);
    end();
}
