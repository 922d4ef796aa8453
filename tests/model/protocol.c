/*
 * tests/model/protocol.c: what a configuration's records are, and what the
 * database answers about them.
 *
 *   "ARA/B"  ->  record 0 = 0-0 A, 1 = 0-1 R, 2 = 0-2 A; 3 = 1-0 B
 *
 * From: tests/model/model.c, which hands the models below to the search.
 * To:   tests/model/writer.c and world.c, which make the moves.
 */
#include "tests/model/protocol.h"

#include <string.h>

#include "schemas/base/check.h"

static void first_state(const void *arg, void *out_state);
static void all_moves(const void *arg, const void *state, struct search *s);
static const char *what_is_broken(const void *arg, const void *state);
static bool is_done(const void *arg, const void *state);

#define PART(field, kind_number)                                               \
    {                                                                          \
        offsetof(struct state, field), sizeof(((struct state *)NULL)->field),  \
            kind_number                                                        \
    }
static const struct search_part parts[] = {
    PART(db[PRIMARY], 0), PART(db[STANDBY], 0), PART(db[OLD], 0),
    PART(writer[0], 1),   PART(writer[1], 1),   PART(writer[2], 1),
    PART(world, 2),
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

const struct search_model protocol_model = {
    parts,       PART_COUNT, sizeof(struct state),
    first_state, all_moves,  what_is_broken,
    NULL,        NULL};

const struct search_model protocol_live_model = {
    parts,
    PART_COUNT,
    sizeof(struct state),
    first_state,
    all_moves,
    what_is_broken,
    is_done,
    "not everything can be written and announced any more"};

const char *broken_words(enum broken b)
{
    static const char *const words[] = {NULL,
#define BROKEN_WORDS(name, text) text,
                                        BROKEN_LIST(BROKEN_WORDS)
#undef BROKEN_WORDS
    };

    return words[b];
}

int record_count(const struct protocol *c)
{
    const char *slash = strchr(c->records, '/');

    return (int)strlen(c->records) - (slash != NULL);
}

int partition_count(const struct protocol *c)
{
    return strchr(c->records, '/') != NULL ? 2 : 1;
}

int partition_first(const struct protocol *c, int partition)
{
    return partition == 0 ? 0 : partition_end(c, 0);
}

int partition_end(const struct protocol *c, int partition)
{
    const char *slash = strchr(c->records, '/');

    if (slash == NULL)
        return partition == 0 ? record_count(c) : 0;
    return partition == 0 ? (int)(slash - c->records) : (int)strlen(slash) - 1;
}

int partition_of(const struct protocol *c, int record)
{
    return record >= partition_end(c, 0);
}

int offset_of(const struct protocol *c, int record)
{
    return record - partition_first(c, partition_of(c, record));
}

char hash_of(const struct protocol *c, int record)
{
    return c->records[record + partition_of(c, record)];
}

int position_in(const struct protocol *c, const struct database *d, int leaf,
                int partition)
{
    int first = partition_first(c, partition), o;

    for (; leaf >= d->oldest; leaf--) {
        for (o = partition_end(c, partition) - 1; o >= 0; o--) {
            if (d->to[leaf][first + o] != 0)
                return d->to[leaf][first + o];
        }
        if (d->counts[leaf - 1][partition] != 0)
            return d->counts[leaf - 1][partition] - 1;
        if (holds(c, RULE(S3)))
            return NOWHERE;
    }
    return d->counts[0][partition] - 1; /* S3 off: as if nothing had been */
}

uint8_t row_of(const struct database *d, int record, int from_leaf)
{
    int leaf;

    for (leaf = d->live; leaf >= from_leaf; leaf--) {
        if (d->row[leaf][record] != 0)
            return d->row[leaf][record];
    }
    return NO_ROW;
}

int record_with_hash(const struct protocol *c, const struct database *d,
                     int leaf, char hash)
{
    int r;

    for (r = 0; r < record_count(c); r++) {
        if (hash_of(c, r) == hash && ROW_KIND(d->row[leaf][r]) == VERIFIED)
            return r;
    }
    return NOWHERE;
}

static void first_state(const void *arg, void *out_state)
{
    const struct protocol *c = arg;
    struct state *s = out_state;
    int p;

    CHECK(record_count(c) <= RECORDS && c->leaves <= LEAVES);
    CHECK(c->verifiers + c->replays <= WRITERS);
    memset(s, 0, sizeof(*s));
    s->db[PRIMARY].live = s->db[PRIMARY].oldest = 1;
    for (p = 0; p < partition_count(c); p++)
        s->db[PRIMARY].counts[0][p] = holds(c, RULE(PLANT));
    s->world.failovers = c->failover;
    s->world.losses = c->lose;
}

static void all_moves(const void *arg, const void *state, struct search *s)
{
    const struct protocol *c = arg;
    int w;

    for (w = 0; w < c->verifiers + c->replays; w++)
        writer_moves(c, state, w, s);
    world_moves(c, state, s);
}

static const char *what_is_broken(const void *arg, const void *state)
{
    return broken_words(state_broken(arg, state));
}

static bool is_done(const void *arg, const void *state)
{
    return state_done(arg, state);
}
