/*
 * schemas/jws_split.c: where header, payload and signature stand.
 *
 *   eyJh..  .  eyJy..  .  MEUC..            two dots, three parts
 *   {"payload":"eyJy..","protected":"eyJh..","signature":"MEUC.."}
 *
 * The flattened form has these three members and no other: whatever else stood
 * there would be stored in the signer's name without being signed.
 *
 * From: schemas/jws.c.
 * To:   schemas/json.h.
 */
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/jws_inside.h"

static enum reason malformed(struct transaction_words *w, const char *words)
{
    return transaction_refuse(w, REASON_MALFORMED, "%s", words);
}

static enum reason split_compact(struct bytes input, struct jws_parts *out,
                                 struct transaction_words *w)
{
    struct bytes *const parts[] = {&out->header, &out->payload};
    struct bytes rest = input;

    for (size_t i = 0; i < 2; i++) {
        const uint8_t *dot = memchr(rest.data, '.', rest.count);
        size_t count;

        if (dot == NULL)
            return malformed(w, "not three parts with dots between them");
        count = (size_t)(dot - rest.data);
        *parts[i] = bytes_of(rest.data, count);
        rest = bytes_of(dot + 1, rest.count - count - 1);
    }
    if (memchr(rest.data, '.', rest.count) != NULL)
        return malformed(w, "not three parts with dots between them");
    out->signature = rest;
    return REASON_NONE;
}

/* All three are strings before one of them is spelt wrongly: base64url has
 * nothing to escape. */
static enum reason take_parts(const struct json_value v[3],
                              struct jws_parts *out,
                              struct transaction_words *w)
{
    struct bytes *const parts[] = {&out->header, &out->payload,
                                   &out->signature};

    for (size_t i = 0; i < 3; i++) {
        if (v[i].type != JSON_STRING)
            return malformed(w,
                             "protected, payload and signature are not three "
                             "strings");
    }
    for (size_t i = 0; i < 3; i++) {
        if (json_plain(v[i], parts[i]) < 0)
            return transaction_refuse(w, REASON_NON_CANONICAL,
                                      "base64url is written without escapes");
    }
    return REASON_NONE;
}

static enum reason split_flattened(struct bytes input, struct jws_parts *out,
                                   struct transaction_words *w)
{
    enum { PROTECTED, PAYLOAD, SIGNATURE, HEADER, SIGNATURES, COUNT };
    static const char *const names[COUNT] = {
        "protected", "payload", "signature", "header", "signatures"};
    struct json_value v[COUNT], document;
    struct json_fault fault;
    int rc;

    if (json_parse(input, JWS_DEPTH_MAX, &document, &fault) < 0)
        return transaction_refuse(w, REASON_MALFORMED,
                                  "not JSON: %s, at byte %zu", fault.why,
                                  fault.pos);
    rc = json_members(document, names, COUNT, true, v);
    if (rc == FAIL_UNSUPPORTED)
        return malformed(w,
                         "a member other than protected, payload and "
                         "signature is not signed");
    if (rc < 0)
        return malformed(w, "a member is there twice");
    if (v[HEADER].type != JSON_ABSENT)
        return malformed(w, "an unprotected header is not signed");
    if (v[SIGNATURES].type != JSON_ABSENT)
        return malformed(w, "one signature, in the flattened form");
    return take_parts(v, out, w);
}

enum reason jws_split(struct bytes input, struct jws_parts *out,
                      struct transaction_words *out_words)
{
    *out = (struct jws_parts){.flattened =
                                  input.count > 0 && input.data[0] == '{'};
    if (out->flattened)
        return split_flattened(input, out, out_words);
    return split_compact(input, out, out_words);
}
