/*
 * producer/esplora.c: POST one Bitcoin transaction as wallets post it to an
 * Esplora server, and get its txid.
 *
 *      62747801..   the extended form, hex
 *      70736274..   a finalized PSBT, hex; or base64, cHNidP..
 *
 *      200 the txid, once the broker has it   400 words: nothing is stored
 *      503 not stored, send again   504 nobody knows, send again: it is safe
 *
 * Such clients post hex of a transaction alone; they are told what else it
 * takes. They also send any content type, so none is asked for.
 *
 * From: producer/door.c.
 * To:   producer/submit.c; its answer comes back here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "producer/door.h"
#include "schemas/base64.h"
#include "schemas/bitcoin.h"
#include "schemas/hex.h"
#include "schemas/psbt.h"

/* An answer that is waited for. */
struct posting {
    struct http_exchange *exchange;
    char txid[65]; /* "" when the bytes have none */
};

/* Hex or base64 into the door's buffer; 0, or a FAIL_ code. */
static int decode_body(struct door *d, struct bytes text, struct bytes *out)
{
    size_t room = text.count + 1, count;
    bool base64 = psbt_is_base64(text);
    uint8_t *at;
    int rc;

    buffer_clear(&d->decode);
    at = buffer_reserve(&d->decode, room);
    CHECK(at != NULL);
    rc = base64 ? base64_decode(text, at, room, &count, NULL)
                : hex_decode(text, at, room, &count);
    if (rc == 0)
        *out = bytes_of(at, count);
    return rc;
}

static void retry_later(struct http_exchange *x, const char *words)
{
    http_add_header(x, "Retry-After", "1");
    http_reply_text(x, 503, words);
}

static void on_answer(void *arg, const struct submit_answer *a)
{
    struct posting *p = arg;
    struct http_exchange *x = p->exchange;
    char words[TRANSACTION_WORDS_MAX + 64];

    switch (a->kind) {
    case SUBMIT_ACCEPTED:
    case SUBMIT_REPEATED:
        http_reply_text(x, 200, p->txid);
        break;
    case SUBMIT_REFUSED:
        snprintf(words, sizeof(words), "%s: %s", reason_name(a->reason),
                 a->words);
        http_reply_text(x, 400, words);
        break;
    case SUBMIT_CHAIN_REQUIRED:
    case SUBMIT_NOT_SERVED:
        http_reply_text(x, 400, a->words);
        break;
    case SUBMIT_BUSY:
    case SUBMIT_AWAY:
        retry_later(x, a->words);
        break;
    case SUBMIT_UNKNOWN:
        snprintf(words, sizeof(words),
                 "%s may have been stored or not; sending it again is safe",
                 p->txid);
        http_reply_text(x, 504, words);
        break;
    }
    free(p);
}

void esplora_submit(struct door *d, const struct chain *chain,
                    struct http_exchange *x, const struct http_request *r)
{
    struct posting *p;
    struct bytes transaction;
    uint8_t txid[32];

    if (decode_body(d, bytes_trim(r->body), &transaction) < 0) {
        http_reply_text(x, 400,
                        "the body is not an even number of hex digits, and no "
                        "PSBT in base64");
        return;
    }
    p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    p->exchange = x;
    if (bitcoin_txid_of(transaction, txid) == 0)
        hex_encode(bytes_of(txid, sizeof(txid)), p->txid);
    submit_take(d->submit, chain, transaction, on_answer, p);
}
