/*
 * tests/fuzz/ethereum_fuzz.c: a transaction that parses is the only encoding
 * of its fields, all rule sets agree about its id, what is stored is judged
 * like what came, and a refusal has words.
 */
#include <string.h>

#include "schemas/ethereum.h"

#define SETS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

static void expect_canonical(struct bytes input,
                             const struct ethereum_fields *f)
{
    struct buffer out;

    buffer_init(&out, input.count);
    ethereum_encode(f, &out);
    CHECK(bytes_equal(buffer_bytes(&out), input));
    buffer_fini(&out);
}

/* A chain the bytes name themselves is not the wrong one. */
static void expect_own_chain(struct bytes input)
{
    struct transaction_words words;
    struct transaction t;
    struct chain chain;
    bool has;
    enum reason reason;

    if (transaction_chain(input, &has, &chain) < 0 || !has ||
        chain.ns != CHAIN_EIP155)
        return;
    reason = transaction_decode(&chain, 3, input, &t, &words);
    CHECK(reason != REASON_WRONG_CHAIN && reason != REASON_CHAIN_NOT_SERVED);
    CHECK(t.has_chain_id && chain_equal(&t.chain_in_bytes, &chain));
}

/* The verifier sees what is stored, not what was sent. */
static void expect_stored(const struct chain *chain, int rules,
                          const struct transaction *t)
{
    struct transaction again;
    struct buffer room;
    struct bytes stored;

    buffer_init(&room, TRANSACTION_BYTES_MAX);
    stored = transaction_canonical(t, &room);
    CHECK(stored.count <= TRANSACTION_BYTES_MAX);
    CHECK(transaction_decode(chain, rules, stored, &again, NULL) ==
          REASON_NONE);
    CHECK(again.id_covers_all && !again.stripped);
    CHECK(memcmp(again.id, t->id, 32) == 0);
    CHECK(memcmp(again.signature, t->signature, 65) == 0);
    CHECK(memcmp(again.amount, t->amount, 32) == 0);
    CHECK(again.nonce == t->nonce);
    buffer_fini(&room);
}

/* Which set takes what another one takes. */
static void expect_order(const enum reason r[SETS + 1], uint8_t type)
{
    CHECK(r[1] == REASON_NONE || r[2] != REASON_NONE);
    CHECK(r[3] == REASON_NONE || r[4] != REASON_NONE);
    CHECK(r[2] == REASON_NONE || r[4] != REASON_NONE || type > 2);
    CHECK(r[3] == REASON_NONE || r[5] != REASON_NONE || r[3] == REASON_HIGH_S);
    if (type <= 2)
        CHECK(r[1] == r[3]);
    else
        CHECK(r[1] != REASON_NONE && r[5] != REASON_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes input = bytes_of(data, count);
    struct transaction_words words;
    struct transaction t[SETS + 1];
    struct ethereum_fields f;
    struct chain chain;
    enum reason reasons[SETS + 1];

    CHECK(chain_parse(bytes_text("eip155:1"), &chain) == 0);
    for (int rules = 1; rules <= SETS; rules++) {
        reasons[rules] =
            transaction_decode(&chain, rules, input, &t[rules], &words);
        CHECK((reasons[rules] == REASON_NONE) == (words.text[0] == '\0'));
        CHECK(strlen(words.text) <= TRANSACTION_WORDS_MAX);
        CHECK(!t[rules].has_id || memcmp(t[rules].id, t[3].id, 32) == 0 ||
              rules < 3);
        if (reasons[rules] == REASON_NONE) {
            transaction_signing_hash(&t[rules]);
            expect_stored(&chain, rules, &t[rules]);
        }
    }
    CHECK(!t[1].has_id || memcmp(t[1].id, t[3].id, 32) == 0);
    CHECK(t[1].has_id == t[2].has_id && t[3].has_id == t[4].has_id);
    CHECK(t[3].has_id == (ethereum_parse(input, &f, NULL) == REASON_NONE));
    expect_order(reasons, count > 0 && data[0] <= 0x7f ? data[0] : 0);
    if (t[3].has_id)
        expect_canonical(input, &f);
    expect_own_chain(input);
    return 0;
}
