/*
 * schemas/jws_payment.c: who gets how much.
 *
 *   recipient   a string of 1 to 96 bytes without control characters
 *   amount      "1500": the smallest unit, below 2^256
 *   nonce       "7" or 7, below 2^64; may be missing
 *   currency    1 to 32 printable characters; may be missing
 *
 * What else a payload claims is free and not read: a time in it is compared
 * with no clock, because a verdict is the same in ten years.
 *
 * From: schemas/jws.c.
 * To:   schemas/jws_object.c, schemas/amount.h.
 */
#include <string.h>

#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/base64url.h"
#include "schemas/jws_inside.h"

#define NONCE_TEXT_MAX 20 /* digits of 2^64 - 1 */

static enum reason no_payment(struct transaction_words *w, const char *what,
                              const char *why)
{
    return transaction_refuse(w, REASON_NOT_A_PAYMENT, "%s %s", what, why);
}

static enum reason read_recipient(struct json_value v, struct jws_payment *out,
                                  struct transaction_words *w)
{
    size_t count;

    if (v.type == JSON_ABSENT)
        return no_payment(w, "recipient", "is missing");
    if (json_unescape(v, out->recipient, sizeof(out->recipient), &count) < 0 ||
        count == 0)
        return no_payment(w, "recipient", "is not a string of 1 to 96 bytes");
    for (size_t i = 0; i < count; i++) {
        if (out->recipient[i] < 0x20 || out->recipient[i] == 0x7f)
            return no_payment(w, "recipient", "has a control character");
    }
    out->recipient_count = (uint8_t)count;
    return REASON_NONE;
}

static enum reason read_amount(struct json_value v, struct jws_payment *out,
                               struct transaction_words *w)
{
    uint8_t text[AMOUNT_TEXT_MAX];
    size_t count;

    if (v.type == JSON_ABSENT)
        return no_payment(w, "amount", "is missing");
    if (v.type != JSON_STRING)
        return no_payment(w, "amount", "is not a string of decimal digits");
    if (json_unescape(v, text, sizeof(text), &count) < 0)
        return no_payment(w, "amount", "has more than 78 digits");
    switch (amount_parse(bytes_of(text, count), out->amount)) {
    case 0:
        return REASON_NONE;
    case FAIL_TOO_BIG:
        return no_payment(w, "amount", "is not below 2^256");
    default:
        return no_payment(w, "amount",
                          "is not decimal digits without sign, point or "
                          "leading zero");
    }
}

/* The same digits, as a string: JavaScript has no such numbers. */
static int parse_nonce(struct bytes text, uint64_t *out)
{
    uint8_t number[AMOUNT_BYTES];
    int rc = amount_parse(text, number);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < AMOUNT_BYTES - 8; i++) {
        if (number[i] != 0)
            return FAIL_TOO_BIG;
    }
    *out = bytes_get_be64(number + AMOUNT_BYTES - 8);
    return 0;
}

static enum reason read_nonce(struct json_value v, struct jws_payment *out,
                              struct transaction_words *w)
{
    uint8_t text[NONCE_TEXT_MAX];
    size_t count;
    int rc;

    if (v.type == JSON_ABSENT)
        return REASON_NONE;
    if (v.type != JSON_STRING)
        rc = json_uint64(v, &out->nonce);
    else if ((rc = json_unescape(v, text, sizeof(text), &count)) == 0)
        rc = parse_nonce(bytes_of(text, count), &out->nonce);
    if (rc < 0)
        return no_payment(w, "nonce",
                          "is not a whole number below 2^64, as decimal "
                          "digits");
    out->has_nonce = true;
    return REASON_NONE;
}

static enum reason read_currency(struct json_value v, struct jws_payment *out,
                                 struct transaction_words *w)
{
    uint8_t text[JWS_CURRENCY_BYTES_MAX];
    size_t count;

    if (v.type == JSON_ABSENT)
        return REASON_NONE;
    if (json_unescape(v, text, sizeof(text), &count) < 0 || count == 0)
        return no_payment(w, "currency",
                          "is not a string of 1 to 32 characters");
    for (size_t i = 0; i < count; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e)
            return no_payment(w, "currency", "is not printable ASCII");
    }
    memcpy(out->currency, text, count);
    return REASON_NONE;
}

enum reason jws_payment_read(struct bytes text, struct jws_payment *out,
                             struct transaction_words *out_words)
{
    enum { RECIPIENT, AMOUNT, NONCE, CURRENCY, COUNT };
    static const char *const names[COUNT] = {"recipient", "amount", "nonce",
                                             "currency"};
    uint8_t decoded[BASE64URL_BYTES(JWS_BYTES_MAX)];
    struct jws_payment p = {.has_nonce = false};
    struct json_value v[COUNT];
    char room[JWS_FAULT_MAX];
    enum reason reason;
    const char *why;
    size_t count;

    CHECK(text.count <= JWS_BYTES_MAX);
    reason = jws_bytes(text, "the payload", decoded, &count, out_words);
    if (reason != REASON_NONE)
        return reason;
    why = jws_object(bytes_of(decoded, count), names, COUNT, v, room);
    if (why != NULL)
        return no_payment(out_words, "the payload", why);
    reason = read_recipient(v[RECIPIENT], &p, out_words);
    if (reason == REASON_NONE)
        reason = read_amount(v[AMOUNT], &p, out_words);
    if (reason == REASON_NONE)
        reason = read_nonce(v[NONCE], &p, out_words);
    if (reason == REASON_NONE)
        reason = read_currency(v[CURRENCY], &p, out_words);
    if (reason == REASON_NONE)
        *out = p;
    return reason;
}
