/*
 * tests/model/invariants.c: what must be true after every move.
 *
 * Each history is looked at by itself: the primary, and the old primary while
 * somebody still writes there. A dropped leaf's rows count as having been; a
 * row that somebody deleted is forgiven until a replay has passed it.
 *
 * From: tests/model/search.c, for every new state.
 * To:   nobody; the first violation ends the search.
 */
#include "tests/model/protocol.h"

static bool was_lost(const struct state *s, int r)
{
    return (s->world.lost & 1 << r) != 0;
}

/* How many leaves hold a row of the record, dropped leaves included. */
static int rows_of(const struct database *d, int r)
{
    int leaf, count = 0;

    for (leaf = 1; leaf <= d->live; leaf++)
        count += d->row[leaf][r] != 0;
    return count;
}

static bool ever_verified(const struct state *s, const struct database *d,
                          int r)
{
    int leaf;

    for (leaf = 1; leaf <= d->live; leaf++) {
        if (ROW_KIND(d->row[leaf][r]) == VERIFIED)
            return true;
    }
    return was_lost(s, r);
}

static bool all_is_said(const struct protocol *c, const struct state *s);

static enum broken rows_broken(const struct protocol *c, const struct state *s,
                               const struct database *d)
{
    int leaf, r, other, position;
    uint8_t row;

    for (r = 0; r < record_count(c); r++) {
        if (rows_of(d, r) > 1)
            return BROKEN_SECOND_ROW;
        position = position_in(c, d, d->live, partition_of(c, r));
        if (position != NOWHERE && offset_of(c, r) < position &&
            rows_of(d, r) == 0 && !was_lost(s, r))
            return BROKEN_SKIPPED;
        for (leaf = 1; leaf <= d->live; leaf++) {
            row = d->row[leaf][r];
            if (ROW_KIND(row) == DUPLICATE && !ever_verified(s, d, ROW_OF(row)))
                return BROKEN_OF_NOTHING;
            if (ROW_KIND(row) == DUPLICATE && ROW_OF(row) >= r && !c->lose &&
                partition_of(c, r) == partition_of(c, ROW_OF(row)))
                return BROKEN_REPEAT_FIRST;
            other = leaf >= d->oldest
                        ? record_with_hash(c, d, leaf, hash_of(c, r))
                        : NOWHERE;
            if (ROW_KIND(row_of(d, r, d->oldest)) == VERIFIED &&
                other != NOWHERE && other != r)
                return BROKEN_SECOND_HASH;
        }
    }
    return BROKEN_NONE;
}

/* Ledger rows follow each other without gap or overlap, and the flip wrote
 * down where they ended. */
static bool chain_broken(const struct protocol *c, const struct database *d,
                         int p)
{
    int leaf, o, first = partition_first(c, p);
    int at = d->counts[d->oldest - 1][p] - 1;

    for (leaf = d->oldest; leaf <= d->live; leaf++) {
        for (o = 0; o < partition_end(c, p); o++) {
            if (d->to[leaf][first + o] == 0)
                continue;
            if (at >= 0 && o != at)
                return true;
            at = d->to[leaf][first + o];
        }
        if (leaf < d->live && d->counts[leaf][p] != 0) {
            if (at >= 0 && at != d->counts[leaf][p] - 1)
                return true;
            at = d->counts[leaf][p] - 1;
        }
    }
    return false;
}

static enum broken announced_broken(const struct protocol *c,
                                    const struct state *s,
                                    const struct database *d)
{
    int r, o, p, mark = d->replay_announced;

    if (!holds(c, RULE(R6)) && mark < d->replay_next)
        mark = d->replay_next; /* nothing says that it has to be announced */
    for (p = 0; p < partition_count(c); p++) {
        if (d->announced[p] > position_in(c, d, d->live, p))
            return BROKEN_ABOVE_POSITION;
    }
    for (r = 0; r < record_count(c); r++) {
        o = offset_of(c, r);
        p = partition_of(c, r);
        if (s->world.said[r] != 0 || o >= d->announced[p] || rows_of(d, r) == 0)
            continue;
        if (p == 0 && o < s->world.log_start)
            continue; /* expired before it was announced: it is counted */
        if (was_lost(s, r) && (o >= d->replay_to || o >= mark))
            continue; /* a replay has not got to it */
        return BROKEN_NEVER_SAID;
    }
    return BROKEN_NONE;
}

static bool out_of_order(const struct protocol *c, const struct state *s)
{
    int r;

    for (r = 1; r < record_count(c); r++) {
        if (s->world.said[r] != 0 && s->world.said[r - 1] == 0 &&
            partition_of(c, r) == partition_of(c, r - 1) &&
            !was_lost(s, r - 1) &&
            !(partition_of(c, r) == 0 &&
              offset_of(c, r - 1) < s->world.log_start))
            return true;
    }
    return false;
}

static bool in_a_cycle(const struct protocol *c, const struct state *s)
{
    unsigned waits[WRITERS] = {0};
    int w, i, count = c->verifiers + c->replays;

    for (w = 0; w < count; w++)
        waits[w] = writer_blockers(c, s, w);
    for (i = 0; i < count; i++) {
        for (w = 0; w < count; w++) {
            if (waits[i] & 1u << w)
                waits[i] |= waits[w];
        }
    }
    for (w = 0; w < count; w++) {
        if (waits[w] & 1u << w)
            return true;
    }
    return false;
}

/* At rest, does the last line about a record differ from its row? */
static bool last_line_is_false(const struct protocol *c, const struct state *s)
{
    const struct writer *x;
    int w, p, r;

    for (w = 0; w < c->verifiers; w++) {
        x = &s->writer[w];
        for (p = 0; p < partition_count(c); p++) {
            if (x->base == OLD || x->late_to[p] != 0 || x->ann[p] != x->pos[p])
                return false;
        }
    }
    for (r = 0; r < record_count(c) && all_is_said(c, s); r++) {
        if (s->world.last[r] != row_of(&s->db[PRIMARY], r, 1))
            return true;
    }
    return false;
}

enum broken state_broken(const struct protocol *c, const struct state *s)
{
    static const int histories[] = {PRIMARY, OLD};
    const struct database *d;
    enum broken b;
    unsigned i;
    int p;

    if (s->world.broken != BROKEN_NONE)
        return (enum broken)s->world.broken;
    for (i = 0; i < 2; i++) {
        d = &s->db[histories[i]];
        if (d->live == 0)
            continue;
        b = rows_broken(c, s, d);
        for (p = 0; p < partition_count(c) && b == BROKEN_NONE; p++)
            b = chain_broken(c, d, p) ? BROKEN_CHAIN : BROKEN_NONE;
        if (b == BROKEN_NONE)
            b = announced_broken(c, s, d);
        if (b != BROKEN_NONE)
            return b;
    }
    if (out_of_order(c, s))
        return BROKEN_OUT_OF_ORDER;
    if (!holds(c, RULE(Q2)) && last_line_is_false(c, s))
        return BROKEN_LAST_LINE;
    return in_a_cycle(c, s) ? BROKEN_WAIT_CYCLE : BROKEN_NONE;
}

/* Everything is written in the primary, and announced, and marked so. */
static bool all_is_said(const struct protocol *c, const struct state *s)
{
    const struct database *d = &s->db[PRIMARY];
    int p, r;

    for (p = 0; p < partition_count(c); p++) {
        if (position_in(c, d, d->live, p) != partition_end(c, p) ||
            d->announced[p] != partition_end(c, p))
            return false;
    }
    for (r = 0; r < record_count(c); r++) {
        if (s->world.said[r] == 0 && !was_lost(s, r) &&
            !(partition_of(c, r) == 0 && offset_of(c, r) < s->world.log_start))
            return false;
    }
    return true;
}

/* And every verifier that is connected has come to know it. */
bool state_done(const struct protocol *c, const struct state *s)
{
    const struct writer *x;
    int w, p;

    for (w = 0; w < c->verifiers; w++) {
        x = &s->writer[w];
        if (x->phase == DOWN)
            continue;
        if (x->phase != READY || x->base != PRIMARY)
            return false;
        for (p = 0; p < partition_count(c); p++) {
            if (x->ann[p] != partition_end(c, p))
                return false;
        }
    }
    return all_is_said(c, s);
}
