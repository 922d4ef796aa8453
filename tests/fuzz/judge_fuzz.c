/*
 * tests/fuzz/judge_fuzz.c: header and payload of a record, as anybody may
 * write them: the first byte says how many belong to the header.
 */
#include <string.h>

#include "schemas/record.h"
#include "schemas/result.h"
#include "verifier/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

/* Whatever the verdict, it has a result. */
static void expect_result(const struct chain *chain, const struct verdict *v)
{
    struct result_view view;
    struct buffer out;
    struct result r = {
        .id = {1, 2, 3},
        .type = v->verified ? RESULT_VERIFIED : RESULT_REJECTED,
        .chain = chain->name,
        .hash = v->verified || v->tx.id_covers_all ? bytes_of(v->tx.id, 32)
                                                   : BYTES_NONE,
        .sender = v->verified ? transaction_sender(&v->tx) : BYTES_NONE,
        .recipient = transaction_recipient(&v->tx),
        .has_amount = v->tx.has_id,
        .reason = v->reason,
        .payload_sha256 = bytes_of(v->payload_sha256, 32),
    };

    memcpy(r.amount, v->tx.amount, 32);
    buffer_init(&out, RESULT_BYTES_MAX);
    CHECK(result_encode(&r, &out) == 0);
    CHECK(result_view_parse(buffer_bytes(&out), &view) == 0);
    buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    static struct judge *judge;
    struct bytes header, payload;
    struct verdict v, again;
    struct chain chain;
    int rules;

    if (judge == NULL)
        CHECK(judge_open(&judge) == 0);
    if (count == 0)
        return 0;
    header = bytes_slice(bytes_of(data, count), 1, data[0]);
    payload = bytes_slice(bytes_of(data, count), 1 + header.count, count);
    if (record_header_parse(header, &chain, &rules) != RECORD_HEADER_GOOD) {
        CHECK(chain_parse(bytes_text("eip155:1"), &chain) == 0);
        rules = 3;
    }
    judge_payload(judge, &chain, rules, payload, &v);
    judge_payload(judge, &chain, rules, payload, &again);
    CHECK(v.verified == (v.reason == REASON_NONE));
    CHECK(v.reason == again.reason && v.verified == again.verified);
    CHECK(!v.verified || v.tx.has_id);
    CHECK(!v.verified || transaction_sender(&v.tx).count > 0);
    CHECK(transaction_sender(&v.tx).count <= TRANSACTION_PARTY_MAX);
    CHECK(transaction_recipient(&v.tx).count <= TRANSACTION_PARTY_MAX);
    CHECK(!v.tx.id_covers_all || (v.tx.has_id && !v.tx.stripped));
    CHECK(
        bytes_equal(transaction_sender(&v.tx), transaction_sender(&again.tx)));
    expect_result(&chain, &v);
    return 0;
}
