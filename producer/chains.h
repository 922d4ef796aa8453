/*
 * producer/chains.h: which chains this door accepts, by which rule set.
 *
 *      TIDEMILL_CHAINS=eip155:1=4,eip155:*=3
 *
 * The first is the default: of `/`, and of eth_chainId. A star takes every
 * reference of its namespace that no other entry names.
 *
 * Thread: any, once parsed.
 */
#ifndef PRODUCER_CHAINS_H
#define PRODUCER_CHAINS_H

#include <stdbool.h>
#include <stddef.h>

#include "schemas/base/bytes.h"
#include "schemas/chain.h"

#define CHAINS_MAX 64

struct chains_entry {
    struct chain chain; /* of a star only the namespace counts */
    bool star;
    int rules;
};

struct chains {
    struct chains_entry entries[CHAINS_MAX];
    size_t count;
};

/*
 * Reads the setting. Returns 0, or FAIL_SETTING and appends why.
 */
int chains_parse(const char *text, struct chains *out,
                 struct buffer *out_why) MUST_CHECK;

/* The rule set this chain is accepted by; 0: it is not served. */
int chains_rules(const struct chains *c, const struct chain *chain);

/* Is any chain of this namespace served? */
bool chains_serve(const struct chains *c, enum chain_namespace ns);

/* The only chain of a namespace that is served; NULL: none, or several. */
const struct chain *chains_sole(const struct chains *c,
                                enum chain_namespace ns);

/* The only chain that is served, or NULL when the bytes must say which. */
const struct chain *chains_only(const struct chains *c);

/* The default chain; NULL when the first entry is a star. */
const struct chain *chains_default(const struct chains *c);

#endif
