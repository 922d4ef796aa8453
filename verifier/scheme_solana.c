/*
 * verifier/scheme_solana.c: signature i is key i's, over the whole message.
 *
 * The bytes are taken apart a second time: that is 1/500 of the curve, and
 * leaves the decoded transaction as small as it is.
 *
 * From: verifier/judge.c.
 * To:   verifier/scheme_ed25519.h.
 */
#include "verifier/scheme_solana.h"

#include "schemas/solana.h"
#include "verifier/scheme_ed25519.h"

enum reason scheme_solana_prove(const struct transaction *t)
{
    struct solana_parts p;

    CHECK(solana_parse(t->canonical, &p, NULL) == REASON_NONE);
    CHECK(p.signature_count > 0 && p.signature_count <= p.key_count);
    for (size_t i = 0; i < p.signature_count; i++) {
        if (!scheme_ed25519_verify(
                p.signatures.data + i * SOLANA_SIGNATURE_BYTES, p.message,
                p.keys.data + i * SOLANA_KEY_BYTES))
            return REASON_BAD_SIGNATURE;
    }
    return REASON_NONE;
}
