/*
 * tests/unit/base/service_test.c: the life of a daemon, in real processes that
 * are asked over their management port and ended by signals.
 *
 * From: ctest.
 * To:   consumer/base/service.c, consumer/base/service_management.c.
 */
#include "consumer/base/service.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

#define WAIT_MS 10000

/* ---- the program under test, in the child ---- */

struct state {
    struct loop_timer *timer;
    int ticks;
};

static const char *mode;
static const struct setting settings[] = {
    SETTING_TEXT("MODE", &mode, "plain", "what the test program does"),
};

static bool is_mode(const char *word)
{
    return strcmp(mode, word) == 0;
}

static void on_timer(void *arg)
{
    struct service *s = arg;
    struct state *state = service_state(s);

    state->ticks++;
    if (is_mode("fail"))
        service_fail(s, SERVICE_UNAVAILABLE, "the \"thing\" went away");
    if (is_mode("check"))
        CHECK(state->ticks < 1);
    if (service_draining(s))
        service_drained(s);
}

static int start(struct service *s)
{
    struct state *state = service_state(s);

    CHECK(state->ticks == 0);
    state->timer = loop_timer_open(service_loop(s), "test.tick", on_timer, s);
    if (is_mode("refuse"))
        return FAIL_SETTING;
    if (is_mode("fail-in-start"))
        service_fail(s, SERVICE_SOFTWARE, "said in start");
    loop_timer_start(state->timer, 50, 0);
    return 0;
}

static void drain(struct service *s)
{
    struct state *state = service_state(s);

    log_info("test.draining");
    if (is_mode("slow") || is_mode("stuck"))
        loop_timer_start(state->timer, is_mode("slow") ? 200 : 3600000, 0);
    else
        service_drained(s);
}

static void stop(struct service *s)
{
    struct state *state = service_state(s);

    log_info("test.stopping", "ticks=%d", state->ticks);
    loop_timer_close(state->timer);
}

static bool ready(struct service *s, struct buffer *why)
{
    (void)s;
    if (!is_mode("unready"))
        return true;
    buffer_append_text(why, "kafka: \"no\" broker answers");
    return false;
}

static void status(struct service *s, struct buffer *json)
{
    struct state *state = service_state(s);

    buffer_append_format(json, "{\"ticks\":%d}", state->ticks);
}

static const char *const known[] = {"CHAINS"};
static const struct program program = {
    .name = "tidemill-test",
    .about = "a daemon that does nothing",
    .settings = settings,
    .settings_count = 1,
    .known = known,
    .known_count = 1,
    .state_bytes = sizeof(struct state),
    .start = start,
    .drain = drain,
    .stop = stop,
    .ready = ready,
    .status = status,
};

/* ---- the parent ---- */

static struct child {
    pid_t pid;
    int log; /* its standard error */
    int port;
    char text[1 << 16]; /* what it said so far */
    size_t count;
    int code; /* once it has ended; 1000 + signal */
} c;

static char answer[1 << 20];

/* Reads more of the child's log until it has `words` or ends. */
static bool said(const char *words)
{
    int64_t until = clock_ms() + WAIT_MS;
    struct pollfd p = {.fd = c.log, .events = POLLIN};
    ssize_t got;

    while (strstr(c.text, words) == NULL && clock_ms() < until) {
        if (poll(&p, 1, 100) == 0)
            continue;
        got = read(c.log, c.text + c.count, sizeof(c.text) - c.count - 1);
        if (got <= 0)
            break;
        c.count += (size_t)got;
        c.text[c.count] = '\0';
    }
    return strstr(c.text, words) != NULL;
}

static void spawn(const char *first, const char *second)
{
    char *argv[] = {(char *)"tidemill-test", (char *)"--management-port=0",
                    (char *)first, (char *)second, NULL};
    int argc = second != NULL ? 4 : first != NULL ? 3 : 2;
    int fds[2];

    memset(&c, 0, sizeof(c));
    CHECK(pipe(fds) == 0);
    fflush(stdout);
    c.pid = fork();
    CHECK(c.pid >= 0);
    if (c.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody */
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        close(fds[0]);
        close(fds[1]);
        log_redirect(-1);
        exit(service_main(&program, argc, argv));
    }
    close(fds[1]);
    c.log = fds[0];
}

/* Waits for the child's end; its exit code. */
static int ended(void)
{
    int wait_status;

    said("never said: reads to the end");
    CHECK(waitpid(c.pid, &wait_status, 0) == c.pid);
    close(c.log);
    c.code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                    : 1000 + WTERMSIG(wait_status);
    return c.code;
}

static void spawn_running(const char *argument)
{
    spawn(argument, NULL);
    EXPECT(said("service.started"));
    c.port = atoi(strstr(c.text, "management=") + strlen("management="));
    EXPECT(c.port > 0);
}

static void tell(int number)
{
    CHECK(kill(c.pid, number) == 0);
}

/* One request on a connection of its own; the whole answer. */
static const char *ask(const char *method, const char *path, const char *header)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    char request[500];
    size_t count = 0;
    ssize_t got;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at.sin_port = htons((uint16_t)c.port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0);
    answer[0] = '\0';
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0) {
        snprintf(request, sizeof(request),
                 "%s %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s\r\n",
                 method, path, header);
        CHECK(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
        while ((got = read(fd, answer + count, sizeof(answer) - count - 1)) > 0)
            count += (size_t)got;
        answer[count] = '\0';
    }
    close(fd);
    return answer;
}

static bool answers(const char *path, const char *status_line,
                    const char *words)
{
    ask("GET", path, "");
    if (strncmp(answer, status_line, strlen(status_line)) == 0 &&
        strstr(answer, words) != NULL)
        return true;
    printf("answer: %s\n", answer);
    return false;
}

TEST(management_port_answers_about_the_process)
{
    spawn_running("--mode=plain");
    EXPECT(answers("/livez", "HTTP/1.1 200", "alive\n"));
    EXPECT(answers("/readyz", "HTTP/1.1 200", "ready\n"));
    EXPECT(answers("/version", "HTTP/1.1 200",
                   "{\"name\":\"tidemill-test\",\"version\":\""));
    EXPECT(answers("/metrics", "HTTP/1.1 200", "\ntidemill_build_info{"));
    EXPECT(answers("/metrics", "HTTP/1.1 200", "\nprocess_open_fds "));
    EXPECT(answers("/metrics", "HTTP/1.1 200",
                   "# TYPE tidemill_loop_lag_seconds histogram\n"));
    EXPECT(strstr(answer, "text/plain; version=0.0.4") != NULL);
    EXPECT(answers("/status", "HTTP/1.1 200",
                   "\"state\":\"running\",\"ready\":true,\"why\":null"));
    EXPECT(strstr(answer, ",\"program\":{\"ticks\":") != NULL);
    EXPECT(answers("/", "HTTP/1.1 404", "not_found"));
    tell(SIGTERM);
    EXPECT_INT(ended(), SERVICE_OK);
}

TEST(management_port_takes_get_and_head_only)
{
    spawn_running(NULL);
    ask("HEAD", "/livez", "");
    EXPECT(strncmp(answer, "HTTP/1.1 200", 12) == 0);
    EXPECT(strstr(answer, "alive") == NULL);
    ask("POST", "/livez", "Content-Length: 0\r\n");
    EXPECT(strncmp(answer, "HTTP/1.1 405", 12) == 0);
    EXPECT(strcasestr(answer, "\r\nallow: GET, HEAD\r\n") != NULL);
    tell(SIGINT);
    EXPECT_INT(ended(), SERVICE_OK);
}

TEST(unready_process_lives_and_says_why)
{
    spawn_running("--mode=unready");
    EXPECT(answers("/livez", "HTTP/1.1 200", "alive"));
    EXPECT(answers("/readyz", "HTTP/1.1 503",
                   "not ready: kafka: \"no\" broker answers\n"));
    ask("GET", "/readyz", "Accept: application/json\r\n");
    EXPECT(strstr(answer,
                  "{\"ready\":false,\"why\":\"kafka: \\\"no\\\" broker "
                  "answers\"}") != NULL);
    EXPECT(answers("/status", "HTTP/1.1 200", "\"ready\":false"));
    tell(SIGTERM);
    EXPECT_INT(ended(), SERVICE_OK);
}

TEST(signal_drains_and_the_process_is_not_ready_meanwhile)
{
    spawn_running("--mode=slow");
    tell(SIGTERM);
    EXPECT(said("test.draining"));
    EXPECT(answers("/readyz", "HTTP/1.1 503", "draining"));
    EXPECT(answers("/status", "HTTP/1.1 200", "\"state\":\"draining\""));
    EXPECT_INT(ended(), SERVICE_OK);
    EXPECT(said("test.stopping"));
    EXPECT(said("service.stopped code=0 why=\"drained\""));
}

TEST(second_signal_ends_at_once)
{
    spawn_running("--mode=stuck");
    tell(SIGTERM);
    EXPECT(said("test.draining"));
    tell(SIGINT);
    EXPECT_INT(ended(), SERVICE_OK);
    EXPECT(said("test.stopping"));
    EXPECT(said("why=\"second signal\""));
}

TEST(drain_that_never_ends_has_a_deadline)
{
    spawn("--mode=stuck", "--drain-ms=100");
    EXPECT(said("service.started"));
    tell(SIGTERM);
    EXPECT_INT(ended(), SERVICE_OK);
    EXPECT(said("service.overdue drain_ms=100"));
    EXPECT(said("why=\"drain deadline\""));
}

TEST(failure_ends_the_process_with_its_code_and_why)
{
    spawn("--mode=fail", NULL);
    EXPECT_INT(ended(), SERVICE_UNAVAILABLE);
    EXPECT(said("test.stopping ticks=1"));
    EXPECT(
        said("error service.stopped code=69 why=\"the \\\"thing\\\" went "
             "away\""));
    spawn("--mode=fail-in-start", NULL);
    EXPECT_INT(ended(), SERVICE_SOFTWARE);
    EXPECT(said("why=\"said in start\""));
    EXPECT(strstr(c.text, "service.started") == NULL);
}

TEST(start_that_fails_is_stopped_all_the_same)
{
    spawn("--mode=refuse", NULL);
    EXPECT_INT(ended(), SERVICE_CONFIG);
    EXPECT(said("test.stopping ticks=0"));
    EXPECT(said("service.stopped code=78"));
}

TEST(broken_invariant_is_printed_and_aborts)
{
    spawn("--mode=check", NULL);
    EXPECT_INT(ended(), 1000 + SIGABRT);
    EXPECT(said("check.failed file="));
}

TEST(wrong_settings_end_before_anything_is_opened)
{
    spawn("--mod=x", NULL);
    EXPECT_INT(ended(), SERVICE_CONFIG);
    EXPECT_TEXT(c.text,
                "tidemill-test: --mod is not a flag; the nearest is "
                "--mode\n");
    spawn("--drain-ms=2h", NULL);
    EXPECT_INT(ended(), SERVICE_CONFIG);
    EXPECT(said("--drain-ms=\"2h\" is out of range; allowed: 0..3600000 ms"));
    spawn("stray", NULL);
    EXPECT_INT(ended(), SERVICE_USAGE);
    setenv("TIDEMILL_CHAIN", "x", 1);
    spawn(NULL, NULL);
    unsetenv("TIDEMILL_CHAIN");
    EXPECT_INT(ended(), SERVICE_CONFIG);
    EXPECT(said("the nearest is TIDEMILL_CHAINS"));
}

TEST(pages_are_printed_and_end_with_0)
{
    spawn("--settings", NULL);
    EXPECT_INT(ended(), SERVICE_OK);
    EXPECT(said("TIDEMILL_MODE"));
    EXPECT(said("TIDEMILL_DRAIN_MS"));
    EXPECT(said("TIDEMILL_MANAGEMENT_PORT"));
    spawn("--version", NULL);
    EXPECT_INT(ended(), SERVICE_OK);
    EXPECT(said("tidemill-test 0."));
    spawn("--help", NULL);
    EXPECT_INT(ended(), SERVICE_OK);
}

TEST(management_port_that_is_taken_is_told)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t bytes = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char flag[60];

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(listen(fd, 1) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &bytes) == 0);
    snprintf(flag, sizeof(flag), "--management-port=%d", ntohs(at.sin_port));
    spawn(flag, NULL);
    EXPECT_INT(ended(), SERVICE_UNAVAILABLE);
    EXPECT(said("service.refused management="));
    EXPECT(said("service.stopped code=69"));
    close(fd);
}

TEST(json_log_is_a_setting)
{
    spawn("--log-format=json", NULL);
    EXPECT(said("\"event\":\"service.started\",\"program\":\"tidemill-test\""));
    tell(SIGTERM);
    EXPECT_INT(ended(), SERVICE_OK);
}

TEST(descriptors_are_raised_to_the_hard_limit)
{
    struct rlimit before, low;
    char line[100];

    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    low = (struct rlimit){256, before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
    spawn_running(NULL);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    ask("GET", "/metrics", "");
    snprintf(line, sizeof(line), "\nprocess_max_fds %llu\n",
             (unsigned long long)before.rlim_max);
    EXPECT(strstr(answer, line) != NULL);
    tell(SIGTERM);
    EXPECT_INT(ended(), SERVICE_OK);
}
