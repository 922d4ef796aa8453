/*
 * verifier/writing.c: what the ledger is given.
 *
 * A batch is up to 500 records or 1 MiB of whatever is judged, or what there is
 * after 5 ms. Lanes are served in turn. When the database refuses a record
 * (22, 54, 23 not ours), refusal.h says how it is found and what is to stand
 * beside it when it goes to quarantine; then batches grow again.
 *
 * From: verifier/pipeline.c, when the ledger has nothing to do.
 * To:   verifier/ledger.c; its answers go to verifier/written.c.
 */
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "verifier/pipeline_inside.h"

#define LOOK_COUNT_MAX 500
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
    ledger_write(p->ledger, &b->batch, written, p);
    return true;
}

void writing_give_back(struct pipeline *p, void (*then)(struct lane *))
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
    writing_give_back(p, lane_undecided);
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
        writing_give_back(p, lane_undecided);
        p->refresh = true;
        p->retry_ms = clock_ms() + PIPELINE_OUTAGE_MS_MIN;
        pipeline_next(p);
        return;
    }
    CHECK(count == b->count);
    for (i = 0; i < count; i++) {
        b->works[i]->kind = rows[i].kind;
        b->works[i]->of = rows[i].of;
        b->works[i]->reason = b->works[i]->verdict.reason;
    }
    writing_give_back(p, lane_decided);
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
