/*
 * tests/unit/base/http_connection_test.c: the connection without sockets.
 *
 * From: tests/golden/http/strict.txt and this file.
 * To:   consumer/base/http_connection.c and what it is built of.
 */
#include "tests/support/golden.h"
#include "tests/support/harness.h"
#include "tests/support/http_probe.h"

static struct http_probe probe;

/* "@aN" in a wanted line is N times a; "@N x, y" is the lines x, y N times. */
static void expand(const struct buffer *want, struct buffer *out)
{
    const char *text = (const char *)want->data;
    const char *end = text + want->count;

    while (text < end) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        if (text[0] == '@') {
            char *rest;
            long times = strtol(text + 1, &rest, 10);
            while (times-- > 0) {
                for (const char *at = rest + 1; at < eol; at++)
                    if (at[0] == ',' && at[1] == ' ') {
                        buffer_append_byte(out, '\n');
                        at++;
                    } else {
                        buffer_append_byte(out, (uint8_t)*at);
                    }
                buffer_append_byte(out, '\n');
            }
            text = eol + 1;
            continue;
        }
        for (; text <= eol; text++) {
            if (text[0] == '@' && text[1] == 'a') {
                long times = strtol(text + 2, (char **)&text, 10);
                while (times-- > 0)
                    buffer_append_byte(out, 'a');
                text--;
                continue;
            }
            buffer_append_byte(out, (uint8_t)*text);
        }
    }
}

static void check_case(struct golden_case *c, void *arg)
{
    static const size_t pieces[] = {SIZE_MAX, 1, 7};
    struct buffer want;

    (void)arg;
    buffer_init(&want, 1024 * 1024);
    expand(&c->want, &want);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        http_probe_open(&probe);
        http_probe_feed(&probe, buffer_bytes(&c->feed), pieces[i]);
        harness_text(http_probe_story(&probe), buffer_text(&want), c->name,
                     __FILE__, __LINE__);
        http_probe_close(&probe);
    }
    buffer_fini(&want);
}

TEST(every_transcript_comes_out_the_same_whole_and_in_pieces)
{
    size_t count = golden_run("tests/golden/http/strict.txt", check_case, NULL);

    printf("  %zu transcripts\n", count);
    EXPECT(count >= 100);
}

static void feed(const char *text)
{
    http_probe_feed(&probe, bytes_text(text), SIZE_MAX);
}

static void answer(size_t i, int status)
{
    http_reply(probe.held[i], status, NULL, BYTES_NONE, BYTES_NONE);
    probe.held[i] = NULL;
    while (probe.resume) {
        probe.resume = false;
        http_connection_resume(&probe.connection);
    }
}

TEST(answers_leave_in_the_order_of_their_requests)
{
    http_probe_open(&probe);
    feed(
        "GET /later/0 HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /later/1 HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /later/2 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_INT(probe.held_count, 3);
    answer(2, 202);
    answer(1, 201);
    EXPECT_INT(probe.sent.count, 0);
    answer(0, 200);
    EXPECT_TEXT(http_probe_story(&probe),
                "request GET /later/0\nrequest GET /later/1\n"
                "request GET /later/2\nanswer 200\nanswer 201\nanswer 202\n"
                "open\n");
    EXPECT_INT(probe.core.requests, 0);
    http_probe_close(&probe);
}

TEST(every_order_of_four_answers_leaves_in_order)
{
    for (int code = 0; code < 256; code++) {
        int order[4] = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6};
        int seen = 0;
        for (int i = 0; i < 4; i++)
            seen |= 1 << order[i];
        if (seen != 15)
            continue;
        http_probe_open(&probe);
        for (int i = 0; i < 4; i++)
            feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
        for (int i = 0; i < 4; i++)
            answer((size_t)order[i], 200 + order[i] * 2 / 2);
        EXPECT(strstr(http_probe_story(&probe),
                      "answer 200\nanswer 201\nanswer 202\nanswer 203\n") !=
               NULL);
        http_probe_close(&probe);
    }
}

TEST(the_seventeenth_request_waits_for_an_answer)
{
    http_probe_open(&probe);
    for (int i = 0; i < 20; i++)
        feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_INT(probe.request_count, HTTP_PIPELINE_MAX);
    EXPECT(!probe.reading);
    answer(0, 200);
    EXPECT_INT(probe.request_count, HTTP_PIPELINE_MAX + 1);
    for (size_t i = 1; i < 20; i++)
        answer(i, 200);
    EXPECT_INT(probe.request_count, 20);
    EXPECT(probe.reading);
    http_probe_close(&probe);
}

TEST(a_client_that_reads_nothing_is_given_no_more_requests)
{
    http_probe_open(&probe);
    probe.queued = 1024 * 1024;
    feed("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_INT(probe.request_count, 0);
    EXPECT(!probe.reading);
    EXPECT_INT(http_connection_wait(&probe.connection), HTTP_WAIT_WRITE);
    probe.queued = 0;
    http_connection_drained(&probe.connection);
    EXPECT(probe.resume);
    http_connection_resume(&probe.connection);
    EXPECT_INT(probe.request_count, 1);
    http_probe_close(&probe);
}

TEST(a_refusal_waits_for_the_answers_before_it)
{
    http_probe_open(&probe);
    feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n");
    EXPECT_INT(probe.sent.count, 0);
    answer(0, 200);
    EXPECT_TEXT(http_probe_story(&probe),
                "request GET /later\nanswer 200\n"
                "answer 400 malformed_request\nclosed\n");
    http_probe_close(&probe);
}

TEST(continue_is_sent_only_when_the_body_is_wanted_and_has_not_come)
{
    static const char head[] =
        "POST /a HTTP/1.1\r\nHost: a\r\n"
        "Expect: 100-continue\r\nContent-Length: 3\r\n"
        "\r\n";

    http_probe_open(&probe);
    feed(head);
    feed("abc");
    EXPECT_TEXT(http_probe_story(&probe),
                "continue\nrequest POST /a \"abc\"\nanswer 202\nopen\n");
    http_probe_close(&probe);

    http_probe_open(&probe);
    feed(
        "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        "Content-Length: 3\r\n\r\nabc");
    EXPECT_TEXT(http_probe_story(&probe),
                "request POST /a \"abc\"\nanswer 202\nopen\n");
    http_probe_close(&probe);

    http_probe_open(&probe);
    feed(
        "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        "Content-Length: 5000\r\n\r\n");
    EXPECT_TEXT(http_probe_story(&probe),
                "answer 413 body_too_large\nclosed\n");
    http_probe_close(&probe);

    http_probe_open(&probe);
    feed(
        "POST /nobody HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        "Content-Length: 5\r\n\r\n");
    EXPECT_TEXT(http_probe_story(&probe),
                "request POST /nobody\nanswer 202\nclosed\n");
    http_probe_close(&probe);
}

TEST(continue_never_overtakes_an_earlier_answer)
{
    http_probe_open(&probe);
    feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    feed(
        "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        "Content-Length: 3\r\n\r\n");
    EXPECT_INT(probe.sent.count, 0);
    answer(0, 200);
    feed("abc");
    EXPECT_TEXT(http_probe_story(&probe),
                "request GET /later\nanswer 200\ncontinue\n"
                "request POST /a \"abc\"\nanswer 202\nopen\n");
    http_probe_close(&probe);
}

TEST(half_close_is_answered_first)
{
    http_probe_open(&probe);
    feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    http_connection_eof(&probe.connection);
    EXPECT(!probe.finished);
    answer(0, 200);
    EXPECT_TEXT(http_probe_story(&probe),
                "request GET /later\nanswer 200\nclosed\n");
    http_probe_close(&probe);
}

TEST(half_close_inside_a_request_answers_the_ones_before)
{
    http_probe_open(&probe);
    feed(
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    http_connection_eof(&probe.connection);
    answer(0, 200);
    EXPECT_TEXT(http_probe_story(&probe),
                "request GET /later\nanswer 200\nclosed\n");
    http_probe_close(&probe);
}

TEST(half_close_with_requests_that_wait_answers_them_all)
{
    http_probe_open(&probe);
    for (int i = 0; i < 18; i++)
        feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    http_connection_eof(&probe.connection);
    for (size_t i = 0; i < 18; i++)
        answer(i, 200);
    EXPECT_INT(probe.request_count, 18);
    EXPECT(probe.finished);
    http_probe_close(&probe);
}

TEST(an_answer_to_a_client_that_has_gone_is_harmless)
{
    http_probe_open(&probe);
    feed(
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_exchange *first = probe.held[0], *second = probe.held[1];
    http_connection_gone(&probe.connection);
    EXPECT(http_gone(first));
    EXPECT_INT(probe.core.requests, 0);
    http_reply(second, 200, NULL, BYTES_NONE, BYTES_NONE);
    http_reply_begin(first, 200, "text/plain", BYTES_NONE);
    EXPECT_INT(http_reply_chunk(first, BYTES_LITERAL("x")), FAIL_GONE);
    http_reply_end(first);
    probe.held_count = 0;
    http_probe_close(&probe);
}

static int gone_count;

static void count_gone(void *arg)
{
    (void)arg;
    gone_count++;
}

TEST(the_application_is_told_once_that_the_client_has_gone)
{
    gone_count = 0;
    http_probe_open(&probe);
    feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    http_on_gone(probe.held[0], count_gone, NULL);
    http_connection_gone(&probe.connection);
    EXPECT_INT(gone_count, 1);
    http_probe_close(&probe);
    EXPECT_INT(gone_count, 1);
}

TEST(a_streamed_answer_is_chunked)
{
    http_probe_open(&probe);
    feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_exchange *x = probe.held[0];
    probe.held_count = 0;
    struct chunk *shared = http_shared_new(BYTES_LITERAL("shared"));
    http_reply_begin(x, 200, "text/plain", BYTES_NONE);
    EXPECT_INT(http_reply_chunk(x, BYTES_LITERAL("hello")), 0);
    EXPECT_INT(http_reply_chunk(x, BYTES_LITERAL("")), 0);
    EXPECT_INT(http_reply_shared(x, shared), 0);
    http_reply_end(x);
    chunk_drop(shared);
    const char *sent = buffer_text(&probe.sent);
    EXPECT(strstr(sent, "Transfer-Encoding: chunked\r\n") != NULL);
    EXPECT(strstr(sent, "Content-Length") == NULL);
    EXPECT_TEXT(strstr(sent, "\r\n\r\n"),
                "\r\n\r\n5\r\nhello\r\n"
                "0000000000000006\r\nshared\r\n"
                "0\r\n\r\n");
    EXPECT(!probe.finished);
    http_probe_close(&probe);
}

TEST(a_streamed_answer_to_http_1_0_ends_by_closing)
{
    http_probe_open(&probe);
    feed("GET /later HTTP/1.0\r\n\r\n");
    struct http_exchange *x = probe.held[0];
    probe.held_count = 0;
    struct chunk *shared = http_shared_new(BYTES_LITERAL("shared"));
    http_reply_begin(x, 200, "text/plain", BYTES_NONE);
    http_reply_chunk(x, BYTES_LITERAL("hello "));
    http_reply_shared(x, shared);
    http_reply_end(x);
    chunk_drop(shared);
    EXPECT_TEXT(strstr(buffer_text(&probe.sent), "\r\n\r\n"),
                "\r\n\r\nhello shared");
    EXPECT(probe.finished);
    http_probe_close(&probe);
}

TEST(a_streamed_answer_says_when_its_queue_is_full)
{
    http_probe_open(&probe);
    feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    http_reply_begin(probe.held[0], 200, "text/plain", BYTES_NONE);
    probe.queued = 1024 * 1024;
    EXPECT_INT(http_reply_chunk(probe.held[0], BYTES_LITERAL("x")), FAIL_FULL);
    gone_count = 0;
    http_on_drained(probe.held[0], count_gone, NULL);
    probe.queued = 0;
    http_connection_drained(&probe.connection);
    EXPECT_INT(gone_count, 1);
    EXPECT_INT(http_reply_chunk(probe.held[0], BYTES_LITERAL("x")), 0);
    http_reply_abort(probe.held[0]);
    probe.held_count = 0;
    EXPECT(probe.broken);
    http_probe_close(&probe);
}

TEST(an_upgrade_gets_the_bytes_that_were_read_already)
{
    http_probe_open(&probe);
    feed(
        "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade"
        "\r\nUpgrade: websocket\r\n\r\nframes");
    EXPECT(strstr(buffer_text(&probe.log), "upgraded \"frames\"\n") != NULL);
    EXPECT_INT(probe.core.requests, 0);
    http_probe_close(&probe);
}

TEST(an_upgrade_with_a_body_is_not_given)
{
    http_probe_open(&probe);
    feed(
        "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_TEXT(http_probe_story(&probe),
                "request GET /upgrade \"x\"\nanswer 202\nopen\n");
    http_probe_close(&probe);
}

TEST(deadlines_are_head_body_idle_and_write)
{
    struct http_connection *c = &probe.connection;

    http_probe_open(&probe);
    EXPECT_INT(http_connection_wait(c), HTTP_WAIT_IDLE);
    feed("GET /later HT");
    EXPECT_INT(http_connection_wait(c), HTTP_WAIT_HEAD);
    feed("TP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_INT(http_connection_wait(c), HTTP_WAIT_NONE);
    feed("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    EXPECT_INT(http_connection_wait(c), HTTP_WAIT_BODY);
    feed("ab");
    EXPECT_INT(http_connection_progress(c), 2);
    answer(0, 200);
    http_connection_expire(c, HTTP_WAIT_BODY);
    EXPECT_TEXT(http_probe_story(&probe),
                "request GET /later\nanswer 200\n"
                "answer 408 request_timeout\nclosed\n");
    http_probe_close(&probe);
}

TEST(a_draining_server_closes_after_the_last_answer)
{
    http_probe_open(&probe);
    feed(
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    probe.core.draining = true;
    http_connection_drain(&probe.connection);
    answer(0, 200);
    EXPECT(!probe.finished);
    answer(1, 200);
    EXPECT(probe.finished);
    const char *sent = buffer_text(&probe.sent);
    const char *close = strstr(sent, "Connection: close");
    EXPECT(close != NULL && close > strstr(sent + 10, "HTTP/1.1 200"));
    http_probe_close(&probe);
}

TEST(a_draining_server_answers_a_request_that_has_begun)
{
    http_probe_open(&probe);
    feed("GET /a HTTP/1.1\r\nHo");
    probe.core.draining = true;
    http_connection_drain(&probe.connection);
    EXPECT(!probe.finished);
    feed("st: a\r\n\r\n");
    EXPECT_TEXT(http_probe_story(&probe),
                "request GET /a\nanswer 202\nclosed\n");
    http_probe_close(&probe);
}

TEST(a_draining_server_closes_an_idle_connection_at_once)
{
    http_probe_open(&probe);
    probe.core.draining = true;
    http_connection_drain(&probe.connection);
    EXPECT(probe.finished);
    http_probe_close(&probe);
}

TEST(an_answer_carries_date_id_timing_and_added_fields)
{
    http_probe_open(&probe);
    feed(
        "GET /later HTTP/1.1\r\nHost: a\r\nX-Request-Id: my.id\r\n\r\n"
        "GET /later HTTP/1.1\r\nHost: a\r\nX-Request-Id: my id\r\n\r\n");
    http_add_header(probe.held[0], "Retry-After", "1\r\nX-Evil: 2");
    http_reply(probe.held[0], 503, "text/plain",
               BYTES_LITERAL("X-Other: 3\r\n"), BYTES_LITERAL("busy"));
    http_reply(probe.held[1], 204, NULL, BYTES_NONE, BYTES_NONE);
    probe.held_count = 0;
    EXPECT_TEXT(buffer_text(&probe.sent),
                "HTTP/1.1 503 Service Unavailable\r\n"
                "Date: Thu, 01 Jan 1970 00:16:40 GMT\r\n"
                "X-Request-Id: my.id\r\n"
                "Server-Timing: app;dur=0.000\r\n"
                "Content-Type: text/plain\r\nContent-Length: 4\r\n"
                "X-Other: 3\r\nRetry-After: 1  X-Evil: 2\r\n\r\nbusy"
                "HTTP/1.1 204 No Content\r\n"
                "Date: Thu, 01 Jan 1970 00:16:40 GMT\r\n"
                "X-Request-Id: 00000000-0\r\n"
                "Server-Timing: app;dur=0.000\r\n\r\n");
    http_probe_close(&probe);
}

TEST(an_answer_to_head_has_a_length_and_no_body)
{
    http_probe_open(&probe);
    feed(
        "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"
        "HEAD /later HTTP/1.1\r\nHost: a\r\n\r\n");
    http_reply_begin(probe.held[0], 200, NULL, BYTES_NONE);
    http_reply_chunk(probe.held[0], BYTES_LITERAL("not sent"));
    http_reply_end(probe.held[0]);
    probe.held_count = 0;
    const char *first = strstr(buffer_text(&probe.sent), "\r\n\r\n");
    EXPECT(strstr(buffer_text(&probe.sent), "Content-Length: 2\r\n") < first);
    EXPECT(strncmp(first, "\r\n\r\nHTTP/1.1 200", 16) == 0);
    EXPECT_TEXT(strstr(first + 4, "\r\n\r\n"), "\r\n\r\n");
    http_probe_close(&probe);
}

TEST(a_problem_is_json_whatever_its_words)
{
    http_probe_open(&probe);
    feed("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
    http_reply_problem(probe.held[0], 422, "chain_not_served", NULL,
                       "\"x\"\\\n");
    probe.held_count = 0;
    const char *body = strstr(buffer_text(&probe.sent), "\r\n\r\n");
    EXPECT_TEXT(body,
                "\r\n\r\n{\"title\":\"Unprocessable Content\","
                "\"status\":422,\"code\":\"chain_not_served\","
                "\"detail\":\"\\\"x\\\"\\\\\\u000a\"}\n");
    http_probe_close(&probe);
}

static struct http_request parsed(struct http_head *head, const char *text)
{
    struct http_scan scan = {0};
    struct bytes b = bytes_text(text);

    EXPECT_INT(http_scan(&scan, b), (long long)b.count);
    EXPECT_INT(http_head_parse(b, head), 0);
    return (struct http_request){.fields = head->fields,
                                 .field_count = head->field_count,
                                 .method = head->method,
                                 .query = head->query};
}

TEST(a_request_is_asked_by_name)
{
    struct http_head head;
    struct http_request r =
        parsed(&head,
               "GET /a?x=1%202+3&y&z=%41 HTTP/1.1\r\nHost: a\r\n"
               "Accept: a, B ,c\r\naccept: d\r\n"
               "Content-Type: Application/JSON ; charset=utf-8\r\n\r\n");
    char value[8];

    EXPECT_BYTES(http_header(&r, "ACCEPT"), BYTES_LITERAL("a, B ,c"));
    EXPECT(http_header(&r, "none").data == NULL);
    EXPECT_INT(http_header_count(&r, "accept"), 2);
    EXPECT(http_header_has(&r, "accept", "b"));
    EXPECT(http_header_has(&r, "accept", "d"));
    EXPECT(!http_header_has(&r, "accept", "a, b"));
    EXPECT(http_content_type_is(&r, "application/json"));
    EXPECT(!http_content_type_is(&r, "application/jso"));
    EXPECT(http_method_is(&r, "GET"));
    EXPECT_INT(http_query(&r, "x", value, sizeof(value)), 5);
    EXPECT_TEXT(value, "1 2 3");
    EXPECT_INT(http_query(&r, "x", value, 5), FAIL_TOO_BIG);
    EXPECT_INT(http_query(&r, "y", value, sizeof(value)), 0);
    EXPECT_INT(http_query(&r, "z", value, sizeof(value)), 1);
    EXPECT_INT(http_query(&r, "nope", value, sizeof(value)), FAIL_NOT_FOUND);
}
