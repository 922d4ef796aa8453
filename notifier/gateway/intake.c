/*
 * notifier/gateway/intake.c: decides about every run, record and heartbeat.
 *
 * One rule carries it. Evidence covers [from, to). With `next` the first offset
 * not known:
 *
 *   to <= next            a repeat: nothing to do
 *   from <= next < to     take what is at or above next; next = to
 *   next < from           a gap: read [next, ...) from the topic
 *
 * Nothing else moves `next`, so no order of runs, repeats, lost runs and
 * heartbeats leaves a hole (tests/unit/gateway/intake_test.c tries them all).
 * A heartbeat and headers only cover nothing; they say how far the topic goes.
 *
 * From: notifier/redis.c with runs, consumer/reader.c with records.
 * To:   notifier/gateway/fanout.c, result by result; notifier/gateway/ring.c.
 */
#include "notifier/gateway/intake.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

struct held {
    struct held *next;
    size_t count;
    uint8_t text[];
};

struct partition {
    int32_t id;
    struct ring *ring;
    bool begun;
    bool ready;
    bool fetching;
    int64_t ready_at; /* the end of the topic at the begin */
    int64_t reach;    /* the topic has offsets below this */
    struct held *held, *held_last;
    size_t held_count, held_bytes;
};

struct intake {
    struct intake_hooks hooks;
    void *arg;
    int32_t log;
    bool renumbered;
    size_t ring_count_max, ring_bytes_max;
    size_t count, not_ready;
    struct intake_counts counts;
    struct run_event events[RUN_EVENTS_MAX]; /* of the run being read */
    struct partition partitions[CURSOR_PARTITIONS_MAX];
};

static bool accept_log(struct intake *in, int32_t log);
static bool apply(struct intake *in, struct partition *p,
                  const struct run_header *h, size_t count);
static void take(struct intake *in, struct partition *p, int64_t from,
                 int64_t to, const struct run_event *events, size_t count);
static void advanced(struct intake *in, struct partition *p);
static void reach(struct intake *in, struct partition *p, int64_t to);
static void ask(struct intake *in, struct partition *p);
static void hold(struct partition *p, struct bytes text);
static void release_held(struct intake *in, struct partition *p);
static void drop_held(struct partition *p);

struct intake *intake_open(const struct intake_options *o)
{
    struct intake *in = calloc(1, sizeof(*in));

    CHECK(in != NULL);
    CHECK(o->partitions > 0 && o->partitions <= CURSOR_PARTITIONS_MAX);
    in->hooks = o->hooks;
    in->arg = o->arg;
    in->ring_count_max = o->ring_count_max;
    in->ring_bytes_max = o->ring_bytes_max;
    intake_grow(in, o->partitions);
    return in;
}

void intake_close(struct intake *in)
{
    if (in == NULL)
        return;
    for (size_t i = 0; i < in->count; i++) {
        drop_held(&in->partitions[i]);
        ring_close(in->partitions[i].ring);
    }
    free(in);
}

void intake_begin(struct intake *in, int32_t partition, int64_t start,
                  int64_t end)
{
    struct partition *p = &in->partitions[partition];

    CHECK(!p->begun && start >= 0 && start <= end);
    ring_reset(p->ring, start);
    p->begun = true;
    p->ready_at = end;
    reach(in, p, end);
    advanced(in, p);
    if (!p->fetching)
        release_held(in, p);
}

void intake_grow(struct intake *in, size_t partitions)
{
    CHECK(partitions <= CURSOR_PARTITIONS_MAX);
    for (; in->count < partitions; in->count++) {
        struct partition *p = &in->partitions[in->count];

        p->id = (int32_t)in->count;
        p->ring =
            ring_open(in->ring_count_max ? in->ring_count_max : RING_COUNT_MAX,
                      in->ring_bytes_max ? in->ring_bytes_max : RING_BYTES_MAX,
                      0);
        in->not_ready++;
    }
}

bool intake_ready(const struct intake *in)
{
    return in->not_ready == 0;
}

void intake_run(struct intake *in, struct bytes text)
{
    struct run_header h;
    size_t count;

    if (run_parse(text, &h, in->events, &count) < 0 ||
        (size_t)h.partition >= in->count) {
        in->counts.runs_malformed++;
        return;
    }
    in->counts.runs++;
    if (!accept_log(in, h.log))
        return;
    if (!apply(in, &in->partitions[h.partition], &h, count)) {
        in->counts.runs_held++;
        hold(&in->partitions[h.partition], text);
    }
}

/*
 * Takes what the run in in->events proves. False when it begins above what we
 * know, and is worth keeping until we get there.
 */
static bool apply(struct intake *in, struct partition *p,
                  const struct run_header *h, size_t count)
{
    int64_t from = h->previous >= 0 ? h->previous + 1 : h->first;

    if (!p->begun)
        return count == 0;
    if (h->last < ring_next(p->ring)) {
        in->counts.runs_repeated += count > 0;
        return true;
    }
    if (count > 0 && from <= ring_next(p->ring)) {
        take(in, p, from, h->last + 1, in->events, count);
        return true;
    }
    reach(in, p, h->last + 1);
    return count == 0;
}

void intake_read(struct intake *in, int32_t partition, int64_t from,
                 int64_t offset, struct bytes value, struct bytes header)
{
    struct partition *p = &in->partitions[partition];
    int32_t log = run_log(header);
    struct run_event e;
    bool given_up;

    CHECK((size_t)partition < in->count && from <= offset);
    if (!p->begun || in->renumbered)
        return;
    /* What a log that was given up says is no result of this one; but its
     * offset is known now, or we would read it again for ever. */
    given_up = log > 0 && log < in->log;
    if (!given_up && !accept_log(in, log))
        return;
    in->counts.repaired++;
    if (!given_up && run_event_of(offset, value, &e) == 0) {
        take(in, p, from, offset + 1, &e, 1);
        return;
    }
    in->counts.foreign++;
    take(in, p, from, offset + 1, NULL, 0);
}

void intake_read_to(struct intake *in, int32_t partition, int64_t from,
                    int64_t to)
{
    CHECK((size_t)partition < in->count);
    if (from < to && in->partitions[partition].begun)
        take(in, &in->partitions[partition], from, to, NULL, 0);
}

void intake_reaches(struct intake *in, int32_t partition, int64_t to)
{
    CHECK((size_t)partition < in->count);
    if (in->partitions[partition].begun && !in->renumbered)
        reach(in, &in->partitions[partition], to);
}

void intake_fetched(struct intake *in, int32_t partition, int64_t gone_before)
{
    struct partition *p = &in->partitions[partition];
    int64_t next = ring_next(p->ring);

    p->fetching = false;
    if (in->renumbered)
        return;
    if (gone_before > next) {
        ring_reset(p->ring, gone_before);
        in->hooks.lost(in->arg, partition, next, gone_before);
        advanced(in, p);
        if (in->renumbered)
            return;
    } else if (gone_before >= 0) {
        /* The topic ends below what we knew of it. Nothing to read; should it
         * be another topic, its results will carry another number. */
        p->reach = next;
    }
    release_held(in, p);
}

void intake_retry(struct intake *in)
{
    if (in->renumbered)
        return;
    for (size_t i = 0; i < in->count; i++)
        if (in->partitions[i].begun)
            ask(in, &in->partitions[i]);
}

size_t intake_partitions(const struct intake *in)
{
    return in->count;
}

int32_t intake_log(const struct intake *in)
{
    return in->log;
}

const struct ring *intake_ring(const struct intake *in, int32_t partition)
{
    CHECK(partition >= 0 && (size_t)partition < in->count);
    return in->partitions[partition].ring;
}

void intake_cursor(const struct intake *in, struct cursor *out)
{
    out->log = in->log;
    out->count = in->count;
    for (size_t i = 0; i < in->count; i++)
        out->next[i] = ring_next(in->partitions[i].ring);
}

int64_t intake_behind(const struct intake *in)
{
    int64_t behind = 0;

    for (size_t i = 0; i < in->count; i++) {
        const struct partition *p = &in->partitions[i];

        if (p->begun && p->reach > ring_next(p->ring))
            behind += p->reach - ring_next(p->ring);
    }
    return behind;
}

const struct intake_counts *intake_counts(const struct intake *in)
{
    return &in->counts;
}

/*
 * Whether something of results log `log` may be taken. 0 says nothing; a lower
 * number is of a log that was given up, a higher one ends this intake.
 */
static bool accept_log(struct intake *in, int32_t log)
{
    if (in->renumbered)
        return false;
    if (log == 0 || log == in->log)
        return true;
    if (log < in->log)
        return false;
    if (in->log == 0) {
        in->log = log;
        return true;
    }
    in->renumbered = true;
    in->hooks.renumbered(in->arg, log);
    return false;
}

/* [from, to) holds these events and no others; from is not above next. */
static void take(struct intake *in, struct partition *p, int64_t from,
                 int64_t to, const struct run_event *events, size_t count)
{
    if (to <= ring_next(p->ring))
        return;
    if (from > ring_next(p->ring)) {
        /* Read from further on than we know: only the topic can tell. */
        reach(in, p, to);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (events[i].offset < ring_next(p->ring))
            continue;
        if (ring_add(p->ring, &events[i])) {
            in->counts.events++;
            in->hooks.event(in->arg, &events[i]);
        } else {
            in->counts.repeats++;
        }
    }
    ring_cover(p->ring, from, to);
    advanced(in, p);
}

static void advanced(struct intake *in, struct partition *p)
{
    if (!p->ready && ring_next(p->ring) >= p->ready_at) {
        p->ready = true;
        in->not_ready--;
    }
}

static void reach(struct intake *in, struct partition *p, int64_t to)
{
    if (to > p->reach)
        p->reach = to;
    ask(in, p);
}

static void ask(struct intake *in, struct partition *p)
{
    if (p->fetching || p->reach <= ring_next(p->ring))
        return;
    p->fetching = true;
    in->counts.repairs++;
    in->hooks.fetch(in->arg, p->id, ring_next(p->ring), p->reach);
}

/* Keeps a run for later; the oldest go first when there is no room. */
static void hold(struct partition *p, struct bytes text)
{
    struct held *h = malloc(sizeof(*h) + text.count);

    CHECK(h != NULL);
    h->next = NULL;
    h->count = text.count;
    memcpy(h->text, text.data, text.count);
    if (p->held == NULL)
        p->held = h;
    else
        p->held_last->next = h;
    p->held_last = h;
    p->held_count++;
    p->held_bytes += h->count;
    while (p->held_count > INTAKE_HELD_COUNT ||
           p->held_bytes > INTAKE_HELD_BYTES) {
        struct held *oldest = p->held;

        p->held = oldest->next;
        p->held_count--;
        p->held_bytes -= oldest->count;
        free(oldest);
    }
}

/* Tries what was held, in order, up to the first that still leaves a gap. */
static void release_held(struct intake *in, struct partition *p)
{
    while (p->held != NULL && !in->renumbered) {
        struct held *h = p->held;
        struct run_header header;
        size_t count;

        CHECK(run_parse(bytes_of(h->text, h->count), &header, in->events,
                        &count) == 0);
        if (!apply(in, p, &header, count))
            break;
        p->held = h->next;
        p->held_count--;
        p->held_bytes -= h->count;
        free(h);
    }
    ask(in, p);
}

static void drop_held(struct partition *p)
{
    while (p->held != NULL) {
        struct held *h = p->held;

        p->held = h->next;
        free(h);
    }
}
