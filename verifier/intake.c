/*
 * verifier/intake.c: which partitions are ours, and whether their log is the
 * one we know.
 *
 *      assigned ----> locating.c reads where each starts
 *      record   ----> proof ----> below `announced`: only proof
 *                                 else: judged, and kept in its lane
 *
 * From: consumer/consumer.c, with partitions and records.
 * To:   verifier/pool.c, with each record to judge; verifier/locating.c.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "verifier/pipeline_inside.h"

#define RETRY_TOPIC_GONE_MS 2000
#define RETRY_NEWER_RULES_MS 2000
#define RETRY_UNKNOWN_LOG_MS 10000
#define RETRY_RESULTS_MS 5000
#define RETRY_BREAKER_MS 60000
#define UNSURE_MS 500 /* between two proofs that nobody asked for */

struct lane *intake_lane(struct pipeline *p, int32_t partition)
{
    size_t i;

    for (i = 0; i < p->lane_count; i++) {
        if (p->lanes[i]->partition.id == partition)
            return p->lanes[i];
    }
    return NULL;
}

void intake_move(struct lane *l, enum partition_event event)
{
    enum partition_state from = l->partition.state;
    const struct partition_rule *rule = partition_move(&l->partition, event);

    if (event == PARTITION_WINDOW_FULL || event == PARTITION_WINDOW_HALF)
        log_debug("partition.moved", "partition=%d from=%s to=%s why=\"%s\"",
                  l->partition.id, partition_state_name(from),
                  partition_state_name(rule->to), rule->why);
    else
        log_info("partition.moved", "partition=%d from=%s to=%s why=\"%s\"",
                 l->partition.id, partition_state_name(from),
                 partition_state_name(rule->to), rule->why);
}

bool intake_takes(const struct lane *l)
{
    return l->partition.state == PARTITION_FETCHING ||
           l->partition.state == PARTITION_PAUSED;
}

/* ---- assigned and revoked ---- */

void intake_drop_lanes(struct pipeline *p)
{
    size_t i;

    for (i = 0; i < p->lane_count; i++) {
        intake_move(p->lanes[i], PARTITION_REVOKED);
        intake_move(p->lanes[i], PARTITION_DRAINED);
        lane_close(p->lanes[i]);
    }
    p->lane_count = 0;
    p->started = false;
}

/* Batches list their partitions in rising order, and so do the lanes. */
static int by_partition(const void *a, const void *b)
{
    const struct lane *const *x = a, *const *y = b;

    return ((*x)->partition.id > (*y)->partition.id) -
           ((*x)->partition.id < (*y)->partition.id);
}

static void on_assigned(void *arg, const int32_t *partitions, size_t count)
{
    struct pipeline *p = arg;
    size_t i;

    intake_drop_lanes(p);
    CHECK(count <= PIPELINE_LANES_MAX);
    log_info("partitions.assigned", "count=%zu", count);
    for (i = 0; i < count; i++) {
        p->lanes[i] =
            lane_open(partitions[i], p->o.window_records, p->o.window_bytes);
        CHECK(p->lanes[i] != NULL);
        p->lane_count++;
        intake_move(p->lanes[i], PARTITION_ASSIGNED);
    }
    qsort(p->lanes, p->lane_count, sizeof(p->lanes[0]), by_partition);
    p->refresh = true;
    pipeline_next(p);
}

/*
 * What is with the ledger goes on and is fenced or not, as it may be; what was
 * announced is noted, so that the next owner announces less again.
 */
static void on_revoked(void *arg, bool lost)
{
    struct pipeline *p = arg;

    log_info("partitions.revoked", "count=%zu lost=%d", p->lane_count, lost);
    if (!lost && p->ledger_up)
        writing_raise(p);
    intake_drop_lanes(p);
}

/* ---- stopping, and looking again ---- */

static int64_t retry_after(enum lane_stop why)
{
    switch (why) {
    case LANE_NOT_PLANTED:
        return PIPELINE_NOT_PLANTED_MS;
    case LANE_TOPIC_GONE:
        return RETRY_TOPIC_GONE_MS;
    case LANE_NEWER_RULES:
        return RETRY_NEWER_RULES_MS;
    case LANE_UNKNOWN_LOG:
        return RETRY_UNKNOWN_LOG_MS;
    case LANE_RESULTS_UNKNOWN:
        return RETRY_RESULTS_MS;
    case LANE_BREAKER:
        return RETRY_BREAKER_MS;
    case LANE_RUNS:
        break;
    }
    CHECK(false);
}

void intake_stop(struct pipeline *p, struct lane *l, enum lane_stop why)
{
    if (l->stop != why)
        log_error("partition.stopped",
                  "partition=%d position=%" PRId64 " reason=%s why=\"%s\"",
                  l->partition.id, l->position, lane_stop_name(why),
                  lane_stop_advice(why));
    l->stop = why;
    l->retry_ms = clock_ms() + retry_after(why);
    if (l->partition.state != PARTITION_STOPPED)
        intake_move(l, PARTITION_FAULT);
    if (p->started)
        consumer_pause(p->consumer, l->partition.id);
}

void intake_retry(struct pipeline *p)
{
    struct lane *l;
    size_t i;

    for (i = 0; i < p->lane_count; i++) {
        l = p->lanes[i];
        if (l->partition.state != PARTITION_STOPPED || clock_ms() < l->retry_ms)
            continue;
        intake_move(l, PARTITION_RELEASED);
        p->refresh = true;
    }
}

void intake_forget(struct pipeline *p)
{
    struct lane *l;
    size_t i;

    for (i = 0; i < p->lane_count; i++) {
        l = p->lanes[i];
        lane_forget(l);
        if (intake_takes(l))
            intake_move(l, PARTITION_POSITION_LOST);
        if (p->started)
            consumer_pause(p->consumer, l->partition.id);
    }
    p->refresh = true;
}

/* ---- proof ---- */

/* Returns whether the record that caused the move may be used. */
static bool follow(struct pipeline *p, struct lane *l, enum proof_move m)
{
    switch (m) {
    case PROOF_WAIT:
        return true;
    case PROOF_KNOWN:
        log_info("partition.proved", "partition=%d position=%" PRId64,
                 l->partition.id, l->position);
        return true;
    case PROOF_UNPROVEN:
        metric_add(p->unproven, 1);
        log_warn("partition.unproven",
                 "partition=%d position=%" PRId64
                 " why=\"the record before the position has expired or is a "
                 "gap; nothing contradicts\"",
                 l->partition.id, l->position);
        return true;
    case PROOF_READ_BEGIN:
        consumer_restart(p->consumer, l->partition.id, CONSUMER_BEGIN);
        l->next_offset = 0;
        return false;
    case PROOF_READ_EXACT:
        consumer_restart(p->consumer, l->partition.id, l->position);
        l->next_offset = l->position;
        return false;
    case PROOF_UNKNOWN_LOG:
        intake_stop(p, l, LANE_UNKNOWN_LOG);
        return false;
    }
    CHECK(false);
}

static bool prove(struct pipeline *p, struct lane *l, const struct record *r)
{
    uint8_t sha256[32];
    bool wants = proof_wants(&l->proof, r->offset);

    if (wants)
        record_fingerprint(r->key, r->value, r->append_ms, sha256);
    return follow(p, l,
                  proof_record(&l->proof, r->offset, wants ? sha256 : NULL));
}

/* It ran, and its log has changed under it: locate and prove again. */
static void relocate(struct pipeline *p, struct lane *l)
{
    lane_forget(l);
    intake_move(l, PARTITION_POSITION_LOST);
    p->refresh = true;
    pipeline_next(p);
}

static void on_out_of_range(void *arg, int32_t partition, int64_t offset)
{
    struct pipeline *p = arg;
    struct lane *l = intake_lane(p, partition);

    if (l == NULL || !intake_takes(l))
        return;
    log_warn("partition.out_of_range",
             "partition=%d offset=%" PRId64 " position=%" PRId64, partition,
             offset, l->position);
    if (l->proof.step != PROOF_DONE || l->proof.start == offset) {
        (void)follow(p, l, proof_out_of_range(&l->proof));
        return;
    }
    relocate(p, l);
}

/* Deleted: what comes back under that name has to be proved anew. */
static void on_gone(void *arg, int32_t partition)
{
    struct pipeline *p = arg;
    struct lane *l = intake_lane(p, partition);

    if (l == NULL || !intake_takes(l))
        return;
    lane_forget(l);
    intake_stop(p, l, LANE_TOPIC_GONE);
}

/*
 * A fetch was refused. If the topic was deleted and made anew in this very
 * moment, reading would go on at our offset in another log, and what lies below
 * it there would never be judged. So everything taken is forgotten, and each
 * partition is proved again before anything more is written.
 */
static void on_unsure(void *arg)
{
    struct pipeline *p = arg;
    int64_t at = p->unsure_ms + UNSURE_MS;
    struct lane *l;
    size_t i;

    for (i = 0; i < p->lane_count; i++) {
        l = p->lanes[i];
        if (!intake_takes(l))
            continue;
        lane_forget(l);
        intake_move(l, PARTITION_POSITION_LOST);
        if (p->started)
            consumer_pause(p->consumer, l->partition.id);
        p->refresh = true;
    }
    p->unsure_ms = clock_ms();
    if (p->retry_ms < at)
        p->retry_ms = at;
    pipeline_next(p);
}

static void on_end(void *arg, int32_t partition, int64_t offset)
{
    struct pipeline *p = arg;
    struct lane *l = intake_lane(p, partition);

    if (l == NULL || !intake_takes(l))
        return;
    if (l->proof.step != PROOF_DONE)
        (void)follow(p, l, proof_end(&l->proof, offset));
    else if (offset < l->position)
        relocate(p, l);
}

/* ---- records ---- */

/* What was to be announced again has expired. */
static void note_expired(struct pipeline *p, struct lane *l, int64_t offset)
{
    int64_t lost;

    if (l->count > 0 || offset <= lane_announced(l) ||
        l->proof.step != PROOF_BEGIN)
        return;
    if (offset > l->position)
        offset = l->position;
    lost = offset - lane_announced(l);
    metric_add(p->expired, (uint64_t)lost);
    log_error("partition.expired",
              "partition=%d from=%" PRId64 " to=%" PRId64
              " why=\"records that were never announced have left the topic\"",
              l->partition.id, lane_announced(l), offset);
    lane_announced_from(l, offset);
}

static void on_record(void *arg, struct record *r)
{
    struct pipeline *p = arg;
    struct lane *l = intake_lane(p, r->partition);
    struct work *w;

    if (l == NULL || !intake_takes(l) || r->offset < l->next_offset) {
        record_release(r);
        return;
    }
    note_expired(p, l, r->offset);
    if (!prove(p, l, r)) {
        record_release(r);
        return;
    }
    if (r->offset < lane_announced(l)) {
        metric_add(p->below, 1);
        l->next_offset = r->offset + 1;
        record_release(r);
        return;
    }
    metric_add(p->taken, 1);
    w = work_open(l, r);
    lane_take(l, w);
    pool_add(p->pool, w);
    if (lane_is_full(l) && l->partition.state == PARTITION_FETCHING) {
        consumer_pause(p->consumer, l->partition.id);
        intake_move(l, PARTITION_WINDOW_FULL);
    }
}

void intake_resume(struct pipeline *p, struct lane *l)
{
    if (l->partition.state != PARTITION_PAUSED || !lane_is_half(l) ||
        p->draining)
        return;
    intake_move(l, PARTITION_WINDOW_HALF);
    consumer_resume(p->consumer, l->partition.id);
}

static void on_failed(void *arg, int code, const char *why)
{
    struct pipeline *p = arg;

    p->o.failed(p->o.arg, code, why);
}

const struct consumer_events intake_events = {
    .assigned = on_assigned,
    .revoked = on_revoked,
    .record = on_record,
    .end = on_end,
    .out_of_range = on_out_of_range,
    .failed = on_failed,
    .gone = on_gone,
    .unsure = on_unsure,
};
