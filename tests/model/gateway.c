/*
 * tests/model/gateway.c: the product's notifier and gateway, one move at a
 * time.
 *
 *   state -> publish.c makes a run -> intake.c and ring.c, rebuilt from the
 *   state, take it -> state
 *
 * A rule that is off is a lie told to that code, or a result of it that is
 * ignored. What a fetch reads comes from the model's topic.
 *
 * From: tests/model/screen.c.
 * To:   notifier/publish.c, notifier/gateway/intake.c.
 */
#include <string.h>

#include "notifier/gateway/intake.h"
#include "notifier/publish.h"
#include "tests/model/screen.h"

static bool holds(const struct screen *c, uint64_t rule)
{
    return (c->off & rule) == 0;
}

struct job {
    const struct screen *c;
    struct screen_state *s;
    struct intake *intake;
    bool replaying;    /* the ring is being rebuilt: nothing is news */
    bool renumbered;   /* the topic has another number than before */
    int64_t from, to;  /* a fetch that was asked for; from -1: none */
    int fetches;       /* answered in this move */
    uint8_t run[4096]; /* what the notifier published */
    size_t run_count;
};

/* ---- results as bytes ---- */

/* The JSON of a result, made once. */
static struct bytes json_of(uint8_t said)
{
    static struct buffer made[8];
    static const uint8_t digest[32];
    int bit = said - 1;
    struct result r = {0};

    if (said == 0)
        return bytes_text("no result");
    if (made[bit].count == 0) {
        buffer_init(&made[bit], RESULT_BYTES_MAX);
        r.id = (struct record_id){1, 0, bit / 2};
        r.type = bit % 2 ? RESULT_QUARANTINED : RESULT_VERIFIED;
        r.chain = "eip155:1";
        r.payload_sha256 = r.type == RESULT_QUARANTINED
                               ? bytes_of(digest, sizeof(digest))
                               : BYTES_NONE;
        CHECK(result_encode(&r, &made[bit]) == 0);
    }
    return buffer_bytes(&made[bit]);
}

static struct bytes header_of(const struct entry *e)
{
    return bytes_text(e->number == 2 ? "1;2" : "1;1");
}

/* ---- the notifier ---- */

static void keep_run(void *arg, int32_t partition, struct bytes run)
{
    struct job *j = arg;

    (void)partition;
    CHECK(run.count <= sizeof(j->run));
    memcpy(j->run, run.data, run.count);
    j->run_count = run.count;
}

/* Rewrites line 1: what a notifier says that does not keep the rules. */
static void rewrite(struct job *j, int64_t previous)
{
    struct run_event events[RUN_EVENTS_MAX];
    struct run_header h;
    struct buffer b;
    size_t count, i;

    CHECK(run_parse(bytes_of(j->run, j->run_count), &h, events, &count) == 0);
    h.previous = previous;
    buffer_init(&b, sizeof(j->run));
    CHECK(run_header_append(&b, &h) == 0);
    for (i = 0; i < count; i++)
        CHECK(run_event_append(&b, &events[i]) == 0);
    memcpy(j->run, b.data, b.count);
    j->run_count = b.count;
    buffer_fini(&b);
}

static void publish(struct job *j, int n, int to, bool headers_only)
{
    const struct notifier *t = &j->s->notifier[n];
    struct publish *p = publish_open(keep_run, j);
    int o, first = t->previous > 0 ? t->previous - 1 : t->next;

    publish_start(p, 0);
    if (t->previous > 0 && holds(j->c, RULE(PREVIOUS))) {
        publish_record(p, 0, first, json_of(j->s->entry[first].said),
                       header_of(&j->s->entry[first]));
        publish_flush(p);
    }
    publish_headers_only(p, 0, headers_only);
    for (o = t->next; o < to; o++)
        publish_record(p, 0, o, json_of(j->s->entry[o].said),
                       header_of(&j->s->entry[o]));
    /* A heartbeat bears the number that any partition has shown: here another
     * one, where results of the current number go by. */
    if (to == t->next && j->c->recreate) {
        struct entry other = {.said = 1, .number = j->s->number};

        publish_start(p, 1);
        publish_record(p, 1, 0, json_of(other.said), header_of(&other));
        publish_stop(p);
        publish_start(p, 0);
    }
    publish_reached(p, 0, t->next);
    j->run_count = 0;
    if (to > t->next)
        publish_flush(p);
    else
        publish_beat(p);
    publish_close(p);
    if (to > t->next && j->run_count > 0 && !holds(j->c, RULE(PREVIOUS)))
        rewrite(j, t->previous - 1);
    if (to > t->next && j->run_count > 0 && !holds(j->c, RULE(CHAIN)))
        rewrite(j, j->s->gateway.next - 1);
}

/* ---- the gateway ---- */

static void event(void *arg, const struct run_event *e)
{
    struct job *j = arg;
    int bit = (int)e->id.offset * 2 + (e->type == RESULT_QUARANTINED), o;

    if (j->replaying || j->s->subscriber.is != SUBSCRIBER_ON)
        return;
    for (o = 0; o < ENTRIES && !holds(j->c, RULE(TYPE)); o++) {
        if (j->s->gateway.held[o] != 0 &&
            (j->s->gateway.held[o] - 1) / 2 == (int)e->id.offset)
            return; /* the record was heard of before */
    }
    j->s->subscriber.heard |= (uint8_t)(1 << bit);
}

static void fetch(void *arg, int32_t partition, int64_t from, int64_t to)
{
    struct job *j = arg;

    (void)partition;
    j->from = from;
    j->to = to;
}

static void lost(void *arg, int32_t partition, int64_t from, int64_t to)
{
    struct job *j = arg;

    (void)partition;
    (void)from;
    (void)to;
    if (j->s->subscriber.is == SUBSCRIBER_ON && holds(j->c, RULE(REPAIR)))
        j->s->subscriber.heard |= j->s->said;
}

static void renumbered(void *arg, int32_t log)
{
    struct job *j = arg;

    (void)log;
    j->renumbered = true;
}

static void open_intake(struct job *j)
{
    struct intake_options o = {.partitions = 1,
                               .ring_count_max = RING_COUNT,
                               .hooks = {event, fetch, lost, renumbered},
                               .arg = j};

    j->intake = intake_open(&o);
    j->from = -1;
}

/* Answers a fetch from the topic, and what is asked for then; a gateway that
 * asks for the same for ever is left alone, which is a dead end. */
static void answer_fetches(struct job *j)
{
    const struct screen_state *s = j->s;
    int64_t at, to, wanted;

    while (j->from >= 0 && !j->renumbered && j->fetches++ < ENTRIES) {
        at = j->from;
        wanted = j->to;
        to = wanted < s->end ? wanted : s->end;
        j->from = -1;
        if (at < s->start || at > s->end) {
            intake_fetched(j->intake, 0, s->start);
            continue;
        }
        for (; at < to && !j->renumbered; at++)
            intake_read(j->intake, 0, at, at, json_of(s->entry[at].said),
                        header_of(&s->entry[at]));
        intake_fetched(j->intake, 0, -1);
        if (to < wanted)
            return; /* the topic does not reach that far */
    }
}

/* Makes an intake that knows what the state says the gateway knows. */
static void rebuild(struct job *j)
{
    const struct gateway *g = &j->s->gateway;
    int o;

    open_intake(j);
    j->replaying = true;
    intake_begin(j->intake, 0, g->from, g->from);
    for (o = g->from; o < g->next; o++) {
        if (g->held[o] != 0)
            intake_read(j->intake, 0, o, o, json_of(g->held[o]),
                        bytes_text(g->log == 2 ? "1;2" : "1;1"));
        else
            intake_read_to(j->intake, 0, o, o + 1);
    }
    j->replaying = false;
}

static void write_back(struct job *j)
{
    const struct ring *r = intake_ring(j->intake, 0);
    struct gateway *g = &j->s->gateway, old = *g;
    struct run_event e;
    int64_t at;

    g->is = GATEWAY_UP;
    g->from = (uint8_t)ring_from(r);
    g->next = (uint8_t)ring_next(r);
    g->log = (uint8_t)intake_log(j->intake);
    memset(g->held, 0, sizeof(g->held));
    for (at = 0; ring_find(r, at, &e); at = e.offset + 1)
        g->held[e.offset] =
            (uint8_t)(e.id.offset * 2 + 1 + (e.type == RESULT_QUARANTINED));
    if (old.is == GATEWAY_UP && g->from > old.next &&
        !holds(j->c, RULE(CONTIGUOUS))) {
        g->from = old.from;
        for (at = old.from; at < old.next; at++)
            g->held[at] = old.held[at];
    }
    intake_close(j->intake);
}

void gateway_begin(const struct screen *c, struct screen_state *s)
{
    struct job j = {.c = c, .s = s, .replaying = true};
    int start = s->end - 2 > s->start ? s->end - 2 : s->start;

    memset(&s->gateway, 0, sizeof(s->gateway));
    if (!holds(c, RULE(BEGIN))) {
        s->gateway.is = GATEWAY_BLIND;
        return;
    }
    do { /* another number inside what is read: begin after it */
        j.renumbered = false;
        open_intake(&j);
        intake_begin(j.intake, 0, start, s->end);
        answer_fetches(&j);
        if (j.renumbered)
            intake_close(j.intake);
        start++;
    } while (j.renumbered);
    write_back(&j);
}

void gateway_run(const struct screen *c, struct screen_state *s, int n, int to,
                 bool headers_only)
{
    struct job j = {.c = c, .s = s};
    struct subscriber *u = &s->subscriber;

    publish(&j, n, to, headers_only);
    if (j.run_count == 0)
        return;
    if (s->gateway.is == GATEWAY_BLIND)
        s->gateway.from = s->gateway.next = s->notifier[n].next;
    rebuild(&j);
    intake_run(j.intake, bytes_of(j.run, j.run_count));
    answer_fetches(&j);
    if (!j.renumbered) {
        write_back(&j);
        return;
    }
    /* Nothing known is of use: a new intake, and the subscriber is told. */
    intake_close(j.intake);
    gateway_begin(c, s);
    if (u->is == SUBSCRIBER_ON) {
        u->heard |= s->said;
        u->cursor = s->gateway.next;
        u->log = s->gateway.log;
    }
}
