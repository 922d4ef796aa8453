/*
 * producer/rest.c: POST one transaction; 202 once the broker has it.
 *
 *      application/octet-stream   the bytes
 *      text/plain                 hex, with or without 0x, white space around
 *      application/json           {"transaction":"0x.."}
 *      application/jose           a JWS, compact; it names the chain jws
 *      application/jose+json      a JWS, flattened
 *
 *      202 stored   200 the same bytes a moment ago   4xx nothing is stored
 *      503 not stored, send again   504 nobody knows, send again: it is safe
 *
 * From: producer/door.c.
 * To:   producer/submit.c; its answer comes back here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "producer/door.h"
#include "schemas/base/fail.h"
#include "schemas/hash.h"
#include "schemas/hex.h"
#include "schemas/json.h"

/* An answer that is waited for. */
struct waiting {
    struct door *door;
    struct http_exchange *exchange;
};

/* Hex into the door's buffer. Returns 0, or a FAIL_ code of the hex. */
static int decode_hex(struct door *d, struct bytes text, struct bytes *out)
{
    size_t room = text.count / 2 + 1, count;
    uint8_t *at;
    int rc;

    if (text.count >= 2 && text.data[0] == '0' && text.data[1] == 'x')
        text = bytes_slice(text, 2, text.count);
    buffer_clear(&d->decode);
    at = buffer_reserve(&d->decode, room);
    CHECK(at != NULL);
    rc = hex_decode(text, at, room, &count);
    if (rc == 0)
        *out = bytes_of(at, count);
    return rc;
}

static void refuse(struct http_exchange *x, int status, const char *code,
                   const char *detail)
{
    http_reply_problem(x, status, code, NULL, detail);
}

static bool from_text(struct door *d, struct http_exchange *x,
                      struct bytes body, struct bytes *out)
{
    if (decode_hex(d, bytes_trim(body), out) == 0)
        return true;
    refuse(x, 400, "bad_hex",
           "the body is not an even number of hex digits; a JWS is sent as "
           "application/jose or application/jose+json");
    return false;
}

static bool from_json(struct door *d, struct http_exchange *x,
                      struct bytes body, struct bytes *out)
{
    static const char *const names[] = {"transaction"};
    struct json_value document, value;
    struct json_fault fault;
    struct bytes text;
    char detail[128];

    if (json_parse(body, 8, &document, &fault) < 0) {
        snprintf(detail, sizeof(detail), "%s, at byte %zu", fault.why,
                 fault.pos);
        refuse(x, 400, "bad_json", detail);
        return false;
    }
    if (json_members(document, names, 1, true, &value) < 0 ||
        value.type != JSON_STRING || json_plain(value, &text) < 0) {
        refuse(x, 400, "bad_request",
               "the body is not {\"transaction\":\"0x..\"} and nothing else; a "
               "JWS is sent as application/jose or application/jose+json");
        return false;
    }
    if (text.count < 2 || text.data[0] != '0' || text.data[1] != 'x' ||
        decode_hex(d, text, out) < 0) {
        refuse(x, 400, "bad_hex",
               "transaction is not 0x and an even number of hex digits");
        return false;
    }
    return true;
}

/* The body itself, if it has the form that its type says. The line end of a
 * file is no part of a JWS; what becomes the record has none. */
static bool from_jose(struct http_exchange *x, struct bytes body,
                      bool flattened, struct bytes *out)
{
    body = bytes_trim(body);
    if (body.count == 0 || (body.data[0] == '{') == flattened) {
        *out = body;
        return true;
    }
    refuse(x, 422, "malformed",
           flattened ? "application/jose+json is a JWS in its flattened form, "
                       "which begins with {"
                     : "application/jose is a JWS in its compact form; the "
                       "flattened one is application/jose+json");
    return false;
}

/* The transaction's bytes; false: a problem was answered. */
static bool read_body(struct door *d, struct http_exchange *x,
                      const struct http_request *r, struct bytes *out)
{
    if (http_header(r, "content-encoding").data != NULL) {
        refuse(x, 415, "content_encoding", "send the body as it is");
        return false;
    }
    if (http_content_type_is(r, "application/octet-stream")) {
        *out = r->body;
        return true;
    }
    if (http_content_type_is(r, "text/plain"))
        return from_text(d, x, r->body, out);
    if (http_content_type_is(r, "application/json"))
        return from_json(d, x, r->body, out);
    if (http_content_type_is(r, "application/jose"))
        return from_jose(x, r->body, false, out);
    if (http_content_type_is(r, "application/jose+json"))
        return from_jose(x, r->body, true, out);
    refuse(x, 415, "content_type",
           "send application/octet-stream (the bytes), text/plain (hex), "
           "application/json ({\"transaction\":\"0x..\"}), or for jws "
           "application/jose or application/jose+json");
    return false;
}

static void stored(struct waiting *w, const struct submit_answer *a)
{
    char hash[65], body[512], location[1024];
    int count;

    hex_encode(bytes_of(a->hash, 32), hash);
    count = snprintf(body, sizeof(body),
                     "{\"chain\":\"%s\",\"hash\":\"0x%s\",\"partition\":%d,"
                     "\"offset\":%" PRId64 ",\"accepted_at\":%" PRId64 "}\n",
                     a->chain->name, hash, a->partition, a->offset,
                     a->accepted_at_ms);
    snprintf(location, sizeof(location), "%s/v1/transactions/%s/0x%s",
             w->door->public_url, a->chain->name, hash);
    http_add_header(w->exchange, "Location", location);
    http_reply(w->exchange, a->kind == SUBMIT_ACCEPTED ? 202 : 200,
               "application/json", BYTES_NONE, bytes_of(body, (size_t)count));
}

/* "send again" in one to three seconds, so that not all come at once. */
static void retry_later(struct http_exchange *x, const char *code,
                        const char *detail)
{
    uint8_t random = 0;
    char seconds[2];

    CHECK(hash_random(&random, 1) == 0);
    snprintf(seconds, sizeof(seconds), "%d", 1 + random % 3);
    http_add_header(x, "Retry-After", seconds);
    refuse(x, 503, code, detail);
}

static void unknown(struct http_exchange *x, const struct submit_answer *a)
{
    char hash[65], detail[256];

    hex_encode(bytes_of(a->hash, 32), hash);
    snprintf(detail, sizeof(detail),
             "%s 0x%s may have been stored or not; sending it again is safe",
             a->chain->name, hash);
    refuse(x, 504, "outcome_unknown", detail);
}

static void on_answer(void *arg, const struct submit_answer *a)
{
    struct waiting *w = arg;
    struct http_exchange *x = w->exchange;

    switch (a->kind) {
    case SUBMIT_ACCEPTED:
    case SUBMIT_REPEATED:
        stored(w, a);
        break;
    case SUBMIT_REFUSED:
        refuse(x,
               a->reason == REASON_TOO_LARGE ? 413
               : a->reason == REASON_EMPTY   ? 400
                                             : 422,
               reason_name(a->reason), a->words);
        break;
    case SUBMIT_CHAIN_REQUIRED:
        refuse(x, 400, "chain_required", a->words);
        break;
    case SUBMIT_NOT_SERVED:
        refuse(x, 422, "chain_not_served", a->words);
        break;
    case SUBMIT_BUSY:
        retry_later(x, "busy", a->words);
        break;
    case SUBMIT_AWAY:
        retry_later(x, "unavailable", a->words);
        break;
    case SUBMIT_UNKNOWN:
        unknown(x, a);
        break;
    }
    free(w);
}

void rest_submit(struct door *d, const struct chain *chain,
                 struct http_exchange *x, const struct http_request *r)
{
    struct waiting *w;
    struct bytes transaction;

    if (!read_body(d, x, r, &transaction))
        return;
    w = malloc(sizeof(*w));
    CHECK(w != NULL);
    *w = (struct waiting){d, x};
    submit_take(d->submit, chain, transaction, on_answer, w);
}
