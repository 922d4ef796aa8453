/*
 * verifier/command/quarantine.c: `tidemill quarantine list` and `show`.
 *
 * From: deploy/ctl/main.c.
 * To:   verifier/command/quarantine_record.c; standard output.
 */
#include "verifier/command/quarantine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "schemas/json_writer.h"
#include "schemas/names.h"
#include "verifier/command/quarantine_record.h"

#define JSON_BYTES_MAX (64 << 20)
#define TIME_TEXT_MAX 32

static const char *brokers, *database_url, *topic;
static const char *sqlstate;
static long long limit = 100;
static bool json;

static const struct setting settings[] = {
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "brokers to ask first, host:port,host:port"),
    SETTING_TEXT_ALIAS("DATABASE_URL", "DATABASE_URL", &database_url, NULL,
                       "PostgreSQL, as a URL; without it PGHOST and the like"),
    SETTING_TEXT("TOPIC_SUBMITTED", &topic, NAMES_TOPIC_SUBMITTED,
                 "topic of what was accepted"),
};

static const struct command_option list_options[] = {
    COMMAND_COUNT("limit", &limit, 1, 100000, "so many of the newest (100)"),
    COMMAND_TEXT("sqlstate", &sqlstate, "CODE", "only those refused with it"),
    COMMAND_FLAG("json", &json, "one JSON object a line"),
};

static const struct command_option show_options[] = {
    COMMAND_FLAG("json", &json, "one JSON object a line"),
};

static const char *time_text(int64_t ms, char out[TIME_TEXT_MAX])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(out, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

/* ---- list ---- */

#define LIST                                                                   \
    "SELECT log, partition, off, accepted_at, sqlstate, detail, "              \
    "payload_sha256, octet_length(payload) FROM tidemill.quarantine "          \
    "WHERE $2::text = '' OR sqlstate = $2 "                                    \
    "ORDER BY accepted_at DESC, log DESC, partition, off DESC LIMIT $1"

static void add_hex(struct json_writer *w, const char *name, struct bytes b)
{
    json_writer_name(w, name);
    json_writer_hex(w, b);
}

static void add_text(struct json_writer *w, const char *name, const char *text)
{
    json_writer_name(w, name);
    json_writer_text(w, text);
}

static void add_int(struct json_writer *w, const char *name, int64_t value)
{
    json_writer_name(w, name);
    json_writer_int(w, value);
}

static void list_json(const struct postgres_answer *a, int row,
                      const char *record)
{
    struct json_writer w;
    struct buffer b;

    buffer_init(&b, JSON_BYTES_MAX);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    add_text(&w, "record", record);
    add_int(&w, "accepted_at", postgres_cell_i64(a, row, 3, 0));
    add_text(&w, "sqlstate", postgres_cell_text(a, row, 4));
    add_text(&w, "detail", postgres_cell_text(a, row, 5));
    add_hex(&w, "payload_sha256", postgres_cell(a, row, 6));
    json_writer_name(&w, "bytes");
    if (postgres_cell(a, row, 7).data == NULL)
        json_writer_null(&w);
    else
        json_writer_int(&w, postgres_cell_i32(a, row, 7, 0));
    json_writer_end(&w);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}

static void take_list(void *arg, const struct postgres_answer *a)
{
    char record[RECORD_ID_TEXT_MAX], at[TIME_TEXT_MAX];
    struct record_id id;
    int i;

    *(int *)arg = a->rows;
    for (i = 0; i < a->rows; i++) {
        id = (struct record_id){postgres_cell_i32(a, i, 0, 0),
                                postgres_cell_i32(a, i, 1, 0),
                                postgres_cell_i64(a, i, 2, 0)};
        record_id_format(id, record);
        if (json)
            list_json(a, i, record);
        else
            printf("%-16s %s  %s  %s\n", record,
                   time_text(postgres_cell_i64(a, i, 3, 0), at),
                   postgres_cell_text(a, i, 4), postgres_cell_text(a, i, 5));
    }
}

static int run_list(int argc, char **argv)
{
    uint8_t at[8];
    struct postgres_param params[] = {
        postgres_i64(limit, at),
        postgres_text(sqlstate == NULL ? "" : sqlstate),
    };
    struct database *db = NULL;
    int count = 0, rc;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE, "takes no operands");
    rc = database_open(database_url, &db);
    if (rc < 0)
        return command_exit_code(rc);
    rc = database_run(db, LIST, params, 2, take_list, &count);
    if (rc < 0)
        rc = command_fail(command_exit_code(rc), "quarantine: %s",
                          database_why(db));
    else if (!json && count == 0)
        printf("nothing is in quarantine\n");
    else if (!json && count == limit)
        printf("and perhaps more: --limit=N\n");
    database_close(db);
    return rc;
}

/* ---- show ---- */

static const char *today(const struct quarantine_record *q)
{
    if (!quarantine_record_has_payload(q))
        return "its bytes are gone: longer than the table keeps, and expired";
    if (!q->judged)
        return "not judged: of a rule set that this release lacks";
    return q->verdict.verified ? "verified" : reason_name(q->verdict.reason);
}

static void print_hex(const char *name, struct bytes b)
{
    size_t i;

    printf("%-9s ", name);
    if (b.data == NULL)
        printf("none");
    else
        printf("0x");
    for (i = 0; i < b.count; i++)
        printf("%02x", b.data[i]);
    printf("\n");
}

static void show_text(const struct quarantine_record *q)
{
    char record[RECORD_ID_TEXT_MAX], at[TIME_TEXT_MAX];
    char header[RECORD_HEADER_MAX + 1];
    uint8_t key[RECORD_KEY_BYTES];
    struct bytes h = quarantine_record_header(q, header);

    record_id_format(q->id, record);
    printf("record    %s\n", record);
    printf("accepted  %s\n", time_text(q->accepted_at_ms, at));
    printf("refused   %s %s\n", q->sqlstate, q->detail);
    printf("topic     %s\n", q->in_topic ? "still has it" : "has it no more");
    printf("header    %.*s\n", (int)h.count,
           h.data == NULL ? "" : (char *)h.data);
    printf("today     %s", today(q));
    if (q->judged)
        printf(", %s rule set %d", q->chain.name, q->rules);
    printf("\n");
    if (q->judged && q->verdict.tx.has_id)
        print_hex("hash", bytes_of(q->verdict.tx.id, 32));
    if (q->has_row) {
        record_id_format(q->row, record);
        printf("row       %s: this transaction was stored by another record\n",
               record);
    }
    print_hex("key", quarantine_record_key(q, key));
    print_hex("sha256", bytes_of(q->payload_sha256, 32));
    print_hex("payload", quarantine_record_value(q));
}

static void show_json(const struct quarantine_record *q)
{
    char record[RECORD_ID_TEXT_MAX], header[RECORD_HEADER_MAX + 1];
    uint8_t key[RECORD_KEY_BYTES];
    bool named = q->judged && q->verdict.tx.has_id;
    struct json_writer w;
    struct buffer b;

    buffer_init(&b, JSON_BYTES_MAX);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    record_id_format(q->id, record);
    add_text(&w, "record", record);
    add_int(&w, "accepted_at", q->accepted_at_ms);
    add_text(&w, "sqlstate", q->sqlstate);
    add_text(&w, "detail", q->detail);
    json_writer_name(&w, "in_topic");
    json_writer_bool(&w, q->in_topic);
    json_writer_name(&w, "header");
    json_writer_bytes(&w, quarantine_record_header(q, header));
    add_text(&w, "today", today(q));
    add_text(&w, "chain", q->judged ? q->chain.name : NULL);
    add_hex(&w, "hash", named ? bytes_of(q->verdict.tx.id, 32) : BYTES_NONE);
    record_id_format(q->row, record);
    add_text(&w, "row", q->has_row ? record : NULL);
    add_hex(&w, "key", quarantine_record_key(q, key));
    add_hex(&w, "payload_sha256", bytes_of(q->payload_sha256, 32));
    add_hex(&w, "payload", quarantine_record_value(q));
    json_writer_end(&w);
    printf("%s\n", buffer_text(&b));
    buffer_fini(&b);
}

static int show(struct cluster *c, struct record_id id)
{
    struct quarantine_record q;
    struct judge *judge;
    int rc;

    if (judge_open(&judge) < 0)
        return command_fail(COMMAND_SOFTWARE, "no judge");
    rc = quarantine_record_read(c, judge, id, &q);
    if (rc == 0) {
        (json ? show_json : show_text)(&q);
        quarantine_record_fini(&q);
    }
    judge_close(judge);
    return rc;
}

static int run_show(int argc, char **argv)
{
    struct cluster *c;
    struct record_id id;
    int rc;

    if (argc != 2 || record_id_parse(bytes_text(argv[1]), &id) < 0)
        return command_fail(COMMAND_USAGE,
                            "name one record, such as 1-7-88123");
    c = calloc(1, sizeof(*c));
    CHECK(c != NULL);
    rc = cluster_open(c, brokers, database_url, topic);
    if (rc == 0)
        rc = show(c, id);
    cluster_close(c);
    free(c);
    return rc;
}

#define COUNT(options) (sizeof(options) / sizeof(options[0]))

const struct command command_quarantine_list = {
    .name = "quarantine list",
    .usage = "[--limit=N] [--sqlstate=CODE] [--json]",
    .help = "records that the database refused, newest first",
    .options = list_options,
    .options_count = COUNT(list_options),
    .settings = settings,
    .settings_count = COUNT(settings),
    .run = run_list,
};

const struct command command_quarantine_show = {
    .name = "quarantine show",
    .usage = "[--json] RECORD",
    .help =
        "one of them: why it was refused, what it is, and its bytes\n"
        "Also says what we judge of it today, and whether its transaction was "
        "stored\nsince.",
    .options = show_options,
    .options_count = COUNT(show_options),
    .settings = settings,
    .settings_count = COUNT(settings),
    .run = run_show,
};
