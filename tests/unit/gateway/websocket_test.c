/*
 * tests/unit/gateway/websocket_test.c: the codec and both sides of the
 * handshake.
 *
 * From: tests/golden/websocket/frames.txt and this file.
 * To:   notifier/gateway/websocket*.c.
 */
#include "notifier/gateway/websocket.h"

#include "consumer/base/http.h"
#include "consumer/base/http_head.h"
#include "consumer/base/stream.h"
#include "notifier/gateway/websocket_hash.h"
#include "notifier/gateway/websocket_utf8.h"
#include "tests/support/golden.h"
#include "tests/support/harness.h"
#include "tests/support/peer.h"

/* What a reader makes of `feed`, given in pieces, as lines. */
static void read_all(enum websocket_role role, struct bytes feed, size_t piece,
                     struct buffer *log)
{
    static const char *const names[] = {"more", "text", "binary",
                                        "ping", "pong", "close"};
    struct websocket w;
    struct websocket_event e;

    websocket_init(&w, role, NULL);
    while (feed.count > 0) {
        size_t count = feed.count < piece ? feed.count : piece;
        uint8_t *copy = malloc(count);
        CHECK(copy != NULL);
        memcpy(copy, feed.data, count);
        struct bytes in = bytes_of(copy, count);
        feed = bytes_slice(feed, count, feed.count);
        for (;;) {
            enum websocket_kind kind = websocket_read(&w, &in, &e);
            if (kind == WEBSOCKET_MORE)
                break;
            if (kind == WEBSOCKET_FAILED) {
                buffer_append_format(log, "fail %d\n", e.code);
                CHECK(e.why != NULL);
                continue;
            }
            buffer_append_text(log, names[kind]);
            if (kind == WEBSOCKET_BINARY) {
                buffer_append_format(log, " %zu bytes\n", e.data.count);
                continue;
            }
            if (kind == WEBSOCKET_CLOSE)
                buffer_append_format(log, " %d", e.code);
            buffer_append_text(log, " \"");
            buffer_append_bytes(log, e.data);
            buffer_append_text(log, "\"\n");
        }
        CHECK(in.count == 0);
        free(copy);
    }
    websocket_fini(&w);
}

static void check_case(struct golden_case *c, void *arg)
{
    static const size_t pieces[] = {SIZE_MAX, 1, 3};
    struct buffer want, log;

    (void)arg;
    buffer_init(&want, 65536);
    buffer_init(&log, 65536);
    const char *text = buffer_text(&c->want);
    if (strstr(text, "@p125") != NULL)
        buffer_append_format(&want, "ping \"%.*s\"\n", 125,
                             (const char *)c->feed.data + 6);
    else
        golden_unescape(&want, text, text + c->want.count);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        buffer_clear(&log);
        read_all(strncmp(c->name, "client", 6) == 0 ? WEBSOCKET_CLIENT
                                                    : WEBSOCKET_SERVER,
                 buffer_bytes(&c->feed), pieces[i], &log);
        harness_text(buffer_text(&log), buffer_text(&want), c->name, __FILE__,
                     __LINE__);
    }
    buffer_fini(&want);
    buffer_fini(&log);
}

TEST(every_transcript_reads_the_same_whole_and_in_pieces)
{
    size_t count =
        golden_run("tests/golden/websocket/frames.txt", check_case, NULL);

    printf("  %zu transcripts\n", count);
    EXPECT(count >= 50);
}

TEST(what_is_written_is_read_whatever_its_length)
{
    static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 100000};
    static uint8_t payload[100000];
    static const uint8_t mask[4] = {1, 2, 3, 0xfe};
    const struct websocket_limits limits = {.message_bytes_max = 100000};

    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (int client = 0; client < 2; client++) {
            struct bytes b = bytes_of(payload, lengths[i]);
            struct chunk *c =
                client ? websocket_frame_masked(WEBSOCKET_OP_BINARY, b, mask)
                       : websocket_frame(WEBSOCKET_OP_BINARY, b);
            struct bytes in = chunk_bytes(c);
            struct websocket w;
            struct websocket_event e;
            websocket_init(&w, client ? WEBSOCKET_SERVER : WEBSOCKET_CLIENT,
                           &limits);
            EXPECT_INT(websocket_read(&w, &in, &e), WEBSOCKET_BINARY);
            EXPECT_BYTES(e.data, b);
            EXPECT_INT(in.count, 0);
            EXPECT(!websocket_partial(&w));
            websocket_fini(&w);
            chunk_drop(c);
        }
    }
}

TEST(a_close_frame_carries_code_and_a_reason_that_fits)
{
    char reason[201];
    struct websocket w;
    struct websocket_event e;

    for (int i = 0; i < 200; i += 2)
        memcpy(reason + i, "\xc3\xa9", 2);
    reason[200] = '\0';
    struct chunk *c = websocket_frame_close(4008, reason);
    struct bytes in = chunk_bytes(c);
    websocket_init(&w, WEBSOCKET_CLIENT, NULL);
    EXPECT_INT(websocket_read(&w, &in, &e), WEBSOCKET_CLOSE);
    EXPECT_INT(e.code, 4008);
    EXPECT_INT(e.data.count, 122);
    websocket_fini(&w);
    chunk_drop(c);

    c = websocket_frame_close(WEBSOCKET_CODE_NO_STATUS, "");
    EXPECT_BYTES(chunk_bytes(c), BYTES_LITERAL("\x88\0"));
    chunk_drop(c);
}

/* RFC 3629 by its definition, to compare with. */
static bool is_utf8_by_definition(const uint8_t *b, size_t count)
{
    for (size_t i = 0; i < count;) {
        uint32_t more = b[i] < 0x80   ? 0
                        : b[i] < 0xc0 ? 9
                        : b[i] < 0xe0 ? 1
                        : b[i] < 0xf0 ? 2
                        : b[i] < 0xf8 ? 3
                                      : 9;
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (more == 9 || i + more >= count + (more == 0))
            return false;
        if (i + more > count - 1)
            return false;
        uint32_t point = more == 0 ? b[i] : b[i] & (0x3fu >> more);
        for (uint32_t j = 1; j <= more; j++) {
            if ((b[i + j] & 0xc0) != 0x80)
                return false;
            point = point << 6 | (b[i + j] & 0x3f);
        }
        if (point < least[more] || point > 0x10ffff ||
            (point >= 0xd800 && point <= 0xdfff))
            return false;
        i += more + 1;
    }
    return true;
}

TEST(utf8_agrees_with_its_definition_on_every_three_bytes)
{
    for (uint32_t n = 0; n < 1u << 24; n++) {
        uint8_t b[3] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        uint32_t state = WEBSOCKET_UTF8_WHOLE;
        bool ok = websocket_utf8(&state, bytes_of(b, 3)) &&
                  state == WEBSOCKET_UTF8_WHOLE;
        if (ok != is_utf8_by_definition(b, 3))
            EXPECT_INT(n, -1);
    }
}

TEST(utf8_agrees_with_its_definition_on_four_bytes)
{
    for (uint32_t first = 0xe0; first < 0x100; first++)
        for (uint32_t n = 0; n < 1u << 16; n++) {
            uint8_t b[4] = {(uint8_t)first, (uint8_t)(n >> 8), (uint8_t)n,
                            0x80};
            uint32_t state = WEBSOCKET_UTF8_WHOLE;
            bool ok = websocket_utf8(&state, bytes_of(b, 4)) &&
                      state == WEBSOCKET_UTF8_WHOLE;
            if (ok != is_utf8_by_definition(b, 4))
                EXPECT_INT(first << 16 | n, -1);
        }
}

TEST(utf8_looks_behind_long_ascii)
{
    static const char text[] =
        "0123456789abcdef0123456789\xc3\xa9 and more"
        " of it, long enough\xff";
    uint32_t state = WEBSOCKET_UTF8_WHOLE;

    EXPECT(websocket_utf8(&state, bytes_of(text, sizeof(text) - 2)));
    EXPECT_INT(state, WEBSOCKET_UTF8_WHOLE);
    EXPECT(!websocket_utf8(&state, bytes_of(text, sizeof(text) - 1)));
}

TEST(sha1_and_base64_give_their_published_values)
{
    uint8_t digest[20];
    char text[64];
    static char million[1000000];

    websocket_sha1(BYTES_LITERAL("abc"), digest);
    EXPECT_BYTES(bytes_of(digest, 20),
                 BYTES_LITERAL("\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25"
                               "\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d"));
    websocket_sha1(BYTES_LITERAL("abcdbcdecdefdefgefghfghighijhijkijkljklmklmn"
                                 "lmnomnopnopq"),
                   digest);
    EXPECT_BYTES(bytes_of(digest, 20),
                 BYTES_LITERAL("\x84\x98\x3e\x44\x1c\x3b\xd2\x6e\xba\xae\x4a"
                               "\xa1\xf9\x51\x29\xe5\xe5\x46\x70\xf1"));
    memset(million, 'a', sizeof(million));
    websocket_sha1(bytes_of(million, sizeof(million)), digest);
    EXPECT_BYTES(bytes_of(digest, 20),
                 BYTES_LITERAL("\x34\xaa\x97\x3c\xd4\xc4\xda\xa4\xf6\x1e\xeb"
                               "\x2b\xdb\xad\x27\x31\x65\x34\x01\x6f"));
    websocket_base64(BYTES_LITERAL("foobar"), text);
    EXPECT_TEXT(text, "Zm9vYmFy");
    websocket_base64(BYTES_LITERAL("fooba"), text);
    EXPECT_TEXT(text, "Zm9vYmE=");
    websocket_base64(BYTES_LITERAL("foob"), text);
    EXPECT_TEXT(text, "Zm9vYg==");
    EXPECT(websocket_is_base64(BYTES_LITERAL("Zm9vYg=="), 4));
    EXPECT(!websocket_is_base64(BYTES_LITERAL("Zm9vYg=="), 5));
    EXPECT(!websocket_is_base64(BYTES_LITERAL("Zm9vY==="), 4));
    EXPECT(!websocket_is_base64(BYTES_LITERAL("Zm9v\0g=="), 4));
}

/* ---- the handshake ---- */

static struct http_head head;
static char head_bytes[4096];

static struct http_request parsed(const char *text)
{
    struct http_scan scan = {0};

    snprintf(head_bytes, sizeof(head_bytes), "%s", text);
    struct bytes b = bytes_text(head_bytes);
    EXPECT_INT(http_scan(&scan, b), (long long)b.count);
    EXPECT_INT(http_head_parse(b, &head), 0);
    return (struct http_request){
        .method = head.method,
        .minor = head.minor,
        .fields = head.fields,
        .field_count = head.field_count,
        .has_body = head.content_length > 0 || head.chunked,
    };
}

static int offer(const char *request, struct websocket_offer *o)
{
    static struct http_request r;
    const char *why = "";

    r = parsed(request);
    return websocket_offer_read(&r, o, &why);
}

#define ASK "GET /v1/ws HTTP/1.1\r\nHost: a\r\n"
#define UP "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define END "\r\n"

TEST(the_handshake_of_the_standard_is_accepted)
{
    struct websocket_offer o;
    struct buffer out;

    EXPECT_INT(offer(ASK UP KEY V13 "Origin: http://example.com\r\n"
                                    "Sec-WebSocket-Protocol: chat, superchat"
                                    "\r\n" END,
                     &o),
               0);
    EXPECT_TEXT(o.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_BYTES(o.origin, BYTES_LITERAL("http://example.com"));
    EXPECT(websocket_offer_has(&o, "superchat"));
    EXPECT(!websocket_offer_has(&o, "super"));
    EXPECT(!websocket_offer_has(&o, "Chat"));
    buffer_init(&out, 4096);
    EXPECT_INT(websocket_offer_accept(&o, "chat", BYTES_LITERAL("X-A: b\r\n"),
                                      &out),
               0);
    EXPECT_TEXT(buffer_text(&out),
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\n"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                "Sec-WebSocket-Protocol: chat\r\nX-A: b\r\n\r\n");
    buffer_fini(&out);
}

TEST(permessage_deflate_is_declined_by_silence)
{
    struct websocket_offer o;
    struct buffer out;

    EXPECT_INT(offer(ASK UP KEY V13
                     "Sec-WebSocket-Extensions: permessage-deflate\r\n" END,
                     &o),
               0);
    buffer_init(&out, 4096);
    EXPECT_INT(websocket_offer_accept(&o, NULL, BYTES_NONE, &out), 0);
    EXPECT(strstr(buffer_text(&out), "xtension") == NULL);
    buffer_fini(&out);
}

TEST(a_handshake_that_is_not_one_is_refused)
{
    struct websocket_offer o;

    EXPECT_INT(offer(ASK UP V13 END, &o), 400);
    EXPECT_INT(offer(ASK UP V13 "Sec-WebSocket-Key: dGhl\r\n" END, &o), 400);
    EXPECT_INT(offer(ASK UP V13 KEY KEY END, &o), 400);
    EXPECT_INT(offer(ASK UP KEY END, &o), 400);
    EXPECT_INT(offer(ASK UP KEY "Sec-WebSocket-Version: 8\r\n" END, &o), 426);
    EXPECT_INT(offer(ASK KEY V13 "Upgrade: websocket\r\n" END, &o), 400);
    EXPECT_INT(offer(ASK KEY V13 "Connection: Upgrade\r\n" END, &o), 400);
    EXPECT_INT(offer(ASK KEY V13 "Connection: Upgrade\r\nUpgrade: h2c\r\n" END,
                     &o),
               400);
    EXPECT_INT(offer("POST / HTTP/1.1\r\nHost: a\r\n" UP KEY V13 END, &o), 400);
    EXPECT_INT(offer("GET / HTTP/1.0\r\nHost: a\r\n" UP KEY V13 END, &o), 400);
    EXPECT_INT(offer(ASK UP KEY V13 "Content-Length: 1\r\n" END, &o), 400);
    EXPECT_INT(offer(ASK UP KEY V13 "Origin: a\r\nOrigin: b\r\n" END, &o), 400);
}

TEST(a_client_asks_and_checks_the_answer)
{
    static const uint8_t random[16] = "the sample nonce";
    char key[WEBSOCKET_KEY_CHARS + 1];
    struct buffer ask, answer;
    struct websocket_offer o;
    int status = 0;

    websocket_key(random, key);
    EXPECT_TEXT(key, "dGhlIHNhbXBsZSBub25jZQ==");
    buffer_init(&ask, 4096);
    buffer_init(&answer, 4096);
    EXPECT_INT(websocket_ask("a:80", "/v1/ws", key, "tidemill.v1.json",
                             BYTES_NONE, &ask),
               0);
    EXPECT_INT(offer(buffer_text(&ask), &o), 0);
    EXPECT(websocket_offer_has(&o, "tidemill.v1.json"));
    websocket_offer_accept(&o, "tidemill.v1.json", BYTES_NONE, &answer);
    size_t count = answer.count;
    buffer_append_text(&answer, "frames");
    for (size_t i = 0; i < count; i++)
        EXPECT_INT(websocket_answered(bytes_of(answer.data, i), key,
                                      "tidemill.v1.json", &status),
                   0);
    EXPECT_INT(websocket_answered(buffer_bytes(&answer), key,
                                  "tidemill.v1.json", &status),
               (long long)count);
    EXPECT_INT(websocket_answered(buffer_bytes(&answer), key, NULL, &status),
               FAIL_MALFORMED);
    EXPECT_INT(websocket_answered(buffer_bytes(&answer),
                                  "AAAAAAAAAAAAAAAAAAAAAA==",
                                  "tidemill.v1.json", &status),
               FAIL_MALFORMED);
    EXPECT_INT(
        websocket_answered(BYTES_LITERAL("HTTP/1.1 403 Forbidden\r\n\r\n"), key,
                           NULL, &status),
        FAIL_DENIED);
    EXPECT_INT(status, 403);
    EXPECT_INT(websocket_answered(BYTES_LITERAL("220 mail ready\r\n\r\n    "),
                                  key, NULL, &status),
               FAIL_MALFORMED);
    buffer_fini(&ask);
    buffer_fini(&answer);
}

/* ---- both roles over a socket ---- */

static struct stream *serving;
static struct websocket server_side;

static void on_server_data(void *arg, struct bytes in)
{
    struct websocket_event e;
    enum websocket_kind kind;

    (void)arg;
    while ((kind = websocket_read(&server_side, &in, &e)) != WEBSOCKET_MORE) {
        struct chunk *c = kind == WEBSOCKET_CLOSE
                              ? websocket_frame_close(e.code, "")
                              : websocket_frame(WEBSOCKET_OP_TEXT, e.data);
        stream_send(serving, c);
        chunk_drop(c);
        if (kind == WEBSOCKET_CLOSE)
            stream_finish(serving, 1000);
    }
}

static void accept_socket(void *arg, struct http_exchange *x,
                          const struct http_request *r)
{
    static const struct stream_events events = {.data = on_server_data};
    struct websocket_offer o;
    struct buffer out;
    const char *why;

    (void)arg;
    EXPECT_INT(websocket_offer_read(r, &o, &why), 0);
    buffer_init(&out, 4096);
    EXPECT_INT(websocket_offer_accept(&o, "tidemill.v1.json", BYTES_NONE, &out),
               0);
    serving = http_upgrade(x, buffer_bytes(&out));
    buffer_fini(&out);
    EXPECT(serving != NULL);
    websocket_init(&server_side, WEBSOCKET_SERVER, NULL);
    stream_listen(serving, &events, NULL);
}

TEST(both_roles_talk_over_a_socket_from_the_first_segment)
{
    static const uint8_t mask[4] = {9, 8, 7, 6};
    struct http_options options = {.listen = "127.0.0.1:0",
                                   .request = accept_socket};
    char key[WEBSOCKET_KEY_CHARS + 1];
    struct http_server *server;
    struct websocket_event e;
    struct websocket reader;
    struct loop *loop;
    struct buffer ask;
    struct peer p;
    int status = 0;

    EXPECT_INT(loop_open(&loop), 0);
    EXPECT_INT(http_server_open(loop, &options, &server), 0);
    websocket_key((const uint8_t *)"0123456789abcdef", key);
    buffer_init(&ask, 4096);
    EXPECT_INT(websocket_ask("a", "/v1/ws", key, "tidemill.v1.json", BYTES_NONE,
                             &ask),
               0);
    /* A frame that does not wait for the answer to the handshake. */
    struct chunk *c =
        websocket_frame_masked(WEBSOCKET_OP_TEXT, BYTES_LITERAL("hello"), mask);
    buffer_append_bytes(&ask, chunk_bytes(c));
    chunk_drop(c);
    peer_open(&p, loop, "127.0.0.1", http_server_port(server));
    EXPECT_INT(stream_send_bytes(p.stream, buffer_bytes(&ask)), 0);
    c = websocket_frame_close_masked(1000, "bye", mask);
    EXPECT_INT(stream_send(p.stream, c), 0);
    chunk_drop(c);
    EXPECT(peer_await_close(&p));

    int answered = websocket_answered(buffer_bytes(&p.received), key,
                                      "tidemill.v1.json", &status);
    EXPECT(answered > 0);
    struct bytes in = bytes_slice(buffer_bytes(&p.received), (size_t)answered,
                                  p.received.count);
    websocket_init(&reader, WEBSOCKET_CLIENT, NULL);
    EXPECT_INT(websocket_read(&reader, &in, &e), WEBSOCKET_TEXT);
    EXPECT_BYTES(e.data, BYTES_LITERAL("hello"));
    EXPECT_INT(websocket_read(&reader, &in, &e), WEBSOCKET_CLOSE);
    EXPECT_INT(e.code, 1000);
    EXPECT_INT(in.count, 0);
    websocket_fini(&reader);
    websocket_fini(&server_side);
    buffer_fini(&ask);
    peer_close(&p);
    http_server_close(server);
    loop_close(loop);
}
