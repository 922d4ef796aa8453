/*
 * tests/unit/verifier/pool_test.c: works go to threads and come back, once.
 *
 * From: ctest; under the thread sanitizer by hand.
 * To:   verifier/pool.c.
 */
#include "verifier/pool.h"

#include <string.h>

#include "tests/support/harness.h"

#define COUNT 3000

static struct work *works[COUNT]; /* those that have not come back */

struct seen {
    size_t judged, turns, rejected, newer;
    bool all;
};

static void on_judged(void *arg, struct work *w)
{
    struct seen *s = arg;

    s->judged++;
    s->rejected += w->header != RECORD_HEADER_NEWER && !w->verdict.verified;
    s->newer += w->header == RECORD_HEADER_NEWER;
    s->all = s->judged == COUNT;
    works[w->record.offset] = NULL;
    work_drop(w, WORK_HELD_BY_POOL);
    work_drop(w, WORK_HELD_BY_LANE);
}

static void on_turn(void *arg)
{
    ((struct seen *)arg)->turns++;
}

struct mill {
    struct loop *loop;
    struct judge *judge;
    struct pool *pool;
    struct seen seen;
};

static void open_mill(struct mill *m, int threads)
{
    struct pool_options o = {.threads = threads,
                             .judged = on_judged,
                             .turn_end = on_turn,
                             .arg = &m->seen};
    struct chain chain;

    *m = (struct mill){.loop = NULL};
    EXPECT_INT(loop_open(&m->loop), 0);
    EXPECT_INT(judge_open(&m->judge), 0);
    o.loop = m->loop;
    o.judge = m->judge;
    EXPECT_INT(pool_open(&o, &m->pool), 0);
    EXPECT_INT(chain_parse(bytes_text("eip155:1"), &chain), 0);
    pool_defaults(m->pool, &chain, 1);
}

static void close_mill(struct mill *m)
{
    pool_close(m->pool);
    judge_close(m->judge);
    loop_close(m->loop);
    EXPECT_INT(work_alive(), 0);
}

/* Every seventh names a rule set nobody has. */
static void add(struct mill *m, int i)
{
    static const uint8_t bytes[] = {0xc0};
    struct record r = {
        .offset = i,
        .value = bytes_of(bytes, sizeof(bytes)),
        .header = i % 7 == 0 ? BYTES_LITERAL("1;eip155:1;777")
                             : BYTES_LITERAL("1;eip155:1;1"),
    };

    works[i] = work_open(NULL, &r);
    pool_add(m->pool, works[i]);
}

TEST(pool_gives_every_work_back_once_and_judges_none_of_newer_rules)
{
    struct mill m;
    int i;

    open_mill(&m, 3);
    for (i = 0; i < COUNT; i++)
        add(&m, i);
    EXPECT_INT(pool_count(m.pool), COUNT);
    EXPECT(loop_run_until(m.loop, &m.seen.all, 20000));
    EXPECT_INT(pool_count(m.pool), 0);
    EXPECT_INT(m.seen.newer, (COUNT + 6) / 7);
    EXPECT_INT(m.seen.rejected, COUNT - m.seen.newer);
    EXPECT(m.seen.turns > 0);
    close_mill(&m);
}

TEST(pool_closed_with_work_under_way_leaves_none_behind)
{
    struct mill m;
    int i;

    open_mill(&m, 2);
    for (i = 0; i < COUNT; i++)
        add(&m, i);
    (void)loop_run_until(m.loop, &m.seen.all, 1);
    pool_close(m.pool);
    m.pool = NULL;
    /* The rest is held by us alone, in the lane's place. */
    EXPECT(m.seen.judged + work_alive() == COUNT);
    for (i = 0; i < COUNT; i++) {
        if (works[i] != NULL)
            work_drop(works[i], WORK_HELD_BY_LANE);
    }
    EXPECT_INT(work_alive(), 0);
    judge_close(m.judge);
    loop_close(m.loop);
}
