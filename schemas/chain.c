/*
 * schemas/chain.c: names of chains, read and made.
 *
 * To serve a new namespace: add it to `namespaces`, with the newest rule set of
 * this release and what its reference looks like.
 *
 * From: schemas/record.c, schemas/ethereum.c, the settings of the doors.
 * To:   schemas/hash.h.
 */
#include "schemas/chain.h"

#include <string.h>

#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/hash.h"

enum reference { REFERENCE_NONE, REFERENCE_ANY, REFERENCE_DECIMAL };

static const struct {
    enum chain_namespace ns;
    const char *name;
    enum reference reference;
    int rules_newest; /* 0: not judged in this release */
    int rules_door;   /* what is sent today is judged by */
} namespaces[] = {
    {CHAIN_EIP155, "eip155", REFERENCE_DECIMAL, 5, 4},
    {CHAIN_JWS, "jws", REFERENCE_NONE, 1, 1},
    {CHAIN_SOLANA, "solana", REFERENCE_ANY, 1, 1},
    {CHAIN_BIP122, "bip122", REFERENCE_ANY, 2, 2},
};

#define NAMESPACES_COUNT (sizeof(namespaces) / sizeof(namespaces[0]))

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool namespace_is_good(struct bytes ns)
{
    if (ns.count < 3 || ns.count > 8)
        return false;
    for (size_t i = 0; i < ns.count; i++) {
        if (!is_digit(ns.data[i]) && !is_lower(ns.data[i]))
            return false;
    }
    return true;
}

static bool reference_is_good(struct bytes reference)
{
    if (reference.count < 1 || reference.count > CHAIN_REFERENCE_MAX)
        return false;
    for (size_t i = 0; i < reference.count; i++) {
        uint8_t c = reference.data[i];

        if (!is_digit(c) && !is_lower(c) && !(c >= 'A' && c <= 'Z') &&
            c != '-' && c != '_')
            return false;
    }
    return true;
}

static bool reference_is_decimal(struct bytes reference)
{
    if (reference.data == NULL)
        return false;
    for (size_t i = 0; i < reference.count; i++) {
        if (!is_digit(reference.data[i]))
            return false;
    }
    return reference.count == 1 || reference.data[0] != '0';
}

/* The namespace, and whether it likes this reference (data NULL: none). */
static bool find_namespace(struct bytes ns, struct bytes reference,
                           enum chain_namespace *out)
{
    for (size_t i = 0; i < NAMESPACES_COUNT; i++) {
        if (!bytes_equal_text(ns, namespaces[i].name))
            continue;
        *out = namespaces[i].ns;
        switch (namespaces[i].reference) {
        case REFERENCE_NONE:
            return reference.data == NULL;
        case REFERENCE_ANY:
            return reference.data != NULL;
        case REFERENCE_DECIMAL:
            return reference_is_decimal(reference);
        }
    }
    *out = CHAIN_NONE;
    return true;
}

/* `out->name` and `out->ns` are there; makes the numbers. */
static void set_numbers(struct chain *out)
{
    uint8_t hash[HASH_BYTES];

    hash_sha256(bytes_text(out->name), hash);
    memcpy(out->key, hash, sizeof(out->key));
    out->number = (int64_t)(bytes_get_be64(hash) & INT64_MAX);
}

int chain_parse(struct bytes name, struct chain *out)
{
    struct bytes ns = name, reference = BYTES_NONE;
    const uint8_t *colon;
    enum chain_namespace found;

    if (name.count == 0 || name.count > CHAIN_NAME_MAX)
        return FAIL_MALFORMED;
    colon = memchr(name.data, ':', name.count);
    if (colon != NULL) {
        ns.count = (size_t)(colon - name.data);
        reference = bytes_of(colon + 1, name.count - ns.count - 1);
        if (!reference_is_good(reference))
            return FAIL_MALFORMED;
    }
    if (!namespace_is_good(ns) || !find_namespace(ns, reference, &found))
        return FAIL_MALFORMED;

    *out = (struct chain){.ns = found};
    memcpy(out->name, name.data, name.count);
    set_numbers(out);
    return 0;
}

int chain_rules_newest(enum chain_namespace ns)
{
    for (size_t i = 0; i < NAMESPACES_COUNT; i++) {
        if (namespaces[i].ns == ns)
            return namespaces[i].rules_newest;
    }
    return 0;
}

int chain_rules_door(enum chain_namespace ns)
{
    for (size_t i = 0; i < NAMESPACES_COUNT; i++) {
        if (namespaces[i].ns == ns)
            return namespaces[i].rules_door;
    }
    return 0;
}

int chain_eip155(struct bytes be_chain_id, struct chain *out)
{
    static const char prefix[] = "eip155:";
    uint8_t id[AMOUNT_BYTES];
    char digits[AMOUNT_TEXT_MAX + 1];
    size_t count;

    if (amount_set(be_chain_id, id) < 0)
        return FAIL_TOO_BIG;
    count = amount_format(id, digits);
    if (count > CHAIN_REFERENCE_MAX)
        return FAIL_TOO_BIG;
    *out = (struct chain){.ns = CHAIN_EIP155};
    memcpy(out->name, prefix, sizeof(prefix) - 1);
    memcpy(out->name + sizeof(prefix) - 1, digits, count);
    set_numbers(out);
    return 0;
}

bool chain_equal(const struct chain *a, const struct chain *b)
{
    return strcmp(a->name, b->name) == 0;
}
