/*
 * tests/unit/judge/bitcoin_test.c: what happens to a good transaction that
 * somebody else changes: each bit of it, and each way that is known.
 *
 * The good ones are those of tests/golden/bitcoin/verified.txt.
 */
#include "tests/unit/judge/bitcoin_text.h"

#define GOLDEN "tests/golden/bitcoin/verified.txt"
#define CASES_MAX 64
#define ITEMS_MAX 16
#define CHAIN "bip122:000000000019d6689c085ae165831e93"

struct example {
    char title[128];
    int rules;
    uint8_t data[4096];
    size_t count;
};

static struct example examples[CASES_MAX];
static size_t examples_count;
static struct judge *judge;
static struct chain chain;

static void add_line(struct example *e, char *line)
{
    char *word;

    if (strncmp(line, "# ", 2) == 0)
        snprintf(e->title, sizeof(e->title), "%s", line + 2);
    if (strncmp(line, "rules", 5) == 0)
        e->rules = atoi(line + 8);
    if (strncmp(line, "feed", 4) != 0)
        return;
    line += 8;
    while ((word = strsep(&line, " ")) != NULL) {
        CHECK(e->count < sizeof(e->data));
        e->data[e->count++] = (uint8_t)strtoul(word, NULL, 16);
    }
}

static void read_examples(void)
{
    char *text, *rest, *line;

    if (examples_count > 0)
        return;
    EXPECT_INT(judge_open(&judge), 0);
    chain = vectors_chain(CHAIN);
    text = rest = harness_read_file(GOLDEN, NULL);
    EXPECT(text != NULL);
    while ((line = strsep(&rest, "\n")) != NULL) {
        add_line(&examples[examples_count], line);
        if (strcmp(line, "end") == 0)
            examples_count++;
        CHECK(examples_count < CASES_MAX);
    }
    free(text);
    EXPECT(examples_count >= 20);
}

/* The example whose title ends in "(name)". */
static const struct example *example(const char *name)
{
    char tail[64];

    read_examples();
    snprintf(tail, sizeof(tail), "(%s)", name);
    for (size_t i = 0; i < examples_count; i++) {
        const char *at = strstr(examples[i].title, tail);

        if (at != NULL && strcmp(at, tail) == 0)
            return &examples[i];
    }
    printf("no example %s\n", name);
    EXPECT(false);
    return NULL;
}

/* ---- bits ---- */

static bool rows_are_equal(const struct transaction *a,
                           const struct transaction *b)
{
    return memcmp(a->id, b->id, 32) == 0 &&
           bytes_equal(transaction_sender(a), transaction_sender(b)) &&
           bytes_equal(transaction_recipient(a), transaction_recipient(b)) &&
           memcmp(a->amount, b->amount, 32) == 0;
}

/* Whether byte `pos` is of an amount that no signature covers. */
static bool is_unsigned_amount(const struct example *e, size_t pos)
{
    struct bitcoin_transaction t;
    struct bitcoin_spend spend;
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    EXPECT_INT(bitcoin_parse(bytes_of(e->data, e->count), &t, NULL),
               REASON_NONE);
    bitcoin_walk_inputs(&t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        EXPECT_INT(bitcoin_spend(&t, &in, e->rules, &spend), REASON_NONE);
        if (e->data + pos >= in.spent.raw.data &&
            e->data + pos < in.spent.raw.data + 8)
            return spend.message == BITCOIN_LEGACY;
    }
    return false;
}

static void flip_all(struct example *e, size_t *refused, size_t *harmless)
{
    struct verdict good, v;
    bool psbt = e->data[0] == 'p';
    uint8_t was[sizeof(e->data)];

    memcpy(was, e->data, sizeof(was));
    judge_payload(judge, &chain, e->rules, bytes_of(was, e->count), &good);
    EXPECT(good.verified);
    for (size_t bit = 0; bit < 8 * e->count; bit++) {
        e->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        judge_payload(judge, &chain, e->rules, bytes_of(e->data, e->count), &v);
        EXPECT(!v.tx.id_covers_all);
        if (v.verified) {
            EXPECT(rows_are_equal(&good.tx, &v.tx));
            (*harmless)++;
        } else {
            (*refused)++;
        }
        e->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (v.verified && !psbt)
            EXPECT(is_unsigned_amount(e, bit / 8));
    }
}

/*
 * Harmless by rule: amounts spent that are not signed (scripts of before
 * witnesses), and in a PSBT what makes a field one that is skipped.
 */
TEST(a_flipped_bit_is_refused_or_changes_nothing_in_the_row)
{
    read_examples();
    for (size_t i = 0; i < examples_count; i++) {
        size_t refused = 0, harmless = 0;

        /* In set 1 others can make a second row: see the ways below. */
        if (examples[i].rules != 2)
            continue;
        flip_all(&examples[i], &refused, &harmless);
        printf("%s: flipped bits: %zu refused, %zu harmless\n",
               examples[i].title, refused, harmless);
        EXPECT(refused > 8 * harmless);
    }
}

/* ---- ways ---- */

/* One input, taken apart so that it can be put together otherwise. */
struct parts {
    struct bitcoin_transaction t;
    struct bitcoin_input in;
    struct bytes items[ITEMS_MAX]; /* of the witness, or pushed */
    size_t count;
    bool segwit;
    struct bytes script; /* scriptSig, when it is not made of the items */
    bool made;           /* it is */
    uint64_t value;
    struct bytes spent;
    uint8_t room[8][512]; /* where changed items stand */
};

static void take_apart(const struct example *e, struct parts *p)
{
    struct bitcoin_walk walk;
    struct bitcoin_stack st;

    memset(p, 0, sizeof(*p));
    EXPECT_INT(bitcoin_parse(bytes_of(e->data, e->count), &p->t, NULL),
               REASON_NONE);
    bitcoin_walk_inputs(&p->t, &walk);
    EXPECT(bitcoin_next_input(&walk, &p->in));
    p->segwit = p->t.witnesses.data != NULL;
    p->made = !p->segwit;
    p->script = p->in.script;
    if (p->segwit)
        EXPECT_INT(bitcoin_witness_items(&p->in, &st), REASON_NONE);
    else
        EXPECT_INT(bitcoin_run_pushes(p->in.script, true, &st), REASON_NONE);
    p->count = st.count;
    memcpy(p->items, st.items, st.count * sizeof(*st.items));
    p->value = p->in.spent.value;
    p->spent = p->in.spent.script;
}

static void append_made_script(const struct parts *p, struct buffer *out)
{
    struct buffer script;

    buffer_init(&script, 65536);
    for (size_t i = 0; i < p->count; i++)
        bitcoin_append_push(&script, p->items[i]);
    bitcoin_append_string(out, buffer_bytes(&script));
    buffer_fini(&script);
}

static void put_together(const struct parts *p, struct buffer *out)
{
    buffer_clear(out);
    buffer_append_text(out, BITCOIN_MAGIC);
    buffer_append_bytes(out, p->t.version);
    if (p->segwit)
        buffer_append(out, "\x00\x01", 2);
    buffer_append_byte(out, 1);
    buffer_append_bytes(out, p->in.outpoint);
    if (p->made)
        append_made_script(p, out);
    else
        bitcoin_append_string(out, p->script);
    buffer_append_bytes(out, p->in.sequence);
    buffer_append_bytes(out, p->t.outputs);
    if (p->segwit) {
        bitcoin_append_size(out, p->count);
        for (size_t i = 0; i < p->count; i++)
            bitcoin_append_string(out, p->items[i]);
    }
    buffer_append_bytes(out, p->t.locktime);
    bitcoin_append_output(out, p->value, p->spent);
    CHECK(!out->overflow);
}

/* Item `i` copied to where it may be changed, with room behind it. */
static uint8_t *changeable(struct parts *p, size_t i)
{
    uint8_t *at = p->room[i % 8];

    CHECK(p->items[i].count + 16 <= sizeof(p->room[0]));
    memcpy(at, p->items[i].data, p->items[i].count);
    p->items[i].data = at;
    return at;
}

/* The signature of item `i`, with s turned to the other half. */
static void turn_s(struct parts *p, size_t i)
{
    static const uint8_t order[32] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
        0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    };
    struct bytes was = p->items[i];
    uint8_t *at = p->room[i % 8], rs[64], type = was.data[was.count - 1];
    size_t r_count = was.data[3], pos = 4 + r_count;
    int borrow = 0;

    EXPECT_INT(bitcoin_signature_read(bytes_slice(was, 0, was.count - 1), rs),
               REASON_NONE);
    for (int k = 31; k >= 0; k--) {
        int digit = order[k] - rs[32 + k] - borrow;

        borrow = digit < 0;
        rs[32 + k] = (uint8_t)digit;
    }
    EXPECT(rs[32] & 0x80);
    memcpy(at, was.data, pos);
    memcpy(at + pos, "\x02\x21\x00", 3);
    memcpy(at + pos + 3, rs + 32, 32);
    at[pos + 35] = type;
    at[1] = (uint8_t)(pos + 33);
    p->items[i] = bytes_of(at, pos + 36);
}

static size_t signature_item(const struct parts *p)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->items[i].count >= 64 && p->items[i].data[0] == 0x30)
            return i;
    }
    return 0;
}

static void way_turn_s(struct parts *p)
{
    turn_s(p, signature_item(p));
}

static void way_hash_type(struct parts *p)
{
    size_t i = signature_item(p);

    changeable(p, i)[p->items[i].count - 1] ^= 0x40;
}

static void way_add_hash_type(struct parts *p)
{
    changeable(p, 0)[p->items[0].count] = 0;
    p->items[0].count++;
}

static void way_padded_r(struct parts *p)
{
    size_t i = signature_item(p);
    uint8_t *at = changeable(p, i);

    memmove(at + 5, at + 4, p->items[i].count - 4);
    at[4] = 0;
    at[3]++;
    at[1]++;
    p->items[i].count++;
}

/* An item below everything the script takes. */
static void way_item_below(struct parts *p)
{
    memmove(p->items + 1, p->items, p->count * sizeof(*p->items));
    p->items[0] = BYTES_LITERAL("\x07\x07");
    p->count++;
}

static void way_dummy(struct parts *p)
{
    p->items[0] = BYTES_LITERAL("\x07\x07");
}

/* The first push with an operation of two bytes. */
static void way_long_push(struct parts *p)
{
    static uint8_t script[1024];
    size_t skip = p->in.script.data[0] == 0;

    memcpy(script, p->in.script.data, skip);
    script[skip] = OP_PUSHDATA1;
    memcpy(script + skip + 1, p->in.script.data + skip,
           p->in.script.count - skip);
    p->made = false;
    p->script = bytes_of(script, p->in.script.count + 1);
}

/* Something that is done and does nothing. */
static void way_nop(struct parts *p)
{
    static uint8_t script[1024];

    memcpy(script, p->in.script.data, p->in.script.count);
    script[p->in.script.count] = 0x61;
    p->made = false;
    p->script = bytes_of(script, p->in.script.count + 1);
}

static void way_script_beside(struct parts *p)
{
    p->script = BYTES_LITERAL("\x51");
}

static void way_more_script(struct parts *p)
{
    static uint8_t script[1024];

    script[0] = 0x51;
    memcpy(script + 1, p->in.script.data, p->in.script.count);
    p->script = bytes_of(script, p->in.script.count + 1);
}

static void way_witness_beside(struct parts *p)
{
    p->segwit = true;
    p->made = false;
    p->count = 1;
    p->items[0] = BYTES_LITERAL("\x07");
}

static void way_annex(struct parts *p)
{
    p->items[p->count++] = BYTES_LITERAL("\x50");
}

static void way_parity(struct parts *p)
{
    changeable(p, p->count - 1)[0] ^= 1;
}

static void way_leaf_version(struct parts *p)
{
    changeable(p, p->count - 1)[0] ^= 2;
}

static void way_longer_path(struct parts *p)
{
    size_t i = p->count - 1;
    uint8_t *at = p->room[0];

    memcpy(at, p->items[i].data, p->items[i].count);
    memset(at + p->items[i].count, 0, 32);
    p->items[i] = bytes_of(at, p->items[i].count + 32);
}

/* A key that does not sign gets somebody's signature. */
static void way_fill_empty(struct parts *p)
{
    static const uint8_t garbage[64] = {1};

    for (size_t i = 0; i + 2 < p->count; i++) {
        if (p->items[i].count == 0) {
            p->items[i] = bytes_of(garbage, sizeof(garbage));
            return;
        }
    }
    /* All of them sign: then one does not. */
    p->items[0] = BYTES_LITERAL("");
}

static void way_amount_up(struct parts *p)
{
    p->value++;
}

static void way_script_of_his(struct parts *p)
{
    static uint8_t script[64];

    memcpy(script, p->spent.data, p->spent.count);
    script[p->spent.count / 2] ^= 1;
    p->spent = bytes_of(script, p->spent.count);
}

static void way_swap(struct parts *p)
{
    struct bytes first = p->items[0];

    p->items[0] = p->items[1];
    p->items[1] = first;
}

enum outcome { REFUSED, SECOND_ROW, SAME_ROW };

static const struct way {
    const char *what, *kind;
    void (*change)(struct parts *p);
    enum outcome set_1, set_2;
} ways[] = {
    {"s in the other half", "p2pk", way_turn_s, SECOND_ROW, REFUSED},
    {"s in the other half", "p2pkh", way_turn_s, SECOND_ROW, REFUSED},
    {"s in the other half", "p2sh-multisig", way_turn_s, SECOND_ROW, REFUSED},
    {"s in the other half", "p2wpkh", way_turn_s, SECOND_ROW, REFUSED},
    {"s in the other half", "p2wsh-multisig", way_turn_s, SECOND_ROW, REFUSED},
    {"another hash type", "p2pkh", way_hash_type, REFUSED, REFUSED},
    {"another hash type", "p2wpkh", way_hash_type, REFUSED, REFUSED},
    {"the hash type that is meant anyway", "p2tr", way_add_hash_type, REFUSED,
     REFUSED},
    {"a zero before r", "p2pkh", way_padded_r, REFUSED, REFUSED},
    {"a zero before r", "p2wpkh", way_padded_r, REFUSED, REFUSED},
    {"an item below", "p2pk", way_item_below, SECOND_ROW, REFUSED},
    {"an item below", "p2pkh", way_item_below, SECOND_ROW, REFUSED},
    {"an item below", "p2sh-p2pkh", way_item_below, SECOND_ROW, REFUSED},
    {"an item below", "p2sh-multisig", way_item_below, SECOND_ROW, REFUSED},
    {"an item below", "p2wpkh", way_item_below, REFUSED, REFUSED},
    {"an item below", "p2wsh-multisig", way_item_below, REFUSED, REFUSED},
    {"an item below", "p2tr", way_item_below, REFUSED, REFUSED},
    {"an item below", "tapscript", way_item_below, REFUSED, REFUSED},
    {"another item that is not looked at", "multisig", way_dummy, REFUSED,
     REFUSED},
    {"another item that is not looked at", "p2wsh-multisig", way_dummy, REFUSED,
     REFUSED},
    {"a longer push", "p2pkh", way_long_push, SECOND_ROW, REFUSED},
    {"a longer push", "p2sh-multisig", way_long_push, SECOND_ROW, REFUSED},
    {"OP_NOP behind the pushes", "p2pkh", way_nop, REFUSED, REFUSED},
    {"OP_NOP behind the pushes", "p2sh-p2pk", way_nop, REFUSED, REFUSED},
    {"a script beside the witness", "p2wpkh", way_script_beside, REFUSED,
     REFUSED},
    {"a script beside the witness", "p2tr", way_script_beside, REFUSED,
     REFUSED},
    {"more script beside the witness", "p2sh-p2wpkh", way_more_script, REFUSED,
     REFUSED},
    {"a longer push beside the witness", "p2sh-p2wpkh", way_long_push, REFUSED,
     REFUSED},
    {"a witness beside the script", "p2pkh", way_witness_beside, REFUSED,
     REFUSED},
    {"a witness beside the script", "p2sh-multisig", way_witness_beside,
     REFUSED, REFUSED},
    {"an annex", "p2tr", way_annex, REFUSED, REFUSED},
    {"an annex", "tapscript", way_annex, REFUSED, REFUSED},
    {"another parity", "tapscript", way_parity, REFUSED, REFUSED},
    {"another leaf version", "tapscript", way_leaf_version, REFUSED, REFUSED},
    {"a longer way to the key", "tapscript", way_longer_path, REFUSED, REFUSED},
    {"a signature more or less", "tapscript-threshold", way_fill_empty, REFUSED,
     REFUSED},
    {"signatures in another order", "tapscript-verify", way_swap, REFUSED,
     REFUSED},
    {"another amount", "p2pkh", way_amount_up, SAME_ROW, SAME_ROW},
    {"another amount", "p2sh-multisig", way_amount_up, SAME_ROW, SAME_ROW},
    {"another amount", "p2wpkh", way_amount_up, REFUSED, REFUSED},
    {"another amount", "p2sh-p2wpkh", way_amount_up, REFUSED, REFUSED},
    {"another amount", "p2wsh-multisig", way_amount_up, REFUSED, REFUSED},
    {"another amount", "p2tr", way_amount_up, REFUSED, REFUSED},
    {"another amount", "tapscript", way_amount_up, REFUSED, REFUSED},
    {"another script spent", "p2pk", way_script_of_his, REFUSED, REFUSED},
    {"another script spent", "p2pkh", way_script_of_his, REFUSED, REFUSED},
    {"another script spent", "p2sh-multisig", way_script_of_his, REFUSED,
     REFUSED},
    {"another script spent", "p2wpkh", way_script_of_his, REFUSED, REFUSED},
    {"another script spent", "p2tr", way_script_of_his, REFUSED, REFUSED},
};

static enum outcome outcome_of(const struct verdict *good, struct bytes raw,
                               int rules)
{
    struct verdict v;

    judge_payload(judge, &chain, rules, raw, &v);
    /* Never in anybody's name. */
    EXPECT(!v.tx.id_covers_all);
    if (!v.verified)
        return REFUSED;
    if (memcmp(v.tx.id, good->tx.id, 32) != 0)
        return SECOND_ROW;
    EXPECT(rows_are_equal(&v.tx, &good->tx));
    return SAME_ROW;
}

TEST(what_others_change_is_refused_or_is_the_same_row)
{
    static struct parts p;
    struct buffer out;

    buffer_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const struct way *w = &ways[i];
        const struct example *e = example(w->kind);
        struct verdict good;
        enum outcome one, two;

        judge_payload(judge, &chain, 2, bytes_of(e->data, e->count), &good);
        EXPECT(good.verified);
        take_apart(e, &p);
        put_together(&p, &out);
        EXPECT_BYTES(buffer_bytes(&out), bytes_of(e->data, e->count));
        w->change(&p);
        put_together(&p, &out);
        one = outcome_of(&good, buffer_bytes(&out), 1);
        two = outcome_of(&good, buffer_bytes(&out), 2);
        if (one != w->set_1 || two != w->set_2)
            printf("%s, %s: %d %d\n", w->what, w->kind, one, two);
        EXPECT_INT(one, w->set_1);
        EXPECT_INT(two, w->set_2);
        EXPECT(two != SECOND_ROW);
    }
    printf("ways: %zu\n", sizeof(ways) / sizeof(ways[0]));
    buffer_fini(&out);
}

/* ---- PSBT ---- */

TEST(a_psbt_is_stored_as_the_transaction_it_says)
{
    struct verdict plain, v, again;
    struct buffer room;
    size_t found = 0;

    read_examples();
    buffer_init(&room, TRANSACTION_BYTES_MAX);
    for (size_t i = 1; i < examples_count; i++) {
        const struct example *e = &examples[i];
        struct bytes stored;

        if (e->data[0] == 'b')
            judge_payload(judge, &chain, 2, bytes_of(e->data, e->count),
                          &plain);
        if (e->data[0] != 'p')
            continue;
        found++;
        judge_payload(judge, &chain, 2, bytes_of(e->data, e->count), &v);
        EXPECT(v.verified && v.tx.stripped);
        stored = transaction_canonical(&v.tx, &room);
        judge_payload(judge, &chain, 2, stored, &again);
        EXPECT(again.verified && !again.tx.stripped);
        EXPECT(rows_are_equal(&v.tx, &again.tx));
        EXPECT(rows_are_equal(&v.tx, &plain.tx));
        EXPECT_BYTES(transaction_signature(&v.tx),
                     transaction_signature(&again.tx));
        EXPECT(v.tx.has_alias && again.tx.has_alias);
        EXPECT_BYTES(bytes_of(v.tx.alias, 32), bytes_of(again.tx.alias, 32));
        /* What the row borrows stands in the PSBT. */
        EXPECT(v.tx.signature_in.data > e->data &&
               v.tx.signature_in.data < e->data + e->count);
        EXPECT(v.tx.sender_in.data > e->data &&
               v.tx.sender_in.data < e->data + e->count);
        EXPECT(v.tx.recipient.data > e->data &&
               v.tx.recipient.data < e->data + e->count);
    }
    EXPECT_INT(found, 2);
    buffer_fini(&room);
}

/* `psbt` with the field `type` of two bytes at `pos`; what is said of it. */
static enum reason with_field(const struct example *psbt, size_t pos,
                              uint8_t type)
{
    const uint8_t field[] = {0x01, type, 0x02, 0x00, 0x00};
    struct verdict v;
    struct buffer b;

    buffer_init(&b, sizeof(psbt->data) + sizeof(field));
    buffer_append(&b, psbt->data, pos);
    buffer_append(&b, field, sizeof(field));
    buffer_append(&b, psbt->data + pos, psbt->count - pos);
    judge_payload(judge, &chain, 1, buffer_bytes(&b), &v);
    buffer_fini(&b);
    return v.reason;
}

/* The first PSBT of version 0: its global map begins with the transaction. */
static const struct example *first_psbt(size_t *out_inputs)
{
    for (size_t i = 0; i < examples_count; i++) {
        const struct example *e = &examples[i];
        struct bitcoin_reader r = {bytes_of(e->data, e->count), REASON_NONE};

        bitcoin_take(&r, 5);
        if (e->data[0] != 'p' || bitcoin_take_string(&r).data[0] != 0x00)
            continue;
        bitcoin_take_string(&r);
        EXPECT_INT(bitcoin_take_string(&r).count, 0);
        *out_inputs = (size_t)(r.rest.data - e->data);
        return e;
    }
    CHECK(false);
}

TEST(a_psbt_of_version_0_has_no_field_of_version_2)
{
    const struct example *e;
    size_t inputs;

    read_examples();
    e = first_psbt(&inputs);
    for (uint8_t type = 0x02; type <= 0x06; type++)
        EXPECT_INT(with_field(e, 5, type), REASON_MALFORMED);
    for (uint8_t type = 0x0e; type <= 0x12; type++)
        EXPECT_INT(with_field(e, inputs, type), REASON_MALFORMED);
    for (uint8_t type = 0x03; type <= 0x04; type++)
        EXPECT_INT(with_field(e, e->count - 1, type), REASON_MALFORMED);
    /* What belongs to either version is not looked at. */
    EXPECT_INT(with_field(e, 5, 0x10), REASON_NONE);
    EXPECT_INT(with_field(e, inputs, 0x13), REASON_NONE);
    EXPECT_INT(with_field(e, e->count - 1, 0x05), REASON_NONE);
}

TEST(what_is_behind_a_psbt_is_seen_before_what_its_inputs_lack)
{
    const struct example *e;
    struct example bare;
    struct verdict v;
    uint8_t *field;
    size_t inputs;

    read_examples();
    e = first_psbt(&inputs);
    bare = *e;
    field = memmem(bare.data + inputs, bare.count - inputs, "\x01\x08", 2);
    CHECK(field != NULL);
    field[1] = 0x13; /* no longer its final witness */
    judge_payload(judge, &chain, 1, bytes_of(bare.data, bare.count), &v);
    EXPECT_INT(v.reason, REASON_NOT_FINAL);
    bare.data[bare.count] = 0;
    judge_payload(judge, &chain, 1, bytes_of(bare.data, bare.count + 1), &v);
    EXPECT_INT(v.reason, REASON_MALFORMED);
    judge_payload(judge, &chain, 1, bytes_of(bare.data, bare.count - 1), &v);
    EXPECT_INT(v.reason, REASON_MALFORMED);
}

/* A PSBT of a transaction without inputs, with one output. */
TEST(a_psbt_that_spends_nothing_has_no_inputs)
{
    static const uint8_t psbt[] = {
        'p', 's',  'b', 't', 0xff, 0x01, 0x00, 20, /* global 00 */
        2,   0,    0,   0,   0,    1,             /* version, inputs, outputs */
        0,   0,    0,   0,   0,    0,    0,    0, /* its value */
        1,   0x6a,                                /* its script */
        0,   0,    0,   0,                        /* locktime */
        0,   0};
    struct verdict v;

    read_examples();
    judge_payload(judge, &chain, 1, bytes_of(psbt, sizeof(psbt)), &v);
    EXPECT_INT(v.reason, REASON_BAD_INPUTS);
    judge_payload(judge, &chain, 1, bytes_of(psbt, sizeof(psbt) - 1), &v);
    EXPECT_INT(v.reason, REASON_MALFORMED);
}

/* 1 of 20 keys. */
static void append_multisig(struct buffer *out)
{
    uint8_t key[34] = {33, 0x02};

    buffer_append_byte(out, OP_1);
    for (int i = 0; i < BITCOIN_MULTISIG_MAX; i++)
        buffer_append(out, key, sizeof(key));
    buffer_append(out, "\x01\x14", 2);
    buffer_append_byte(out, OP_CHECKMULTISIG);
}

/* 61 inputs with 20 keys to try each, and one that spends `last`. */
static enum reason judge_costly(struct bytes last)
{
    static const uint8_t signature[] =
        "\x00\x09\x30\x06\x02\x01\x01\x02\x01"
        "\x01\x01";
    const struct bytes given = bytes_of(signature, sizeof(signature) - 1);
    struct buffer b, script;
    struct verdict v;

    buffer_init(&b, TRANSACTION_BYTES_MAX);
    buffer_init(&script, BITCOIN_SCRIPT_MAX);
    append_multisig(&script);
    buffer_append_text(&b, BITCOIN_MAGIC);
    bitcoin_append_number(&b, 2, 4);
    bitcoin_append_size(&b, 62);
    for (uint64_t i = 0; i < 62; i++) {
        for (int k = 0; k < 8; k++)
            bitcoin_append_number(&b, 1, 4);
        bitcoin_append_number(&b, i, 4);
        bitcoin_append_string(&b, given);
        bitcoin_append_number(&b, UINT32_MAX, 4);
    }
    bitcoin_append_size(&b, 1);
    bitcoin_append_output(&b, 0, BYTES_NONE);
    bitcoin_append_number(&b, 0, 4);
    for (int i = 0; i < 62; i++)
        bitcoin_append_output(&b, 1000, i < 61 ? buffer_bytes(&script) : last);
    judge_payload(judge, &chain, 1, buffer_bytes(&b), &v);
    buffer_fini(&b);
    buffer_fini(&script);
    return v.reason;
}

TEST(the_cost_is_asked_when_every_input_is_known)
{
    const uint8_t one[] = {OP_1};
    struct buffer script;

    read_examples();
    EXPECT_INT(judge_costly(bytes_of(one, 1)), REASON_UNSUPPORTED_SCRIPT);
    buffer_init(&script, BITCOIN_SCRIPT_MAX);
    append_multisig(&script);
    EXPECT_INT(judge_costly(buffer_bytes(&script)), REASON_TOO_COSTLY);
    buffer_fini(&script);
}
