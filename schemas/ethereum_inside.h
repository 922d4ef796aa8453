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
    ETHEREUM_ACCESS,
    ETHEREUM_UINT256, /* at most 32 bytes */
    ETHEREUM_TO,      /* 20 bytes */
    ETHEREUM_HASHES,
    ETHEREUM_AUTHORIZATIONS
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
    const char *outer; /* geth's name of the network form around it, or NULL */
    const char *field;
    struct ethereum_fields *out;
    struct transaction_words *words;
};

/* Where in a field: "", "[3]", "[3].Address", "[3].StorageKeys[1]". */
struct ethereum_path {
    int depth; /* how many of the following count: 0..3 */
    size_t index;
    const char *member;
    size_t inner;
};

#define ETHEREUM_HERE (&(const struct ethereum_path){.depth = 0})

/* Says why the current field is refused. */
enum reason ethereum_refuse(const struct ethereum_parse *p, enum reason reason,
                            const char *what, const char *go_type,
                            const struct ethereum_path *path);

/*
 * The same of an item that is too long, not canonical, or not there: then
 * `go_type` is what has too few elements.
 */
enum reason ethereum_refuse_item(const struct ethereum_parse *p,
                                 enum rlp_fault fault, const char *go_type,
                                 const struct ethereum_path *path);

/* Geth's type of a field of this kind. */
const char *ethereum_go_type(enum ethereum_kind kind);

/*
 * ethereum_items.c: checks `item` by the kind of `field` and puts it into its
 * place. Returns REASON_NONE, or why not.
 */
enum reason ethereum_read_field(const struct ethereum_parse *p,
                                const struct ethereum_field *field,
                                const struct rlp_item *item);

/*
 * Checks that the current field is a list of strings of exactly `bytes` each,
 * and sets how many there are. `go_type` is that of the list: "[]common.Hash".
 */
enum reason ethereum_read_strings(const struct ethereum_parse *p,
                                  const struct rlp_item *list, size_t bytes,
                                  const char *go_type, size_t *out_count);

/* Reads an integer of at most `bytes_max` bytes: 8 or 1. */
enum reason ethereum_read_uint(const struct ethereum_parse *p,
                               const struct rlp_item *item, size_t bytes_max,
                               const struct ethereum_path *path, uint64_t *out);

/* ethereum_parse(), for a rule set that knows no type above `type_max`. */
enum reason ethereum_parse_up_to(uint8_t type_max, struct bytes input,
                                 struct ethereum_fields *out,
                                 struct transaction_words *out_words);

/* ethereum_parse.c: the fields of p->form, from the items inside its list. */
enum reason ethereum_read_fields(struct ethereum_parse *p, struct bytes items);

/* The one list of fields that is all of `body`, and nothing behind it. */
enum reason ethereum_read_list(struct ethereum_parse *p, struct bytes body);

/*
 * ethereum_blob.c: what follows the type byte of type 3, in either form.
 * p->form is that of the consensus form.
 */
enum reason ethereum_read_blob(struct ethereum_parse *p, struct bytes body);

/* Whether that is a network form, as far as its first bytes tell. */
bool ethereum_is_network(struct bytes body);

/*
 * Whether the sidecar of a network form belongs to the transaction: as many of
 * each as there are hashes, and every hash that of its commitment. Proofs are
 * counted, not checked.
 */
enum reason ethereum_check_sidecar(const struct ethereum_fields *f,
                                   struct transaction_words *words);

/* ethereum_pool.c: what a pool refuses at a fork, by its numbers. */
enum ethereum_fork {
    ETHEREUM_FORK_NONE, /* no pool rules */
    ETHEREUM_SHANGHAI,
    ETHEREUM_OSAKA
};

/* What can be said before anything about the signature. */
enum reason ethereum_pool_early(enum ethereum_fork fork,
                                const struct ethereum_fields *f,
                                struct transaction_words *words);

/* Nonce, gas, and a blob fee that could be paid. */
enum reason ethereum_pool_late(enum ethereum_fork fork,
                               const struct ethereum_fields *f,
                               struct transaction_words *words);

/*
 * Blobs, authorizations, and whether all it may cost fits 256 bits. `price` and
 * `value` are 32 bytes.
 */
enum reason ethereum_pool_end(enum ethereum_fork fork,
                              const struct ethereum_fields *f,
                              const uint8_t price[32], const uint8_t value[32],
                              struct transaction_words *words);

#endif
