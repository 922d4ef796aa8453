/*
 * schemas/bitcoin_spend.c: which kind of output an input spends, and with what.
 *
 *   scriptPubKey      scriptSig          witness
 *   template          its stack          -
 *   p2sh              stack, script      -
 *   p2sh of segwit    the program        as below
 *   00 <20>           -                  sig key
 *   00 <32>           -                  stack, script
 *   51 <32>           -                  sig                      (annex)
 *                     -                  stack, script, control   (annex)
 *
 * From: schemas/bitcoin.c at the door, verifier/scheme_bitcoin.c.
 * To:   schemas/bitcoin_match.c, schemas/bitcoin_check.c.
 */
#include "schemas/bitcoin_spend.h"

#include <string.h>

#include "schemas/bitcoin_check.h"
#include "schemas/bitcoin_inside.h"
#include "schemas/bitcoin_script.h"
#include "schemas/hash.h"

#define ANNEX_FIRST 0x50
#define LEAF_TAPSCRIPT 0xc0
#define CONTROL_LEAST 33
#define CONTROL_STEP 32
#define CONTROL_STEPS_MAX 128

/* What is known of one input while it is looked at. */
struct look {
    const struct bitcoin_transaction *t;
    const struct bitcoin_input *in;
    struct bitcoin_spend *out;
    bool standard; /* by what nodes relay, not only by what blocks may hold */
};

/* A version and 2 to 40 bytes: BIP 141. */
static bool is_program(struct bytes script, uint8_t *out_version,
                       struct bytes *out_program)
{
    uint8_t first = script.count > 0 ? script.data[0] : OP_RESERVED;

    if (script.count < 4 || script.count > 42 ||
        (first != OP_0 && (first < OP_1 || first > OP_16)) ||
        script.data[1] != script.count - 2)
        return false;
    *out_version = first == OP_0 ? 0 : (uint8_t)(first - OP_1 + 1);
    *out_program = bytes_slice(script, 2, script.count);
    return true;
}

static bool is_script_hash(struct bytes script)
{
    return script.count == 23 && script.data[0] == OP_HASH160 &&
           script.data[1] == 20 && script.data[22] == OP_EQUAL;
}

/* A script before tapscript that is known in full, with its stack. */
static enum reason look_script(struct look *l, struct bytes script,
                               const struct bitcoin_stack *st)
{
    bool exact = l->standard || l->out->message == BITCOIN_V0;
    struct bytes behind = script;
    enum reason reason;
    bool reached;

    if (script.count > BITCOIN_SCRIPT_MAX)
        return REASON_SCRIPT_FAILED;
    l->out->code = script;
    reached = bitcoin_skip_locks(l->t, l->in, &behind);
    reason = bitcoin_match(behind, st, exact, l->out);
    return reason == REASON_NONE && !reached ? REASON_TIMELOCK : reason;
}

/* ---- version 0 ---- */

static enum reason look_key_hash(struct look *l, struct bytes program)
{
    uint8_t *code = l->out->code_made;
    struct bitcoin_stack st;
    enum reason reason = bitcoin_witness_items(l->in, &st);

    if (reason != REASON_NONE)
        return reason;
    memcpy(code, "\x76\xa9\x14", 3);
    memcpy(code + 3, program.data, 20);
    memcpy(code + 23, "\x88\xac", 2);
    return look_script(l, bytes_of(code, sizeof(l->out->code_made)), &st);
}

static enum reason look_witness_script(struct look *l, struct bytes program)
{
    uint8_t hash[HASH_BYTES];
    struct bitcoin_stack st;
    struct bytes script;
    enum reason reason = bitcoin_witness_items(l->in, &st);

    if (reason != REASON_NONE)
        return reason;
    if (st.count == 0)
        return REASON_SCRIPT_FAILED;
    script = st.items[--st.count];
    hash_sha256(script, hash);
    if (!bytes_equal(bytes_of(hash, sizeof(hash)), program))
        return REASON_SCRIPT_FAILED;
    return look_script(l, script, &st);
}

/* ---- version 1 ---- */

static enum reason look_tapscript(struct look *l, struct bitcoin_stack *st)
{
    struct bitcoin_spend *out = l->out;
    struct bytes behind;
    enum reason reason;
    bool reached;
    size_t path;

    out->message = BITCOIN_TAPSCRIPT;
    out->control = st->items[--st->count];
    out->script = behind = st->items[--st->count];
    path = out->control.count - CONTROL_LEAST;
    if (out->control.count < CONTROL_LEAST || path % CONTROL_STEP != 0 ||
        path / CONTROL_STEP > CONTROL_STEPS_MAX)
        return REASON_SCRIPT_FAILED;
    if ((out->control.data[0] & 0xfe) != LEAF_TAPSCRIPT)
        return REASON_UNSUPPORTED_SCRIPT;
    reached = bitcoin_skip_locks(l->t, l->in, &behind);
    reason = bitcoin_match_tapscript(behind, st, out);
    return reason == REASON_NONE && !reached ? REASON_TIMELOCK : reason;
}

static enum reason look_taproot(struct look *l, struct bytes program)
{
    struct bitcoin_spend *out = l->out;
    struct bitcoin_stack st;
    enum reason reason = bitcoin_witness_items(l->in, &st);

    if (reason != REASON_NONE)
        return reason;
    if (st.count >= 2 && st.items[st.count - 1].count > 0 &&
        st.items[st.count - 1].data[0] == ANNEX_FIRST) {
        if (l->standard)
            return REASON_NON_STANDARD;
        out->annex = st.items[--st.count];
    }
    if (st.count == 0)
        return REASON_SCRIPT_FAILED;
    out->output_key = program;
    if (st.count >= 2)
        return look_tapscript(l, &st);
    out->message = BITCOIN_KEY;
    out->keys[0] = program;
    out->signatures[0] = st.items[0];
    out->keys_count = out->signatures_count = 1;
    return REASON_NONE;
}

/* `nested`: the program was pushed by a scriptSig. */
static enum reason look_program(struct look *l, uint8_t version,
                                struct bytes program, bool nested)
{
    l->out->message = BITCOIN_V0;
    if (version == 0 && program.count == 20)
        return look_key_hash(l, program);
    if (version == 0 && program.count == 32)
        return look_witness_script(l, program);
    if (version == 0)
        return REASON_SCRIPT_FAILED;
    if (version == 1 && program.count == 32 && !nested)
        return look_taproot(l, program);
    return REASON_UNSUPPORTED_SCRIPT;
}

/* ---- before witnesses ---- */

static enum reason look_script_hash(struct look *l, struct bitcoin_stack *st)
{
    uint8_t hash[20], version;
    struct bytes script, program;

    if (st->count == 0)
        return REASON_SCRIPT_FAILED;
    script = st->items[--st->count];
    bitcoin_hash160(script, hash);
    if (memcmp(hash, l->in->spent.script.data + 2, sizeof(hash)) != 0)
        return REASON_SCRIPT_FAILED;
    if (!is_program(script, &version, &program)) {
        if (l->in->witness_count > 0)
            return REASON_SCRIPT_FAILED;
        return look_script(l, script, st);
    }
    /* BIP 141: the scriptSig is the push of the program and nothing else. */
    if (l->in->script.count != 1 + script.count)
        return REASON_SCRIPT_FAILED;
    return look_program(l, version, program, true);
}

static enum reason look_legacy(struct look *l)
{
    struct bitcoin_stack st;
    enum reason reason = bitcoin_run_pushes(l->in->script, l->standard, &st);

    if (reason != REASON_NONE)
        return reason;
    l->out->message = BITCOIN_LEGACY;
    if (is_script_hash(l->in->spent.script))
        return look_script_hash(l, &st);
    if (l->in->witness_count > 0)
        return REASON_SCRIPT_FAILED;
    return look_script(l, l->in->spent.script, &st);
}

/* What verifying will cost, at most. */
static void count_cost(const struct bitcoin_transaction *t,
                       struct bitcoin_spend *s)
{
    s->checks = s->message == BITCOIN_TAPSCRIPT;
    if (s->ordered) {
        s->checks += s->keys_count;
    } else {
        for (size_t i = 0; i < s->signatures_count; i++)
            s->checks += s->signatures[i].count > 0;
    }
    if (s->message == BITCOIN_LEGACY)
        s->hashed = s->signatures_count * (t->bare_count + s->code.count);
}

enum reason bitcoin_spend(const struct bitcoin_transaction *t,
                          const struct bitcoin_input *in, int rules,
                          struct bitcoin_spend *out)
{
    struct look l = {t, in, out, rules >= 2};
    struct bytes program;
    enum reason reason;
    uint8_t version;

    out->ordered = false;
    out->keys_count = out->signatures_count = 0;
    out->code = out->annex = out->script = out->control = out->output_key =
        BYTES_NONE;
    out->checks = out->hashed = 0;
    if (!is_program(in->spent.script, &version, &program))
        reason = look_legacy(&l);
    else if (in->script.count > 0)
        reason = REASON_SCRIPT_FAILED;
    else
        reason = look_program(&l, version, program, false);
    if (reason != REASON_NONE)
        return reason;
    count_cost(t, out);
    return bitcoin_check_spend(t, in->index, l.standard, out);
}

struct bytes bitcoin_first_signature(const struct bitcoin_spend *s)
{
    for (size_t i = 0; i < s->signatures_count; i++) {
        if (s->signatures[i].count > 0)
            return s->signatures[i];
    }
    return BYTES_NONE;
}
