/*
 * tests/unit/ctl/feed_test.c: a feed against a gateway that this file plays.
 *
 *      feed --subscribe, cursor?--> this file --push, cursor--> feed
 *                                        '--- cuts the connection
 *
 * From: ctest.
 * To:   deploy/ctl/feed.c and ws_client.c.
 */
#include "deploy/ctl/feed.h"

#include <stdio.h>
#include <string.h>

#include "consumer/base/http.h"
#include "consumer/base/listen.h"
#include "consumer/base/loop.h"
#include "consumer/base/stream.h"
#include "notifier/gateway/websocket.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"
#include "tests/support/harness.h"

static struct loop *loop;
static struct http_server *server;
static struct url url;

/* ---- the gateway ---- */

static struct {
    struct stream *stream;
    struct websocket websocket;
    int connections;
    char asked[4][512]; /* the first message of each connection */
    bool refuse_all;    /* 503 to every handshake */
    const char *answer; /* to every subscribe */
} gateway;

static void say(const char *text)
{
    struct chunk *c = websocket_frame(WEBSOCKET_OP_TEXT, bytes_text(text));

    EXPECT_INT(stream_send(gateway.stream, c), 0);
    chunk_drop(c);
}

static void gateway_data(void *arg, struct bytes b)
{
    struct websocket_event e;

    (void)arg;
    while (b.count > 0)
        if (websocket_read(&gateway.websocket, &b, &e) == WEBSOCKET_TEXT) {
            if (gateway.connections <= 4)
                snprintf(gateway.asked[gateway.connections - 1],
                         sizeof(gateway.asked[0]), "%.*s", (int)e.data.count,
                         (const char *)e.data.data);
            say(gateway.answer);
        }
}

static void gateway_closed(void *arg, enum stream_end why)
{
    (void)arg;
    (void)why;
    websocket_fini(&gateway.websocket);
    gateway.stream = NULL;
}

static const struct stream_events stream_events = {
    .data = gateway_data,
    .closed = gateway_closed,
};

static void request(void *arg, struct http_exchange *x,
                    const struct http_request *r)
{
    struct websocket_offer offer;
    struct buffer head;
    const char *why = "";

    (void)arg;
    if (gateway.refuse_all || !bytes_equal_text(r->path, "/v1/ws") ||
        websocket_offer_read(r, &offer, &why) != 0) {
        http_reply_problem(x, 503, "not_ready", NULL, why);
        return;
    }
    EXPECT(websocket_offer_has(&offer, NAMES_WEBSOCKET_PROTOCOL));
    buffer_init(&head, 1024);
    EXPECT_INT(websocket_offer_accept(&offer, NAMES_WEBSOCKET_PROTOCOL,
                                      BYTES_NONE, &head),
               0);
    gateway.connections++;
    gateway.stream = http_upgrade(x, buffer_bytes(&head));
    buffer_fini(&head);
    EXPECT(gateway.stream != NULL);
    websocket_init(&gateway.websocket, WEBSOCKET_SERVER, NULL);
    stream_listen(gateway.stream, &stream_events, NULL);
}

/* ---- the listener ---- */

static struct {
    struct feed *feed;
    bool ready, event, lost, refused;
    bool close_at_event; /* it has had enough */
    int firsts, readies, recovered;
    int events;
    char last[256], why[256];
} listener;

static void on_ready(void *arg, bool first, bool recovered)
{
    (void)arg;
    listener.ready = true;
    listener.readies++;
    listener.firsts += first;
    listener.recovered += recovered;
}

static void on_event(void *arg, struct bytes channel, struct bytes json)
{
    (void)arg;
    EXPECT(bytes_equal_text(channel, "transactions"));
    listener.event = true;
    listener.events++;
    snprintf(listener.last, sizeof(listener.last), "%.*s", (int)json.count,
             (const char *)json.data);
    if (listener.close_at_event) {
        feed_close(listener.feed);
        listener.feed = NULL;
    }
}

static void on_lost(void *arg, const char *why, int64_t pause_ms)
{
    (void)arg;
    EXPECT(pause_ms > 0);
    listener.lost = true;
    snprintf(listener.why, sizeof(listener.why), "%s", why);
}

static void on_refused(void *arg, const char *why)
{
    (void)arg;
    listener.refused = true;
    snprintf(listener.why, sizeof(listener.why), "%s", why);
}

static const struct feed_events events = {
    .ready = on_ready,
    .event = on_event,
    .lost = on_lost,
    .refused = on_refused,
};

static void open_all(const char *cursor)
{
    static const char *const channels[] = {"transactions"};
    struct http_options server_options = {.listen = "127.0.0.1:0",
                                          .request = request};
    struct feed_options o = {.url = &url,
                             .channels = channels,
                             .channel_count = 1,
                             .cursor = cursor,
                             .events = &events};
    char text[64];
    const char *why;

    memset(&listener, 0, sizeof(listener));
    EXPECT_INT(loop_open(&loop), 0);
    EXPECT_INT(http_server_open(loop, &server_options, &server), 0);
    snprintf(text, sizeof(text), "http://127.0.0.1:%d",
             http_server_port(server));
    EXPECT_INT(url_parse(text, &url, &why), 0);
    o.loop = loop;
    listener.feed = feed_open(&o);
}

static void reset_gateway(void)
{
    memset(&gateway, 0, sizeof(gateway));
    gateway.answer =
        "{\"id\":0,\"ok\":true,\"recovered\":true,"
        "\"cursor\":\"AQEA\"}";
}

static void close_all(void)
{
    feed_close(listener.feed);
    if (gateway.stream != NULL)
        stream_close(gateway.stream);
    http_server_close(server);
    loop_close(loop);
}

static void wait_for(bool *what)
{
    EXPECT(loop_run_until(loop, what, 5000));
    *what = false;
}

TEST(a_feed_subscribes_and_gives_every_event_of_a_push)
{
    reset_gateway();
    open_all(NULL);
    wait_for(&listener.ready);
    EXPECT_TEXT(gateway.asked[0],
                "{\"id\":0,\"op\":\"subscribe\","
                "\"channel\":\"transactions\"}");
    say("{\"channel\":\"transactions\",\"events\":[{\"n\":1},{\"n\":2}],"
        "\"cursor\":\"AQEC\"}");
    wait_for(&listener.event);
    EXPECT_INT(listener.events, 2);
    EXPECT_TEXT(listener.last, "{\"n\":2}");
    EXPECT_TEXT(feed_cursor(listener.feed), "AQEC");
    close_all();
}

TEST(a_feed_resumes_with_its_newest_cursor)
{
    reset_gateway();
    open_all(NULL);
    wait_for(&listener.ready);
    say("{\"channel\":\"transactions\",\"events\":[{}],\"cursor\":\"AQEF\"}");
    wait_for(&listener.event);
    stream_close(gateway.stream);
    wait_for(&listener.lost);
    wait_for(&listener.ready);
    EXPECT_TEXT(gateway.asked[1],
                "{\"id\":0,\"op\":\"subscribe\","
                "\"channel\":\"transactions\","
                "\"cursor\":\"AQEF\"}");
    EXPECT_INT(listener.firsts, 1);
    EXPECT_INT(listener.recovered, 2);
    close_all();
}

TEST(what_the_gateway_can_no_longer_give_is_said)
{
    reset_gateway();
    gateway.answer =
        "{\"id\":0,\"ok\":true,\"recovered\":false,"
        "\"cursor\":\"AQEA\"}";
    open_all("AQEB");
    wait_for(&listener.ready);
    EXPECT_INT(listener.recovered, 0);
    close_all();
}

TEST(without_a_cursor_there_is_nothing_to_recover)
{
    reset_gateway();
    gateway.answer = "{\"id\":0,\"ok\":true,\"recovered\":false}";
    open_all(NULL);
    wait_for(&listener.ready);
    EXPECT_INT(listener.recovered, 1);
    close_all();
}

TEST(a_refused_subscription_is_over_and_says_why)
{
    reset_gateway();
    gateway.answer =
        "{\"id\":0,\"error\":{\"code\":\"token_required\","
        "\"message\":\"it is not open\"}}";
    open_all(NULL);
    wait_for(&listener.refused);
    EXPECT_TEXT(listener.why, "it is not open");
    close_all();
}

TEST(a_gateway_that_is_not_ready_is_asked_again)
{
    reset_gateway();
    gateway.refuse_all = true;
    open_all(NULL);
    wait_for(&listener.lost);
    EXPECT_TEXT(listener.why, "the gateway answers 503 (503)");
    gateway.refuse_all = false;
    wait_for(&listener.ready);
    close_all();
}

TEST(a_close_frame_is_told_with_its_code)
{
    struct chunk *c;

    reset_gateway();
    open_all(NULL);
    wait_for(&listener.ready);
    c = websocket_frame_close(4008, "slow");
    EXPECT_INT(stream_send(gateway.stream, c), 0);
    chunk_drop(c);
    stream_finish(gateway.stream, 1000);
    wait_for(&listener.lost);
    EXPECT_TEXT(listener.why, "slow (4008)");
    close_all();
}

TEST(a_feed_may_be_closed_from_inside_an_event)
{
    reset_gateway();
    open_all(NULL);
    wait_for(&listener.ready);
    listener.close_at_event = true;
    say("{\"channel\":\"transactions\",\"events\":[{},{},{}],\"cursor\":"
        "\"AQEC\"}");
    wait_for(&listener.event);
    EXPECT_INT(listener.events, 1);
    close_all();
}

TEST(a_message_that_is_no_json_is_passed_over)
{
    reset_gateway();
    open_all(NULL);
    wait_for(&listener.ready);
    say("not json");
    say("[]");
    say("{\"channel\":7,\"events\":[{}]}");
    say("{\"channel\":\"transactions\",\"events\":[{}]}");
    wait_for(&listener.event);
    EXPECT_INT(listener.events, 1);
    close_all();
}
