/*
 * tests/unit/ctl/answer_test.c: answers, fed whole and in every cut.
 *
 * From: ctest.
 * To:   deploy/ctl/answer.c.
 */
#include "deploy/ctl/answer.h"

#include <stdio.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

#define BODY_MAX 32

/* "status keep body left", or the FAIL_ code; `step` bytes at a time. */
static const char *fed(const char *text, size_t step, bool ends)
{
    static char line[512];
    struct bytes all = bytes_text(text);
    struct answer a;
    size_t left = all.count;
    int rc = 0;

    answer_init(&a, BODY_MAX);
    for (size_t pos = 0; pos < all.count && rc == 0; pos += step) {
        struct bytes in = bytes_slice(all, pos, step);
        size_t had = in.count;
        rc = answer_read(&a, &in);
        left -= had - in.count;
    }
    if (rc == 0 && ends)
        rc = answer_end(&a);
    if (rc < 0)
        EXPECT(*answer_why(&a) != '\0');
    snprintf(line, sizeof(line), "%d %s \"%.*s\" %zu", a.status,
             a.keep_alive ? "keep" : "close", (int)a.body.count,
             a.body.count > 0 ? (const char *)a.body.data : "", left);
    answer_fini(&a);
    return rc < 0 ? fail_name(rc) : rc == 0 ? "more" : line;
}

/* The same however it is cut. */
static void expect_answer(const char *text, const char *wanted)
{
    for (size_t step = 1; step <= strlen(text); step++)
        EXPECT_TEXT(fed(text, step, true), wanted);
}

#define OK "HTTP/1.1 200 OK\r\n"

TEST(a_length_frames_a_body)
{
    expect_answer(OK "Content-Length: 5\r\n\r\nhello", "200 keep \"hello\" 0");
    expect_answer(OK "content-length: 0\r\n\r\n", "200 keep \"\" 0");
    expect_answer(OK "Content-Length: 2\r\nConnection: close\r\n\r\nhi",
                  "200 close \"hi\" 0");
    expect_answer("HTTP/1.0 404\r\nContent-Length: 1\r\n\r\nx",
                  "404 close \"x\" 0");
}

TEST(chunks_frame_a_body)
{
    expect_answer(OK
                  "Transfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer-A: b\r\n\r\n",
                  "200 keep \"abcde\" 0");
}

TEST(the_end_of_the_connection_frames_a_body)
{
    expect_answer(OK "\r\nall of it", "200 close \"all of it\" 0");
    EXPECT_TEXT(fed(OK "\r\nall of it", 100, false), "more");
}

TEST(some_answers_have_no_body_whatever_they_say)
{
    expect_answer("HTTP/1.1 204 No Content\r\n\r\n", "204 keep \"\" 0");
    expect_answer("HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n",
                  "304 keep \"\" 0");
}

TEST(interim_answers_are_read_past)
{
    expect_answer(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n"
        "\r\n" OK "Content-Length: 1\r\n\r\nx",
        "200 keep \"x\" 0");
}

TEST(what_follows_an_answer_is_left)
{
    EXPECT_TEXT(fed(OK "Content-Length: 1\r\n\r\nxHTTP", 100, false),
                "200 keep \"x\" 4");
}

TEST(an_answer_that_ends_early_is_gone)
{
    EXPECT_TEXT(fed(OK "Content-Length: 5\r\n\r\nhell", 100, true), "gone");
    EXPECT_TEXT(fed(OK "Content-Le", 100, true), "gone");
    EXPECT_TEXT(fed(OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 100,
                    true),
                "gone");
}

TEST(doubt_about_the_framing_is_a_fault)
{
    static const char *const wrong[] = {
        OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK "Transfer-Encoding: gzip\r\n\r\n",
        OK "Content-Length: -1\r\n\r\n",
        OK "Content-Length: 1x\r\n\r\n",
        OK "Content-Length:\r\n\r\n",
        OK "no colon\r\n\r\n",
        OK " Content-Length: 1\r\n\r\n",
        OK "A: b\nC: d\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nx\r\n",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        for (size_t step = 1; step <= strlen(wrong[i]); step++)
            EXPECT_TEXT(fed(wrong[i], step, true), "malformed");
}

TEST(a_body_past_the_limit_is_refused_before_it_is_read)
{
    EXPECT_TEXT(fed(OK "Content-Length: 33\r\n\r\n", 1, false), "too_big");
    EXPECT_TEXT(fed(OK "Transfer-Encoding: chunked\r\n\r\n21\r\n", 1, false),
                "too_big");
    EXPECT_TEXT(fed(OK "\r\n012345678901234567890123456789012", 1, false),
                "too_big");
}

TEST(a_head_past_the_limit_is_refused)
{
    struct answer a;
    char byte = 'a';
    int rc = 0;

    answer_init(&a, BODY_MAX);
    struct bytes in = bytes_text(OK "A: ");
    EXPECT_INT(answer_read(&a, &in), 0);
    for (int i = 0; i < ANSWER_HEAD_BYTES_MAX && rc == 0; i++) {
        in = bytes_of(&byte, 1);
        rc = answer_read(&a, &in);
    }
    EXPECT_INT(rc, FAIL_TOO_BIG);
    answer_fini(&a);
}

TEST(a_reader_reads_one_answer_after_another)
{
    struct answer a;

    answer_init(&a, BODY_MAX);
    for (int i = 0; i < 3; i++) {
        struct bytes in =
            bytes_text(OK "X-N: v\r\nContent-Length: 2\r\n\r\nhi");
        EXPECT(answer_untouched(&a));
        EXPECT_INT(answer_read(&a, &in), 1);
        EXPECT(bytes_equal_text(answer_header(&a, "x-n"), "v"));
        EXPECT(answer_header(&a, "x-m").data == NULL);
        answer_next(&a);
    }
    answer_fini(&a);
}
