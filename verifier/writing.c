/*
 * verifier/writing.c: what the ledger is given, and what its answers mean.
 *
 * A batch is up to 500 records or 1 MiB of whatever is judged, or what there is
 * after 5 ms. Lanes are served in turn. When the database refuses a record
 * (22, 54, 23 not ours), refusal.h says how it is found and what is to stand
 * beside it when it goes to quarantine; then batches grow again.
 *
 *      WRITTEN   rows and position are committed     -> announce
 *      FENCED    another owner moved a position      -> read positions
 *      STALE     another live leaf                   -> read positions
 *      BAD_DATA  one of these records                -> halve
 *      OUTAGE    the database                        -> wait, the same again
 *      UNKNOWN   the connection went around COMMIT   -> all is read again
 *
 * From: verifier/pipeline.c, when the ledger has nothing to do.
 * To:   verifier/ledger.c; then verifier/announce.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "schemas/base/fail.h"
#include "verifier/pipeline_inside.h"
#include "verifier/refusal.h"

#define LOOK_COUNT_MAX 500
#define OUTAGE_MS_MIN 100
#define OUTAGE_MS_MAX 5000
#define BREAKER_COUNT 10
#define BREAKER_MS 60000
/* So long a suspect waits for a record to stand beside it. */
#define SUSPECT_MS 1000

bool writing_init(struct writing *w, size_t batch_records)
{
    size_t count =
        batch_records > LOOK_COUNT_MAX ? batch_records : LOOK_COUNT_MAX;

    w->works = calloc(count, sizeof(struct work *));
    w->records = calloc(count, sizeof(struct ledger_record));
    w->queries = calloc(count, sizeof(struct ledger_row_query));
    return w->works != NULL && w->records != NULL && w->queries != NULL;
}

void writing_fini(struct writing *w)
{
    free(w->works);
    free(w->records);
    free(w->queries);
}

/* ---- gathering ---- */

/* The next work of a lane that may be written: at the position or above, and
 * of a rule set we have. */
static struct work *writable(const struct lane *l, size_t i)
{
    struct work *w;

    if (l->stop != LANE_RUNS || l->proof.step != PROOF_DONE)
        return NULL;
    w = lane_ready(l, i);
    if (w == NULL || w->record.offset < l->position)
        return NULL;
    if (w->header == RECORD_HEADER_NEWER)
        return NULL;
    return w;
}

struct share {
    size_t count; /* records */
    size_t bytes;
};

/* How much of each lane goes into the next batch, in take[]. */
static struct share shares(struct pipeline *p, size_t *take)
{
    struct share all = {0, 0};
    struct work *w;
    size_t i, n;

    for (n = 0; n < p->lane_count; n++) {
        i = (p->turn + n) % p->lane_count;
        take[i] = 0;
        while (all.count < p->batch_limit &&
               (w = writable(p->lanes[i], take[i])) != NULL &&
               (all.count == 0 || all.bytes + w->bytes <= p->o.batch_bytes)) {
            take[i]++;
            all.count++;
            all.bytes += w->bytes;
        }
    }
    return all;
}

/* Milliseconds until the oldest verdict has waited long enough; 0: due. */
static int64_t due_in(const struct pipeline *p, const struct share *all)
{
    int64_t oldest = INT64_MAX, waited;
    struct work *w;
    size_t i;

    if (all->count >= p->batch_limit || all->bytes >= p->o.batch_bytes)
        return 0;
    for (i = 0; i < p->lane_count; i++) {
        w = writable(p->lanes[i], 0);
        if (w != NULL && w->taken_ms < oldest)
            oldest = w->taken_ms;
    }
    waited = clock_ms() - oldest;
    return waited >= p->o.batch_ms ? 0 : p->o.batch_ms - waited;
}

static void fill_record(struct ledger_record *r, struct work *w)
{
    *r = (struct ledger_record){
        .partition = w->record.partition,
        .offset = w->record.offset,
        .append_ms = w->record.append_ms,
        .key = w->record.key,
        .value = w->record.value,
        .chain = &w->chain,
        .verdict = &w->verdict,
    };
    if (w->quarantine_sqlstate[0] != '\0') {
        r->quarantine_sqlstate = w->quarantine_sqlstate;
        r->quarantine_detail = w->quarantine_detail;
    }
}

static void add_lane(struct pipeline *p, struct lane *l, size_t take)
{
    struct writing *b = &p->writing;
    struct ledger_range *range = &b->ranges[b->batch.range_count++];
    struct work *w = NULL;
    size_t i;

    for (i = 0; i < take; i++) {
        w = lane_ready(l, i);
        w->holders |= WORK_HELD_BY_LEDGER;
        b->works[b->count] = w;
        fill_record(&b->records[b->count], w);
        b->count++;
    }
    range->partition = l->partition.id;
    range->from = l->position;
    range->to = w->record.offset + 1;
    record_fingerprint(w->record.key, w->record.value, w->record.append_ms,
                       range->last_sha256);
    lane_start(l, take);
}

/* Lanes whose announcements are ahead of the database. */
static size_t fill_announced(struct pipeline *p)
{
    struct ledger_announced *a = p->writing.announced;
    struct lane *l;
    size_t i, count = 0;

    for (i = 0; i < p->lane_count; i++) {
        l = p->lanes[i];
        if (l->partition.state == PARTITION_LOCATING ||
            lane_announced(l) <= l->raised)
            continue;
        a[count++] =
            (struct ledger_announced){l->partition.id, lane_announced(l),
                                      l->results_offset};
    }
    return count;
}

/* A record that this release cannot judge is next: its partition waits. */
static void stop_at_newer_rules(struct pipeline *p)
{
    struct lane *l;
    struct work *w;
    size_t i;

    for (i = 0; i < p->lane_count; i++) {
        l = p->lanes[i];
        if (l->stop != LANE_RUNS || l->proof.step != PROOF_DONE)
            continue;
        w = lane_ready(l, 0);
        if (w != NULL && w->header == RECORD_HEADER_NEWER &&
            w->record.offset >= l->position)
            intake_stop(p, l, LANE_NEWER_RULES);
    }
}

/* Nothing in it would show that the database stores anything. */
static bool only_suspects(const struct pipeline *p, const size_t *take)
{
    size_t i, n;

    for (i = 0; i < p->lane_count; i++)
        for (n = 0; n < take[i]; n++)
            if (lane_ready(p->lanes[i], n)->quarantine_sqlstate[0] == '\0')
                return false;
    return true;
}

static void on_written(void *arg, const struct ledger_result *r);

bool writing_batch(struct pipeline *p)
{
    size_t take[PIPELINE_LANES_MAX];
    struct writing *b = &p->writing;
    struct share all;
    int64_t wait;
    size_t i;

    stop_at_newer_rules(p);
    all = shares(p, take);
    if (all.count == 0)
        return false;
    wait = due_in(p, &all);
    if (only_suspects(p, take) && p->suspected_ms + SUSPECT_MS > clock_ms())
        wait = p->suspected_ms + SUSPECT_MS - clock_ms();
    if (wait > 0) {
        pipeline_later(p, wait);
        return false;
    }
    b->count = 0;
    b->batch = (struct ledger_batch){
        .records = b->records, .ranges = b->ranges, .announced = b->announced};
    for (i = 0; i < p->lane_count; i++) {
        if (take[i] > 0)
            add_lane(p, p->lanes[i], take[i]);
    }
    b->batch.count = b->count;
    b->batch.announced_count = fill_announced(p);
    /* While bad data is sought, the same records come first again. */
    if (p->batch_limit == p->o.batch_records)
        p->turn = (p->turn + 1) % p->lane_count;
    b->started_ms = clock_ms();
    p->talk = TALK_WRITE;
    ledger_write(p->ledger, &b->batch, on_written, p);
    return true;
}

/* ---- what came of it ---- */

/* Lets go of the batch. `then` is lane_decided or lane_undecided. */
static void give_back(struct pipeline *p, void (*then)(struct lane *))
{
    struct writing *b = &p->writing;
    struct lane *last = NULL;
    size_t i;

    for (i = 0; i < b->count; i++) {
        if (b->works[i]->lane != NULL && b->works[i]->lane != last) {
            last = b->works[i]->lane;
            then(last);
        }
        work_drop(b->works[i], WORK_HELD_BY_LEDGER);
    }
    b->count = 0;
}

void writing_abandon(struct pipeline *p)
{
    give_back(p, lane_undecided);
}

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

static void written(struct pipeline *p)
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
    give_back(p, lane_decided);
    p->outages = 0;
    p->batch_limit *= 2;
    if (p->batch_limit > p->o.batch_records)
        p->batch_limit = p->o.batch_records;
    for (i = 0; i < p->lane_count; i++)
        announce_send(p->announce, p->lanes[i]);
}

static void wait_a_while(struct pipeline *p)
{
    int64_t ms = OUTAGE_MS_MIN;
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

static void on_written(void *arg, const struct ledger_result *r)
{
    struct pipeline *p = arg;

    p->talk = TALK_NONE;
    switch (r->outcome) {
    case LEDGER_WRITTEN:
        written(p);
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
    give_back(p, lane_undecided);
    pipeline_next(p);
}

/* ---- below the position ---- */

static bool lookable(const struct lane *l, size_t i)
{
    struct work *w = l->stop == LANE_RUNS || l->stop == LANE_NEWER_RULES
                         ? lane_ready(l, i)
                         : NULL;

    return w != NULL && w->record.offset < l->position;
}

static void fill_query(struct ledger_row_query *q, const struct work *w)
{
    const struct transaction *tx = &w->verdict.tx;

    *q = (struct ledger_row_query){.partition = w->record.partition,
                                   .offset = w->record.offset};
    if (!tx->has_id)
        return;
    q->has_hash = true;
    memcpy(q->hash, tx->id, sizeof(q->hash));
    q->chain = w->chain.number;
}

static void on_rows(void *arg, int rc, const struct ledger_row *rows,
                    size_t count)
{
    struct pipeline *p = arg;
    struct writing *b = &p->writing;
    size_t i;

    p->talk = TALK_NONE;
    if (rc < 0) {
        give_back(p, lane_undecided);
        p->refresh = true;
        p->retry_ms = clock_ms() + OUTAGE_MS_MIN;
        pipeline_next(p);
        return;
    }
    CHECK(count == b->count);
    for (i = 0; i < count; i++) {
        b->works[i]->kind = rows[i].kind;
        b->works[i]->of = rows[i].of;
        b->works[i]->reason = b->works[i]->verdict.reason;
    }
    give_back(p, lane_decided);
    for (i = 0; i < p->lane_count; i++)
        announce_send(p->announce, p->lanes[i]);
    pipeline_next(p);
}

bool writing_look(struct pipeline *p)
{
    struct writing *b = &p->writing;
    struct lane *l;
    struct work *w;
    size_t i, n;

    b->count = 0;
    for (i = 0; i < p->lane_count; i++) {
        l = p->lanes[i];
        for (n = 0; b->count < LOOK_COUNT_MAX && lookable(l, n); n++) {
            w = lane_ready(l, n);
            w->holders |= WORK_HELD_BY_LEDGER;
            b->works[b->count] = w;
            fill_query(&b->queries[b->count], w);
            b->count++;
        }
        if (n > 0)
            lane_start(l, n);
    }
    if (b->count == 0)
        return false;
    p->talk = TALK_LOOK;
    ledger_rows(p->ledger, b->queries, b->count, on_rows, p);
    return true;
}

/* ---- announced, by itself ---- */

void writing_raise(struct pipeline *p)
{
    struct lane *l;
    size_t count, i;

    p->raise_ms = clock_ms();
    /* While a batch is with the ledger, its own list must stay as it is. */
    if (p->talk == TALK_WRITE)
        return;
    count = fill_announced(p);
    if (count == 0)
        return;
    ledger_raise(p->ledger, p->writing.announced, count);
    for (i = 0; i < count; i++) {
        l = intake_lane(p, p->writing.announced[i].partition);
        l->raised = p->writing.announced[i].announced;
    }
}
