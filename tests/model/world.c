/*
 * tests/model/world.c: what happens around the writers.
 *
 * The sealer flips whenever its lock allows; old leaves are dropped; the
 * standby stops following and is promoted at any later time; somebody deletes
 * a row; the log forgets; a result of a lost connection arrives after all. None
 * of it has to happen, so none of it counts as a way out of a dead end.
 *
 * From: tests/model/protocol.c, for every state.
 * To:   tests/model/search.c.
 */
#include "tests/model/protocol.h"

#include <string.h>

static bool locked(const struct protocol *c, const struct state *s, int base)
{
    int w;

    for (w = 0; w < c->verifiers + c->replays; w++) {
        if (s->writer[w].base == base && writer_holds_lock(&s->writer[w]))
            return true;
    }
    return false;
}

/* The live leaf is sealed, the next one is live; positions move along. */
static void flip(const struct protocol *c, const struct state *s, int base,
                 struct search *search)
{
    struct state next = *s;
    struct database *d = &next.db[base];
    int p, position;
    bool idle;

    if (d->live == 0 || d->live == c->leaves)
        return;
    if (locked(c, s, base) && holds(c, RULE(S2)))
        return;
    for (p = 0; p < partition_count(c); p++) {
        position = position_in(c, d, d->live, p);
        idle = position == d->counts[d->live - 1][p] - 1;
        if (position != NOWHERE && holds(c, RULE(S3)) &&
            (!idle || holds(c, RULE(S4))))
            d->counts[d->live][p] = (uint8_t)(position + 1);
    }
    d->live++;
    search_move(search, SEARCH_WORLD, &next,
                "the sealer flips%s: leaf %d is sealed, leaf %d is live",
                base == OLD ? " on the old primary" : "", d->live - 1, d->live);
}

static void drop(const struct protocol *c, const struct state *s,
                 struct search *search)
{
    struct state next = *s;
    struct database *d = &next.db[PRIMARY];
    int r;

    if (d->oldest == d->live || locked(c, s, PRIMARY))
        return;
    for (r = 0; r < record_count(c) && holds(c, RULE(D1)); r++) {
        if (d->row[d->oldest][r] != 0 &&
            offset_of(c, r) >= d->announced[partition_of(c, r)])
            return;
    }
    d->oldest++;
    search_move(search, SEARCH_WORLD, &next, "leaf %d is dropped",
                d->oldest - 1);
}

/* `stays`: the writer that keeps its connection to the old primary, or -1. */
static void promote(const struct protocol *c, const struct state *s, int stays,
                    struct search *search)
{
    struct state next = *s;
    int w;

    for (w = 0; w < c->verifiers + c->replays; w++) {
        if (w != stays && s->writer[w].phase != DOWN)
            writer_disconnect(c, &next, w, false);
    }
    if (stays >= 0) {
        next.writer[stays].base = OLD;
        next.db[OLD] = s->db[PRIMARY];
    }
    next.db[PRIMARY] = s->db[STANDBY];
    memset(&next.db[STANDBY], 0, sizeof(next.db[STANDBY]));
    next.world.standby = 0;
    next.world.failovers--;
    if (stays < 0)
        search_move(search, SEARCH_WORLD, &next,
                    "the standby is promoted: all connections break");
    else
        search_move(search, SEARCH_WORLD, &next,
                    "the standby is promoted: %c alone stays on the old "
                    "primary",
                    writer_name(c, stays));
}

static void failover(const struct protocol *c, const struct state *s,
                     struct search *search)
{
    struct state next = *s;
    int w;

    if (s->world.failovers == 0)
        return;
    if (s->world.standby == 0) {
        next.db[STANDBY] = s->db[PRIMARY];
        next.world.standby = 1;
        search_move(search, SEARCH_WORLD, &next,
                    "the standby has all this and follows no further");
        return;
    }
    promote(c, s, -1, search);
    for (w = 0; w < c->verifiers + c->replays && c->split; w++) {
        if (s->writer[w].phase != DOWN)
            promote(c, s, w, search);
    }
}

static void lose(const struct protocol *c, const struct state *s,
                 struct search *search)
{
    struct state next;
    int leaf, r;

    for (leaf = s->db[PRIMARY].oldest; leaf <= s->db[PRIMARY].live; leaf++) {
        for (r = 0; r < record_count(c) && s->world.losses > 0; r++) {
            if (s->db[PRIMARY].row[leaf][r] == 0)
                continue;
            next = *s;
            next.db[PRIMARY].row[leaf][r] = 0;
            next.world.lost |= (uint8_t)(1 << r);
            next.world.losses--;
            search_move(search, SEARCH_WORLD, &next,
                        "somebody deletes the row of record %d-%d",
                        partition_of(c, r), offset_of(c, r));
        }
    }
}

static void expire(const struct protocol *c, const struct state *s,
                   struct search *search)
{
    struct state next = *s;
    const struct database *d = &s->db[PRIMARY];

    if (!c->expire || s->world.log_start >= position_in(c, d, d->live, 0))
        return;
    next.world.log_start++;
    search_move(search, SEARCH_WORLD, &next, "the log now starts at offset %d",
                next.world.log_start);
}

static void create_replay(const struct protocol *c, const struct state *s,
                          struct search *search)
{
    const struct database *d = &s->db[PRIMARY];
    struct state next;
    int to;

    if (c->replays == 0 || d->replay_to != 0)
        return;
    for (to = 1; to <= partition_end(c, 0); to++) {
        if (to > position_in(c, d, d->live, 0) && holds(c, RULE(R1)))
            return;
        if (to > d->announced[0] && holds(c, RULE(R7)))
            return;
        next = *s;
        next.db[PRIMARY].replay_to = (uint8_t)to;
        search_move(search, SEARCH_WORLD, &next,
                    "a replay of [0,%d) of partition 0 is created", to);
    }
}

/* The same news: a client may act on either. */
static bool same_meaning(const struct protocol *c, uint8_t a, uint8_t b)
{
    bool good_a = ROW_KIND(a) == VERIFIED || ROW_KIND(a) == DUPLICATE;
    bool good_b = ROW_KIND(b) == VERIFIED || ROW_KIND(b) == DUPLICATE;

    if (a == b || (c->meaning && good_a && good_b))
        return true;
    return holds(c, RULE(Q1)) &&
           (ROW_KIND(a) == QUARANTINED || ROW_KIND(b) == QUARANTINED);
}

void world_say(const struct protocol *c, struct world *w, int record,
               uint8_t row)
{
    if (!holds(c, RULE(Q2)))
        w->last[record] = row;
    if (w->said[record] != 0) {
        if (!same_meaning(c, w->said[record], row))
            w->broken = BROKEN_UNEQUAL;
        return;
    }
    w->said[record] = row;
}

static void arrive(const struct protocol *c, const struct state *s, int w,
                   struct search *search)
{
    struct state next;
    struct writer *x = &next.writer[w];
    int p, r;

    for (p = 0; p < partition_count(c); p++) {
        if (s->writer[w].late_next[p] >= s->writer[w].late_to[p])
            continue;
        next = *s;
        r = partition_first(c, p) + x->late_next[p]++;
        if (x->late_row[r] != 0)
            world_say(c, &next.world, r, x->late_row[r]);
        x->late_row[r] = 0;
        if (x->late_next[p] == x->late_to[p])
            x->late_next[p] = x->late_to[p] = 0;
        search_move(search, SEARCH_WORLD, &next,
                    "the announcement of %d-%d that %c sent long ago arrives",
                    p, offset_of(c, r), writer_name(c, w));
    }
}

void world_moves(const struct protocol *c, const struct state *s,
                 struct search *search)
{
    int w;

    flip(c, s, PRIMARY, search);
    flip(c, s, OLD, search);
    if (c->drop)
        drop(c, s, search);
    failover(c, s, search);
    lose(c, s, search);
    expire(c, s, search);
    create_replay(c, s, search);
    for (w = 0; w < c->verifiers + c->replays; w++)
        arrive(c, s, w, search);
}
