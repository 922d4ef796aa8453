/*
 * deploy/ctl/results.c: ranges of tx.results, one a partition.
 *
 * From: tx demo.
 * To:   consumer/reader.c.
 */
#include "deploy/ctl/results.h"

#include <stdlib.h>

#include "consumer/base/command.h"
#include "consumer/base/loop.h"
#include "consumer/kafka.h"
#include "consumer/reader.h"
#include "schemas/base/fail.h"
#include "schemas/record.h"

#define ADMIN_MS 10000
#define WAIT_MS 30000
#define PARTITIONS_MAX 1024

struct results {
    struct loop *loop;
    struct kafka_config config;
    struct reader *reader;
    int32_t partition_count;
    int64_t ends[PARTITIONS_MAX]; /* where to read from */
    int32_t asked;                /* partition whose end is being asked for */
    int waiting;                  /* calls under way */
    bool done;
    int rc; /* the first failure of them */
    results_fn each;
    void *arg;
};

static int count_partitions(struct results *r, const char *brokers,
                            const char *topic)
{
    struct kafka_admin *admin;
    struct kafka_facts facts;
    int rc = kafka_admin_open(&r->config, ADMIN_MS, &admin);

    if (rc < 0)
        return command_fail(command_exit_code(rc), "kafka at %s: %s", brokers,
                            fail_words(rc));
    rc = kafka_admin_facts(admin, &topic, 1, &facts);
    if (rc < 0)
        rc = command_fail(command_exit_code(rc), "kafka at %s: %s", brokers,
                          kafka_admin_why(admin));
    else if (!facts.topics[0].exists)
        rc = command_fail(COMMAND_CONFIG,
                          "topic %s is not there: run `tidemill init`", topic);
    else if (facts.topics[0].partitions > PARTITIONS_MAX)
        rc = command_fail(COMMAND_CONFIG, "more than %d partitions",
                          PARTITIONS_MAX);
    else
        r->partition_count = facts.topics[0].partitions;
    kafka_admin_close(admin);
    return rc;
}

static void over(struct results *r, int rc)
{
    if (rc < 0 && r->rc == 0)
        r->rc = rc;
    r->done = --r->waiting == 0;
}

/* The reader answers in the order it was asked. */
static void on_end(void *arg, int rc, int64_t start, int64_t end)
{
    struct results *r = arg;

    (void)start;
    r->ends[r->asked] = end;
    over(r, rc);
}

/* Waits for what is under way; a command_exit. */
static int wait_for(struct results *r, const char *what)
{
    int rc = command_run_until(r->loop, &r->done, WAIT_MS);

    if (rc == 0)
        rc = r->rc;
    return rc < 0 ? command_fail(command_exit_code(rc), "%s: %s", what,
                                 fail_words(rc))
                  : 0;
}

static int find_ends(struct results *r)
{
    int rc = 0;

    for (r->asked = 0; r->asked < r->partition_count && rc == 0; r->asked++) {
        r->done = false;
        r->waiting = 1;
        rc = reader_offsets(r->reader, r->asked, on_end, r);
        if (rc == 0)
            rc = wait_for(r, "the end of the results");
    }
    return rc;
}

int results_open(struct loop *loop, const char *brokers, const char *topic,
                 struct results **out)
{
    struct results *r = calloc(1, sizeof(*r));
    struct reader_options o = {.loop = loop,
                               .name = "demo",
                               .topic = topic,
                               .header = RECORD_HEADER_NAME,
                               .fetches_max = PARTITIONS_MAX};
    struct buffer why;
    int rc;

    CHECK(r != NULL);
    r->loop = loop;
    buffer_init(&why, 4096);
    rc = kafka_config_init(&r->config, brokers, &why);
    if (rc < 0)
        rc = command_fail(COMMAND_CONFIG, "%s", buffer_text(&why));
    buffer_fini(&why);
    if (rc != 0) {
        free(r);
        return rc;
    }
    rc = count_partitions(r, brokers, topic);
    o.config = &r->config;
    if (rc == 0 && reader_open(&o, &r->reader) < 0)
        rc = command_fail(COMMAND_SOFTWARE, "no reader");
    if (rc == 0)
        rc = find_ends(r);
    if (rc != 0) {
        results_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

static void on_record(void *arg, const struct record *record)
{
    struct results *r = arg;

    if (record->key.data != NULL && record->key.count == RECORD_KEY_BYTES)
        r->each(r->arg, record->key.data + RECORD_KEY_BYTES - 32,
                record->append_ms);
}

static void on_done(void *arg, int rc, int64_t next_offset)
{
    (void)next_offset;
    over(arg, rc);
}

int results_read(struct results *r, results_fn each, void *arg)
{
    r->each = each;
    r->arg = arg;
    r->done = false;
    r->rc = 0;
    r->waiting = r->partition_count;
    for (int32_t p = 0; p < r->partition_count; p++)
        CHECK(reader_fetch(r->reader, p, r->ends[p], READER_END, on_record,
                           on_done, r) == 0);
    return wait_for(r, "the results");
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

void results_close(struct results *r)
{
    bool closed = false;

    if (r == NULL)
        return;
    if (r->reader != NULL) {
        reader_close(r->reader, on_closed, &closed);
        loop_run_until(r->loop, &closed, WAIT_MS);
    }
    kafka_config_fini(&r->config);
    free(r);
}
