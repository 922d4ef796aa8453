/*
 * tests/unit/ctl/http_client_test.c: requests to a real server, port 0.
 *
 * From: ctest.
 * To:   deploy/ctl/http_client.c and posts.c.
 */
#include "deploy/ctl/http_client.h"

#include <stdio.h>
#include <string.h>

#include "consumer/base/http.h"
#include "consumer/base/listen.h"
#include "consumer/base/loop.h"
#include "deploy/ctl/posts.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

static struct loop *loop;
static struct http_server *server;
static struct url url;
static size_t connections_most;
static struct http_exchange *silent[4];
static size_t silent_count;

static size_t body_limit(void *arg, const struct http_request *r)
{
    (void)arg;
    (void)r;
    return 1024;
}

static void request(void *arg, struct http_exchange *x,
                    const struct http_request *r)
{
    size_t now = http_server_connections(server);

    (void)arg;
    connections_most = now > connections_most ? now : connections_most;
    if (bytes_equal_text(r->path, "/base/silent"))
        silent[silent_count++] = x; /* answered when nobody waits any more */
    else if (bytes_equal_text(r->path, "/base/problem"))
        http_reply_problem(x, 422, "high_s", NULL, "why not");
    else if (bytes_equal_text(r->path, "/base/close"))
        http_reply(x, 200, NULL, BYTES_LITERAL("Connection: close\r\n"),
                   BYTES_LITERAL("bye"));
    else
        http_reply(x, 200, "text/plain", BYTES_NONE, r->body);
}

static void open_all(void)
{
    struct http_options o = {
        .listen = "127.0.0.1:0", .body_limit = body_limit, .request = request};
    char text[64];
    const char *why;

    EXPECT_INT(loop_open(&loop), 0);
    EXPECT_INT(http_server_open(loop, &o, &server), 0);
    snprintf(text, sizeof(text), "http://127.0.0.1:%d/base",
             http_server_port(server));
    EXPECT_INT(url_parse(text, &url, &why), 0);
    connections_most = 0;
}

static void close_all(void)
{
    while (silent_count > 0)
        http_reply_text(silent[--silent_count], 200, "late");
    http_server_close(server);
    loop_close(loop);
}

/* What came back last. */
static struct seen {
    bool done;
    int count, rc, status;
    char body[256];
} seen;

static void on_done(void *arg, const struct http_outcome *o)
{
    (void)arg;
    seen.done = true;
    seen.count++;
    seen.rc = o->rc;
    seen.status = o->rc == 0 ? o->answer->status : 0;
    snprintf(seen.body, sizeof(seen.body), "%.*s",
             o->rc == 0 ? (int)o->answer->body.count : 0,
             o->rc == 0 && o->answer->body.count > 0
                 ? (const char *)o->answer->body.data
                 : "");
}

static void ask(struct http_client *c, const char *target, const char *body)
{
    seen.done = false;
    http_client_send(c, "POST", target, "text/plain", bytes_text(body), on_done,
                     NULL);
    EXPECT(!seen.done);
    EXPECT(loop_run_until(loop, &seen.done, 5000));
}

TEST(one_connection_carries_many_requests)
{
    struct http_client_options o = {0};
    struct http_client *c;
    char body[16];

    open_all();
    o.loop = loop;
    o.url = &url;
    c = http_client_open(&o);
    for (int i = 0; i < 20; i++) {
        snprintf(body, sizeof(body), "body %d", i);
        ask(c, "/echo", body);
        EXPECT_INT(seen.status, 200);
        EXPECT_TEXT(seen.body, body);
        EXPECT(http_client_idle(c));
    }
    EXPECT_INT(connections_most, 1);
    http_client_close(c);
    close_all();
}

TEST(a_connection_that_the_server_ends_is_made_again)
{
    struct http_client_options o = {0};
    struct http_client *c;

    open_all();
    o.loop = loop;
    o.url = &url;
    c = http_client_open(&o);
    for (int i = 0; i < 3; i++) {
        ask(c, "/close", "x");
        EXPECT_TEXT(seen.body, "bye");
        ask(c, "/echo", "again");
        EXPECT_TEXT(seen.body, "again");
    }
    http_client_close(c);
    close_all();
}

static struct http_client *sender;

static void send_again(void *arg, const struct http_outcome *o)
{
    (void)arg;
    if (++seen.count == 10) {
        seen.done = true;
        return;
    }
    EXPECT_INT(o->rc, 0);
    http_client_send(sender, "GET", seen.count % 2 == 0 ? "/close" : "/echo",
                     NULL, BYTES_NONE, send_again, NULL);
}

TEST(the_next_request_may_be_sent_from_inside_the_answer)
{
    struct http_client_options o = {0};

    open_all();
    o.loop = loop;
    o.url = &url;
    seen = (struct seen){0};
    sender = http_client_open(&o);
    http_client_send(sender, "GET", "/close", NULL, BYTES_NONE, send_again,
                     NULL);
    EXPECT(loop_run_until(loop, &seen.done, 5000));
    http_client_close(sender);
    close_all();
}

static void close_inside(void *arg, const struct http_outcome *o)
{
    on_done(arg, o);
    http_client_close(sender);
}

TEST(a_client_may_be_closed_from_inside_the_answer)
{
    struct http_client_options o = {0};

    open_all();
    o.loop = loop;
    o.url = &url;
    seen = (struct seen){0};
    sender = http_client_open(&o);
    http_client_send(sender, "GET", "/echo", NULL, BYTES_NONE, close_inside,
                     NULL);
    EXPECT(loop_run_until(loop, &seen.done, 5000));
    EXPECT_INT(seen.rc, 0);
    close_all();
}

TEST(no_answer_in_time_is_a_timeout_and_the_next_request_goes_on)
{
    struct http_client_options o = {.answer_ms = 100};
    struct http_client *c;

    open_all();
    o.loop = loop;
    o.url = &url;
    c = http_client_open(&o);
    ask(c, "/silent", "x");
    EXPECT_INT(seen.rc, FAIL_TIMEOUT);
    ask(c, "/echo", "x");
    EXPECT_INT(seen.rc, 0);
    http_client_close(c);
    close_all();
}

TEST(a_request_that_is_closed_is_never_answered)
{
    struct http_client_options o = {0};
    struct http_client *c;

    open_all();
    o.loop = loop;
    o.url = &url;
    seen = (struct seen){0};
    c = http_client_open(&o);
    http_client_send(c, "GET", "/silent", NULL, BYTES_NONE, on_done, NULL);
    EXPECT(!loop_run_until(loop, &seen.done, 50));
    http_client_close(c);
    close_all();
    EXPECT(!seen.done);
}

TEST(nobody_there_is_unreachable)
{
    struct http_client_options o = {0};
    struct http_client *c;
    char text[64];
    const char *why;

    open_all();
    snprintf(text, sizeof(text), "http://127.0.0.1:%d",
             http_server_port(server));
    EXPECT_INT(url_parse(text, &url, &why), 0);
    http_server_close(server);
    o.loop = loop;
    o.url = &url;
    c = http_client_open(&o);
    ask(c, "/echo", "x");
    EXPECT_INT(seen.rc, FAIL_UNREACHABLE);
    http_client_close(c);
    loop_close(loop);
}

/* ---- several connections ---- */

static size_t posts_done;
static bool all_done;
static int last_item;
static bool in_order;
static struct posted last_posted;

static void on_posted(void *arg, void *item, const struct http_outcome *o)
{
    int number = (int)(intptr_t)item;

    (void)arg;
    in_order &= number == last_item + 1;
    last_item = number;
    posted_read(o, &last_posted);
    all_done = ++posts_done == 50;
}

static void put_fifty(size_t connections)
{
    struct posts_options o = {0};
    struct posts *p;

    open_all();
    o = (struct posts_options){.loop = loop,
                               .url = &url,
                               .connections = connections,
                               .done = on_posted};
    posts_done = 0;
    all_done = false;
    last_item = 0;
    in_order = true;
    p = posts_open(&o);
    for (intptr_t i = 1; i <= 50; i++)
        posts_put(p, BYTES_LITERAL("tx"), (void *)i);
    EXPECT_INT(posts_waiting(p), 50);
    EXPECT(loop_run_until(loop, &all_done, 5000));
    EXPECT_INT(posts_waiting(p), 0);
    posts_close(p);
    close_all();
}

TEST(one_connection_posts_in_order)
{
    put_fifty(1);
    EXPECT(in_order);
    EXPECT_INT(connections_most, 1);
}

TEST(several_connections_share_what_is_put)
{
    put_fifty(4);
    EXPECT_INT(connections_most, 4);
}

TEST(a_body_that_is_none_of_a_door_is_not_stored)
{
    put_fifty(1);
    EXPECT_INT(last_posted.status, 200);
    EXPECT(!last_posted.stored);
    EXPECT_TEXT(last_posted.code, "http_200");
}

/* ---- what a door says ---- */

static void read_body(int status, const char *body)
{
    struct answer a = {.status = status, .body = bytes_text(body)};
    struct http_outcome o = {.why = "", .answer = &a};

    posted_read(&o, &last_posted);
}

TEST(a_202_is_read_whole)
{
    read_body(202,
              "{\"chain\":\"eip155:1\",\"hash\":\"0x5c504ed432cb51138bcf09aa5e8"
              "a410dd4a1e204ef84bfed1be16dfba1b22060\",\"partition\":3,"
              "\"offset\":88123,\"accepted_at\":1763720000123}\n");
    EXPECT(last_posted.stored);
    EXPECT_TEXT(last_posted.chain, "eip155:1");
    EXPECT_INT(last_posted.partition, 3);
    EXPECT_INT(last_posted.offset, 88123);
    EXPECT_INT(last_posted.accepted_at_ms, 1763720000123);
    EXPECT_INT(last_posted.hash[31], 0x60);
}

TEST(a_202_that_lacks_something_is_not_stored)
{
    read_body(202, "{\"chain\":\"eip155:1\",\"partition\":3}");
    EXPECT(!last_posted.stored);
    read_body(202, "");
    EXPECT(!last_posted.stored);
    EXPECT_TEXT(last_posted.why, "no answer of a door");
}

TEST(a_problem_has_its_code_and_words)
{
    read_body(422,
              "{\"code\":\"high_s\",\"title\":\"Unprocessable\","
              "\"detail\":\"s is too high\"}");
    EXPECT_TEXT(last_posted.code, "high_s");
    EXPECT_TEXT(last_posted.why, "s is too high");
    read_body(503, "{\"code\":\"busy\",\"title\":\"Busy\"}");
    EXPECT_TEXT(last_posted.why, "Busy");
}
