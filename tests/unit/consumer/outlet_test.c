/*
 * tests/unit/consumer/outlet_test.c: every record is answered once, with the
 * truth.
 *
 * From: ctest.
 * To:   consumer/outlet.c, against brokers in this process.
 */
#include "consumer/outlet.h"

#include <unistd.h>

#include "consumer/base/log.h"
#include "schemas/base/fail.h"
#include "tests/unit/consumer/mock.h"

enum { SENT_MAX = 4096 };

struct sent {
    int answers;
    struct outlet_report report;
};

static struct sent sent[SENT_MAX];
static int answered;

static void on_report(void *arg, const struct outlet_report *r)
{
    struct sent *s = arg;

    s->answers++;
    s->report = *r;
    answered++;
}

struct fixture {
    struct loop *loop;
    struct outlet *outlet;
};

static struct outlet_options options_for(const char *const *topics, size_t n)
{
    return (struct outlet_options){.config = &mock_config,
                                   .name = "test",
                                   .topics = topics,
                                   .topic_count = n,
                                   .header = "tm",
                                   .linger_ms = 5,
                                   .message_timeout_ms = 5000};
}

static struct fixture open_outlet(struct outlet_options o)
{
    struct fixture f;

    memset(sent, 0, sizeof(sent));
    answered = 0;
    EXPECT_INT(loop_open(&f.loop), 0);
    o.loop = f.loop;
    EXPECT_INT(outlet_open(&o, &f.outlet), 0);
    return f;
}

/* Runs the loop until `count` records are answered. */
static void wait_for(struct fixture *f, int count, int ms)
{
    bool never = false;

    for (int waited = 0; answered < count && waited < ms; waited += 10)
        loop_run_until(f->loop, &never, 10);
    EXPECT_INT(answered, count);
}

static void close_outlet(struct fixture *f, int deadline_ms)
{
    bool closed = false;

    outlet_close(f->outlet, deadline_ms, mock_set_true, &closed);
    EXPECT(loop_run_until(f->loop, &closed, 10000));
    loop_close(f->loop);
}

static int send_one(struct fixture *f, int i, int32_t partition)
{
    char key[16];
    int count = snprintf(key, sizeof(key), "key-%d", i);

    return outlet_send(f->outlet, 0, partition, bytes_of(key, (size_t)count),
                       BYTES_LITERAL("value"), BYTES_LITERAL("1;eip155:1;1"),
                       on_report, &sent[i]);
}

TEST(outlet_reports_each_record_once_with_a_place_of_its_own)
{
    const char *topic = mock_topic(4);
    struct fixture f = open_outlet(options_for(&topic, 1));
    static bool seen[4][1000];
    int64_t total = 0;

    for (int i = 0; i < 1000; i++)
        EXPECT_INT(send_one(&f, i, i % 10 == 0 ? 3 : -1), 0);
    EXPECT_INT(outlet_backlog(f.outlet).count, 1000);
    wait_for(&f, 1000, 5000);
    EXPECT_INT(outlet_backlog(f.outlet).count, 0);
    EXPECT_INT(outlet_backlog(f.outlet).bytes, 0);
    EXPECT(outlet_connected(f.outlet));
    for (int i = 0; i < 1000; i++) {
        const struct outlet_report *r = &sent[i].report;
        EXPECT_INT(sent[i].answers, 1);
        EXPECT_INT(r->outcome, OUTLET_PERSISTED);
        EXPECT(r->partition >= 0 && r->partition < 4);
        EXPECT(i % 10 != 0 || r->partition == 3);
        EXPECT(r->offset >= 0 && r->offset < 1000);
        EXPECT(!seen[r->partition][r->offset]);
        seen[r->partition][r->offset] = true;
        total++;
    }
    EXPECT_INT(total, 1000);
    close_outlet(&f, 1000);
}

/* Java clients put these keys there: the hashes are published with Kafka's own
 * tests of its murmur2. */
TEST(outlet_sends_a_key_where_every_kafka_client_does)
{
    static const struct {
        const char *key;
        int32_t hash;
    } known[] = {{"21", -973932308},
                 {"foobar", -790332482},
                 {"a-little-bit-long-string", -985981536},
                 {"a-little-bit-longer-string", -1486304829},
                 {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                  -58897971}};
    const char *topic = mock_topic(5);
    struct fixture f = open_outlet(options_for(&topic, 1));

    for (int i = 0; i < 5; i++)
        EXPECT_INT(outlet_send(f.outlet, 0, -1, bytes_text(known[i].key),
                               BYTES_LITERAL("x"), BYTES_NONE, on_report,
                               &sent[i]),
                   0);
    wait_for(&f, 5, 5000);
    for (int i = 0; i < 5; i++)
        EXPECT_INT(sent[i].report.partition, (known[i].hash & 0x7fffffff) % 5);
    close_outlet(&f, 1000);
}

TEST(outlet_refuses_what_is_over_a_limit_and_answers_the_rest)
{
    const char *topic = mock_topic(1);
    struct outlet_options o = options_for(&topic, 1);
    struct fixture f;
    static char big[101];

    o.records_max = 3;
    o.bytes_max = 250;
    o.record_bytes_max = 100;
    f = open_outlet(o);
    EXPECT_INT(outlet_send(f.outlet, 0, -1, BYTES_NONE,
                           bytes_of(big, sizeof(big)), BYTES_NONE, on_report,
                           &sent[0]),
               FAIL_TOO_BIG);
    EXPECT_INT(outlet_send(f.outlet, 0, -1, BYTES_NONE, bytes_of(big, 100),
                           BYTES_NONE, on_report, &sent[0]),
               0);
    EXPECT_INT(outlet_send(f.outlet, 0, -1, BYTES_NONE, bytes_of(big, 100),
                           BYTES_NONE, on_report, &sent[1]),
               0);
    EXPECT_INT(outlet_send(f.outlet, 0, -1, BYTES_NONE, bytes_of(big, 51),
                           BYTES_NONE, on_report, &sent[2]),
               FAIL_FULL);
    EXPECT_INT(outlet_send(f.outlet, 0, -1, BYTES_NONE, bytes_of(big, 1),
                           BYTES_NONE, on_report, &sent[2]),
               0);
    EXPECT_INT(outlet_send(f.outlet, 0, -1, BYTES_NONE, bytes_of(big, 1),
                           BYTES_NONE, on_report, &sent[3]),
               FAIL_FULL);
    wait_for(&f, 3, 5000);
    EXPECT_INT(sent[3].answers, 0);
    /* Now the partitions are known, and there is one. */
    EXPECT_INT(outlet_send(f.outlet, 0, 7, BYTES_NONE, bytes_of(big, 1),
                           BYTES_LITERAL("h"), on_report, &sent[4]),
               FAIL_NOT_FOUND);
    close_outlet(&f, 1000);
}

TEST(outlet_makes_another_producer_after_a_fatal_error_and_answers_all)
{
    const char *topic = mock_topic(2);
    struct fixture f = open_outlet(options_for(&topic, 1));
    int sent_count = 0;
    int persisted = 0;

    EXPECT_INT(send_one(&f, sent_count++, -1), 0);
    wait_for(&f, 1, 5000);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            EXPECT_INT(send_one(&f, sent_count++, -1), 0);
        outlet_break(f.outlet);
        wait_for(&f, sent_count, 5000);
        EXPECT_INT(send_one(&f, sent_count++, -1), 0);
        wait_for(&f, sent_count, 5000);
        EXPECT_INT(sent[sent_count - 1].report.outcome, OUTLET_PERSISTED);
    }
    for (int i = 0; i < sent_count; i++) {
        EXPECT_INT(sent[i].answers, 1);
        persisted += sent[i].report.outcome == OUTLET_PERSISTED;
    }
    EXPECT(persisted >= 4);
    close_outlet(&f, 1000);
}

TEST(outlet_calls_a_record_unknown_whose_acknowledgement_never_came)
{
    const char *topic = mock_topic(1);
    struct outlet_options o = options_for(&topic, 1);
    struct fixture f;

    o.message_timeout_ms = 700;
    f = open_outlet(o);
    EXPECT_INT(send_one(&f, 0, 0), 0);
    wait_for(&f, 1, 5000);
    rd_kafka_mock_broker_set_rtt(mock, 1, 1500);
    EXPECT_INT(send_one(&f, 1, 0), 0);
    wait_for(&f, 2, 5000);
    rd_kafka_mock_broker_set_rtt(mock, 1, 0);
    EXPECT_INT(sent[1].report.outcome, OUTLET_UNKNOWN);
    EXPECT(sent[1].report.why[0] != '\0');
    EXPECT_INT(sent[1].report.offset, -1);
    close_outlet(&f, 1000);
}

TEST(outlet_calls_a_record_not_persisted_that_was_never_sent)
{
    const char *topic = mock_topic(1);
    struct outlet_options o = options_for(&topic, 1);
    struct fixture f;

    o.message_timeout_ms = 300;
    rd_kafka_mock_broker_set_down(mock, 1);
    f = open_outlet(o);
    EXPECT_INT(send_one(&f, 0, -1), 0);
    wait_for(&f, 1, 5000);
    EXPECT_INT(sent[0].report.outcome, OUTLET_NOT_PERSISTED);
    EXPECT(!outlet_connected(f.outlet));
    rd_kafka_mock_broker_set_up(mock, 1);
    close_outlet(&f, 1000);
}

TEST(outlet_says_why_a_broker_refuses_a_record)
{
    const char *topic = mock_topic(1);
    struct fixture f = open_outlet(options_for(&topic, 1));
    char text[4096] = "";
    int fds[2];

    EXPECT_INT(send_one(&f, 0, 0), 0);
    wait_for(&f, 1, 5000);
    CHECK(pipe(fds) == 0);
    log_redirect(fds[1]);
    CHECK(log_configure("warn", "text") == 0);
    rd_kafka_mock_push_request_errors(mock, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    EXPECT_INT(send_one(&f, 1, 0), 0);
    wait_for(&f, 2, 5000);
    CHECK(log_configure("error", "text") == 0);
    log_redirect(-1);
    close(fds[1]);
    EXPECT(read(fds[0], text, sizeof(text) - 1) > 0);
    close(fds[0]);
    EXPECT_INT(sent[1].report.outcome, OUTLET_NOT_PERSISTED);
    EXPECT(strstr(text, "outlet.refused") != NULL);
    EXPECT(strstr(text, "partition=0") != NULL);
    EXPECT(strstr(text, "Message size too large") != NULL);
    close_outlet(&f, 1000);
}

static int flushes;
static void on_flushed(void *arg)
{
    flushes++;
    *(bool *)arg = true;
}

TEST(outlet_flush_ends_with_its_deadline_and_close_with_everything_answered)
{
    const char *topic = mock_topic(1);
    struct outlet_options o = options_for(&topic, 1);
    struct fixture f;
    bool flushed = false;

    o.message_timeout_ms = 0;
    f = open_outlet(o);
    EXPECT_INT(send_one(&f, 0, -1), 0);
    outlet_flush(f.outlet, 5000, on_flushed, &flushed);
    EXPECT(loop_run_until(f.loop, &flushed, 6000));
    EXPECT_INT(sent[0].report.outcome, OUTLET_PERSISTED);
    rd_kafka_mock_broker_set_down(mock, 1);
    for (int i = 1; i < 20; i++)
        EXPECT_INT(send_one(&f, i, -1), 0);
    flushed = false;
    outlet_flush(f.outlet, 50, on_flushed, &flushed);
    EXPECT(loop_run_until(f.loop, &flushed, 1000));
    for (int i = 1; i < 20; i++) {
        EXPECT_INT(sent[i].answers, 1);
        EXPECT_INT(sent[i].report.outcome, OUTLET_UNKNOWN);
    }
    EXPECT_INT(send_one(&f, 20, -1), 0);
    EXPECT_INT(outlet_backlog(f.outlet).count, 1);
    close_outlet(&f, 50);
    EXPECT_INT(sent[20].answers, 1);
    EXPECT_INT(sent[20].report.outcome, OUTLET_UNKNOWN);
    EXPECT_INT(flushes, 2);
    rd_kafka_mock_broker_set_up(mock, 1);
}

struct again {
    struct fixture *f;
    int left;
};

/* Sends the next from inside the answer, as a stage does that tries again. */
static void send_again(void *arg, const struct outlet_report *r)
{
    struct again *a = arg;

    (void)r;
    answered++;
    if (a->left-- > 0)
        EXPECT_INT(outlet_send(a->f->outlet, 0, -1, BYTES_NONE,
                               BYTES_LITERAL("x"), BYTES_NONE, send_again, a),
                   0);
}

TEST(outlet_takes_a_record_from_inside_an_answer)
{
    const char *topic = mock_topic(1);
    struct fixture f = open_outlet(options_for(&topic, 1));
    struct again a = {&f, 5};

    EXPECT_INT(outlet_send(f.outlet, 0, -1, BYTES_NONE, BYTES_LITERAL("x"),
                           BYTES_NONE, send_again, &a),
               0);
    outlet_break(f.outlet);
    wait_for(&f, 6, 5000);
    close_outlet(&f, 1000);
}
