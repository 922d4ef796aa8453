/*
 * schemas/record.c: key, header, name and fingerprint of a record.
 *
 * A header is ours only if it is exactly what we would have written; anything
 * else is a foreign record and is judged by the log's defaults. That way no
 * producer can stop a partition by accident, only by a well-formed number that
 * a newer release may have meant.
 *
 * From: producer/ (writes), verifier/ (reads).
 * To:   schemas/chain.h, schemas/hash.h.
 */
#include "schemas/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hash.h"

#define RULES_MAX 65535

void record_key(const struct chain *chain, const uint8_t id[32],
                uint8_t out[RECORD_KEY_BYTES])
{
    memcpy(out, chain->key, sizeof(chain->key));
    memcpy(out + sizeof(chain->key), id, 32);
}

int record_header_format(const struct chain *chain, int rules,
                         char out[RECORD_HEADER_MAX + 1])
{
    CHECK(rules >= 1 && rules <= RULES_MAX);
    return snprintf(out, RECORD_HEADER_MAX + 1, "1;%s;%d", chain->name, rules);
}

/* Digits only, no leading zero, at most `max`. */
static bool read_number(struct bytes text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (text.count == 0 || (text.count > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.count; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';

        if (digit > 9 || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* What stands before `separator`; moves `rest` past it. */
static bool take_until(struct bytes *rest, char separator, struct bytes *out)
{
    const uint8_t *at =
        rest->count == 0 ? NULL : memchr(rest->data, separator, rest->count);
    size_t count;

    if (at == NULL)
        return false;
    count = (size_t)(at - rest->data);
    *out = bytes_slice(*rest, 0, count);
    *rest = bytes_slice(*rest, count + 1, rest->count - count - 1);
    return true;
}

enum record_header record_header_parse(struct bytes header,
                                       struct chain *out_chain, int *out_rules)
{
    struct bytes rest = header, version, name;
    struct chain chain;
    uint64_t rules;
    int newest;

    if (header.count > RECORD_HEADER_MAX || !take_until(&rest, ';', &version) ||
        !bytes_equal_text(version, "1") || !take_until(&rest, ';', &name) ||
        chain_parse(name, &chain) < 0 ||
        !read_number(rest, RULES_MAX, &rules) || rules == 0)
        return RECORD_HEADER_FOREIGN;
    newest = chain_rules_newest(chain.ns);
    if (newest == 0)
        return RECORD_HEADER_FOREIGN;
    *out_chain = chain;
    *out_rules = (int)rules;
    return (int)rules > newest ? RECORD_HEADER_NEWER : RECORD_HEADER_GOOD;
}

static void add_sized(struct hash_sha256 *h, struct bytes b)
{
    uint8_t count[4];

    CHECK(b.count < UINT32_MAX);
    bytes_put_be32(count, b.data == NULL ? UINT32_MAX : (uint32_t)b.count);
    hash_sha256_update(h, bytes_of(count, sizeof(count)));
    if (b.data != NULL)
        hash_sha256_update(h, b);
}

void record_fingerprint(struct bytes key, struct bytes value, int64_t append_ms,
                        uint8_t out[32])
{
    struct hash_sha256 h;
    uint8_t time[8];

    hash_sha256_init(&h);
    add_sized(&h, key);
    add_sized(&h, value);
    bytes_put_be64(time, (uint64_t)append_ms);
    hash_sha256_update(&h, bytes_of(time, sizeof(time)));
    hash_sha256_final(&h, out);
}

int record_id_format(struct record_id id, char out[RECORD_ID_TEXT_MAX])
{
    return snprintf(out, RECORD_ID_TEXT_MAX, "%" PRId32 "-%" PRId32 "-%" PRId64,
                    id.log, id.partition, id.offset);
}

int record_id_parse(struct bytes text, struct record_id *out)
{
    struct bytes rest = text, log, partition;
    uint64_t numbers[3];

    if (!take_until(&rest, '-', &log) || !take_until(&rest, '-', &partition) ||
        !read_number(log, INT32_MAX, &numbers[0]) ||
        !read_number(partition, INT32_MAX, &numbers[1]) ||
        !read_number(rest, INT64_MAX, &numbers[2]))
        return FAIL_MALFORMED;
    *out = (struct record_id){(int32_t)numbers[0], (int32_t)numbers[1],
                              (int64_t)numbers[2]};
    return 0;
}
