/*
 * schemas/bitcoin_match.c: the scripts we know.
 *
 *   p2pk       <key> CHECKSIG                              stack: sig
 *   p2pkh      DUP HASH160 <hash> EQUALVERIFY CHECKSIG            sig key
 *   multisig   m <key>.. n CHECKMULTISIG                          0 sig..
 *   tapscript  <key> CHECKSIGVERIFY .. <key> CHECKSIG             sig.. sig
 *              <key> CHECKSIG <key> CHECKSIGADD .. k NUMEQUAL     sig.. sig
 *
 * A script is one of these to the last byte. None has an OP_CODESEPARATOR, and
 * none can hold the push of a signature (FindAndDelete): keys begin with other
 * bytes, and a signature of 20 bytes is no hash of a key that anybody finds.
 * What is signed is the script as it stands.
 *
 * From: schemas/bitcoin_spend.c.
 * To:   schemas/bitcoin_script.c.
 */
#include <string.h>

#include "schemas/bitcoin_inside.h"
#include "schemas/bitcoin_script.h"

#define P2PKH_BYTES 25
#define KEY_HASH_BYTES 20
#define TAPROOT_KEY_BYTES 32

/* The top `count` items; false: there are fewer, or more and `exact`. */
static bool top_items(const struct bitcoin_stack *st, size_t count, bool exact,
                      const struct bytes **out)
{
    if (st->count < count || (exact && st->count != count))
        return false;
    *out = st->items + (st->count - count);
    return true;
}

/* A push of a public key, by its first byte and length. */
static bool is_key(const struct bitcoin_op *op)
{
    if (op->code == 33)
        return op->data.data[0] == 2 || op->data.data[0] == 3;
    return op->code == 65 && (op->data.data[0] == 4 || op->data.data[0] == 6 ||
                              op->data.data[0] == 7);
}

static enum reason match_key_hash(struct bytes script,
                                  const struct bitcoin_stack *st, bool exact,
                                  struct bitcoin_spend *out)
{
    const struct bytes *items;
    uint8_t hash[KEY_HASH_BYTES];

    if (!top_items(st, 2, exact, &items))
        return REASON_SCRIPT_FAILED;
    bitcoin_hash160(items[1], hash);
    if (memcmp(hash, script.data + 3, sizeof(hash)) != 0)
        return REASON_SCRIPT_FAILED;
    out->signatures[0] = items[0];
    out->keys[0] = items[1];
    out->signatures_count = out->keys_count = 1;
    return REASON_NONE;
}

static bool is_key_hash(struct bytes s)
{
    return s.count == P2PKH_BYTES && s.data[0] == OP_DUP &&
           s.data[1] == OP_HASH160 && s.data[2] == KEY_HASH_BYTES &&
           s.data[23] == OP_EQUALVERIFY && s.data[24] == OP_CHECKSIG;
}

/* One key and OP_CHECKSIG. */
static bool is_one_key(struct bytes script, struct bytes *out_key)
{
    struct bitcoin_op key, check;

    if (!bitcoin_take_op(&script, &key) || !is_key(&key) ||
        !bitcoin_take_op(&script, &check) || check.code != OP_CHECKSIG ||
        script.count > 0)
        return false;
    *out_key = key.data;
    return true;
}

/* m, keys, n, OP_CHECKMULTISIG: sets the keys. */
static bool is_multisig(struct bytes script, struct bitcoin_spend *out,
                        int64_t *out_m)
{
    struct bitcoin_op op;
    int64_t n;

    out->keys_count = 0;
    if (!bitcoin_take_op(&script, &op) || !bitcoin_op_number(&op, out_m))
        return false;
    while (bitcoin_take_op(&script, &op) && is_key(&op)) {
        if (out->keys_count == BITCOIN_MULTISIG_MAX)
            return false;
        out->keys[out->keys_count++] = op.data;
    }
    return bitcoin_op_number(&op, &n) && n == (int64_t)out->keys_count &&
           *out_m >= 1 && *out_m <= n && script.count == 1 &&
           script.data[0] == OP_CHECKMULTISIG;
}

static enum reason match_multisig(const struct bitcoin_stack *st, bool exact,
                                  int64_t m, struct bitcoin_spend *out)
{
    const struct bytes *items;

    if (!top_items(st, 1 + (size_t)m, exact, &items))
        return REASON_SCRIPT_FAILED;
    /* BIP 147: the item that OP_CHECKMULTISIG takes too many is empty. */
    if (items[0].count > 0)
        return REASON_SCRIPT_FAILED;
    out->ordered = true;
    out->signatures_count = (size_t)m;
    for (size_t i = 0; i < (size_t)m; i++)
        out->signatures[i] = items[1 + i];
    return REASON_NONE;
}

enum reason bitcoin_match(struct bytes script, const struct bitcoin_stack *st,
                          bool exact, struct bitcoin_spend *out)
{
    const struct bytes *items;
    int64_t m;

    if (is_key_hash(script))
        return match_key_hash(script, st, exact, out);
    if (is_one_key(script, &out->keys[0])) {
        if (!top_items(st, 1, exact, &items))
            return REASON_SCRIPT_FAILED;
        out->signatures[0] = items[0];
        out->signatures_count = out->keys_count = 1;
        return REASON_NONE;
    }
    if (is_multisig(script, out, &m))
        return match_multisig(st, exact, m, out);
    return REASON_UNSUPPORTED_SCRIPT;
}

/* A key and what is done with it, from the front. */
static bool take_key(struct bytes *script, uint8_t check,
                     struct bitcoin_spend *out)
{
    struct bytes rest = *script;
    struct bitcoin_op key, op;

    if (out->keys_count == BITCOIN_KEYS_MAX || !bitcoin_take_op(&rest, &key) ||
        key.code != TAPROOT_KEY_BYTES || !bitcoin_take_op(&rest, &op) ||
        op.code != check)
        return false;
    out->keys[out->keys_count++] = key.data;
    *script = rest;
    return true;
}

/* `k NUMEQUAL`, and nothing behind it; 0: something else. */
static size_t take_threshold(struct bytes rest, size_t keys)
{
    struct bitcoin_op number;
    int64_t k;

    if (!bitcoin_take_op(&rest, &number) || !bitcoin_op_number(&number, &k) ||
        rest.count != 1 || rest.data[0] != OP_NUMEQUAL || k < 1 ||
        k > (int64_t)keys)
        return 0;
    return (size_t)k;
}

/* Sets the keys, and returns how many sign; 0: not a script we know. */
static size_t tapscript_keys(struct bytes script, struct bitcoin_spend *out)
{
    out->keys_count = 0;
    while (take_key(&script, OP_CHECKSIGVERIFY, out))
        continue;
    if (!take_key(&script, OP_CHECKSIG, out))
        return 0;
    if (script.count == 0)
        return out->keys_count;
    if (out->keys_count > 1)
        return 0;
    while (take_key(&script, OP_CHECKSIGADD, out))
        continue;
    return take_threshold(script, out->keys_count);
}

enum reason bitcoin_match_tapscript(struct bytes script,
                                    const struct bitcoin_stack *st,
                                    struct bitcoin_spend *out)
{
    size_t wanted = tapscript_keys(script, out), found = 0;

    if (wanted == 0)
        return REASON_UNSUPPORTED_SCRIPT;
    if (st->count != out->keys_count)
        return REASON_SCRIPT_FAILED;
    /* The first key finds its signature on top. */
    out->signatures_count = out->keys_count;
    for (size_t i = 0; i < st->count; i++) {
        out->signatures[i] = st->items[st->count - 1 - i];
        found += out->signatures[i].count > 0;
    }
    return found == wanted ? REASON_NONE : REASON_SCRIPT_FAILED;
}
