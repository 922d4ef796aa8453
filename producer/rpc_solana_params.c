/*
 * producer/rpc_solana_params.c: reads what sendTransaction was asked, as
 * strictly as a node and in its words.
 *
 * From: producer/rpc_solana.c.
 * To:   schemas/json.h.
 */
#include "producer/rpc_solana_params.h"

#include <stdarg.h>
#include <stdio.h>

#include "schemas/base/fail.h"

#define NAME_MAX_BYTES 64 /* of a name that is quoted in an answer */

/* Where the words of a refusal go. */
struct words {
    char *text;
    size_t bytes;
};

static bool refuse(struct words w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct words w, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(w.text, w.bytes, format, args);
    va_end(args);
    return false;
}

static bool wrong_type(struct words w, struct json_value v, const char *wanted)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",           [JSON_FALSE] = "boolean `false`",
        [JSON_TRUE] = "boolean `true`", [JSON_NUMBER] = "number",
        [JSON_STRING] = "string",       [JSON_ARRAY] = "sequence",
        [JSON_OBJECT] = "map",
    };

    CHECK(v.type > JSON_ABSENT && v.type <= JSON_OBJECT);
    return refuse(w, "Invalid params: invalid type: %s, expected %s.",
                  names[v.type], wanted);
}

static bool read_text(struct words w, struct json_value v, uint8_t *room,
                      struct bytes *out)
{
    size_t count;

    if (v.type != JSON_STRING)
        return wrong_type(w, v, "a string");
    if (json_plain(v, out) == 0)
        return true;
    if (json_unescape(v, room, RPC_SEND_TEXT_MAX, &count) < 0)
        return refuse(w, "encoded transaction too large: %zu bytes",
                      v.raw.count - 2);
    *out = bytes_of(room, count);
    return true;
}

/* The place of a string among `names`, which end with NULL; negative: none. */
static int find(struct json_value v, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (json_is_text(v, names[i]))
            return i;
    }
    return -1;
}

static bool unknown_variant(struct words w, struct json_value v,
                            const char *wanted)
{
    char name[NAME_MAX_BYTES];
    size_t count;

    if (json_unescape(v, (uint8_t *)name, sizeof(name), &count) < 0)
        count = 0;
    return refuse(w,
                  "Invalid params: unknown variant `%.*s`, expected one of %s.",
                  (int)count, name, wanted);
}

static bool read_encoding(struct words w, struct json_value v, bool *out_base64)
{
    static const char *const names[] = {"base58", "binary",     "base64",
                                        "json",   "jsonParsed", NULL};
    int found;

    *out_base64 = false;
    if (v.type == JSON_ABSENT || v.type == JSON_NULL)
        return true;
    if (v.type != JSON_STRING)
        return wrong_type(w, v, "string or map");
    found = find(v, names);
    if (found < 0)
        return unknown_variant(
            w, v, "`binary`, `base64`, `base58`, `json`, `jsonParsed`");
    if (found > 2)
        return refuse(w,
                      "unsupported encoding: %s. Supported encodings: base58, "
                      "base64",
                      names[found]);
    *out_base64 = found == 2;
    return true;
}

static bool check_commitment(struct words w, struct json_value v)
{
    static const char *const names[] = {"processed", "confirmed", "finalized",
                                        NULL};

    if (v.type == JSON_ABSENT || v.type == JSON_NULL)
        return true;
    if (v.type != JSON_STRING)
        return wrong_type(w, v, "string or map");
    if (find(v, names) < 0)
        return unknown_variant(w, v, "`processed`, `confirmed`, `finalized`");
    return true;
}

static bool check_number(struct words w, struct json_value v,
                         const char *wanted)
{
    uint64_t number;

    if (v.type == JSON_ABSENT || v.type == JSON_NULL)
        return true;
    if (v.type != JSON_NUMBER)
        return wrong_type(w, v, wanted);
    if (json_uint64(v, &number) < 0)
        return refuse(w, "Invalid params: invalid value: %.*s, expected %s.",
                      v.raw.count < NAME_MAX_BYTES ? (int)v.raw.count : 0,
                      (const char *)v.raw.data, wanted);
    return true;
}

static bool read_options(struct words w, struct json_value v, bool *out_base64)
{
    static const char *const names[] = {"encoding", "skipPreflight",
                                        "preflightCommitment", "maxRetries",
                                        "minContextSlot"};
    struct json_value m[5] = {{.type = JSON_ABSENT}};

    if (v.type == JSON_ABSENT || v.type == JSON_NULL)
        return read_encoding(w, m[0], out_base64);
    if (v.type != JSON_OBJECT)
        return wrong_type(w, v, "struct RpcSendTransactionConfig");
    if (json_members(v, names, 5, false, m) < 0)
        return refuse(w, "Invalid params: duplicate field.");
    if (m[1].type != JSON_ABSENT && m[1].type != JSON_TRUE &&
        m[1].type != JSON_FALSE)
        return wrong_type(w, m[1], "a boolean");
    return read_encoding(w, m[0], out_base64) && check_commitment(w, m[2]) &&
           check_number(w, m[3], "usize") && check_number(w, m[4], "u64");
}

bool rpc_send_read(struct json_value params, uint8_t room[RPC_SEND_TEXT_MAX],
                   struct rpc_send *out, char *out_words,
                   size_t out_words_bytes)
{
    struct words w = {out_words, out_words_bytes};
    struct json_walk walk = json_walk(params);
    struct json_value text, options = {.type = JSON_ABSENT}, extra;

    if (params.type != JSON_ABSENT && params.type != JSON_NULL &&
        params.type != JSON_ARRAY)
        return refuse(w, "`params` should be an array");
    if (params.type != JSON_ARRAY || !json_next(&walk, NULL, &text))
        return refuse(w, "`params` should have at least 1 argument(s)");
    if (json_next(&walk, NULL, &options) && json_next(&walk, NULL, &extra))
        return refuse(w, "Expected from 1 to 2 parameters.");
    return read_text(w, text, room, &out->text) &&
           read_options(w, options, &out->base64);
}
