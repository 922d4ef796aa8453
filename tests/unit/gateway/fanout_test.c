/*
 * tests/unit/gateway/fanout_test.c: who gets which frame, and where the cursor
 * rides.
 *
 * From: notifier/gateway/fanout.h.
 * To:   nobody.
 */
#include <stdio.h>
#include <string.h>

#include "consumer/base/chunk.h"
#include "notifier/gateway/fanout.h"
#include "tests/support/harness.h"

struct listener {
    struct fanout_client client; /* first */
    char got[4096];              /* frames, one a line */
    size_t frames;
};

static struct fanout *f;

static void receive(struct fanout_client *c, struct fanout_frame *frame,
                    bool cursor)
{
    struct listener *l = (struct listener *)c;
    struct bytes b =
        chunk_bytes(fanout_frame_chunk(frame, FANOUT_WEBSOCKET, cursor));
    size_t head = b.data[1] < 126 ? 2 : b.data[1] == 126 ? 4 : 10;
    size_t used = strlen(l->got);

    l->frames++;
    if (used + b.count < sizeof(l->got))
        snprintf(l->got + used, sizeof(l->got) - used, "%.*s\n",
                 (int)(b.count - head), (const char *)b.data + head);
}

static struct listener listener(void)
{
    return (struct listener){.client = {.receive = receive}};
}

static void tell(const char *json, const char *sender, const char *recipient)
{
    struct run_event e = {
        .chain = BYTES_LITERAL("eip155:1"),
        .hash = BYTES_LITERAL("0x11"),
        .sender = bytes_text(sender),
        .recipient = bytes_text(recipient),
        .json = bytes_text(json),
    };

    fanout_event(f, &e);
}

TEST(fanout_gathers_a_turn_into_one_frame_with_the_cursor)
{
    struct listener a = listener();
    struct fanout_subscription s = {0};

    f = fanout_open();
    fanout_subscribe(f, "transactions", &a.client, &s);
    tell("{\"n\":1}", "0xaa", "0xbb");
    tell("{\"n\":2}", "0xcc", "0xcc");
    EXPECT_INT(a.frames, 0);
    EXPECT_INT(fanout_flush(f, "C1"), 1);
    EXPECT_TEXT(a.got,
                "{\"channel\":\"transactions\",\"events\":[{\"n\":1},"
                "{\"n\":2}],\"cursor\":\"C1\"}\n");
    EXPECT_INT(fanout_flush(f, "C2"), 0);
    EXPECT_INT(a.frames, 1);
    fanout_unsubscribe(f, &s);
    EXPECT_INT(fanout_channels(f), 0);
    fanout_close(f);
}

TEST(fanout_puts_the_cursor_into_the_last_frame_only)
{
    struct listener a = listener();
    struct fanout_subscription s[3] = {0};

    f = fanout_open();
    fanout_subscribe(f, "account:0xaa", &a.client, &s[0]);
    fanout_subscribe(f, "transactions", &a.client, &s[1]);
    fanout_subscribe(f, "transaction:eip155:1:0x11", &a.client, &s[2]);
    tell("{}", "0xaa", "0xaa");
    EXPECT_INT(fanout_flush(f, "C"), 3);
    EXPECT_TEXT(a.got,
                "{\"channel\":\"transactions\",\"events\":[{}]}\n"
                "{\"channel\":\"transaction:eip155:1:0x11\",\"events\":[{}]}\n"
                "{\"channel\":\"account:0xaa\",\"events\":[{}],\"cursor\":"
                "\"C\"}\n");
    for (int i = 0; i < 3; i++)
        fanout_unsubscribe(f, &s[i]);
    fanout_close(f);
}

TEST(fanout_shares_one_chunk_among_all_listeners)
{
    enum { COUNT = 50 };
    static struct listener a[COUNT];
    static struct fanout_subscription s[COUNT];

    f = fanout_open();
    for (int i = 0; i < COUNT; i++) {
        a[i] = listener();
        fanout_subscribe(f, "transactions", &a[i].client, &s[i]);
    }
    tell("{}", "0xaa", "0xbb");
    EXPECT_INT(fanout_flush(f, "C"), COUNT);
    for (int i = 0; i < COUNT; i += 2)
        fanout_unsubscribe(f, &s[i]);
    tell("{}", "0xaa", "0xbb");
    EXPECT_INT(fanout_flush(f, "C"), COUNT / 2);
    for (int i = 0; i < COUNT; i++)
        EXPECT_INT(a[i].frames, 1 + i % 2);
    for (int i = 1; i < COUNT; i += 2)
        fanout_unsubscribe(f, &s[i]);
    fanout_close(f);
}

TEST(fanout_begins_another_frame_when_one_is_full)
{
    struct listener a = listener();
    struct fanout_subscription s = {0};
    static char json[4001];

    memset(json, '1', 4000);
    f = fanout_open();
    fanout_subscribe(f, "transactions", &a.client, &s);
    for (int i = 0; i < 100; i++)
        tell(json, "0xaa", "0xbb");
    EXPECT_INT(fanout_flush(f, "C"), 7);
    fanout_unsubscribe(f, &s);
    fanout_close(f);
}

TEST(fanout_lets_a_listener_go_with_frames_gathered)
{
    struct listener a = listener();
    struct fanout_subscription s = {0};

    f = fanout_open();
    fanout_subscribe(f, "transactions", &a.client, &s);
    tell("{}", "0xaa", "0xbb");
    fanout_unsubscribe(f, &s);
    EXPECT_INT(fanout_channels(f), 1);
    EXPECT_INT(fanout_flush(f, "C"), 0);
    EXPECT_INT(fanout_channels(f), 0);
    fanout_close(f);
}

static struct fanout_watch watches[2];
static int told;

static void watched(void *arg, const struct run_event *e)
{
    (void)e;
    told++;
    fanout_unwatch(f, arg);
}

TEST(fanout_tells_watchers_at_once_and_lets_them_leave)
{
    f = fanout_open();
    told = 0;
    for (int i = 0; i < 2; i++) {
        watches[i] =
            (struct fanout_watch){.event = watched, .arg = &watches[i]};
        fanout_watch(f, "transaction:eip155:1:0x11", &watches[i]);
    }
    tell("{}", "0xaa", "0xbb");
    EXPECT_INT(told, 2);
    EXPECT_INT(fanout_channels(f), 0);
    tell("{}", "0xaa", "0xbb");
    EXPECT_INT(told, 2);
    fanout_close(f);
}

TEST(fanout_says_system_words_to_those_who_listen)
{
    struct listener a = listener();
    struct fanout_subscription s = {0};

    f = fanout_open();
    fanout_system(f, BYTES_LITERAL("{\"event\":\"x\"}"));
    fanout_subscribe(f, "system", &a.client, &s);
    fanout_system(f, BYTES_LITERAL("{\"event\":\"y\"}"));
    fanout_flush(f, "C");
    EXPECT_TEXT(a.got,
                "{\"channel\":\"system\",\"events\":[{\"event\":\"y\"}],"
                "\"cursor\":\"C\"}\n");
    fanout_unsubscribe(f, &s);
    fanout_close(f);
}

TEST(fanout_keeps_ten_thousand_channels_apart)
{
    enum { COUNT = 10000 };
    static struct fanout_subscription s[COUNT];
    struct listener a = listener();
    char name[64], address[32];

    f = fanout_open();
    for (int i = 0; i < COUNT; i++) {
        sprintf(name, "account:0x%08x", i);
        fanout_subscribe(f, name, &a.client, &s[i]);
    }
    for (int i = 0; i < COUNT; i += 1000) {
        sprintf(address, "0x%08x", i);
        tell("{}", address, "0xffffffff");
    }
    EXPECT_INT(fanout_flush(f, "C"), 10);
    for (int i = 0; i < COUNT; i++)
        fanout_unsubscribe(f, &s[i]);
    EXPECT_INT(fanout_channels(f), 0);
    fanout_close(f);
}
