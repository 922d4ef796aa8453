/*
 * tests/unit/judge/bitcoin_core_test.c: Bitcoin Core's own vectors: whole
 * transactions, scripts, messages of signatures, taproot.
 *
 * Many of them spend amounts that do not add up, so inputs are judged one by
 * one; the rules of whole transactions are asked where a vector is about them.
 */
#include <math.h>

#include "tests/unit/judge/bitcoin_text.h"

#define CORE BITCOIN_VECTORS "btcd/txscript-data/"

/* The flags of set 1; every other one is a rule of relaying. */
static const char *const consensus[] = {
    "NONE",    "P2SH",      "DERSIG",
    "WITNESS", "NULLDUMMY", "CHECKLOCKTIMEVERIFY",
    "TAPROOT", "",          "CHECKSEQUENCEVERIFY",
};
#define CONSENSUS_COUNT (sizeof(consensus) / sizeof(consensus[0]))

static bool is_consensus(const char *flag)
{
    for (size_t i = 0; i < CONSENSUS_COUNT; i++) {
        if (strcmp(flag, consensus[i]) == 0)
            return true;
    }
    return false;
}

/* Whether all flags of "A,B" are rules of set 1; or none of them is. */
static bool flags_are(const char *flags, bool wanted)
{
    char *copy = strdup(flags), *rest = copy, *flag;
    bool all = true;

    while ((flag = strsep(&rest, ",")) != NULL)
        all &= *flag == '\0' || strcmp(flag, "NONE") == 0 ||
               is_consensus(flag) == wanted;
    free(copy);
    return all;
}

/* "A,B" has B. */
static bool has_flag(const char *flags, const char *name)
{
    const char *at = strstr(flags, name);
    size_t count = strlen(name);

    return at != NULL && (at[count] == ',' || at[count] == '\0');
}

/* ---- whole transactions ---- */

/* What the inputs of `t` spend, in their order. */
static void append_spent(const struct bitcoin_transaction *t,
                         const json_t *stated, struct buffer *script,
                         struct buffer *out)
{
    struct bitcoin_walk walk;
    struct bitcoin_input in;

    bitcoin_walk_inputs(t, &walk);
    while (bitcoin_next_input(&walk, &in)) {
        bool found = false;
        size_t i;
        json_t *s;

        json_array_foreach(stated, i, s)
        {
            struct bytes txid =
                bitcoin_hex(json_string_value(json_array_get(s, 0)));
            json_int_t n = json_integer_value(json_array_get(s, 1));

            bitcoin_reverse((uint8_t *)(uintptr_t)txid.data);
            found =
                memcmp(txid.data, in.outpoint.data, 32) == 0 &&
                (uint32_t)n == bitcoin_number(bytes_slice(in.outpoint, 32, 4));
            free((void *)(uintptr_t)txid.data);
            if (!found)
                continue;
            bitcoin_append_output(
                out, (uint64_t)json_integer_value(json_array_get(s, 3)),
                bitcoin_script(script,
                               json_string_value(json_array_get(s, 2))));
            break;
        }
        EXPECT(found);
    }
}

/* One line of tx_valid or tx_invalid, put together in `room`. */
static bool extend_case(const json_t *line, struct buffer *room,
                        struct buffer *spent)
{
    struct bytes raw = bitcoin_hex(json_string_value(json_array_get(line, 1))),
                 rest = raw;
    struct bitcoin_transaction t;
    struct buffer script;
    bool parsed =
        bitcoin_parse_transaction(&rest, &t) == REASON_NONE && rest.count == 0;

    buffer_init(&script, 1 << 20);
    buffer_clear(spent);
    if (parsed) {
        append_spent(&t, json_array_get(line, 0), &script, spent);
        bitcoin_extend(room, raw, buffer_bytes(spent));
    }
    buffer_fini(&script);
    free((void *)(uintptr_t)raw.data);
    return parsed;
}

static enum reason judge_inputs(struct bytes extended, int rules)
{
    struct bitcoin_transaction t;

    EXPECT_INT(bitcoin_parse(extended, &t, NULL), REASON_NONE);
    return bitcoin_inputs(&t, rules);
}

TEST(what_core_calls_valid_is_verified_or_unsupported)
{
    const char *path = vectors_path(CORE "tx_valid.json");
    struct bitcoin_tally tally = {0};
    size_t i, cases = 0, older = 0;
    struct buffer room, spent;
    json_t *doc, *line;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    buffer_init(&room, 1 << 20);
    buffer_init(&spent, 1 << 20);
    json_array_foreach(doc, i, line)
    {
        const char *flags = json_string_value(json_array_get(line, 2));
        enum reason reason;

        if (json_array_size(line) != 3)
            continue;
        cases++;
        EXPECT(extend_case(line, &room, &spent));
        reason = judge_inputs(buffer_bytes(&room), 1);
        tally.counts[reason]++;
        if (reason == REASON_NONE || reason == REASON_UNSUPPORTED_SCRIPT)
            continue;
        /* Valid only where a rule of set 1 is not in force yet. */
        if (flags_are(flags, false))
            printf("line %zu (without %s): %s\n", i, flags,
                   reason_name(reason));
        EXPECT(!flags_are(flags, false));
        older++;
    }
    EXPECT_INT(cases, 121);
    printf("tx_valid: %zu cases; %zu valid only without a rule of set 1\n",
           cases, older);
    bitcoin_tally_print(&tally, "  set 1");
    EXPECT_INT(tally.counts[REASON_NONE], 19);
    json_decref(doc);
    buffer_fini(&room);
    buffer_fini(&spent);
}

TEST(what_core_calls_invalid_is_never_verified)
{
    const char *path = vectors_path(CORE "tx_invalid.json");
    struct chain chain = vectors_chain("bip122:test");
    struct bitcoin_tally tally = {0};
    size_t i, cases = 0, relay = 0, whole = 0;
    struct buffer room, spent;
    struct judge *judge;
    json_t *doc, *line;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    EXPECT_INT(judge_open(&judge), 0);
    buffer_init(&room, 1 << 20);
    buffer_init(&spent, 1 << 20);
    json_array_foreach(doc, i, line)
    {
        const char *flags = json_string_value(json_array_get(line, 2));
        enum reason reason = REASON_MALFORMED;
        int rules = 1;

        if (json_array_size(line) != 3)
            continue;
        cases++;
        if (!flags_are(flags, true) && strcmp(flags, "BADTX") != 0) {
            rules = 2;
            relay++;
        }
        if (extend_case(line, &room, &spent)) {
            struct verdict v;

            judge_payload(judge, &chain, rules, buffer_bytes(&room), &v);
            reason = strcmp(flags, "BADTX") == 0
                         ? v.reason
                         : judge_inputs(buffer_bytes(&room), rules);
            EXPECT(!v.verified);
        }
        whole += strcmp(flags, "BADTX") == 0;
        tally.counts[reason]++;
        if (reason == REASON_NONE)
            printf("line %zu (%s) is verified\n", i, flags);
        EXPECT(reason != REASON_NONE);
    }
    EXPECT_INT(cases, 93);
    printf(
        "tx_invalid: %zu cases; %zu by rules of relaying (set 2), %zu as a "
        "whole\n",
        cases, relay, whole);
    bitcoin_tally_print(&tally, "  refused as expected");
    json_decref(doc);
    buffer_fini(&room);
    buffer_fini(&spent);
    judge_close(judge);
}

/* ---- scripts ---- */

/* The transaction that Core builds around two scripts. */
static void build_spend(struct bytes key, struct bytes signature,
                        uint64_t value, const json_t *witness,
                        struct buffer *out)
{
    uint8_t hash[32] = {0};
    struct buffer credit;
    size_t i, items = json_array_size(witness);

    buffer_init(&credit, 1 << 20);
    bitcoin_append_number(&credit, 1, 4);
    buffer_append_byte(&credit, 1);
    buffer_append(&credit, hash, sizeof(hash));
    bitcoin_append_number(&credit, UINT32_MAX, 4);
    buffer_append(&credit, "\x02\x00\x00\xff\xff\xff\xff\x01", 8);
    bitcoin_append_output(&credit, value, key);
    bitcoin_append_number(&credit, 0, 4);
    bitcoin_hash_twice(buffer_bytes(&credit), hash);
    buffer_fini(&credit);

    buffer_clear(out);
    buffer_append_text(out, BITCOIN_MAGIC);
    bitcoin_append_number(out, 1, 4);
    if (items > 0)
        buffer_append(out, "\x00\x01", 2);
    buffer_append_byte(out, 1);
    buffer_append(out, hash, sizeof(hash));
    bitcoin_append_number(out, 0, 4);
    bitcoin_append_string(out, signature);
    bitcoin_append_number(out, UINT32_MAX, 4);
    buffer_append_byte(out, 1);
    bitcoin_append_output(out, value, BYTES_NONE);
    if (items > 0)
        bitcoin_append_size(out, items);
    for (i = 0; i < items; i++) {
        struct bytes item =
            bitcoin_hex(json_string_value(json_array_get(witness, i)));

        bitcoin_append_string(out, item);
        free((void *)(uintptr_t)item.data);
    }
    bitcoin_append_number(out, 0, 4);
    bitcoin_append_output(out, value, key);
    CHECK(!out->overflow);
}

/* Words that only stand for something Core's own program makes. */
static bool has_placeholder(const json_t *line)
{
    char *text = json_dumps(line, 0);
    bool found = strstr(text, "#SCRIPT#") != NULL ||
                 strstr(text, "#TAPROOTOUTPUT#") != NULL;

    free(text);
    return found;
}

/* Valid by these flags, but a rule of set 1 is not among them. */
static bool is_older(const char *flags, enum reason reason)
{
    switch (reason) {
    case REASON_SIGNATURE_ENCODING:
        return !has_flag(flags, "DERSIG") && !has_flag(flags, "STRICTENC");
    case REASON_TIMELOCK:
        return !has_flag(flags, "CHECKLOCKTIMEVERIFY") ||
               !has_flag(flags, "CHECKSEQUENCEVERIFY");
    default:
        return !has_flag(flags, "NULLDUMMY") || !has_flag(flags, "P2SH") ||
               !has_flag(flags, "WITNESS");
    }
}

struct script_tests {
    struct bitcoin_tally good, bad;
    size_t cases, older, relay, placeholders;
};

static void run_script(const json_t *line, size_t number,
                       struct script_tests *s)
{
    const json_t *witness = json_array_get(line, 0);
    size_t at = json_is_array(witness) ? 1 : 0, items;
    const char *flags = json_string_value(json_array_get(line, at + 2));
    const char *wanted = json_string_value(json_array_get(line, at + 3));
    struct buffer key, signature, out;
    json_t *stack = NULL;
    uint64_t value = 0;
    enum reason one, two;

    s->cases++;
    if (has_placeholder(line)) {
        s->placeholders++;
        return;
    }
    if (at == 1) {
        items = json_array_size(witness) - 1;
        value = (uint64_t)llround(
            json_number_value(json_array_get(witness, items)) * 1e8);
        stack = json_deep_copy(witness);
        json_array_remove(stack, items);
    }
    buffer_init(&key, 1 << 20);
    buffer_init(&signature, 1 << 20);
    buffer_init(&out, 1 << 20);
    build_spend(
        bitcoin_script(&key, json_string_value(json_array_get(line, at + 1))),
        bitcoin_script(&signature, json_string_value(json_array_get(line, at))),
        value, stack, &out);
    one = judge_inputs(buffer_bytes(&out), 1);
    two = judge_inputs(buffer_bytes(&out), 2);
    EXPECT(two != REASON_NONE || one == REASON_NONE);
    if (strcmp(wanted, "OK") == 0) {
        bool fits = one == REASON_NONE || one == REASON_UNSUPPORTED_SCRIPT;

        s->good.counts[one]++;
        s->older += !fits;
        if (!fits && !is_older(flags, one))
            printf("line %zu (%s): %s\n", number, flags, reason_name(one));
        EXPECT(fits || is_older(flags, one));
    } else {
        bool relay = !flags_are(flags, true);

        s->bad.counts[relay ? two : one]++;
        s->relay += relay;
        if ((relay ? two : one) == REASON_NONE)
            printf("line %zu (%s, %s) is verified\n", number, flags, wanted);
        EXPECT((relay ? two : one) != REASON_NONE);
    }
    json_decref(stack);
    buffer_fini(&key);
    buffer_fini(&signature);
    buffer_fini(&out);
}

TEST(scripts_of_core_end_as_core_says_or_are_unsupported)
{
    const char *path = vectors_path(CORE "script_tests.json");
    struct script_tests s = {0};
    json_t *doc, *line;
    size_t i;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    json_array_foreach(doc, i, line)
    {
        if (json_array_size(line) >= 4)
            run_script(line, i, &s);
    }
    printf(
        "script_tests: %zu cases; %zu valid only without a rule of set 1, "
        "%zu refused by rules of relaying (set 2), %zu with placeholders "
        "that only Core fills in\n",
        s.cases, s.older, s.relay, s.placeholders);
    bitcoin_tally_print(&s.good, "  valid, set 1");
    bitcoin_tally_print(&s.bad, "  invalid");
    EXPECT_INT(s.cases, 1222);
    EXPECT(s.good.counts[REASON_NONE] >= 30);
    json_decref(doc);
}

/* ---- messages ---- */

/* OP_CODESEPARATOR is never part of a message; our templates have none. */
static struct bytes without_separators(struct bytes script, struct buffer *out)
{
    struct bytes rest = script;
    struct bitcoin_op op;

    buffer_clear(out);
    while (rest.count > 0) {
        const uint8_t *start = rest.data;

        if (!bitcoin_take_op(&rest, &op)) {
            buffer_append_bytes(out, rest);
            break;
        }
        if (op.code != 0xab)
            buffer_append(out, start, (size_t)(rest.data - start));
    }
    return buffer_bytes(out);
}

TEST(messages_of_core_are_hashed_alike)
{
    const char *path = vectors_path(CORE "sighash.json");
    struct buffer code;
    json_t *doc, *line;
    size_t i, cases = 0;

    if (path == NULL)
        return;
    doc = vectors_json(path);
    buffer_init(&code, 1 << 20);
    json_array_foreach(doc, i, line)
    {
        struct bitcoin_spend s = {.message = BITCOIN_LEGACY};
        struct bytes raw, script, wanted, rest;
        struct bitcoin_transaction t;
        struct bitcoin_hashes hashes;
        struct bitcoin_walk walk;
        struct bitcoin_input in;
        uint8_t found[32];

        if (json_array_size(line) != 5)
            continue;
        rest = raw = bitcoin_hex(json_string_value(json_array_get(line, 0)));
        script = bitcoin_hex(json_string_value(json_array_get(line, 1)));
        wanted = bitcoin_hex(json_string_value(json_array_get(line, 4)));
        EXPECT_INT(bitcoin_parse_transaction(&rest, &t), REASON_NONE);
        s.code = without_separators(script, &code);
        bitcoin_walk_inputs(&t, &walk);
        for (json_int_t k = 0; k <= json_integer_value(json_array_get(line, 2));
             k++)
            EXPECT(bitcoin_next_input(&walk, &in));
        bitcoin_hashes_init(&hashes, &t);
        bitcoin_sighash(&hashes, &in, &s,
                        (uint32_t)json_integer_value(json_array_get(line, 3)),
                        found);
        bitcoin_hashes_fini(&hashes);
        bitcoin_reverse(found);
        EXPECT_BYTES(bytes_of(found, 32), wanted);
        free((void *)(uintptr_t)raw.data);
        free((void *)(uintptr_t)script.data);
        free((void *)(uintptr_t)wanted.data);
        cases++;
    }
    printf("sighash: %zu cases\n", cases);
    EXPECT_INT(cases, 500);
    buffer_fini(&code);
    json_decref(doc);
}
