/*
 * verifier/command/quarantine_retry.c: `tidemill quarantine retry`: the same
 * bytes again, as a new record.
 *
 *      1-3-118 in quarantine  ->  tx.submitted  ->  1-3-40211, judged anew
 *
 * The old record keeps its row and its announcement: its id has said
 * `quarantined` once, and a client would drop anything else under it as a
 * repeat. Bytes, key and header are those of the record where the topic still
 * has it; else the row's bytes, with the key and header a door would give them.
 *
 * From: deploy/ctl/main.c.
 * To:   consumer/outlet.c, into tx.submitted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/loop.h"
#include "consumer/outlet.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"
#include "verifier/command/quarantine.h"
#include "verifier/command/quarantine_record.h"

#define MESSAGE_TIMEOUT_MS 30000
#define CLOSE_MS 5000

static const char *brokers, *database_url, *topic;
static bool execute, json;

static const struct setting settings[] = {
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "brokers to ask first, host:port,host:port"),
    SETTING_TEXT_ALIAS("DATABASE_URL", "DATABASE_URL", &database_url, NULL,
                       "PostgreSQL, as a URL; without it PGHOST and the like"),
    SETTING_TEXT("TOPIC_SUBMITTED", &topic, NAMES_TOPIC_SUBMITTED,
                 "topic of what was accepted"),
};

static const struct command_option options[] = {
    COMMAND_FLAG("execute", &execute, "do it; without it, a preview"),
    COMMAND_FLAG("json", &json, "one JSON object a line"),
};

struct retry {
    struct cluster c;
    struct judge *judge;
    struct outlet *outlet;
    bool reported;
    struct outlet_report report;
    char why[256];
};

/* ---- sending ---- */

static void on_reported(void *arg, const struct outlet_report *r)
{
    struct retry *t = arg;

    t->reported = true;
    t->report = *r;
    snprintf(t->why, sizeof(t->why), "%s", r->why);
}

static int open_outlet(struct retry *t)
{
    const char *const topics[] = {t->c.topic};
    struct outlet_options o = {
        .loop = database_loop(t->c.db),
        .config = &t->c.config,
        .name = "command.retry",
        .topics = topics,
        .topic_count = 1,
        .header = NAMES_HEADER_RECORD,
        .linger_ms = kafka_linger_ms(1),
        .message_timeout_ms = MESSAGE_TIMEOUT_MS,
    };
    int rc = outlet_open(&o, &t->outlet);

    return rc == 0 ? 0
                   : command_fail(command_exit_code(rc), "kafka: %s",
                                  fail_words(rc));
}

/* Sends it and waits. 0 and t->report, or a command_exit. */
static int send(struct retry *t, const struct quarantine_record *q)
{
    char header[RECORD_HEADER_MAX + 1];
    uint8_t key[RECORD_KEY_BYTES];
    int rc;

    t->reported = false;
    rc = outlet_send(t->outlet, 0, -1, quarantine_record_key(q, key),
                     quarantine_record_value(q),
                     quarantine_record_header(q, header), on_reported, t);
    if (rc < 0)
        return command_fail(command_exit_code(rc), "not sent: %s",
                            fail_words(rc));
    rc = command_run_until(database_loop(t->c.db), &t->reported,
                           MESSAGE_TIMEOUT_MS + 5000);
    if (rc < 0 || t->report.outcome == OUTLET_UNKNOWN)
        return command_fail(COMMAND_TEMPORARY,
                            "no broker said what became of it: look whether "
                            "it is there before sending it again%s%s",
                            rc < 0 ? "" : ": ", rc < 0 ? "" : t->why);
    if (t->report.outcome != OUTLET_PERSISTED)
        return command_fail(COMMAND_UNAVAILABLE, "not stored: %s", t->why);
    return 0;
}

/* ---- one record ---- */

static void say(const struct retry *t, const struct quarantine_record *q)
{
    char record[RECORD_ID_TEXT_MAX], fresh[RECORD_ID_TEXT_MAX] = "";
    const char *today = !q->judged            ? "not judged by this release"
                        : q->verdict.verified ? "verified"
                                              : reason_name(q->verdict.reason);

    record_id_format(q->id, record);
    if (execute)
        record_id_format((struct record_id){t->c.log, t->report.partition,
                                            t->report.offset},
                         fresh);
    if (json)
        printf(
            "{\"record\":\"%s\",\"sent\":%s,\"as\":%s%s%s,\"today\":\"%s\","
            "\"stored_since\":%s}\n",
            record, execute ? "true" : "false", execute ? "\"" : "",
            execute ? fresh : "null", execute ? "\"" : "", today,
            q->has_row ? "true" : "false");
    else
        printf("%s %s%s (%s%s)\n", record,
               execute ? "was sent again as " : "would be sent again", fresh,
               today,
               q->has_row ? "; its transaction is stored: a duplicate" : "");
    fflush(stdout);
}

static int retry_one(struct retry *t, struct record_id id)
{
    char record[RECORD_ID_TEXT_MAX];
    struct quarantine_record q;
    int rc = quarantine_record_read(&t->c, t->judge, id, &q);

    if (rc != 0)
        return rc;
    record_id_format(id, record);
    if (!quarantine_record_has_payload(&q))
        rc = command_fail(COMMAND_DATA,
                          "%s: its bytes are nowhere any more: longer than "
                          "the table keeps, and expired in the topic",
                          record);
    else if (execute)
        rc = send(t, &q);
    if (rc == 0)
        say(t, &q);
    quarantine_record_fini(&q);
    return rc;
}

/* ---- all of them ---- */

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void close_outlet(struct retry *t)
{
    bool closed = false;

    if (t->outlet == NULL)
        return;
    outlet_close(t->outlet, CLOSE_MS, on_closed, &closed);
    (void)loop_run_until(database_loop(t->c.db), &closed, CLOSE_MS + 5000);
}

static int retry_all(struct retry *t, const struct record_id *ids, int count)
{
    int rc = 0, i;

    if (judge_open(&t->judge) < 0)
        return command_fail(COMMAND_SOFTWARE, "no judge");
    if (execute)
        rc = open_outlet(t);
    for (i = 0; i < count && rc == 0; i++)
        rc = retry_one(t, ids[i]);
    if (rc == 0 && !execute && !json)
        printf("this was a preview: --execute sends\n");
    close_outlet(t);
    judge_close(t->judge);
    return rc;
}

static int run(int argc, char **argv)
{
    int count = argc - 1, i, rc = 0;
    struct record_id *ids = calloc((size_t)argc, sizeof(*ids));
    struct retry *t = calloc(1, sizeof(*t));

    CHECK(ids != NULL && t != NULL);
    for (i = 0; i < count && rc == 0; i++)
        if (record_id_parse(bytes_text(argv[i + 1]), &ids[i]) < 0)
            rc =
                command_fail(COMMAND_USAGE, "\"%s\" is no record", argv[i + 1]);
    if (count == 0)
        rc = command_fail(COMMAND_USAGE,
                          "name records, such as 1-7-88123; `tidemill "
                          "quarantine list` has them");
    if (rc == 0) {
        rc = cluster_open(&t->c, brokers, database_url, topic);
        if (rc == 0)
            rc = retry_all(t, ids, count);
        cluster_close(&t->c);
    }
    free(t);
    free(ids);
    return rc;
}

const struct command command_quarantine_retry = {
    .name = "quarantine retry",
    .usage = "[--execute] [--json] RECORD…",
    .help =
        "sends the same bytes again: a new record, a new id\n"
        "Mend what the database refused first (quarantine show). The old "
        "record keeps its\nrow. Stops at the first that cannot be sent.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
