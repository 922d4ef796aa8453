/*
 * tests/unit/base/command_test.c: subcommands, their arguments, exit codes and
 * progress, in processes of their own.
 *
 * From: ctest.
 * To:   consumer/base/command.c and its files.
 */
#include "consumer/base/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

static bool json, execute;
static const char *from;
static long long rate = 10;
static const char *brokers;

static const struct command_option send_options[] = {
    COMMAND_FLAG("json", &json, "one object a line"),
    COMMAND_FLAG("execute", &execute, "act"),
    COMMAND_TEXT("from", &from, "ID", "first record"),
    COMMAND_COUNT("rate", &rate, 1, 100, "a second"),
};
static const struct setting send_settings[] = {
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "localhost:9092", "the brokers"),
};

static int run_send(int argc, char **argv)
{
    int i;

    printf("json=%d execute=%d from=%s rate=%lld brokers=%s", json, execute,
           from == NULL ? "-" : from, rate, brokers);
    for (i = 0; i < argc; i++)
        printf(" [%s]", argv[i]);
    printf("\n");
    log_info("send.quiet");
    log_warn("send.loud");
    return argc > 3 ? command_fail(COMMAND_DATA, "too many: %d", argc) : 0;
}

static void raise_sigterm(void *arg)
{
    (void)arg;
    CHECK(kill(getpid(), SIGTERM) == 0);
}

static int run_wait(int argc, char **argv)
{
    struct loop_timer *t;
    bool done = false;
    struct loop *l;
    int rc;

    (void)argc;
    CHECK(loop_open(&l) == 0);
    t = loop_timer_open(l, "test.signal", raise_sigterm, NULL);
    if (strcmp(argv[1], "signal") == 0)
        loop_timer_start(t, 5, 0);
    rc = command_run_until(l, &done, *argv[1] == 's' ? 0 : 30);
    loop_timer_close(t);
    loop_close(l);
    printf("%s\n", fail_name(rc));
    return command_exit_code(rc);
}

static int run_progress(int argc, char **argv)
{
    struct command_progress *p = command_progress_open("replay", 1000000);
    int64_t i;

    (void)argc;
    (void)argv;
    for (i = 0; i <= 1234; i++)
        command_progress_set(p, (uint64_t)i * 100);
    command_progress_total(p, 250000);
    command_progress_close(p);
    command_progress_close(NULL);
    return 0;
}

static int run_raw(int argc, char **argv)
{
    printf("%d %s\n", argc, argv[1]);
    return 0;
}

static const struct command send_command = {
    .name = "tx send",
    .usage = "[--json] FILE...",
    .help = "sends transactions\nOne a line.",
    .options = send_options,
    .options_count = 4,
    .settings = send_settings,
    .settings_count = 1,
    .run = run_send,
};
static const struct command get_command = {
    .name = "tx get", .help = "reads one", .run = run_raw, .raw = true};
static const struct command wait_command = {
    .name = "wait", .help = "waits", .run = run_wait};
static const struct command replay_command = {
    .name = "replay", .help = "shows progress", .run = run_progress};
static const struct command *const commands[] = {
    &send_command, &get_command, &wait_command, &replay_command};
static const struct command_heading headings[] = {{"tx send", "First"},
                                                  {"replay", "Last"}};
static const char *const known[] = {"LISTEN"};
static const struct command_table table = {
    .program = "tm",
    .about = "the operator's command",
    .commands = commands,
    .commands_count = 4,
    .headings = headings,
    .headings_count = 2,
    .known = known,
    .known_count = 1,
};

static char output[1 << 16], errors[1 << 16];

static void read_all(FILE *f, char *out, size_t out_max)
{
    size_t got;

    rewind(f);
    got = fread(out, 1, out_max - 1, f);
    out[got] = '\0';
    fclose(f);
}

/* Runs the command line in a child; its exit code, and what it wrote. */
static int tm(const char *line)
{
    FILE *out = tmpfile(), *err = tmpfile();
    char copy[500], *argv[30] = {(char *)"tm"}, *save, *word;
    int argc = 1, status;
    pid_t pid;

    snprintf(copy, sizeof(copy), "%s", line);
    for (word = strtok_r(copy, " ", &save); word != NULL;
         word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    fflush(stdout);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(fileno(out), 1);
        dup2(fileno(err), 2);
        log_redirect(-1);
        status = command_main(&table, argc, argv);
        fflush(stdout);
        _exit(status);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    read_all(out, output, sizeof(output));
    read_all(err, errors, sizeof(errors));
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool wrote(const char *words)
{
    bool found = strstr(output, words) != NULL || strstr(errors, words) != NULL;

    if (!found)
        printf("output: %s\nerrors: %s\n", output, errors);
    return found;
}

TEST(options_settings_and_operands_are_sorted)
{
    EXPECT_INT(tm("tx send --json a --from=1-2-3 --rate 7 "
                  "--kafka-brokers=h:1 b"),
               0);
    EXPECT_TEXT(output,
                "json=1 execute=0 from=1-2-3 rate=7 brokers=h:1 "
                "[tx send] [a] [b]\n");
    EXPECT(strstr(errors, "send.quiet") == NULL);
    EXPECT(wrote("send.loud"));
}

TEST(options_keep_their_presets_and_end_at_two_dashes)
{
    EXPECT_INT(tm("tx send -- --json -"), 0);
    EXPECT_TEXT(output,
                "json=0 execute=0 from=- rate=10 "
                "brokers=localhost:9092 [tx send] [--json] [-]\n");
}

TEST(command_returns_its_own_code_and_words)
{
    EXPECT_INT(tm("tx send a b c"), COMMAND_DATA);
    EXPECT(wrote("tm: too many: 4\n"));
}

TEST(misspelt_option_is_refused_with_the_nearest)
{
    EXPECT_INT(tm("tx send --excute"), COMMAND_USAGE);
    EXPECT(
        wrote("--excute is not an option of tx send; the nearest is "
              "--execute"));
    EXPECT_INT(tm("tx send --kafka-broker"), COMMAND_USAGE);
    EXPECT(wrote("the nearest is --kafka-brokers"));
    EXPECT_TEXT(output, "");
}

TEST(values_of_options_are_checked)
{
    EXPECT_INT(tm("tx send --rate=0"), COMMAND_USAGE);
    EXPECT(wrote("--rate=0: wants 1..100"));
    EXPECT_INT(tm("tx send --rate=5x"), COMMAND_USAGE);
    EXPECT_INT(tm("tx send --rate=101"), COMMAND_USAGE);
    EXPECT_INT(tm("tx send --rate"), COMMAND_USAGE);
    EXPECT(wrote("--rate wants a value"));
    EXPECT_INT(tm("tx send --json=yes"), COMMAND_USAGE);
}

TEST(wrong_settings_end_with_78)
{
    setenv("TIDEMILL_KAFKA_BROKERS", "e:1", 1);
    EXPECT_INT(tm("tx send"), 0);
    EXPECT(wrote("brokers=e:1"));
    unsetenv("TIDEMILL_KAFKA_BROKERS");
    setenv("TIDEMILL_LISTN", "x", 1);
    EXPECT_INT(tm("tx send"), COMMAND_CONFIG);
    EXPECT(wrote("the nearest is TIDEMILL_LISTEN"));
    unsetenv("TIDEMILL_LISTN");
    EXPECT_INT(tm("tx send --log-level=loud"), COMMAND_CONFIG);
}

TEST(log_level_is_a_setting_of_every_command)
{
    EXPECT_INT(tm("tx send --log-level=info"), 0);
    EXPECT(wrote("send.quiet"));
    EXPECT_INT(tm("tx send --settings"), 0);
    EXPECT(wrote("TIDEMILL_LOG_LEVEL"));
    EXPECT(wrote("TIDEMILL_KAFKA_BROKERS"));
}

TEST(unknown_command_is_told_with_the_nearest)
{
    EXPECT_INT(tm("repaly"), COMMAND_USAGE);
    EXPECT(wrote("\"repaly\" is not a command; the nearest is replay"));
    EXPECT_INT(tm("tx sned"), COMMAND_USAGE);
    EXPECT(wrote("the nearest is tx send"));
    EXPECT_INT(tm("tx sned --json"), COMMAND_USAGE);
    EXPECT(wrote("the nearest is tx send"));
}

TEST(first_word_of_several_commands_lists_them)
{
    EXPECT_INT(tm("tx"), COMMAND_USAGE);
    EXPECT(wrote("tx send            sends transactions\n"));
    EXPECT(wrote("tx get             reads one\n"));
    EXPECT(!wrote("replay"));
    EXPECT_INT(tm("tx --json"), COMMAND_USAGE);
    EXPECT_INT(tm("tx --help"), 0);
    EXPECT(wrote("tx send"));
    EXPECT_INT(tm("help tx"), 0);
    EXPECT(wrote("tx get"));
    EXPECT_INT(tm("t"), COMMAND_USAGE);
    EXPECT(wrote("is not a command"));
}

TEST(headings_stand_above_the_commands_they_name)
{
    EXPECT_INT(tm("--help"), 0);
    EXPECT(wrote("\nFirst:\n  tx send"));
    EXPECT(wrote("\nLast:\n  replay"));
}

TEST(help_is_there_in_every_form)
{
    EXPECT_INT(tm(""), COMMAND_USAGE);
    EXPECT(wrote("tx send            sends transactions\n"));
    EXPECT_INT(tm("--help"), 0);
    EXPECT_INT(tm("help"), 0);
    EXPECT(wrote("replay"));
    EXPECT_INT(tm("tx send --help --nonsense=1"), COMMAND_USAGE);
    EXPECT_INT(tm("tx send x --help"), 0);
    EXPECT(wrote("Usage: tm tx send [--json] FILE..."));
    EXPECT(wrote("--rate=N"));
    EXPECT(wrote("--kafka-brokers=VALUE"));
    EXPECT_INT(tm("help tx send"), 0);
    EXPECT(wrote("Usage: tm tx send"));
    EXPECT_INT(tm("help nonsense"), COMMAND_USAGE);
    EXPECT_INT(tm("--version"), 0);
    EXPECT(wrote("tm 0."));
}

TEST(raw_command_gets_its_arguments_unparsed)
{
    EXPECT_INT(tm("tx get --what-ever"), 0);
    EXPECT_TEXT(output, "2 --what-ever\n");
}

TEST(waiting_ends_by_deadline_and_by_signal)
{
    EXPECT_INT(tm("wait long"), COMMAND_TEMPORARY);
    EXPECT_TEXT(output, "timeout\n");
    EXPECT_INT(tm("wait signal"), COMMAND_TEMPORARY);
    EXPECT_TEXT(output, "gone\n");
}

TEST(progress_is_silent_unless_somebody_looks)
{
    EXPECT_INT(tm("replay"), 0);
    EXPECT_TEXT(errors, "");
    EXPECT_INT(tm("replay --progress"), 0);
    EXPECT(wrote("replay  [=========>          ]  49%  123,400 of 250,000  "));
}
