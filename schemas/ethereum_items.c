/*
 * schemas/ethereum_items.c: one field of an Ethereum transaction: checked by
 * its kind, down to the last storage key of an access list.
 *
 * From: schemas/ethereum_parse.c.
 * To:   schemas/rlp.h.
 */
#include <stdio.h>

#include "schemas/ethereum_inside.h"

#define ADDRESS_BYTES 20
#define KEY_BYTES 32

enum reason ethereum_refuse(const struct ethereum_parse *p, enum reason reason,
                            const char *what, const char *go_type,
                            const char *path)
{
    return transaction_refuse(p->words, reason,
                              "rlp: %s for %s, decoding into (%s).%s%s", what,
                              go_type, p->form->name, p->field, path);
}

enum reason ethereum_refuse_item(const struct ethereum_parse *p,
                                 enum rlp_fault fault, const char *go_type,
                                 const char *path)
{
    if (fault == RLP_TOO_LONG)
        return transaction_refuse(p->words, REASON_MALFORMED,
                                  "rlp: element is larger than containing "
                                  "list");
    if (fault == RLP_CANONICAL)
        return ethereum_refuse(p, REASON_NON_CANONICAL,
                               "non-canonical size information", go_type, path);
    return transaction_refuse(p->words, REASON_MALFORMED,
                              "rlp: too few elements for %s", go_type);
}

static enum reason check_integer(const struct ethereum_parse *p,
                                 const struct rlp_item *item,
                                 const char *go_type)
{
    if (item->list)
        return ethereum_refuse(p, REASON_MALFORMED,
                               "expected input string or byte", go_type, "");
    if (item->payload.count > 0 && item->payload.data[0] == 0)
        return ethereum_refuse(p, REASON_NON_CANONICAL,
                               "non-canonical integer (leading zero bytes)",
                               go_type, "");
    return REASON_NONE;
}

static enum reason read_uint64(const struct ethereum_parse *p,
                               const struct rlp_item *item, uint64_t *out)
{
    enum reason reason;
    uint64_t value = 0;

    if (!item->list && item->payload.count > 8)
        return ethereum_refuse(p, REASON_FIELD_RANGE, "input string too long",
                               "uint64", "");
    reason = check_integer(p, item, "uint64");
    if (reason != REASON_NONE)
        return reason;
    for (size_t i = 0; i < item->payload.count; i++)
        value = value << 8 | item->payload.data[i];
    *out = value;
    return REASON_NONE;
}

/* A string of exactly `count` bytes. */
static enum reason check_fixed(const struct ethereum_parse *p,
                               const struct rlp_item *item, size_t count,
                               const char *go_type, const char *path)
{
    if (item->list)
        return ethereum_refuse(p, REASON_MALFORMED,
                               "expected input string or byte", go_type, path);
    if (item->payload.count != count)
        return ethereum_refuse(p, REASON_FIELD_RANGE,
                               item->payload.count < count
                                   ? "input string too short"
                                   : "input string too long",
                               go_type, path);
    return REASON_NONE;
}

static enum reason check_to(const struct ethereum_parse *p,
                            const struct rlp_item *item)
{
    if (item->payload.count > 0)
        return check_fixed(p, item, ADDRESS_BYTES, "common.Address", "");
    if (item->list)
        return ethereum_refuse(
            p, REASON_MALFORMED,
            "wrong kind of empty value (got List, want String)",
            "*common.Address", "");
    return REASON_NONE;
}

#define PATH_MAX_BYTES 64

static enum reason read_keys(const struct ethereum_parse *p, struct bytes keys,
                             size_t i)
{
    char path[PATH_MAX_BYTES];
    struct rlp_item item;
    enum rlp_fault fault;
    enum reason reason;

    for (size_t k = 0; keys.count > 0; k++) {
        fault = rlp_read(&keys, &item);
        if (fault == RLP_GOOD && !item.list &&
            item.payload.count == KEY_BYTES) {
            p->out->access_keys++;
            continue;
        }
        snprintf(path, sizeof(path), "[%zu].StorageKeys[%zu]", i, k);
        if (fault != RLP_GOOD)
            return ethereum_refuse_item(p, fault, "common.Hash", path);
        reason = check_fixed(p, &item, KEY_BYTES, "common.Hash", path);
        CHECK(reason != REASON_NONE);
        return reason;
    }
    return REASON_NONE;
}

/* [address, [key, ...]], the i-th of the access list. */
static enum reason read_tuple(const struct ethereum_parse *p,
                              struct bytes tuple, size_t i)
{
    struct rlp_item address, keys;
    enum rlp_fault fault;
    enum reason reason;
    char path[PATH_MAX_BYTES];

    snprintf(path, sizeof(path), "[%zu].Address", i);
    fault = rlp_read(&tuple, &address);
    if (fault != RLP_GOOD)
        return ethereum_refuse_item(
            p, fault, fault == RLP_END ? "types.AccessTuple" : "common.Address",
            path);
    reason = check_fixed(p, &address, ADDRESS_BYTES, "common.Address", path);
    if (reason != REASON_NONE)
        return reason;

    snprintf(path, sizeof(path), "[%zu].StorageKeys", i);
    fault = rlp_read(&tuple, &keys);
    if (fault != RLP_GOOD)
        return ethereum_refuse_item(
            p, fault, fault == RLP_END ? "types.AccessTuple" : "[]common.Hash",
            path);
    if (!keys.list)
        return ethereum_refuse(p, REASON_MALFORMED, "expected input list",
                               "[]common.Hash", path);
    reason = read_keys(p, keys.payload, i);
    if (reason != REASON_NONE)
        return reason;
    if (tuple.count == 0)
        return REASON_NONE;
    snprintf(path, sizeof(path), "[%zu]", i);
    return ethereum_refuse(p, REASON_MALFORMED,
                           "input list has too many elements",
                           "types.AccessTuple", path);
}

static enum reason read_access_list(const struct ethereum_parse *p,
                                    const struct rlp_item *list)
{
    struct bytes rest = list->payload;
    char path[PATH_MAX_BYTES];
    struct rlp_item tuple;
    enum reason reason;

    if (!list->list)
        return ethereum_refuse(p, REASON_MALFORMED, "expected input list",
                               "types.AccessList", "");
    for (size_t i = 0; rest.count > 0; i++) {
        enum rlp_fault fault = rlp_read(&rest, &tuple);

        if (fault != RLP_GOOD || !tuple.list) {
            snprintf(path, sizeof(path), "[%zu]", i);
            if (fault != RLP_GOOD)
                return ethereum_refuse_item(p, fault, "types.AccessTuple",
                                            path);
            return ethereum_refuse(p, REASON_MALFORMED, "expected input list",
                                   "types.AccessTuple", path);
        }
        reason = read_tuple(p, tuple.payload, i);
        if (reason != REASON_NONE)
            return reason;
        p->out->access_addresses++;
    }
    return REASON_NONE;
}

const char *ethereum_go_type(enum ethereum_kind kind)
{
    static const char *const types[] = {
        [ETHEREUM_UINT64] = "uint64",           [ETHEREUM_INTEGER] = "*big.Int",
        [ETHEREUM_ADDRESS] = "*common.Address", [ETHEREUM_DATA] = "[]uint8",
        [ETHEREUM_ACCESS] = "types.AccessList",
    };

    return types[kind];
}

enum reason ethereum_read_field(const struct ethereum_parse *p,
                                const struct ethereum_field *field,
                                const struct rlp_item *item)
{
    void *place = (char *)p->out + field->place;
    enum reason reason = REASON_NONE;

    switch (field->kind) {
    case ETHEREUM_UINT64:
        return read_uint64(p, item, place);
    case ETHEREUM_INTEGER:
        reason = check_integer(p, item, "*big.Int");
        break;
    case ETHEREUM_ADDRESS:
        reason = check_to(p, item);
        break;
    case ETHEREUM_DATA:
        if (item->list)
            reason =
                ethereum_refuse(p, REASON_MALFORMED,
                                "expected input string or byte", "[]uint8", "");
        break;
    case ETHEREUM_ACCESS:
        reason = read_access_list(p, item);
        break;
    }
    if (reason == REASON_NONE)
        *(struct bytes *)place = item->payload;
    return reason;
}
