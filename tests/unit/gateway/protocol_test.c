/*
 * tests/unit/gateway/protocol_test.c: what a client may say.
 *
 * From: notifier/gateway/protocol.h.
 * To:   nobody.
 */
#include <string.h>

#include "notifier/gateway/protocol.h"
#include "tests/support/harness.h"

static struct protocol_request r;

static enum protocol_fault say(const char *text)
{
    return protocol_read(bytes_text(text), &r);
}

TEST(protocol_reads_a_subscribe_with_everything)
{
    EXPECT_INT(say("{\"id\":1,\"op\":\"subscribe\",\"channel\":\"account:0xAB"
                   "\",\"cursor\":\"AQGsAgU\",\"snapshot\":true}"),
               PROTOCOL_FINE);
    EXPECT_INT(r.op, PROTOCOL_SUBSCRIBE);
    EXPECT_TEXT(r.id, "1");
    EXPECT_TEXT(r.channel.name, "account:0xab");
    EXPECT(r.has_cursor && r.snapshot);
    EXPECT_INT(r.cursor.next[0], 300);
}

TEST(protocol_gives_an_id_back_as_it_was_written)
{
    EXPECT_INT(say("{\"op\":\"ping\",\"id\":\"a\\u0062\"}"), PROTOCOL_FINE);
    EXPECT_TEXT(r.id, "\"a\\u0062\"");
    EXPECT_INT(say("{\"op\":\"ping\"}"), PROTOCOL_FINE);
    EXPECT_TEXT(r.id, "null");
    EXPECT_INT(say("{\"op\":\"ping\",\"id\":-7}"), PROTOCOL_FINE);
    EXPECT_TEXT(r.id, "-7");
}

TEST(protocol_names_the_fault)
{
    static const struct {
        const char *text;
        enum protocol_fault fault;
    } cases[] = {
        {"", PROTOCOL_NOT_JSON},
        {"[1]", PROTOCOL_NOT_JSON},
        {"{\"op\":\"ping\"}{", PROTOCOL_NOT_JSON},
        {"{\"op\":\"ping\",\"id\":{}}", PROTOCOL_BAD_ID},
        {"{\"op\":\"ping\",\"id\":1.5}", PROTOCOL_BAD_ID},
        {"{\"op\":\"ping\",\"id\":true}", PROTOCOL_BAD_ID},
        {"{\"op\":\"ping\",\"ID\":1}", PROTOCOL_UNKNOWN_MEMBER},
        {"{\"op\":\"ping\",\"op\":\"ping\"}", PROTOCOL_UNKNOWN_MEMBER},
        {"{}", PROTOCOL_UNKNOWN_OP},
        {"{\"op\":\"Ping\"}", PROTOCOL_UNKNOWN_OP},
        {"{\"op\":7}", PROTOCOL_UNKNOWN_OP},
        {"{\"op\":\"subscribe\"}", PROTOCOL_BAD_CHANNEL},
        {"{\"op\":\"query\",\"channel\":\"x\"}", PROTOCOL_BAD_CHANNEL},
        {"{\"op\":\"subscribe\",\"channel\":\"system\",\"cursor\":\"x\"}",
         PROTOCOL_BAD_CURSOR},
        {"{\"op\":\"subscribe\",\"channel\":\"system\",\"cursor\":7}",
         PROTOCOL_BAD_CURSOR},
        {"{\"op\":\"subscribe\",\"channel\":\"system\",\"cursor\":null}",
         PROTOCOL_FINE},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        EXPECT_INT(say(cases[i].text), cases[i].fault);
}

TEST(protocol_survives_every_cut_of_a_message)
{
    static const char text[] =
        "{\"id\":\"x\",\"op\":\"subscribe\",\"channel\":\"account:0xAB\","
        "\"cursor\":\"AQGsAgU\",\"snapshot\":true}";

    for (size_t i = 0; i + 1 < sizeof(text); i++)
        EXPECT_INT(protocol_read(bytes_of(text, i), &r), PROTOCOL_NOT_JSON);
}

TEST(protocol_answers_are_json)
{
    struct buffer out;

    buffer_init(&out, 1024);
    protocol_ok(&out, "1", "true", "AQ");
    EXPECT_TEXT(buffer_text(&out),
                "{\"id\":1,\"ok\":true,\"recovered\":true,"
                "\"cursor\":\"AQ\"}");
    buffer_clear(&out);
    protocol_ok(&out, "null", NULL, NULL);
    EXPECT_TEXT(buffer_text(&out), "{\"id\":null,\"ok\":true}");
    buffer_clear(&out);
    protocol_error(&out, "\"a\"", PROTOCOL_UNKNOWN_OP);
    EXPECT_TEXT(buffer_text(&out),
                "{\"id\":\"a\",\"error\":{\"code\":\"unknown_op\",\"message\":"
                "\"op is subscribe, unsubscribe, query or ping\"}}");
    buffer_fini(&out);
}
