/*
 * tests/fuzz/ethereum_fuzz.c: a transaction that parses is the only encoding
 * of its fields, both rule sets agree about its id, and a refusal has words.
 */
#include <string.h>

#include "schemas/ethereum.h"

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

    if (transaction_chain(input, &has, &chain) < 0 || !has)
        return;
    reason = transaction_decode(&chain, 1, input, &t, &words);
    CHECK(reason != REASON_WRONG_CHAIN && reason != REASON_CHAIN_NOT_SERVED);
    CHECK(t.has_chain_id && chain_equal(&t.chain_in_bytes, &chain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes input = bytes_of(data, count);
    struct transaction_words words;
    struct transaction one, two;
    struct ethereum_fields f;
    struct chain chain;
    enum reason first, second;

    CHECK(chain_parse(bytes_text("eip155:1"), &chain) == 0);
    first = transaction_decode(&chain, 1, input, &one, &words);
    CHECK((first == REASON_NONE) == (words.text[0] == '\0'));
    CHECK(strlen(words.text) <= TRANSACTION_WORDS_MAX);
    second = transaction_decode(&chain, 2, input, &two, NULL);
    /* Set 2 refuses whatever set 1 refuses. */
    CHECK(first == REASON_NONE || second != REASON_NONE);
    CHECK(one.has_id == two.has_id && memcmp(one.id, two.id, 32) == 0);
    CHECK(one.has_id == (ethereum_parse(input, &f, NULL) == REASON_NONE));
    if (one.has_id)
        expect_canonical(input, &f);
    if (first == REASON_NONE)
        transaction_signing_hash(&one);
    expect_own_chain(input);
    return 0;
}
