/*
 * notifier/gateway/history.h: what the rows say.
 *
 * A row is made into the same JSON that was announced for it. Queries name leaf
 * tables directly, newest first, a few at a time, and stop at a bound of rows;
 * each has a deadline. PostgreSQL away means FAIL_UNREACHABLE, and nothing else
 * stops.
 *
 * Thread: loop thread only; `done` never comes from inside a call.
 */
#ifndef NOTIFIER_GATEWAY_HISTORY_H
#define NOTIFIER_GATEWAY_HISTORY_H

#include "notifier/gateway/channel.h"
#include "schemas/cursor.h"

#define HISTORY_ROWS_MAX 100    /* of one answer */
#define HISTORY_BYTES_MAX 65536 /* of results; a detail has its payload too */
#define HISTORY_DETAIL_MAX (1 << 20)
#define HISTORY_QUERIES_MAX 256 /* under way at a time */

struct loop;
struct history;
struct history_query;

/*
 * `url` NULL or "": the PG* variables. `topic` is that of the records, for the
 * totals. Both are borrowed while it is open. Returns 0, or FAIL_SETTING when
 * the url does not parse.
 */
int history_open(struct loop *loop, const char *url, const char *topic,
                 struct history **out) MUST_CHECK;
void history_close(struct history *h);
bool history_up(const struct history *h);

/*
 * `rc` 0 and `results`: `count` JSON objects, a comma between two, newest
 * first, borrowed for the call; or FAIL_UNREACHABLE.
 */
typedef void (*history_fn)(void *arg, int rc, struct bytes results,
                           size_t count);

/*
 * All of these give NULL, and `done` never comes, when the database is away or
 * too many queries are under way.
 */

/* What the rows say about `transaction:` or `account:`. */
struct history_query *history_channel(struct history *h,
                                      const struct channel *c, size_t rows_max,
                                      history_fn done, void *arg);

/* One object with everything about one transaction, its payload and timeline.
 * Count 0: there is no such row. */
struct history_query *history_detail(struct history *h, const struct channel *c,
                                     history_fn done, void *arg);

/* The newest rejections; with `id` (not NULL) the one of that record. */
struct history_query *history_rejections(struct history *h,
                                         const struct record_id *id,
                                         size_t rows_max, history_fn done,
                                         void *arg);

/* Before `done`: it will not come. NULL is fine. */
void history_cancel(struct history_query *q);

/* What the ledger says. */
struct history_totals {
    bool known;
    int64_t asked_ms; /* when it was so; monotonic */
    int64_t verified, rejected, duplicates, quarantined;
    size_t leaves;                           /* kept, with the live one */
    int32_t log;                             /* of the records */
    size_t partitions;                       /* of that log */
    int64_t position[CURSOR_PARTITIONS_MAX]; /* -1: not planted */
    int64_t announced[CURSOR_PARTITIONS_MAX];
};
const struct history_totals *history_totals(const struct history *h);

/* Asks for new totals if it is time: at most once a second, and never more than
 * a twentieth of the time. */
void history_refresh(struct history *h);

#endif
