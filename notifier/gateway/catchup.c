/*
 * notifier/gateway/catchup.c: reads the ring, and the topic before it, for one
 * subscription.
 *
 * Per partition there is one number, `next`: everything below it that matches
 * was put into the listener's queue, or is held for it. A step scans rings from
 * there, and a frame that the queue refuses sets `next` back to its first
 * result. Where the ring no longer reaches back, the topic is read, and what
 * the queue refuses meanwhile is held, up to a bound.
 *
 *   step: queue nearly empty? --no--> wait for catchup_poke()
 *         behind the ring?  ---yes--> read the topic up to it, step again
 *         scan up to SCAN_MAX entries, send what matches
 *         all partitions at ring_next? --yes--> live
 *
 * The pool gives steps to catch-ups in turn until TURN_MS are used, because ten
 * thousand listeners that come again at once must not stop the loop.
 *
 * From: notifier/gateway/subscriber.c, with a cursor.
 * To:   notifier/gateway/subscriber.c: subscription_caught_up().
 */
#include "notifier/gateway/catchup.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/base/chunk.h"
#include "consumer/base/clock.h"
#include "consumer/base/loop.h"
#include "consumer/reader.h"
#include "notifier/gateway/fanout.h"
#include "notifier/gateway/gateway.h"
#include "notifier/gateway/intake.h"
#include "notifier/gateway/subscriber.h"
#include "schemas/base/fail.h"

#define TURN_MS 4
#define SCAN_MAX 2000
#define QUEUED_LOW 65536
/* Beginning to read costs up to a second, so a read goes on while the listener
 * does not keep up, until so much waits for it, or for all of them. */
#define HELD_BYTES_MAX (4 << 20)
#define HELD_BYTES_ALL (64 << 20)
#define RETRY_MS 250
#define STARTS_MS 5000
#define TEXT_MAX (FANOUT_FRAME_BYTES + RESULT_BYTES_MAX + 8192)

/* A frame that was read before the queue had room for it. */
struct held {
    struct chunk *chunk;
    struct held *next;
};

struct catchup {
    struct catchup_pool *pool;
    struct subscription *sub;
    struct cursor next; /* per partition, first offset not queued */
    struct catchup *ready_next;
    bool ready; /* in the pool's list */
    bool started;
    bool fetching;                 /* a slice or a probe is under way */
    bool refused;                  /* the queue took no more of this scan */
    struct held *held, *held_last; /* oldest first */
    size_t held_bytes;
    int32_t partition; /* of the slice or probe */
    int64_t slice_to;
    struct loop_timer *retry;
    struct buffer text;     /* the frame in the making; empty between steps */
    size_t text_count;      /* results in it */
    int64_t text_first;     /* offset of its first */
    int32_t text_partition; /* and the partition of all of them */
};

struct catchup_pool {
    struct gateway *gateway;
    /* Where the topic starts, as it was told last: a crowd that comes again
     * asks once. */
    int64_t starts[CURSOR_PARTITIONS_MAX];
    int64_t starts_ms[CURSOR_PARTITIONS_MAX]; /* when; 0: never */
    struct loop_timer *turn;
    struct catchup *first, *last;
    size_t count;
    size_t held_bytes; /* of all of them */
};

static void turn(void *arg);
static void enqueue(struct catchup *c);
static void retry_later(struct catchup *c);
static void retry(void *arg);
static void step(struct catchup *c);
static void go_on(struct catchup *c);
static bool scan(struct catchup *c, int32_t partition, size_t *left);
static void fetch_slice(struct catchup *c, int32_t partition, int64_t to);
static void slice_record(void *arg, const struct record *r);
static void slice_done(void *arg, int rc, int64_t next_offset);
static bool send_held(struct catchup *c);
static void hold(struct catchup *c, struct chunk *chunk);
static void release_held(struct catchup *c);
static void probe_next(struct catchup *c);
static bool start_is_known(const struct catchup_pool *p, int32_t partition);
static void probed(void *arg, int rc, int64_t start, int64_t end);
static bool add(struct catchup *c, int32_t partition,
                const struct run_event *e);
static bool send(struct catchup *c);
static void cut(struct catchup *c);

enum catchup_reach catchup_reach(const struct intake *in,
                                 const struct cursor *c,
                                 struct cursor *out_from)
{
    enum catchup_reach reach = CATCHUP_RING;
    int64_t total = 0, first = 0;

    for (size_t i = 0; i < c->count; i++)
        first |= c->next[i];
    /* A cursor from before the first result counts if it stands at zero. */
    if (c->count > intake_partitions(in) ||
        (c->log != intake_log(in) && (c->log != 0 || first != 0)))
        return CATCHUP_OTHER;
    intake_cursor(in, out_from);
    for (size_t i = 0; i < out_from->count; i++) {
        int64_t from = i < c->count ? c->next[i] : 0;
        int64_t behind = out_from->next[i] - from;

        /* Ahead of us: another gateway was faster. Wait there, within reason.
         */
        if (behind < -CATCHUP_RESULTS_MAX)
            return CATCHUP_OTHER;
        if (behind <= 0)
            continue;
        total += behind;
        if (from < ring_from(intake_ring(in, (int32_t)i)))
            reach = CATCHUP_TOPIC;
        out_from->next[i] = from;
    }
    /* The ring's share is memory; only what the topic must give is bounded. */
    return reach == CATCHUP_TOPIC && total > CATCHUP_RESULTS_MAX
               ? CATCHUP_TOO_FAR
               : reach;
}

struct catchup_pool *catchup_pool_open(struct gateway *g)
{
    struct catchup_pool *p = calloc(1, sizeof(*p));

    CHECK(p != NULL);
    p->gateway = g;
    p->turn = loop_timer_open(gateway_loop(g), "gateway.catchup", turn, p);
    return p;
}

void catchup_pool_close(struct catchup_pool *p)
{
    if (p == NULL)
        return;
    CHECK(p->count == 0);
    loop_timer_close(p->turn);
    free(p);
}

size_t catchup_pool_count(const struct catchup_pool *p)
{
    return p->count;
}

struct catchup *catchup_open(struct catchup_pool *p, struct subscription *sub,
                             const struct cursor *from)
{
    struct catchup *c = calloc(1, sizeof(*c));

    CHECK(c != NULL);
    c->pool = p;
    c->sub = sub;
    c->next = *from;
    buffer_init(&c->text, TEXT_MAX);
    p->count++;
    return c;
}

void catchup_close(struct catchup *c)
{
    struct catchup **at;

    if (c == NULL)
        return;
    if (c->fetching)
        reader_cancel(gateway_reader(c->pool->gateway), c);
    for (at = &c->pool->first; *at != NULL && *at != c;)
        at = &(*at)->ready_next;
    if (*at != NULL) {
        *at = c->ready_next;
        if (c->pool->last == c) {
            c->pool->last = c->pool->first;
            while (c->pool->last != NULL && c->pool->last->ready_next != NULL)
                c->pool->last = c->pool->last->ready_next;
        }
    }
    while (c->held != NULL)
        release_held(c);
    c->pool->count--;
    loop_timer_close(c->retry);
    buffer_fini(&c->text);
    free(c);
}

const struct cursor *catchup_next(const struct catchup *c)
{
    return &c->next;
}

void catchup_start(struct catchup *c)
{
    c->started = true;
    enqueue(c);
}

void catchup_poke(struct catchup *c)
{
    if (c->started && c->fetching)
        send_held(c);
    else if (c->started)
        enqueue(c);
}

static void enqueue(struct catchup *c)
{
    struct catchup_pool *p = c->pool;

    if (c->ready)
        return;
    c->ready = true;
    c->ready_next = NULL;
    if (p->first == NULL) {
        p->first = c;
        loop_timer_start(p->turn, 0, 0);
    } else {
        p->last->ready_next = c;
    }
    p->last = c;
}

/* One step for each that is ready, until the time is used. */
static void turn(void *arg)
{
    struct catchup_pool *p = arg;
    int64_t until = clock_ms() + TURN_MS;

    while (p->first != NULL && clock_ms() <= until) {
        struct catchup *c = p->first;

        p->first = c->ready_next;
        if (p->first == NULL)
            p->last = NULL;
        c->ready = false;
        step(c);
    }
    if (p->first != NULL)
        loop_timer_start(p->turn, 0, 0);
}

/* May end in subscription_caught_up(), after which `c` is gone. */
static void step(struct catchup *c)
{
    struct subscriber *s = c->sub->owner;
    const struct intake *in = gateway_intake(c->pool->gateway);
    size_t left = SCAN_MAX;

    if (s->ended || in == NULL || c->fetching || s->ops->queued(s) > QUEUED_LOW)
        return;
    if (!send_held(c))
        return;
    /* Partitions may have become more since. */
    for (; c->next.count < intake_partitions(in); c->next.count++)
        c->next.next[c->next.count] = 0;
    for (int32_t i = 0; (size_t)i < c->next.count; i++) {
        const struct ring *r = intake_ring(in, i);

        if (c->next.next[i] >= ring_next(r))
            continue;
        if (c->next.next[i] < ring_from(r)) {
            fetch_slice(c, i, ring_from(r));
            return;
        }
        c->refused = false;
        if (!scan(c, i, &left)) {
            go_on(c);
            return;
        }
    }
    subscription_caught_up(c->sub);
}

/* Another step; after a refusal only when the queue has room again. */
static void go_on(struct catchup *c)
{
    struct subscriber *s = c->sub->owner;

    if (c->refused)
        s->ops->flush(s);
    if (!c->refused || s->ops->queued(s) == 0)
        enqueue(c);
}

/* Sends what matches in one ring. False: not all of it, or not now. */
static bool scan(struct catchup *c, int32_t partition, size_t *left)
{
    const struct ring *r =
        intake_ring(gateway_intake(c->pool->gateway), partition);
    int64_t *next = &c->next.next[partition];
    struct run_event e;

    while (ring_find(r, *next, &e)) {
        if (*left == 0) {
            send(c);
            return false;
        }
        (*left)--;
        if (!add(c, partition, &e))
            return false;
        *next = e.offset + 1;
    }
    *next = ring_next(r);
    return send(c);
}

static void fetch_slice(struct catchup *c, int32_t partition, int64_t to)
{
    int64_t from = c->next.next[partition];

    c->partition = partition;
    c->slice_to = to;
    c->fetching = true;
    if (reader_fetch(gateway_reader(c->pool->gateway), partition, from,
                     c->slice_to, slice_record, slice_done, c) == 0)
        return;
    c->fetching = false;
    retry_later(c);
}

/* The reader has more questions than it takes, or nobody answers it. */
static void retry_later(struct catchup *c)
{
    if (c->retry == NULL)
        c->retry = loop_timer_open(gateway_loop(c->pool->gateway),
                                   "gateway.catchup_retry", retry, c);
    loop_timer_start(c->retry, RETRY_MS, 0);
}

static void retry(void *arg)
{
    struct catchup *c = arg;

    if (!c->started)
        probe_next(c);
    else if (!c->fetching)
        enqueue(c);
}

static void slice_record(void *arg, const struct record *r)
{
    struct catchup *c = arg;
    struct run_event e;

    if (c->sub->owner->ended)
        return;
    if (run_event_of(r->offset, r->value, &e) == 0)
        add(c, c->partition, &e);
    c->next.next[c->partition] = r->offset + 1;
    if (c->held_bytes < HELD_BYTES_MAX &&
        (c->pool->held_bytes < HELD_BYTES_ALL || c->held_bytes == 0))
        return;
    /* Enough waits: read on when it is gone. */
    send(c);
    reader_cancel(gateway_reader(c->pool->gateway), c);
    c->fetching = false;
    enqueue(c);
}

static void slice_done(void *arg, int rc, int64_t next_offset)
{
    struct catchup *c = arg;

    (void)next_offset;
    if (c->sub->owner->ended) {
        c->fetching = false;
        return;
    }
    send(c);
    c->fetching = false;
    if (rc == FAIL_GONE) {
        cut(c);
    } else if (rc == 0) {
        c->next.next[c->partition] = c->slice_to;
        enqueue(c);
    } else {
        retry_later(c);
    }
}

/* What was read and not sent. False: some of it still waits. */
static bool send_held(struct catchup *c)
{
    struct subscriber *s = c->sub->owner;

    while (c->held != NULL) {
        if (s->ops->send(s, c->held->chunk) < 0) {
            s->ops->flush(s);
            if (s->ops->queued(s) == 0)
                enqueue(c);
            return false;
        }
        s->progress_ms = clock_ms();
        release_held(c);
    }
    return true;
}

static void hold(struct catchup *c, struct chunk *chunk)
{
    struct held *h = calloc(1, sizeof(*h));

    CHECK(h != NULL);
    h->chunk = chunk_hold(chunk);
    if (c->held == NULL)
        c->held = h;
    else
        c->held_last->next = h;
    c->held_last = h;
    c->held_bytes += chunk_bytes(chunk).count;
    c->pool->held_bytes += chunk_bytes(chunk).count;
}

static void release_held(struct catchup *c)
{
    struct held *h = c->held;
    size_t count = chunk_bytes(h->chunk).count;

    c->held = h->next;
    c->held_bytes -= count;
    c->pool->held_bytes -= count;
    chunk_drop(h->chunk);
    free(h);
}

void catchup_probe(struct catchup *c)
{
    c->partition = -1;
    probe_next(c);
}

/* Asks for the start of the next partition that the ring does not reach. */
static void probe_next(struct catchup *c)
{
    const struct intake *in = gateway_intake(c->pool->gateway);

    for (c->partition++; (size_t)c->partition < c->next.count; c->partition++) {
        int64_t next = c->next.next[c->partition];

        if (next >= ring_from(intake_ring(in, c->partition)))
            continue;
        if (!start_is_known(c->pool, c->partition))
            break;
        if (next < c->pool->starts[c->partition]) {
            subscription_probed(c->sub, false);
            return;
        }
    }
    if ((size_t)c->partition == c->next.count) {
        subscription_probed(c->sub, true);
        return;
    }
    c->fetching = true;
    if (reader_offsets(gateway_reader(c->pool->gateway), c->partition, probed,
                       c) < 0) {
        c->fetching = false;
        c->partition--;
        retry_later(c);
    }
}

static bool start_is_known(const struct catchup_pool *p, int32_t partition)
{
    return p->starts_ms[partition] != 0 &&
           clock_ms() - p->starts_ms[partition] < STARTS_MS;
}

static void probed(void *arg, int rc, int64_t start, int64_t end)
{
    struct catchup *c = arg;

    (void)end;
    c->fetching = false;
    if (rc == 0) {
        c->pool->starts[c->partition] = start;
        c->pool->starts_ms[c->partition] = clock_ms();
    }
    if (c->sub->owner->ended)
        return;
    if (rc < 0 || c->next.next[c->partition] < start)
        subscription_probed(c->sub, false);
    else
        probe_next(c);
}

/* Adds a result to the frame if it matches; false when the queue is full. */
static bool add(struct catchup *c, int32_t partition, const struct run_event *e)
{
    if (!channel_matches(&c->sub->channel, e))
        return true;
    if (c->text_count > 0 &&
        (c->text_partition != partition ||
         c->text.count + e->json.count > FANOUT_FRAME_BYTES) &&
        !send(c))
        return false;
    if (c->text_count == 0) {
        fanout_push_begin(&c->text, c->sub->channel.name, "events");
        c->text_first = e->offset;
        c->text_partition = partition;
    }
    fanout_push_add(&c->text, e->json);
    c->text_count++;
    return true;
}

/* Sends the frame in the making, or holds it while the topic is read. False:
 * refused, and `next` was set back. */
static bool send(struct catchup *c)
{
    struct subscriber *s = c->sub->owner;
    char cursor[CURSOR_TEXT_MAX + 1];
    struct chunk *chunk;
    int rc;

    if (c->text_count == 0)
        return true;
    /* Alone on its connection, its own progress is the cursor. */
    cursor_format(&c->next, cursor);
    chunk =
        fanout_push_end(&c->text, s->ops->form, s->count == 1 ? cursor : NULL);
    /* What was held goes first. */
    rc = c->held != NULL ? FAIL_FULL : s->ops->send(s, chunk);
    if (rc < 0 && c->fetching)
        hold(c, chunk);
    chunk_drop(chunk);
    c->text_count = 0;
    buffer_clear(&c->text);
    if (rc == 0)
        s->progress_ms = clock_ms();
    if (rc == 0 || c->fetching)
        return true;
    c->next.next[c->text_partition] = c->text_first;
    c->refused = true;
    return false;
}

/* The topic lost what we were about to read. */
static void cut(struct catchup *c)
{
    struct subscriber *s = c->sub->owner;

    s->ops->cut(s, SUBSCRIBER_RESYNC, "results expired while they were read");
}
