/*
 * notifier/gateway/history_inside.h: what the two files of history share: the
 * list of leaves, and one connection.
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_HISTORY_INSIDE_H
#define NOTIFIER_GATEWAY_HISTORY_INSIDE_H

#include "consumer/base/postgres_array.h"
#include "notifier/gateway/history.h"

#define HISTORY_LEAVES_MAX 4096
#define HISTORY_DEADLINE_MS 5000

struct postgres;
struct postgres_answer;

struct history {
    struct postgres *postgres;
    const char *topic;
    int leaves[HISTORY_LEAVES_MAX]; /* newest first */
    size_t leaves_count;
    int64_t leaves_ms; /* when the list was read; 0: never */
    size_t queries;
    struct postgres_array partitions; /* 0..n-1 */
    /* Totals in the making, and as last known. */
    struct history_totals totals, making;
    int uncounted[8]; /* leaves whose rows are counted by their ledger */
    size_t uncounted_count;
    bool refreshing;
    int64_t refresh_at_ms, refresh_began_ms;
    struct buffer sql;
};

/* The answer to LEAF_SQL_LIST: from here on these are the leaves. */
void history_keep_leaves(struct history *h, const struct postgres_answer *a);

/* The answer to history_sql_log; `arg` is a history. Without an answer the log
 * stays the one that is known. */
void history_got_log(void *arg, const struct postgres_answer *a);

/* `partitions` is 0..count-1. */
void history_put_partitions(struct history *h, size_t count);

#endif
