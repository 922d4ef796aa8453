/*
 * verifier/command/quarantine_record.c: from a record's id to all that is known
 * of it.
 *
 * The topic is asked before the row is believed to have all bytes: it also has
 * the key and the header. Bytes there that have another SHA-256 than the row
 * are of another log (recreated, adopted) and are not used.
 *
 * From: verifier/command/quarantine.c, quarantine_retry.c.
 * To:   the table, the topic, verifier/judge.c.
 */
#include "verifier/command/quarantine_record.h"

#include <stdio.h>
#include <string.h>

#include "schemas/hash.h"

#define PAYLOAD_BYTES_MAX (16 << 20)

#define ROW                                                                    \
    "SELECT sqlstate, detail, accepted_at, payload_sha256, payload "           \
    "FROM tidemill.quarantine "                                                \
    "WHERE log = $1 AND partition = $2 AND off = $3"

static void take_row(void *arg, const struct postgres_answer *a)
{
    struct quarantine_record *q = arg;
    struct bytes sha256 = postgres_cell(a, 0, 3);
    struct bytes payload = postgres_cell(a, 0, 4);

    if (a->rows == 0)
        return;
    snprintf(q->sqlstate, sizeof(q->sqlstate), "%s",
             postgres_cell_text(a, 0, 0));
    snprintf(q->detail, sizeof(q->detail), "%s", postgres_cell_text(a, 0, 1));
    q->accepted_at_ms = postgres_cell_i64(a, 0, 2, 0);
    if (sha256.count == sizeof(q->payload_sha256))
        memcpy(q->payload_sha256, sha256.data, sha256.count);
    q->stored = payload.data != NULL;
    q->has_value = q->stored;
    buffer_append_bytes(&q->payload, payload);
}

static int read_row(struct cluster *c, struct quarantine_record *q)
{
    uint8_t at[3][8];
    struct postgres_param params[] = {
        postgres_i32(q->id.log, at[0]),
        postgres_i32(q->id.partition, at[1]),
        postgres_i64(q->id.offset, at[2]),
    };
    char text[RECORD_ID_TEXT_MAX];
    int rc = cluster_ask(c, ROW, params, 3, take_row, q, "quarantine");

    if (rc == 0 && q->sqlstate[0] == '\0') {
        record_id_format(q->id, text);
        rc = command_fail(COMMAND_DATA,
                          "%s is not in quarantine: see `tidemill quarantine "
                          "list`",
                          text);
    }
    return rc;
}

/* ---- the topic ---- */

static void on_record(void *arg, const struct record *r)
{
    struct quarantine_record *q = arg;
    uint8_t sha256[32];

    hash_sha256(r->value.data == NULL ? BYTES_LITERAL("") : r->value, sha256);
    if (memcmp(sha256, q->payload_sha256, sizeof(sha256)) != 0)
        return;
    q->in_topic = true;
    buffer_clear(&q->payload);
    buffer_append_bytes(&q->payload, r->value);
    q->has_value = r->value.data != NULL;
    buffer_append_bytes(&q->key, r->key);
    q->has_key = r->key.data != NULL;
    q->has_header = r->header.data != NULL;
    snprintf(q->header, sizeof(q->header), "%.*s", (int)r->header.count,
             q->has_header ? (const char *)r->header.data : "");
}

static int read_topic(struct cluster *c, struct quarantine_record *q)
{
    int64_t start = 0, end = 0;

    if (q->id.log != c->log || q->id.partition >= c->partition_count)
        return 0;
    if (kafka_admin_offsets(c->admin, c->topic, q->id.partition, &start, &end) <
        0)
        return command_fail(COMMAND_UNAVAILABLE, "kafka: %s",
                            kafka_admin_why(c->admin));
    if (q->id.offset < start || q->id.offset >= end)
        return 0;
    return cluster_fetch(c, q->id.partition, q->id.offset, q->id.offset + 1,
                         on_record, q);
}

/* ---- today ---- */

static void take_defaults(void *arg, const struct postgres_answer *a)
{
    struct quarantine_record *q = arg;

    if (a->rows == 0 ||
        chain_parse(bytes_text(postgres_cell_text(a, 0, 0)), &q->chain) < 0)
        return;
    q->rules = postgres_cell_i32(a, 0, 1, 0);
}

/* Chain and rule set by its header, else by the log's default. */
static int find_rules(struct cluster *c, struct quarantine_record *q)
{
    uint8_t at[8];
    struct postgres_param log = postgres_i32(q->id.log, at);
    enum record_header said =
        record_header_parse(q->has_header ? bytes_text(q->header) : BYTES_NONE,
                            &q->chain, &q->rules);
    int rc = 0;

    if (said == RECORD_HEADER_FOREIGN)
        rc = cluster_ask(c,
                         "SELECT chain, rules::int4 FROM tidemill.logs "
                         "WHERE log = $1",
                         &log, 1, take_defaults, q, "logs");
    q->judged = said != RECORD_HEADER_NEWER && q->rules > 0 &&
                q->rules <= chain_rules_newest(q->chain.ns) &&
                quarantine_record_has_payload(q);
    return rc;
}

static void take_place(void *arg, const struct postgres_answer *a)
{
    struct quarantine_record *q = arg;

    if (a->rows == 0)
        return;
    q->has_row = true;
    q->row = (struct record_id){postgres_cell_i32(a, 0, 0, 0),
                                postgres_cell_i32(a, 0, 1, 0),
                                postgres_cell_i64(a, 0, 2, 0)};
}

static int find_place(struct cluster *c, struct quarantine_record *q)
{
    uint8_t at[8];
    struct postgres_param params[2];

    if (!q->judged || !q->verdict.tx.has_id)
        return 0;
    params[0] = postgres_bytea(bytes_of(q->verdict.tx.id, 32));
    params[1] = postgres_i64(q->chain.number, at);
    return cluster_ask(c,
                       "SELECT log, partition, off FROM tidemill.transactions "
                       "WHERE hash = $1 AND chain = $2 LIMIT 1",
                       params, 2, take_place, q, "transactions");
}

/* ---- all of it ---- */

int quarantine_record_read(struct cluster *c, const struct judge *judge,
                           struct record_id id, struct quarantine_record *out)
{
    int rc;

    memset(out, 0, sizeof(*out));
    out->id = id;
    buffer_init(&out->payload, PAYLOAD_BYTES_MAX);
    buffer_init(&out->key, PAYLOAD_BYTES_MAX);
    rc = read_row(c, out);
    if (rc == 0)
        rc = read_topic(c, out);
    if (rc == 0)
        rc = find_rules(c, out);
    if (rc == 0 && out->judged)
        judge_payload(judge, &out->chain, out->rules,
                      quarantine_record_value(out), &out->verdict);
    if (rc == 0)
        rc = find_place(c, out);
    if (rc != 0)
        quarantine_record_fini(out);
    return rc;
}

void quarantine_record_fini(struct quarantine_record *q)
{
    buffer_fini(&q->payload);
    buffer_fini(&q->key);
}

bool quarantine_record_has_payload(const struct quarantine_record *q)
{
    return q->in_topic || q->stored;
}

struct bytes quarantine_record_value(const struct quarantine_record *q)
{
    if (!q->has_value)
        return BYTES_NONE;
    return q->payload.count == 0 ? BYTES_LITERAL("")
                                 : buffer_bytes(&q->payload);
}

struct bytes quarantine_record_key(const struct quarantine_record *q,
                                   uint8_t room[RECORD_KEY_BYTES])
{
    if (q->in_topic && !q->has_key)
        return BYTES_NONE;
    if (q->in_topic)
        return q->key.count == 0 ? BYTES_LITERAL("") : buffer_bytes(&q->key);
    if (!q->judged || !q->verdict.tx.has_id)
        return BYTES_NONE;
    record_key(&q->chain, q->verdict.tx.id, room);
    return bytes_of(room, RECORD_KEY_BYTES);
}

struct bytes quarantine_record_header(const struct quarantine_record *q,
                                      char room[RECORD_HEADER_MAX + 1])
{
    int count;

    if (q->in_topic)
        return q->has_header ? bytes_text(q->header) : BYTES_NONE;
    if (q->rules <= 0)
        return BYTES_NONE;
    count = record_header_format(&q->chain, q->rules, room);
    return bytes_of(room, (size_t)count);
}
