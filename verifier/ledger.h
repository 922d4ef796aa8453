/*
 * verifier/ledger.h: the rows and the position, on one writing connection.
 *
 * A batch is written in one transaction: the rows of its records and one ledger
 * row for each of its partitions, which proves that the batch starts at the
 * position. What is known of the database (live leaf, positions, `announced`)
 * belongs to one connection and one live leaf:
 *
 *   up() -> ledger_positions() -> ledger_write() -> ledger_write() ...
 *                 ^                    |  LEDGER_STALE, LEDGER_FENCED
 *                 +--------------------+
 *   down(): forget everything; wait for up()
 *
 * Calls are carried out one after the other, in the order they were made; each
 * has exactly one done(), from the loop, never from inside the call. When the
 * connection goes, done() of what is under way and waiting comes first
 * (LEDGER_UNKNOWN or FAIL_UNREACHABLE), then down().
 *
 * Thread: the loop's.
 */
#ifndef VERIFIER_LEDGER_H
#define VERIFIER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/base/check.h"
#include "schemas/chain.h"
#include "schemas/record.h"

struct loop;
struct ledger;
struct verdict;

struct ledger_events {
    void (*up)(void *arg);
    void (*down)(void *arg, const char *why);
};

/* Text is borrowed for the ledger's life. 0 takes the default. */
struct ledger_options {
    const char *url;              /* DATABASE_URL; NULL: PG* variables */
    const char *application_name; /* "tidemill-verifier/<host>/<pid>" */
    int log;                      /* or later by ledger_use_log() */
    int64_t dedupe_ms;            /* sealed leaves asked; 0: all kept ones */
    int flight_ms;                /* deadline of a flight; 10,000 */
    int lock_ms;                  /* then blockers of ours are ended; 2,000 */
    int connect_ms;               /* each host; 5,000 */
    int age_ms;                   /* connection renewed; 600,000 */
};

/* What the table of logs says about a topic. */
struct ledger_log {
    int log; /* the newest number of this topic */
    int partitions;
    int rules;                      /* of records without a header */
    char chain[CHAIN_NAME_MAX + 1]; /* the same */
    char cluster_id[65];            /* "" when none was noted */
};

struct ledger_position {
    int32_t partition;
    bool known;              /* planted; nothing else counts otherwise */
    int64_t position;        /* first offset without a ledger row */
    int64_t announced;       /* first offset not known to be announced */
    int64_t results_offset;  /* last acked offset in the results; -1: none */
    bool has_last;           /* false before the first batch */
    uint8_t last_sha256[32]; /* of the record just before the position */
};

enum ledger_kind {
    LEDGER_VERIFIED,
    LEDGER_DUPLICATE,
    LEDGER_REJECTED,
    LEDGER_QUARANTINED,
    LEDGER_NO_ROW
};

/* One record of a batch; the caller's memory until done(). */
struct ledger_record {
    int32_t partition;
    int64_t offset;
    int64_t append_ms;
    struct bytes key, value;
    const struct chain *chain;
    const struct verdict *verdict;   /* NULL only when quarantined */
    const char *quarantine_sqlstate; /* not NULL: goes to quarantine */
    const char *quarantine_detail;   /* with it, in words */
    enum ledger_kind out_kind;       /* set when LEDGER_WRITTEN */
    struct record_id out_of;         /* set with LEDGER_DUPLICATE */
};

/* What the batch covers of one partition: [from, to), gaps included. */
struct ledger_range {
    int32_t partition;
    int64_t from, to;
    uint8_t last_sha256[32]; /* of the last record before `to` */
};

struct ledger_announced {
    int32_t partition;
    int64_t announced;
    int64_t results_offset;
};

/*
 * A batch that fills holes below the position: it moves its replay instead of
 * the ledger, from where both its numbers stand now.
 */
struct ledger_replay {
    int64_t id;              /* in table replays */
    int64_t next, announced; /* as they are; other ones: LEDGER_FENCED */
    int64_t to;              /* next afterwards */
    int64_t first;           /* announced afterwards: the first record; below
                              * the end of a dropped leaf: LEDGER_FENCED */
};

/* At most this many records and partitions in one batch. */
#define LEDGER_RECORDS_MAX 10000
#define LEDGER_RANGES_MAX 1024

struct ledger_batch {
    struct ledger_record *records; /* by partition, then offset */
    size_t count;
    const struct ledger_range *ranges;  /* by partition */
    size_t range_count;                 /* 0 with a replay, else not */
    const struct ledger_replay *replay; /* NULL: at the position, as usual */
    const struct ledger_announced *announced; /* by partition; rides along */
    size_t announced_count;
};

enum ledger_outcome {
    LEDGER_WRITTEN,
    LEDGER_FENCED,   /* read the positions of all its partitions again */
    LEDGER_STALE,    /* another live leaf: read positions, send it again */
    LEDGER_BAD_DATA, /* 22, 54, 23 not ours: halve it and quarantine one */
    LEDGER_OUTAGE,   /* anything else: nothing written, wait, send it again */
    LEDGER_UNKNOWN   /* connection lost: down() comes next, read all again */
};

/* Lives until done() returns. */
struct ledger_result {
    enum ledger_outcome outcome;
    char sqlstate[6]; /* "" when no statement failed */
    const char *why;  /* for the log; "" when written */
};

typedef void (*ledger_write_fn)(void *arg, const struct ledger_result *r);
/* rc 0, FAIL_UNREACHABLE (down() comes or is already), or FAIL_GONE. */
typedef void (*ledger_positions_fn)(void *arg, int rc,
                                    const struct ledger_position *positions,
                                    size_t count);
/* rc as above, or FAIL_NOT_FOUND: `tidemill init` never ran for this topic. */
typedef void (*ledger_log_fn)(void *arg, int rc, const struct ledger_log *log);

/* Starts connecting. 0, or FAIL_SETTING when the url does not parse. */
MUST_CHECK int ledger_open(struct loop *loop,
                           const struct ledger_options *options,
                           const struct ledger_events *events, void *arg,
                           struct ledger **out_ledger);

/* Nothing is called any more, done() of pending calls neither. NULL is fine. */
void ledger_close(struct ledger *l);

/* Asks what is noted about `topic` (borrowed until done). */
void ledger_log(struct ledger *l, const char *topic, ledger_log_fn done,
                void *arg);

/* The log whose records are written from now on. Nothing is under way. */
void ledger_use_log(struct ledger *l, int log);

/*
 * Live leaf, leaf list, position and `announced` of these partitions, in one
 * statement. Answers are in the order asked. `partitions` is copied.
 */
void ledger_positions(struct ledger *l, const int32_t *partitions, size_t count,
                      ledger_positions_fn done, void *arg);

/*
 * Writes one batch: all of it or nothing. `b` and what it points at stay until
 * done(). Without a ledger_positions() on this connection: LEDGER_STALE.
 */
void ledger_write(struct ledger *l, struct ledger_batch *b,
                  ledger_write_fn done, void *arg);

struct ledger_row_query {
    int32_t partition;
    int64_t offset;
    bool has_hash;
    uint8_t hash[32];
    int64_t chain; /* chain number, with has_hash */
};

struct ledger_row {
    enum ledger_kind kind; /* LEDGER_NO_ROW: no kept leaf holds it */
    struct record_id of;   /* with LEDGER_DUPLICATE */
};

typedef void (*ledger_rows_fn)(void *arg, int rc, const struct ledger_row *rows,
                               size_t count);

/*
 * Which of the four tables of any kept leaf holds each record, newest leaf
 * first, until all are found. Answers are in the order asked; `queries` is
 * copied. At most LEDGER_RECORDS_MAX. FAIL_GONE: read positions, ask again.
 */
void ledger_rows(struct ledger *l, const struct ledger_row_query *queries,
                 size_t count, ledger_rows_fn done, void *arg);

/*
 * Raises `announced` by itself, for when no batch comes by (after one idle
 * second). Copied. Never lowers; a failure is forgotten, for the next raise
 * carries more.
 */
void ledger_raise(struct ledger *l, const struct ledger_announced *announced,
                  size_t count);

/* Ready to write: connected, and the live leaf is known. */
bool ledger_ready(const struct ledger *l);

/* The live leaf as last read, 0 when unknown. For status. */
int ledger_live_leaf(const struct ledger *l);

/* The last failure in words, "" if none. */
const char *ledger_why(const struct ledger *l);

#endif
