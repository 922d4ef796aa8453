/*
 * tests/unit/judge/bitcoin.h: Bitcoin transactions as other people write them
 * down, put together with what they spend.
 *
 * Included by the tests of `bip122`; each of them uses a part of it.
 */
#ifndef TESTS_UNIT_JUDGE_BITCOIN_H
#define TESTS_UNIT_JUDGE_BITCOIN_H

#include "schemas/bitcoin_inside.h"
#include "schemas/bitcoin_script.h"
#include "schemas/hash.h"
#include "tests/unit/judge/vectors.h"
#include "verifier/scheme_bitcoin.h"

#define BITCOIN_UNUSED __attribute__((unused)) static
#define BITCOIN_VECTORS "bitcoin/"

/* Hex of another folder's style, without 0x. free() the data. */
BITCOIN_UNUSED struct bytes bitcoin_hex(const char *text)
{
    size_t count = strlen(text) / 2 + 1;
    uint8_t *data = malloc(count);

    CHECK(data != NULL);
    EXPECT_INT(hex_decode(bytes_text(text), data, count, &count), 0);
    return bytes_of(data, count);
}

/* The extended form: `raw` and, one behind the other, what it spends. */
BITCOIN_UNUSED struct bytes bitcoin_extend(struct buffer *out, struct bytes raw,
                                           struct bytes spent)
{
    buffer_clear(out);
    buffer_append_text(out, BITCOIN_MAGIC);
    buffer_append_bytes(out, raw);
    buffer_append_bytes(out, spent);
    CHECK(!out->overflow);
    return buffer_bytes(out);
}

/* Appends an output as it is serialized. */
BITCOIN_UNUSED void bitcoin_append_output(struct buffer *out, uint64_t value,
                                          struct bytes script)
{
    bitcoin_append_number(out, value, 8);
    bitcoin_append_string(out, script);
}

/* The first of all inputs that is not verified by `rules`; sums are not asked.
 * REASON_NONE: every one is. */
BITCOIN_UNUSED enum reason bitcoin_inputs(const struct bitcoin_transaction *t,
                                          int rules)
{
    struct bitcoin_hashes hashes;
    struct bitcoin_walk walk;
    struct bitcoin_input in;
    enum reason reason = REASON_NONE;

    bitcoin_hashes_init(&hashes, t);
    bitcoin_walk_inputs(t, &walk);
    while (reason == REASON_NONE && bitcoin_next_input(&walk, &in))
        reason = scheme_bitcoin_input(rules, &hashes, &in);
    bitcoin_hashes_fini(&hashes);
    return reason;
}

/* How often each reason was given. */
struct bitcoin_tally {
    size_t counts[REASON_END];
};

BITCOIN_UNUSED void bitcoin_tally_print(const struct bitcoin_tally *t,
                                        const char *what)
{
    printf("%s:", what);
    for (int i = 0; i < REASON_END; i++) {
        if (t->counts[i] > 0)
            printf(" %zu %s", t->counts[i],
                   i == 0 ? "verified" : reason_name((enum reason)i));
    }
    printf("\n");
}

#endif
