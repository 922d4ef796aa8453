/*
 * tests/fuzz/solana_fuzz.c: a Solana transaction that parses is the only
 * encoding of its parts, what follows the rules names only what is there, and a
 * refusal has words.
 */
#include <string.h>

#include "schemas/solana.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count);

/* Written again, field by field, it is the same bytes. */
static void expect_canonical(struct bytes input, const struct solana_parts *p)
{
    struct buffer out;

    buffer_init(&out, input.count);
    solana_encode(p, &out);
    CHECK(bytes_equal(buffer_bytes(&out), input));
    buffer_fini(&out);
}

/* No byte more or less is a transaction too. */
static void expect_alone(struct bytes input)
{
    struct solana_parts p;
    uint8_t longer[SOLANA_BYTES_MAX + 1];

    CHECK(solana_parse(bytes_slice(input, 0, input.count - 1), &p, NULL) !=
          REASON_NONE);
    memcpy(longer, input.data, input.count);
    longer[input.count] = 0;
    CHECK(solana_parse(bytes_of(longer, input.count + 1), &p, NULL) ==
          REASON_NON_CANONICAL);
}

static size_t accounts_of(const struct solana_parts *p)
{
    struct bytes rest = p->lookups;
    struct solana_lookup l;
    size_t count = p->key_count, lookups = 0;

    while (solana_next_lookup(&rest, &l)) {
        count += l.writable.count + l.readonly.count;
        lookups++;
    }
    CHECK(lookups == p->lookup_count);
    return count;
}

/* What scheme_solana.c and a reader rely on. */
static void expect_consistent(const struct solana_parts *p)
{
    struct bytes rest = p->instructions;
    struct solana_instruction i;
    size_t accounts = accounts_of(p), instructions = 0;

    CHECK(p->signature_count > 0 && p->signature_count <= p->key_count);
    CHECK(p->signature_count == p->required && accounts <= 256);
    CHECK(p->keys.count == 32 * p->key_count && p->key_count < 39);
    while (solana_next_instruction(&rest, &i)) {
        CHECK(i.program > 0 && i.program < p->key_count);
        for (size_t k = 0; k < i.accounts.count; k++)
            CHECK(i.accounts.data[k] < accounts);
        instructions++;
    }
    CHECK(instructions == p->instruction_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t count)
{
    struct bytes input = bytes_of(data, count);
    struct transaction_words words;
    struct transaction t;
    struct solana_parts p;
    struct chain chain;
    enum reason reason, parsed;

    CHECK(chain_parse(bytes_text("solana:fuzz"), &chain) == 0);
    reason = transaction_decode(&chain, 1, input, &t, &words);
    CHECK((reason == REASON_NONE) == (words.text[0] == '\0'));
    CHECK(strlen(words.text) <= TRANSACTION_WORDS_MAX);
    CHECK(!t.id_covers_all && !t.has_nonce);
    if (count == 0 || count > SOLANA_BYTES_MAX)
        return 0;
    parsed = solana_parse(input, &p, NULL);
    CHECK(t.has_id == (parsed == REASON_NONE));
    if (parsed != REASON_NONE) {
        CHECK(parsed == reason);
        return 0;
    }
    expect_canonical(input, &p);
    expect_alone(input);
    if (reason == REASON_NONE)
        expect_consistent(&p);
    return 0;
}
