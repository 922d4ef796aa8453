/*
 * verifier/judge.h: bytes in, verdict out.
 *
 * A verdict is a pure function of chain, rule set and bytes: no setting, no
 * clock and no look-up takes part in it, so that a replay gives the same one.
 * Everything cheap is checked first; the curve comes last.
 *
 * Thread: any number at once; a judge is read-only after judge_open().
 */
#ifndef VERIFIER_JUDGE_H
#define VERIFIER_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/transaction.h"

struct judge;

/*
 * Opens a judge; judge_close() frees it.
 *
 * Returns 0, or FAIL_SYSTEM.
 */
int judge_open(struct judge **out) MUST_CHECK;
void judge_close(struct judge *j);

struct verdict {
    bool verified;
    enum reason reason;         /* REASON_NONE when verified */
    struct transaction tx;      /* as far as it decodes; with the sender when
                                   verified */
    uint8_t payload_sha256[32]; /* of the payload; set when not verified */
};

/*
 * Judges `payload` by rule set `rules` of `chain`. The rule set is one we have
 * (record_header_parse() said GOOD). A payload that does not decode has no id.
 *
 * `payload` outlives `out`, whose transaction borrows from it; data NULL (a
 * record without value) is judged like an empty one.
 */
void judge_payload(const struct judge *j, const struct chain *chain, int rules,
                   struct bytes payload, struct verdict *out);

#endif
