/*
 * verifier/announcement.c: from a record and its row to a result.
 *
 * From: verifier/announce.c, which sends it.
 * To:   schemas/result.c.
 */
#include "verifier/announcement.h"

#include <string.h>

#include "schemas/hash.h"
#include "schemas/result.h"

/* Fields of a transaction that is verified, now or by an earlier record. */
static void fill_transaction(struct result *r, const struct transaction *tx)
{
    struct bytes sender = transaction_sender(tx);

    if (sender.count > 0)
        r->sender = sender;
    r->recipient = transaction_recipient(tx);
    if (!tx->has_id)
        return;
    r->hash = bytes_of(tx->id, sizeof(tx->id));
    r->has_amount = true;
    memcpy(r->amount, tx->amount, sizeof(r->amount));
}

void announcement_encode(const struct announcement *a, struct buffer *out)
{
    const struct transaction *tx = &a->verdict->tx;
    uint8_t sha256[32];
    struct result r = {
        .id = a->id,
        .chain = a->chain->name,
        .accepted_at_ms = a->append_ms,
    };

    switch (a->kind) {
    case LEDGER_VERIFIED:
        r.type = RESULT_VERIFIED;
        fill_transaction(&r, tx);
        break;
    case LEDGER_DUPLICATE:
        r.type = RESULT_DUPLICATE;
        r.of = a->of;
        fill_transaction(&r, tx);
        break;
    case LEDGER_REJECTED:
        /* A rejection speaks in the name of an id only where the id covers
         * every byte that was judged. */
        r.type = RESULT_REJECTED;
        r.reason = a->reason;
        if (tx->has_id && tx->id_covers_all)
            r.hash = bytes_of(tx->id, sizeof(tx->id));
        break;
    case LEDGER_QUARANTINED:
        r.type = RESULT_QUARANTINED;
        break;
    case LEDGER_NO_ROW:
        CHECK(false);
    }
    if (r.type == RESULT_REJECTED || r.type == RESULT_QUARANTINED) {
        hash_sha256(a->value, sha256);
        r.payload_sha256 = bytes_of(sha256, 32);
    }
    buffer_clear(out);
    CHECK(result_encode(&r, out) == 0);
}

struct bytes announcement_key(const struct announcement *a)
{
    return a->key.count == RECORD_KEY_BYTES ? a->key : BYTES_NONE;
}
