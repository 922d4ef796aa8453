/*
 * schemas/ethereum_items.c: one field of an Ethereum transaction: checked by
 * its kind, down to the last storage key of an access list.
 *
 * Where something stands is a few numbers; they become words only when it is
 * refused, so that a long list costs no more than its bytes.
 *
 * From: schemas/ethereum_parse.c.
 * To:   schemas/rlp.h.
 */
#include <stdio.h>

#include "schemas/ethereum_inside.h"

#define ADDRESS_BYTES 20
#define HASH_BYTES 32
#define UINT256_BYTES 32
#define CONTEXT_MAX 128

#define HERE ETHEREUM_HERE
#define AT(i) (&(const struct ethereum_path){.depth = 1, .index = (i)})
#define IN(i, name)                                                            \
    (&(const struct ethereum_path){.depth = 2, .index = (i), .member = (name)})

/* "(types.BlobTx).AccessList[3].StorageKeys[1]" */
static void write_context(const struct ethereum_parse *p,
                          const struct ethereum_path *path,
                          char out[CONTEXT_MAX])
{
    int at = snprintf(out, CONTEXT_MAX, "(%s).%s%s",
                      p->outer != NULL ? p->outer : p->form->name,
                      p->outer != NULL ? "BlobTx." : "", p->field);
    size_t used = (size_t)at;

    if (path->depth >= 1)
        used += (size_t)snprintf(out + used, CONTEXT_MAX - used, "[%zu]",
                                 path->index);
    if (path->depth >= 2)
        used += (size_t)snprintf(out + used, CONTEXT_MAX - used, ".%s",
                                 path->member);
    if (path->depth >= 3)
        snprintf(out + used, CONTEXT_MAX - used, "[%zu]", path->inner);
}

enum reason ethereum_refuse(const struct ethereum_parse *p, enum reason reason,
                            const char *what, const char *go_type,
                            const struct ethereum_path *path)
{
    char context[CONTEXT_MAX];

    if (p->words == NULL)
        return reason;
    write_context(p, path, context);
    return transaction_refuse(p->words, reason,
                              "rlp: %s for %s, decoding into %s", what, go_type,
                              context);
}

enum reason ethereum_refuse_item(const struct ethereum_parse *p,
                                 enum rlp_fault fault, const char *go_type,
                                 const struct ethereum_path *path)
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
                                 const char *go_type,
                                 const struct ethereum_path *path)
{
    if (item->list)
        return ethereum_refuse(p, REASON_MALFORMED,
                               "expected input string or byte", go_type, path);
    if (item->payload.count > 0 && item->payload.data[0] == 0)
        return ethereum_refuse(p, REASON_NON_CANONICAL,
                               "non-canonical integer (leading zero bytes)",
                               go_type, path);
    return REASON_NONE;
}

enum reason ethereum_read_uint(const struct ethereum_parse *p,
                               const struct rlp_item *item, size_t bytes_max,
                               const struct ethereum_path *path, uint64_t *out)
{
    const char *go_type = bytes_max == 1 ? "uint8" : "uint64";
    enum reason reason;
    uint64_t value = 0;

    if (!item->list && item->payload.count > bytes_max)
        return ethereum_refuse(p, REASON_FIELD_RANGE, "input string too long",
                               go_type, path);
    reason = check_integer(p, item, go_type, path);
    if (reason != REASON_NONE)
        return reason;
    for (size_t i = 0; i < item->payload.count; i++)
        value = value << 8 | item->payload.data[i];
    *out = value;
    return REASON_NONE;
}

static enum reason check_uint256(const struct ethereum_parse *p,
                                 const struct rlp_item *item,
                                 const struct ethereum_path *path)
{
    if (!item->list && item->payload.count > UINT256_BYTES)
        return transaction_refuse(p->words, REASON_FIELD_RANGE,
                                  "rlp: value too large for uint256");
    return check_integer(p, item, "*uint256.Int", path);
}

/* A string of exactly `count` bytes. */
static enum reason check_fixed(const struct ethereum_parse *p,
                               const struct rlp_item *item, size_t count,
                               const char *go_type,
                               const struct ethereum_path *path)
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
        return check_fixed(p, item, ADDRESS_BYTES, "common.Address", HERE);
    if (item->list)
        return ethereum_refuse(
            p, REASON_MALFORMED,
            "wrong kind of empty value (got List, want String)",
            "*common.Address", HERE);
    return REASON_NONE;
}

/* The i-th tuple of a list ends before its last member. */
static enum reason refuse_short_tuple(const struct ethereum_parse *p,
                                      const char *go_type, size_t i)
{
    return ethereum_refuse(p, REASON_MALFORMED, "too few elements", go_type,
                           AT(i));
}

/* ---- access lists ---- */

static enum reason read_keys(const struct ethereum_parse *p, struct bytes keys,
                             size_t i)
{
    struct ethereum_path path = {
        .depth = 3, .index = i, .member = "StorageKeys"};
    struct rlp_item item;
    enum rlp_fault fault;
    enum reason reason;

    for (; keys.count > 0; path.inner++) {
        fault = rlp_read(&keys, &item);
        if (fault != RLP_GOOD)
            return ethereum_refuse_item(p, fault, "common.Hash", &path);
        reason = check_fixed(p, &item, HASH_BYTES, "common.Hash", &path);
        if (reason != REASON_NONE)
            return reason;
        p->out->access_keys++;
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

    fault = rlp_read(&tuple, &address);
    if (fault == RLP_END)
        return refuse_short_tuple(p, "types.AccessTuple", i);
    if (fault != RLP_GOOD)
        return ethereum_refuse_item(p, fault, "common.Address",
                                    IN(i, "Address"));
    reason = check_fixed(p, &address, ADDRESS_BYTES, "common.Address",
                         IN(i, "Address"));
    if (reason != REASON_NONE)
        return reason;

    fault = rlp_read(&tuple, &keys);
    if (fault == RLP_END)
        return refuse_short_tuple(p, "types.AccessTuple", i);
    if (fault != RLP_GOOD)
        return ethereum_refuse_item(p, fault, "[]common.Hash",
                                    IN(i, "StorageKeys"));
    if (!keys.list)
        return ethereum_refuse(p, REASON_MALFORMED, "expected input list",
                               "[]common.Hash", IN(i, "StorageKeys"));
    reason = read_keys(p, keys.payload, i);
    if (reason != REASON_NONE || tuple.count == 0)
        return reason;
    return ethereum_refuse(p, REASON_MALFORMED,
                           "input list has too many elements",
                           "types.AccessTuple", AT(i));
}

/* ---- authorizations ---- */

/* [chain id, address, nonce, y parity, r, s], the i-th of the list. Whether its
 * signature is one decides the chain when it runs the transaction, not we. */
static enum reason read_authorization(const struct ethereum_parse *p,
                                      struct bytes tuple, size_t i)
{
    static const struct {
        const char *name, *go_type;
        enum ethereum_kind kind;
        size_t bytes_max;
    } parts[] = {
        {"ChainID", "*uint256.Int", ETHEREUM_UINT256, UINT256_BYTES},
        {"Address", "common.Address", ETHEREUM_TO, ADDRESS_BYTES},
        {"Nonce", "uint64", ETHEREUM_UINT64, 8},
        {"V", "uint8", ETHEREUM_UINT64, 1},
        {"R", "*uint256.Int", ETHEREUM_UINT256, UINT256_BYTES},
        {"S", "*uint256.Int", ETHEREUM_UINT256, UINT256_BYTES},
    };
    struct ethereum_path path = {.depth = 2, .index = i};
    struct rlp_item item;
    enum reason reason;
    uint64_t ignored;

    for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
        enum rlp_fault fault = rlp_read(&tuple, &item);

        path.member = parts[k].name;
        if (fault == RLP_END)
            return refuse_short_tuple(p, "types.SetCodeAuthorization", i);
        if (fault != RLP_GOOD)
            return ethereum_refuse_item(p, fault, parts[k].go_type, &path);
        if (parts[k].kind == ETHEREUM_TO)
            reason =
                check_fixed(p, &item, ADDRESS_BYTES, parts[k].go_type, &path);
        else if (parts[k].kind == ETHEREUM_UINT64)
            reason = ethereum_read_uint(p, &item, parts[k].bytes_max, &path,
                                        &ignored);
        else
            reason = check_uint256(p, &item, &path);
        if (reason != REASON_NONE)
            return reason;
    }
    if (tuple.count == 0)
        return REASON_NONE;
    return ethereum_refuse(p, REASON_MALFORMED,
                           "input list has too many elements",
                           "types.SetCodeAuthorization", AT(i));
}

/* ---- lists ---- */

typedef enum reason (*tuple_fn)(const struct ethereum_parse *p,
                                struct bytes tuple, size_t i);

/* A list of lists. */
static enum reason read_tuples(const struct ethereum_parse *p,
                               const struct rlp_item *list, const char *go_type,
                               const char *go_tuple, tuple_fn read,
                               size_t *out_count)
{
    struct bytes rest = list->payload;
    struct rlp_item tuple;
    enum reason reason;
    size_t i;

    if (!list->list)
        return ethereum_refuse(p, REASON_MALFORMED, "expected input list",
                               go_type, HERE);
    for (i = 0; rest.count > 0; i++) {
        enum rlp_fault fault = rlp_read(&rest, &tuple);

        if (fault != RLP_GOOD)
            return ethereum_refuse_item(p, fault, go_tuple, AT(i));
        if (!tuple.list)
            return ethereum_refuse(p, REASON_MALFORMED, "expected input list",
                                   go_tuple, AT(i));
        reason = read(p, tuple.payload, i);
        if (reason != REASON_NONE)
            return reason;
    }
    *out_count = i;
    return REASON_NONE;
}

enum reason ethereum_read_strings(const struct ethereum_parse *p,
                                  const struct rlp_item *list, size_t bytes,
                                  const char *go_type, size_t *out_count)
{
    struct bytes rest = list->payload;
    struct rlp_item item;
    enum reason reason;
    size_t i;

    /* `go_type` is that of the list: two characters more than of its items. */
    if (!list->list)
        return ethereum_refuse(p, REASON_MALFORMED, "expected input list",
                               go_type, HERE);
    for (i = 0; rest.count > 0; i++) {
        enum rlp_fault fault = rlp_read(&rest, &item);

        if (fault != RLP_GOOD)
            return ethereum_refuse_item(p, fault, go_type + 2, AT(i));
        reason = check_fixed(p, &item, bytes, go_type + 2, AT(i));
        if (reason != REASON_NONE)
            return reason;
    }
    *out_count = i;
    return REASON_NONE;
}

/* ---- any field ---- */

const char *ethereum_go_type(enum ethereum_kind kind)
{
    static const char *const types[] = {
        [ETHEREUM_UINT64] = "uint64",
        [ETHEREUM_INTEGER] = "*big.Int",
        [ETHEREUM_ADDRESS] = "*common.Address",
        [ETHEREUM_DATA] = "[]uint8",
        [ETHEREUM_ACCESS] = "types.AccessList",
        [ETHEREUM_UINT256] = "*uint256.Int",
        [ETHEREUM_TO] = "common.Address",
        [ETHEREUM_HASHES] = "[]common.Hash",
        [ETHEREUM_AUTHORIZATIONS] = "[]types.SetCodeAuthorization",
    };

    return types[kind];
}

enum reason ethereum_read_field(const struct ethereum_parse *p,
                                const struct ethereum_field *field,
                                const struct rlp_item *item)
{
    void *place = (char *)p->out + field->place;
    const char *go_type = ethereum_go_type(field->kind);
    struct ethereum_fields *f = p->out;
    enum reason reason = REASON_NONE;

    switch (field->kind) {
    case ETHEREUM_UINT64:
        return ethereum_read_uint(p, item, 8, HERE, place);
    case ETHEREUM_INTEGER:
        reason = check_integer(p, item, go_type, HERE);
        break;
    case ETHEREUM_UINT256:
        reason = check_uint256(p, item, HERE);
        break;
    case ETHEREUM_ADDRESS:
        reason = check_to(p, item);
        break;
    case ETHEREUM_TO:
        reason = check_fixed(p, item, ADDRESS_BYTES, go_type, HERE);
        break;
    case ETHEREUM_DATA:
        if (item->list)
            reason =
                ethereum_refuse(p, REASON_MALFORMED,
                                "expected input string or byte", go_type, HERE);
        break;
    case ETHEREUM_ACCESS:
        reason = read_tuples(p, item, go_type, "types.AccessTuple", read_tuple,
                             &f->access_addresses);
        break;
    case ETHEREUM_HASHES:
        reason =
            ethereum_read_strings(p, item, HASH_BYTES, go_type, &f->blob_count);
        break;
    case ETHEREUM_AUTHORIZATIONS:
        reason = read_tuples(p, item, go_type, "types.SetCodeAuthorization",
                             read_authorization, &f->authorization_count);
        break;
    }
    if (reason == REASON_NONE)
        *(struct bytes *)place = item->payload;
    return reason;
}
