/*
 * schemas/ethereum_rules.c: the rule sets of `eip155`.
 *
 * A set is a row of the table below and a page in schemas/rules. Neither ever
 * changes once it is released, because a record names its set and a replay in
 * ten years must find the same verdict: a new rule is a new set.
 *
 * The order of the checks is geth's, so that a transaction with two faults is
 * refused in the same words; none of them needs a curve.
 *
 * From: schemas/ethereum.c.
 * To:   schemas/ethereum_pool.c, schemas/ethereum_blob.c, schemas/amount.h.
 */
#include <string.h>

#include "schemas/amount.h"
#include "schemas/base/fail.h"
#include "schemas/ethereum_inside.h"

static const struct rule_set {
    uint8_t type_max;        /* types above it are not known */
    bool chain_required;     /* no legacy transaction without chain id */
    bool frontier;           /* no other, and s may be in the upper half */
    enum ethereum_fork pool; /* whose pool rules, if any */
} rule_sets[] = {
    [1] = {.type_max = 2},
    [2] = {.type_max = 2, .chain_required = true, .pool = ETHEREUM_SHANGHAI},
    [3] = {.type_max = 4},
    [4] = {.type_max = 4, .chain_required = true, .pool = ETHEREUM_OSAKA},
    [5] = {.type_max = 0, .frontier = true},
};

#define RULE_SETS_COUNT ((int)(sizeof(rule_sets) / sizeof(rule_sets[0])))

#define PARITY_BAD 255

#define INVALID_SIGNATURE "invalid sender: invalid transaction v, r, s values"

/* The order of the curve, and half of it, rounded down. */
static const uint8_t curve_order[32] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
    0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
};
static const uint8_t curve_half[32] = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
    0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
};

static bool is_small(struct bytes integer, uint8_t *out)
{
    if (integer.count > 1)
        return false;
    *out = integer.count == 0 ? 0 : integer.data[0];
    return true;
}

/* (v - 35) / 2, for v >= 35 of at most 32 bytes; the parity is what is left. */
static void chain_id_of_v(struct bytes v, uint8_t out[32], uint8_t *out_parity)
{
    int borrow = 35, carry = 0;

    memset(out, 0, 32);
    memcpy(out + 32 - v.count, v.data, v.count);
    for (int i = 31; i >= 0 && borrow > 0; i--) {
        int rest = out[i] - borrow;

        borrow = rest < 0;
        out[i] = (uint8_t)rest;
    }
    *out_parity = out[31] & 1;
    for (int i = 0; i < 32; i++) {
        int next = out[i] & 1;

        out[i] = (uint8_t)(out[i] >> 1 | carry << 7);
        carry = next;
    }
}

static bool chain_id_of_legacy(struct bytes v, uint8_t out[32],
                               uint8_t *out_parity)
{
    uint8_t small;

    *out_parity = PARITY_BAD;
    if (v.count > 32)
        return false;
    if (is_small(v, &small) && small < 35) {
        if (small == 27 || small == 28)
            *out_parity = (uint8_t)(small - 27);
        return false;
    }
    chain_id_of_v(v, out, out_parity);
    return true;
}

bool ethereum_chain_id(const struct ethereum_fields *f, uint8_t out[32],
                       uint8_t *out_parity)
{
    uint8_t small;

    if (f->type == 0)
        return chain_id_of_legacy(f->v, out, out_parity);
    *out_parity = is_small(f->v, &small) && small <= 1 ? small : PARITY_BAD;
    return amount_set(f->chain_id, out) == 0;
}

/*
 * Sets the chain the bytes name. Mostly it is the record's own, and then there
 * is nothing to hash.
 */
static void name_chain(const struct chain *chain, struct transaction *out)
{
    char digits[AMOUNT_TEXT_MAX + 1];

    amount_format(out->chain_id, digits);
    if (strncmp(chain->name, "eip155:", 7) == 0 &&
        strcmp(chain->name + 7, digits) == 0)
        out->chain_in_bytes = *chain;
    else if (chain_eip155(bytes_of(out->chain_id, 32), &out->chain_in_bytes) <
             0)
        out->chain_in_bytes = (struct chain){.ns = CHAIN_EIP155};
}

static enum reason check_chain(const struct chain *chain,
                               const struct transaction *t,
                               struct transaction_words *words)
{
    char digits[AMOUNT_TEXT_MAX + 1];

    if (chain_equal(chain, &t->chain_in_bytes))
        return REASON_NONE;
    amount_format(t->chain_id, digits);
    return transaction_refuse(
        words,
        t->chain_in_bytes.name[0] != '\0' ? REASON_WRONG_CHAIN
                                          : REASON_CHAIN_NOT_SERVED,
        "invalid sender: invalid chain id for signer: have %s want %s", digits,
        chain->name + 7);
}

static bool is_zero(const uint8_t number[32])
{
    static const uint8_t zero[32];

    return memcmp(number, zero, 32) == 0;
}

/* r and s in 1 .. n-1, s in the lower half, parity 0 or 1; before Homestead
 * any s, and no chain id. */
static enum reason check_signature(const struct rule_set *set,
                                   const struct ethereum_fields *f,
                                   struct transaction *out,
                                   struct transaction_words *words)
{
    uint8_t *r = out->signature, *s = out->signature + 32;

    if (out->parity == PARITY_BAD || (set->frontier && out->has_chain_id))
        return transaction_refuse(words, REASON_BAD_RECOVERY_ID, "%s",
                                  INVALID_SIGNATURE);
    if (amount_set(f->r, r) < 0 || amount_set(f->s, s) < 0 || is_zero(r) ||
        is_zero(s) || memcmp(r, curve_order, 32) >= 0 ||
        memcmp(s, curve_order, 32) >= 0)
        return transaction_refuse(words, REASON_OUT_OF_RANGE, "%s",
                                  INVALID_SIGNATURE);
    if (!set->frontier && memcmp(s, curve_half, 32) > 0)
        return transaction_refuse(words, REASON_HIGH_S, "%s",
                                  INVALID_SIGNATURE);
    out->signature[64] = out->parity;
    out->signature_count = 65;
    return REASON_NONE;
}

/* Numbers that must fit 256 bits to be read at all. */
static enum reason check_widths(const struct ethereum_fields *f,
                                struct transaction *out, uint8_t price[32],
                                struct transaction_words *words)
{
    uint8_t tip[32];

    if (amount_set(f->price, price) < 0)
        return transaction_refuse(words, REASON_FIELD_RANGE,
                                  "max fee per gas higher than 2^256-1");
    if (amount_set(f->tip, tip) < 0)
        return transaction_refuse(words, REASON_FIELD_RANGE,
                                  "max priority fee per gas higher than "
                                  "2^256-1");
    if (amount_set(f->value, out->amount) < 0)
        return transaction_refuse(words, REASON_FIELD_RANGE,
                                  "insufficient funds for gas * price + value");
    return REASON_NONE;
}

/* v as 0 or 1 names no chain either, and geth says so before it looks closer */
static enum reason refuse_unprotected(const struct ethereum_fields *f,
                                      const struct transaction *t,
                                      struct transaction_words *words)
{
    uint8_t small;

    if (t->parity == PARITY_BAD && !(is_small(f->v, &small) && small <= 1))
        return transaction_refuse(words, REASON_BAD_RECOVERY_ID, "%s",
                                  INVALID_SIGNATURE);
    return transaction_refuse(words,
                              t->parity == PARITY_BAD ? REASON_BAD_RECOVERY_ID
                                                      : REASON_CHAIN_REQUIRED,
                              "only replay-protected (EIP-155) transactions "
                              "allowed over RPC");
}

uint8_t ethereum_type_max(int rules)
{
    CHECK(rules >= 1 && rules < RULE_SETS_COUNT);
    return rule_sets[rules].type_max;
}

enum reason ethereum_rules(const struct chain *chain, int rules,
                           const struct ethereum_fields *f,
                           struct transaction *out,
                           struct transaction_words *words)
{
    const struct rule_set *set;
    enum reason reason;
    uint8_t price[32];

    CHECK(rules >= 1 && rules < RULE_SETS_COUNT);
    set = &rule_sets[rules];
    out->has_nonce = true;
    out->nonce = f->nonce;
    out->has_chain_id = ethereum_chain_id(f, out->chain_id, &out->parity);
    if (out->has_chain_id)
        name_chain(chain, out);

    if (f->type != 0 && !out->has_chain_id)
        return transaction_refuse(
            words, REASON_FIELD_RANGE,
            "invalid sender: invalid chain id for signer: "
            "more than 256 bits");
    if (set->chain_required && !out->has_chain_id)
        return refuse_unprotected(f, out, words);
    reason = ethereum_pool_early(set->pool, f, words);
    if (reason == REASON_NONE)
        reason = check_widths(f, out, price, words);
    if (reason == REASON_NONE && out->has_chain_id && !set->frontier)
        reason = check_chain(chain, out, words);
    if (reason == REASON_NONE)
        reason = check_signature(set, f, out, words);
    if (reason == REASON_NONE)
        reason = ethereum_pool_late(set->pool, f, words);
    if (reason == REASON_NONE && f->network)
        reason = ethereum_check_sidecar(f, words);
    if (reason == REASON_NONE)
        reason = ethereum_pool_end(set->pool, f, price, out->amount, words);
    return reason;
}
