/*
 * tests/unit/base/setting_test.c: values, ranges, names and pages of settings.
 *
 * From: ctest.
 * To:   consumer/base/setting.c and its files.
 */
#include "consumer/base/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/harness.h"

static const char *listen_at, *database, *token, *format;
static long long count, wait_ms, room;
static bool open_door;

static const struct setting first[] = {
    SETTING_TEXT("LISTEN", &listen_at, ":8080", "where the door listens"),
    SETTING_COUNT("BATCH_COUNT", &count, 1, 10000, 500, "records in a write"),
    SETTING_MS("BATCH_MS", &wait_ms, 1, 60000, 5, "how long a batch waits"),
    SETTING_BYTES("BATCH_BYTES", &room, 1024, 1 << 30, 1048576, "its size"),
    SETTING_FLAG("OPEN", &open_door, false, "no token is needed"),
};
static const struct setting second[] = {
    SETTING_TEXT_ALIAS("DATABASE_URL", "DATABASE_URL", &database, NULL,
                       "PostgreSQL"),
    SETTING_SECRET("TOKEN", &token, "the key of keys"),
    SETTING_CHOICE("FORMAT", &format, "text|json", "text", "how lines look"),
};
static const struct setting_table tables[] = {{first, 5}, {second, 3}};
static const char *const known[] = {"CHAINS", "LISTEN", "REDIS_URL"};
static const struct setting_options options = {
    .program = "tm-test",
    .about = "a program of a test",
    .tables = tables,
    .tables_count = 2,
    .known = known,
    .known_count = 3,
};

static struct buffer text;

/* Loads with environment and arguments, each a list that ends with NULL. */
static enum setting_outcome load(char **environment, char **arguments)
{
    char *argv[20] = {(char *)"tm-test"};
    int argc = 1;

    while (*arguments != NULL)
        argv[argc++] = *arguments++;
    buffer_fini(&text);
    buffer_init(&text, 1 << 20);
    return setting_load(&options, argc, argv, environment, &text);
}

#define NONE ((char *[]){NULL})
#define ENV(...) ((char *[]){__VA_ARGS__, NULL})
#define ARGS(...) ((char *[]){__VA_ARGS__, NULL})

static bool says(const char *words)
{
    bool found = strstr(buffer_text(&text), words) != NULL;

    if (!found)
        printf("found: %s\n", buffer_text(&text));
    return found;
}

TEST(defaults_hold_when_nothing_is_set)
{
    EXPECT_INT(load(NONE, NONE), SETTING_LOADED);
    EXPECT_TEXT(listen_at, ":8080");
    EXPECT_INT(count, 500);
    EXPECT_INT(wait_ms, 5);
    EXPECT_INT(room, 1048576);
    EXPECT(!open_door);
    EXPECT(database == NULL && token == NULL);
    EXPECT_TEXT(format, "text");
}

TEST(flags_win_over_the_environment_and_it_over_defaults)
{
    EXPECT_INT(load(ENV("TIDEMILL_BATCH_COUNT=7", "TIDEMILL_LISTEN=:1"),
                    ARGS("--listen=:2", "--open")),
               SETTING_LOADED);
    EXPECT_INT(count, 7);
    EXPECT_TEXT(listen_at, ":2");
    EXPECT(open_door);
    EXPECT_INT(load(NONE, NONE), SETTING_LOADED);
    EXPECT(!open_door);
}

TEST(empty_variable_counts_as_unset)
{
    EXPECT_INT(load(ENV("TIDEMILL_BATCH_COUNT=", "TIDEMILL_TOKEN_FILE="), NONE),
               SETTING_LOADED);
    EXPECT_INT(count, 500);
}

TEST(times_and_sizes_carry_units)
{
    static const struct {
        const char *written;
        long long ms;
    } times[] = {{"5", 5},
                 {"5ms", 5},
                 {"2s", 2000},
                 {"1m", 60000},
                 {"0", -1},
                 {"61s", -1},
                 {"5 s", -1},
                 {"5S", -1},
                 {"", 5},
                 {"-1", -1},
                 {"+5", -1},
                 {"0x5", -1},
                 {"1.5s", -1},
                 {"9999999999999999999", -1},
                 {"9223372036854775807d", -1}};
    char entry[100];
    size_t i;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        snprintf(entry, sizeof(entry), "TIDEMILL_BATCH_MS=%s",
                 times[i].written);
        if (times[i].ms < 0) {
            EXPECT_INT(load(ENV(entry), NONE), SETTING_WRONG);
            EXPECT(says("1..60000 ms"));
        } else {
            EXPECT_INT(load(ENV(entry), NONE), SETTING_LOADED);
            EXPECT_INT(wait_ms, times[i].ms);
        }
    }
    EXPECT_INT(load(NONE, ARGS("--batch-bytes=16KiB")), SETTING_LOADED);
    EXPECT_INT(room, 16384);
    EXPECT_INT(load(NONE, ARGS("--batch-bytes=1GiB")), SETTING_LOADED);
    EXPECT_INT(room, 1 << 30);
    EXPECT_INT(load(NONE, ARGS("--batch-bytes=16kb")), SETTING_WRONG);
}

TEST(both_ends_of_a_range_are_inside_and_the_next_are_not)
{
    EXPECT_INT(load(NONE, ARGS("--batch-count=1")), SETTING_LOADED);
    EXPECT_INT(load(NONE, ARGS("--batch-count=10000")), SETTING_LOADED);
    EXPECT_INT(load(NONE, ARGS("--batch-count=0")), SETTING_WRONG);
    EXPECT_INT(load(NONE, ARGS("--batch-count=10001")), SETTING_WRONG);
}

TEST(wrong_value_is_told_with_name_value_and_range)
{
    EXPECT_INT(load(ENV("TIDEMILL_BATCH_COUNT=0"), NONE), SETTING_WRONG);
    EXPECT_TEXT(buffer_text(&text),
                "tm-test: TIDEMILL_BATCH_COUNT=\"0\" is out of range; "
                "allowed: 1..10000\n");
    EXPECT_INT(load(ENV("TIDEMILL_FORMAT=xml"), NONE), SETTING_WRONG);
    EXPECT(
        says("TIDEMILL_FORMAT=\"xml\" is none of the words it may be; "
             "allowed: text|json"));
    EXPECT_INT(load(NONE, ARGS("--open=perhaps")), SETTING_WRONG);
    EXPECT(says("--open=\"perhaps\" is neither true nor false"));
    EXPECT_INT(load(NONE, ARGS("--batch-ms")), SETTING_WRONG);
    EXPECT(says("--batch-ms=\"\" wants a value after '='"));
}

TEST(every_fault_is_told_at_once)
{
    EXPECT_INT(load(ENV("TIDEMILL_BATCH_COUNT=x", "TIDEMILL_NONSENSE=1"),
                    ARGS("--format=xml")),
               SETTING_WRONG);
    EXPECT(says("TIDEMILL_BATCH_COUNT"));
    EXPECT(says("TIDEMILL_NONSENSE"));
    EXPECT(says("--format"));
}

TEST(unknown_variable_is_told_with_the_nearest_name)
{
    EXPECT_INT(load(ENV("TIDEMILL_BATCHCOUNT=5"), NONE), SETTING_WRONG);
    EXPECT(
        says("TIDEMILL_BATCHCOUNT is not a setting; the nearest is "
             "TIDEMILL_BATCH_COUNT\n"));
    EXPECT_INT(load(ENV("TIDEMILL_CHAIN=5"), NONE), SETTING_WRONG);
    EXPECT(says("the nearest is TIDEMILL_CHAINS\n"));
    EXPECT_INT(load(ENV("TIDEMILL_listen=5"), NONE), SETTING_WRONG);
}

TEST(unknown_flag_is_told_with_the_nearest_flag)
{
    EXPECT_INT(load(NONE, ARGS("--batch-cuont=5")), SETTING_WRONG);
    EXPECT(
        says("--batch-cuont is not a flag; the nearest is "
             "--batch-count\n"));
    EXPECT_INT(load(NONE, ARGS("--batch_count=5")), SETTING_WRONG);
    EXPECT(says("the nearest is --batch-count\n"));
    EXPECT_INT(load(NONE, ARGS("--chains=5")), SETTING_WRONG);
    EXPECT_INT(load(NONE, ARGS("--=")), SETTING_WRONG);
}

TEST(settings_of_other_programs_pass_in_the_environment)
{
    EXPECT_INT(load(ENV("TIDEMILL_CHAINS=x", "TIDEMILL_REDIS_URL_FILE=/none",
                        "PATH=/bin", "TIDEMILLS=1"),
                    NONE),
               SETTING_LOADED);
}

TEST(argument_that_is_no_flag_is_a_fault_of_usage)
{
    EXPECT_INT(load(NONE, ARGS("listen=:1")), SETTING_USAGE);
    EXPECT(says("listen=:1 is no flag; try --help"));
    EXPECT_INT(load(NONE, ARGS("--")), SETTING_USAGE);
}

TEST(kafka_keys_pass_in_both_ways_and_flags_come_last)
{
    const char *name, *value;

    EXPECT_INT(load(ENV("TIDEMILL_KAFKA_LINGER_MS=7", "TIDEMILL_KAFKA_A="),
                    ARGS("--kafka-linger-ms=9")),
               SETTING_LOADED);
    EXPECT(setting_passed(0, &name, &value));
    EXPECT_TEXT(name, "LINGER_MS");
    EXPECT_TEXT(value, "7");
    EXPECT(setting_passed(1, &name, &value));
    EXPECT_TEXT(name, "LINGER_MS");
    EXPECT_TEXT(value, "9");
    EXPECT(!setting_passed(2, &name, &value));
    EXPECT_TEXT(getenv("TIDEMILL_KAFKA_LINGER_MS"), "9");
    unsetenv("TIDEMILL_KAFKA_LINGER_MS");
}

TEST(alias_is_read_when_our_own_name_is_not_set)
{
    EXPECT_INT(load(ENV("DATABASE_URL=postgresql:///a"), NONE), SETTING_LOADED);
    EXPECT_TEXT(database, "postgresql:///a");
    EXPECT_INT(load(ENV("DATABASE_URL=postgresql:///a",
                        "TIDEMILL_DATABASE_URL=postgresql:///b"),
                    NONE),
               SETTING_LOADED);
    EXPECT_TEXT(database, "postgresql:///b");
}

static char path[] = "/tmp/tidemill-setting-XXXXXX";

static void write_file(const char *content, size_t bytes)
{
    int fd;

    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK(write(fd, content, bytes) == (ssize_t)bytes);
    close(fd);
}

static enum setting_outcome load_file(const char *content, size_t bytes)
{
    char entry[200];
    enum setting_outcome outcome;

    write_file(content, bytes);
    snprintf(entry, sizeof(entry), "TIDEMILL_TOKEN_FILE=%s", path);
    outcome = load(ENV(entry), NONE);
    unlink(path);
    return outcome;
}

TEST(secret_comes_from_a_file_without_the_space_around_it)
{
    EXPECT_INT(load_file(" s3cret words \r\n", 16), SETTING_LOADED);
    EXPECT_TEXT(token, "s3cret words");
}

TEST(file_of_a_secret_has_limits)
{
    static char big[SETTING_TEXT_MAX + 2];

    memset(big, 'x', sizeof(big));
    EXPECT_INT(load_file(big, SETTING_TEXT_MAX), SETTING_LOADED);
    EXPECT_INT(strlen(token), SETTING_TEXT_MAX);
    EXPECT_INT(load_file(big, SETTING_TEXT_MAX + 1), SETTING_WRONG);
    EXPECT_INT(load_file("\n", 1), SETTING_WRONG);
    EXPECT_INT(load_file("", 0), SETTING_WRONG);
    EXPECT_INT(load_file("a\0b", 3), SETTING_WRONG);
    EXPECT_INT(load(ENV("TIDEMILL_TOKEN_FILE=/does/not/exist"), NONE),
               SETTING_WRONG);
    EXPECT(says("TIDEMILL_TOKEN_FILE names a file that cannot be read"));
    EXPECT_INT(load(ENV("TIDEMILL_TOKEN_FILE=/tmp", "TIDEMILL_TOKEN=x"), NONE),
               SETTING_WRONG);
    EXPECT(says("TIDEMILL_TOKEN and its _FILE are both set"));
    EXPECT_INT(load(ENV("TIDEMILL_TOKEN_FILE=/tmp"), NONE), SETTING_WRONG);
}

TEST(only_secrets_are_read_from_files)
{
    EXPECT_INT(load(ENV("TIDEMILL_BATCH_MS_FILE=/tmp/x"), NONE), SETTING_WRONG);
    EXPECT_INT(load(NONE, ARGS("--batch-ms-file=/tmp/x")), SETTING_WRONG);
    write_file("from a file", 11);
    {
        char flag[100];

        snprintf(flag, sizeof(flag), "--token-file=%s", path);
        EXPECT_INT(load(NONE, ARGS(flag)), SETTING_LOADED);
    }
    EXPECT_TEXT(token, "from a file");
    unlink(path);
}

TEST(settings_page_shows_values_and_hides_secrets)
{
    EXPECT_INT(load(ENV("TIDEMILL_TOKEN=hush",
                        "DATABASE_URL=postgresql://me:h@u:sh@h:5432/d?x=1"),
                    ARGS("--settings", "--batch-ms=2s")),
               SETTING_PRINT);
    EXPECT(says("TIDEMILL_BATCH_MS"));
    EXPECT(says("2000"));
    EXPECT(says("how long a batch waits"));
    EXPECT(says("postgresql://me:***@h:5432/d?x=1"));
    EXPECT(says("(hidden)"));
    EXPECT(strstr(buffer_text(&text), "hush") == NULL);
}

TEST(passwords_are_hidden_in_every_form_of_a_connection_text)
{
    static const char *const forms[] = {
        "DATABASE_URL=host=h password=hush user=u",
        "DATABASE_URL=host=h password='hu sh hush' user=u",
        "DATABASE_URL=postgresql://h/d?password=hush&x=1",
        "DATABASE_URL=redis://:hush@h:1",
        "DATABASE_URL=redis://u:a/hush@h:1",
    };
    size_t i;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        EXPECT_INT(load(ENV((char *)forms[i]), ARGS("--settings")),
                   SETTING_PRINT);
        EXPECT(strstr(buffer_text(&text), "hush") == NULL);
    }
}

TEST(wrong_secret_is_not_repeated)
{
    static char long_token[SETTING_TEXT_MAX + 100];

    strcpy(long_token, "TIDEMILL_TOKEN=hush");
    memset(long_token + strlen(long_token), 'x', SETTING_TEXT_MAX);
    EXPECT_INT(load(ENV(long_token), NONE), SETTING_WRONG);
    EXPECT(says("TIDEMILL_TOKEN is too long"));
    EXPECT(strstr(buffer_text(&text), "hush") == NULL);
}

TEST(markdown_rows_have_no_values_and_escape_bars)
{
    EXPECT_INT(load(ENV("TIDEMILL_LISTEN=:9"), ARGS("--settings-markdown")),
               SETTING_PRINT);
    EXPECT(
        says("| `TIDEMILL_LISTEN` | text | up to 4096 bytes | :8080 | "
             "where the door listens |\n"));
    EXPECT(
        says("| `TIDEMILL_FORMAT` | word | text\\|json | text | "
             "how lines look |\n"));
    EXPECT(
        says("PostgreSQL; else DATABASE_URL; or "
             "TIDEMILL_DATABASE_URL_FILE"));
}

TEST(help_and_version_answer_even_when_settings_are_wrong)
{
    EXPECT_INT(load(ENV("TIDEMILL_NONSENSE=1"), ARGS("--help")), SETTING_PRINT);
    EXPECT(says("tm-test: a program of a test"));
    EXPECT(says("--batch-ms=VALUE"));
    EXPECT_INT(load(ENV("TIDEMILL_NONSENSE=1"), ARGS("--version")),
               SETTING_PRINT);
    EXPECT(says("tm-test 0."));
    EXPECT_INT(load(ENV("TIDEMILL_NONSENSE=1"), ARGS("--settings")),
               SETTING_WRONG);
}

TEST(flag_finds_its_row)
{
    EXPECT(setting_find_flag(&options, "--batch-ms=5") == &first[2]);
    EXPECT(setting_find_flag(&options, "--token-file=x") == &second[1]);
    EXPECT(setting_find_flag(&options, "--batch") == NULL);
    EXPECT(setting_find_flag(&options, "batch-ms") == NULL);
    EXPECT(setting_find_flag(&options, "-") == NULL);
}

TEST(distance_counts_letters)
{
    EXPECT_INT(setting_distance("", ""), 0);
    EXPECT_INT(setting_distance("", "abc"), 3);
    EXPECT_INT(setting_distance("kitten", "sitting"), 3);
    EXPECT_INT(setting_distance("LISTEN", "LISTEN"), 0);
}
