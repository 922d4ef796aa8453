/*
 * schemas/ethereum_parse.c: the fields of an Ethereum transaction, each where a
 * table says it is.
 *
 * A form is a list of fields in order; a field knows its name, its kind and its
 * place in struct ethereum_fields. The same table gives the words of a refusal,
 * because geth builds them from type and field names:
 *
 *   rlp: non-canonical integer (leading zero bytes) for uint64,
 *   decoding into (types.DynamicFeeTx).Nonce
 *
 * From: schemas/ethereum.c.
 * To:   schemas/rlp.h.
 */
#include "schemas/ethereum.h"

#include <stdio.h>
#include <string.h>

#include "schemas/rlp.h"

#define ADDRESS_BYTES 20
#define KEY_BYTES 32

enum kind {
    KIND_UINT64,  /* at most 8 bytes */
    KIND_INTEGER, /* any length */
    KIND_ADDRESS, /* 20 bytes or none */
    KIND_DATA,
    KIND_ACCESS
};

struct field {
    const char *name; /* geth's */
    enum kind kind;
    size_t place; /* in struct ethereum_fields */
};

#define FIELD(name, kind, member)                                              \
    {                                                                          \
        name, kind, offsetof(struct ethereum_fields, member)                   \
    }

static const struct field legacy_fields[] = {
    FIELD("Nonce", KIND_UINT64, nonce),  FIELD("GasPrice", KIND_INTEGER, price),
    FIELD("Gas", KIND_UINT64, gas),      FIELD("To", KIND_ADDRESS, to),
    FIELD("Value", KIND_INTEGER, value), FIELD("Data", KIND_DATA, data),
    FIELD("V", KIND_INTEGER, v),         FIELD("R", KIND_INTEGER, r),
    FIELD("S", KIND_INTEGER, s),
};

static const struct field access_fields[] = {
    FIELD("ChainID", KIND_INTEGER, chain_id),
    FIELD("Nonce", KIND_UINT64, nonce),
    FIELD("GasPrice", KIND_INTEGER, price),
    FIELD("Gas", KIND_UINT64, gas),
    FIELD("To", KIND_ADDRESS, to),
    FIELD("Value", KIND_INTEGER, value),
    FIELD("Data", KIND_DATA, data),
    FIELD("AccessList", KIND_ACCESS, access_list),
    FIELD("V", KIND_INTEGER, v),
    FIELD("R", KIND_INTEGER, r),
    FIELD("S", KIND_INTEGER, s),
};

static const struct field fee_fields[] = {
    FIELD("ChainID", KIND_INTEGER, chain_id),
    FIELD("Nonce", KIND_UINT64, nonce),
    FIELD("GasTipCap", KIND_INTEGER, tip),
    FIELD("GasFeeCap", KIND_INTEGER, price),
    FIELD("Gas", KIND_UINT64, gas),
    FIELD("To", KIND_ADDRESS, to),
    FIELD("Value", KIND_INTEGER, value),
    FIELD("Data", KIND_DATA, data),
    FIELD("AccessList", KIND_ACCESS, access_list),
    FIELD("V", KIND_INTEGER, v),
    FIELD("R", KIND_INTEGER, r),
    FIELD("S", KIND_INTEGER, s),
};

#define SIGNATURE_FIELDS 3 /* the last ones of every form */

static const struct form {
    const char *name;
    const struct field *fields;
    size_t count;
} forms[] = {
    {"types.LegacyTx", legacy_fields, 9},
    {"types.AccessListTx", access_fields, 11},
    {"types.DynamicFeeTx", fee_fields, 12},
};

/* What is being read, for the words. */
struct parse {
    const struct form *form;
    const char *field;
    struct ethereum_fields *out;
    struct transaction_words *words;
};

/* `path` is what follows the field's name: "", "[3].Address", ... */
static enum reason refuse(const struct parse *p, enum reason reason,
                          const char *what, const char *go_type,
                          const char *path)
{
    return transaction_refuse(p->words, reason,
                              "rlp: %s for %s, decoding into (%s).%s%s", what,
                              go_type, p->form->name, p->field, path);
}

/* An item inside the list that is not there, too long or not canonical. */
static enum reason refuse_item(const struct parse *p, enum rlp_fault fault,
                               const char *go_type, const char *path)
{
    if (fault == RLP_TOO_LONG)
        return transaction_refuse(p->words, REASON_MALFORMED,
                                  "rlp: element is larger than containing "
                                  "list");
    if (fault == RLP_CANONICAL)
        return refuse(p, REASON_NON_CANONICAL, "non-canonical size information",
                      go_type, path);
    return transaction_refuse(p->words, REASON_MALFORMED,
                              "rlp: too few elements for %s", go_type);
}

static enum reason check_integer(const struct parse *p,
                                 const struct rlp_item *item,
                                 const char *go_type)
{
    if (item->list)
        return refuse(p, REASON_MALFORMED, "expected input string or byte",
                      go_type, "");
    if (item->payload.count > 0 && item->payload.data[0] == 0)
        return refuse(p, REASON_NON_CANONICAL,
                      "non-canonical integer (leading zero bytes)", go_type,
                      "");
    return REASON_NONE;
}

static enum reason read_uint64(const struct parse *p,
                               const struct rlp_item *item, uint64_t *out)
{
    enum reason reason;
    uint64_t value = 0;

    if (!item->list && item->payload.count > 8)
        return refuse(p, REASON_FIELD_RANGE, "input string too long", "uint64",
                      "");
    reason = check_integer(p, item, "uint64");
    if (reason != REASON_NONE)
        return reason;
    for (size_t i = 0; i < item->payload.count; i++)
        value = value << 8 | item->payload.data[i];
    *out = value;
    return REASON_NONE;
}

/* A string of exactly `count` bytes. */
static enum reason check_fixed(const struct parse *p,
                               const struct rlp_item *item, size_t count,
                               const char *go_type, const char *path)
{
    if (item->list)
        return refuse(p, REASON_MALFORMED, "expected input string or byte",
                      go_type, path);
    if (item->payload.count != count)
        return refuse(p, REASON_FIELD_RANGE,
                      item->payload.count < count ? "input string too short"
                                                  : "input string too long",
                      go_type, path);
    return REASON_NONE;
}

static enum reason check_to(const struct parse *p, const struct rlp_item *item)
{
    if (item->payload.count > 0)
        return check_fixed(p, item, ADDRESS_BYTES, "common.Address", "");
    if (item->list)
        return refuse(p, REASON_MALFORMED,
                      "wrong kind of empty value (got List, want String)",
                      "*common.Address", "");
    return REASON_NONE;
}

#define PATH_MAX_BYTES 64

static enum reason read_keys(const struct parse *p, struct bytes keys, size_t i)
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
            return refuse_item(p, fault, "common.Hash", path);
        reason = check_fixed(p, &item, KEY_BYTES, "common.Hash", path);
        CHECK(reason != REASON_NONE);
        return reason;
    }
    return REASON_NONE;
}

/* [address, [key, ...]], the i-th of the access list. */
static enum reason read_tuple(const struct parse *p, struct bytes tuple,
                              size_t i)
{
    struct rlp_item address, keys;
    enum rlp_fault fault;
    enum reason reason;
    char path[PATH_MAX_BYTES];

    snprintf(path, sizeof(path), "[%zu].Address", i);
    fault = rlp_read(&tuple, &address);
    if (fault != RLP_GOOD)
        return refuse_item(
            p, fault, fault == RLP_END ? "types.AccessTuple" : "common.Address",
            path);
    reason = check_fixed(p, &address, ADDRESS_BYTES, "common.Address", path);
    if (reason != REASON_NONE)
        return reason;

    snprintf(path, sizeof(path), "[%zu].StorageKeys", i);
    fault = rlp_read(&tuple, &keys);
    if (fault != RLP_GOOD)
        return refuse_item(
            p, fault, fault == RLP_END ? "types.AccessTuple" : "[]common.Hash",
            path);
    if (!keys.list)
        return refuse(p, REASON_MALFORMED, "expected input list",
                      "[]common.Hash", path);
    reason = read_keys(p, keys.payload, i);
    if (reason != REASON_NONE)
        return reason;
    if (tuple.count == 0)
        return REASON_NONE;
    snprintf(path, sizeof(path), "[%zu]", i);
    return refuse(p, REASON_MALFORMED, "input list has too many elements",
                  "types.AccessTuple", path);
}

static enum reason read_access_list(const struct parse *p,
                                    const struct rlp_item *list)
{
    struct bytes rest = list->payload;
    char path[PATH_MAX_BYTES];
    struct rlp_item tuple;
    enum reason reason;

    if (!list->list)
        return refuse(p, REASON_MALFORMED, "expected input list",
                      "types.AccessList", "");
    for (size_t i = 0; rest.count > 0; i++) {
        enum rlp_fault fault = rlp_read(&rest, &tuple);

        if (fault != RLP_GOOD || !tuple.list) {
            snprintf(path, sizeof(path), "[%zu]", i);
            if (fault != RLP_GOOD)
                return refuse_item(p, fault, "types.AccessTuple", path);
            return refuse(p, REASON_MALFORMED, "expected input list",
                          "types.AccessTuple", path);
        }
        reason = read_tuple(p, tuple.payload, i);
        if (reason != REASON_NONE)
            return reason;
        p->out->access_addresses++;
    }
    return REASON_NONE;
}

static const char *go_type_of(enum kind kind)
{
    static const char *const types[] = {
        [KIND_UINT64] = "uint64",           [KIND_INTEGER] = "*big.Int",
        [KIND_ADDRESS] = "*common.Address", [KIND_DATA] = "[]uint8",
        [KIND_ACCESS] = "types.AccessList",
    };

    return types[kind];
}

/* Checks the item by its kind and puts it into its place. */
static enum reason read_field(struct parse *p, const struct field *field,
                              const struct rlp_item *item)
{
    void *place = (char *)p->out + field->place;
    enum reason reason = REASON_NONE;

    switch (field->kind) {
    case KIND_UINT64:
        return read_uint64(p, item, place);
    case KIND_INTEGER:
        reason = check_integer(p, item, "*big.Int");
        break;
    case KIND_ADDRESS:
        reason = check_to(p, item);
        break;
    case KIND_DATA:
        if (item->list)
            reason = refuse(p, REASON_MALFORMED,
                            "expected input string or byte", "[]uint8", "");
        break;
    case KIND_ACCESS:
        reason = read_access_list(p, item);
        break;
    }
    if (reason == REASON_NONE)
        *(struct bytes *)place = item->payload;
    return reason;
}

static enum reason read_fields(struct parse *p, struct bytes items)
{
    struct bytes rest = items;
    struct rlp_item item;
    enum rlp_fault fault;
    enum reason reason;

    for (size_t i = 0; i < p->form->count; i++) {
        const struct field *field = &p->form->fields[i];

        if (i == p->form->count - SIGNATURE_FIELDS)
            p->out->signed_fields =
                bytes_of(items.data, (size_t)(rest.data - items.data));
        p->field = field->name;
        fault = rlp_read(&rest, &item);
        if (fault != RLP_GOOD)
            return refuse_item(
                p, fault,
                fault == RLP_END ? p->form->name : go_type_of(field->kind), "");
        reason = read_field(p, field, &item);
        if (reason != REASON_NONE)
            return reason;
    }
    if (rest.count > 0)
        return transaction_refuse(p->words, REASON_MALFORMED,
                                  "rlp: input list has too many elements for "
                                  "%s",
                                  p->form->name);
    return REASON_NONE;
}

/* The one list that is the transaction, and nothing behind it. */
static enum reason read_list(struct parse *p, struct bytes body)
{
    struct bytes rest = body;
    struct rlp_item list;
    enum rlp_fault fault = rlp_read(&rest, &list);
    enum reason reason;

    if (fault == RLP_CANONICAL)
        return transaction_refuse(p->words, REASON_NON_CANONICAL,
                                  "rlp: non-canonical size information for %s",
                                  p->form->name);
    if (fault != RLP_GOOD)
        return transaction_refuse(p->words, REASON_MALFORMED,
                                  "rlp: value size exceeds available input "
                                  "length");
    if (!list.list)
        return transaction_refuse(p->words, REASON_MALFORMED,
                                  "rlp: expected input list for %s",
                                  p->form->name);
    reason = read_fields(p, list.payload);
    if (reason != REASON_NONE)
        return reason;
    if (rest.count > 0)
        return transaction_refuse(p->words, REASON_NON_CANONICAL,
                                  "rlp: input contains more than one value");
    return REASON_NONE;
}

enum reason ethereum_parse(struct bytes input, struct ethereum_fields *out,
                           struct transaction_words *out_words)
{
    struct parse p = {.field = "", .out = out, .words = out_words};
    uint8_t type;

    if (input.count == 0)
        return transaction_refuse(out_words, REASON_EMPTY,
                                  "typed transaction too short");
    if (input.count > TRANSACTION_BYTES_MAX)
        return transaction_refuse(
            out_words, REASON_TOO_LARGE,
            "oversized data: transaction size %zu, limit %d", input.count,
            TRANSACTION_BYTES_MAX);

    *out = (struct ethereum_fields){0};
    p.form = &forms[0];
    type = input.data[0];
    if (type > 0x7f)
        return read_list(&p, input);
    if (input.count == 1)
        return transaction_refuse(out_words, REASON_MALFORMED,
                                  "typed transaction too short");
    if (type != 1 && type != 2)
        return transaction_refuse(out_words, REASON_UNSUPPORTED_TYPE,
                                  "transaction type not supported");
    out->type = type;
    p.form = &forms[type];
    return read_list(&p, bytes_slice(input, 1, input.count - 1));
}
