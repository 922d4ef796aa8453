/*
 * tests/unit/gateway/subscriber_test.c: a listener that resumes, falls behind,
 * is cut and comes again hears every result above its cursor.
 *
 * The world is one partition, a ring of eight results, the topic behind it, and
 * a listener whose queue holds four frames. Everything that may happen is done
 * in long random orders: results arrive, the turn ends, the listener reads, the
 * topic answers, the catch-up takes a step, the connection is lost. Then:
 *
 *   - below a cursor that was read, every result was read, on each channel;
 *   - with one channel, no result comes twice on one connection, and none is
 *     out of order;
 *   - when all is quiet, the listener is live and has everything.
 *
 * gateway.h and reader.h are played by this file.
 *
 * From: notifier/gateway/subscriber.h, catchup.h, fanout.h, intake.h.
 * To:   nobody.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/chunk.h"
#include "consumer/base/loop.h"
#include "consumer/reader.h"
#include "notifier/gateway/catchup.h"
#include "notifier/gateway/gateway.h"
#include "notifier/gateway/history.h"
#include "notifier/gateway/intake.h"
#include "notifier/gateway/subscriber.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

#define RING 8
#define QUEUE 4
#define CHANNELS 2
#define ASKS 4
#define TOPIC_MAX 4096

struct gateway {
    int unused;
};

static struct {
    struct loop *loop;
    struct loop_wake *wake;
    struct gateway gateway;
    struct gateway_options options;
    struct intake *intake;
    struct fanout *fanout;
    struct catchup_pool *catchups;
    struct cursor flushed;
    struct subscriber *overflowed;
    size_t behind;
    char cursor[CURSOR_TEXT_MAX + 1];
    int64_t end;        /* of the topic */
    int64_t start;      /* of what it keeps */
    size_t frame_bytes; /* what a queued frame counts for */
    bool reads_fail;    /* now and then: each time costs a quarter second */
    /* Questions to the topic that are under way, oldest first. */
    struct {
        reader_record_fn record;
        reader_done_fn done; /* of a fetch; else NULL */
        reader_offsets_fn offsets;
        int64_t from, to;
        void *arg;
    } asks[ASKS];
    size_t asks_count;
} w;

static struct {
    struct subscriber subscriber; /* first */
    bool connected;
    size_t queued; /* frames */
    int64_t
        heard[CHANNELS]; /* offset after the newest result read, this time */
    bool any;            /* something was read this time */
    int cut;             /* close code */
    bool recovered;
    size_t answers;
    bool asked_with_cursor;
} c;

/* By channel: what was read at some time, and what is not expected. */
static bool got[CHANNELS][TOPIC_MAX];
static int64_t floor_offset[CHANNELS];
static const char *channels[CHANNELS];
static size_t channels_count;
static struct cursor read_cursor;
static bool has_cursor;
static struct {
    int64_t offsets[512];
    size_t count;
    size_t channel;
    bool has_cursor;
    struct cursor cursor;
} queue[QUEUE + 1];

/* ---- gateway.h ---- */

struct loop *gateway_loop(const struct gateway *g)
{
    (void)g;
    return w.loop;
}
const struct gateway_options *gateway_options(const struct gateway *g)
{
    (void)g;
    return &w.options;
}
struct fanout *gateway_fanout(struct gateway *g)
{
    (void)g;
    return w.fanout;
}
struct history *gateway_history(struct gateway *g)
{
    (void)g;
    return NULL;
}
struct catchup_pool *gateway_catchups(struct gateway *g)
{
    (void)g;
    return w.catchups;
}
struct reader *gateway_reader(struct gateway *g)
{
    (void)g;
    return NULL;
}
const struct intake *gateway_intake(const struct gateway *g)
{
    (void)g;
    return w.intake;
}
const char *gateway_cursor(struct gateway *g)
{
    struct cursor now;

    (void)g;
    intake_cursor(w.intake, &now);
    cursor_format(&now, w.cursor);
    return w.cursor;
}
void gateway_flush(struct gateway *g)
{
    struct cursor before = w.flushed;

    intake_cursor(w.intake, &w.flushed);
    if (fanout_gathered(w.fanout) == 0)
        return;
    fanout_flush(w.fanout, gateway_cursor(g));
    while (w.overflowed != NULL) {
        struct subscriber *s = w.overflowed;

        w.overflowed = s->overflowed_next;
        s->overflowed = false;
        subscriber_fall_behind(s, &before);
    }
}
void gateway_overflowed(struct gateway *g, struct subscriber *s)
{
    (void)g;
    s->overflowed = true;
    s->overflowed_next = w.overflowed;
    w.overflowed = s;
}
void gateway_enter(struct gateway *g, struct subscriber *s)
{
    (void)g;
    (void)s;
}
void gateway_leave(struct gateway *g, struct subscriber *s)
{
    (void)g;
    (void)s;
}
size_t *gateway_behind(struct gateway *g)
{
    (void)g;
    return &w.behind;
}

/* ---- history.h ---- */

struct history_query *history_channel(struct history *h,
                                      const struct channel *channel,
                                      size_t rows_max, history_fn done,
                                      void *arg)
{
    (void)h;
    (void)channel;
    (void)rows_max;
    (void)done;
    (void)arg;
    return NULL;
}
void history_cancel(struct history_query *q)
{
    (void)q;
}

/* ---- reader.h ---- */

int reader_fetch(struct reader *r, int32_t partition, int64_t from, int64_t to,
                 reader_record_fn record, reader_done_fn done, void *arg)
{
    (void)r;
    (void)partition;
    if (w.asks_count == ASKS)
        return FAIL_FULL;
    w.asks[w.asks_count].record = record;
    w.asks[w.asks_count].done = done;
    w.asks[w.asks_count].offsets = NULL;
    w.asks[w.asks_count].from = from;
    w.asks[w.asks_count].to = to;
    w.asks[w.asks_count++].arg = arg;
    return 0;
}
int reader_offsets(struct reader *r, int32_t partition, reader_offsets_fn done,
                   void *arg)
{
    (void)r;
    (void)partition;
    if (w.asks_count == ASKS)
        return FAIL_FULL;
    w.asks[w.asks_count].done = NULL;
    w.asks[w.asks_count].offsets = done;
    w.asks[w.asks_count++].arg = arg;
    return 0;
}

static void forget_ask(size_t i)
{
    w.asks_count--;
    memmove(&w.asks[i], &w.asks[i + 1], (w.asks_count - i) * sizeof(w.asks[0]));
}

void reader_cancel(struct reader *r, const void *arg)
{
    (void)r;
    for (size_t i = 0; i < w.asks_count;)
        if (w.asks[i].arg == arg)
            forget_ask(i);
        else
            i++;
}

/* ---- the listener ---- */

static size_t channel_of(struct bytes b)
{
    for (size_t i = 0; i < channels_count; i++) {
        char text[128];
        int count = sprintf(text, "\"channel\":\"%s\"", channels[i]);

        if (memmem(b.data, b.count, text, (size_t)count) != NULL)
            return i;
    }
    EXPECT(false);
    return 0;
}

static int op_send(struct subscriber *s, struct chunk *chunk)
{
    struct bytes b = chunk_bytes(chunk);
    const char *at = (const char *)b.data, *end = at + b.count;
    size_t n = c.queued;

    if (s->ended)
        return FAIL_GONE;
    if (n == QUEUE)
        return FAIL_FULL;
    queue[n].count = 0;
    queue[n].channel = channel_of(b);
    while ((at = memmem(at, (size_t)(end - at), "\"1-0-", 5)) != NULL) {
        at += 5;
        EXPECT(queue[n].count < 512);
        queue[n].offsets[queue[n].count++] = strtoll(at, NULL, 10);
    }
    at = memmem(b.data, b.count, "\"cursor\":\"", 10);
    queue[n].has_cursor = at != NULL;
    if (at != NULL)
        EXPECT_INT(cursor_parse(bytes_of(at + 10, strcspn(at + 10, "\"")),
                                &queue[n].cursor),
                   0);
    c.queued++;
    return 0;
}

static size_t op_queued(const struct subscriber *s)
{
    (void)s;
    return c.queued * w.frame_bytes;
}

static void op_flush(struct subscriber *s)
{
    (void)s;
}

static void op_heart(struct subscriber *s, int64_t now_ms)
{
    (void)s;
    (void)now_ms;
}

static void op_answer(struct subscriber *s, const struct subscription *sub,
                      bool recovered, const char *cursor)
{
    struct cursor from;

    (void)s;
    c.answers++;
    c.recovered = recovered;
    EXPECT_INT(cursor_parse(bytes_text(cursor), &from), 0);
    for (size_t i = 0; i < channels_count; i++) {
        if (strcmp(channels[i], sub->channel.name) != 0)
            continue;
        EXPECT_INT(c.heard[i], 0);
        /* If not, it was told: what is before is not coming. */
        if (!c.asked_with_cursor || !recovered)
            floor_offset[i] = ring_next(intake_ring(w.intake, 0));
    }
    read_cursor = from;
    has_cursor = true;
}

static void op_cut(struct subscriber *s, int code, const char *why)
{
    (void)why;
    s->ended = true;
    c.cut = code;
}

static const struct subscriber_ops ops = {
    .form = FANOUT_WEBSOCKET,
    .send = op_send,
    .queued = op_queued,
    .flush = op_flush,
    .heart = op_heart,
    .answer = op_answer,
    .cut = op_cut,
};

/* ---- what may happen ---- */

static void on_event(void *arg, const struct run_event *e)
{
    (void)arg;
    fanout_event(w.fanout, e);
}

static void no_fetch(void *arg, int32_t partition, int64_t from, int64_t to)
{
    (void)arg;
    (void)partition;
    (void)from;
    (void)to;
    EXPECT(false);
}

static int json_of(int64_t offset, char *out)
{
    return sprintf(out,
                   "{\"id\":\"1-0-%lld\",\"type\":\"verified\",\"chain\":"
                   "\"eip155:1\",\"hash\":null,\"sender\":\"0xaa\","
                   "\"recipient\":null,\"amount\":null,\"reason\":null,"
                   "\"accepted_at\":1}",
                   (long long)offset);
}

static void arrive(int count)
{
    char json[512];

    for (; count > 0 && w.end < TOPIC_MAX - 1; count--) {
        int used = json_of(w.end, json);

        intake_read(w.intake, 0, w.end, w.end, bytes_of(json, (size_t)used),
                    BYTES_LITERAL("1;1"));
        w.end++;
    }
}

static void topic_answers(bool whole)
{
    reader_record_fn record = w.asks[0].record;
    reader_done_fn done = w.asks[0].done;
    reader_offsets_fn offsets = w.asks[0].offsets;
    void *arg = w.asks[0].arg;
    int64_t from = w.asks[0].from;
    int64_t to = w.asks[0].to < w.end ? w.asks[0].to : w.end;
    char json[512];

    if (w.asks_count == 0)
        return;
    forget_ask(0);
    if (offsets != NULL) {
        offsets(arg, 0, w.start, w.end);
    } else if (from < w.start) {
        done(arg, FAIL_GONE, w.start);
    } else {
        if (!whole)
            to = from + (to - from) / 2;
        for (int64_t i = from; i < to; i++) {
            struct record r = {.offset = i, .value = BYTES_NONE};

            r.value = bytes_of(json, (size_t)json_of(i, json));
            record(arg, &r);
        }
        done(arg, whole ? 0 : FAIL_TIMEOUT, to);
    }
}

/* The listener reads what is queued, and checks what it reads. */
static void read_queue(size_t most)
{
    size_t n = c.queued < most ? c.queued : most;

    if (!c.connected)
        return;
    for (size_t i = 0; i < n; i++) {
        size_t ch = queue[i].channel;

        for (size_t j = 0; j < queue[i].count; j++) {
            int64_t offset = queue[i].offsets[j];

            /* With two channels the turn in which it fell behind may come
             * twice: one of its frames was taken already. */
            EXPECT(offset >= c.heard[ch] || channels_count > 1);
            c.heard[ch] = offset + 1;
            got[ch][offset] = true;
        }
        if (!queue[i].has_cursor)
            continue;
        read_cursor = queue[i].cursor;
        for (ch = 0; ch < channels_count; ch++)
            for (int64_t o = floor_offset[ch]; o < read_cursor.next[0]; o++)
                EXPECT(got[ch][o]);
    }
    memmove(queue, queue + n, (c.queued - n) * sizeof(queue[0]));
    c.queued -= n;
    if (n > 0 && c.queued == 0 && !c.subscriber.ended)
        subscriber_drained(&c.subscriber);
}

static void woken(void *arg)
{
    (void)arg;
}

/* One turn of the loop, which does not wait for anything. */
static void turn(void)
{
    bool never = false;

    loop_wake(w.wake);
    loop_run_until(w.loop, &never, 0);
}

/* Long enough for a read that failed to be tried again. */
static void wait_a_while(void)
{
    bool never = false;

    loop_run_until(w.loop, &never, 10);
}

static void connect(void)
{
    struct protocol_request r = {.id = "1", .op = PROTOCOL_SUBSCRIBE};

    memset(&c, 0, sizeof(c));
    c.connected = true;
    c.asked_with_cursor = has_cursor;
    subscriber_init(&c.subscriber, &w.gateway, &ops);
    r.has_cursor = has_cursor;
    r.cursor = read_cursor;
    for (size_t i = 0; i < channels_count; i++) {
        EXPECT_INT(channel_parse(bytes_text(channels[i]), &r.channel), 0);
        EXPECT_INT(subscriber_do(&c.subscriber, &r), PROTOCOL_FINE);
    }
}

static void disconnect(void)
{
    if (!c.connected)
        return;
    subscriber_fini(&c.subscriber);
    c.connected = false;
    c.queued = 0;
}

static void open_world(const char *one, const char *other)
{
    struct intake_options o = {
        .partitions = 1,
        .ring_count_max = RING,
        .hooks = {.event = on_event, .fetch = no_fetch},
    };

    memset(&w, 0, sizeof(w));
    memset(&c, 0, sizeof(c));
    memset(got, 0, sizeof(got));
    has_cursor = false;
    memset(floor_offset, 0, sizeof(floor_offset));
    channels[0] = one;
    channels[1] = other;
    channels_count = other == NULL ? 1 : 2;
    w.frame_bytes = 40000;
    CHECK(loop_open(&w.loop) == 0);
    w.wake = loop_wake_open(w.loop, "test.turn", woken, NULL);
    w.options.open = true;
    w.options.subscriptions_max = 4;
    w.intake = intake_open(&o);
    w.fanout = fanout_open();
    w.catchups = catchup_pool_open(&w.gateway);
    intake_begin(w.intake, 0, 0, 0);
    intake_cursor(w.intake, &w.flushed);
}

static void close_world(void)
{
    disconnect();
    fanout_flush(w.fanout, "");
    catchup_pool_close(w.catchups);
    fanout_close(w.fanout);
    intake_close(w.intake);
    loop_wake_close(w.wake);
    loop_close(w.loop);
}

/* Lets everything finish: then nothing is missing. */
static void settle(void)
{
    if (!c.connected || c.subscriber.ended) {
        disconnect();
        connect();
    }
    for (int i = 0; i < 400; i++) {
        read_queue(QUEUE);
        gateway_flush(&w.gateway);
        turn();
        if (i > 100)
            wait_a_while();
        topic_answers(true);
        if (c.subscriber.ended) {
            disconnect();
            connect();
        }
        if (c.subscriber.not_live == 0 && c.queued == 0)
            break;
    }
    EXPECT_INT(c.subscriber.not_live, 0);
    EXPECT(!c.subscriber.fell_behind);
    EXPECT_INT(w.behind, 0);
    for (size_t ch = 0; ch < channels_count; ch++)
        for (int64_t o = floor_offset[ch]; o < w.end; o++)
            EXPECT(got[ch][o]);
}

static uint32_t seed;

static uint32_t dice(uint32_t sides)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 16) % sides;
}

static void something(void)
{
    switch (dice(12)) {
    case 0:
    case 1:
        arrive(1 + (int)dice(3));
        break;
    case 2:
        arrive((int)dice(12));
        break;
    case 3:
    case 4:
        gateway_flush(&w.gateway);
        break;
    case 5:
    case 6:
        read_queue(1 + dice(QUEUE));
        break;
    case 7:
    case 8:
        turn();
        break;
    case 9:
        topic_answers(!w.reads_fail || dice(4) != 0);
        break;
    case 10:
        if (dice(4) == 0 || (c.connected && c.subscriber.ended))
            disconnect();
        break;
    case 11:
        if (!c.connected)
            connect();
        break;
    }
}

static void walk(const char *one, const char *other, int walks, int steps)
{
    for (int i = 0; i < walks; i++) {
        open_world(one, other);
        seed = (uint32_t)i * 2654435761u + 1;
        w.reads_fail = i % 50 == 0;
        /* Small frames are refused by a full queue in the middle of a step.
         */
        w.frame_bytes = i % 2 == 0 ? 40000 : 10000;
        arrive((int)dice(20));
        for (int step = 0; step < steps; step++)
            something();
        settle();
        close_world();
    }
}

TEST(subscriber_to_everything_hears_every_result_above_its_cursor)
{
    walk("transactions", NULL, 1000, 60);
}

TEST(subscriber_to_an_account_hears_every_result_above_its_cursor)
{
    walk("account:0xaa", NULL, 500, 60);
}

TEST(subscriber_to_two_channels_hears_both_above_its_one_cursor)
{
    walk("transactions", "account:0xaa", 1500, 60);
}

TEST(subscriber_resumes_from_the_ring_without_asking_the_topic)
{
    open_world("transactions", NULL);
    arrive(4);
    has_cursor = true;
    read_cursor = (struct cursor){.log = 1, .count = 1, .next = {2}};
    connect();
    EXPECT(c.recovered);
    EXPECT_INT(w.asks_count, 0);
    turn();
    EXPECT_INT(c.subscriber.not_live, 0);
    EXPECT_INT(queue[0].count, 2);
    EXPECT_INT(queue[0].offsets[0], 2);
    close_world();
}

TEST(subscriber_is_answered_only_after_the_topic_was_asked)
{
    open_world("transactions", NULL);
    arrive(40);
    has_cursor = true;
    read_cursor = (struct cursor){.log = 1, .count = 1, .next = {5}};
    floor_offset[0] = 5;
    connect();
    EXPECT_INT(c.answers, 0);
    EXPECT(w.asks_count == 1 && w.asks[0].offsets != NULL);
    topic_answers(true);
    EXPECT_INT(c.answers, 1);
    EXPECT(c.recovered);
    settle();
    close_world();
}

TEST(subscriber_is_told_what_the_topic_no_longer_has)
{
    open_world("transactions", NULL);
    arrive(40);
    w.start = 20;
    has_cursor = true;
    read_cursor = (struct cursor){.log = 1, .count = 1, .next = {5}};
    connect();
    topic_answers(true);
    EXPECT_INT(c.answers, 1);
    EXPECT(!c.recovered);
    EXPECT_INT(floor_offset[0], 40);
    arrive(1);
    settle();
    close_world();
}

TEST(subscriber_is_cut_when_the_topic_expires_under_it)
{
    open_world("transactions", NULL);
    arrive(40);
    has_cursor = true;
    read_cursor = (struct cursor){.log = 1, .count = 1, .next = {5}};
    connect();
    topic_answers(true);
    turn();
    w.start = 20;
    topic_answers(true);
    EXPECT_INT(c.cut, SUBSCRIBER_RESYNC);
    close_world();
}

TEST(subscriber_with_a_cursor_of_another_log_starts_anew)
{
    static const struct cursor strange[] = {
        {.log = 2, .count = 1, .next = {1}},
        {.log = 1, .count = 2, .next = {1, 1}},
        {.log = 0, .count = 1, .next = {1}},
        {.log = 1, .count = 1, .next = {1000000}},
    };

    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        open_world("transactions", NULL);
        arrive(4);
        has_cursor = true;
        read_cursor = strange[i];
        connect();
        EXPECT_INT(c.answers, 1);
        EXPECT(!c.recovered);
        close_world();
    }
}

TEST(subscriber_ahead_of_this_gateway_waits_there)
{
    open_world("transactions", NULL);
    arrive(4);
    has_cursor = true;
    read_cursor = (struct cursor){.log = 1, .count = 1, .next = {4}};
    connect();
    EXPECT(c.recovered);
    turn();
    EXPECT_INT(c.subscriber.not_live, 0);
    close_world();
}

TEST(subscriber_that_reads_nothing_is_cut_after_its_grace)
{
    open_world("transactions", NULL);
    connect();
    turn();
    for (int i = 0; i < 10; i++) {
        arrive(1);
        gateway_flush(&w.gateway);
    }
    EXPECT(c.subscriber.fell_behind);
    EXPECT_INT(w.behind, 1);
    subscriber_sweep(&c.subscriber,
                     c.subscriber.progress_ms + SUBSCRIBER_GRACE_MS - 1, NULL);
    EXPECT_INT(c.cut, 0);
    subscriber_sweep(&c.subscriber,
                     c.subscriber.progress_ms + SUBSCRIBER_GRACE_MS + 1, NULL);
    EXPECT_INT(c.cut, SUBSCRIBER_SLOW);
    disconnect();
    EXPECT_INT(w.behind, 0);
    close_world();
}

TEST(subscriber_needs_a_token_for_everything_unless_it_is_open)
{
    struct protocol_request r = {.id = "1", .op = PROTOCOL_SUBSCRIBE};

    open_world("transactions", NULL);
    w.options.open = false;
    memset(&c, 0, sizeof(c));
    subscriber_init(&c.subscriber, &w.gateway, &ops);
    c.connected = true;
    EXPECT_INT(channel_parse(BYTES_LITERAL("transactions"), &r.channel), 0);
    EXPECT_INT(subscriber_do(&c.subscriber, &r), PROTOCOL_TOKEN_REQUIRED);
    EXPECT_INT(channel_parse(BYTES_LITERAL("account:0xaa"), &r.channel), 0);
    EXPECT_INT(subscriber_do(&c.subscriber, &r), PROTOCOL_FINE);
    for (int i = 0; i < 5; i++) {
        char name[32];

        sprintf(name, "account:0xbb0%d", i);
        EXPECT_INT(channel_parse(bytes_text(name), &r.channel), 0);
        EXPECT_INT(subscriber_do(&c.subscriber, &r),
                   i < 3 ? PROTOCOL_FINE : PROTOCOL_TOO_MANY);
    }
    r.op = PROTOCOL_UNSUBSCRIBE;
    EXPECT_INT(subscriber_do(&c.subscriber, &r), PROTOCOL_NOT_SUBSCRIBED);
    close_world();
}
