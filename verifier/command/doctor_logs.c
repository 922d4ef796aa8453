/*
 * verifier/command/doctor_logs.c: are the logs those of these brokers, does
 * every partition have a position and is it not far behind, and did somebody
 * set the group's offsets?
 *
 * From: verifier/command/doctor_database.c, when the tables are ours.
 * To:   tables logs, leaf_counts; verifier/command/doctor.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "schemas/names.h"
#include "verifier/command/doctor.h"

#define RESET_RECORDS 10000 /* committed offsets may lag that far */

struct asking {
    struct doctor *d;
    struct database *db;
    struct kafka_admin *admin;
    const struct kafka_facts *facts;
};

struct log_row {
    int log, partitions;
    char cluster_id[65];
};

static void take_log(void *arg, const struct postgres_answer *a)
{
    struct log_row *row = arg;

    if (a->rows == 0)
        return;
    row->log = postgres_cell_i32(a, 0, 0, 0);
    row->partitions = postgres_cell_i32(a, 0, 1, 0);
    snprintf(row->cluster_id, sizeof(row->cluster_id), "%s",
             postgres_cell_text(a, 0, 2));
}

#define LOG                                                                    \
    "SELECT log, partitions, coalesce(cluster_id, '') FROM tidemill.logs "     \
    "WHERE topic = $1 ORDER BY log DESC LIMIT 1"

static void judge_log(struct asking *a, const struct kafka_topic *t,
                      const struct log_row *row, const char *name)
{
    const char *here = a->facts->cluster_id;

    if (row->log == 0)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_ONE_ROW, "tidemill init",
                   "%s has no log number: nothing is read", t->name);
    else if (row->cluster_id[0] != '\0' && here[0] != '\0' &&
             strcmp(row->cluster_id, here) != 0)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_ONE_ROW,
                   "is KAFKA_BROKERS right? if it is: tidemill log show, then "
                   "tidemill log adopt",
                   "log %d was noted on cluster %s, these brokers are %s",
                   row->log, row->cluster_id, here);
    else
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL, "log %d of cluster %s",
                   row->log, row->cluster_id);
}

struct places {
    int32_t known;
    int64_t position[CLUSTER_PARTITIONS_MAX]; /* -1: not planted */
};

static void take_places(void *arg, const struct postgres_answer *a)
{
    struct places *p = arg;
    int32_t partition;
    int i;

    for (i = 0; i < a->rows; i++) {
        partition = postgres_cell_i32(a, i, 0, -1);
        if (partition < 0 || partition >= CLUSTER_PARTITIONS_MAX)
            continue;
        p->position[partition] = postgres_cell_i64(a, i, 1, -1);
        p->known += p->position[partition] >= 0;
    }
}

/* Everybody types this to replay a topic; here it does nothing. */
static void judge_group(struct asking *a, const struct kafka_topic *t,
                        const struct places *p, int32_t count)
{
    int64_t committed[CLUSTER_PARTITIONS_MAX];
    int64_t off = 0;
    int32_t i, reset = -1;

    if (kafka_admin_committed(a->admin, NAMES_GROUP_VERIFIER, t->name, count,
                              committed) < 0)
        return;
    for (i = 0; i < count; i++) {
        off = p->position[i] - committed[i];
        if (p->position[i] >= 0 && committed[i] >= 0 &&
            (off < 0 || off > RESET_RECORDS))
            reset = i;
    }
    if (reset >= 0)
        doctor_say(a->d, DOCTOR_WARNING, "group", NULL,
                   "tidemill replay, if records should be judged again",
                   "somebody set the offsets of group " NAMES_GROUP_VERIFIER
                   ": partition %d says %" PRId64 " and stands at %" PRId64
                   "; that does nothing",
                   reset, committed[reset], p->position[reset]);
    else
        doctor_say(a->d, DOCTOR_OK, "group", NULL, NULL,
                   "its offsets follow the positions");
}

/*
 * Is the record at some position older than half of what the topic keeps? The
 * brokers are asked where that age lies, so that no record has to be read.
 */
static void judge_waiting(struct asking *a, const struct kafka_topic *t,
                          const struct places *p, int32_t count)
{
    int64_t middle, start, end, old = clock_wall_ms() - t->retention_ms / 2;
    int32_t i;

    for (i = 0; i < count && t->retention_ms > 0; i++) {
        if (p->position[i] < 0 ||
            kafka_admin_offsets(a->admin, t->name, i, &start, &end) < 0 ||
            end <= p->position[i] ||
            kafka_admin_offset_at(a->admin, t->name, i, old, &middle) < 0 ||
            middle <= p->position[i])
            continue;
        doctor_say(a->d, DOCTOR_FAILED, "waiting", DOCTOR_ONE_ROW,
                   "raise retention.ms first; then tidemill lag, tidemill log "
                   "show",
                   "partition %d waits at %" PRId64
                   " for longer than half of what the topic keeps",
                   i, p->position[i]);
        return;
    }
    doctor_say(a->d, DOCTOR_OK, "waiting", NULL, NULL,
               "nothing waits for half as long as the topic keeps");
}

#define PLACES                                                                 \
    "SELECT p.partition, p.position FROM tidemill.positions($1, "              \
    "ARRAY(SELECT generate_series(0, $2 - 1))) p"

static void check_places(struct asking *a, const struct kafka_topic *t, int log)
{
    uint8_t at[2][8];
    int32_t count = t->partitions;
    struct postgres_param params[] = {postgres_i32(log, at[0]),
                                      postgres_i32(count, at[1])};
    struct places *p;
    int rc;

    if (count > CLUSTER_PARTITIONS_MAX)
        return;
    p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    rc = database_run(a->db, PLACES, params, 2, take_places, p);
    if (rc < 0)
        doctor_say(a->d, DOCTOR_FAILED, "positions", DOCTOR_ONE_ROW,
                   "is the database well?", "%s", database_why(a->db));
    else if (p->known < count)
        doctor_say(a->d, DOCTOR_FAILED, "positions", DOCTOR_ONE_ROW,
                   "tidemill init, or tidemill partitions N --execute",
                   "%d of %d partitions are not planted: they wait",
                   count - p->known, count);
    else
        doctor_say(a->d, DOCTOR_OK, "positions", NULL, NULL,
                   "all of %d partitions are planted", count);
    if (rc == 0 && p->known > 0)
        judge_group(a, t, p, count);
    if (rc == 0 && p->known > 0)
        judge_waiting(a, t, p, count);
    free(p);
}

void doctor_ask_logs(struct doctor *d, struct database *db,
                     struct kafka_admin *admin, const struct kafka_facts *facts)
{
    static const char *const names[] = {"log", "log.results"};
    struct asking a = {d, db, admin, facts};
    struct log_row rows[2];
    int i;

    if (!facts->known)
        return;
    memset(rows, 0, sizeof(rows));
    for (i = 0; i < 2; i++) {
        const struct kafka_topic *t = &facts->topics[i];
        struct postgres_param topic = postgres_text(t->name);

        if (database_run(db, LOG, &topic, 1, take_log, &rows[i]) == 0)
            judge_log(&a, t, &rows[i], names[i]);
    }
    if (rows[0].log > 0 && facts->topics[0].exists)
        check_places(&a, &facts->topics[0], rows[0].log);
}
