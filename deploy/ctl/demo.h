/*
 * deploy/ctl/demo.h: what `tidemill tx demo` sends, and what became of it.
 *
 * Thread: main thread.
 */
#ifndef DEPLOY_CTL_DEMO_H
#define DEPLOY_CTL_DEMO_H

#include "deploy/ctl/gen.h"
#include "deploy/ctl/hashes.h"
#include "deploy/ctl/latency.h"
#include "deploy/ctl/posts.h"
#include "schemas/result.h"

/* One transaction on its way. Times are 0 while they are not known. */
struct demo_item {
    uint8_t *raw;
    size_t count; /* bytes of it */
    uint8_t hash[32];
    enum gen_kind kind;
    int64_t repeats; /* the item with the same bytes, sent before; -1: new */
    int64_t sent_ns, answered_ns, arrived_ns; /* our monotonic clock */
    int64_t sent_ms, results_ms;              /* wall clocks: ours, broker's */
    struct posted posted;
    enum result_type type; /* once it arrived */
};

enum demo_stage { DEMO_SUBMITTED, DEMO_ANSWERED, DEMO_RESULTS, DEMO_ARRIVED };
#define DEMO_STAGES 4

struct demo_sums {
    size_t stored, repeated, refused, failed; /* as the door answered */
    size_t verified, rejected, other;         /* as it arrived */
    size_t missing;                           /* stored, and never arrived */
    size_t wrong; /* another verdict than its kind has */
    struct latency after_send[DEMO_STAGES];
    struct latency alone[DEMO_STAGES];
};

/*
 * Makes `count` items: of a hundred, two whose forgery only the curve finds,
 * one that a door sees through, and four that were sent before. Returns 0 or
 * FAIL_SYSTEM.
 */
int demo_make(struct demo_item *items, size_t count, uint64_t chain_id,
              struct hashes *hashes) MUST_CHECK;

/* Adds everything up. */
void demo_sum(const struct demo_item *items, size_t count,
              struct demo_sums *out);

/* The table for people, or one JSON object. */
void demo_print(const struct demo_sums *s, size_t count, int64_t took_ms,
                bool results_known);
void demo_print_json(const struct demo_sums *s, size_t count, int64_t took_ms);

#endif
