/*
 * tests/model/protocol.h: the exactly-once protocol, small enough to search.
 *
 * Two verifiers that both believe they own every partition, a sealer, a drop,
 * replays, one lossy failover. A `struct protocol` is one configuration: the
 * records of the log, who takes part, and which rules are switched off.
 *
 *   verifier V  -.                        .-> results (`said`)
 *   verifier Z  --+-> database (primary) -+
 *   replay   X  -'    standby, old one
 *
 * Numbers are small: an offset is 0..4, a leaf 1..3, and a record is known by
 * its place among all records (partition 0 first).
 *
 * Thread: any; all of it is pure.
 */
#ifndef TESTS_MODEL_PROTOCOL_H
#define TESTS_MODEL_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/model/rules.h"
#include "tests/model/search.h"

enum { PARTITIONS = 2, RECORDS = 4, LEAVES = 3, WRITERS = 3 };
enum { PRIMARY, STANDBY, OLD, DATABASES };
enum { NOWHERE = 15 }; /* an offset: not known; a record: none */

/* Which of the four tables; in a byte with the record it repeats. */
enum kind {
    NO_ROW,
    VERIFIED,
    REJECTED,
    DUPLICATE,
    QUARANTINED,
    UNRESOLVED /* conflicted with a row that its snapshot does not show */
};
#define ROW(kind, of) ((uint8_t)((kind) | (of) << 3))
#define ROW_KIND(row) ((enum kind)((row)&7))
#define ROW_OF(row) ((row) >> 3)

/* What is committed. Index 0 of a leaf array stands before the first leaf. */
struct database {
    uint8_t live;                           /* the live leaf */
    uint8_t oldest;                         /* the oldest kept leaf */
    uint8_t row[LEAVES + 1][RECORDS];       /* its row, dropped ones as well */
    uint8_t to[LEAVES + 1][RECORDS];        /* ledger, by from; 0: no row */
    uint8_t counts[LEAVES + 1][PARTITIONS]; /* leaf_counts: position + 1 */
    uint8_t announced[PARTITIONS];
    uint8_t replay_to; /* one replay over [0, to) of partition 0; 0: none */
    uint8_t replay_next;
    uint8_t replay_announced;
};

enum phase {
    DOWN,    /* no connection, nothing known */
    UNREAD,  /* connected; must read `again` */
    HALF,    /* K3 off: positions read, leaf list not yet */
    READY,   /* knows where it is; may begin a batch, announce, raise */
    WAITING, /* L2 or RC off: has its snapshot, has not the lock */
    STOPPED, /* the partition is out of range and stops */
    WRITING  /* + the statement's place: in a transaction, under the lock */
};

/* One process and its connection. V and Z are verifiers, the rest replays. */
struct writer {
    uint8_t phase;
    uint8_t base;  /* the database it reaches */
    uint8_t again; /* bit per partition: must be read again */
    uint8_t blind; /* its batch follows one that has failed meanwhile */
    uint8_t leaf;  /* the live leaf it knows */
    uint8_t oldest;
    uint8_t pos[PARTITIONS]; /* its next batch starts here */
    uint8_t ann[PARTITIONS]; /* everything below is announced */
    uint8_t to[PARTITIONS];  /* its batch ends here; = pos: not in it */
    uint8_t mine;            /* bit per record: its row is inserted by us */
    uint8_t row[RECORDS];    /* from ann on: what the rows say */
    uint8_t seen_live;       /* what its snapshot shows (L1, L2, RC) */
    uint8_t seen_pos[PARTITIONS];
    uint8_t seen_rows; /* RESOLVE off: records whose row the INSERT saw */
    uint8_t snapped;   /* RESOLVE off: the INSERT has begun */
    uint8_t kept;      /* A2, K1 off: `ann` survived a connection */
    uint8_t filter[LEAVES + 1];    /* FILTER off: hashes, bit 7: known */
    uint8_t late_next[PARTITIONS]; /* results of a former connection that */
    uint8_t late_to[PARTITIONS];   /* may still arrive */
    uint8_t late_row[RECORDS];
};

struct world {
    uint8_t said[RECORDS]; /* the first announcement of each record */
    uint8_t last[RECORDS]; /* Q2 off: the last one */
    uint8_t failovers;     /* that may still happen */
    uint8_t losses;
    uint8_t lost;      /* bit per record: somebody deleted its row */
    uint8_t standby;   /* the standby stopped following */
    uint8_t log_start; /* of partition 0 */
    uint8_t broken;    /* enum broken: a move broke something by itself */
};

struct state {
    struct database db[DATABASES];
    struct writer writer[WRITERS];
    struct world world;
};

/* X(code, words) */
#define BROKEN_LIST(X)                                                         \
    X(LEDGER_TWICE, "two ledger rows with one from_off")                       \
    X(SECOND_ROW, "a second row of one record")                                \
    X(SECOND_HASH, "two rows of one hash")                                     \
    X(SKIPPED, "a record below the position has no row")                       \
    X(CHAIN, "ledger ranges overlap or leave a gap")                           \
    X(REPEAT_FIRST, "a repeat is stored before the first")                     \
    X(OF_NOTHING, "`of` names a row that never was")                           \
    X(ABOVE_POSITION, "`announced` is above the position")                     \
    X(NEVER_SAID, "a row is never announced")                                  \
    X(OUT_OF_ORDER, "first announcements are not in offset order")             \
    X(UNEQUAL, "one id is announced with two meanings")                        \
    X(LAST_LINE, "the last line about a record is not what its row says")      \
    X(WAIT_CYCLE, "writers wait for each other")                               \
    X(DEAD_END, "not everything can be written and announced any more")

enum broken {
    BROKEN_NONE,
#define BROKEN_ENUM(name, words) BROKEN_##name,
    BROKEN_LIST(BROKEN_ENUM)
#undef BROKEN_ENUM
};

/* Where the ledger row stands among the statements. */
enum table_order { LEDGER_LAST, LEDGER_FIRST, LEDGER_BEFORE_ROWS };

/* One configuration. Fields left out are 0. */
struct protocol {
    const char *records; /* "ARA/B": R is rejected, Q may be quarantined */
    uint8_t verifiers, replays, leaves;
    bool failover;          /* one, to any earlier state */
    bool split;             /* and one writer may stay on the old primary */
    bool late;              /* results of lost connections arrive at any time */
    bool drop;              /* old leaves are dropped */
    bool lose;              /* somebody deletes one row */
    bool expire;            /* the log of partition 0 forgets written records */
    bool live;              /* ask whether everything can still be finished */
    enum table_order order; /* of the statements of a batch */
    bool one_flight;        /* nothing is compared by the client */
    bool pipe;              /* the next batch is sent before the answer */
    bool meaning;           /* verified and duplicate are the same news */
    uint64_t off;           /* rules that are switched off */
};

static inline bool holds(const struct protocol *c, uint64_t rule)
{
    return (c->off & rule) == 0;
}

extern const struct search_model protocol_model;      /* without dead ends */
extern const struct search_model protocol_live_model; /* with them */
const char *broken_words(enum broken b);

/*
 * protocol.c: what a configuration's records are.
 */
int record_count(const struct protocol *c);
int partition_count(const struct protocol *c);
int partition_first(const struct protocol *c, int partition);
int partition_end(const struct protocol *c, int partition); /* its offsets */
int partition_of(const struct protocol *c, int record);
int offset_of(const struct protocol *c, int record);
char hash_of(const struct protocol *c, int record);

/* The position in `leaf` as the ledger's check computes it, or NOWHERE. */
int position_in(const struct protocol *c, const struct database *d, int leaf,
                int partition);
/* The row of a record in the kept leaves, NO_ROW if none. */
uint8_t row_of(const struct database *d, int record, int from_leaf);
/* The record whose transactions row in this leaf has the hash, or NOWHERE. */
int record_with_hash(const struct protocol *c, const struct database *d,
                     int leaf, char hash);

/* writer.c: every move of every process. Bit mask: who blocks writer `w`. */
void writer_moves(const struct protocol *c, const struct state *s, int w,
                  struct search *search);
unsigned writer_blockers(const struct protocol *c, const struct state *s,
                         int w);
char writer_name(const struct protocol *c, int w);
bool writer_holds_lock(const struct writer *x);
/* Its connection is gone: what remains is what may still arrive. */
void writer_disconnect(const struct protocol *c, struct state *s, int w,
                       bool crash);

/* world.c: sealer, drop, failover, losses. */
void world_moves(const struct protocol *c, const struct state *s,
                 struct search *search);
/* A result arrives in its topic. */
void world_say(const struct protocol *c, struct world *w, int record,
               uint8_t row);

/* invariants.c */
enum broken state_broken(const struct protocol *c, const struct state *s);
bool state_done(const struct protocol *c, const struct state *s);

#endif
