/*
 * verifier/lane.c: a ring of works and four marks that move along it.
 *
 *      0 ...... sent ...... decided ...... decided + busy ...... count
 *
 * Every mark counts works from the oldest one, so when finished works leave at
 * the front, all marks move down together.
 *
 * From: verifier/pipeline.c, with records, verdicts and answers.
 * To:   verifier/writing.c (what to write), verifier/announce.c (what to send).
 */
#include "verifier/lane.h"

#include <stdlib.h>

#include "schemas/base/check.h"

struct lane *lane_open(int32_t partition, size_t count_max, size_t bytes_max)
{
    struct lane *l = calloc(1, sizeof(*l));

    CHECK(count_max >= 1 && bytes_max >= 1);
    if (l == NULL)
        return NULL;
    partition_init(&l->partition, partition);
    l->capacity = count_max;
    l->bytes_max = bytes_max;
    l->results_offset = -1;
    l->ring = calloc(count_max, sizeof(*l->ring));
    if (l->ring == NULL || window_init(&l->window, count_max, 0) < 0) {
        lane_close(l);
        return NULL;
    }
    return l;
}

static struct work *at(const struct lane *l, size_t i)
{
    return l->ring[(l->head + i) % l->capacity];
}

void lane_forget(struct lane *l)
{
    size_t i;
    struct work *w;

    for (i = 0; i < l->count; i++) {
        w = at(l, i);
        w->lane = NULL;
        work_drop(w, WORK_HELD_BY_LANE);
    }
    l->head = l->count = l->sent = l->decided = l->busy = 0;
    l->bytes = 0;
}

void lane_close(struct lane *l)
{
    if (l == NULL)
        return;
    lane_forget(l);
    window_fini(&l->window);
    free(l->ring);
    free(l);
}

void lane_begin(struct lane *l, int64_t position, int64_t announced,
                int64_t results_offset, const uint8_t *last_sha256)
{
    if (announced > position)
        announced = position;
    lane_forget(l);
    proof_init(&l->proof, position, announced, last_sha256);
    window_reset(&l->window, announced);
    l->position = position;
    l->raised = announced;
    l->results_offset = results_offset;
    l->next_offset = l->proof.start;
}

void lane_announced_from(struct lane *l, int64_t offset)
{
    CHECK(l->count == 0);
    if (offset > lane_announced(l))
        window_reset(&l->window, offset);
}

bool lane_is_full(const struct lane *l)
{
    return window_is_full(&l->window) || l->count == l->capacity ||
           l->bytes >= l->bytes_max;
}

bool lane_is_half(const struct lane *l)
{
    return l->count <= l->capacity / 2 && l->bytes <= l->bytes_max / 2;
}

void lane_take(struct lane *l, struct work *w)
{
    CHECK(w->record.offset >= l->next_offset && l->count < l->capacity);
    CHECK(window_start(&l->window, w->record.offset) == 0);
    l->ring[(l->head + l->count) % l->capacity] = w;
    l->count++;
    l->bytes += w->bytes;
    l->next_offset = w->record.offset + 1;
}

struct work *lane_ready(const struct lane *l, size_t i)
{
    size_t place = l->decided + l->busy + i;
    struct work *w;

    if (place >= l->count)
        return NULL;
    w = at(l, place);
    return w->judged ? w : NULL;
}

void lane_start(struct lane *l, size_t count)
{
    CHECK(l->busy == 0 && l->decided + count <= l->count);
    l->busy = count;
}

void lane_decided(struct lane *l)
{
    size_t i;

    for (i = 0; i < l->busy; i++)
        at(l, l->decided + i)->decided = true;
    l->decided += l->busy;
    l->busy = 0;
}

void lane_undecided(struct lane *l)
{
    l->busy = 0;
}

struct work *lane_to_send(const struct lane *l)
{
    return l->sent < l->decided ? at(l, l->sent) : NULL;
}

/* Finished works at the front leave; all marks move down with them. */
static void leave(struct lane *l)
{
    struct work *w;

    while (l->sent > 0 && (w = at(l, 0))->acked) {
        l->head = (l->head + 1) % l->capacity;
        l->count--;
        l->sent--;
        l->decided--;
        l->bytes -= w->bytes;
        w->lane = NULL;
        work_drop(w, WORK_HELD_BY_LANE);
    }
}

void lane_sent(struct lane *l)
{
    CHECK(l->sent < l->decided);
    l->sent++;
    leave(l);
}

void lane_unsent(struct lane *l)
{
    l->sent = 0;
}

void lane_acked(struct lane *l, struct work *w)
{
    CHECK(w->lane == l && w->decided && !w->acked);
    w->acked = true;
    window_finish(&l->window, w->record.offset);
    leave(l);
}

int64_t lane_announced(const struct lane *l)
{
    return window_resume_offset(&l->window);
}

int64_t lane_waits_since(struct lane *l, int64_t now_ms)
{
    if (l->count > 0)
        l->since_ms = at(l, 0)->record.append_ms;
    else if (l->partition.state == PARTITION_FETCHING)
        l->since_ms = 0;
    else if (l->since_ms == 0)
        l->since_ms = now_ms;
    return l->since_ms;
}

const char *lane_stop_name(enum lane_stop stop)
{
    static const char *const names[] = {
        "runs",        "not_planted", "topic_gone",      "unknown_log",
        "newer_rules", "breaker",     "results_unknown",
    };

    return names[stop];
}

const char *lane_stop_advice(enum lane_stop stop)
{
    static const char *const advice[] = {
        "it runs",
        "no position in the database: run `tidemill init` or `tidemill "
        "partitions`",
        "the topic is not there: it was deleted, or brokers lost it",
        "not the log we know (topic recreated or truncated): see `tidemill log "
        "show`, then `tidemill log adopt --execute`",
        "a record names a rule set newer than this release: start a newer "
        "verifier, or `tidemill log pass <record id> --execute`",
        "the database refuses too many records: a database fault, look at the "
        "quarantine and at recent migrations",
        "the results topic gave an offset it had given before: `tidemill log "
        "adopt --results --execute`",
    };

    return advice[stop];
}
