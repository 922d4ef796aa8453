/*
 * notifier/gateway/history_sql.h: the statements of history, leaf by leaf.
 *
 * Thread: any. Pure: text only.
 */
#ifndef NOTIFIER_GATEWAY_HISTORY_SQL_H
#define NOTIFIER_GATEWAY_HISTORY_SQL_H

#include "schemas/base/bytes.h"

#define HISTORY_SQL_BYTES_MAX 32768
/* Leaves that one look-up by hash asks at a time. */
#define HISTORY_SQL_LEAVES 16

/* Columns of transactions, in every statement that gives them. */
enum history_transaction {
    HISTORY_T_HASH,
    HISTORY_T_CHAIN, /* name; null when nobody wrote it down */
    HISTORY_T_SENDER,
    HISTORY_T_RECIPIENT,
    HISTORY_T_AMOUNT,
    HISTORY_T_ACCEPTED_AT,
    HISTORY_T_LOG,
    HISTORY_T_PARTITION,
    HISTORY_T_OFF,
    HISTORY_T_NONCE, /* text; the rest only with `detail` */
    HISTORY_T_SIGNATURE,
    HISTORY_T_PAYLOAD,
    HISTORY_T_ALIAS,
    HISTORY_T_CURRENCY
};

/* Columns of rejections. */
enum history_rejection {
    HISTORY_R_CHAIN,
    HISTORY_R_REASON,
    HISTORY_R_SHA256,
    HISTORY_R_HASH,
    HISTORY_R_ACCEPTED_AT,
    HISTORY_R_LOG,
    HISTORY_R_PARTITION,
    HISTORY_R_OFF
};

/* $1 bytea hash, or with `alias` the other name; $2 int8 chain */
void history_sql_hash(const int *leaves, size_t count, bool detail, bool alias,
                      struct buffer *out);

/* $1 bytea address, $2 int4 limit */
void history_sql_account(int leaf, struct buffer *out);

/* $1 int4 log, $2 int4[] partitions, $3 int4 limit */
void history_sql_rejections(int leaf, struct buffer *out);

/* $1 int4 log, $2 int4 partition, $3 int8 off */
void history_sql_rejection(int leaf, struct buffer *out);

/* -> verified, rejected, duplicates, quarantined of one leaf by its ledger */
void history_sql_ledger(int leaf, struct buffer *out);

/* -> leaf, verified, rejected, duplicates, quarantined (int8), counted bool */
extern const char *const history_sql_counts;

/* $1 text topic -> log, partitions */
extern const char *const history_sql_log;

/* $1 int4 log, $2 int4[] partitions -> partition, position, announced */
extern const char *const history_sql_positions;

#endif
