/*
 * verifier/command/cluster.c: opens both sides, and asks them.
 *
 * From: verifier/command/reconcile.c, verifier/command/log.c and others.
 * To:   consumer/kafka_admin.c, consumer/reader.c, the database.
 */
#include "verifier/command/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "consumer/base/postgres_array.h"
#include "schemas/base/fail.h"
#include "schemas/leaf.h"

#define ADMIN_MS 30000
#define FETCH_MS 30000

int cluster_ask(struct cluster *c, const char *sql,
                const struct postgres_param *params, size_t count,
                database_fn rows, void *arg, const char *what)
{
    int rc = database_run(c->db, sql, params, count, rows, arg);

    return rc == 0 ? 0
                   : command_fail(command_exit_code(rc), "%s: %s", what,
                                  database_why(c->db));
}

static int fail_kafka(struct cluster *c, int rc)
{
    return command_fail(command_exit_code(rc), "kafka: %s",
                        kafka_admin_why(c->admin));
}

static void take_log(void *arg, const struct postgres_answer *a)
{
    struct cluster *c = arg;

    c->log = postgres_cell_i32(a, 0, 0, 0);
}

static int find_log(struct cluster *c)
{
    struct postgres_param topic = postgres_text(c->topic);
    struct kafka_facts facts;
    int rc;

    rc = cluster_ask(c,
                     "SELECT coalesce(max(log), 0)::int FROM tidemill.logs "
                     "WHERE topic = $1",
                     &topic, 1, take_log, c, "logs");
    if (rc != 0)
        return rc;
    if (c->log == 0)
        return command_fail(COMMAND_CONFIG,
                            "%s has no log yet: run `tidemill init`", c->topic);
    rc = kafka_admin_facts(c->admin, &c->topic, 1, &facts);
    if (rc < 0)
        return fail_kafka(c, rc);
    if (!facts.topics[0].exists)
        return command_fail(COMMAND_CONFIG, "topic %s is not there", c->topic);
    if (facts.topics[0].partitions > CLUSTER_PARTITIONS_MAX)
        return command_fail(COMMAND_CONFIG, "more than %d partitions",
                            CLUSTER_PARTITIONS_MAX);
    c->partition_count = facts.topics[0].partitions;
    return 0;
}

int cluster_open(struct cluster *c, const char *brokers, const char *url,
                 const char *topic)
{
    struct buffer why;
    int rc;

    *c = (struct cluster){.topic = topic};
    buffer_init(&why, 4096);
    rc = kafka_config_init(&c->config, brokers, &why);
    if (rc < 0)
        rc = command_fail(COMMAND_CONFIG, "%s", buffer_text(&why));
    buffer_fini(&why);
    if (rc != 0)
        return rc;
    c->configured = true;
    rc = kafka_admin_open(&c->config, ADMIN_MS, &c->admin);
    if (rc < 0)
        return command_fail(command_exit_code(rc), "kafka at %s: %s", brokers,
                            fail_words(rc));
    rc = database_open(url, &c->db);
    if (rc < 0)
        return command_exit_code(rc);
    return find_log(c);
}

void cluster_close(struct cluster *c)
{
    database_close(c->db);
    kafka_admin_close(c->admin);
    if (c->configured)
        kafka_config_fini(&c->config);
}

static void take_positions(void *arg, const struct postgres_answer *a)
{
    struct cluster *c = arg;
    struct cluster_place *place;
    struct bytes last;
    int32_t p;
    int i;

    for (i = 0; i < a->rows; i++) {
        p = postgres_cell_i32(a, i, 0, -1);
        CHECK(p >= 0 && p < c->partition_count);
        place = &c->places[p];
        place->position = postgres_cell_i64(a, i, 1, -1);
        place->announced = postgres_cell_i64(a, i, 2, -1);
        last = postgres_cell(a, i, 3);
        place->has_last = last.count == sizeof(place->last_sha256);
        if (place->has_last)
            memcpy(place->last_sha256, last.data, last.count);
    }
}

int cluster_read(struct cluster *c)
{
    uint8_t log_at[8], count_at[8];
    struct postgres_param params[] = {
        postgres_i32(c->log, log_at),
        postgres_i32(c->partition_count, count_at),
    };
    int32_t p;
    int rc;

    rc = cluster_ask(c,
                     "SELECT p.partition, p.position, p.announced, "
                     "p.last_sha256 FROM tidemill.positions($1, "
                     "ARRAY(SELECT generate_series(0, $2 - 1))) p",
                     params, 2, take_positions, c, "positions");
    for (p = 0; p < c->partition_count && rc == 0; p++) {
        rc = kafka_admin_offsets(c->admin, c->topic, p, &c->places[p].start,
                                 &c->places[p].end);
        if (rc < 0)
            rc = fail_kafka(c, rc);
    }
    return rc;
}

struct fetch {
    reader_record_fn record;
    void *arg;
    bool done;
    int rc;
};

static void on_record(void *arg, const struct record *r)
{
    struct fetch *f = arg;

    f->record(f->arg, r);
}

static void on_read(void *arg, int rc, int64_t next_offset)
{
    struct fetch *f = arg;

    (void)next_offset;
    f->rc = rc;
    f->done = true;
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

int cluster_fetch(struct cluster *c, int32_t partition, int64_t from,
                  int64_t to, reader_record_fn record, void *arg)
{
    struct reader_options o = {
        .loop = database_loop(c->db),
        .config = &c->config,
        .name = "command",
        .topic = c->topic,
        .header = "tm",
        .deadline_ms = FETCH_MS,
    };
    struct fetch f = {.record = record, .arg = arg};
    struct reader *reader = NULL;
    bool closed = false;
    int rc = reader_open(&o, &reader);

    if (rc == 0)
        rc = reader_fetch(reader, partition, from, to, on_record, on_read, &f);
    if (rc == 0)
        rc = command_run_until(o.loop, &f.done, 0);
    if (rc == 0)
        rc = f.rc;
    reader_close(reader, on_closed, &closed);
    if (command_run_until(o.loop, &closed, 15000) < 0 && rc == 0)
        rc = FAIL_TIMEOUT;
    return rc == 0 ? 0
                   : command_fail(command_exit_code(rc),
                                  "reading %s, partition %d: %s", c->topic,
                                  partition, fail_words(rc));
}
