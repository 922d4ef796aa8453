/*
 * tests/model/batch.c: a batch, statement by statement.
 *
 *   begin (ask sealed leaves, BEGIN, lock, look)
 *     -> INSERT transactions, whose rows the conflicts are
 *     -> the other rows -> the ledger's check -> the ledger's row -> COMMIT
 *
 * The check and the row of the ledger are one statement in the database; here
 * they are two moves, because its snapshot is taken before it may have to wait
 * for an open transaction's key. A statement without anything to do is left
 * out.
 *
 * From: tests/model/writer.c, while a writer is in a transaction.
 * To:   tests/model/writer.c, when the batch has ended one way or the other.
 */
#include <string.h>

#include "tests/model/writer.h"

enum statement { INSERT, ROWS, CHECK_POSITION, LEDGER, COMMIT, STATEMENTS };
static const enum statement orders[][STATEMENTS] = {
    [LEDGER_LAST] = {INSERT, ROWS, CHECK_POSITION, LEDGER, COMMIT},
    [LEDGER_FIRST] = {CHECK_POSITION, LEDGER, INSERT, ROWS, COMMIT},
    [LEDGER_BEFORE_ROWS] = {INSERT, CHECK_POSITION, LEDGER, ROWS, COMMIT},
};

static void be_fenced(const struct protocol *c, const struct state *s, int w,
                      uint8_t refused, struct search *search);
static void commit(const struct protocol *c, const struct state *s, int w,
                   struct search *search);

static bool in_batch(const struct protocol *c, const struct writer *x, int r)
{
    int p = partition_of(c, r), o = offset_of(c, r);

    return o >= x->pos[p] && o < x->to[p];
}

static enum statement statement_at(const struct protocol *c, int w, int place)
{
    enum table_order order = c->order;

    if (w == 1 && !holds(c, RULE(ORDER)))
        order = order == LEDGER_FIRST ? LEDGER_LAST : LEDGER_FIRST;
    return orders[order][place];
}

/* Has the transaction of writer `w` done this statement? */
static bool has_done(const struct protocol *c, const struct writer *x, int w,
                     enum statement statement)
{
    int place;

    for (place = 0; place < x->phase - WRITING; place++) {
        if (statement_at(c, w, place) == statement)
            return true;
    }
    return false;
}

/* Is the row of this hash in a sealed leaf that we know? Whose is it? */
static int ask_sealed(const struct protocol *c, const struct database *d,
                      const struct writer *x, int r)
{
    int leaf, found;

    for (leaf = x->leaf - 1; leaf >= x->oldest; leaf--) {
        if ((x->filter[leaf] & 0x80) &&
            !(x->filter[leaf] & 1 << (hash_of(c, r) & 3)))
            continue;
        found = record_with_hash(c, d, leaf, hash_of(c, r));
        if (found != NOWHERE)
            return found;
    }
    return NOWHERE;
}

/* The row we mean to write for a record; `refused`: the database will not. */
static void intend(const struct protocol *c, const struct state *s, int w,
                   struct writer *x, int r, bool refused)
{
    const struct database *d = &s->db[x->base];
    int found;

    x->row[r] = NO_ROW;
    if (writer_is_replay(c, w) &&
        row_of(d, r, holds(c, RULE(R3)) ? d->oldest : d->live) != 0)
        return; /* has its row: nothing to write, nothing to announce */
    x->mine |= (uint8_t)(1 << r);
    if (hash_of(c, r) == 'R') {
        x->row[r] = ROW(REJECTED, 0);
    } else if (refused && hash_of(c, r) == 'Q') {
        x->row[r] = ROW(QUARANTINED, 0);
    } else {
        found = ask_sealed(c, d, x, r);
        x->row[r] = ROW(VERIFIED, 0);
        if (found == r)
            x->mine &= (uint8_t) ~(1 << r);
        else if (found != NOWHERE)
            x->row[r] = ROW(DUPLICATE, found);
    }
}

static bool is_needed(const struct protocol *c, const struct writer *x, int w,
                      enum statement statement)
{
    int r;

    if (statement == CHECK_POSITION)
        return !writer_is_replay(c, w) &&
               (holds(c, RULE(F2)) || holds(c, RULE(LIVE)));
    if (statement != INSERT && statement != ROWS)
        return true;
    for (r = 0; r < record_count(c); r++) {
        if ((x->mine & 1 << r) &&
            (ROW_KIND(x->row[r]) == VERIFIED) == (statement == INSERT))
            return true;
    }
    return false;
}

/*
 * Goes on to the next statement that has something to do. The answer to the
 * look is known when the first flight is over: after INSERT.
 */
static void go_on(const struct protocol *c, struct writer *x, int w)
{
    while (!is_needed(c, x, w, statement_at(c, w, x->phase - WRITING)))
        x->phase++;
    if (statement_at(c, w, x->phase - WRITING) != INSERT &&
        x->seen_live != x->leaf && holds(c, RULE(L1)) && !c->one_flight)
        writer_end_batch(c, x, UNREAD, 0);
}

static uint8_t rows_seen(const struct protocol *c, const struct database *d,
                         int leaf)
{
    uint8_t seen = 0;
    int r;

    for (r = 0; r < record_count(c); r++) {
        if (ROW_KIND(d->row[leaf][r]) == VERIFIED)
            seen |= (uint8_t)(1 << r);
    }
    return seen;
}

/* The first snapshot; with L2 and RC it is only the look under the lock. */
static void look(const struct protocol *c, const struct state *s, int w,
                 struct writer *x)
{
    const struct database *d = &s->db[x->base];
    int p;

    x->seen_live = d->live;
    x->phase = WRITING;
    if (!holds(c, RULE(RC))) {
        x->seen_rows = rows_seen(c, d, x->leaf);
        for (p = 0; p < partition_count(c); p++)
            x->seen_pos[p] = (uint8_t)position_in(c, d, x->leaf, p);
    }
    if (!holds(c, RULE(RC)) || !holds(c, RULE(L2)))
        x->phase = WAITING;
    else
        go_on(c, x, w);
}

void batch_take_lock(const struct protocol *c, const struct state *s, int w,
                     struct search *search)
{
    struct state next = *s;

    next.writer[w].phase = WRITING;
    go_on(c, &next.writer[w], w);
    search_move(search, SEARCH_OWN, &next, "%c gets the shared lock",
                writer_name(c, w));
}

/* One batch of `count` records of each partition. */
static void begin_batch(const struct protocol *c, const struct state *s, int w,
                        const int *count, bool refused, struct search *search)
{
    struct state next = *s;
    struct writer *x = &next.writer[w];
    const struct database *d = &s->db[x->base];
    char from[16] = "", to[16] = "";
    bool asks = false;
    int p, r;

    for (p = 0; p < partition_count(c); p++)
        x->to[p] = (uint8_t)(x->pos[p] + count[p]);
    if (search_telling(search)) {
        writer_pair(c, x->pos, from);
        writer_pair(c, x->to, to);
    }
    for (r = 0; r < record_count(c); r++)
        asks = asks || (in_batch(c, x, r) && hash_of(c, r) != 'R');
    if (asks && x->oldest < d->oldest && x->oldest < x->leaf) {
        if (!holds(c, RULE(D2)))
            return; /* 42P01, wait, the same again */
        writer_end_batch(c, x, UNREAD, writer_partitions(c));
        search_move(search, SEARCH_OWN, &next,
                    "%c asks leaf %d, which is gone: it will read again",
                    writer_name(c, w), x->oldest);
        return;
    }
    for (r = 0; r < record_count(c); r++) {
        if (in_batch(c, x, r))
            intend(c, s, w, x, r, refused);
    }
    look(c, s, w, x);
    search_move(search, SEARCH_OWN, &next,
                "%c begins a batch for leaf %d, from %s to %s%s",
                writer_name(c, w), x->leaf, from, to,
                x->phase == UNREAD ? "; another leaf is live, rolls back" : "");
}

/* Batches of every size are tried. */
void batch_begin(const struct protocol *c, const struct state *s, int w,
                 struct search *search)
{
    const struct writer *x = &s->writer[w];
    const struct database *d = &s->db[x->base];
    bool has_q = strchr(c->records, 'Q') != NULL;
    int count[PARTITIONS], room[PARTITIONS], p;

    for (p = 0; p < PARTITIONS; p++)
        room[p] = x->pos[p] == NOWHERE ? 0 : partition_end(c, p) - x->pos[p];
    if (writer_is_replay(c, w)) {
        room[0] = d->replay_to - x->pos[0];
        room[1] = 0;
        if (x->pos[0] + 1 < d->counts[d->oldest - 1][0] && d->oldest > 1 &&
            holds(c, RULE(R4)))
            return;
    }
    for (count[0] = 0; count[0] <= room[0]; count[0]++) {
        for (count[1] = 0; count[1] <= room[1]; count[1]++) {
            if (count[0] + count[1] == 0)
                continue;
            begin_batch(c, s, w, count, false, search);
            if (has_q)
                begin_batch(c, s, w, count, true, search);
        }
    }
}

/* ---- its statements ---- */

/* Do we insert, or have we inserted, a transaction of this hash? */
static bool inserts_hash(const struct protocol *c, const struct writer *x,
                         char hash)
{
    int r;

    for (r = 0; r < record_count(c); r++) {
        if ((x->mine & 1 << r) && hash_of(c, r) == hash &&
            ROW_KIND(x->row[r]) == VERIFIED)
            return true;
    }
    return false;
}

/* Does `y`, whose transaction is open, hold a key that this one needs? */
static bool is_blocked_by(const struct protocol *c, const struct state *s,
                          int w, int y, enum statement statement)
{
    const struct writer *x = &s->writer[w], *o = &s->writer[y];
    int r, p;

    if (!has_done(c, o, y, statement))
        return false;
    if (statement == LEDGER && writer_is_replay(c, w))
        return writer_is_replay(c, y);
    for (r = 0; r < record_count(c); r++) {
        p = partition_of(c, r);
        if (statement == INSERT && (x->mine & 1 << r) &&
            ROW_KIND(x->row[r]) == VERIFIED &&
            record_with_hash(c, &s->db[x->base], x->leaf, hash_of(c, r)) ==
                NOWHERE &&
            inserts_hash(c, o, hash_of(c, r)))
            return true;
        if (statement == ROWS && (x->mine & o->mine & 1 << r) &&
            ROW_KIND(x->row[r]) != VERIFIED &&
            ROW_KIND(x->row[r]) == ROW_KIND(o->row[r]))
            return true;
        if (statement == LEDGER && holds(c, RULE(F1)) &&
            !writer_is_replay(c, y) && in_batch(c, x, r) && in_batch(c, o, r) &&
            x->pos[p] == o->pos[p])
            return true;
    }
    return false;
}

unsigned writer_blockers(const struct protocol *c, const struct state *s, int w)
{
    const struct writer *x = &s->writer[w], *o;
    unsigned mask = 0;
    int y;

    if (x->phase < WRITING)
        return 0;
    for (y = 0; y < c->verifiers + c->replays; y++) {
        o = &s->writer[y];
        if (y != w && o->phase >= WRITING && o->base == x->base &&
            o->leaf == x->leaf &&
            is_blocked_by(c, s, w, y, statement_at(c, w, x->phase - WRITING)))
            mask |= 1u << y;
    }
    return mask;
}

/* ON CONFLICT DO NOTHING, then whose rows the conflicts are. */
static bool insert_transactions(const struct protocol *c, const struct state *s,
                                struct writer *x)
{
    int r, i, other, step = holds(c, RULE(SORT)) ? 1 : -1;

    for (i = 0; i < record_count(c); i++) {
        r = step > 0 ? i : record_count(c) - 1 - i;
        if (!(x->mine & 1 << r) || ROW_KIND(x->row[r]) != VERIFIED)
            continue;
        other = record_with_hash(c, &s->db[x->base], x->leaf, hash_of(c, r));
        if (other != NOWHERE && !holds(c, RULE(RC)) &&
            !(x->seen_rows & 1 << other))
            return false; /* 40001: a row its snapshot does not show */
        if (other == r) {
            x->mine &= (uint8_t) ~(1 << r);
        } else if (other != NOWHERE) {
            x->row[r] = ROW(DUPLICATE, other);
            if (!holds(c, RULE(RESOLVE)) && !(x->seen_rows & 1 << other))
                x->row[r] = ROW(UNRESOLVED, 0);
        } else {
            for (other = 0; other < record_count(c); other++) {
                if (other != r && (x->mine & 1 << other) &&
                    hash_of(c, other) == hash_of(c, r) &&
                    ROW_KIND(x->row[other]) == VERIFIED)
                    x->row[other] = ROW(DUPLICATE, r);
            }
        }
    }
    return true;
}

/* Duplicates, rejections, quarantine; what is there already stays. */
static bool insert_rows(const struct protocol *c, const struct state *s,
                        struct writer *x)
{
    uint8_t there;
    int r;

    for (r = 0; r < record_count(c); r++) {
        there = s->db[x->base].row[x->leaf][r];
        if (!(x->mine & 1 << r) || ROW_KIND(x->row[r]) == VERIFIED)
            continue;
        if (ROW_KIND(there) != ROW_KIND(x->row[r]))
            continue;
        if (!holds(c, RULE(NOTHING)))
            return false; /* 23505 on rejections_N */
        x->row[r] = there;
        x->mine &= (uint8_t) ~(1 << r);
    }
    return true;
}

/* The partitions of the batch whose ledger row would be refused. */
static uint8_t refused_partitions(const struct protocol *c,
                                  const struct state *s, const struct writer *x,
                                  enum statement statement)
{
    const struct database *d = &s->db[x->base];
    bool own_snapshot = holds(c, RULE(RC));
    int live = own_snapshot ? d->live : x->seen_live;
    uint8_t refused = 0;
    int p, position;

    for (p = 0; p < partition_count(c); p++) {
        if (x->to[p] == x->pos[p])
            continue;
        position =
            own_snapshot ? position_in(c, d, x->leaf, p) : x->seen_pos[p];
        if (statement == CHECK_POSITION &&
            ((position != x->pos[p] && holds(c, RULE(F2))) ||
             (live != x->leaf && holds(c, RULE(LIVE)))))
            refused |= (uint8_t)(1 << p);
        if (statement == LEDGER && holds(c, RULE(F1)) &&
            d->to[x->leaf][partition_first(c, p) + x->pos[p]] != 0)
            refused |= (uint8_t)(1 << p);
    }
    return refused;
}

/*
 * 23502 or 23505 on the ledger: rolled back. With a second batch in the pipe,
 * that one was sent as if this one had been committed.
 */
static void be_fenced(const struct protocol *c, const struct state *s, int w,
                      uint8_t refused, struct search *search)
{
    struct state next = *s;
    struct writer *x = &next.writer[w];
    uint8_t again = writer_partitions(c);
    int p, r;

    for (r = 0; r < record_count(c); r++) {
        if (in_batch(c, x, r))
            x->row[r] = NO_ROW;
    }
    if (c->pipe && !x->blind) {
        const struct writer unsent = *x;

        memcpy(x->pos, x->to, sizeof(x->pos));
        writer_end_batch(c, x, READY, 0);
        x->blind = 1;
        search_move(search, SEARCH_OWN, &next,
                    "%c is fenced and rolled back; its next batch was sent "
                    "already",
                    writer_name(c, w));
        *x = unsent;
    }
    if (!holds(c, RULE(K4)) && !x->blind) {
        again = refused;
        for (p = 0; p < partition_count(c); p++) {
            if (!(refused & 1 << p))
                x->pos[p] = x->to[p]; /* dropped with the batch */
        }
    }
    writer_end_batch(c, x, UNREAD, again);
    search_move(search, SEARCH_OWN, &next, "%c is fenced and rolls back",
                writer_name(c, w));
}

void batch_roll_back(const struct protocol *c, const struct state *s, int w,
                     struct search *search, const char *why)
{
    struct state next = *s;

    writer_end_batch(c, &next.writer[w], UNREAD, writer_partitions(c));
    search_move(search, SEARCH_OWN, &next, "%c rolls back: %s",
                writer_name(c, w), why);
}

static void commit_rows(const struct protocol *c, struct state *s, int w)
{
    struct writer *x = &s->writer[w];
    struct database *d = &s->db[x->base];
    int r, p, from;

    for (r = 0; r < record_count(c); r++) {
        if (!in_batch(c, x, r) || !(x->mine & 1 << r) ||
            ROW_KIND(x->row[r]) == UNRESOLVED)
            continue;
        if (d->row[x->leaf][r] != 0)
            s->world.broken = BROKEN_SECOND_ROW;
        d->row[x->leaf][r] = x->row[r];
    }
    if (writer_is_replay(c, w)) {
        if (x->to[0] > d->replay_next)
            d->replay_next = x->to[0];
        return;
    }
    for (p = 0; p < partition_count(c); p++) {
        from = partition_first(c, p) + x->pos[p];
        if (x->to[p] == x->pos[p])
            continue;
        if (d->to[x->leaf][from] != 0)
            s->world.broken = BROKEN_LEDGER_TWICE;
        d->to[x->leaf][from] = x->to[p];
    }
}

/* "0-0 verified, 0-1 duplicate of 0-0" into `out`. */
static const char *tell_rows(const struct protocol *c, const struct writer *x,
                             char *out, size_t count)
{
    static const char *const kinds[] = {"has its row", "verified",
                                        "rejected",    "duplicate",
                                        "quarantined", "without a row"};
    size_t used = 0;
    int r;

    out[0] = '\0';
    for (r = 0; r < record_count(c); r++) {
        if (!in_batch(c, x, r) || used >= count)
            continue;
        used += (size_t)snprintf(out + used, count - used, "%s%d-%d(%c) %s",
                                 used > 0 ? ", " : "", partition_of(c, r),
                                 offset_of(c, r), hash_of(c, r),
                                 kinds[ROW_KIND(x->row[r])]);
    }
    return out;
}

static void commit(const struct protocol *c, const struct state *s, int w,
                   struct search *search)
{
    struct state next = *s;
    struct writer *x = &next.writer[w];
    char rows[256] = "";
    int r;

    for (r = 0; r < record_count(c); r++) {
        if (ROW_KIND(x->row[r]) == UNRESOLVED && holds(c, RULE(COUNT)) &&
            !c->one_flight && in_batch(c, x, r)) {
            batch_roll_back(c, s, w, search, "rows do not add up to records");
            return;
        }
    }
    if (search_telling(search))
        tell_rows(c, x, rows, sizeof(rows));
    commit_rows(c, &next, w);
    {
        struct state lost = next;

        writer_disconnect(c, &lost, w, false);
        search_move(search, SEARCH_WORLD, &lost,
                    "%c commits to leaf %d (%s); the answer is lost",
                    writer_name(c, w), x->leaf, rows);
    }
    memcpy(x->pos, x->to, sizeof(x->pos));
    if (x->blind) /* nothing is announced before the positions are read */
        memcpy(x->ann, x->pos, sizeof(x->ann));
    writer_end_batch(c, x, x->blind ? UNREAD : READY, 0);
    search_move(search, SEARCH_OWN, &next, "%c commits to leaf %d (%s)",
                writer_name(c, w), x->leaf, rows);
}

void batch_statement(const struct protocol *c, const struct state *s, int w,
                     struct search *search)
{
    static const char *const words[] = {"inserts transactions",
                                        "inserts the other rows",
                                        "passes the ledger's check",
                                        "inserts its ledger row", ""};
    struct state next = *s;
    struct writer *x = &next.writer[w];
    const struct database *d = &s->db[x->base];
    enum statement now = statement_at(c, w, x->phase - WRITING);
    uint8_t refused;

    if (now == INSERT && !holds(c, RULE(RESOLVE)) && !x->snapped) {
        x->snapped = 1;
        x->seen_rows = rows_seen(c, d, x->leaf);
        search_move(search, SEARCH_OWN, &next,
                    "%c sends its INSERT, which takes its snapshot",
                    writer_name(c, w));
        return;
    }
    if (writer_blockers(c, s, w) != 0)
        return;
    if (x->leaf < d->oldest) {
        batch_roll_back(c, s, w, search, "the leaf is gone");
        return;
    }
    refused = refused_partitions(c, s, x, now);
    if (writer_is_replay(c, w) && now == LEDGER) {
        if (d->replay_next != x->pos[0] && holds(c, RULE(R2))) {
            batch_roll_back(c, s, w, search,
                            "another process moved the replay");
            return;
        }
    } else if (refused != 0) {
        be_fenced(c, s, w, refused, search);
        return;
    }
    if (now == INSERT && !insert_transactions(c, s, x)) {
        batch_roll_back(c, s, w, search, "40001");
        return;
    }
    if (now == ROWS && !insert_rows(c, s, x)) {
        writer_end_batch(c, x, READY, 0); /* an outage: the same batch, later */
        search_move(search, SEARCH_OWN, &next, "%c rolls back: 23505",
                    writer_name(c, w));
        return;
    }
    if (now == COMMIT) {
        commit(c, s, w, search);
        return;
    }
    x->phase++;
    go_on(c, x, w);
    search_move(search, SEARCH_OWN, &next, "%c %s%s", writer_name(c, w),
                words[now],
                x->phase == UNREAD ? "; another leaf is live, rolls back" : "");
}
