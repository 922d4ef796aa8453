/*
 * schemas/bitcoin_script.h: scripts as a list of operations.
 *
 * Thread: any. Memory: everything borrows from the input, or is static.
 */
#ifndef SCHEMAS_BITCOIN_SCRIPT_H
#define SCHEMAS_BITCOIN_SCRIPT_H

#include "schemas/bitcoin_spend.h"

enum {
    OP_0 = 0x00,
    OP_PUSHDATA1 = 0x4c,
    OP_PUSHDATA4 = 0x4e,
    OP_1NEGATE = 0x4f,
    OP_RESERVED = 0x50,
    OP_1 = 0x51,
    OP_16 = 0x60,
    OP_DROP = 0x75,
    OP_DUP = 0x76,
    OP_EQUAL = 0x87,
    OP_EQUALVERIFY = 0x88,
    OP_NUMEQUAL = 0x9c,
    OP_HASH160 = 0xa9,
    OP_CHECKSIG = 0xac,
    OP_CHECKSIGVERIFY = 0xad,
    OP_CHECKMULTISIG = 0xae,
    OP_CHECKLOCKTIMEVERIFY = 0xb1,
    OP_CHECKSEQUENCEVERIFY = 0xb2,
    OP_CHECKSIGADD = 0xba
};

#define BITCOIN_STACK_MAX (BITCOIN_KEYS_MAX + 4) /* items before a script */
#define BITCOIN_ITEM_MAX 520                     /* bytes of one of them */
#define BITCOIN_SCRIPT_MAX 10000                 /* bytes, before tapscript */

struct bitcoin_op {
    uint8_t code;
    bool push;    /* puts `data` on the stack */
    bool minimal; /* in the shortest way (BIP 62, rule 3) */
    struct bytes data;
};

/* The items a script finds, the last on top. */
struct bitcoin_stack {
    struct bytes items[BITCOIN_STACK_MAX];
    size_t count;
};

/* The next operation; false: the script ends, or is cut inside a push. */
bool bitcoin_take_op(struct bytes *script, struct bitcoin_op *out);

/* A number of at most 5 bytes, minimally pushed; false: something else. */
bool bitcoin_op_number(const struct bitcoin_op *op, int64_t *out);

/*
 * What a scriptSig leaves behind. REASON_UNSUPPORTED_SCRIPT when it does more
 * than push, or pushes more than a template could use.
 */
enum reason bitcoin_run_pushes(struct bytes script, bool minimal,
                               struct bitcoin_stack *out);

/* The items of a witness, in the order they stand; the same reason. */
enum reason bitcoin_witness_items(const struct bitcoin_input *in,
                                  struct bitcoin_stack *out);

/*
 * Skips `n OP_CHECKLOCKTIMEVERIFY OP_DROP` and the like at the front. Returns
 * whether the transaction has reached all of them (BIP 65, BIP 112), which says
 * something only if what is behind them is a template: an OP_SUCCESS there
 * makes a tapscript good whatever stands before it.
 */
bool bitcoin_skip_locks(const struct bitcoin_transaction *t,
                        const struct bitcoin_input *in,
                        struct bytes *script) MUST_CHECK;

/*
 * Matches a script before tapscript with the stack it finds, and sets keys and
 * signatures of `out`. `exact`: nothing else may lie on the stack.
 *
 * Returns REASON_NONE, REASON_UNSUPPORTED_SCRIPT, or REASON_SCRIPT_FAILED.
 */
enum reason bitcoin_match(struct bytes script, const struct bitcoin_stack *st,
                          bool exact, struct bitcoin_spend *out);

/* The same for a tapscript. */
enum reason bitcoin_match_tapscript(struct bytes script,
                                    const struct bitcoin_stack *st,
                                    struct bitcoin_spend *out);

#endif
