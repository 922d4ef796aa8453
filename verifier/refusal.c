/*
 * verifier/refusal.c: counts, and what follows from them.
 *
 * The next batch begins with the same records. While halving, it has all that
 * are suspected and half of the others; after a find, all that are suspected,
 * the new one with them, and one more.
 *
 * From: verifier/writing.c, when the ledger says LEDGER_BAD_DATA.
 * To:   nothing: arithmetic.
 */
#include "verifier/refusal.h"

#include "schemas/base/check.h"

enum refusal refusal_of(size_t count, size_t suspected, size_t *out_limit)
{
    size_t others = count - suspected;

    CHECK(count > 0 && suspected <= count);
    if (others == 0) {
        *out_limit = count;
        return REFUSAL_OF_DATABASE;
    }
    if (others == 1) {
        *out_limit = count + 1;
        return REFUSAL_OF_ONE;
    }
    *out_limit = suspected + others / 2;
    return REFUSAL_OF_SOME;
}
