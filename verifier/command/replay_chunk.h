/*
 * verifier/command/replay_chunk.h: some records of one partition, with their
 * rows and, where that is asked, their verdicts.
 *
 * Thread: main thread. Memory: REPLAY_CHUNK_RECORDS records, of
 * REPLAY_CHUNK_BYTES together (one record may exceed that by itself).
 */
#ifndef VERIFIER_COMMAND_REPLAY_CHUNK_H
#define VERIFIER_COMMAND_REPLAY_CHUNK_H

#include "verifier/command/replay_parts.h"

#define REPLAY_CHUNK_RECORDS 1000
#define REPLAY_CHUNK_BYTES ((size_t)16 << 20)

struct replay_piece {
    int64_t offset, append_ms;
    struct bytes key, value; /* of `memory`; data NULL: null */
    uint8_t *memory;
    enum record_header header;
    struct chain chain;
    int rules;
    bool decoded; /* verdict.tx has what needs no curve */
    bool judged;  /* verdict is one */
    struct verdict verdict;
    struct ledger_row row;
    bool fresh;       /* written just now, to be announced */
    char sqlstate[6]; /* the database refused it; "" */
    char why[256];    /* the same, in words */
};

struct replay_chunk {
    struct replay_piece pieces[REPLAY_CHUNK_RECORDS];
    size_t count;
    size_t bytes;
    int64_t from, to; /* offsets that are covered: [from, to) */
    bool cut;         /* full: the rest belongs to the next one */
    int64_t gone;     /* offsets at its front that expired meanwhile */
};

/*
 * Reads what follows `from`, up to `to`, and asks for the rows. Returns 0 or a
 * command_exit after printing why.
 */
int replay_chunk_read(struct replay_chunk *k, struct replay_parts *p,
                      int32_t partition, int64_t from, int64_t to) MUST_CHECK;

/* Asks for the rows again. The same returns. */
int replay_chunk_look(struct replay_chunk *k, struct replay_parts *p,
                      int32_t partition) MUST_CHECK;

/*
 * Judges a piece by the rule set of its header. Returns 0, or COMMAND_DATA
 * after printing that this release lacks the rule set.
 */
int replay_chunk_judge(struct replay_parts *p, int32_t partition,
                       struct replay_piece *piece) MUST_CHECK;

/* Frees what was read; the chunk may be used again. */
void replay_chunk_clear(struct replay_chunk *k);

#endif
