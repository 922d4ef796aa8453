/*
 * schemas/ethereum_pool.c: what any pool refuses without looking at state.
 *
 * One row per fork, and nothing of it anywhere else. A rule set names its row;
 * a fork that changes a number is a new row and a new set. The numbers are
 * Ethereum's and hold for every chain that follows its forks; for a chain that
 * does not, a door takes a set without pool rules.
 *
 * From: schemas/ethereum_rules.c.
 * To:   schemas/amount.h.
 */
#include <string.h>

#include "schemas/amount.h"
#include "schemas/ethereum_inside.h"

#define BLOB_GAS 131072 /* of one blob (EIP-4844) */
#define BLOB_HASH_VERSION 1

static const struct fork {
    size_t initcode_max;     /* bytes (EIP-3860) */
    uint64_t gas_max;        /* 0: none (EIP-7825) */
    uint64_t gas_call;       /* intrinsic gas of any transaction */
    uint64_t gas_create;     /* the same when it creates a contract */
    uint64_t gas_zero;       /* each zero byte of data (EIP-2028) */
    uint64_t gas_other;      /* each other byte */
    uint64_t gas_word;       /* each 32 bytes of init code (EIP-3860) */
    uint64_t gas_address;    /* each address of the access list (EIP-2930) */
    uint64_t gas_key;        /* each storage key of it */
    uint64_t gas_authorized; /* each authorization (EIP-7702) */
    uint64_t floor_zero;     /* at least, each zero byte of data (EIP-7623) */
    uint64_t floor_other;    /* and each other byte */
    size_t blobs_max;        /* of one transaction (EIP-7594) */
    uint64_t blob_price_min; /* 0 or 1: of any block (EIP-4844) */
} forks[] = {
    [ETHEREUM_SHANGHAI] = {.initcode_max = 49152,
                           .gas_call = 21000,
                           .gas_create = 53000,
                           .gas_zero = 4,
                           .gas_other = 16,
                           .gas_word = 2,
                           .gas_address = 2400,
                           .gas_key = 1900},
    [ETHEREUM_OSAKA] = {.initcode_max = 49152,
                        .gas_max = 16777216,
                        .gas_call = 21000,
                        .gas_create = 53000,
                        .gas_zero = 4,
                        .gas_other = 16,
                        .gas_word = 2,
                        .gas_address = 2400,
                        .gas_key = 1900,
                        .gas_authorized = 25000,
                        .floor_zero = 10,
                        .floor_other = 40,
                        .blobs_max = 6,
                        .blob_price_min = 1},
};

enum reason ethereum_pool_early(enum ethereum_fork fork,
                                const struct ethereum_fields *f,
                                struct transaction_words *words)
{
    const struct fork *n = &forks[fork];

    if (fork == ETHEREUM_FORK_NONE)
        return REASON_NONE;
    if (f->to.count == 0 && f->data.count > n->initcode_max)
        return transaction_refuse(
            words, REASON_INITCODE_SIZE,
            "max initcode size exceeded: code size %zu limit %zu",
            f->data.count, n->initcode_max);
    if (n->gas_max > 0 && f->gas > n->gas_max)
        return transaction_refuse(
            words, REASON_GAS_ABOVE_CAP,
            "transaction gas limit too high (cap: %llu, tx: %llu)",
            (unsigned long long)n->gas_max, (unsigned long long)f->gas);
    /* Without leading zeros, the longer number is the larger one. */
    if (f->type >= 2 && (f->tip.count > f->price.count ||
                         (f->tip.count == f->price.count &&
                          bytes_compare(f->tip, f->price) > 0)))
        return transaction_refuse(
            words, REASON_TIP_ABOVE_CAP,
            "max priority fee per gas higher than max fee per gas");
    return REASON_NONE;
}

static uint64_t intrinsic_gas(const struct fork *n,
                              const struct ethereum_fields *f, size_t zeros)
{
    bool create = f->to.count == 0;
    uint64_t gas = create ? n->gas_create : n->gas_call;

    gas += zeros * n->gas_zero + (f->data.count - zeros) * n->gas_other;
    if (create)
        gas += (f->data.count + 31) / 32 * n->gas_word;
    return gas + f->access_addresses * n->gas_address +
           f->access_keys * n->gas_key +
           f->authorization_count * n->gas_authorized;
}

enum reason ethereum_pool_late(enum ethereum_fork fork,
                               const struct ethereum_fields *f,
                               struct transaction_words *words)
{
    const struct fork *n = &forks[fork];
    size_t zeros = 0;
    uint64_t least;

    if (fork == ETHEREUM_FORK_NONE)
        return REASON_NONE;
    if (f->nonce == UINT64_MAX)
        return transaction_refuse(words, REASON_NONCE_TOO_HIGH,
                                  "nonce has max value");
    for (size_t i = 0; i < f->data.count; i++)
        zeros += f->data.data[i] == 0;
    least = intrinsic_gas(n, f, zeros);
    if (f->gas < least)
        return transaction_refuse(
            words, REASON_INTRINSIC_GAS,
            "intrinsic gas too low: gas %llu, minimum needed %llu",
            (unsigned long long)f->gas, (unsigned long long)least);
    least = n->gas_call + zeros * n->floor_zero +
            (f->data.count - zeros) * n->floor_other;
    if (f->gas < least)
        return transaction_refuse(
            words, REASON_FLOOR_GAS,
            "insufficient gas for floor data gas cost: gas %llu, minimum "
            "needed %llu",
            (unsigned long long)f->gas, (unsigned long long)least);
    if (f->type == 3 && f->blob_price.count == 0 && n->blob_price_min > 0)
        return transaction_refuse(words, REASON_BLOB_FEE,
                                  "transaction gas price below minimum: blob "
                                  "fee cap 0, minimum needed %llu",
                                  (unsigned long long)n->blob_price_min);
    return REASON_NONE;
}

static enum reason check_blobs(const struct fork *n,
                               const struct ethereum_fields *f,
                               struct transaction_words *words)
{
    struct bytes hashes = f->blob_hashes;
    struct rlp_item hash;

    if (f->blob_count == 0)
        return transaction_refuse(words, REASON_BLOB_COUNT,
                                  "blobless blob transaction");
    if (f->blob_count > n->blobs_max)
        return transaction_refuse(
            words, REASON_BLOB_COUNT,
            "transaction blob limit exceeded: blob count %zu, limit %zu",
            f->blob_count, n->blobs_max);
    for (size_t i = 0; i < f->blob_count; i++) {
        CHECK(rlp_read(&hashes, &hash) == RLP_GOOD);
        if (hash.payload.data[0] != BLOB_HASH_VERSION)
            return transaction_refuse(words, REASON_BLOB_VERSION,
                                      "blob %zu has invalid hash version", i);
    }
    return REASON_NONE;
}

static bool cost_fits(const struct ethereum_fields *f, const uint8_t price[32],
                      const uint8_t value[32])
{
    uint8_t sum[AMOUNT_BYTES], blob_price[AMOUNT_BYTES];

    memcpy(sum, value, sizeof(sum));
    if (amount_add_product(sum, f->gas, price) < 0)
        return false;
    return f->type != 3 ||
           (amount_set(f->blob_price, blob_price) == 0 &&
            amount_add_product(sum, f->blob_count * BLOB_GAS, blob_price) == 0);
}

enum reason ethereum_pool_end(enum ethereum_fork fork,
                              const struct ethereum_fields *f,
                              const uint8_t price[32], const uint8_t value[32],
                              struct transaction_words *words)
{
    enum reason reason = REASON_NONE;

    if (fork == ETHEREUM_FORK_NONE)
        return REASON_NONE;
    if (f->type == 3)
        reason = check_blobs(&forks[fork], f, words);
    if (f->type == 4 && f->authorization_count == 0)
        reason = transaction_refuse(words, REASON_NO_AUTHORIZATION,
                                    "set code tx must have at least one "
                                    "authorization tuple");
    if (reason == REASON_NONE && !cost_fits(f, price, value))
        reason = transaction_refuse(words, REASON_COST_OVERFLOW,
                                    "insufficient funds for gas * price + "
                                    "value");
    return reason;
}
