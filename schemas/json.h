/*
 * schemas/json.h: reads JSON strictly, without allocating.
 *
 * json_parse() proves the whole text first: RFC 8259 to the letter, UTF-8
 * without overlong forms, no lone surrogates, a limit on depth. After that a
 * value is a slice of the text, and walking it cannot fail:
 *
 *   struct json_value doc, name, value;
 *   struct json_walk walk;
 *
 *   if (json_parse(body, 32, &doc, NULL) < 0 || doc.type != JSON_OBJECT)
 *       return bad_request();
 *   for (walk = json_walk(doc); json_next(&walk, &name, &value);)
 *       ...
 *
 * Names and strings compare after unescaping, so "\u0074x" is "tx". The writer
 * is in schemas/json_writer.h. One .c file cannot have this header and
 * jansson's, whose enumerators have the same names.
 *
 * Thread: any. Memory: slices of the text, which outlives them.
 */
#ifndef SCHEMAS_JSON_H
#define SCHEMAS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"
#include "schemas/json_writer.h"

#define JSON_DEPTH_MAX 64 /* no depth_max may be larger */

enum json_type {
    JSON_ABSENT = 0, /* json_members(): there was no such member */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_value {
    enum json_type type;
    struct bytes raw; /* exactly as written; a string with its quotes */
};

/* Where and why a text is not JSON. */
struct json_fault {
    size_t pos;      /* bytes from the start */
    const char *why; /* static */
};

/*
 * Checks the whole of `text` and gives its one value, without the white space
 * around it. At most `depth_max` arrays and objects may be inside each other.
 *
 * Returns 0, or
 *   FAIL_MALFORMED   not JSON
 *   FAIL_TOO_BIG     too deep
 * and says where in `out_fault`, which may be NULL.
 */
int json_parse(struct bytes text, int depth_max, struct json_value *out,
               struct json_fault *out_fault) MUST_CHECK;

/* The type of the value that begins with this byte, in a good text. */
enum json_type json_type_of(uint8_t first);

struct json_walk {
    const uint8_t *at;
    const uint8_t *end;
    bool object;
};

/* Starts at the first element or member. Anything else walks nowhere. */
struct json_walk json_walk(struct json_value container);

/*
 * The next element, or the next member with its name (a JSON_STRING).
 * `out_name` may be NULL. False: there are no more.
 */
bool json_next(struct json_walk *w, struct json_value *out_name,
               struct json_value *out_value);

/* Whether a string says `text`, after unescaping. False for other types. */
bool json_is_text(struct json_value v, const char *text);

/*
 * The contents of a string that has no escapes in it, without a copy.
 *
 * Returns 0, or FAIL_UNSUPPORTED when it has some: json_unescape() unescapes.
 * FAIL_MALFORMED when it is not a string.
 */
int json_plain(struct json_value v, struct bytes *out) MUST_CHECK;

/*
 * Copies the contents of a string, unescaped, as UTF-8. They may hold a NUL.
 *
 * Returns 0, FAIL_MALFORMED (not a string), or FAIL_TOO_BIG.
 */
int json_unescape(struct json_value v, uint8_t *out, size_t out_max,
                  size_t *out_count) MUST_CHECK;

/*
 * A number that is a whole one, written without sign, fraction or exponent.
 * Never rounds.
 *
 * Returns 0, FAIL_MALFORMED, or FAIL_TOO_BIG.
 */
int json_uint64(struct json_value v, uint64_t *out) MUST_CHECK;

/* The same with an optional minus; -0 is FAIL_MALFORMED. */
int json_int64(struct json_value v, int64_t *out) MUST_CHECK;

/*
 * Finds one member by name. Its value, or type JSON_ABSENT.
 *
 * Returns 0, or FAIL_MALFORMED when it is not an object or the name is there
 * twice.
 */
int json_member(struct json_value object, const char *name,
                struct json_value *out) MUST_CHECK;

/*
 * Finds several members in one walk: out[i] is that of names[i], JSON_ABSENT
 * when it is not there. `strict`: any other name is refused.
 *
 * Returns 0, or
 *   FAIL_MALFORMED     not an object, or one of these names is there twice
 *   FAIL_UNSUPPORTED   another name, and `strict`
 */
int json_members(struct json_value object, const char *const *names,
                 size_t count, bool strict, struct json_value *out) MUST_CHECK;

#endif
