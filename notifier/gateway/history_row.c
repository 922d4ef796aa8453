/*
 * notifier/gateway/history_row.c: cells into JSON.
 *
 * From: notifier/gateway/history.c, with an answer of the database.
 * To:   clients, by schemas/result.h, so that a row and its announcement cannot
 *       differ.
 */
#include "notifier/gateway/history_row.h"

#include "consumer/base/postgres_array.h"
#include "notifier/gateway/history_sql.h"
#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/json_writer.h"
#include "schemas/result.h"

static int read_transaction(const struct postgres_answer *a, int row,
                            struct result *out);
static int append(struct buffer *out, const struct result *r);
static struct bytes nonempty(struct bytes b);

int history_row_transaction(const struct postgres_answer *a, int row,
                            struct buffer *out)
{
    struct result r;
    int rc = read_transaction(a, row, &r);

    return rc < 0 ? rc : append(out, &r);
}

int history_row_rejection(const struct postgres_answer *a, int row,
                          struct buffer *out)
{
    struct result r = {
        .id = {postgres_cell_i32(a, row, HISTORY_R_LOG, -1),
               postgres_cell_i32(a, row, HISTORY_R_PARTITION, -1),
               postgres_cell_i64(a, row, HISTORY_R_OFF, -1)},
        .type = RESULT_REJECTED,
        .hash = postgres_cell(a, row, HISTORY_R_HASH),
        .reason = reason_find(postgres_cell(a, row, HISTORY_R_REASON)),
        .accepted_at_ms = postgres_cell_i64(a, row, HISTORY_R_ACCEPTED_AT, -1),
        .payload_sha256 = postgres_cell(a, row, HISTORY_R_SHA256),
    };

    if (postgres_cell(a, row, HISTORY_R_CHAIN).data != NULL)
        r.chain = postgres_cell_text(a, row, HISTORY_R_CHAIN);
    if (r.id.log < 0 || r.id.partition < 0 || r.id.offset < 0 ||
        r.reason == REASON_NONE || r.payload_sha256.count != 32)
        return FAIL_MALFORMED;
    return append(out, &r);
}

int history_row_detail(const struct postgres_answer *a, int row,
                       struct buffer *out)
{
    char record[RECORD_ID_TEXT_MAX], amount[AMOUNT_TEXT_MAX + 1];
    struct json_writer w;
    struct result r;
    int rc = read_transaction(a, row, &r);

    if (rc < 0)
        return rc;
    record_id_format(r.id, record);
    amount_format(r.amount, amount);
    json_writer_init(&w, out);
    json_writer_object(&w);
    json_writer_name(&w, "chain");
    json_writer_text(&w, r.chain);
    json_writer_name(&w, "hash");
    json_writer_hex(&w, r.hash);
    json_writer_name(&w, "alias");
    json_writer_hex(&w, nonempty(postgres_cell(a, row, HISTORY_T_ALIAS)));
    json_writer_name(&w, "state");
    json_writer_text(&w, "verified");
    json_writer_name(&w, "record");
    json_writer_text(&w, record);
    json_writer_name(&w, "block_height");
    json_writer_null(&w);
    json_writer_name(&w, "sender");
    json_writer_hex(&w, r.sender);
    json_writer_name(&w, "recipient");
    json_writer_hex(&w, r.recipient);
    json_writer_name(&w, "amount");
    json_writer_text(&w, amount);
    json_writer_name(&w, "nonce");
    if (postgres_cell(a, row, HISTORY_T_NONCE).data == NULL)
        json_writer_null(&w);
    else
        json_writer_bytes(&w, postgres_cell(a, row, HISTORY_T_NONCE));
    json_writer_name(&w, "currency");
    if (postgres_cell(a, row, HISTORY_T_CURRENCY).data == NULL)
        json_writer_null(&w);
    else
        json_writer_bytes(&w, postgres_cell(a, row, HISTORY_T_CURRENCY));
    json_writer_name(&w, "signature");
    json_writer_hex(&w, postgres_cell(a, row, HISTORY_T_SIGNATURE));
    json_writer_name(&w, "payload");
    json_writer_hex(&w, postgres_cell(a, row, HISTORY_T_PAYLOAD));
    json_writer_name(&w, "accepted_at");
    json_writer_int(&w, r.accepted_at_ms);
    json_writer_name(&w, "timeline");
    json_writer_array(&w);
    json_writer_object(&w);
    json_writer_name(&w, "state");
    json_writer_text(&w, "accepted");
    json_writer_name(&w, "at");
    json_writer_int(&w, r.accepted_at_ms);
    json_writer_end(&w);
    /* When it was verified is not in the row; that it was, is. */
    json_writer_object(&w);
    json_writer_name(&w, "state");
    json_writer_text(&w, "verified");
    json_writer_name(&w, "at");
    json_writer_null(&w);
    json_writer_end(&w);
    json_writer_end(&w);
    json_writer_end(&w);
    return out->overflow ? FAIL_FULL : 0;
}

static int read_transaction(const struct postgres_answer *a, int row,
                            struct result *out)
{
    struct bytes amount = postgres_cell(a, row, HISTORY_T_AMOUNT);

    *out = (struct result){
        .id = {postgres_cell_i32(a, row, HISTORY_T_LOG, -1),
               postgres_cell_i32(a, row, HISTORY_T_PARTITION, -1),
               postgres_cell_i64(a, row, HISTORY_T_OFF, -1)},
        .type = RESULT_VERIFIED,
        .hash = postgres_cell(a, row, HISTORY_T_HASH),
        .sender = nonempty(postgres_cell(a, row, HISTORY_T_SENDER)),
        .recipient = nonempty(postgres_cell(a, row, HISTORY_T_RECIPIENT)),
        .has_amount = true,
        .accepted_at_ms = postgres_cell_i64(a, row, HISTORY_T_ACCEPTED_AT, -1),
    };
    if (postgres_cell(a, row, HISTORY_T_CHAIN).data != NULL)
        out->chain = postgres_cell_text(a, row, HISTORY_T_CHAIN);
    if (out->id.log < 0 || out->id.partition < 0 || out->id.offset < 0 ||
        out->hash.count != 32)
        return FAIL_MALFORMED;
    return postgres_numeric_parse(amount, out->amount);
}

static int append(struct buffer *out, const struct result *r)
{
    size_t before = out->count;

    if (before > 0 && buffer_append_byte(out, ',') < 0)
        return FAIL_FULL;
    if (result_encode(r, out) == 0)
        return 0;
    out->count = before;
    return FAIL_FULL;
}

static struct bytes nonempty(struct bytes b)
{
    return b.count == 0 ? BYTES_NONE : b;
}
