/*
 * notifier/gateway/history_row.h: a row as the result it was announced as.
 *
 * Each appends one JSON object, with a comma before it when something stands
 * in `out`. Columns are those of history_sql.h. Returns 0, or
 *   FAIL_FULL       it does not fit; nothing was appended
 *   FAIL_MALFORMED  the row is not one that we write
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_HISTORY_ROW_H
#define NOTIFIER_GATEWAY_HISTORY_ROW_H

#include "consumer/base/postgres.h"
#include "schemas/base/bytes.h"

/* A verified transaction, byte for byte as announced. */
int history_row_transaction(const struct postgres_answer *a, int row,
                            struct buffer *out) MUST_CHECK;

/* The same with nonce, signature, payload, state and timeline. */
int history_row_detail(const struct postgres_answer *a, int row,
                       struct buffer *out) MUST_CHECK;

/* A rejection, byte for byte as announced. */
int history_row_rejection(const struct postgres_answer *a, int row,
                          struct buffer *out) MUST_CHECK;

#endif
