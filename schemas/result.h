/*
 * schemas/result.h: the one JSON object that tells the world about a record.
 *
 * The verifier encodes it once; the same bytes travel through Kafka, Redis and
 * the WebSocket frame. Its members always stand in this order and are never
 * absent:
 *
 *   {"id":"1-7-88123","type":"verified","chain":"eip155:1","hash":"0x..",
 *    "sender":"0x..","recipient":"0x..","amount":"1000000000000000000",
 *    "reason":null,"accepted_at":1763720000123}
 *
 * then `payload_sha256` (rejected, quarantined) or `of` (duplicate).
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_RESULT_H
#define SCHEMAS_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/reason.h"
#include "schemas/record.h"

#define RESULT_BYTES_MAX 4096

enum result_type {
    RESULT_VERIFIED,
    RESULT_REJECTED,
    RESULT_DUPLICATE,
    RESULT_QUARANTINED
};

struct result {
    struct record_id id;
    enum result_type type;
    const char *chain;      /* name; NULL when unknown */
    struct bytes hash;      /* 32 bytes, or data NULL */
    struct bytes sender;    /* raw, or data NULL */
    struct bytes recipient; /* raw, or data NULL */
    bool has_amount;
    uint8_t amount[32];          /* big-endian */
    enum reason reason;          /* rejected: why; otherwise REASON_NONE */
    int64_t accepted_at_ms;      /* append time of the record, UTC */
    struct bytes payload_sha256; /* rejected, quarantined: 32 bytes */
    struct record_id of;         /* duplicate: the record that was first */
};

/*
 * Appends the JSON, at most RESULT_BYTES_MAX bytes.
 *
 * Returns 0, or FAIL_FULL and nothing was appended.
 */
int result_encode(const struct result *r, struct buffer *out) MUST_CHECK;

/* "verified", "rejected", ... Static. */
const char *result_type_name(enum result_type type);

/* The text of a result that routing needs; slices of the JSON. */
struct result_view {
    struct record_id id;
    enum result_type type;
    struct bytes chain; /* each: data NULL when null */
    struct bytes hash;
    struct bytes sender;
    struct bytes recipient;
    int64_t accepted_at_ms;
};

/*
 * Reads a result made by result_encode() of this release or a later one:
 * further members at the end are let through.
 *
 * Returns 0, or FAIL_MALFORMED.
 */
int result_view_parse(struct bytes json, struct result_view *out) MUST_CHECK;

#endif
