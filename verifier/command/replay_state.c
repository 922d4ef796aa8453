/*
 * verifier/command/replay_state.c: the statements on table replays.
 *
 * From: verifier/command/replay.c, replay_pass.c.
 * To:   PostgreSQL, by way of verifier/command/cluster.c.
 */
#include "verifier/command/replay_state.h"

#include <inttypes.h>

/* ---- which there are ---- */

struct listing {
    struct replay *replays;
    size_t max, count;
};

static void take_replays(void *arg, const struct postgres_answer *a)
{
    struct listing *l = arg;
    int i;

    for (i = 0; i < a->rows && l->count < l->max; i++)
        l->replays[l->count++] = (struct replay){
            .id = postgres_cell_i64(a, i, 0, 0),
            .partition = postgres_cell_i32(a, i, 1, -1),
            .from = postgres_cell_i64(a, i, 2, 0),
            .to = postgres_cell_i64(a, i, 3, 0),
            .next = postgres_cell_i64(a, i, 4, 0),
            .announced = postgres_cell_i64(a, i, 5, 0),
            .rules = postgres_cell_i32(a, i, 6, 0),
        };
}

#define COLUMNS                                                                \
    "id, partition, from_off, to_off, next_off, announced, "                   \
    "coalesce(rules, 0)::int"

int replay_unfinished(struct cluster *c, int rules, struct replay *out,
                      size_t max, size_t *out_count)
{
    uint8_t at[2][8];
    struct postgres_param params[] = {
        postgres_i32(c->log, at[0]),
        postgres_i32(rules, at[1]),
    };
    struct listing l = {out, max, 0};
    int rc = cluster_ask(c,
                         "SELECT " COLUMNS
                         " FROM tidemill.replays WHERE "
                         "log = $1 AND finished_at IS NULL AND "
                         "coalesce(rules, 0) = $2 ORDER BY id",
                         params, 2, take_replays, &l, "replays");

    if (rc == 0)
        *out_count = l.count;
    return rc;
}

/* ---- making one ---- */

#define CREATE                                                                 \
    "INSERT INTO tidemill.replays (log, partition, from_off, to_off, "         \
    "next_off, announced, rules) SELECT $1, $2, $3, $4, $3, $3, "              \
    "nullif($5, 0)::smallint WHERE "                                           \
    "$4 <= (SELECT least(p.position, p.announced) "                            \
    "FROM tidemill.positions($1, ARRAY[$2]) p) AND "                           \
    "$3 >= coalesce((SELECT max(k.to_off) FROM tidemill.leaf_counts k "        \
    "JOIN tidemill.leaves l ON l.leaf = k.leaf WHERE l.state IN "              \
    "('dropping', 'dropped') AND k.log = $1 AND k.partition = $2), 0) AND "    \
    "NOT EXISTS (SELECT FROM tidemill.replays o WHERE o.log = $1 AND "         \
    "o.partition = $2 AND o.finished_at IS NULL AND coalesce(o.rules, 0) = "   \
    "$5 AND "                                                                  \
    "o.from_off < $4 AND o.to_off > $3) RETURNING " COLUMNS

/* Two that are made at once see each other: the lock comes first, alone. */
int replay_create(struct cluster *c, const struct replay *wanted,
                  struct replay *out)
{
    uint8_t at[5][8];
    struct postgres_param params[] = {
        postgres_i32(c->log, at[0]),
        postgres_i32(wanted->partition, at[1]),
        postgres_i64(wanted->from, at[2]),
        postgres_i64(wanted->to, at[3]),
        postgres_i32(wanted->rules, at[4]),
    };
    struct listing l = {out, 1, 0};
    int rc = cluster_ask(c, "BEGIN ISOLATION LEVEL READ COMMITTED", NULL, 0,
                         NULL, NULL, "replays");

    if (rc == 0)
        rc = cluster_ask(c,
                         "LOCK TABLE tidemill.replays IN SHARE ROW EXCLUSIVE "
                         "MODE",
                         NULL, 0, NULL, NULL, "replays");
    if (rc == 0)
        rc = cluster_ask(c, CREATE, params, 5, take_replays, &l, "replays");
    if (rc == 0)
        rc = cluster_ask(c, "COMMIT", NULL, 0, NULL, NULL, "replays");
    if (rc == 0 && l.count == 0)
        rc = command_fail(COMMAND_DATA,
                          "partition %d, %" PRId64 " to %" PRId64
                          ": not all announced there, or an unfinished replay "
                          "or a dropped leaf is in it",
                          wanted->partition, wanted->from, wanted->to);
    return rc;
}

int replay_read(struct cluster *c, struct replay *r)
{
    uint8_t at[8];
    struct postgres_param id = postgres_i64(r->id, at);
    struct listing l = {r, 1, 0};
    int rc = cluster_ask(c,
                         "SELECT " COLUMNS
                         " FROM tidemill.replays "
                         "WHERE id = $1 AND finished_at IS NULL",
                         &id, 1, take_replays, &l, "replays");

    if (rc == 0 && l.count == 0)
        rc = command_fail(COMMAND_TEMPORARY,
                          "replay %" PRId64 " was finished by somebody else",
                          r->id);
    return rc;
}

/* ---- moving one ---- */

static void take_count(void *arg, const struct postgres_answer *a)
{
    *(int64_t *)arg = postgres_tag_count(a);
}

static int move(struct cluster *c, struct replay *r, const char *sql,
                const struct postgres_param *params, size_t count)
{
    int64_t moved = 0;
    int rc = cluster_ask(c, sql, params, count, take_count, &moved, "replays");

    if (rc == 0 && moved != 1)
        rc = command_fail(COMMAND_TEMPORARY,
                          "replay %" PRId64
                          " stands elsewhere: another process runs it",
                          r->id);
    return rc;
}

#define WHERE_IT_IS                                                            \
    " WHERE id = $1 AND next_off = $2 AND announced = $3 AND "                 \
    "finished_at IS NULL"

/* As long as it has written nothing, its range begins where it stands: what it
 * only looked at was not touched by it. */
#define SKIP                                                                   \
    "UPDATE tidemill.replays SET next_off = $4, announced = $4, from_off = "   \
    "CASE WHEN from_off = next_off THEN $4 ELSE from_off END" WHERE_IT_IS

int replay_skip(struct cluster *c, struct replay *r, int64_t to)
{
    uint8_t at[4][8];
    struct postgres_param params[] = {
        postgres_i64(r->id, at[0]),
        postgres_i64(r->next, at[1]),
        postgres_i64(r->announced, at[2]),
        postgres_i64(to, at[3]),
    };
    int rc;

    CHECK(r->announced == r->next && to >= r->next);
    if (to == r->next)
        return 0;
    rc = move(c, r, SKIP, params, 4);
    if (rc == 0)
        r->next = r->announced = to;
    return rc;
}

int replay_raise(struct cluster *c, struct replay *r)
{
    uint8_t at[3][8];
    struct postgres_param params[] = {
        postgres_i64(r->id, at[0]),
        postgres_i64(r->next, at[1]),
        postgres_i64(r->announced, at[2]),
    };
    int rc =
        move(c, r,
             "UPDATE tidemill.replays SET announced = next_off" WHERE_IT_IS,
             params, 3);

    if (rc == 0)
        r->announced = r->next;
    return rc;
}

int replay_finish(struct cluster *c, struct replay *r)
{
    uint8_t at[3][8];
    struct postgres_param params[] = {
        postgres_i64(r->id, at[0]),
        postgres_i64(r->next, at[1]),
        postgres_i64(r->announced, at[2]),
    };

    CHECK(r->next == r->to && r->announced == r->to);
    return move(c, r,
                "UPDATE tidemill.replays SET finished_at = "
                "tidemill.now_ms()" WHERE_IT_IS,
                params, 3);
}

/* ---- dropped leaves ---- */

struct floors {
    int64_t *out;
    int32_t count;
};

static void take_floors(void *arg, const struct postgres_answer *a)
{
    struct floors *f = arg;
    int32_t p;
    int i;

    for (i = 0; i < a->rows; i++) {
        p = postgres_cell_i32(a, i, 0, -1);
        if (p >= 0 && p < f->count)
            f->out[p] = postgres_cell_i64(a, i, 1, 0);
    }
}

int replay_floors(struct cluster *c, int64_t *out)
{
    uint8_t at[8];
    struct postgres_param log = postgres_i32(c->log, at);
    struct floors f = {out, c->partition_count};
    int32_t p;

    for (p = 0; p < c->partition_count; p++)
        out[p] = 0;
    return cluster_ask(c,
                       "SELECT k.partition, max(k.to_off) FROM "
                       "tidemill.leaf_counts k JOIN tidemill.leaves l "
                       "ON l.leaf = k.leaf WHERE l.state IN ('dropping', "
                       "'dropped') AND k.log = $1 GROUP BY k.partition",
                       &log, 1, take_floors, &f, "leaves");
}
