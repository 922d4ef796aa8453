/*
 * tests/unit/consumer/reader_test.c: a range is given whole, in order, or the
 * reason why not.
 *
 * From: ctest.
 * To:   consumer/reader.c, against brokers in this process.
 */
#include "consumer/reader.h"

#include "schemas/base/fail.h"
#include "tests/unit/consumer/mock.h"

enum { RECORDS = 500 };

struct range {
    struct reader *reader;
    int64_t next; /* wanted */
    int count;
    bool done;
    int rc;
    int64_t next_offset;
    int64_t start, end;
    bool cancel_in_record;
};

static void on_record(void *arg, const struct record *r)
{
    struct range *g = arg;

    EXPECT(!g->done);
    EXPECT_INT(r->offset, g->next);
    g->next++;
    g->count++;
    if (g->cancel_in_record && g->count == 3)
        reader_cancel(g->reader, g);
}

static void on_done(void *arg, int rc, int64_t next_offset)
{
    struct range *g = arg;

    EXPECT(!g->done);
    g->done = true;
    g->rc = rc;
    g->next_offset = next_offset;
}

static void on_offsets(void *arg, int rc, int64_t start, int64_t end)
{
    struct range *g = arg;

    g->done = true;
    g->rc = rc;
    g->start = start;
    g->end = end;
}

static void fill(const char *topic, int32_t partition, int count)
{
    for (int i = 0; i < count; i++)
        EXPECT_INT(rd_kafka_producev(mock_producer, RD_KAFKA_V_TOPIC(topic),
                                     RD_KAFKA_V_PARTITION(partition),
                                     RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                     RD_KAFKA_V_VALUE("value", 5),
                                     RD_KAFKA_V_END),
                   0);
    EXPECT_INT(rd_kafka_flush(mock_producer, 5000), 0);
}

struct fixture {
    struct loop *loop;
    struct reader *reader;
};

static struct fixture open_reader(const char *topic, size_t fetches_max)
{
    struct fixture f;
    struct reader_options o = {.config = &mock_config,
                               .name = "test",
                               .topic = topic,
                               .fetches_max = fetches_max,
                               .deadline_ms = 1000};

    EXPECT_INT(loop_open(&f.loop), 0);
    o.loop = f.loop;
    EXPECT_INT(reader_open(&o, &f.reader), 0);
    return f;
}

static void close_reader(struct fixture *f)
{
    bool closed = false;

    reader_close(f->reader, mock_set_true, &closed);
    EXPECT(loop_run_until(f->loop, &closed, 10000));
    loop_close(f->loop);
}

static struct range fetch(struct fixture *f, int32_t partition, int64_t from,
                          int64_t to)
{
    struct range g = {.next = from};

    EXPECT_INT(reader_fetch(f->reader, partition, from, to, on_record, on_done,
                            &g),
               0);
    EXPECT(!g.done);
    EXPECT(loop_run_until(f->loop, &g.done, 8000));
    return g;
}

TEST(reader_gives_ranges_whole_and_says_where_to_go_on)
{
    const char *topic = mock_topic(2);
    struct fixture f;
    struct range g;

    fill(topic, 0, RECORDS);
    f = open_reader(topic, 0);
    g = fetch(&f, 0, 0, RECORDS);
    EXPECT_INT(g.rc, 0);
    EXPECT_INT(g.count, RECORDS);
    EXPECT_INT(g.next_offset, RECORDS);
    g = fetch(&f, 0, 100, 101);
    EXPECT_INT(g.count, 1);
    EXPECT_INT(g.next_offset, 101);
    g = fetch(&f, 0, 490, READER_END);
    EXPECT_INT(g.rc, 0);
    EXPECT_INT(g.count, 10);
    EXPECT_INT(g.next_offset, RECORDS);
    g = fetch(&f, 1, 0, READER_END);
    EXPECT_INT(g.rc, 0);
    EXPECT_INT(g.count, 0);
    g = fetch(&f, 0, 7, 7);
    EXPECT_INT(g.rc, 0);
    EXPECT_INT(g.next_offset, 7);
    g = fetch(&f, 0, RECORDS, READER_END);
    EXPECT_INT(g.rc, 0);
    EXPECT_INT(g.next_offset, RECORDS);
    close_reader(&f);
}

TEST(reader_serves_many_fetches_of_one_partition_in_order)
{
    const char *topic = mock_topic(2);
    struct range g[20];
    struct fixture f;

    fill(topic, 0, RECORDS);
    fill(topic, 1, RECORDS);
    f = open_reader(topic, 20);
    for (int i = 0; i < 20; i++) {
        g[i] = (struct range){.next = 10 * i};
        EXPECT_INT(reader_fetch(f.reader, i % 2, 10 * i, 10 * i + 200,
                                on_record, on_done, &g[i]),
                   0);
    }
    EXPECT_INT(reader_fetch(f.reader, 0, 0, 1, on_record, on_done, &g[0]),
               FAIL_FULL);
    for (int i = 0; i < 20; i++) {
        EXPECT(loop_run_until(f.loop, &g[i].done, 5000));
        EXPECT_INT(g[i].rc, 0);
        EXPECT_INT(g[i].count, 200);
        EXPECT(i < 2 || g[i - 2].done);
    }
    close_reader(&f);
}

TEST(reader_says_that_a_range_is_gone_and_where_the_log_is)
{
    const char *topic = mock_topic(1);
    struct fixture f;
    struct range g = {0};

    fill(topic, 0, 50);
    f = open_reader(topic, 0);
    g = fetch(&f, 0, 5000, 5001);
    EXPECT_INT(g.rc, FAIL_GONE);
    EXPECT_INT(g.next_offset, 50);
    g.done = false;
    EXPECT_INT(reader_offsets(f.reader, 0, on_offsets, &g), 0);
    EXPECT(loop_run_until(f.loop, &g.done, 5000));
    EXPECT_INT(g.rc, 0);
    EXPECT_INT(g.start, 0);
    EXPECT_INT(g.end, 50);
    g.done = false;
    EXPECT_INT(reader_offsets(f.reader, 9, on_offsets, &g), 0);
    EXPECT(loop_run_until(f.loop, &g.done, 5000));
    EXPECT(g.rc < 0);
    close_reader(&f);
}

TEST(reader_ends_a_fetch_that_makes_no_progress)
{
    const char *topic = mock_topic(1);
    struct fixture f;
    struct range g;

    fill(topic, 0, 5);
    f = open_reader(topic, 0);
    g = fetch(&f, 0, 0, 10);
    EXPECT_INT(g.rc, FAIL_TIMEOUT);
    EXPECT_INT(g.count, 5);
    EXPECT_INT(g.next_offset, 5);
    close_reader(&f);
}

TEST(reader_cancel_silences_every_fetch_of_one_argument)
{
    const char *topic = mock_topic(2);
    struct fixture f;
    struct range g = {0}, other = {0};

    fill(topic, 0, RECORDS);
    f = open_reader(topic, 0);
    g.reader = f.reader;
    g.cancel_in_record = true;
    EXPECT_INT(reader_fetch(f.reader, 0, 0, 100, on_record, on_done, &g), 0);
    EXPECT_INT(reader_fetch(f.reader, 0, 3, 100, on_record, on_done, &g), 0);
    EXPECT_INT(reader_fetch(f.reader, 0, 0, 100, on_record, on_done, &other),
               0);
    EXPECT(loop_run_until(f.loop, &other.done, 5000));
    EXPECT_INT(other.count, 100);
    EXPECT_INT(g.count, 3);
    EXPECT(!g.done);
    close_reader(&f);
}

TEST(reader_close_answers_what_is_under_way)
{
    const char *topic = mock_topic(1);
    struct fixture f = open_reader(topic, 0);
    struct range active = {0}, waiting = {0}, asked = {0};

    EXPECT_INT(reader_fetch(f.reader, 0, 0, 10, on_record, on_done, &active),
               0);
    EXPECT_INT(reader_fetch(f.reader, 0, 0, 10, on_record, on_done, &waiting),
               0);
    EXPECT_INT(reader_offsets(f.reader, 0, on_offsets, &asked), 0);
    close_reader(&f);
    EXPECT(active.done && waiting.done && asked.done);
    EXPECT_INT(active.rc, FAIL_UNREACHABLE);
    EXPECT_INT(waiting.rc, FAIL_UNREACHABLE);
    EXPECT_INT(asked.rc, FAIL_UNREACHABLE);
}
