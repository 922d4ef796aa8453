/*
 * verifier/command/replay_pass.h: one replay over one partition, from where it
 * stands to its end.
 *
 *      announced < next   announce every row between them     (a restart)
 *      next < to          look; what has no row is written, then announced
 *      next = to          finished
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_REPLAY_PASS_H
#define VERIFIER_COMMAND_REPLAY_PASS_H

#include "verifier/command/replay_chunk.h"
#include "verifier/command/replay_pace.h"
#include "verifier/command/replay_state.h"

#define REPLAY_EXAMPLES 10

/* What came of it. */
struct replay_counts {
    uint64_t looked;              /* records that were read */
    uint64_t present;             /* had their row */
    uint64_t missing;             /* had none */
    uint64_t rows[LEDGER_NO_ROW]; /* written (in a preview: would be) */
    uint64_t announced;
    uint64_t expired; /* offsets that retention took meanwhile */
    uint64_t rowless; /* of what was announced again: without a row now */
    int64_t first[REPLAY_EXAMPLES]; /* of those without a row */
};

struct replay_pass {
    struct replay_pace pace;
    struct replay_chunk *chunk; /* room */
    struct replay_counts counts;
};

/*
 * Runs `r` to its end; with r->id 0 it looks and judges and changes nothing.
 * Returns 0, or a command_exit after printing why: the same replay may be run
 * again then and goes on where it stands.
 */
int replay_pass_run(struct replay_pass *s, struct replay *r) MUST_CHECK;

#endif
