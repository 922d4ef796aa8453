/*
 * verifier/command/replay_parts.h: what a replay works with, waited for: the
 * topic's reader, the judge, the ledger's rows and batches, the results topic.
 *
 * Thread: main thread. Every wait has a deadline and ends at Ctrl-C.
 */
#ifndef VERIFIER_COMMAND_REPLAY_PARTS_H
#define VERIFIER_COMMAND_REPLAY_PARTS_H

#include "consumer/outlet.h"
#include "verifier/announcement.h"
#include "verifier/command/cluster.h"
#include "verifier/judge.h"
#include "verifier/ledger.h"

struct replay_parts {
    struct cluster *c; /* borrowed */
    struct judge *judge;
    struct reader *reader;
    struct ledger *ledger;
    struct outlet *outlet; /* NULL in a preview */
    struct chain chain;    /* of records without a header */
    int rules;             /* the same */
    int results_log;
    bool ledger_up;
    bool located; /* the ledger read positions on this connection */
    char name[96];
    struct buffer json; /* a result */
    char header[32];    /* of results */
};

/*
 * Opens them. `topic_results` NULL: a preview, no outlet. Returns 0 or a
 * command_exit after printing why; replay_parts_close() in any case.
 */
int replay_parts_open(struct replay_parts *p, struct cluster *c,
                      const char *database_url,
                      const char *topic_results) MUST_CHECK;
void replay_parts_close(struct replay_parts *p);

/*
 * Reads [from, to) of a partition; records are borrowed for the call. Returns
 * 0, FAIL_GONE with where the log begins now in out_start, or another FAIL_.
 */
int replay_parts_read(struct replay_parts *p, int32_t partition, int64_t from,
                      int64_t to, reader_record_fn record, void *arg,
                      int64_t *out_start) MUST_CHECK;

/*
 * Which rows there are; out_rows[i] answers queries[i]. A lost connection or a
 * dropped leaf is waited for and asked again. 0 or FAIL_.
 */
int replay_parts_rows(struct replay_parts *p,
                      const struct ledger_row_query *queries, size_t count,
                      struct ledger_row *out_rows) MUST_CHECK;

/*
 * Writes one batch, once. Returns 0 and what came of it, or FAIL_TIMEOUT,
 * FAIL_GONE. After anything but LEDGER_WRITTEN positions are read anew.
 */
int replay_parts_write(struct replay_parts *p, struct ledger_batch *b,
                       enum ledger_outcome *out, char out_sqlstate[6],
                       char *out_why, size_t why_max) MUST_CHECK;

/* Waits, with the loop turning. 0, or FAIL_GONE for a signal. */
int replay_parts_pause(struct replay_parts *p, int64_t ms) MUST_CHECK;

/*
 * Announces all of them, in order, and waits until every one is acknowledged.
 * Sent again where the report was none: 0 or a FAIL_.
 */
int replay_parts_announce(struct replay_parts *p,
                          const struct announcement *all,
                          size_t count) MUST_CHECK;

#endif
