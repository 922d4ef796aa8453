/*
 * tests/unit/producer/recent_test.c: what the door remembers, and for how long.
 *
 * From: ctest.
 * To:   producer/recent.c.
 */
#include "producer/recent.h"

#include <string.h>

#include "tests/support/harness.h"

static const uint8_t *key(int i)
{
    static uint8_t keys[8][32];

    memset(keys[i], i + 1, 32);
    return keys[i];
}

TEST(recent_finds_what_is_under_way_whatever_its_age)
{
    struct recent *r;
    struct recent_entry *e;

    recent_open(2, 2, 1000, &r);
    e = recent_start(r, key(0), 0);
    EXPECT(recent_find(r, key(0), 999999) == e);
    EXPECT(recent_find(r, key(1), 0) == NULL);
    recent_close(r);
}

TEST(recent_takes_no_more_under_way_than_it_may)
{
    struct recent *r;
    struct recent_entry *e;

    recent_open(2, 2, 1000, &r);
    e = recent_start(r, key(0), 0);
    EXPECT(recent_start(r, key(1), 0) != NULL);
    EXPECT(recent_start(r, key(2), 0) == NULL);
    recent_forget(r, e);
    EXPECT(recent_start(r, key(2), 0) != NULL);
    EXPECT_INT(recent_under_way(r), 2);
    recent_close(r);
}

TEST(recent_remembers_what_is_finished_for_a_while)
{
    struct recent *r;

    recent_open(4, 4, 1000, &r);
    recent_finish(r, recent_start(r, key(0), 0), 50);
    EXPECT(recent_find(r, key(0), 1050) != NULL);
    EXPECT(recent_find(r, key(0), 1051) == NULL);
    EXPECT_INT(recent_under_way(r), 0);
    recent_close(r);
}

TEST(recent_pushes_the_oldest_out_and_keeps_the_others)
{
    struct recent *r;
    int i;

    recent_open(4, 2, 1000, &r);
    for (i = 0; i < 3; i++)
        recent_finish(r, recent_start(r, key(i), 0), i);
    EXPECT(recent_find(r, key(0), 3) == NULL);
    EXPECT(recent_find(r, key(1), 3) != NULL);
    EXPECT(recent_find(r, key(2), 3) != NULL);
    recent_close(r);
}

TEST(recent_remembers_nothing_when_it_may_not)
{
    struct recent *r;

    recent_open(4, 0, 1000, &r);
    recent_finish(r, recent_start(r, key(0), 0), 0);
    EXPECT(recent_find(r, key(0), 0) == NULL);
    recent_close(r);
}

TEST(recent_lists_what_is_under_way_from_the_oldest)
{
    struct recent *r;
    struct recent_entry *e[3];
    int i;

    recent_open(4, 4, 1000, &r);
    for (i = 0; i < 3; i++)
        e[i] = recent_start(r, key(i), i);
    recent_finish(r, e[1], 5);
    EXPECT(recent_oldest(r) == e[0]);
    EXPECT(recent_next(e[0]) == e[2]);
    EXPECT(recent_next(e[2]) == NULL);
    recent_close(r);
}
