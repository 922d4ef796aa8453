/*
 * verifier/written.c: what the ledger's answer to a batch means.
 *
 *      WRITTEN   rows and position are committed     -> announce
 *      FENCED    another owner moved a position      -> read positions
 *      STALE     another live leaf                   -> read positions
 *      BAD_DATA  one of these records                -> halve
 *      OUTAGE    the database                        -> wait, the same again
 *      UNKNOWN   the connection went around COMMIT   -> all is read again
 *
 * From: verifier/ledger.c, with the answer to what writing.c gave it.
 * To:   verifier/announce.c; verifier/refusal.c about bad data.
 */
#include <inttypes.h>
#include <stdio.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "verifier/pipeline_inside.h"
#include "verifier/refusal.h"

#define OUTAGE_MS_MAX 5000
#define BREAKER_COUNT 10
#define BREAKER_MS 60000

static void count_written(struct pipeline *p, const struct work *w)
{
    metric_add(p->kinds[w->kind], 1);
    if (w->kind == LEDGER_QUARANTINED)
        log_error("record.quarantined",
                  "partition=%d offset=%" PRId64 " sqlstate=%s why=%s",
                  w->record.partition, w->record.offset, w->quarantine_sqlstate,
                  LOG_TEXT(w->quarantine_detail));
    if (w->kind == LEDGER_REJECTED)
        metric_add(p->reasons[w->reason], 1);
    if (w->record.append_ms > 0)
        metric_observe(p->commit_seconds,
                       (double)(clock_wall_ms() - w->record.append_ms) / 1e3);
}

static void take_outcomes(struct pipeline *p)
{
    struct writing *b = &p->writing;
    struct work *w;
    size_t i;

    for (i = 0; i < b->count; i++) {
        w = b->works[i];
        w->kind = b->records[i].out_kind;
        w->of = b->records[i].out_of;
        w->reason = w->verdict.reason;
        count_written(p, w);
    }
}

static void take_positions(struct pipeline *p)
{
    struct writing *b = &p->writing;
    struct lane *l;
    size_t i;

    for (i = 0; i < b->batch.range_count; i++) {
        l = intake_lane(p, b->ranges[i].partition);
        if (l == NULL || l->position != b->ranges[i].from || l->busy == 0)
            continue;
        l->position = b->ranges[i].to;
        consumer_commit(p->consumer, l->partition.id, l->position);
    }
    for (i = 0; i < b->batch.announced_count; i++) {
        l = intake_lane(p, b->announced[i].partition);
        if (l != NULL && l->raised < b->announced[i].announced)
            l->raised = b->announced[i].announced;
    }
}

static void stored(struct pipeline *p)
{
    struct writing *b = &p->writing;
    size_t i;

    metric_add(p->batches, 1);
    metric_observe(p->batch_records, (double)b->count);
    metric_observe(p->write_seconds,
                   (double)(clock_ms() - b->started_ms) / 1e3);
    log_debug("ledger.written", "count=%zu partitions=%zu ms=%" PRId64,
              b->count, b->batch.range_count, clock_ms() - b->started_ms);
    take_outcomes(p);
    take_positions(p);
    writing_give_back(p, lane_decided);
    p->outages = 0;
    p->batch_limit *= 2;
    if (p->batch_limit > p->o.batch_records)
        p->batch_limit = p->o.batch_records;
    for (i = 0; i < p->lane_count; i++)
        announce_send(p->announce, p->lanes[i]);
}

static void wait_a_while(struct pipeline *p)
{
    int64_t ms = PIPELINE_OUTAGE_MS_MIN;
    int i;

    for (i = 0; i < p->outages && ms < OUTAGE_MS_MAX; i++)
        ms *= 2;
    p->outages++;
    p->retry_ms = clock_ms() + (ms < OUTAGE_MS_MAX ? ms : OUTAGE_MS_MAX);
}

/* More than so many in a minute is not the records' fault. */
static bool too_many(struct lane *l)
{
    if (clock_ms() - l->quarantined_ms > BREAKER_MS) {
        l->quarantined = 0;
        l->quarantined_ms = clock_ms();
    }
    if (++l->quarantined <= BREAKER_COUNT)
        return false;
    l->quarantined = 0;
    return true;
}

/* From now on it is offered as a quarantine row, not as what it says. */
static void suspect(struct pipeline *p, struct work *w,
                    const struct ledger_result *r)
{
    snprintf(w->quarantine_sqlstate, sizeof(w->quarantine_sqlstate), "%s",
             r->sqlstate);
    snprintf(w->quarantine_detail, sizeof(w->quarantine_detail), "%s", r->why);
    p->suspected_ms = clock_ms();
    log_warn("record.refused",
             "partition=%d offset=%" PRId64 " sqlstate=%s why=%s",
             w->record.partition, w->record.offset, r->sqlstate,
             LOG_TEXT(r->why));
    if (w->lane == NULL || !too_many(w->lane))
        return;
    /* What is suspected here is forgotten when it looks again. */
    lane_undecided(w->lane);
    intake_stop(p, w->lane, LANE_BREAKER);
}

static void bad_data(struct pipeline *p, const struct ledger_result *r)
{
    struct writing *b = &p->writing;
    struct work *other = NULL;
    size_t suspected = 0, i;

    metric_add(p->bad_data, 1);
    for (i = 0; i < b->count; i++) {
        if (b->works[i]->quarantine_sqlstate[0] != '\0')
            suspected++;
        else
            other = b->works[i];
    }
    switch (refusal_of(b->count, suspected, &p->batch_limit)) {
    case REFUSAL_OF_DATABASE:
        metric_add(p->outage, 1);
        wait_a_while(p);
        break;
    case REFUSAL_OF_ONE:
        suspect(p, other, r);
        break;
    case REFUSAL_OF_SOME:
        break;
    }
    if (p->batch_limit > p->o.batch_records)
        p->batch_limit = p->o.batch_records;
}

void written(void *arg, const struct ledger_result *r)
{
    struct pipeline *p = arg;

    p->talk = TALK_NONE;
    switch (r->outcome) {
    case LEDGER_WRITTEN:
        stored(p);
        break;
    case LEDGER_FENCED:
        log_warn("ledger.fenced", "count=%zu why=%s", p->writing.count,
                 LOG_TEXT(r->why));
        metric_add(p->fenced, 1);
        p->refresh = true;
        break;
    case LEDGER_STALE:
        log_info("ledger.stale", "why=%s", LOG_TEXT(r->why));
        metric_add(p->stale, 1);
        p->refresh = true;
        break;
    case LEDGER_BAD_DATA:
        bad_data(p, r);
        break;
    case LEDGER_OUTAGE:
        log_warn("ledger.outage", "sqlstate=%s why=%s", r->sqlstate,
                 LOG_TEXT(r->why));
        metric_add(p->outage, 1);
        wait_a_while(p);
        break;
    case LEDGER_UNKNOWN:
        log_warn("ledger.unknown", "count=%zu why=%s", p->writing.count,
                 LOG_TEXT(r->why));
        metric_add(p->unknown, 1);
        p->refresh = true;
        break;
    }
    writing_give_back(p, lane_undecided);
    pipeline_next(p);
}
