/*
 * schemas/record.h: what stands around the bytes of a record: its key, its
 * header, its name and its fingerprint.
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_RECORD_H
#define SCHEMAS_RECORD_H

#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/chain.h"

#define RECORD_KEY_BYTES 36
#define RECORD_HEADER_NAME "tm"
#define RECORD_HEADER_MAX 64 /* bytes of the header's value */

/* Writes the key: 4 bytes of the chain, 32 of the transaction id. */
void record_key(const struct chain *chain, const uint8_t id[32],
                uint8_t out[RECORD_KEY_BYTES]);

/*
 * Writes "1;<chain name>;<rule set>" and a NUL. `rules` is 1..65535.
 * Returns the length.
 */
int record_header_format(const struct chain *chain, int rules,
                         char out[RECORD_HEADER_MAX + 1]);

enum record_header {
    RECORD_HEADER_GOOD,    /* judge by the chain and rule set it names */
    RECORD_HEADER_FOREIGN, /* judge by the log's default chain and rule set */
    RECORD_HEADER_NEWER    /* this partition stops: we lack the rule set */
};

/*
 * Reads the value of a `tm` header; `data` NULL means there is none. The
 * outputs are written for GOOD and NEWER. A namespace without any rule set in
 * this release is FOREIGN, like everything that is not exactly our format.
 */
enum record_header record_header_parse(struct bytes header,
                                       struct chain *out_chain, int *out_rules);

/*
 * The ledger's last_sha256: SHA-256 over be32(key bytes) key be32(value bytes)
 * value be64(append time). `data` NULL is a null: length ffffffff, no bytes.
 */
void record_fingerprint(struct bytes key, struct bytes value, int64_t append_ms,
                        uint8_t out[32]);

/* The name of a record, for ever: "1-7-88123". */
struct record_id {
    int32_t log;
    int32_t partition;
    int64_t offset;
};

#define RECORD_ID_TEXT_MAX 48

/* Writes the text of `id`, whose parts are not negative. Returns its length. */
int record_id_format(struct record_id id, char out[RECORD_ID_TEXT_MAX]);

/*
 * Reads three decimal numbers without leading zeros.
 *
 * Returns 0, or FAIL_MALFORMED (also when one does not fit its type).
 */
int record_id_parse(struct bytes text, struct record_id *out) MUST_CHECK;

#endif
