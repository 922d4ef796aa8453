/*
 * tests/model/writer.c: every move of a verifier and of a replay.
 *
 *   DOWN -> reads -> READY -> begins a batch -> statements -> COMMIT -> READY
 *             ^        |                            |            |
 *             |        +-> announces, raises        | fenced,    | answer lost
 *             +-------------------------------------+ stale      v
 *             +------------------------------------------------ DOWN
 *
 * A statement is one move with its own snapshot (batch.c). One that meets an
 * open transaction's key is not possible until that transaction has ended.
 * Crash or lost connection is possible everywhere. What is not written down
 * here does not matter to the database: judging, the consumer, time.
 *
 * From: tests/model/protocol.c, for every state and process.
 * To:   tests/model/batch.c; what is announced goes to world_say().
 */
#include "tests/model/writer.h"

#include <string.h>

static void connect(const struct protocol *c, const struct state *s, int w,
                    struct search *search);
static void read_positions(const struct protocol *c, struct state *s, int w);
static void announce(const struct protocol *c, const struct state *s, int w,
                     struct search *search);
static void raise_announced(const struct protocol *c, const struct state *s,
                            int w, struct search *search);
static void fail(const struct protocol *c, const struct state *s, int w,
                 struct search *search);

bool writer_is_replay(const struct protocol *c, int w)
{
    return w >= c->verifiers;
}

char writer_name(const struct protocol *c, int w)
{
    return writer_is_replay(c, w) ? "XY"[w - c->verifiers] : "VZ"[w];
}

uint8_t writer_partitions(const struct protocol *c)
{
    return (uint8_t)((1 << partition_count(c)) - 1);
}

bool writer_holds_lock(const struct writer *x)
{
    return x->phase >= WRITING;
}

/*
 * Forgets rows that are neither in the batch nor to be announced, and passes
 * over records without a row: they are counted, and nothing is said of them.
 */
static void tidy(const struct protocol *c, struct writer *x)
{
    int p, r, end;

    for (r = 0; r < record_count(c); r++) {
        p = partition_of(c, r);
        end = x->phase >= WAITING ? x->to[p] : x->pos[p];
        if (offset_of(c, r) < x->ann[p] || offset_of(c, r) >= end)
            x->row[r] = 0;
    }
    for (p = 0; p < partition_count(c); p++) {
        while (x->phase == READY && !x->blind && x->pos[p] != NOWHERE &&
               x->ann[p] < x->pos[p] &&
               x->row[partition_first(c, p) + x->ann[p]] == 0)
            x->ann[p]++;
    }
}

/* The batch is over; `again` says what must be read before the next. */
void writer_end_batch(const struct protocol *c, struct writer *x, int phase,
                      uint8_t again)
{
    memcpy(x->to, x->pos, sizeof(x->to));
    memset(x->seen_pos, 0, sizeof(x->seen_pos));
    x->mine = x->seen_live = x->seen_rows = x->snapped = 0;
    x->again = x->blind ? writer_partitions(c) : again;
    x->blind = 0;
    x->phase = (uint8_t)phase;
    tidy(c, x);
}

void writer_moves(const struct protocol *c, const struct state *s, int w,
                  struct search *search)
{
    const struct writer *x = &s->writer[w];

    switch (x->phase) {
    case DOWN:
    case UNREAD:
    case HALF:
        connect(c, s, w, search);
        break;
    case READY:
        batch_begin(c, s, w, search);
        if (x->blind) {
            batch_roll_back(c, s, w, search,
                            "learns that its first batch failed");
            break;
        }
        announce(c, s, w, search);
        raise_announced(c, s, w, search);
        break;
    case WAITING:
        batch_take_lock(c, s, w, search);
        break;
    case STOPPED:
        break;
    default:
        batch_statement(c, s, w, search);
    }
    fail(c, s, w, search);
}

/* "3", or "3 and 1" when there are two partitions; into `out`. */
const char *writer_pair(const struct protocol *c, const uint8_t *numbers,
                        char out[16])
{
    if (partition_count(c) == 1)
        snprintf(out, 16, "%d", numbers[0]);
    else
        snprintf(out, 16, "%d and %d", numbers[0], numbers[1]);
    return out;
}

/* ---- knowing ---- */

static void connect(const struct protocol *c, const struct state *s, int w,
                    struct search *search)
{
    struct state next = *s;
    struct writer *x = &next.writer[w];
    bool knows = x->phase == DOWN && x->leaf != 0; /* K1 is off */
    char pos[16] = "", ann[16] = "";

    if (writer_is_replay(c, w) && s->db[x->base].replay_to == 0)
        return;
    if (x->phase == DOWN)
        x->again = writer_partitions(c);
    if (knows) {
        x->again = 0;
        x->phase = READY;
    } else if (x->phase == HALF) {
        x->leaf = next.db[x->base].live;
        x->oldest = next.db[x->base].oldest;
        x->phase = READY;
    } else {
        read_positions(c, &next, w);
    }
    tidy(c, x);
    if (search_telling(search)) {
        writer_pair(c, x->pos, pos);
        writer_pair(c, x->ann, ann);
    }
    search_move(search, SEARCH_OWN, &next,
                "%c %s: live leaf %d, position %s, announced %s",
                writer_name(c, w),
                knows ? "connects and reads nothing" : "reads", x->leaf, pos,
                ann);
}

/* Everything at or above `announced` that has its row will be announced. */
static void read_one(const struct protocol *c, const struct state *s, int w,
                     int p, struct writer *x)
{
    const struct database *d = &s->db[x->base];
    int o, first = partition_first(c, p);
    bool replay = writer_is_replay(c, w);
    int announced =
        replay && holds(c, RULE(R6)) ? d->replay_announced : d->announced[p];

    x->pos[p] =
        replay ? d->replay_next : (uint8_t)position_in(c, d, d->live, p);
    if (!holds(c, RULE(A1)) && !replay)
        announced = x->pos[p];
    if (p == 0 && announced < s->world.log_start && holds(c, RULE(A7)))
        announced = s->world.log_start;
    if (p == 0 && announced < s->world.log_start)
        x->phase = STOPPED; /* the log does not go back that far */
    x->ann[p] = x->kept ? x->ann[p] : (uint8_t)announced;
    x->to[p] = x->pos[p];
    for (o = x->ann[p]; o < x->pos[p] && x->pos[p] != NOWHERE; o++)
        x->row[first + o] = replay && !holds(c, RULE(R5))
                                ? NO_ROW
                                : row_of(d, first + o, d->oldest);
}

static void read_positions(const struct protocol *c, struct state *s, int w)
{
    struct writer *x = &s->writer[w];
    const struct database *d = &s->db[x->base];
    int p, leaf, r;

    if (d->live != x->leaf && holds(c, RULE(K2)))
        x->again = writer_partitions(c);
    x->phase = holds(c, RULE(K3)) ? READY : HALF;
    for (p = 0; p < (writer_is_replay(c, w) ? 1 : partition_count(c)); p++) {
        if (x->again & 1 << p)
            read_one(c, s, w, p, x);
    }
    x->again = x->kept = 0;
    if (x->phase == READY) {
        x->leaf = d->live;
        x->oldest = d->oldest;
    }
    for (leaf = d->oldest; leaf < d->live && !holds(c, RULE(FILTER)); leaf++) {
        if (x->filter[leaf] & 0x80)
            continue;
        x->filter[leaf] = 0x80;
        for (r = 0; r < record_count(c); r++) {
            if (ROW_KIND(d->row[leaf][r]) == VERIFIED)
                x->filter[leaf] |= (uint8_t)(1 << (hash_of(c, r) & 3));
        }
    }
}

/* ---- after a batch ---- */

static void announce(const struct protocol *c, const struct state *s, int w,
                     struct search *search)
{
    struct state next;
    struct writer *x = &next.writer[w];
    int p, r;

    for (p = 0; p < partition_count(c); p++) {
        next = *s;
        if (x->pos[p] == NOWHERE || x->ann[p] >= x->pos[p])
            continue;
        r = partition_first(c, p) + x->ann[p]++;
        world_say(c, &next.world, r, x->row[r]);
        tidy(c, x);
        search_move(search, SEARCH_OWN, &next, "%c announces record %d-%d",
                    writer_name(c, w), p, offset_of(c, r));
    }
}

static void raise_announced(const struct protocol *c, const struct state *s,
                            int w, struct search *search)
{
    struct state next = *s;
    struct database *d = &next.db[next.writer[w].base];
    const struct writer *x = &s->writer[w];
    uint8_t *mark;
    bool raised = false;
    char ann[16] = "";
    int p;

    for (p = 0; p < partition_count(c); p++) {
        mark = writer_is_replay(c, w) && holds(c, RULE(R6))
                   ? &d->replay_announced
                   : &d->announced[p];
        if (x->pos[p] == NOWHERE || x->ann[p] <= *mark)
            continue;
        *mark = x->ann[p];
        raised = true;
    }
    if (search_telling(search))
        writer_pair(c, x->ann, ann);
    if (raised)
        search_move(search, SEARCH_OWN, &next, "%c raises %s to %s",
                    writer_name(c, w),
                    writer_is_replay(c, w) && holds(c, RULE(R6))
                        ? "the replay's `announced`"
                        : "`announced`",
                    ann);
}

void writer_disconnect(const struct protocol *c, struct state *s, int w,
                       bool crash)
{
    struct writer *x = &s->writer[w], old = *x;
    bool sent = false;
    int p, r;

    /* Behind a batch that failed unnoticed nothing is being announced. */
    if (x->blind)
        memset(old.ann, NOWHERE, sizeof(old.ann));
    writer_end_batch(c, &old, UNREAD, 0);
    memset(x, 0, sizeof(*x));
    memcpy(x->late_next, old.late_next, sizeof(x->late_next));
    memcpy(x->late_to, old.late_to, sizeof(x->late_to));
    memcpy(x->late_row, old.late_row, sizeof(x->late_row));
    for (p = 0; p < partition_count(c); p++)
        sent = sent || (old.pos[p] != NOWHERE && old.ann[p] < old.pos[p]);
    if (c->late && sent) {
        memset(x->late_row, 0, sizeof(x->late_row));
        for (p = 0; p < partition_count(c); p++) {
            x->late_next[p] = old.ann[p] < old.pos[p] ? old.ann[p] : 0;
            x->late_to[p] = old.ann[p] < old.pos[p] ? old.pos[p] : 0;
        }
        for (r = 0; r < record_count(c); r++)
            x->late_row[r] = old.row[r];
    }
    if (!crash && !holds(c, RULE(K1))) {
        x->leaf = old.leaf;
        x->oldest = old.oldest;
        memcpy(x->pos, old.pos, sizeof(x->pos));
        memcpy(x->to, old.pos, sizeof(x->to));
        memcpy(x->ann, old.ann, sizeof(x->ann));
        memcpy(x->row, old.row, sizeof(x->row));
    }
    if (!crash && !holds(c, RULE(A2))) {
        memcpy(x->ann, old.ann, sizeof(x->ann));
        x->kept = 1;
    }
    if (!crash)
        memcpy(x->filter, old.filter, sizeof(x->filter));
    for (p = 0; p < WRITERS && s->writer[p].base != OLD; p++)
        ;
    if (p == WRITERS)
        memset(&s->db[OLD], 0, sizeof(s->db[OLD]));
}

static void fail(const struct protocol *c, const struct state *s, int w,
                 struct search *search)
{
    const struct writer *x = &s->writer[w];
    struct state next = *s;

    if (x->phase == DOWN)
        return;
    writer_disconnect(c, &next, w, true);
    search_move(search, SEARCH_WORLD, &next, "%c crashes", writer_name(c, w));
    next = *s;
    writer_disconnect(c, &next, w, false);
    if (x->base == OLD && x->phase < WAITING && holds(c, RULE(C1)))
        search_move(search, SEARCH_OWN, &next,
                    "%c renews its connection and reaches the new primary",
                    writer_name(c, w));
    else if (!holds(c, RULE(K1) | RULE(A2) | RULE(FILTER)))
        search_move(search, SEARCH_WORLD, &next, "%c loses its connection",
                    writer_name(c, w));
}
