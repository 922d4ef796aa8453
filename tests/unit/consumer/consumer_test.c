/*
 * tests/unit/consumer/consumer_test.c: every record once and in order, whatever
 * is paused, restarted or given away in between.
 *
 * From: ctest.
 * To:   consumer/consumer.c, against brokers in this process.
 */
#include "consumer/consumer.h"

#include <poll.h>
#include <stdlib.h>

#include "consumer/consumer_state.h"
#include "schemas/base/fail.h"
#include "tests/unit/consumer/mock.h"

enum { PARTITIONS = 4, RECORDS = 200 };

/* What a stage would remember. */
struct seen {
    struct loop *loop;
    struct consumer *consumer;
    int64_t next[PARTITIONS]; /* wanted next; -1: anything */
    int count[PARTITIONS];
    int64_t end[PARTITIONS];
    int64_t out_of_range[PARTITIONS];
    int gone[PARTITIONS];
    int assigned, revoked;
    size_t owned;
    int pause_at; /* pause a partition after so many records of it; 0: never */
    int failed, fails; /* how often it did, and how often it was to */
    bool start_when_assigned;
    struct record kept; /* the last one, when keep is set */
    bool keep;
    int disorder; /* records that were not the next */
};

static void start_all(struct seen *s)
{
    struct consumer_place places[PARTITIONS];

    for (int i = 0; i < PARTITIONS; i++)
        places[i] = (struct consumer_place){i, s->next[i]};
    consumer_start(s->consumer, places, PARTITIONS);
}

static void on_assigned(void *arg, const int32_t *partitions, size_t count)
{
    struct seen *s = arg;

    for (size_t i = 0; i < count; i++)
        EXPECT(partitions[i] >= 0 && partitions[i] < PARTITIONS);
    s->assigned++;
    s->owned = count;
    if (s->start_when_assigned)
        start_all(s);
}

static void on_revoked(void *arg, bool lost)
{
    struct seen *s = arg;

    (void)lost;
    s->revoked++;
    s->owned = 0;
}

static void on_record(void *arg, struct record *r)
{
    struct seen *s = arg;
    int32_t p = r->partition;

    if (s->next[p] >= 0 && s->next[p] != r->offset)
        s->disorder++;
    s->next[p] = r->offset + 1;
    s->count[p]++;
    if (s->pause_at > 0 && s->count[p] % s->pause_at == 0)
        consumer_pause(s->consumer, p);
    if (s->keep) {
        record_release(&s->kept);
        s->kept = *r;
    } else {
        record_release(r);
    }
}

static void on_end(void *arg, int32_t partition, int64_t offset)
{
    ((struct seen *)arg)->end[partition] = offset;
}

static void on_out_of_range(void *arg, int32_t partition, int64_t offset)
{
    ((struct seen *)arg)->out_of_range[partition] = offset;
}

static void on_failed(void *arg, int code, const char *why)
{
    (void)code;
    (void)why;
    ((struct seen *)arg)->failed++;
}

static void on_gone(void *arg, int32_t partition)
{
    ((struct seen *)arg)->gone[partition]++;
}

static const struct consumer_events events = {
    .assigned = on_assigned,
    .revoked = on_revoked,
    .record = on_record,
    .end = on_end,
    .out_of_range = on_out_of_range,
    .failed = on_failed,
    .gone = on_gone,
};

/* Writes `count` records "0", "1", … to one partition. */
static void fill(const char *topic, int32_t partition, int count)
{
    char value[16];

    for (int i = 0; i < count; i++) {
        int n = snprintf(value, sizeof(value), "%d", i);
        EXPECT_INT(rd_kafka_producev(mock_producer, RD_KAFKA_V_TOPIC(topic),
                                     RD_KAFKA_V_PARTITION(partition),
                                     RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                     RD_KAFKA_V_VALUE(value, (size_t)n),
                                     RD_KAFKA_V_END),
                   0);
    }
    EXPECT_INT(rd_kafka_flush(mock_producer, 5000), 0);
}

static void open_consumer(struct seen *s, const char *topic, const char *group)
{
    struct consumer_options o = {.config = &mock_config,
                                 .name = "test",
                                 .topic = topic,
                                 .group = group,
                                 .header = "tm",
                                 .events = &events,
                                 .arg = s};

    memset(s, 0, sizeof(*s));
    for (int i = 0; i < PARTITIONS; i++)
        s->end[i] = s->out_of_range[i] = -1;
    EXPECT_INT(loop_open(&s->loop), 0);
    o.loop = s->loop;
    EXPECT_INT(consumer_open(&o, &s->consumer), 0);
}

static void close_consumer(struct seen *s)
{
    bool closed = false;

    record_release(&s->kept);
    EXPECT_INT(s->failed, s->fails);
    consumer_close(s->consumer, mock_set_true, &closed);
    EXPECT(loop_run_until(s->loop, &closed, 10000));
    loop_close(s->loop);
}

static void run_ms(struct seen *s, int ms)
{
    bool never = false;

    loop_run_until(s->loop, &never, ms);
}

#define WAIT_FOR(s, condition)                                                 \
    do {                                                                       \
        for (int waited = 0; !(condition) && waited < 800; waited++)           \
            run_ms((s), 10);                                                   \
        EXPECT(condition);                                                     \
    } while (0)

TEST(consumer_without_a_group_delivers_each_partition_from_where_it_was_told)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;

    for (int i = 0; i < PARTITIONS; i++)
        fill(topic, i, RECORDS);
    open_consumer(&s, topic, NULL);
    s.next[1] = 50;
    s.next[2] = RECORDS;
    start_all(&s);
    for (int i = 0; i < PARTITIONS; i++)
        WAIT_FOR(&s, s.end[i] == RECORDS);
    EXPECT_INT(s.count[0], RECORDS);
    EXPECT_INT(s.count[1], RECORDS - 50);
    EXPECT_INT(s.count[2], 0);
    EXPECT_INT(s.disorder, 0);
    EXPECT(consumer_connected(s.consumer));
    close_consumer(&s);
}

TEST(consumer_pauses_and_resumes_without_losing_or_repeating_a_record)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;

    for (int i = 0; i < PARTITIONS; i++)
        fill(topic, i, RECORDS);
    open_consumer(&s, topic, NULL);
    s.pause_at = 30;
    start_all(&s);
    /* Some are fetched and not delivered. */
    (void)poll(NULL, 0, 300);
    for (int i = 0; i < 20; i++) {
        consumer_pause(s.consumer, 3);
        run_ms(&s, 5);
        consumer_resume(s.consumer, 3);
        consumer_resume(s.consumer, 3);
    }
    for (int waited = 0; waited < 400; waited++) {
        int done = 0;
        run_ms(&s, 10);
        for (int i = 0; i < PARTITIONS; i++) {
            EXPECT(s.count[i] <= RECORDS);
            consumer_resume(s.consumer, i);
            done += s.count[i] == RECORDS;
        }
        if (done == PARTITIONS)
            break;
    }
    for (int i = 0; i < PARTITIONS; i++)
        EXPECT_INT(s.count[i], RECORDS);
    EXPECT_INT(s.disorder, 0);
    close_consumer(&s);
}

TEST(consumer_paused_for_long_delivers_nothing_of_that_partition_only)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;

    fill(topic, 0, 5);
    fill(topic, 1, 5);
    open_consumer(&s, topic, NULL);
    start_all(&s);
    WAIT_FOR(&s, s.count[0] == 5 && s.count[1] == 5);
    consumer_pause(s.consumer, 0);
    fill(topic, 0, 5);
    fill(topic, 1, 5);
    WAIT_FOR(&s, s.count[1] == 10);
    run_ms(&s, 200);
    EXPECT_INT(s.count[0], 5);
    consumer_resume(s.consumer, 0);
    WAIT_FOR(&s, s.count[0] == 10);
    EXPECT_INT(s.disorder, 0);
    close_consumer(&s);
}

TEST(consumer_restarts_one_partition_and_repeats_nothing_of_the_others)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;
    int paused;

    for (int i = 0; i < PARTITIONS; i++)
        fill(topic, i, RECORDS);
    open_consumer(&s, topic, NULL);
    start_all(&s);
    WAIT_FOR(&s, s.count[0] >= 1);
    consumer_pause(s.consumer, 2);
    paused = s.count[2];
    for (int i = 0; i < 5; i++) {
        s.next[0] = 10;
        s.count[0] = 10;
        consumer_restart(s.consumer, 0, 10);
        run_ms(&s, 30);
    }
    WAIT_FOR(&s, s.count[0] == RECORDS && s.count[1] == RECORDS &&
                     s.count[3] == RECORDS);
    EXPECT_INT(s.count[2], paused);
    consumer_resume(s.consumer, 2);
    WAIT_FOR(&s, s.count[2] == RECORDS);
    run_ms(&s, 100);
    for (int i = 0; i < PARTITIONS; i++)
        EXPECT_INT(s.count[i], RECORDS);
    EXPECT_INT(s.disorder, 0);
    close_consumer(&s);
}

/* librdkafka stops the process when a partition is assigned anew while it still
 * stops fetching it for the last time. */
TEST(consumer_may_be_started_again_at_once_and_often)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;

    for (int i = 0; i < PARTITIONS; i++)
        fill(topic, i, RECORDS);
    open_consumer(&s, topic, NULL);
    for (int round = 0; round < 50; round++) {
        memset(s.next, 0, sizeof(s.next));
        memset(s.count, 0, sizeof(s.count));
        for (int i = 0; i < 20; i++)
            start_all(&s);
        run_ms(&s, 1);
    }
    for (int i = 0; i < PARTITIONS; i++)
        WAIT_FOR(&s, s.count[i] == RECORDS);
    EXPECT_INT(s.disorder, 0);
    start_all(&s);
    start_all(&s);
    close_consumer(&s);
}

TEST(consumer_says_that_an_offset_is_not_in_the_log_and_can_start_elsewhere)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;

    fill(topic, 0, 10);
    fill(topic, 1, 10);
    open_consumer(&s, topic, NULL);
    s.next[0] = 5000;
    start_all(&s);
    WAIT_FOR(&s, s.out_of_range[0] == 5000 && s.count[1] == 10);
    EXPECT_INT(s.count[0], 0);
    s.next[0] = -1;
    consumer_restart(s.consumer, 0, CONSUMER_BEGIN);
    WAIT_FOR(&s, s.count[0] == 10);
    EXPECT_INT(s.next[0], 10);
    EXPECT_INT(s.count[1], 10);
    EXPECT_INT(s.disorder, 0);
    close_consumer(&s);
}

TEST(consumer_starts_at_the_end_when_told_so)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;

    fill(topic, 0, 10);
    open_consumer(&s, topic, NULL);
    for (int i = 0; i < PARTITIONS; i++)
        s.next[i] = CONSUMER_END;
    start_all(&s);
    WAIT_FOR(&s, s.end[0] == 10);
    /* While the library still looks the end up. */
    rd_kafka_mock_broker_set_rtt(mock, 1, 100);
    s.end[0] = -1;
    consumer_restart(s.consumer, 0, CONSUMER_END);
    run_ms(&s, 50);
    consumer_pause(s.consumer, 0);
    consumer_resume(s.consumer, 0);
    rd_kafka_mock_broker_set_rtt(mock, 1, 0);
    WAIT_FOR(&s, s.end[0] == 10);
    EXPECT_INT(s.out_of_range[0], -1);
    fill(topic, 0, 3);
    WAIT_FOR(&s, s.count[0] == 3);
    EXPECT_INT(s.next[0], 13);
    close_consumer(&s);
}

TEST(consumer_goes_back_only_where_it_is_told_to)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;

    fill(topic, 0, 10);
    fill(topic, 1, 10);
    open_consumer(&s, topic, NULL);
    s.next[0] = 5000;
    s.next[1] = 6000;
    start_all(&s);
    WAIT_FOR(&s, s.out_of_range[0] == 5000 && s.out_of_range[1] == 6000);
    run_ms(&s, 50);
    EXPECT_INT(s.count[0] + s.count[1], 0);
    s.next[0] = s.next[1] = 0;
    consumer_restart(s.consumer, 0, CONSUMER_BEGIN);
    consumer_restart(s.consumer, 1, CONSUMER_BEGIN);
    WAIT_FOR(&s, s.count[0] == 10 && s.count[1] == 10);
    EXPECT_INT(s.disorder, 0);
    close_consumer(&s);
}

TEST(consumer_says_that_its_topic_is_gone_and_waits_to_be_told)
{
    const char *topic = mock_topic(PARTITIONS);
    struct buffer why;
    struct seen s;

    buffer_init(&why, 1024);
    EXPECT_INT(kafka_config_set(&mock_config,
                                "topic.metadata.refresh.interval.ms", "200",
                                &why),
               0);
    fill(topic, 0, 10);
    open_consumer(&s, topic, NULL);
    EXPECT_INT(kafka_config_set(&mock_config,
                                "topic.metadata.refresh.interval.ms", "10000",
                                &why),
               0);
    buffer_fini(&why);
    start_all(&s);
    WAIT_FOR(&s, s.count[0] == 10);
    rd_kafka_mock_topic_set_error(mock, topic,
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    WAIT_FOR(&s, s.gone[0] == 1 && s.gone[3] == 1);
    rd_kafka_mock_topic_set_error(mock, topic, RD_KAFKA_RESP_ERR_NO_ERROR);
    fill(topic, 0, 1);
    run_ms(&s, 300);
    EXPECT_INT(s.count[0], 10);
    consumer_restart(s.consumer, 0, 10);
    WAIT_FOR(&s, s.count[0] == 11);
    EXPECT_INT(s.gone[0], 1);
    EXPECT_INT(s.disorder, 0);
    close_consumer(&s);
}

/* One record made by hand, read back as a stage sees it. */
static struct record read_one(struct seen *s, const char *topic)
{
    open_consumer(s, topic, NULL);
    s->keep = true;
    start_all(s);
    WAIT_FOR(s, s->count[0] == 1);
    return s->kept;
}

TEST(record_has_the_last_header_of_the_name_among_a_thousand)
{
    const char *topic = mock_topic(PARTITIONS);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1002);
    struct seen s;
    struct record r;

    for (int i = 0; i < 1000; i++)
        rd_kafka_header_add(headers, i % 2 ? "tm" : "x", -1, "older", -1);
    rd_kafka_header_add(headers, "tm", -1, "1;jws;1", -1);
    rd_kafka_header_add(headers, "tmx", -1, "other", -1);
    EXPECT_INT(rd_kafka_producev(mock_producer, RD_KAFKA_V_TOPIC(topic),
                                 RD_KAFKA_V_PARTITION(0),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_KEY("k", 1),
                                 RD_KAFKA_V_VALUE("v", 1),
                                 RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END),
               0);
    EXPECT_INT(rd_kafka_flush(mock_producer, 5000), 0);
    r = read_one(&s, topic);
    EXPECT_BYTES(r.header, BYTES_LITERAL("1;jws;1"));
    EXPECT_BYTES(r.key, BYTES_LITERAL("k"));
    EXPECT_BYTES(r.value, BYTES_LITERAL("v"));
    EXPECT_INT(r.append_ms, -1); /* its sender's clock proves nothing */
    close_consumer(&s);
}

TEST(record_tells_a_null_value_and_key_from_empty_ones)
{
    const char *nothing = mock_topic(PARTITIONS);
    struct seen s;
    struct record r;
    char name[64];

    snprintf(name, sizeof(name), "%s", nothing);
    EXPECT_INT(rd_kafka_producev(mock_producer, RD_KAFKA_V_TOPIC(name),
                                 RD_KAFKA_V_PARTITION(0),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_END),
               0);
    EXPECT_INT(rd_kafka_flush(mock_producer, 5000), 0);
    r = read_one(&s, name);
    EXPECT(r.key.data == NULL && r.value.data == NULL && r.header.data == NULL);
    close_consumer(&s);

    snprintf(name, sizeof(name), "%s", mock_topic(PARTITIONS));
    EXPECT_INT(rd_kafka_producev(mock_producer, RD_KAFKA_V_TOPIC(name),
                                 RD_KAFKA_V_PARTITION(0),
                                 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_KEY("", 0), RD_KAFKA_V_VALUE("", 0),
                                 RD_KAFKA_V_HEADER("tm", NULL, 0),
                                 RD_KAFKA_V_END),
               0);
    EXPECT_INT(rd_kafka_flush(mock_producer, 5000), 0);
    r = read_one(&s, name);
    EXPECT(r.key.data != NULL && r.key.count == 0);
    EXPECT(r.value.data != NULL && r.value.count == 0);
    EXPECT(r.header.data == NULL);
    close_consumer(&s);
}

static void on_committed(void *arg, int rc, const struct consumer_place *places,
                         size_t count)
{
    int64_t *found = arg;

    EXPECT_INT(rc, 0);
    EXPECT_INT(count, PARTITIONS);
    for (size_t i = 0; i < count; i++)
        found[places[i].partition] = places[i].offset;
}

TEST(consumer_in_a_group_waits_for_its_start_and_commits_what_it_is_told)
{
    const char *topic = mock_topic(PARTITIONS);
    int64_t found[PARTITIONS] = {-9, -9, -9, -9};
    struct seen s;

    fill(topic, 0, 10);
    fill(topic, 1, 10);
    open_consumer(&s, topic, "group-1");
    start_all(&s); /* too early: nothing is ours */
    WAIT_FOR(&s, s.assigned == 1);
    EXPECT_INT(s.owned, PARTITIONS);
    run_ms(&s, 100);
    EXPECT_INT(s.count[0], 0);
    start_all(&s);
    WAIT_FOR(&s, s.count[0] == 10 && s.count[1] == 10);
    consumer_commit(s.consumer, 0, 7);
    consumer_commit(s.consumer, 0, 10);
    run_ms(&s, 1200);
    EXPECT_INT(consumer_committed(s.consumer, on_committed, found), 0);
    EXPECT_INT(consumer_committed(s.consumer, on_committed, found), FAIL_BUSY);
    WAIT_FOR(&s, found[0] == 10);
    EXPECT_INT(found[1], -1);
    consumer_commit(s.consumer, 1, 4);
    close_consumer(&s);
    EXPECT_INT(s.revoked, 0); /* no event after close */
}

TEST(consumer_that_is_broken_for_good_says_so_once)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;

    fill(topic, 0, RECORDS);
    open_consumer(&s, topic, NULL);
    start_all(&s);
    WAIT_FOR(&s, s.end[0] == RECORDS);
    s.fails = 1;
    EXPECT_INT(rd_kafka_test_fatal_error(s.consumer->handle,
                                         RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
                                         "made by a test"),
               0);
    WAIT_FOR(&s, s.failed == 1);
    run_ms(&s, 100);
    close_consumer(&s);
}

TEST(consumer_close_is_quick_when_no_broker_answers)
{
    const char *topic = mock_topic(PARTITIONS);
    struct seen s;
    int64_t before;

    open_consumer(&s, topic, NULL);
    start_all(&s);
    WAIT_FOR(&s, s.end[0] == 0);
    rd_kafka_mock_broker_set_down(mock, 1);
    run_ms(&s, 50);
    before = loop_now_ms(s.loop);
    close_consumer(&s);
    EXPECT(before > 0);
    rd_kafka_mock_broker_set_up(mock, 1);
}
