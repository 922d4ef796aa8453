/*
 * tests/unit/verifier/lane_test.c: offset order, whatever order work ends in.
 *
 * From: ctest.
 * To:   verifier/lane.c.
 */
#include "verifier/lane.h"

#include <string.h>

#include "tests/support/harness.h"

#define COUNT 5

static struct work *take(struct lane *l, int64_t offset)
{
    struct record r = {.partition = 7, .offset = offset};
    struct work *w = work_open(l, &r);

    lane_take(l, w);
    return w;
}

static struct lane *lane_at(int64_t position)
{
    struct lane *l = lane_open(7, COUNT, 1 << 20);

    lane_begin(l, position, position, -1, NULL);
    return l;
}

/* All permutations of 0..COUNT-1, by Heap's algorithm. */
static void permute(int *order, int k, void (*each)(const int *order))
{
    int i, swap, with;

    if (k == 1) {
        each(order);
        return;
    }
    for (i = 0; i < k; i++) {
        permute(order, k - 1, each);
        with = k % 2 == 0 ? i : 0;
        swap = order[with];
        order[with] = order[k - 1];
        order[k - 1] = swap;
    }
}

static void all_orders(void (*each)(const int *order))
{
    int order[COUNT] = {0, 1, 2, 3, 4};

    permute(order, COUNT, each);
}

/* Judged in this order, works become ready only behind all earlier ones. */
static void ready_in_order(const int *order)
{
    struct lane *l = lane_at(10);
    struct work *w[COUNT];
    bool judged[COUNT] = {false};
    int i, n;

    for (i = 0; i < COUNT; i++)
        w[i] = take(l, 10 + i);
    for (i = 0; i < COUNT; i++) {
        w[order[i]]->judged = judged[order[i]] = true;
        for (n = 0; n < COUNT && judged[n]; n++)
            EXPECT(lane_ready(l, (size_t)n) == w[n]);
        EXPECT(lane_ready(l, (size_t)n) == NULL);
    }
    lane_close(l);
    EXPECT_INT(work_alive(), 0);
}

TEST(lane_gives_verdicts_back_in_offset_order_for_every_order_of_judging)
{
    all_orders(ready_in_order);
}

/* Acked in this order, `announced` stays at the first that is not acked. */
static void announced_in_order(const int *order)
{
    struct lane *l = lane_at(10);
    struct work *w[COUNT];
    bool acked[COUNT] = {false};
    int i, n;

    for (i = 0; i < COUNT; i++) {
        w[i] = take(l, 10 + i);
        w[i]->judged = true;
    }
    lane_start(l, COUNT);
    lane_decided(l);
    for (i = 0; i < COUNT; i++) {
        EXPECT(lane_to_send(l) == w[i]);
        lane_sent(l);
    }
    for (i = 0; i < COUNT; i++) {
        lane_acked(l, w[order[i]]);
        acked[order[i]] = true;
        for (n = 0; n < COUNT && acked[n]; n++)
            continue;
        EXPECT_INT(lane_announced(l), 10 + n);
        EXPECT_INT(l->count, COUNT - n);
    }
    EXPECT_INT(work_alive(), 0);
    lane_close(l);
}

TEST(lane_raises_announced_without_holes_for_every_order_of_acks)
{
    all_orders(announced_in_order);
}

TEST(lane_is_full_until_what_was_taken_is_announced)
{
    struct lane *l = lane_at(0);
    struct work *w[COUNT];
    int i;

    for (i = 0; i < COUNT; i++) {
        EXPECT(!lane_is_full(l));
        w[i] = take(l, i);
        w[i]->judged = true;
    }
    EXPECT(lane_is_full(l) && !lane_is_half(l));
    lane_start(l, COUNT);
    lane_decided(l);
    EXPECT(lane_is_full(l));
    for (i = 0; i < 3; i++)
        lane_sent(l);
    for (i = 0; i < 3; i++)
        lane_acked(l, w[i]);
    EXPECT(!lane_is_full(l) && lane_is_half(l));
    lane_close(l);
}

TEST(lane_sends_again_what_was_not_acked_and_nothing_else)
{
    struct lane *l = lane_at(0);
    struct work *w[3];
    int i;

    for (i = 0; i < 3; i++) {
        w[i] = take(l, i);
        w[i]->judged = true;
    }
    lane_start(l, 3);
    lane_decided(l);
    for (i = 0; i < 3; i++)
        lane_sent(l);
    lane_acked(l, w[1]);
    lane_unsent(l);
    EXPECT(lane_to_send(l) == w[0]);
    lane_sent(l);
    EXPECT(lane_to_send(l) == w[1] && w[1]->acked);
    lane_sent(l);
    EXPECT(lane_to_send(l) == w[2]);
    lane_sent(l);
    EXPECT_INT(lane_announced(l), 0);
    lane_acked(l, w[0]);
    EXPECT_INT(lane_announced(l), 2);
    lane_acked(l, w[2]);
    EXPECT_INT(l->count, 0);
    lane_close(l);
}

TEST(lane_gives_a_batch_again_that_was_not_written)
{
    struct lane *l = lane_at(0);
    struct work *w = take(l, 0);

    w->judged = true;
    lane_start(l, 1);
    EXPECT(lane_ready(l, 0) == NULL);
    lane_undecided(l);
    EXPECT(lane_ready(l, 0) == w);
    lane_close(l);
}

TEST(lane_lets_go_of_works_that_others_still_hold)
{
    struct lane *l = lane_at(0);
    struct work *w = take(l, 0);

    w->holders |= WORK_HELD_BY_POOL;
    lane_close(l);
    EXPECT(w->lane == NULL);
    EXPECT_INT(work_alive(), 1);
    work_drop(w, WORK_HELD_BY_POOL);
    EXPECT_INT(work_alive(), 0);
}

TEST(lane_begins_where_the_database_says_and_reads_one_record_early)
{
    struct lane *l = lane_open(7, COUNT, 1 << 20);
    uint8_t last[32] = {1};

    lane_begin(l, 100, 100, 5, last);
    EXPECT_INT(l->proof.start, 99);
    EXPECT_INT(lane_announced(l), 100);
    lane_begin(l, 100, 40, 5, last);
    EXPECT_INT(l->proof.start, 40);
    EXPECT_INT(lane_announced(l), 40);
    EXPECT_INT(l->results_offset, 5);
    lane_close(l);
}

TEST(lane_waits_since_its_oldest_record_was_appended)
{
    struct lane *l = lane_open(7, COUNT, 1 << 20);
    struct work *first, *second;

    partition_move(&l->partition, PARTITION_ASSIGNED);
    lane_begin(l, 10, 10, -1, NULL);
    partition_move(&l->partition, PARTITION_POSITION_KNOWN);
    EXPECT_INT(lane_waits_since(l, 5000), 0);
    first = take(l, 10);
    second = take(l, 11);
    first->record.append_ms = 3000;
    second->record.append_ms = 4000;
    EXPECT_INT(lane_waits_since(l, 5000), 3000);
    first->judged = second->judged = true;
    lane_start(l, 2);
    lane_decided(l);
    lane_sent(l);
    lane_acked(l, first);
    EXPECT_INT(lane_waits_since(l, 5000), 4000);
    lane_close(l);
}

TEST(lane_that_is_stopped_waits_since_it_was_last_seen_to)
{
    struct lane *l = lane_open(7, COUNT, 1 << 20);

    partition_move(&l->partition, PARTITION_ASSIGNED);
    EXPECT_INT(lane_waits_since(l, 5000), 5000);
    lane_begin(l, 10, 10, -1, NULL);
    partition_move(&l->partition, PARTITION_POSITION_KNOWN);
    EXPECT_INT(lane_waits_since(l, 5500), 0);
    take(l, 10)->record.append_ms = 3000;
    EXPECT_INT(lane_waits_since(l, 6000), 3000);
    lane_forget(l);
    partition_move(&l->partition, PARTITION_FAULT);
    EXPECT_INT(lane_waits_since(l, 7000), 3000);
    EXPECT_INT(lane_waits_since(l, 8000), 3000);
    lane_close(l);
}
