/*
 * tests/unit/words/bytes_test.c: slices, bounded buffers, failure codes.
 *
 * From: ctest.
 * To:   schemas/base/bytes.c, schemas/base/fail.c.
 */
#include "schemas/base/bytes.h"

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

TEST(buffer_refuses_to_grow_past_its_limit_and_says_so_once)
{
    struct buffer b;

    buffer_init(&b, 4);
    EXPECT_INT(buffer_append(&b, "abc", 3), 0);
    EXPECT_INT(buffer_append(&b, "de", 2), FAIL_FULL);
    EXPECT(b.overflow);
    EXPECT_INT(buffer_append(&b, "d", 1), 0);
    EXPECT_TEXT(buffer_text(&b), "abcd");
    buffer_clear(&b);
    EXPECT(!b.overflow);
    buffer_fini(&b);
}

TEST(buffer_formats_and_consumes)
{
    struct buffer b;

    buffer_init(&b, 100);
    EXPECT_INT(buffer_append_format(&b, "%s-%d", "log", 7), 0);
    buffer_consume(&b, 4);
    EXPECT_TEXT(buffer_text(&b), "7");
    buffer_fini(&b);
}

TEST(slice_past_the_end_is_empty)
{
    struct bytes b = BYTES_LITERAL("abc");

    EXPECT_INT(bytes_slice(b, 1, 9).count, 2);
    EXPECT_INT(bytes_slice(b, 3, 1).count, 0);
    EXPECT_INT(bytes_slice(b, 9, 1).count, 0);
}

TEST(text_compares_without_case_only_where_asked)
{
    EXPECT(bytes_equal_text_any_case(BYTES_LITERAL("Content-LENGTH"),
                                     "content-length"));
    EXPECT(!bytes_equal_text_any_case(BYTES_LITERAL("content"), "content-"));
    EXPECT(!bytes_equal_text(BYTES_LITERAL("A"), "a"));
}

TEST(what_stands_around_bytes_is_trimmed)
{
    EXPECT(bytes_equal_text(bytes_trim(BYTES_LITERAL(" \t\r\na b\n ")), "a b"));
    EXPECT_INT(bytes_trim(BYTES_LITERAL(" \n ")).count, 0);
    EXPECT_INT(bytes_trim(BYTES_NONE).count, 0);
}

TEST(every_failure_has_a_name_words_and_a_remedy)
{
    int code;

    for (code = FAIL_FIRST + 1; code < FAIL_END; code++) {
        EXPECT(fail_name(code)[0] != '\0');
        EXPECT(fail_words(code)[0] != '\0');
        EXPECT(fail_remedy(code) <= REMEDY_STOP);
    }
    EXPECT_TEXT(fail_name(FAIL_FENCED), "fenced");
    EXPECT_INT(fail_remedy(FAIL_FENCED), REMEDY_YIELD);
}
