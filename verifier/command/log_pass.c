/*
 * verifier/command/log_pass.c: `tidemill log pass`: one record that a partition
 * stopped at goes to quarantine, through the ordinary ledger path.
 *
 * The command is one more writer: it reads the position, and its batch of one
 * record, which is the first at or above it, is fenced like any other if that
 * moves meanwhile. The verifier that stopped looks every two seconds and goes
 * on behind the record.
 *
 * From: deploy/ctl/main.c.
 * To:   verifier/ledger.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/loop.h"
#include "schemas/base/fail.h"
#include "schemas/record.h"
#include "verifier/command/cluster.h"
#include "verifier/command/log.h"
#include "verifier/command/schema.h"
#include "verifier/command/step.h"
#include "verifier/ledger.h"

static const char *brokers, *database_url, *topic_submitted;
static bool execute, json;

static const struct setting settings[] = {
    CLUSTER_SETTINGS(&brokers, &database_url, &topic_submitted),
};

#define GAP_STEP 1000 /* offsets read at first */

struct pass {
    struct cluster *c;
    struct record_id id;
    struct ledger *ledger;
    bool up, positioned, written;
    int rc;
    struct ledger_position position;
    enum ledger_outcome outcome;
    char why[256];
    bool found;    /* a record, copied */
    int64_t first; /* its offset */
    struct buffer key, value;
    bool has_key, has_value;
    int64_t append_ms;
    char header[RECORD_HEADER_MAX + 1];
};

static void on_up(void *arg)
{
    ((struct pass *)arg)->up = true;
}

static void on_down(void *arg, const char *why)
{
    struct pass *p = arg;

    p->up = false;
    snprintf(p->why, sizeof(p->why), "%s", why);
}

static void on_position(void *arg, int rc, const struct ledger_position *at,
                        size_t count)
{
    struct pass *p = arg;

    p->positioned = true;
    p->rc = rc;
    if (rc == 0 && count == 1)
        p->position = *at;
}

static void on_written(void *arg, const struct ledger_result *r)
{
    struct pass *p = arg;

    p->written = true;
    p->outcome = r->outcome;
    snprintf(p->why, sizeof(p->why), "%s", r->why);
}

/* The first record at or above the position; it may be another one. */
static void on_found(void *arg, const struct record *r)
{
    struct pass *p = arg;

    if (p->found)
        return;
    p->found = true;
    p->first = r->offset;
    p->append_ms = r->append_ms;
    p->has_key = r->key.data != NULL;
    p->has_value = r->value.data != NULL;
    buffer_append_bytes(&p->key, r->key);
    buffer_append_bytes(&p->value, r->value);
    snprintf(p->header, sizeof(p->header), "%.*s", (int)r->header.count,
             r->header.data == NULL ? "" : (const char *)r->header.data);
}

/*
 * A gap of offsets may lie between the position and the record: compaction,
 * transactions that were aborted. It is read in growing steps, so that a record
 * named by mistake far above does not make us read all before it.
 */
static int find_first(struct pass *p)
{
    int64_t at = p->position.position, step = GAP_STEP, to;
    int rc = 0;

    if (at > p->id.offset)
        return command_fail(COMMAND_DATA,
                            "partition %d stands at %" PRId64
                            ", beyond that record",
                            p->id.partition, at);
    for (; at <= p->id.offset && rc == 0 && !p->found; at = to, step *= 2) {
        to = at + step <= p->id.offset ? at + step : p->id.offset + 1;
        rc = cluster_fetch(p->c, p->id.partition, at, to, on_found, p);
    }
    if (rc != 0)
        return rc;
    if (!p->found)
        return command_fail(COMMAND_DATA, "there is no such record");
    if (p->first != p->id.offset)
        return command_fail(COMMAND_DATA,
                            "partition %d stands at record %d-%d-%" PRId64
                            ": only the record it stopped at can be passed",
                            p->id.partition, p->id.log, p->id.partition,
                            p->first);
    return 0;
}

static struct bytes copied(const struct buffer *b, bool has)
{
    return has ? bytes_of(b->data == NULL ? (const uint8_t *)"" : b->data,
                          b->count)
               : BYTES_NONE;
}

static int write_pass(struct pass *p)
{
    struct loop *loop = database_loop(p->c->db);
    struct chain chain;
    int rules;
    struct ledger_record record = {
        .partition = p->id.partition,
        .offset = p->id.offset,
        .append_ms = p->append_ms,
        .key = copied(&p->key, p->has_key),
        .value = copied(&p->value, p->has_value),
        .quarantine_sqlstate = "TM001",
        .quarantine_detail =
            "passed by an operator: a rule set this release "
            "lacks",
    };
    struct ledger_range range = {.partition = p->id.partition,
                                 .from = p->position.position,
                                 .to = p->id.offset + 1};
    struct ledger_batch batch = {
        .records = &record, .count = 1, .ranges = &range, .range_count = 1};

    (void)record_header_parse(bytes_text(p->header), &chain, &rules);
    record.chain = &chain;
    record_fingerprint(record.key, record.value, p->append_ms,
                       range.last_sha256);
    ledger_write(p->ledger, &batch, on_written, p);
    if (command_run_until(loop, &p->written, 30000) < 0)
        return command_fail(COMMAND_TEMPORARY, "no answer from the database");
    if (p->outcome != LEDGER_WRITTEN)
        return command_fail(COMMAND_TEMPORARY, "not written: %s", p->why);
    step_say("passed",
             "passed: the record is in quarantine, its partition goes on");
    return COMMAND_OK;
}

static int pass_at_position(struct pass *p)
{
    int rc;

    if (p->rc < 0 || !p->position.known)
        return command_fail(COMMAND_UNAVAILABLE, "the position is not known");
    rc = find_first(p);
    if (rc != 0)
        return rc;
    step_say("record", "record %d-%d-%" PRId64 ", header \"%s\", %zu bytes",
             p->id.log, p->id.partition, p->id.offset, p->header,
             p->value.count);
    if (!execute) {
        step_say("preview",
                 "this was a preview: --execute writes it as quarantined");
        return COMMAND_OK;
    }
    return write_pass(p);
}

static int pass(struct pass *p)
{
    static const struct ledger_events events = {on_up, on_down};
    struct ledger_options o = {.url = database_url,
                               .application_name = "tidemill-verifier/pass",
                               .log = p->id.log};
    struct loop *loop = database_loop(p->c->db);
    int rc;

    if (p->id.log != p->c->log || p->id.partition >= p->c->partition_count)
        return command_fail(COMMAND_DATA, "the log in use is %d", p->c->log);
    rc = schema_require(p->c->db);
    if (rc != 0)
        return rc;
    rc = ledger_open(loop, &o, &events, p, &p->ledger);
    if (rc == 0)
        rc = command_run_until(loop, &p->up, 15000);
    if (rc == 0) {
        ledger_positions(p->ledger, &p->id.partition, 1, on_position, p);
        rc = command_run_until(loop, &p->positioned, 15000);
    }
    if (rc < 0)
        return command_fail(COMMAND_UNAVAILABLE, "postgresql: %s",
                            ledger_why(p->ledger));
    return pass_at_position(p);
}

static int run_pass(int argc, char **argv)
{
    struct cluster *c;
    struct pass p = {.found = false};
    int rc;

    if (argc != 2 || record_id_parse(bytes_text(argv[1]), &p.id) < 0)
        return command_fail(COMMAND_USAGE,
                            "name one record, such as 1-7-88123");
    c = calloc(1, sizeof(*c));
    CHECK(c != NULL);
    p.c = c;
    buffer_init(&p.key, 1 << 20);
    buffer_init(&p.value, 16 << 20);
    step_as_json(json);
    rc = cluster_open(c, brokers, database_url, topic_submitted);
    if (rc == 0)
        rc = pass(&p);
    ledger_close(p.ledger);
    cluster_close(c);
    buffer_fini(&p.key);
    buffer_fini(&p.value);
    free(c);
    return rc;
}

static const struct command_option options[] = {
    COMMAND_FLAG("execute", &execute, "do it; without it, a preview"),
    COMMAND_FLAG("json", &json, "one JSON object a step"),
};

const struct command command_log_pass = {
    .name = "log pass",
    .usage = "[--execute] [--json] RECORD",
    .help =
        "quarantines the one record a partition stopped at\n"
        "For a record of a rule set that no release will have. If there is a "
        "newer release,\nstart its verifiers instead: they judge the record.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run_pass,
};
