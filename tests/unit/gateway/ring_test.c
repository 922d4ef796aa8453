/*
 * tests/unit/gateway/ring_test.c: the ring against a list that forgets nothing.
 *
 * From: notifier/gateway/ring.h.
 * To:   nobody.
 */
#include <stdio.h>
#include <string.h>

#include "notifier/gateway/ring.h"
#include "tests/support/harness.h"

static struct run_event event(int64_t offset, int64_t record, char *json)
{
    sprintf(json, "{\"id\":\"1-0-%lld\"}", (long long)record);
    return (struct run_event){
        .offset = offset,
        .id = {.log = 1, .partition = 0, .offset = record},
        .type = RESULT_VERIFIED,
        .chain = BYTES_LITERAL("eip155:1"),
        .sender = BYTES_LITERAL("0xab"),
        .json = bytes_text(json),
    };
}

static bool add(struct ring *r, int64_t offset, int64_t record)
{
    char json[64];
    struct run_event e = event(offset, record, json);

    return ring_add(r, &e);
}

TEST(ring_holds_what_was_added_and_finds_it_by_offset)
{
    struct ring *r = ring_open(8, 1 << 20, 100);
    struct run_event e;

    EXPECT(!ring_find(r, 0, &e));
    EXPECT(add(r, 100, 1));
    EXPECT(add(r, 103, 2));
    EXPECT(ring_find(r, 0, &e));
    EXPECT_INT(e.offset, 100);
    EXPECT(ring_find(r, 101, &e));
    EXPECT_INT(e.offset, 103);
    EXPECT(bytes_equal_text(e.json, "{\"id\":\"1-0-2\"}"));
    EXPECT(bytes_equal_text(e.sender, "0xab"));
    EXPECT(e.hash.data == NULL);
    EXPECT(!ring_find(r, 104, &e));
    EXPECT_INT(ring_from(r), 100);
    EXPECT_INT(ring_next(r), 104);
    ring_close(r);
}

TEST(ring_drops_a_repeat_while_it_remembers_the_first)
{
    struct ring *r = ring_open(2, 1 << 20, 0);

    EXPECT(add(r, 0, 50));
    EXPECT(!add(r, 1, 50));
    EXPECT_INT(ring_next(r), 2);
    EXPECT_INT(ring_count(r), 1);
    EXPECT(add(r, 2, 51));
    EXPECT(add(r, 3, 52)); /* 50 is forgotten */
    EXPECT_INT(ring_from(r), 1);
    EXPECT(add(r, 4, 50));
    ring_close(r);
}

TEST(ring_tells_types_of_one_record_apart)
{
    struct ring *r = ring_open(4, 1 << 20, 0);
    char json[64];
    struct run_event e = event(0, 50, json);

    EXPECT(ring_add(r, &e));
    e.offset = 1;
    e.type = RESULT_QUARANTINED;
    EXPECT(ring_add(r, &e));
    e.offset = 2;
    EXPECT(!ring_add(r, &e));
    ring_close(r);
}

TEST(ring_is_emptied_by_what_does_not_follow)
{
    struct ring *r = ring_open(4, 1 << 20, 0);

    add(r, 0, 1);
    ring_cover(r, 1, 5);
    EXPECT_INT(ring_count(r), 1);
    EXPECT_INT(ring_next(r), 5);
    ring_cover(r, 9, 12);
    EXPECT_INT(ring_count(r), 0);
    EXPECT_INT(ring_from(r), 9);
    EXPECT_INT(ring_next(r), 12);
    ring_close(r);
}

TEST(ring_stays_within_its_bytes)
{
    struct ring *r = ring_open(1000, 2000, 0);

    for (int i = 0; i < 500; i++)
        add(r, i, i);
    EXPECT(ring_count(r) > 2 && ring_count(r) < 20);
    EXPECT_INT(ring_next(r), 500);
    EXPECT_INT(ring_from(r), 500 - (long long)ring_count(r));
    ring_close(r);
}

/* Many adds with few record ids: the ring agrees with a plain list. */
TEST(ring_agrees_with_a_list_over_a_long_walk)
{
    enum { KEEP = 37, STEPS = 20000 };
    struct ring *r = ring_open(KEEP, 1 << 20, 0);
    static int64_t ids[STEPS], offsets[STEPS];
    size_t first = 0, past = 0;
    uint32_t random = 1;

    for (int64_t offset = 0; offset < STEPS; offset++) {
        int64_t id;
        bool known = false;
        struct run_event e;

        random = random * 1664525u + 1013904223u;
        id = random >> 25;
        for (size_t i = first; i < past; i++)
            known = known || ids[i] == id;
        EXPECT_INT(add(r, offset, id), !known);
        if (!known) {
            if (past - first == KEEP)
                first++;
            ids[past] = id;
            offsets[past++] = offset;
        }
        EXPECT_INT(ring_count(r), past - first);
        EXPECT(ring_find(r, 0, &e));
        EXPECT_INT(e.offset, offsets[first]);
        EXPECT_INT(e.id.offset, ids[first]);
    }
    ring_close(r);
}
