/*
 * schemas/bitcoin_script.c: operations, pushes and timelocks of scripts.
 *
 * From: schemas/bitcoin_spend.c, schemas/bitcoin_match.c.
 * To:   a stack, as the script that is spent would find it.
 */
#include "schemas/bitcoin_script.h"

#include "schemas/bitcoin_inside.h"

#define LOCK_NUMBER_BYTES 5
#define LOCKTIME_THRESHOLD 500000000 /* below: a height; else a time */
#define SEQUENCE_FINAL 0xffffffff
#define SEQUENCE_DISABLED 0x80000000 /* this number is no relative lock */
#define SEQUENCE_TIME 0x00400000     /* a time, else a number of blocks */
#define SEQUENCE_MASK 0x0000ffff
#define LOCKS_MAX 2 /* one of each kind */

/* What OP_1NEGATE and OP_1 to OP_16 push. */
static const uint8_t small_numbers[] = {0x81, 0, 1,  2,  3,  4,  5,  6,  7,
                                        8,    9, 10, 11, 12, 13, 14, 15, 16};

/* The shortest operation that pushes `data`. */
static uint8_t shortest(struct bytes data)
{
    if (data.count == 0)
        return OP_0;
    if (data.count == 1 && data.data[0] == 0x81)
        return OP_1NEGATE;
    if (data.count == 1 && data.data[0] >= 1 && data.data[0] <= 16)
        return (uint8_t)(OP_1 + data.data[0] - 1);
    if (data.count < OP_PUSHDATA1)
        return (uint8_t)data.count;
    return data.count <= 0xff     ? OP_PUSHDATA1
           : data.count <= 0xffff ? OP_PUSHDATA1 + 1
                                  : OP_PUSHDATA4;
}

static bool take_data(struct bitcoin_reader *r, struct bitcoin_op *op)
{
    size_t count = op->code;

    if (op->code >= OP_PUSHDATA1)
        count = (size_t)bitcoin_take_number(r, (size_t)1 << (op->code -
                                                             OP_PUSHDATA1));
    op->data = bitcoin_take(r, count);
    op->minimal = op->code == shortest(op->data);
    return r->fault == REASON_NONE;
}

bool bitcoin_take_op(struct bytes *script, struct bitcoin_op *out)
{
    struct bitcoin_reader r = {*script, REASON_NONE};
    struct bitcoin_op op = {.minimal = true};

    op.code = (uint8_t)bitcoin_take_number(&r, 1);
    if (r.fault != REASON_NONE)
        return false;
    if (op.code <= OP_PUSHDATA4) {
        op.push = true;
        if (!take_data(&r, &op))
            return false;
    } else if (op.code <= OP_16 && op.code != OP_RESERVED) {
        op.push = true;
        op.data = bytes_of(&small_numbers[op.code - OP_1NEGATE], 1);
    }
    *script = r.rest;
    *out = op;
    return true;
}

bool bitcoin_op_number(const struct bitcoin_op *op, int64_t *out)
{
    int64_t n = 0;
    size_t count = op->data.count;
    uint8_t top;

    if (!op->push || !op->minimal || count > LOCK_NUMBER_BYTES)
        return false;
    *out = 0;
    if (count == 0)
        return true;
    top = op->data.data[count - 1];
    /* A number ends in a byte that is needed, for itself or for the sign. */
    if ((top & 0x7f) == 0 &&
        (count == 1 || (op->data.data[count - 2] & 0x80) == 0))
        return false;
    for (size_t i = 0; i < count; i++)
        n |= (int64_t)op->data.data[i] << 8 * i;
    if (top & 0x80)
        n = -(n & ~((int64_t)0x80 << 8 * (count - 1)));
    *out = n;
    return true;
}

enum reason bitcoin_run_pushes(struct bytes script, bool minimal,
                               struct bitcoin_stack *out)
{
    struct bitcoin_op op;

    out->count = 0;
    if (script.count > BITCOIN_SCRIPT_MAX)
        return REASON_SCRIPT_FAILED;
    while (script.count > 0) {
        if (!bitcoin_take_op(&script, &op))
            return REASON_SCRIPT_FAILED;
        if (!op.push || out->count == BITCOIN_STACK_MAX)
            return REASON_UNSUPPORTED_SCRIPT;
        if (op.data.count > BITCOIN_ITEM_MAX)
            return REASON_SCRIPT_FAILED;
        if (minimal && !op.minimal)
            return REASON_NON_STANDARD;
        out->items[out->count++] = op.data;
    }
    return REASON_NONE;
}

enum reason bitcoin_witness_items(const struct bitcoin_input *in,
                                  struct bitcoin_stack *out)
{
    struct bitcoin_reader r = {in->witness, REASON_NONE};

    if (in->witness_count > BITCOIN_STACK_MAX)
        return REASON_UNSUPPORTED_SCRIPT;
    for (out->count = 0; out->count < in->witness_count; out->count++)
        out->items[out->count] = bitcoin_take_string(&r);
    return REASON_NONE;
}

/* BIP 65. */
static bool locktime_reached(const struct bitcoin_transaction *t,
                             const struct bitcoin_input *in, int64_t n)
{
    int64_t lock = (int64_t)bitcoin_number(t->locktime);

    return n >= 0 && n <= lock &&
           (n < LOCKTIME_THRESHOLD) == (lock < LOCKTIME_THRESHOLD) &&
           bitcoin_number(in->sequence) != SEQUENCE_FINAL;
}

/* BIP 112. */
static bool sequence_reached(const struct bitcoin_transaction *t,
                             const struct bitcoin_input *in, int64_t n)
{
    int64_t sequence = (int64_t)bitcoin_number(in->sequence);

    if (n < 0)
        return false;
    if (n & SEQUENCE_DISABLED)
        return true;
    return bitcoin_number(t->version) >= 2 &&
           (sequence & SEQUENCE_DISABLED) == 0 &&
           (n & SEQUENCE_TIME) == (sequence & SEQUENCE_TIME) &&
           (n & SEQUENCE_MASK) <= (sequence & SEQUENCE_MASK);
}

bool bitcoin_skip_locks(const struct bitcoin_transaction *t,
                        const struct bitcoin_input *in, struct bytes *script)
{
    bool reached = true;

    for (int i = 0; i < LOCKS_MAX; i++) {
        struct bytes rest = *script;
        struct bitcoin_op number, lock, drop;
        int64_t n;

        if (!bitcoin_take_op(&rest, &number) ||
            !bitcoin_op_number(&number, &n) || !bitcoin_take_op(&rest, &lock) ||
            !bitcoin_take_op(&rest, &drop) || drop.code != OP_DROP)
            break;
        if (lock.code == OP_CHECKLOCKTIMEVERIFY)
            reached &= locktime_reached(t, in, n);
        else if (lock.code == OP_CHECKSEQUENCEVERIFY)
            reached &= sequence_reached(t, in, n);
        else
            break;
        *script = rest;
    }
    return reached;
}
