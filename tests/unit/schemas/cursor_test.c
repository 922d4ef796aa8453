/*
 * tests/unit/schemas/cursor_test.c: positions as one word, and back.
 *
 * From: schemas/cursor.h.
 * To:   nobody.
 */
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/cursor.h"
#include "tests/support/harness.h"

static void round_trip(const struct cursor *c)
{
    char text[CURSOR_TEXT_MAX + 1];
    struct cursor again;
    size_t count = cursor_format(c, text);

    EXPECT_INT(strlen(text), count);
    EXPECT_INT(cursor_parse(bytes_text(text), &again), 0);
    EXPECT_INT(again.log, c->log);
    EXPECT_INT(again.count, c->count);
    for (size_t i = 0; i < c->count; i++)
        EXPECT_INT(again.next[i], c->next[i]);
}

TEST(cursor_has_the_text_of_the_formats_page)
{
    struct cursor c = {.log = 1, .count = 2, .next = {300, 5}};
    char text[CURSOR_TEXT_MAX + 1];

    cursor_format(&c, text);
    EXPECT_TEXT(text, "AQGsAgU");
}

TEST(cursor_returns_from_its_text_at_every_size)
{
    struct cursor c = {.log = INT32_MAX};

    for (c.count = 0; c.count <= CURSOR_PARTITIONS_MAX; c.count++) {
        for (size_t i = 0; i < c.count; i++)
            c.next[i] = INT64_MAX >> (i % 63);
        round_trip(&c);
    }
    for (int shift = 0; shift < 63; shift++) {
        c.count = 3;
        c.next[0] = (int64_t)1 << shift;
        c.next[1] = ((int64_t)1 << shift) - 1;
        c.next[2] = 0;
        round_trip(&c);
    }
}

/* Every short text: either refused, or the one text of what it says. */
TEST(cursor_has_one_text_only)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
        "tuvwxyz0123456789-_=+/";
    size_t n = sizeof(digits) - 1, taken = 0;
    char text[6] = "AQ", again[CURSOR_TEXT_MAX + 1];
    struct cursor c;

    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            for (size_t d = 0; d <= n; d++) {
                text[2] = digits[a];
                text[3] = digits[b];
                text[4] = d < n ? digits[d] : '\0';
                if (cursor_parse(bytes_text(text), &c) < 0)
                    continue;
                cursor_format(&c, again);
                EXPECT_TEXT(again, text);
                taken++;
            }
    EXPECT(taken > 100);
}

TEST(cursor_refuses_what_it_never_wrote)
{
    static const char *const texts[] = {
        "",
        "A",
        "AQ",
        "AgE",
        "AQGA",
        "AQGAAA",
        "AQH///8",
        "AQGsAgU=",
        "AQGsAgV",
        "AQGs Agw",
        "Af____9_",
        "AQH___________8B",
        "AQH___________8",
        "AQGAAA",
    };
    struct cursor c;
    char longer[2 * CURSOR_TEXT_MAX];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (cursor_parse(bytes_text(texts[i]), &c) == 0)
            EXPECT_TEXT(texts[i], "refused");
    memset(longer, 'A', sizeof(longer));
    memcpy(longer, "AQEB", 4);
    EXPECT_INT(cursor_parse(bytes_of(longer, sizeof(longer)), &c),
               FAIL_MALFORMED);
    /* 64 partitions fit, the 65th does not. */
    EXPECT_INT(cursor_parse(bytes_of(longer, 88), &c), 0);
    EXPECT_INT(c.count, 64);
    EXPECT_INT(cursor_parse(bytes_of(longer, 90), &c), FAIL_MALFORMED);
    EXPECT_INT(cursor_parse(BYTES_NONE, &c), FAIL_MALFORMED);
}
