/*
 * tests/unit/consumer/window_test.c: every order in which up to six offsets can
 * finish, with every pattern of gaps between them, in a ring that has turned by
 * every amount.
 *
 * From: ctest.
 * To:   consumer/window.c.
 */
#include "consumer/window.h"

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

enum { COUNT_MAX = 6 };

/* Two numbers that say the same thing in another way. */
struct oracle {
    int64_t offsets[COUNT_MAX];
    bool finished[COUNT_MAX];
    int count;
    int64_t first;
};

static int64_t wanted_resume(const struct oracle *o)
{
    int64_t resume = o->first;

    for (int i = 0; i < o->count && o->finished[i]; i++)
        resume = o->offsets[i] + 1;
    return resume;
}

static size_t wanted_in_flight(const struct oracle *o)
{
    size_t count = 0;

    for (int i = 0; i < o->count; i++)
        count += !o->finished[i];
    return count;
}

/* Turns the ring, so that the run starts at another slot. */
static void turn(struct window *w, int times)
{
    int64_t first = window_resume_offset(w) - times;

    window_reset(w, first);
    for (int i = 0; i < times; i++) {
        EXPECT_INT(window_start(w, first + i), 0);
        window_finish(w, first + i);
    }
}

/* Hands out o->count offsets and finishes them in the order of `order`. */
static long run(struct window *w, struct oracle *o, const int *order)
{
    for (int i = 0; i < o->count; i++) {
        o->finished[i] = false;
        EXPECT_INT(window_start(w, o->offsets[i]), 0);
    }
    for (int i = 0; i < o->count; i++) {
        window_finish(w, o->offsets[order[i]]);
        o->finished[order[i]] = true;
        EXPECT_INT(window_resume_offset(w), wanted_resume(o));
        EXPECT_INT(window_in_flight(w), wanted_in_flight(o));
    }
    EXPECT_INT(window_count(w), 0);
    return 1;
}

/* All orders of order[at..count). */
static long all_orders(struct window *w, struct oracle *o, int *order, int at,
                       int turned)
{
    long runs = 0;

    if (at == o->count) {
        window_reset(w, o->first);
        turn(w, turned);
        return run(w, o, order);
    }
    for (int i = at; i < o->count; i++) {
        int kept = order[at];
        order[at] = order[i];
        order[i] = kept;
        runs += all_orders(w, o, order, at + 1, turned);
        order[i] = order[at];
        order[at] = kept;
    }
    return runs;
}

static long all_gaps(int count)
{
    struct window w;
    long runs = 0;

    EXPECT_INT(window_init(&w, COUNT_MAX, 0), 0);
    for (int gaps = 0; gaps < 1 << count; gaps++) {
        struct oracle o = {.count = count, .first = 100};
        int order[COUNT_MAX] = {0, 1, 2, 3, 4, 5};
        int64_t offset = o.first;
        for (int i = 0; i < count; i++) {
            offset += gaps & (1 << i) ? 3 : 0;
            o.offsets[i] = offset++;
        }
        runs += all_orders(&w, &o, order, 0, gaps % COUNT_MAX);
    }
    window_fini(&w);
    return runs;
}

TEST(window_resumes_at_the_first_unfinished_in_every_order_up_to_six)
{
    static const long factorial[] = {1, 1, 2, 6, 24, 120, 720};

    for (int count = 0; count <= COUNT_MAX; count++)
        EXPECT_INT(all_gaps(count), factorial[count] << count);
}

/*
 * Starts and finishes mixed: every string of moves, where a move is "hand out
 * the next" or "finish the k-th of those in flight", up to `left` moves.
 */
static long mixed(const struct window *from, struct oracle o, int left)
{
    long runs = 1;

    if (left == 0)
        return 1;
    for (int move = -1; move < o.count; move++) {
        int64_t ring[3];
        struct window w = *from;
        struct oracle next = o;
        for (size_t i = 0; i < w.count_max; i++)
            ring[i] = from->offsets[i];
        w.offsets = ring;
        if (move >= 0 && o.finished[move])
            continue;
        if (move >= 0) {
            window_finish(&w, o.offsets[move]);
            next.finished[move] = true;
        } else if (o.count < COUNT_MAX) {
            int64_t offset = 10 + o.count;
            int64_t room = offset - wanted_resume(&o) < 3;
            EXPECT_INT(window_start(&w, offset), room ? 0 : FAIL_FULL);
            EXPECT_INT(window_is_full(from), !room);
            if (!room)
                continue;
            next.offsets[next.count] = offset;
            next.finished[next.count++] = false;
        } else {
            continue;
        }
        EXPECT_INT(window_resume_offset(&w), wanted_resume(&next));
        EXPECT_INT(window_in_flight(&w), wanted_in_flight(&next));
        runs += mixed(&w, next, left - 1);
    }
    return runs;
}

TEST(window_of_three_agrees_with_the_oracle_on_every_string_of_moves)
{
    struct window w;
    struct oracle o = {.first = 10};

    EXPECT_INT(window_init(&w, 3, 10), 0);
    EXPECT(mixed(&w, o, 2 * COUNT_MAX) > 1000);
    window_fini(&w);
}

TEST(window_refuses_more_than_its_count_and_changes_nothing)
{
    struct window w;

    EXPECT_INT(window_init(&w, 2, 0), 0);
    EXPECT_INT(window_start(&w, 0), 0);
    EXPECT_INT(window_start(&w, 1), 0);
    EXPECT_INT(window_start(&w, 2), FAIL_FULL);
    window_finish(&w, 1);
    /* Finished, but not passed over: its slot is still needed. */
    EXPECT_INT(window_start(&w, 2), FAIL_FULL);
    window_finish(&w, 0);
    EXPECT_INT(window_start(&w, 2), 0);
    EXPECT_INT(window_resume_offset(&w), 2);
    window_fini(&w);
}

TEST(window_reset_forgets_what_was_in_flight)
{
    struct window w;

    EXPECT_INT(window_init(&w, 4, 7), 0);
    EXPECT_INT(window_start(&w, 9), 0);
    window_reset(&w, 3);
    EXPECT_INT(window_in_flight(&w), 0);
    EXPECT_INT(window_resume_offset(&w), 3);
    EXPECT_INT(window_start(&w, 3), 0);
    window_fini(&w);
}
