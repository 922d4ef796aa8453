/*
 * verifier/pipeline.h: from records to committed, announced rows.
 *
 *      consumer -> lanes -> pool (verdicts) -> ledger (rows) -> announce
 *
 *      assigned   read positions, start there, prove the log        intake.c
 *      judged     put verdicts back in offset order                 lane.c
 *      written    one transaction a batch, with its ledger rows     writing.c
 *      announced  in offset order, then `announced` is raised       announce.c
 *
 * The ledger has one conversation at a time: it is asked for positions, or for
 * the rows of records below the position, or is given a batch. After each, and
 * whenever something new is judged, pipeline_next() decides which comes next.
 *
 * Thread: loop thread.
 */
#ifndef VERIFIER_PIPELINE_H
#define VERIFIER_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/loop.h"
#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

struct pipeline;
struct kafka_config;

struct pipeline_options {
    struct loop *loop;
    const struct kafka_config *kafka; /* outlives the pipeline */
    const char *database_url;         /* NULL: PG* variables */
    const char *topic_submitted;
    const char *topic_results;
    int threads;           /* that judge */
    size_t window_records; /* of a partition, not announced yet */
    size_t window_bytes;
    size_t batch_records;
    size_t batch_bytes;
    int batch_ms; /* how long a verdict waits for company */
    int64_t leaf_rows;
    int keep_days;
    int reconcile_ms; /* between two looks at rows and ledger; 0: none */
    /* The process is of no use any more. */
    void (*failed)(void *arg, int code, const char *why);
    void *arg;
};

/* Starts connecting to everything. 0, FAIL_SETTING or FAIL_SYSTEM. */
int pipeline_open(const struct pipeline_options *o,
                  struct pipeline **out) MUST_CHECK;

/*
 * Takes nothing more, finishes what was taken, raises `announced`, and calls
 * `drained` once; at the latest after `deadline_ms`.
 */
void pipeline_drain(struct pipeline *p, int deadline_ms, loop_fn drained,
                    void *arg);

/*
 * Ends everything; what it closes on the loop ends in later turns, and the
 * memory goes with the last of it. NULL is fine.
 */
void pipeline_close(struct pipeline *p);

/* Can it do its work? If not, appends why. */
bool pipeline_ready(const struct pipeline *p, struct buffer *why);

/* Appends a JSON object: logs, leaf, and each partition's state. */
void pipeline_status(const struct pipeline *p, struct buffer *json);

#endif
