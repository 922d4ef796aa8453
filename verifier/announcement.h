/*
 * verifier/announcement.h: what the results topic is told about one record.
 *
 * The row decides what is said; today's verdict only fills the fields. The same
 * record and row always give the same bytes, whoever announces them.
 *
 * Thread: any. Pure.
 */
#ifndef VERIFIER_ANNOUNCEMENT_H
#define VERIFIER_ANNOUNCEMENT_H

#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/chain.h"
#include "schemas/record.h"
#include "verifier/judge.h"
#include "verifier/ledger.h"

/* A record with its row. Everything is borrowed. */
struct announcement {
    struct record_id id;
    const struct chain *chain;
    int64_t append_ms;
    struct bytes key, value;
    const struct verdict *verdict; /* of today */
    enum ledger_kind kind;         /* what its row says; never NO_ROW */
    enum reason reason;            /* with LEDGER_REJECTED */
    struct record_id of;           /* with LEDGER_DUPLICATE */
};

/*
 * Replaces what `out` holds by the result; RESULT_BYTES_MAX is enough for it.
 */
void announcement_encode(const struct announcement *a, struct buffer *out);

/* The key of that result: the record's, if it is one of ours; else none. */
struct bytes announcement_key(const struct announcement *a);

#endif
