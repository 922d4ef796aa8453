/*
 * tests/unit/base/postgres_test.c: every statement gets exactly one answer,
 * whatever the server does.
 *
 * From: ctest.
 * To:   consumer/base/postgres.c against a private server.
 */
#include "consumer/base/postgres.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "consumer/base/loop.h"
#include "consumer/base/postgres_array.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"
#include "tests/support/postgres.h"

#define NOTES_MAX 600
#define WAIT_MS 20000

/* What came, in order: "ok SELECT 1=7", "error 22012", "lost" ... */
struct note {
    enum postgres_outcome outcome;
    char sqlstate[6];
    char tag[32];
    char text[80];
    int32_t number;
    int downs; /* changes of state before it */
};

static struct {
    struct loop *loop;
    struct postgres *pg;
    struct note notes[NOTES_MAX];
    size_t count, wanted;
    int ups, downs;
    bool done; /* what loop_run_until() waits for */
    bool drop_at_answer, close_at_answer;
    char why[200];
} t;

static void on_state(void *arg, enum postgres_state state, const char *why)
{
    (void)arg;
    if (state == POSTGRES_UP)
        t.ups++;
    else
        t.downs++;
    snprintf(t.why, sizeof(t.why), "%s", why);
    t.done = true;
}

static void on_answer(void *arg, const struct postgres_answer *a)
{
    struct note *n = &t.notes[t.count++];
    struct bytes cell = postgres_cell(a, 0, 0);

    (void)arg;
    CHECK(t.count < NOTES_MAX);
    memset(n, 0, sizeof(*n));
    n->outcome = a->outcome;
    memcpy(n->sqlstate, a->sqlstate, sizeof(n->sqlstate));
    snprintf(n->tag, sizeof(n->tag), "%s", a->tag);
    n->downs = t.downs;
    n->number = postgres_cell_i32(a, 0, 0, -1);
    snprintf(n->text, sizeof(n->text), "%.*s", (int)cell.count,
             cell.data == NULL ? "" : (const char *)cell.data);
    if (t.drop_at_answer)
        postgres_drop(t.pg, "asked to");
    if (t.close_at_answer) {
        postgres_close(t.pg);
        t.pg = NULL;
    }
    if (t.count >= t.wanted)
        t.done = true;
}

/* Runs the loop until `count` answers are there in all. */
static bool answers(size_t count)
{
    t.wanted = count;
    t.done = t.count >= count;
    return loop_run_until(t.loop, &t.done, WAIT_MS);
}

static bool until_state(void)
{
    t.wanted = (size_t)-1;
    t.done = false;
    return loop_run_until(t.loop, &t.done, WAIT_MS);
}

static void start(const char *url, bool read_write)
{
    struct postgres_options o = {.url = url,
                                 .application_name = "test",
                                 .read_write = read_write,
                                 .connect_ms = 1000,
                                 .name = "test"};

    memset(&t, 0, sizeof(t));
    EXPECT_INT(loop_open(&t.loop), 0);
    EXPECT_INT(postgres_open(t.loop, &o, on_state, NULL, &t.pg), 0);
}

static void stop(void)
{
    postgres_close(t.pg);
    loop_close(t.loop);
}

/* Up and ready in a new database; false: there is no PostgreSQL. */
static bool started(void)
{
    const char *url = test_postgres_database();

    if (url == NULL)
        return false;
    start(url, true);
    EXPECT(until_state());
    EXPECT_INT(t.ups, 1);
    return true;
}

static void ask(const char *sql)
{
    postgres_queue(t.pg, sql, NULL, 0, on_answer, NULL);
}

TEST(answers_come_in_the_order_of_their_statements)
{
    uint8_t at[8];
    struct postgres_param p;

    if (!started())
        return;
    p = postgres_i32(41, at);
    postgres_queue(t.pg, "SELECT $1 + 1", &p, 1, on_answer, NULL);
    ask("SELECT 'two'::text");
    ask("CREATE TABLE x (a int)");
    ask("INSERT INTO x SELECT generate_series(1, 5)");
    postgres_sync(t.pg, 5000);
    EXPECT_INT(t.count, 0); /* never from inside the call */
    EXPECT(answers(4));
    EXPECT_INT(t.notes[0].number, 42);
    EXPECT_TEXT(t.notes[1].text, "two");
    EXPECT_TEXT(t.notes[2].tag, "CREATE TABLE");
    EXPECT_TEXT(t.notes[3].tag, "INSERT 0 5");
    stop();
}

TEST(an_error_aborts_the_rest_of_its_flight_and_no_more)
{
    if (!started())
        return;
    ask("SELECT 1");
    ask("SELECT 1 / 0");
    ask("SELECT 2");
    postgres_sync(t.pg, 5000);
    ask("SELECT 3");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(4));
    EXPECT_INT(t.notes[0].outcome, POSTGRES_OK);
    EXPECT_INT(t.notes[1].outcome, POSTGRES_ERROR);
    EXPECT_TEXT(t.notes[1].sqlstate, "22012");
    EXPECT_INT(t.notes[2].outcome, POSTGRES_ABORTED);
    EXPECT_INT(t.notes[3].outcome, POSTGRES_OK);
    EXPECT_INT(t.notes[3].number, 3);
    EXPECT_INT(t.downs, 0);
    stop();
}

TEST(a_statement_that_does_not_parse_answers_for_itself)
{
    if (!started())
        return;
    ask("SELECT * FROM nowhere");
    ask("SELECT 1");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(2));
    EXPECT_TEXT(t.notes[0].sqlstate, "42P01");
    EXPECT_INT(t.notes[1].outcome, POSTGRES_ABORTED);
    ask("SELECT * FROM nowhere");
    ask("SELECT 1");
    postgres_sync(t.pg, 5000);
    ask("SELECT 1");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(5));
    EXPECT_TEXT(t.notes[2].sqlstate, "42P01");
    EXPECT_INT(t.notes[4].outcome, POSTGRES_OK);
    stop();
}

TEST(a_text_is_prepared_once_and_at_most_256_are_kept)
{
    char sql[40];
    int i;

    if (!started())
        return;
    for (i = 0; i < 3; i++)
        ask("SELECT 7");
    postgres_sync(t.pg, 5000);
    ask("SELECT count(*)::int FROM pg_prepared_statements");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(4));
    EXPECT_INT(t.notes[3].number, 2);
    for (i = 0; i < 300; i++) {
        snprintf(sql, sizeof(sql), "SELECT %d", i);
        ask(sql);
        if (i % 100 != 99)
            continue;
        postgres_sync(t.pg, 5000);
        EXPECT(answers(5 + (size_t)i));
    }
    ask("SELECT count(*)::int FROM pg_prepared_statements");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(305));
    EXPECT_INT(t.notes[304].number, 256);
    EXPECT_INT(t.notes[303].number, 299);
    stop();
}

TEST(what_is_queued_while_down_is_lost_and_told_from_the_loop)
{
    const char *url = test_postgres_database();

    if (url == NULL)
        return;
    start(url, true);
    ask("SELECT 1");
    postgres_sync(t.pg, 1000);
    postgres_script(t.pg, "SELECT 2", 1000, on_answer, NULL);
    EXPECT_INT(t.count, 0);
    EXPECT(answers(2));
    EXPECT_INT(t.notes[0].outcome, POSTGRES_LOST);
    EXPECT_INT(t.notes[1].outcome, POSTGRES_LOST);
    stop();
}

TEST(a_deadline_ends_a_flight_that_hangs_and_the_next_connection_works)
{
    if (!started())
        return;
    ask("SELECT 1");
    ask("SELECT pg_sleep(30)");
    ask("SELECT 2");
    postgres_sync(t.pg, 300);
    EXPECT(answers(3));
    EXPECT_INT(t.notes[0].outcome, POSTGRES_LOST);
    EXPECT_INT(t.notes[1].outcome, POSTGRES_LOST);
    EXPECT_INT(t.notes[2].outcome, POSTGRES_LOST);
    EXPECT_INT(t.notes[2].downs, 0); /* answers come before the state */
    while (t.ups < 2)
        EXPECT(until_state());
    ask("SELECT 3");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(4));
    EXPECT_INT(t.notes[3].number, 3);
    stop();
}

TEST(a_stopped_server_process_is_left_behind)
{
    int32_t pid;

    if (!started())
        return;
    pid = postgres_backend_pid(t.pg);
    kill(pid, SIGSTOP);
    ask("SELECT 1");
    postgres_sync(t.pg, 300);
    EXPECT(answers(1));
    EXPECT_INT(t.notes[0].outcome, POSTGRES_LOST);
    while (t.ups < 2)
        EXPECT(until_state());
    EXPECT(postgres_backend_pid(t.pg) != pid);
    kill(pid, SIGCONT);
    stop();
}

TEST(an_ended_backend_loses_its_answers_once)
{
    char sql[80];

    if (!started())
        return;
    ask("SELECT pg_sleep(30)");
    ask("SELECT 1");
    postgres_sync(t.pg, 60000);
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)",
             (int)postgres_backend_pid(t.pg));
    EXPECT_TEXT(test_postgres_sql(sql), "t");
    EXPECT(answers(2));
    EXPECT_INT(t.notes[0].outcome, POSTGRES_LOST);
    EXPECT_TEXT(t.notes[0].sqlstate, "57P01");
    EXPECT_INT(t.notes[1].outcome, POSTGRES_LOST);
    while (t.ups < 2)
        EXPECT(until_state());
    EXPECT_INT(t.count, 2);
    stop();
}

TEST(a_drop_inside_an_answer_loses_the_rest)
{
    if (!started())
        return;
    t.drop_at_answer = true;
    ask("SELECT 1");
    ask("SELECT 2");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(2));
    t.drop_at_answer = false;
    EXPECT_INT(t.notes[0].outcome, POSTGRES_OK);
    EXPECT_INT(t.notes[1].outcome, POSTGRES_LOST);
    stop();
}

TEST(a_close_inside_an_answer_ends_everything)
{
    bool never = false;

    if (!started())
        return;
    t.close_at_answer = true;
    ask("SELECT 1");
    ask("SELECT 2");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(1));
    (void)loop_run_until(t.loop, &never, 50);
    EXPECT_INT(t.count, 1);
    stop();
}

TEST(a_read_only_server_will_not_do_for_writing)
{
    char url[300];
    const char *base = test_postgres_database();
    bool never = false;

    if (base == NULL)
        return;
    snprintf(url, sizeof(url),
             "%s?options=-c%%20default_transaction_read_only%%3Don", base);
    start(url, true);
    (void)loop_run_until(t.loop, &never, 300);
    EXPECT_INT(t.ups, 0);
    EXPECT_TEXT(postgres_why(t.pg), "a standby, or read-only");
    stop();
    start(url, false);
    EXPECT(until_state());
    EXPECT_INT(t.ups, 1);
    stop();
}

TEST(a_server_that_becomes_read_only_is_left)
{
    if (!started())
        return;
    ask("BEGIN READ ONLY");
    ask("CREATE TABLE x (a int)");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(2));
    EXPECT_TEXT(t.notes[1].sqlstate, "25006");
    EXPECT(until_state());
    EXPECT_INT(t.downs, 1);
    EXPECT_TEXT(t.why, "became read-only");
    stop();
}

TEST(hosts_are_tried_in_turn_names_and_sockets_alike)
{
    char url[200];

    if (test_postgres_database() == NULL)
        return;
    /* Port 1 refuses, ".invalid" has no address, the third is ours. */
    snprintf(url, sizeof(url),
             "postgresql://tidemill@127.0.0.1:1,none.invalid:5432,"
             "localhost:%d/postgres",
             test_postgres_port());
    start(url, true);
    EXPECT(until_state());
    EXPECT_INT(t.ups, 1);
    stop();
}

/* A machine that is frozen: its kernel takes connections for it. */
static int listen_and_say_nothing(int *out_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, bytes) == 0 &&
          listen(fd, 8) == 0 &&
          getsockname(fd, (struct sockaddr *)&at, &bytes) == 0);
    *out_port = ntohs(at.sin_port);
    return fd;
}

TEST(a_server_that_accepts_and_says_nothing_is_left_for_the_next)
{
    char url[200];
    int silent, port;

    if (test_postgres_database() == NULL)
        return;
    silent = listen_and_say_nothing(&port);
    snprintf(url, sizeof(url),
             "postgresql://tidemill@127.0.0.1:%d,127.0.0.1:%d/postgres", port,
             test_postgres_port());
    start(url, true);
    EXPECT(until_state());
    EXPECT_INT(t.ups, 1);
    EXPECT_TEXT(postgres_why(t.pg), "not connected within 1000 ms");
    stop();
    close(silent);
}

static void ask_again(void *arg, const struct postgres_answer *a)
{
    on_answer(arg, a);
    ask("ROLLBACK");
    postgres_sync(t.pg, 5000);
}

TEST(a_flight_may_be_sent_from_the_last_answer_of_one_that_failed)
{
    if (!started())
        return;
    ask("BEGIN");
    ask("SELECT 1 / 0");
    postgres_queue(t.pg, "COMMIT", NULL, 0, ask_again, NULL);
    postgres_sync(t.pg, 5000);
    EXPECT(answers(4));
    EXPECT_INT(t.notes[2].outcome, POSTGRES_ABORTED);
    EXPECT_TEXT(t.notes[3].tag, "ROLLBACK");
    ask("SELECT 4");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(5));
    EXPECT_INT(t.notes[4].number, 4);
    EXPECT_INT(t.downs, 0);
    stop();
}

TEST(a_script_runs_whole_or_not_at_all)
{
    if (!started())
        return;
    postgres_script(t.pg, "CREATE TABLE a (x int); INSERT INTO a VALUES (1)",
                    5000, on_answer, NULL);
    EXPECT(answers(1));
    EXPECT_TEXT(t.notes[0].tag, "INSERT 0 1");
    ask("SELECT x FROM a");
    postgres_sync(t.pg, 5000);
    postgres_script(t.pg, "INSERT INTO a VALUES (2); SELECT 1 / 0; SELECT 9",
                    5000, on_answer, NULL);
    EXPECT(answers(3));
    EXPECT_INT(t.notes[1].number, 1);
    EXPECT_TEXT(t.notes[2].sqlstate, "22012");
    EXPECT_TEXT(test_postgres_sql("SELECT count(*) FROM a"), "1");
    ask("SELECT 5");
    postgres_sync(t.pg, 5000);
    EXPECT(answers(4));
    EXPECT_INT(t.notes[3].number, 5);
    stop();
}

TEST(vacuum_runs_by_itself)
{
    if (!started())
        return;
    test_postgres_sql("CREATE TABLE a (x int)");
    postgres_once(t.pg, "VACUUM (FREEZE) a", NULL, 0, on_answer, NULL);
    postgres_sync(t.pg, 5000);
    postgres_once(t.pg, "CREATE INDEX CONCURRENTLY ON a (x)", NULL, 0,
                  on_answer, NULL);
    postgres_sync(t.pg, 5000);
    EXPECT(answers(2));
    EXPECT_TEXT(t.notes[0].tag, "VACUUM");
    EXPECT_TEXT(t.notes[1].tag, "CREATE INDEX");
    stop();
}

TEST(a_connection_is_renewed_when_old_and_idle)
{
    struct postgres_options o = {
        .application_name = "test", .age_ms_max = 50, .name = "test"};
    bool never = false;
    int32_t pid;

    o.url = test_postgres_database();
    if (o.url == NULL)
        return;
    memset(&t, 0, sizeof(t));
    EXPECT_INT(loop_open(&t.loop), 0);
    EXPECT_INT(postgres_open(t.loop, &o, on_state, NULL, &t.pg), 0);
    EXPECT(until_state());
    pid = postgres_backend_pid(t.pg);
    EXPECT(!postgres_renew_if_old(t.pg));
    (void)loop_run_until(t.loop, &never, 60);
    ask("SELECT 1");
    EXPECT(!postgres_renew_if_old(t.pg)); /* a flight is open */
    postgres_sync(t.pg, 5000);
    EXPECT(answers(1));
    (void)loop_run_until(t.loop, &never, 5);
    EXPECT(postgres_renew_if_old(t.pg));
    while (t.ups < 2)
        EXPECT(until_state());
    EXPECT(postgres_backend_pid(t.pg) != pid);
    stop();
}

TEST(a_url_that_does_not_parse_is_a_setting)
{
    struct postgres_options o = {.url = "postgresql://a:b:c:d/?=%zz"};

    memset(&t, 0, sizeof(t));
    EXPECT_INT(loop_open(&t.loop), 0);
    EXPECT_INT(postgres_open(t.loop, &o, on_state, NULL, &t.pg), FAIL_SETTING);
    EXPECT(t.pg == NULL);
    stop();
}

TEST(arrays_arrive_as_they_were_built)
{
    struct postgres_array ints, longs, blobs, numbers, texts, shorts;
    struct postgres_param p[6];
    uint8_t max[32];

    if (!started())
        return;
    memset(max, 0xff, sizeof(max));
    postgres_array_init(&ints, POSTGRES_INT4_ARRAY);
    postgres_array_init(&longs, POSTGRES_INT8_ARRAY);
    postgres_array_init(&blobs, POSTGRES_BYTEA_ARRAY);
    postgres_array_init(&numbers, POSTGRES_NUMERIC_ARRAY);
    postgres_array_init(&texts, POSTGRES_TEXT_ARRAY);
    postgres_array_init(&shorts, POSTGRES_INT2_ARRAY);
    postgres_array_i32(&ints, -5);
    postgres_array_null(&ints);
    postgres_array_i64(&longs, INT64_MIN);
    postgres_array_i64(&longs, 88123);
    postgres_array_bytes(&blobs, BYTES_LITERAL("\0\xff"));
    postgres_array_bytes(&blobs, BYTES_NONE);
    postgres_array_numeric_be(&numbers, max, 32);
    postgres_array_numeric_u64(&numbers, 1000000000000000000u);
    postgres_array_numeric_u64(&numbers, 0);
    postgres_array_numeric_u64(&numbers, 10001);
    postgres_array_bytes(&texts, bytes_text("word"));
    postgres_array_i16(&shorts, -2);
    p[0] = postgres_array_param(&ints);
    p[1] = postgres_array_param(&longs);
    p[2] = postgres_array_param(&blobs);
    p[3] = postgres_array_param(&numbers);
    p[4] = postgres_array_param(&texts);
    p[5] = postgres_array_param(&shorts);
    ask("CREATE TABLE r (a int4[], b int8[], c bytea[], d numeric[],"
        " e text[], f int2[])");
    postgres_sync(t.pg, 5000);
    postgres_queue(t.pg, "INSERT INTO r VALUES ($1, $2, $3, $4, $5, $6)", p, 6,
                   on_answer, NULL);
    postgres_sync(t.pg, 5000);
    EXPECT(answers(2));
    EXPECT_INT(t.notes[1].outcome, POSTGRES_OK);
    EXPECT_TEXT(test_postgres_sql("SELECT a, b, c, e, f FROM r"),
                "{-5,NULL}|{-9223372036854775808,88123}|"
                "{\"\\\\x00ff\",NULL}|{word}|{-2}");
    EXPECT_TEXT(test_postgres_sql("SELECT d FROM r"),
                "{1157920892373161954235709850086879078532699846656405640394575"
                "84007913129639935,1000000000000000000,0,10001}");
    postgres_array_fini(&ints);
    postgres_array_fini(&longs);
    postgres_array_fini(&blobs);
    postgres_array_fini(&numbers);
    postgres_array_fini(&texts);
    postgres_array_fini(&shorts);
    stop();
}
