/*
 * notifier/gateway/history_totals.c: what the ledger says of all rows, now and
 * then.
 *
 *   leaf list | log | counts of sealed leaves     one flight
 *   ledgers of leaves not counted | positions     the next one
 *
 * From: notifier/gateway/history.c, answer_stats.c.
 * To:   consumer/base/postgres.c.
 */
#include "consumer/base/clock.h"
#include "consumer/base/postgres.h"
#include "notifier/gateway/history_inside.h"
#include "notifier/gateway/history_sql.h"
#include "schemas/leaf.h"

#define REFRESH_MS 1000
#define REFRESH_SHARE 20

static void refreshed_leaves(void *arg, const struct postgres_answer *a);
static void refreshed_counts(void *arg, const struct postgres_answer *a);
static void refresh_rest(struct history *h);
static void refreshed_positions(void *arg, const struct postgres_answer *a);
static void refreshed_ledger(void *arg, const struct postgres_answer *a);
static void refreshed(struct history *h, bool good);

const struct history_totals *history_totals(const struct history *h)
{
    return &h->totals;
}

void history_keep_leaves(struct history *h, const struct postgres_answer *a)
{
    h->leaves_count = 0;
    for (int row = 0; row < a->rows && h->leaves_count < HISTORY_LEAVES_MAX;
         row++)
        h->leaves[h->leaves_count++] = postgres_cell_i32(a, row, 0, 0);
    h->leaves_ms = clock_ms();
    h->totals.leaves = h->leaves_count;
}

void history_put_partitions(struct history *h, size_t count)
{
    postgres_array_clear(&h->partitions);
    for (size_t i = 0; i < count; i++)
        postgres_array_i32(&h->partitions, (int32_t)i);
}

/*
 * Totals: leaf list, log and counts in one flight; then the positions, and the
 * ledgers of those leaves whose rows were not counted yet, in another.
 */
void history_refresh(struct history *h)
{
    struct postgres_param topic = postgres_text(h->topic);
    int64_t now = clock_ms();

    if (h->refreshing || now < h->refresh_at_ms || !postgres_up(h->postgres))
        return;
    h->refreshing = true;
    h->refresh_began_ms = now;
    h->making = (struct history_totals){.known = true};
    postgres_queue(h->postgres, LEAF_SQL_LIST, NULL, 0, refreshed_leaves, h);
    postgres_queue(h->postgres, history_sql_log, &topic, 1, history_got_log, h);
    postgres_queue(h->postgres, history_sql_counts, NULL, 0, refreshed_counts,
                   h);
    postgres_sync(h->postgres, HISTORY_DEADLINE_MS);
}

static void refreshed_leaves(void *arg, const struct postgres_answer *a)
{
    if (a->outcome == POSTGRES_OK)
        history_keep_leaves(arg, a);
}

void history_got_log(void *arg, const struct postgres_answer *a)
{
    struct history *h = arg;
    int32_t count;

    if (a->outcome != POSTGRES_OK || a->rows == 0)
        return;
    count = postgres_cell_i32(a, 0, 1, 0);
    h->totals.log = postgres_cell_i32(a, 0, 0, 0);
    h->totals.partitions = count < 0 ? 0
                           : count > CURSOR_PARTITIONS_MAX
                               ? CURSOR_PARTITIONS_MAX
                               : (size_t)count;
}

static void refreshed_counts(void *arg, const struct postgres_answer *a)
{
    struct history *h = arg;
    bool counted[sizeof(h->uncounted) / sizeof(h->uncounted[0])] = {false};
    size_t newest =
        h->leaves_count < sizeof(counted) ? h->leaves_count : sizeof(counted);

    if (a->outcome != POSTGRES_OK) {
        refreshed(h, false);
        return;
    }
    for (int row = 0; row < a->rows; row++) {
        int leaf = postgres_cell_i32(a, row, 0, 0);

        if (!postgres_cell_bool(a, row, 5, false))
            continue;
        h->making.verified += postgres_cell_i64(a, row, 1, 0);
        h->making.rejected += postgres_cell_i64(a, row, 2, 0);
        h->making.duplicates += postgres_cell_i64(a, row, 3, 0);
        h->making.quarantined += postgres_cell_i64(a, row, 4, 0);
        for (size_t i = 0; i < newest; i++)
            counted[i] = counted[i] || h->leaves[i] == leaf;
    }
    h->uncounted_count = 0;
    for (size_t i = 0; i < newest; i++)
        if (!counted[i])
            h->uncounted[h->uncounted_count++] = h->leaves[i];
    refresh_rest(h);
}

static void refresh_rest(struct history *h)
{
    struct postgres_param params[2];
    uint8_t room[8];

    history_put_partitions(h, h->totals.partitions);
    params[0] = postgres_i32(h->totals.log, room);
    params[1] = postgres_array_param(&h->partitions);
    for (size_t i = 0; i < h->uncounted_count; i++) {
        buffer_clear(&h->sql);
        history_sql_ledger(h->uncounted[i], &h->sql);
        postgres_queue(h->postgres, buffer_text(&h->sql), NULL, 0,
                       refreshed_ledger, h);
    }
    postgres_queue(h->postgres, history_sql_positions, params, 2,
                   refreshed_positions, h);
    postgres_sync(h->postgres, HISTORY_DEADLINE_MS);
}

static void refreshed_ledger(void *arg, const struct postgres_answer *a)
{
    struct history *h = arg;

    if (a->outcome != POSTGRES_OK || a->rows == 0) {
        h->making.known = false;
        return;
    }
    h->making.verified += postgres_cell_i64(a, 0, 0, 0);
    h->making.rejected += postgres_cell_i64(a, 0, 1, 0);
    h->making.duplicates += postgres_cell_i64(a, 0, 2, 0);
    h->making.quarantined += postgres_cell_i64(a, 0, 3, 0);
}

static void refreshed_positions(void *arg, const struct postgres_answer *a)
{
    struct history *h = arg;

    for (size_t i = 0; i < CURSOR_PARTITIONS_MAX; i++) {
        h->making.position[i] = -1;
        h->making.announced[i] = -1;
    }
    for (int row = 0; a->outcome == POSTGRES_OK && row < a->rows; row++) {
        int32_t id = postgres_cell_i32(a, row, 0, -1);

        if (id < 0 || id >= CURSOR_PARTITIONS_MAX)
            continue;
        h->making.position[id] = postgres_cell_i64(a, row, 1, -1);
        h->making.announced[id] = postgres_cell_i64(a, row, 2, -1);
    }
    refreshed(h, a->outcome == POSTGRES_OK && h->making.known);
}

static void refreshed(struct history *h, bool good)
{
    int64_t now = clock_ms();

    h->refreshing = false;
    h->refresh_at_ms =
        now + REFRESH_MS + REFRESH_SHARE * (now - h->refresh_began_ms);
    if (!good)
        return;
    h->making.asked_ms = now;
    h->making.leaves = h->leaves_count;
    h->making.log = h->totals.log;
    h->making.partitions = h->totals.partitions;
    h->totals = h->making;
}
