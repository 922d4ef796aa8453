/*
 * notifier/gateway/intake.h: follows tx.results, and leaves no silent hole.
 *
 * Runs from Redis and records read from the topic are evidence of the same
 * thing: "in this range of offsets there are these results and no others".
 * Evidence that begins at or below what we know is taken; what begins above it
 * leaves a gap, which is read from the topic. Meanwhile runs are held (bounded)
 * and tried again, so that a repair under load ends.
 *
 *   next 100, run 100..105 previous 99     taken, next 106
 *   next 106, run 106..108 previous 105    taken, next 109
 *   next 109, run 120..125 previous 119    gap: read [109, 126), run is held
 *   next 109, heartbeat last 130           gap: read [109, 131)
 *
 * Pure: what it needs done it asks for by its hooks.
 *
 * Thread: loop thread only. Memory: the rings, and INTAKE_HELD_BYTES of runs a
 * partition.
 */
#ifndef NOTIFIER_GATEWAY_INTAKE_H
#define NOTIFIER_GATEWAY_INTAKE_H

#include "notifier/gateway/ring.h"
#include "schemas/cursor.h"
#include "schemas/run.h"

#define INTAKE_HELD_BYTES (1 << 20)
#define INTAKE_HELD_COUNT 128

struct intake;

struct intake_hooks {
    /* One result that is new; borrowed for the call. */
    void (*event)(void *arg, const struct run_event *e);
    /* Read [from, to) of the topic: intake_read() for every record of it,
     * intake_read_to() at its end, then intake_fetched() once, later. */
    void (*fetch)(void *arg, int32_t partition, int64_t from, int64_t to);
    /* Results of [from, to) are gone from the topic before we read them. */
    void (*lost)(void *arg, int32_t partition, int64_t from, int64_t to);
    /* The results log is another one than before: everything known is of no
     * use. Open another intake, later. */
    void (*renumbered)(void *arg, int32_t log);
};

struct intake_options {
    size_t partitions;     /* 1..CURSOR_PARTITIONS_MAX */
    size_t ring_count_max; /* results a partition; 0: RING_COUNT_MAX */
    size_t ring_bytes_max; /* 0: RING_BYTES_MAX */
    struct intake_hooks hooks;
    void *arg;
};

/* What came and what became of it, since the start. */
struct intake_counts {
    uint64_t runs, runs_repeated, runs_held, runs_malformed;
    uint64_t events, repeats, foreign; /* new; dropped; no result */
    uint64_t repairs, repaired;        /* gaps; records read for them */
};

struct intake *intake_open(const struct intake_options *o);
void intake_close(struct intake *in);

/*
 * Where a partition begins: the topic has [start, end), the last results of it
 * are read first. Until then its runs are held. Called once per partition.
 */
void intake_begin(struct intake *in, int32_t partition, int64_t start,
                  int64_t end);

/* The topic has more partitions than before: `partitions` in all, at most
 * CURSOR_PARTITIONS_MAX. The new ones wait for their intake_begin(). */
void intake_grow(struct intake *in, size_t partitions);

/* Every partition has been read to where the topic ended at its begin. */
bool intake_ready(const struct intake *in);

/* A message of Redis. What is not a run is counted and left alone. */
void intake_run(struct intake *in, struct bytes text);

/*
 * The topic was read from `from` on, and the next record there is at `offset`:
 * `value` is it, `header` its `tm`, "1;<results log>".
 */
void intake_read(struct intake *in, int32_t partition, int64_t from,
                 int64_t offset, struct bytes value, struct bytes header);

/* The topic was read from `from` up to before `to`, and nothing was there. */
void intake_read_to(struct intake *in, int32_t partition, int64_t from,
                    int64_t to);

/* The topic has offsets below `to`, whatever they hold. */
void intake_reaches(struct intake *in, int32_t partition, int64_t to);

/*
 * A fetch that was asked for has ended. `gone_before` is where the topic begins
 * when it no longer has what was asked for, else -1. What failed otherwise is
 * asked for again by intake_retry().
 */
void intake_fetched(struct intake *in, int32_t partition, int64_t gone_before);

/* Asks again for what is missing. Every few hundred milliseconds. */
void intake_retry(struct intake *in);

size_t intake_partitions(const struct intake *in);

/* Number of the results log; 0: no result seen yet. */
int32_t intake_log(const struct intake *in);

/* The ring of a partition. Its ring_next() is the position of live clients. */
const struct ring *intake_ring(const struct intake *in, int32_t partition);

/* The positions now. */
void intake_cursor(const struct intake *in, struct cursor *out);

/* Results known to be in the topic and not taken yet, over all partitions. */
int64_t intake_behind(const struct intake *in);

const struct intake_counts *intake_counts(const struct intake *in);

#endif
