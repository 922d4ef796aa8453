/*
 * schemas/chain.h: a chain's name, and the numbers made from it.
 *
 * A chain is named by its CAIP-2 id ("eip155:1") or by "jws". SHA-256 of that
 * name gives 4 bytes for record keys and 63 bits for tables, so that no table
 * of chains has to be kept anywhere.
 *
 * Thread: any. Memory: values, nothing to free.
 */
#ifndef SCHEMAS_CHAIN_H
#define SCHEMAS_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

#define CHAIN_NAME_MAX 41      /* namespace 8, colon, reference 32 */
#define CHAIN_REFERENCE_MAX 32 /* characters */

/* CHAIN_NONE: well formed, but of a namespace we know nothing about. */
enum chain_namespace {
    CHAIN_NONE,
    CHAIN_EIP155,
    CHAIN_JWS,
    CHAIN_SOLANA,
    CHAIN_BIP122
};

struct chain {
    char name[CHAIN_NAME_MAX + 1];
    enum chain_namespace ns;
    int64_t number; /* first 8 bytes of SHA-256(name), top bit cleared */
    uint8_t key[4]; /* first 4 bytes of SHA-256(name) */
};

/*
 * Reads `[a-z0-9]{3,8}(:[-_a-zA-Z0-9]{1,32})?`. Of the namespaces we know,
 * `eip155` wants a decimal reference without leading zero, `solana` and
 * `bip122` want a reference, `jws` has none.
 *
 * Returns 0, or FAIL_MALFORMED.
 */
int chain_parse(struct bytes name, struct chain *out) MUST_CHECK;

/* The newest rule set we can judge by; 0 = none in this release. */
int chain_rules_newest(enum chain_namespace ns);

/* The rule set for what is sent today to a public chain of it; 0: none. */
int chain_rules_door(enum chain_namespace ns);

/*
 * The eip155 chain with this big-endian chain id; leading zeros are allowed,
 * the empty id is 0.
 *
 * Returns 0, or FAIL_TOO_BIG when the decimal does not fit 32 characters.
 */
int chain_eip155(struct bytes be_chain_id, struct chain *out) MUST_CHECK;

/* The same chain, by name. */
bool chain_equal(const struct chain *a, const struct chain *b);

#endif
