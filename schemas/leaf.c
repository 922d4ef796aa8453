/*
 * schemas/leaf.c: the SQL of leaves, as text with the leaf's number in it.
 *
 * A prepared statement names one leaf, so a new live leaf is a new text and a
 * new plan; the old ones fall out of the connection's cache. The proofs of the
 * protocol are in these texts and nowhere else: the ledger row that is null
 * unless it starts at the position (F), positions and list in one snapshot (K).
 *
 * From: verifier/ledger.c and the gateway's history, which send them.
 * To:   schemas/sql/0001_tables.sql, the tables they name.
 */
#include "schemas/leaf.h"

#include <stdio.h>

#include "schemas/base/fail.h"

static const char *const table_words[LEAF_TABLES] = {
    "transactions", "rejections", "duplicates", "quarantine", "batches"};
static const char *const state_words[] = {"next", "live", "sealed", "dropping",
                                          "dropped"};
#define LEAF_STATES (sizeof(state_words) / sizeof(state_words[0]))

const char *leaf_table_word(enum leaf_table table)
{
    CHECK((unsigned)table < LEAF_TABLES);
    return table_words[table];
}

int leaf_table_name(enum leaf_table table, int leaf,
                    char out[LEAF_NAME_MAX + 1])
{
    CHECK(leaf > 0);
    return snprintf(out, LEAF_NAME_MAX + 1, "tidemill.%s_%d",
                    leaf_table_word(table), leaf);
}

const char *leaf_state_name(enum leaf_state state)
{
    CHECK((unsigned)state < LEAF_STATES);
    return state_words[state];
}

int leaf_state_find(struct bytes word, enum leaf_state *out_state)
{
    size_t i;

    for (i = 0; i < LEAF_STATES; i++) {
        if (bytes_equal_text(word, state_words[i])) {
            *out_state = (enum leaf_state)i;
            return 0;
        }
    }
    return FAIL_MALFORMED;
}

/*
 * The arrays are unnested side by side in a SELECT list: as one function in
 * FROM, PostgreSQL would first write all rows to a tuple store. And no
 * RETURNING: the tag counts what was new, and mostly all is. Together these
 * are a fifth of the statement's time.
 */
int leaf_sql_insert_transactions(int leaf, struct buffer *out)
{
    CHECK(leaf > 0);
    return buffer_append_format(
        out,
        "INSERT INTO tidemill.transactions_%d (hash, chain, sender, recipient,"
        " amount, nonce, signature, payload, accepted_at, log, partition, off,"
        " alias, currency)"
        " SELECT h, c, s, r, a, n, g, y, t, $10, p, o, l, k"
        " FROM (SELECT unnest($1::bytea[]) h, unnest($2::int8[]) c,"
        " unnest($3::bytea[]) s, unnest($4::bytea[]) r,"
        " unnest($5::numeric[]) a, unnest($6::numeric[]) n,"
        " unnest($7::bytea[]) g, unnest($8::bytea[]) y,"
        " unnest($9::int8[]) t, unnest($11::int4[]) p,"
        " unnest($12::int8[]) o, unnest($13::bytea[]) l,"
        " unnest($14::text[]) k) u ON CONFLICT DO NOTHING",
        leaf);
}

int leaf_sql_find_in(const int *leaves, size_t count, struct buffer *out)
{
    size_t i;
    int rc = 0;

    CHECK(count > 0);
    for (i = 0; i < count && rc == 0; i++) {
        CHECK(leaves[i] > 0);
        rc = buffer_append_format(
            out,
            "%sSELECT t.hash, t.chain, t.log, t.partition, t.off"
            " FROM tidemill.transactions_%d t"
            " WHERE t.hash = ANY($1::bytea[])",
            i == 0 ? "" : " UNION ALL ", leaves[i]);
    }
    return rc;
}

int leaf_sql_find(int leaf, struct buffer *out)
{
    return leaf_sql_find_in(&leaf, 1, out);
}

int leaf_sql_insert_duplicates(int leaf, struct buffer *out)
{
    CHECK(leaf > 0);
    return buffer_append_format(
        out,
        "INSERT INTO tidemill.duplicates_%d (log, partition, off, chain, hash,"
        " of_log, of_partition, of_off, accepted_at)"
        " SELECT $1, p, o, c, h, fl, fp, fo, t"
        " FROM unnest($2::int4[], $3::int8[], $4::int8[], $5::bytea[],"
        " $6::int4[], $7::int4[], $8::int8[], $9::int8[])"
        " AS u(p, o, c, h, fl, fp, fo, t)",
        leaf);
}

int leaf_sql_insert_rejections(int leaf, struct buffer *out)
{
    CHECK(leaf > 0);
    return buffer_append_format(
        out,
        "INSERT INTO tidemill.rejections_%d (log, partition, off, chain,"
        " reason, payload_sha256, hash, accepted_at, payload)"
        " SELECT $1, p, o, c, w, s, h, t, y"
        " FROM unnest($2::int4[], $3::int8[], $4::int8[], $5::text[],"
        " $6::bytea[], $7::bytea[], $8::int8[], $9::bytea[])"
        " AS u(p, o, c, w, s, h, t, y)",
        leaf);
}

int leaf_sql_insert_quarantine(int leaf, struct buffer *out)
{
    CHECK(leaf > 0);
    return buffer_append_format(
        out,
        "INSERT INTO tidemill.quarantine_%d (log, partition, off,"
        " payload_sha256, payload, sqlstate, detail, accepted_at)"
        " SELECT $1, p, o, s, y, q, d, t"
        " FROM unnest($2::int4[], $3::int8[], $4::bytea[], $5::bytea[],"
        " $6::text[], $7::text[], $8::int8[]) AS u(p, o, s, y, q, d, t)",
        leaf);
}

/* Sorted by partition, so that two writers meet in the same order. */
int leaf_sql_insert_batches(int leaf, struct buffer *out)
{
    CHECK(leaf > 0);
    return buffer_append_format(
        out,
        "INSERT INTO tidemill.batches_%d (log, partition, from_off, to_off,"
        " last_sha256, verified, rejected, duplicates, quarantined)"
        " SELECT $1, u.p, CASE WHEN"
        " (SELECT l.leaf FROM tidemill.leaves l WHERE l.state = 'live') = %d"
        " AND u.f = coalesce("
        "(SELECT b.to_off FROM tidemill.batches_%d b"
        " WHERE b.log = $1 AND b.partition = u.p"
        " ORDER BY b.from_off DESC LIMIT 1),"
        " (SELECT c.to_off FROM tidemill.leaf_counts c"
        " WHERE c.leaf = %d AND c.log = $1 AND c.partition = u.p))"
        " THEN u.f END, u.t, u.s, u.v, u.r, u.d, u.q"
        " FROM unnest($2::int4[], $3::int8[], $4::int8[], $5::bytea[],"
        " $6::int4[], $7::int4[], $8::int4[], $9::int4[])"
        " AS u(p, f, t, s, v, r, d, q)",
        leaf, leaf, leaf, leaf - 1);
}

const char *const leaf_sql_raise =
    "INSERT INTO tidemill.announced AS a"
    " (log, partition, announced, results_offset)"
    " SELECT $1, p, n, r FROM unnest($2::int4[], $3::int8[], $4::int8[])"
    " AS u(p, n, r)"
    " ON CONFLICT (log, partition) DO UPDATE SET"
    " announced = greatest(a.announced, excluded.announced),"
    " results_offset = greatest(a.results_offset, excluded.results_offset)";

const char *const leaf_sql_replay =
    "UPDATE tidemill.replays r SET next_off = $4, announced = $5"
    " WHERE r.id = $1 AND r.next_off = $2 AND r.announced = $3"
    " AND $5 >= coalesce((SELECT max(c.to_off) FROM tidemill.leaf_counts c"
    " JOIN tidemill.leaves l ON l.leaf = c.leaf"
    " WHERE l.state IN ('dropping', 'dropped')"
    " AND c.log = r.log AND c.partition = r.partition), 0)";

const char *const leaf_sql_chains =
    "INSERT INTO tidemill.chains (chain, name)"
    " SELECT c, n FROM unnest($1::int8[], $2::text[]) AS u(c, n)"
    " ORDER BY c ON CONFLICT DO NOTHING";

const char *const leaf_sql_positions =
    "SELECT 'leaf', l.leaf, l.state, l.seal, l.to_at, NULL::int4, NULL::int8,"
    " NULL::int8, NULL::int8, NULL::bytea FROM tidemill.leaves l"
    " WHERE l.state IN ('live', 'sealed')"
    " UNION ALL"
    " SELECT 'position', NULL, NULL, NULL, NULL, p.partition, p.\"position\","
    " p.announced, p.results_offset, p.last_sha256"
    " FROM tidemill.positions($1, $2::int4[]) p";

/*
 * `transactions` has no index on the record, so it is found by its hash and
 * then compared; the other three have theirs on the record.
 */
int leaf_sql_rows(int leaf, struct buffer *out)
{
    static const char other[] =
        " UNION ALL SELECT '%s', x.partition, x.off, NULL, NULL, NULL"
        " FROM u JOIN tidemill.%s_%d x"
        " ON x.log = $1 AND x.partition = u.p AND x.off = u.o";
    int rc;

    CHECK(leaf > 0);
    rc = buffer_append_format(
        out,
        "WITH u AS MATERIALIZED (SELECT * FROM unnest($2::int4[], $3::int8[],"
        " $4::bytea[], $5::int8[]) AS v(p, o, h, c))"
        " SELECT 'transactions', x.partition, x.off, NULL::int4, NULL::int4,"
        " NULL::int8 FROM u JOIN tidemill.transactions_%d x"
        " ON x.hash = u.h AND x.chain = u.c"
        " WHERE x.log = $1 AND x.partition = u.p AND x.off = u.o"
        " UNION ALL SELECT 'duplicates', x.partition, x.off, x.of_log,"
        " x.of_partition, x.of_off FROM u JOIN tidemill.duplicates_%d x"
        " ON x.log = $1 AND x.partition = u.p AND x.off = u.o",
        leaf, leaf);
    if (rc == 0)
        rc = buffer_append_format(out, other, "rejections", "rejections", leaf);
    if (rc == 0)
        rc = buffer_append_format(out, other, "quarantine", "quarantine", leaf);
    return rc;
}
