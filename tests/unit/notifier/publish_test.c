/*
 * tests/unit/notifier/publish_test.c: every run says the truth about the topic.
 *
 * From: notifier/publish.h.
 * To:   nobody.
 */
#include <stdio.h>
#include <string.h>

#include "notifier/publish.h"
#include "tests/support/harness.h"

static struct run_event events[RUN_EVENTS_MAX];
static struct run_header last;
static size_t last_count, messages, largest;
static int64_t chained; /* where the chain of runs stands */

static void sent(void *arg, int32_t partition, struct bytes run)
{
    (void)arg;
    EXPECT_INT(run_parse(run, &last, events, &last_count), 0);
    EXPECT_INT(last.partition, partition);
    messages++;
    if (run.count > largest)
        largest = run.count;
    if (last.count > 0) {
        EXPECT(last.previous == chained);
        chained = last.last;
    }
}

static struct publish *open_publish(void)
{
    struct publish *p = publish_open(sent, NULL);

    messages = 0;
    largest = 0;
    chained = -1;
    publish_start(p, 3);
    return p;
}

static void give(struct publish *p, int64_t offset, size_t padding)
{
    char json[RESULT_BYTES_MAX];
    int used = sprintf(json,
                       "{\"id\":\"1-3-%lld\",\"type\":\"verified\",\"chain\":"
                       "\"eip155:1\",\"hash\":null,\"sender\":null,"
                       "\"recipient\":null,\"amount\":null,\"reason\":null,"
                       "\"accepted_at\":1",
                       (long long)offset);

    if (padding > 0) {
        used += sprintf(json + used, ",\"x\":\"");
        memset(json + used, 'x', padding);
        used += (int)padding;
        json[used++] = '"';
    }
    json[used++] = '}';
    publish_record(p, 3, offset, bytes_of(json, (size_t)used),
                   BYTES_LITERAL("1;7"));
}

TEST(publish_hands_on_what_a_turn_gathered_as_one_run)
{
    struct publish *p = open_publish();

    give(p, 100, 0);
    give(p, 101, 0);
    EXPECT_INT(messages, 0);
    publish_flush(p);
    EXPECT_INT(messages, 1);
    EXPECT_INT(last.log, 7);
    EXPECT_INT(last.first, 100);
    EXPECT_INT(last.last, 101);
    EXPECT_INT(last.previous, -1);
    EXPECT_INT(last_count, 2);
    publish_flush(p);
    EXPECT_INT(messages, 1);
    give(p, 105, 0);
    publish_flush(p);
    EXPECT_INT(last.previous, 101);
    EXPECT_INT(last.first, 105);
    publish_close(p);
}

TEST(publish_cuts_a_run_at_256_events)
{
    struct publish *p = open_publish();

    for (int i = 0; i < 1000; i++)
        give(p, i, 0);
    publish_flush(p);
    EXPECT_INT(messages, 4);
    EXPECT_INT(last_count, 1000 - 3 * 256);
    EXPECT_INT(chained, 999);
    publish_close(p);
}

TEST(publish_cuts_a_run_at_64_kib)
{
    struct publish *p = open_publish();

    for (int i = 0; i < 200; i++)
        give(p, i * 2, 3000);
    publish_flush(p);
    EXPECT(messages >= 10);
    EXPECT(largest <= RUN_BYTES_MAX + RUN_HEADER_MAX);
    EXPECT(largest > RUN_BYTES_MAX - 4096);
    EXPECT_INT(chained, 398);
    publish_close(p);
}

TEST(publish_counts_the_offset_of_what_is_no_result)
{
    struct publish *p = open_publish();

    give(p, 5, 0);
    publish_record(p, 3, 6, BYTES_LITERAL("rubbish"), BYTES_NONE);
    publish_record(p, 3, 7, BYTES_NONE, BYTES_NONE);
    publish_flush(p);
    EXPECT_INT(last.first, 5);
    EXPECT_INT(last.last, 7);
    EXPECT_INT(last_count, 1);
    EXPECT_INT(publish_counts(p)->foreign, 2);
    /* Nothing but rubbish: a heartbeat that reaches so far. */
    publish_record(p, 3, 8, BYTES_LITERAL("rubbish"), BYTES_NONE);
    publish_flush(p);
    EXPECT_INT(last.count, 0);
    EXPECT_INT(last.last, 8);
    give(p, 9, 0);
    chained = 8;
    publish_flush(p);
    EXPECT_INT(last.previous, 8);
    publish_close(p);
}

TEST(publish_beats_with_the_last_offset_once_it_is_known)
{
    struct publish *p = open_publish();

    publish_beat(p);
    EXPECT_INT(messages, 0);
    publish_reached(p, 3, 0);
    publish_beat(p);
    EXPECT_INT(last.last, -1);
    give(p, 41, 0);
    publish_flush(p);
    publish_beat(p);
    EXPECT_INT(messages, 3);
    EXPECT_INT(last.count, 0);
    EXPECT_INT(last.last, 41);
    EXPECT_INT(last.first, 41);
    publish_close(p);
}

TEST(publish_leaves_lines_out_when_it_is_far_behind)
{
    struct publish *p = open_publish();

    give(p, 1, 0);
    publish_headers_only(p, 3, true);
    EXPECT_INT(messages, 1);
    give(p, 2, 0);
    give(p, 3, 0);
    publish_flush(p);
    EXPECT_INT(last.count, 2);
    EXPECT_INT(last_count, 0);
    publish_headers_only(p, 3, false);
    give(p, 4, 0);
    publish_flush(p);
    EXPECT_INT(last_count, 1);
    EXPECT_INT(last.previous, 3);
    publish_close(p);
}

TEST(publish_begins_the_chain_anew_with_each_assignment)
{
    struct publish *p = open_publish();

    give(p, 1, 0);
    publish_stop(p);
    publish_flush(p);
    EXPECT_INT(messages, 0);
    give(p, 2, 0);
    EXPECT_INT(publish_next(p, 3), -1);
    publish_start(p, 3);
    give(p, 1, 0);
    publish_flush(p);
    EXPECT_INT(last.previous, -1);
    EXPECT_INT(last.first, 1);
    publish_close(p);
}

TEST(publish_does_not_mix_two_logs_in_a_run)
{
    struct publish *p = open_publish();
    char json[] =
        "{\"id\":\"1-3-2\",\"type\":\"verified\",\"chain\":null,"
        "\"hash\":null,\"sender\":null,\"recipient\":null,"
        "\"amount\":null,\"reason\":null,\"accepted_at\":1}";

    give(p, 1, 0);
    publish_record(p, 3, 2, bytes_text(json), BYTES_LITERAL("1;8"));
    EXPECT_INT(messages, 1);
    EXPECT_INT(last.log, 7);
    publish_flush(p);
    EXPECT_INT(last.log, 8);
    EXPECT_INT(last.previous, 1);
    publish_close(p);
}
