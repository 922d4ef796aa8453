/*
 * tests/unit/gateway/intake_test.c: no order of what may arrive leaves a hole.
 *
 * A topic of six offsets is told to an intake in every sequence of runs (whole,
 * cut, repeated, with and without `previous`), heartbeats, headers only, reads
 * that succeed or fail, and in the end one heartbeat: every result must have
 * been heard exactly once and in order, and the cursor never stood above
 * something that was not heard.
 *
 * From: notifier/gateway/intake.h.
 * To:   nobody.
 */
#include <stdio.h>
#include <string.h>

#include "notifier/gateway/intake.h"
#include "tests/support/harness.h"

#define TOPIC 6

/* Record ids by offset; -1: no result; offset 3 repeats offset 0. */
static const int ids[TOPIC] = {10, -1, 11, 10, 12, 13};

static struct {
    struct intake *in;
    int64_t heard[64];
    size_t heard_count;
    bool asked;
    int64_t from, to;
    int lost, renumbered;
    int64_t lost_from, lost_to;
} t;

static void on_event(void *arg, const struct run_event *e)
{
    (void)arg;
    EXPECT(t.heard_count < 64);
    t.heard[t.heard_count++] = e->offset;
}

static void on_fetch(void *arg, int32_t partition, int64_t from, int64_t to)
{
    (void)arg;
    EXPECT_INT(partition, 0);
    EXPECT(!t.asked);
    EXPECT(from < to);
    t.asked = true;
    t.from = from;
    t.to = to;
}

static void on_lost(void *arg, int32_t partition, int64_t from, int64_t to)
{
    (void)arg;
    (void)partition;
    t.lost++;
    t.lost_from = from;
    t.lost_to = to;
}

static void on_renumbered(void *arg, int32_t log)
{
    (void)arg;
    t.renumbered = log;
}

static void open_intake(void)
{
    struct intake_options o = {
        .partitions = 1,
        .hooks = {on_event, on_fetch, on_lost, on_renumbered},
    };

    memset(&t, 0, sizeof(t));
    t.in = intake_open(&o);
}

static int json_of(int64_t offset, char *out)
{
    return sprintf(out,
                   "{\"id\":\"1-0-%d\",\"type\":\"verified\",\"chain\":"
                   "\"eip155:1\",\"hash\":null,\"sender\":null,\"recipient\":"
                   "null,\"amount\":null,\"reason\":null,\"accepted_at\":1}",
                   ids[offset]);
}

static void tell_run(int64_t first, int64_t last, int64_t previous, bool lines)
{
    char text[4096], json[512];
    int count = 0, used;

    for (int64_t i = first; i <= last; i++)
        count += ids[i] >= 0;
    used = sprintf(text, "1 1 0 %lld %lld %lld %d\n", (long long)first,
                   (long long)last, (long long)previous, count);
    for (int64_t i = first; lines && i <= last; i++)
        if (ids[i] >= 0) {
            json_of(i, json);
            used += sprintf(text + used, "%lld verified eip155:1 - - - %s\n",
                            (long long)i, json);
        }
    intake_run(t.in, bytes_of(text, (size_t)used));
}

static void tell_heartbeat(int64_t last)
{
    char text[128];
    int used = sprintf(text, "1 1 0 %lld %lld %lld 0\n", (long long)last,
                       (long long)last, (long long)last);

    intake_run(t.in, bytes_of(text, (size_t)used));
}

/* Answers the read that was asked for, up to `stop`. */
static void tell_read(int64_t stop, int rc)
{
    int64_t at = t.from, to = t.to < stop ? t.to : stop;
    char json[512];

    for (int64_t i = t.from; i < to; i++) {
        const char *value = "not a result";

        if (ids[i] >= 0) {
            json_of(i, json);
            value = json;
        }
        intake_read(t.in, 0, at, i, bytes_text(value), BYTES_LITERAL("1;1"));
        at = i + 1;
    }
    t.asked = false;
    intake_fetched(t.in, 0, rc);
}

/* What was heard is every new result below the position, in order. */
static void expect_no_hole(void)
{
    struct cursor c;
    size_t n = 0;

    intake_cursor(t.in, &c);
    for (int64_t i = 0; i < c.next[0]; i++) {
        if (ids[i] < 0 || i == 3)
            continue;
        EXPECT(n < t.heard_count);
        EXPECT_INT(t.heard[n], i);
        n++;
    }
    EXPECT_INT(t.heard_count, n);
}

struct act {
    enum { RUN, HEADERS, BEAT, READ, READ_PART, READ_FAILED, RETRY } what;
    int64_t first, last, previous;
};

static struct act acts[128];
static size_t acts_count;

static void list_acts(void)
{
    acts_count = 0;
    for (int64_t a = 0; a < TOPIC; a++)
        for (int64_t b = a; b < TOPIC; b++) {
            if ((b - a) % 2 == 1 && b - a > 1)
                continue;
            acts[acts_count++] = (struct act){RUN, a, b, a - 1};
            if (a > 0 && a % 2 == 0)
                acts[acts_count++] = (struct act){RUN, a, b, -1};
        }
    acts[acts_count++] = (struct act){HEADERS, 2, 3, 1};
    acts[acts_count++] = (struct act){BEAT, .last = 2};
    acts[acts_count++] = (struct act){BEAT, .last = 5};
    acts[acts_count++] = (struct act){.what = READ};
    acts[acts_count++] = (struct act){.what = READ_PART};
    acts[acts_count++] = (struct act){.what = READ_FAILED};
    acts[acts_count++] = (struct act){.what = RETRY};
}

/* False: the act makes no sense now. */
static bool act(const struct act *a)
{
    switch (a->what) {
    case RUN:
        tell_run(a->first, a->last, a->previous, true);
        return true;
    case HEADERS:
        tell_run(a->first, a->last, a->previous, false);
        return true;
    case BEAT:
        tell_heartbeat(a->last);
        return true;
    case RETRY:
        intake_retry(t.in);
        return true;
    case READ:
    case READ_PART:
    case READ_FAILED:
        if (!t.asked)
            return false;
        tell_read(a->what == READ        ? TOPIC
                  : a->what == READ_PART ? t.from + 1
                                         : t.from,
                  -1);
        return true;
    }
    return false;
}

TEST(intake_leaves_no_hole_in_any_order_of_what_arrives)
{
    enum { DEPTH = 4 };
    size_t at[DEPTH] = {0}, sequences = 0;
    int depth;

    list_acts();
    for (;;) {
        bool sense = true;

        open_intake();
        intake_begin(t.in, 0, 0, 0);
        for (depth = 0; depth < DEPTH && sense; depth++) {
            sense = act(&acts[at[depth]]);
            expect_no_hole();
        }
        if (sense) {
            tell_heartbeat(TOPIC - 1);
            for (int i = 0; i < 10 && t.asked; i++)
                tell_read(TOPIC, -1);
            EXPECT(!t.asked);
            EXPECT_INT(intake_behind(t.in), 0);
            EXPECT_INT(ring_next(intake_ring(t.in, 0)), TOPIC);
            EXPECT_INT(t.heard_count, 4);
            expect_no_hole();
            sequences++;
        }
        intake_close(t.in);
        for (depth = DEPTH - 1; depth >= 0 && ++at[depth] == acts_count;
             depth--)
            at[depth] = 0;
        if (depth < 0)
            break;
    }
    EXPECT(sequences > 100000);
}

TEST(intake_is_ready_when_it_has_read_to_where_the_topic_ended)
{
    open_intake();
    EXPECT(!intake_ready(t.in));
    intake_begin(t.in, 0, 2, 5);
    EXPECT(t.asked && t.from == 2 && t.to == 5);
    EXPECT(!intake_ready(t.in));
    tell_read(TOPIC, -1);
    EXPECT(intake_ready(t.in));
    EXPECT_INT(t.heard_count, 3);
    intake_close(t.in);

    open_intake();
    intake_begin(t.in, 0, 5, 5);
    EXPECT(!t.asked && intake_ready(t.in));
    intake_close(t.in);
}

TEST(intake_holds_runs_that_come_before_the_begin)
{
    open_intake();
    tell_run(4, 5, 3, true);
    EXPECT_INT(t.heard_count, 0);
    intake_begin(t.in, 0, 0, 4);
    tell_read(TOPIC, -1);
    EXPECT(!t.asked);
    EXPECT_INT(t.heard_count, 4);
    EXPECT_INT(ring_next(intake_ring(t.in, 0)), TOPIC);
    intake_close(t.in);
}

TEST(intake_says_what_expired_before_it_was_read)
{
    open_intake();
    intake_begin(t.in, 0, 0, 0);
    tell_heartbeat(5);
    EXPECT(t.asked);
    t.asked = false;
    intake_fetched(t.in, 0, 4);
    EXPECT_INT(t.lost, 1);
    EXPECT_INT(t.lost_from, 0);
    EXPECT_INT(t.lost_to, 4);
    EXPECT(t.asked && t.from == 4 && t.to == 6);
    tell_read(TOPIC, -1);
    EXPECT_INT(t.heard_count, 2);
    EXPECT_INT(ring_from(intake_ring(t.in, 0)), 4);
    intake_close(t.in);
}

TEST(intake_asks_again_after_a_read_that_failed)
{
    open_intake();
    intake_begin(t.in, 0, 0, 0);
    tell_heartbeat(5);
    tell_read(0, -1);
    EXPECT(t.asked);
    intake_close(t.in);
}

TEST(intake_ends_with_the_number_of_its_log)
{
    open_intake();
    intake_begin(t.in, 0, 0, 0);
    tell_run(0, 2, -1, true);
    EXPECT_INT(intake_log(t.in), 1);
    intake_run(t.in, BYTES_LITERAL("1 2 0 0 0 -1 0\n"));
    EXPECT_INT(t.renumbered, 2);
    tell_run(3, 5, 2, true);
    EXPECT_INT(t.heard_count, 2);
    intake_close(t.in);
}

TEST(intake_ignores_an_older_log_and_rubbish)
{
    open_intake();
    intake_begin(t.in, 0, 0, 0);
    intake_run(t.in, BYTES_LITERAL("1 2 0 0 0 -1 0\n"));
    tell_read(0, 0);
    tell_run(0, 2, -1, true);
    EXPECT_INT(t.heard_count, 0);
    EXPECT_INT(t.renumbered, 0);
    intake_run(t.in, BYTES_LITERAL("1 2 9 0 0 -1 0\n"));
    intake_run(t.in, BYTES_LITERAL("hello"));
    EXPECT_INT(intake_counts(t.in)->runs_malformed, 2);
    intake_close(t.in);
}

TEST(intake_reads_past_a_result_of_an_older_log)
{
    char json[512];
    int used;

    open_intake();
    intake_begin(t.in, 0, 0, 0);
    intake_run(t.in, BYTES_LITERAL("1 2 0 1 1 0 0\n"));
    EXPECT(t.asked);
    t.asked = false;
    used = json_of(0, json);
    intake_read(t.in, 0, 0, 0, bytes_of(json, (size_t)used),
                BYTES_LITERAL("1;1"));
    intake_read(t.in, 0, 1, 1, bytes_of(json, (size_t)used),
                BYTES_LITERAL("1;2"));
    intake_fetched(t.in, 0, -1);
    EXPECT(!t.asked);
    EXPECT_INT(ring_next(intake_ring(t.in, 0)), 2);
    EXPECT_INT(t.heard_count, 1);
    EXPECT_INT(t.heard[0], 1);
    intake_close(t.in);
}

TEST(intake_holds_no_more_than_its_bound)
{
    open_intake();
    intake_begin(t.in, 0, 0, 0);
    for (int i = 0; i < 10000; i++)
        tell_run(4, 5, 3, true);
    EXPECT_INT(intake_counts(t.in)->runs_held, 10000);
    tell_read(TOPIC, -1);
    EXPECT_INT(t.heard_count, 4);
    intake_close(t.in);
}
