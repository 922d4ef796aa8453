/*
 * schemas/leaf.h: the names and the SQL of leaves.
 *
 * A leaf is a family of five tables that is filled, sealed and dropped
 * together: tidemill.transactions_7, rejections_7, duplicates_7, quarantine_7,
 * batches_7. Statements on hot paths name these children and never the
 * partitioned parents, because planning through a parent locks every leaf.
 * What a statement's parameters and columns are stands above its function; the
 * tables are in schemas/sql/0001_tables.sql.
 *
 *   leaves:   5 sealed   6 sealed   7 live   8 next
 *                                   ^ every batch lands here
 *
 * Thread: any. Pure: text only.
 */
#ifndef SCHEMAS_LEAF_H
#define SCHEMAS_LEAF_H

#include <stdint.h>

#include "schemas/base/bytes.h"

/* The schema version these texts need, and what a database must allow. */
#define LEAF_SCHEMA_VERSION 2

/* Records' payloads are kept up to here; longer ones are stored as null and
 * found by their payload_sha256 alone. */
#define LEAF_REJECTION_PAYLOAD_MAX (64 << 10)
#define LEAF_QUARANTINE_PAYLOAD_MAX (1 << 20)

enum leaf_table {
    LEAF_TRANSACTIONS,
    LEAF_REJECTIONS,
    LEAF_DUPLICATES,
    LEAF_QUARANTINE,
    LEAF_BATCHES
};
#define LEAF_TABLES 5

enum leaf_state {
    LEAF_NEXT,     /* made ahead of need, empty */
    LEAF_LIVE,     /* exactly one */
    LEAF_SEALED,   /* never changes again */
    LEAF_DROPPING, /* off the list, its tables may be half gone */
    LEAF_DROPPED   /* its leaf_counts rows stay */
};

#define LEAF_NAME_MAX 64
/* "tidemill.transactions_7". Returns its length. */
int leaf_table_name(enum leaf_table table, int leaf,
                    char out[LEAF_NAME_MAX + 1]);
/* "transactions", static. */
const char *leaf_table_word(enum leaf_table table);
/* As in column leaves.state: "live". */
const char *leaf_state_name(enum leaf_state state);
/* FAIL_MALFORMED for another word. */
int leaf_state_find(struct bytes word, enum leaf_state *out_state);

/*
 * The batch, in order (protocol-model L, F). The lock stands alone in its
 * statement, so that the next one's snapshot is younger than the lock.
 */
#define LEAF_SQL_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"
#define LEAF_LOCK_KEY "29805,'tidemill.leaves'::regclass::oid::int"
#define LEAF_SQL_LOCK_SHARED                                                   \
    "SELECT pg_advisory_xact_lock_shared(" LEAF_LOCK_KEY ")"
#define LEAF_SQL_LOCK_EXCLUSIVE                                                \
    "SELECT pg_advisory_xact_lock(" LEAF_LOCK_KEY ")"
/* -> leaf int, live_id uuid: one row */
#define LEAF_SQL_LOOK                                                          \
    "SELECT leaf, live_id FROM tidemill.leaves WHERE state = 'live'"

/*
 * The leaf list, newest first: leaf int, state text, seal uuid (null unless
 * sealed), from_at bigint, to_at bigint (ms, null while not there yet). Leaves
 * next, dropping and dropped are not in it. For readers (gateway).
 */
#define LEAF_SQL_LIST                                                          \
    "SELECT leaf, state, seal, from_at, to_at FROM tidemill.leaves"            \
    " WHERE state IN ('live', 'sealed') ORDER BY leaf DESC"

/* The live leaf has no statistics: plans must not depend on them. */
#define LEAF_SQL_SESSION                                                       \
    "SET enable_seqscan = off; SET enable_hashjoin = off;"                     \
    " SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan;"   \
    " SET jit = off;"

/* Each appends one statement to `out`; 0 or FAIL_FULL. */

/*
 * $1 bytea[] hash, $2 int8[] chain, $3 bytea[] sender, $4 bytea[] recipient,
 * $5 numeric[] amount, $6 numeric[] nonce, $7 bytea[] signature, $8 bytea[]
 * payload, $9 int8[] accepted_at, $10 int4 log, $11 int4[] partition, $12
 * int8[] off; arrays of one length, sorted by (hash, chain, partition, off).
 * The command tag counts those that were new.
 */
int leaf_sql_insert_transactions(int leaf, struct buffer *out);

/*
 * $1 bytea[] hash -> hash, chain, log, partition, off. The caller compares the
 * chain: one hash may be valid on two. Connections that send this (and
 * leaf_sql_rows) run LEAF_SQL_SESSION, or a plan made while the leaf was empty
 * scans it when it is full.
 */
int leaf_sql_find(int leaf, struct buffer *out);

/* The same over `count` leaves in one statement; newest first in `leaves`. */
int leaf_sql_find_in(const int *leaves, size_t count, struct buffer *out);

/* $1 int4 log, $2 int4[] partition, $3 int8[] off, $4 int8[] chain, $5 bytea[]
 * hash, $6 int4[] of_log, $7 int4[] of_partition, $8 int8[] of_off, $9 int8[]
 * accepted_at */
int leaf_sql_insert_duplicates(int leaf, struct buffer *out);

/* $1 int4 log, $2 int4[] partition, $3 int8[] off, $4 int8[] chain, $5 text[]
 * reason, $6 bytea[] payload_sha256, $7 bytea[] hash, $8 int8[] accepted_at,
 * $9 bytea[] payload */
int leaf_sql_insert_rejections(int leaf, struct buffer *out);

/* $1 int4 log, $2 int4[] partition, $3 int8[] off, $4 bytea[] payload_sha256,
 * $5 bytea[] payload, $6 text[] sqlstate, $7 text[] detail, $8 int8[]
 * accepted_at */
int leaf_sql_insert_quarantine(int leaf, struct buffer *out);

/*
 * The ledger rows, which prove their own place (protocol-model F): from_off is
 * null, hence 23502, unless the leaf is live and the range starts at the
 * position. $1 int4 log, $2 int4[] partition, $3 int8[] from_off, $4 int8[]
 * to_off, $5 bytea[] last_sha256, $6 $7 $8 $9 int4[] verified, rejected,
 * duplicates, quarantined
 */
int leaf_sql_insert_batches(int leaf, struct buffer *out);

/* $1 int4 log, $2 int4[] partition, $3 int8[] announced, $4 int8[]
 * results_offset: raises, never lowers. Not of a leaf. */
extern const char *const leaf_sql_raise;

/*
 * Moves a replay inside the transaction of its rows (protocol-model R): $1 int8
 * id, $2 int8 next_off and $3 int8 announced as they were, $4 int8 new
 * next_off, $5 int8 first offset that is written, below which all is announced.
 * UPDATE 0: it stands elsewhere, or $5 lies in a leaf that was dropped.
 */
extern const char *const leaf_sql_replay;

/* $1 int8[] chain, $2 text[] name. Not of a leaf. */
extern const char *const leaf_sql_chains;

/*
 * Leaf list and positions in one statement and snapshot (protocol-model K).
 * $1 int4 log, $2 int4[] partition. Rows of two kinds, told apart by column 0:
 *   'leaf':     leaf int, state text, seal uuid, to_at bigint      columns 1-4
 *   'position': partition int, position bigint, announced bigint,
 *               results_offset bigint, last_sha256 bytea           columns 5-9
 * A partition that was never planted has a null position.
 */
extern const char *const leaf_sql_positions;

/*
 * Which of these records has its row in this leaf: $1 int4 log, $2 int4[]
 * partition, $3 int8[] off, $4 bytea[] hash (null = none), $5 int8[] chain ->
 * kind text ('transactions', 'duplicates', 'rejections', 'quarantine'),
 * partition, off, of_log, of_partition, of_off (null unless duplicates)
 */
int leaf_sql_rows(int leaf, struct buffer *out);

#endif
