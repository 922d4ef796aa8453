/*
 * notifier/gateway/history_sql.c: SQL text for one leaf or a few.
 *
 * Children are named, never the partitioned parents: planning through a parent
 * locks every leaf. An account is found by BRIN in the live leaf and by b-tree
 * in sealed ones; the newest rejections by walking each partition's unique
 * index from its end.
 *
 * From: notifier/gateway/history.c.
 * To:   consumer/base/postgres.c.
 */
#include "notifier/gateway/history_sql.h"

#define TRANSACTION                                                            \
    "t.hash, c.name, t.sender, t.recipient, t.amount, t.accepted_at, t.log,"   \
    " t.partition, t.off"
#define DETAIL                                                                 \
    TRANSACTION ", t.nonce::text, t.signature, t.payload, t.alias, t.currency"
#define REJECTION                                                              \
    "c.name, t.reason, t.payload_sha256, t.hash, t.accepted_at, t.log,"        \
    " t.partition, t.off"
#define CHAINS " LEFT JOIN tidemill.chains c ON c.chain = t.chain"
#define SUMS                                                                   \
    "coalesce(sum(verified), 0)::int8, coalesce(sum(rejected), 0)::int8,"      \
    " coalesce(sum(duplicates), 0)::int8,"                                     \
    " coalesce(sum(quarantined), 0)::int8"

/* An alias is no key: of two with one, either is shown. */
void history_sql_hash(const int *leaves, size_t count, bool detail, bool alias,
                      struct buffer *out)
{
    for (size_t i = 0; i < count; i++)
        buffer_append_format(
            out,
            "%sSELECT %s FROM tidemill.transactions_%d t" CHAINS
            " WHERE (t.hash = $1%s) AND t.chain = $2",
            i == 0 ? "" : " UNION ALL ", detail ? DETAIL : TRANSACTION,
            leaves[i], alias ? " OR t.alias = $1" : "");
    buffer_append_text(out, " LIMIT 1");
}

void history_sql_account(int leaf, struct buffer *out)
{
    buffer_append_format(out,
                         "SELECT " TRANSACTION
                         " FROM tidemill.transactions_%d t" CHAINS
                         " WHERE t.sender = $1 OR t.recipient = $1"
                         " ORDER BY t.accepted_at DESC LIMIT $2",
                         leaf);
}

void history_sql_rejections(int leaf, struct buffer *out)
{
    buffer_append_format(out,
                         "SELECT " REJECTION
                         " FROM unnest($2) AS p(id) CROSS JOIN LATERAL"
                         " (SELECT * FROM tidemill.rejections_%d r"
                         " WHERE r.log = $1 AND r.partition = p.id"
                         " ORDER BY r.off DESC LIMIT $3) t" CHAINS
                         " ORDER BY t.accepted_at DESC LIMIT $3",
                         leaf);
}

void history_sql_rejection(int leaf, struct buffer *out)
{
    buffer_append_format(out,
                         "SELECT " REJECTION
                         " FROM tidemill.rejections_%d t" CHAINS
                         " WHERE t.log = $1 AND t.partition = $2"
                         " AND t.off = $3",
                         leaf);
}

void history_sql_ledger(int leaf, struct buffer *out)
{
    buffer_append_format(out, "SELECT " SUMS " FROM tidemill.batches_%d", leaf);
}

const char *const history_sql_counts =
    "SELECT leaf, " SUMS
    ", bool_and(verified IS NOT NULL)"
    " FROM tidemill.leaf_counts GROUP BY leaf";

const char *const history_sql_log =
    "SELECT log, partitions FROM tidemill.logs WHERE topic = $1"
    " ORDER BY log DESC LIMIT 1";

const char *const history_sql_positions =
    "SELECT partition, \"position\", announced"
    " FROM tidemill.positions($1, $2)";
