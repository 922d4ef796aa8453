/*
 * tests/unit/ctl/procs_test.c: names, pids, and the lines of /proc.
 *
 * From: ctest.
 * To:   deploy/ctl/procs.c.
 */
#include "deploy/ctl/procs.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

TEST(a_list_has_names_and_pids)
{
    struct procs p;

    EXPECT_INT(procs_parse("door=12,verifier=3,verifier=4", &p), 0);
    EXPECT_INT(p.count, 3);
    EXPECT_TEXT(p.list[0].name, "door");
    EXPECT_INT(p.list[0].pid, 12);
    EXPECT_INT(procs_first(&p, 0), 0);
    EXPECT_INT(procs_first(&p, 2), 1);
}

TEST(a_list_that_is_none_is_refused)
{
    static const char *const wrong[] = {
        "",       "door",
        "door=",  "=1",
        "door=0", "a=-1",
        "a=1,",   "a=1,,b=2",
        "a=1 ",   "a=99999999999",
        "a=+1",   "a123456789012345678901234567890123=1",
    };
    struct procs p;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        EXPECT_INT(procs_parse(wrong[i], &p), FAIL_MALFORMED);
}

TEST(a_name_may_hold_blanks_and_parentheses)
{
    struct proc_stat s;
    struct bytes line = BYTES_LITERAL(
        "311 (a) b (c) S 7 311 311 0 -1 4194560 1 2 3 4 100 20 30 4 20 0 1 0 5 "
        "6 7");

    EXPECT_INT(procs_parse_stat(line, &s), 0);
    EXPECT_INT(s.pid, 311);
    EXPECT_INT(s.parent, 7);
    EXPECT_INT(s.own_ticks, 120);
    EXPECT_INT(s.reaped_ticks, 34);
    EXPECT_INT(procs_parse_stat(BYTES_LITERAL("311 (a) S 7"), &s),
               FAIL_MALFORMED);
    EXPECT_INT(procs_parse_stat(BYTES_LITERAL("nothing"), &s), FAIL_MALFORMED);
}

/* Spins until this process has used so much CPU time. */
static void spin(long ms)
{
    struct timespec t;

    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
}

TEST(a_process_counts_with_its_children)
{
    struct procs p = {.count = 1, .list = {{"self", getpid()}}};
    uint64_t before, after;
    size_t gone;
    pid_t child;

    EXPECT_INT(procs_read(&p, &before, &gone), 0);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        spin(100);
        _exit(0);
    }
    EXPECT(waitpid(child, NULL, 0) == child);
    EXPECT_INT(procs_read(&p, &after, &gone), 0);
    EXPECT(after - before >= 50000);
}

TEST(a_process_that_has_gone_is_named)
{
    struct procs p = {.count = 2, .list = {{"self", getpid()}, {"gone", 0}}};
    uint64_t us[2];
    size_t gone = 9;
    pid_t child = fork();

    EXPECT(child >= 0);
    if (child == 0)
        _exit(0);
    EXPECT(waitpid(child, NULL, 0) == child);
    p.list[1].pid = child;
    EXPECT_INT(procs_read(&p, us, &gone), FAIL_NOT_FOUND);
    EXPECT_INT(gone, 1);
}
