/*
 * tests/unit/base/loop_test.c: timers, wake-ups, descriptors, hooks, measures.
 *
 * From: ctest.
 * To:   consumer/base/loop.c and its files.
 */
#include "consumer/base/loop.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/metrics.h"
#include "tests/support/harness.h"

#define WAIT_MS 5000

/* What the callbacks of one test share. */
static struct scene {
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_wake *wake;
    struct loop_poll *poll;
    struct loop_hook *hook, *hook2;
    int fds[2];
    int count;
    bool done;
    bool readable, writable, error;
    char order[64];
} s;

static void begin(void)
{
    memset(&s, 0, sizeof(s));
    EXPECT_INT(loop_open(&s.loop), 0);
}

static void note(const char *word)
{
    CHECK(strlen(s.order) + strlen(word) < sizeof(s.order));
    strcat(s.order, word);
}

static void finish(void *arg)
{
    (void)arg;
    s.done = true;
}

static void close_own_timer(void *arg)
{
    (void)arg;
    s.count++;
    loop_timer_close(s.timer);
    s.done = true;
}

static void count_to_three(void *arg)
{
    (void)arg;
    s.count++;
    if (s.count == 3) {
        loop_timer_stop(s.timer);
        s.done = true;
    }
}

static void busy_wait(int64_t ms)
{
    int64_t until = clock_ms() + ms;

    while (clock_ms() < until)
        continue;
}

TEST(loop_opens_and_closes_with_nothing_on_it)
{
    begin();
    loop_close(s.loop);
    loop_close(NULL);
}

TEST(timer_fires_once_and_not_before_its_time)
{
    int64_t before;

    begin();
    s.timer = loop_timer_open(s.loop, "test.timer", finish, NULL);
    before = clock_ms();
    loop_timer_start(s.timer, 30, 0);
    EXPECT(loop_timer_running(s.timer));
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    EXPECT(clock_ms() - before >= 29);
    EXPECT(!loop_timer_running(s.timer));
    loop_timer_close(s.timer);
    loop_close(s.loop);
}

TEST(timer_repeats_until_it_is_stopped)
{
    bool never = false;

    begin();
    s.timer = loop_timer_open(s.loop, "test.timer", count_to_three, NULL);
    loop_timer_start(s.timer, 0, 1);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    EXPECT(!loop_run_until(s.loop, &never, 20));
    EXPECT_INT(s.count, 3);
    loop_timer_close(s.timer);
    loop_close(s.loop);
}

TEST(timer_closes_itself_in_its_own_callback)
{
    begin();
    s.timer = loop_timer_open(s.loop, "test.timer", close_own_timer, NULL);
    loop_timer_start(s.timer, 0, 1);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    loop_close(s.loop);
    EXPECT_INT(s.count, 1);
}

TEST(run_until_gives_up_at_its_deadline)
{
    int64_t before = clock_ms();

    begin();
    EXPECT(!loop_run_until(s.loop, &s.done, 20));
    EXPECT(clock_ms() - before >= 19);
    loop_close(s.loop);
}

TEST(loop_now_is_the_monotonic_clock)
{
    bool never = false;
    int64_t apart;

    begin();
    loop_run_until(s.loop, &never, 5);
    apart = clock_ms() - loop_now_ms(s.loop);
    EXPECT(apart >= 0 && apart < 1000);
    loop_close(s.loop);
}

static void stop_loop(void *arg)
{
    (void)arg;
    loop_stop(s.loop);
}

TEST(run_goes_on_until_stopped_from_inside)
{
    begin();
    s.timer = loop_timer_open(s.loop, "test.timer", stop_loop, NULL);
    loop_timer_start(s.timer, 10, 0);
    loop_run(s.loop);
    /* Stopped before it runs: it ends at once, and only once. */
    loop_stop(s.loop);
    loop_run(s.loop);
    loop_timer_start(s.timer, 1, 0);
    loop_run(s.loop);
    loop_timer_close(s.timer);
    loop_close(s.loop);
}

static void *stop_later(void *arg)
{
    struct timespec t = {.tv_nsec = 10000000};

    nanosleep(&t, NULL);
    loop_stop(arg);
    return NULL;
}

TEST(run_ends_when_another_thread_stops_it)
{
    pthread_t thread;

    begin();
    EXPECT_INT(pthread_create(&thread, NULL, stop_later, s.loop), 0);
    loop_run(s.loop);
    pthread_join(thread, NULL);
    loop_close(s.loop);
}

static int given; /* by the other thread, before each wake */

static void on_wake(void *arg)
{
    (void)arg;
    s.count = __atomic_load_n(&given, __ATOMIC_ACQUIRE);
    if (s.count == 1000) {
        loop_wake_close(s.wake);
        s.done = true;
    }
}

static void *wake_often(void *arg)
{
    int i;

    (void)arg;
    for (i = 1; i <= 1000; i++) {
        __atomic_store_n(&given, i, __ATOMIC_RELEASE);
        if (i < 1000)
            loop_wake(s.wake);
    }
    return NULL;
}

TEST(no_wake_from_another_thread_is_lost)
{
    pthread_t thread;

    begin();
    given = 0;
    s.wake = loop_wake_open(s.loop, "test.wake", on_wake, NULL);
    EXPECT_INT(pthread_create(&thread, NULL, wake_often, NULL), 0);
    pthread_join(thread, NULL);
    /* The last wake-up; what it announces is seen although most were merged. */
    loop_wake(s.wake);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    loop_close(s.loop);
}

static void on_poll(void *arg, bool readable, bool writable, bool error)
{
    char byte;

    (void)arg;
    s.readable |= readable;
    s.writable |= writable;
    s.error |= error;
    s.count++;
    if (writable)
        loop_poll_want(s.poll, true, false);
    if (readable)
        s.done = read(s.fds[0], &byte, 1) == 1;
}

TEST(poll_reports_what_is_wanted_and_nothing_else)
{
    bool never = false;

    begin();
    EXPECT_INT(pipe(s.fds), 0);
    s.poll = loop_poll_open(s.loop, "test.poll", s.fds[0], on_poll, NULL);
    EXPECT(s.poll != NULL);
    EXPECT_INT(write(s.fds[1], "ab", 2), 2);
    EXPECT(!loop_run_until(s.loop, &never, 10));
    EXPECT_INT(s.count, 0);
    loop_poll_want(s.poll, true, false);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    EXPECT_INT(s.count, 1);
    /* The second byte is still there: reported again. */
    s.done = false;
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    loop_poll_want(s.poll, false, false);
    EXPECT_INT(write(s.fds[1], "c", 1), 1);
    EXPECT(!loop_run_until(s.loop, &never, 10));
    EXPECT_INT(s.count, 2);
    loop_poll_close(s.poll);
    close(s.fds[0]);
    close(s.fds[1]);
    loop_close(s.loop);
}

TEST(poll_of_a_file_is_refused)
{
    FILE *file = tmpfile();

    EXPECT(file != NULL);
    begin();
    EXPECT(loop_poll_open(s.loop, "test.poll", fileno(file), on_poll, NULL) ==
           NULL);
    fclose(file);
    loop_close(s.loop);
}

static void close_poll_and_fd(void *arg, bool readable, bool writable,
                              bool error)
{
    (void)arg;
    (void)readable;
    (void)writable;
    (void)error;
    loop_poll_close(s.poll);
    close(s.fds[0]);
    s.done = true;
}

TEST(poll_and_its_descriptor_close_in_the_callback)
{
    begin();
    EXPECT_INT(pipe(s.fds), 0);
    s.poll =
        loop_poll_open(s.loop, "test.poll", s.fds[0], close_poll_and_fd, NULL);
    loop_poll_want(s.poll, true, false);
    EXPECT_INT(write(s.fds[1], "a", 1), 1);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    close(s.fds[1]);
    loop_close(s.loop);
}

static void hook_a(void *arg)
{
    (void)arg;
    note("a");
    if (s.count-- > 0)
        loop_hook_arm(s.hook);
}

static void hook_b(void *arg)
{
    (void)arg;
    note("b");
    s.done = true;
}

static void arm_both(void *arg)
{
    (void)arg;
    note("t");
    loop_hook_arm(s.hook2);
    loop_hook_arm(s.hook);
    loop_hook_arm(s.hook2);
}

TEST(hooks_run_once_at_the_end_of_the_turn_in_the_order_armed)
{
    begin();
    s.hook = loop_hook_open(s.loop, "test.a", hook_a, NULL);
    s.hook2 = loop_hook_open(s.loop, "test.b", hook_b, NULL);
    s.timer = loop_timer_open(s.loop, "test.timer", arm_both, NULL);
    loop_timer_start(s.timer, 1, 0);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    EXPECT_TEXT(s.order, "tba");
    loop_hook_close(s.hook);
    loop_hook_close(s.hook2);
    loop_timer_close(s.timer);
    loop_close(s.loop);
}

TEST(hook_that_arms_itself_runs_again_without_blocking_and_lets_others_in)
{
    int64_t before = clock_ms();

    begin();
    s.hook = loop_hook_open(s.loop, "test.a", hook_a, NULL);
    s.count = 20;
    s.timer = loop_timer_open(s.loop, "test.timer", finish, NULL);
    loop_timer_start(s.timer, 0, 0);
    loop_hook_arm(s.hook);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    s.done = false;
    EXPECT(!loop_run_until(s.loop, &s.done, 20));
    EXPECT_TEXT(s.order, "aaaaaaaaaaaaaaaaaaaaa");
    EXPECT(clock_ms() - before < WAIT_MS);
    loop_hook_close(s.hook);
    loop_timer_close(s.timer);
    loop_close(s.loop);
}

TEST(hook_that_finishes_the_wait_ends_it_although_nothing_else_happens)
{
    int64_t before = clock_ms();

    begin();
    s.hook2 = loop_hook_open(s.loop, "test.b", hook_b, NULL);
    loop_hook_arm(s.hook2);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    EXPECT(clock_ms() - before < WAIT_MS / 2);
    loop_hook_close(s.hook2);
    loop_close(s.loop);
}

static void close_both_hooks(void *arg)
{
    (void)arg;
    note("x");
    loop_hook_close(s.hook);
    loop_hook_close(s.hook2);
    s.done = true;
}

TEST(hook_closed_while_armed_or_running_never_runs_again)
{
    bool never = false;

    begin();
    s.hook = loop_hook_open(s.loop, "test.x", close_both_hooks, NULL);
    s.hook2 = loop_hook_open(s.loop, "test.b", hook_b, NULL);
    loop_hook_arm(s.hook);
    loop_hook_arm(s.hook2);
    EXPECT(loop_run_until(s.loop, &s.done, WAIT_MS));
    EXPECT(!loop_run_until(s.loop, &never, 5));
    EXPECT_TEXT(s.order, "x");
    loop_close(s.loop);
}

TEST(armed_hook_may_be_closed_and_the_loop_with_it)
{
    begin();
    s.hook = loop_hook_open(s.loop, "test.a", hook_a, NULL);
    loop_hook_arm(s.hook);
    loop_hook_close(s.hook);
    loop_close(s.loop);
    EXPECT_TEXT(s.order, "");
}

/* Runs `run` in a child whose standard error comes back as text. */
static int in_child(void (*run)(void), char *out, size_t out_max)
{
    int fds[2], status = 0;
    size_t count = 0;
    ssize_t got;
    pid_t pid;

    CHECK(pipe(fds) == 0);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], 2);
        log_redirect(-1);
        run();
        _exit(0);
    }
    close(fds[1]);
    while ((got = read(fds[0], out + count, out_max - count - 1)) > 0)
        count += (size_t)got;
    out[count] = '\0';
    close(fds[0]);
    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}

static void leak_a_timer(void)
{
    begin();
    s.timer = loop_timer_open(s.loop, "test.forgotten", finish, NULL);
    loop_close(s.loop);
}

TEST(what_was_not_closed_stops_the_process_and_is_named)
{
    char text[4096];
    int status = in_child(leak_a_timer, text, sizeof(text));

    EXPECT(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
    EXPECT(strstr(text, "loop.leaked name=test.forgotten") != NULL);
}

static void be_slow(void *arg)
{
    (void)arg;
    busy_wait(30);
    s.done = true;
}

static void slow_turn(void)
{
    begin();
    s.timer = loop_timer_open(s.loop, "test.sluggish", be_slow, NULL);
    loop_timer_start(s.timer, 0, 0);
    loop_run_until(s.loop, &s.done, WAIT_MS);
    loop_timer_close(s.timer);
    loop_close(s.loop);
}

TEST(slow_turn_is_logged_with_the_name_of_what_ran)
{
    char text[4096], *at;

    EXPECT_INT(in_child(slow_turn, text, sizeof(text)), 0);
    at = strstr(text, " warn loop.slow ms=");
    EXPECT(at != NULL);
    EXPECT(atoi(at + strlen(" warn loop.slow ms=")) >= 29);
    EXPECT(strstr(text, " ran=test.sluggish ") != NULL);
}

static void slow_again(void *arg)
{
    (void)arg;
    busy_wait(12);
    s.done = ++s.count == 10;
}

static void slow_turns(void)
{
    begin();
    s.timer = loop_timer_open(s.loop, "test.sluggish", slow_again, NULL);
    loop_timer_start(s.timer, 0, 1);
    loop_run_until(s.loop, &s.done, WAIT_MS);
    loop_timer_close(s.timer);
    loop_close(s.loop);
}

TEST(many_slow_turns_are_one_line)
{
    char text[4096], *first;

    EXPECT_INT(in_child(slow_turns, text, sizeof(text)), 0);
    first = strstr(text, "loop.slow");
    EXPECT(first != NULL);
    EXPECT(strstr(first + 1, "loop.slow") == NULL);
}

TEST(quick_turns_are_not_called_slow_and_lag_is_measured)
{
    struct metric *lag =
        metric_histogram("tidemill_loop_lag_seconds", NULL, "", METRIC_SECONDS);
    struct metric *turns = metric_histogram("tidemill_loop_turn_seconds", NULL,
                                            "", METRIC_SECONDS);
    double lag_before = metric_value(lag), turns_before = metric_value(turns);
    bool never = false;

    begin();
    loop_run_until(s.loop, &never, 250);
    EXPECT(metric_value(lag) - lag_before >= 1);
    EXPECT(metric_value(turns) > turns_before);
    loop_close(s.loop);
}
