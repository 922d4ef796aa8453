/*
 * schemas/ethereum_parse.c: takes a transaction apart, field after field.
 *
 * The forms below are all there is to know about the encodings: which fields,
 * in which order, of which kind. The last three are the signature, and what
 * stands before them is what was signed.
 *
 * From: schemas/ethereum.c.
 * To:   schemas/ethereum_items.c, for each field.
 */
#include "schemas/ethereum_inside.h"

#define FIELD(name, kind, member)                                              \
    {                                                                          \
        name, kind, offsetof(struct ethereum_fields, member)                   \
    }

static const struct ethereum_field legacy_fields[] = {
    FIELD("Nonce", ETHEREUM_UINT64, nonce),
    FIELD("GasPrice", ETHEREUM_INTEGER, price),
    FIELD("Gas", ETHEREUM_UINT64, gas),
    FIELD("To", ETHEREUM_ADDRESS, to),
    FIELD("Value", ETHEREUM_INTEGER, value),
    FIELD("Data", ETHEREUM_DATA, data),
    FIELD("V", ETHEREUM_INTEGER, v),
    FIELD("R", ETHEREUM_INTEGER, r),
    FIELD("S", ETHEREUM_INTEGER, s),
};

static const struct ethereum_field access_fields[] = {
    FIELD("ChainID", ETHEREUM_INTEGER, chain_id),
    FIELD("Nonce", ETHEREUM_UINT64, nonce),
    FIELD("GasPrice", ETHEREUM_INTEGER, price),
    FIELD("Gas", ETHEREUM_UINT64, gas),
    FIELD("To", ETHEREUM_ADDRESS, to),
    FIELD("Value", ETHEREUM_INTEGER, value),
    FIELD("Data", ETHEREUM_DATA, data),
    FIELD("AccessList", ETHEREUM_ACCESS, access_list),
    FIELD("V", ETHEREUM_INTEGER, v),
    FIELD("R", ETHEREUM_INTEGER, r),
    FIELD("S", ETHEREUM_INTEGER, s),
};

static const struct ethereum_field fee_fields[] = {
    FIELD("ChainID", ETHEREUM_INTEGER, chain_id),
    FIELD("Nonce", ETHEREUM_UINT64, nonce),
    FIELD("GasTipCap", ETHEREUM_INTEGER, tip),
    FIELD("GasFeeCap", ETHEREUM_INTEGER, price),
    FIELD("Gas", ETHEREUM_UINT64, gas),
    FIELD("To", ETHEREUM_ADDRESS, to),
    FIELD("Value", ETHEREUM_INTEGER, value),
    FIELD("Data", ETHEREUM_DATA, data),
    FIELD("AccessList", ETHEREUM_ACCESS, access_list),
    FIELD("V", ETHEREUM_INTEGER, v),
    FIELD("R", ETHEREUM_INTEGER, r),
    FIELD("S", ETHEREUM_INTEGER, s),
};

static const struct ethereum_field blob_fields[] = {
    FIELD("ChainID", ETHEREUM_UINT256, chain_id),
    FIELD("Nonce", ETHEREUM_UINT64, nonce),
    FIELD("GasTipCap", ETHEREUM_UINT256, tip),
    FIELD("GasFeeCap", ETHEREUM_UINT256, price),
    FIELD("Gas", ETHEREUM_UINT64, gas),
    FIELD("To", ETHEREUM_TO, to),
    FIELD("Value", ETHEREUM_UINT256, value),
    FIELD("Data", ETHEREUM_DATA, data),
    FIELD("AccessList", ETHEREUM_ACCESS, access_list),
    FIELD("BlobFeeCap", ETHEREUM_UINT256, blob_price),
    FIELD("BlobHashes", ETHEREUM_HASHES, blob_hashes),
    FIELD("V", ETHEREUM_UINT256, v),
    FIELD("R", ETHEREUM_UINT256, r),
    FIELD("S", ETHEREUM_UINT256, s),
};

static const struct ethereum_field code_fields[] = {
    FIELD("ChainID", ETHEREUM_UINT256, chain_id),
    FIELD("Nonce", ETHEREUM_UINT64, nonce),
    FIELD("GasTipCap", ETHEREUM_UINT256, tip),
    FIELD("GasFeeCap", ETHEREUM_UINT256, price),
    FIELD("Gas", ETHEREUM_UINT64, gas),
    FIELD("To", ETHEREUM_TO, to),
    FIELD("Value", ETHEREUM_UINT256, value),
    FIELD("Data", ETHEREUM_DATA, data),
    FIELD("AccessList", ETHEREUM_ACCESS, access_list),
    FIELD("AuthList", ETHEREUM_AUTHORIZATIONS, authorizations),
    FIELD("V", ETHEREUM_UINT256, v),
    FIELD("R", ETHEREUM_UINT256, r),
    FIELD("S", ETHEREUM_UINT256, s),
};

#define SIGNATURE_FIELDS 3 /* the last ones of every form */

static const struct ethereum_form forms[] = {
    {"types.LegacyTx", legacy_fields, 9},
    {"types.AccessListTx", access_fields, 11},
    {"types.DynamicFeeTx", fee_fields, 12},
    {"types.BlobTx", blob_fields, 14},
    {"types.SetCodeTx", code_fields, 13},
};

/* There is no further field; `more` that there is one too many. */
static enum reason refuse_count(const struct ethereum_parse *p, bool more)
{
    return transaction_refuse(
        p->words, REASON_MALFORMED, "rlp: %s for %s%s%s%s",
        more ? "input list has too many elements" : "too few elements",
        p->form->name, p->outer != NULL ? ", decoding into (" : "",
        p->outer != NULL ? p->outer : "", p->outer != NULL ? ").BlobTx" : "");
}

enum reason ethereum_read_fields(struct ethereum_parse *p, struct bytes items)
{
    struct bytes rest = items;
    struct rlp_item item;
    enum rlp_fault fault;
    enum reason reason;

    for (size_t i = 0; i < p->form->count; i++) {
        const struct ethereum_field *field = &p->form->fields[i];

        if (i == p->form->count - SIGNATURE_FIELDS)
            p->out->signed_fields =
                bytes_of(items.data, (size_t)(rest.data - items.data));
        p->field = field->name;
        fault = rlp_read(&rest, &item);
        if (fault == RLP_END)
            return refuse_count(p, false);
        if (fault != RLP_GOOD)
            return ethereum_refuse_item(p, fault, ethereum_go_type(field->kind),
                                        ETHEREUM_HERE);
        reason = ethereum_read_field(p, field, &item);
        if (reason != REASON_NONE)
            return reason;
    }
    return rest.count == 0 ? REASON_NONE : refuse_count(p, true);
}

enum reason ethereum_read_list(struct ethereum_parse *p, struct bytes body)
{
    struct bytes rest = body;
    struct rlp_item list;
    enum rlp_fault fault = rlp_read(&rest, &list);
    enum reason reason;

    if (fault == RLP_TOO_LONG || fault == RLP_END)
        return transaction_refuse(p->words, REASON_MALFORMED,
                                  "rlp: value size exceeds available input "
                                  "length");
    /* No list, in whatever form: 80..bf begins no transaction. */
    if (body.data[0] < RLP_LIST_FIRST)
        return transaction_refuse(p->words, REASON_MALFORMED,
                                  "rlp: expected input list for %s",
                                  p->form->name);
    if (fault == RLP_CANONICAL)
        return transaction_refuse(p->words, REASON_NON_CANONICAL,
                                  "rlp: non-canonical size information for %s",
                                  p->form->name);
    reason = ethereum_read_fields(p, list.payload);
    if (reason != REASON_NONE)
        return reason;
    if (rest.count > 0)
        return transaction_refuse(p->words, REASON_NON_CANONICAL,
                                  "rlp: input contains more than one value");
    p->out->body = list.raw;
    return REASON_NONE;
}

static enum reason check_size(struct bytes input, uint8_t type_max,
                              struct transaction_words *words)
{
    size_t max = TRANSACTION_BYTES_MAX;

    if (input.count == 0)
        return transaction_refuse(words, REASON_EMPTY,
                                  "typed transaction too short");
    if (input.data[0] == 3 && type_max >= 3 &&
        ethereum_is_network(bytes_slice(input, 1, input.count)))
        max = ETHEREUM_NETWORK_BYTES_MAX;
    if (input.count > max)
        return transaction_refuse(
            words, REASON_TOO_LARGE,
            "oversized data: transaction size %zu, limit %zu", input.count,
            max);
    return REASON_NONE;
}

enum reason ethereum_parse(struct bytes input, struct ethereum_fields *out,
                           struct transaction_words *out_words)
{
    return ethereum_parse_up_to(ETHEREUM_TYPE_MAX, input, out, out_words);
}

enum reason ethereum_parse_up_to(uint8_t type_max, struct bytes input,
                                 struct ethereum_fields *out,
                                 struct transaction_words *out_words)
{
    struct ethereum_parse p = {.field = "", .out = out, .words = out_words};
    enum reason reason = check_size(input, type_max, out_words);
    struct bytes body;
    uint8_t type;

    if (reason != REASON_NONE)
        return reason;
    *out = (struct ethereum_fields){0};
    p.form = &forms[0];
    type = input.data[0];
    if (type > 0x7f)
        return ethereum_read_list(&p, input);
    if (input.count == 1)
        return transaction_refuse(out_words, REASON_MALFORMED,
                                  "typed transaction too short");
    if (type == 0 || type > type_max)
        return transaction_refuse(out_words, REASON_UNSUPPORTED_TYPE,
                                  "transaction type not supported");
    out->type = type;
    p.form = &forms[type];
    body = bytes_slice(input, 1, input.count - 1);
    return type == 3 ? ethereum_read_blob(&p, body)
                     : ethereum_read_list(&p, body);
}
