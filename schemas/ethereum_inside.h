/*
 * schemas/ethereum_inside.h: what the files of the Ethereum decoder share, and
 * nobody else includes.
 *
 * A form is a list of fields in order; a field knows its name, its kind and its
 * place in struct ethereum_fields. The same tables give the words of a refusal,
 * because geth builds them from type and field names:
 *
 *   rlp: non-canonical integer (leading zero bytes) for uint64,
 *   decoding into (types.DynamicFeeTx).Nonce
 *
 * Thread: any.
 */
#ifndef SCHEMAS_ETHEREUM_INSIDE_H
#define SCHEMAS_ETHEREUM_INSIDE_H

#include "schemas/ethereum.h"
#include "schemas/rlp.h"

enum ethereum_kind {
    ETHEREUM_UINT64,  /* at most 8 bytes */
    ETHEREUM_INTEGER, /* any length */
    ETHEREUM_ADDRESS, /* 20 bytes or none */
    ETHEREUM_DATA,
    ETHEREUM_ACCESS
};

struct ethereum_field {
    const char *name; /* geth's */
    enum ethereum_kind kind;
    size_t place; /* in struct ethereum_fields */
};

struct ethereum_form {
    const char *name; /* geth's */
    const struct ethereum_field *fields;
    size_t count;
};

/* What is being read, for the words. */
struct ethereum_parse {
    const struct ethereum_form *form;
    const char *field;
    struct ethereum_fields *out;
    struct transaction_words *words;
};

/*
 * Says why the current field is refused. `path` is what follows its name: "",
 * "[3].Address", ...
 */
enum reason ethereum_refuse(const struct ethereum_parse *p, enum reason reason,
                            const char *what, const char *go_type,
                            const char *path);

/* The same of an item that is not there, too long or not canonical. */
enum reason ethereum_refuse_item(const struct ethereum_parse *p,
                                 enum rlp_fault fault, const char *go_type,
                                 const char *path);

/* Geth's type of a field of this kind. */
const char *ethereum_go_type(enum ethereum_kind kind);

/*
 * ethereum_items.c: checks `item` by the kind of `field` and puts it into its
 * place. Returns REASON_NONE, or why not.
 */
enum reason ethereum_read_field(const struct ethereum_parse *p,
                                const struct ethereum_field *field,
                                const struct rlp_item *item);

#endif
