/*
 * notifier/publish.c: results of a partition, gathered into a run.
 *
 *   88001 88002 [foreign 88003] 88004      (the turn ends)
 *   1 1 7 88001 88004 88000 3              first, last, previous, count
 *
 * The header is written in front when the run is complete; the lines wait in
 * their own buffer, so nothing is moved.
 *
 * From: consumer/consumer.h, record by record.
 * To:   notifier/main.c, which gives the message to notifier/redis.c.
 */
#include "notifier/publish.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"

struct partition {
    bool ours;
    bool gathering;    /* first..last is a run that was not handed on */
    bool headers_only; /* lines are left out */
    int32_t log;       /* of the newest result; 0: none seen */
    int64_t first, last;
    int64_t previous; /* last of the run before; -1: none */
    int64_t next;     /* first offset not given; -1: not known */
    int64_t told;     /* what publish_progress() said last */
    uint32_t count;
    struct buffer lines;
};

struct publish {
    publish_fn send;
    void *arg;
    struct buffer message;
    struct publish_counts counts;
    int32_t log; /* of the newest result of any partition */
    struct partition partitions[PUBLISH_PARTITIONS_MAX];
};

static struct partition *ours(struct publish *p, int32_t partition);
static void begin(struct partition *t, int64_t offset);
static void hand_on(struct publish *p, int32_t id, struct partition *t);
static void hand_on_header(struct publish *p, int32_t id,
                           const struct run_header *h, struct bytes lines);

struct publish *publish_open(publish_fn send, void *arg)
{
    struct publish *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    p->send = send;
    p->arg = arg;
    buffer_init(&p->message, RUN_HEADER_MAX + RUN_BYTES_MAX);
    for (size_t i = 0; i < PUBLISH_PARTITIONS_MAX; i++) {
        buffer_init(&p->partitions[i].lines, RUN_BYTES_MAX);
        p->partitions[i].next = -1;
    }
    return p;
}

void publish_close(struct publish *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < PUBLISH_PARTITIONS_MAX; i++)
        buffer_fini(&p->partitions[i].lines);
    buffer_fini(&p->message);
    free(p);
}

void publish_start(struct publish *p, int32_t partition)
{
    struct partition *t;

    CHECK(partition >= 0 && partition < PUBLISH_PARTITIONS_MAX);
    t = &p->partitions[partition];
    buffer_clear(&t->lines);
    t->ours = true;
    t->gathering = false;
    t->headers_only = false;
    t->log = p->log;
    t->previous = -1;
    t->next = -1;
    t->told = -1;
    t->count = 0;
}

void publish_stop(struct publish *p)
{
    for (size_t i = 0; i < PUBLISH_PARTITIONS_MAX; i++)
        p->partitions[i].ours = false;
}

void publish_record(struct publish *p, int32_t partition, int64_t offset,
                    struct bytes value, struct bytes header)
{
    struct partition *t = ours(p, partition);
    struct run_event e;
    int32_t log = run_log(header);

    if (t == NULL || offset < t->next)
        return;
    /* A run is of one log. */
    if (log > 0 && log != t->log) {
        hand_on(p, partition, t);
        t->log = log;
        p->log = log;
    }
    t->next = offset + 1;
    if (run_event_of(offset, value, &e) < 0) {
        p->counts.foreign++;
        begin(t, offset);
        return;
    }
    if (t->count == RUN_EVENTS_MAX)
        hand_on(p, partition, t);
    begin(t, offset);
    if (!t->headers_only && run_event_append(&t->lines, &e) < 0) {
        /* Full: this one opens the next run. */
        t->last = offset - 1;
        t->gathering = t->last >= t->first;
        hand_on(p, partition, t);
        begin(t, offset);
        CHECK(run_event_append(&t->lines, &e) == 0);
    }
    t->count++;
    p->counts.events++;
}

void publish_reached(struct publish *p, int32_t partition, int64_t next)
{
    struct partition *t = ours(p, partition);

    if (t != NULL && next > t->next)
        t->next = next;
}

void publish_headers_only(struct publish *p, int32_t partition, bool yes)
{
    struct partition *t = ours(p, partition);

    if (t == NULL || t->headers_only == yes)
        return;
    hand_on(p, partition, t);
    t->headers_only = yes;
}

bool publish_is_headers_only(const struct publish *p, int32_t partition)
{
    return partition >= 0 && partition < PUBLISH_PARTITIONS_MAX &&
           p->partitions[partition].headers_only;
}

void publish_flush(struct publish *p)
{
    for (int32_t i = 0; i < PUBLISH_PARTITIONS_MAX; i++)
        if (p->partitions[i].ours)
            hand_on(p, i, &p->partitions[i]);
}

void publish_beat(struct publish *p)
{
    for (int32_t i = 0; i < PUBLISH_PARTITIONS_MAX; i++) {
        const struct partition *t = &p->partitions[i];
        struct run_header h;

        if (!t->ours || t->next < 0)
            continue;
        h = (struct run_header){.log = t->log ? t->log : p->log,
                                .partition = i,
                                .first = t->next - 1,
                                .last = t->next - 1,
                                .previous = t->previous};
        hand_on_header(p, i, &h, BYTES_NONE);
        p->counts.beats++;
    }
}

void publish_progress(struct publish *p,
                      void (*each)(void *arg, int32_t partition, int64_t next),
                      void *arg)
{
    for (int32_t i = 0; i < PUBLISH_PARTITIONS_MAX; i++) {
        struct partition *t = &p->partitions[i];

        if (!t->ours || t->gathering || t->next == t->told)
            continue;
        t->told = t->next;
        each(arg, i, t->next);
    }
}

int64_t publish_next(const struct publish *p, int32_t partition)
{
    if (partition < 0 || partition >= PUBLISH_PARTITIONS_MAX ||
        !p->partitions[partition].ours)
        return -1;
    return p->partitions[partition].next;
}

const struct publish_counts *publish_counts(const struct publish *p)
{
    return &p->counts;
}

static struct partition *ours(struct publish *p, int32_t partition)
{
    if (partition < 0 || partition >= PUBLISH_PARTITIONS_MAX ||
        !p->partitions[partition].ours)
        return NULL;
    return &p->partitions[partition];
}

/* The run reaches to `offset` now; it begins there if there was none. */
static void begin(struct partition *t, int64_t offset)
{
    if (!t->gathering) {
        t->gathering = true;
        t->first = offset;
    }
    t->last = offset;
}

static void hand_on(struct publish *p, int32_t id, struct partition *t)
{
    struct run_header h;

    if (!t->gathering)
        return;
    h = (struct run_header){.log = t->log,
                            .partition = id,
                            .first = t->first,
                            .last = t->last,
                            .previous = t->previous,
                            .count = t->count};
    hand_on_header(p, id, &h, buffer_bytes(&t->lines));
    p->counts.runs++;
    p->counts.headers_only += t->headers_only;
    t->previous = t->last;
    t->gathering = false;
    t->count = 0;
    buffer_clear(&t->lines);
}

static void hand_on_header(struct publish *p, int32_t id,
                           const struct run_header *h, struct bytes lines)
{
    buffer_clear(&p->message);
    CHECK(run_header_append(&p->message, h) == 0);
    if (lines.count > 0)
        CHECK(buffer_append_bytes(&p->message, lines) == 0);
    p->send(p->arg, id, buffer_bytes(&p->message));
}
