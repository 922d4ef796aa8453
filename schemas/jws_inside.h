/*
 * schemas/jws_inside.h: what the files of the JWS decoder share.
 *
 * Thread: any. Memory: the caller's.
 */
#ifndef SCHEMAS_JWS_INSIDE_H
#define SCHEMAS_JWS_INSIDE_H

#include "schemas/json.h"
#include "schemas/jws.h"

/*
 * Decodes base64url; `what` names it in the words. `out` has room for
 * BASE64URL_BYTES(text.count).
 *
 * Returns REASON_NONE, REASON_MALFORMED, or REASON_NON_CANONICAL for another
 * spelling of the same bytes.
 */
enum reason jws_bytes(struct bytes text, const char *what, uint8_t *out,
                      size_t *out_count, struct transaction_words *out_words);

/*
 * Parses an object and finds members of it: json_parse() and jws_members().
 * Returns NULL, or what is wrong: static, or in `room`.
 */
#define JWS_FAULT_MAX 96
const char *jws_object(struct bytes text, const char *const *names,
                       size_t count, struct json_value *out,
                       char room[JWS_FAULT_MAX]);

/*
 * Finds members by name, as json_members() does, and proves that no name at
 * all is there twice. Returns NULL, or what is wrong. Static.
 */
const char *jws_members(struct json_value object, const char *const *names,
                        size_t count, struct json_value *out);

#endif
