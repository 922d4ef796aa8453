/*
 * tests/model/screen.c: runs, lost runs, repeats, heartbeats, restarts.
 *
 *   results   0:A 1:B 2:A' ...      announced, repeated by a zombie, forgotten
 *   notifier  publishes [1,3)       or is lost on the wire, or starts again
 *   gateway   ring [0,3)            or starts again
 *   subscriber hears A B, cursor 3  or is cut, and resumes with its cursor
 *
 * A hole is silent when the subscriber's place is beyond a result that it has
 * never heard and was not told about. To be told ("recovered": false) is to
 * take a snapshot: everything announced so far counts as heard.
 *
 * From: tests/model/model.c.
 * To:   tests/model/gateway.c, which runs the product's code.
 */
#include "tests/model/screen.h"

#include <string.h>

#include "schemas/base/check.h"

static bool holds(const struct screen *c, uint64_t rule)
{
    return (c->off & rule) == 0;
}

static void first_state(const void *arg, void *out_state)
{
    const struct screen *c = arg;
    struct screen_state *s = out_state;

    CHECK(c->results + c->repeats + c->gaps <= ENTRIES);
    memset(s, 0, sizeof(*s));
    s->number = 1;
    s->repeats = c->repeats;
    s->gaps = c->gaps;
    s->recreations = c->recreate;
}

/* ---- the topic ---- */

static void append(const struct screen *c, struct screen_state *s, int record,
                   int type)
{
    struct entry *e = &s->entry[s->end++];

    e->said = record < 0 ? 0 : (uint8_t)(record * 2 + type + 1);
    e->number = s->number;
    e->counted = record >= 0;
    if (record < 0)
        return;
    if (s->end <= s->acked && holds(c, RULE(ACK))) {
        s->stopped = 1;
        e->counted = 0;
        return;
    }
    s->acked = s->end;
    s->said |= (uint8_t)(1 << (e->said - 1));
}

static void announce(const struct screen *c, const struct screen_state *s,
                     struct search *search)
{
    struct screen_state next;
    int type, r;

    if (s->stopped) {
        next = *s;
        next.stopped = next.acked = 0;
        next.number++;
        search_move(search, SEARCH_OWN, &next,
                    "the operator adopts the results log as number %d",
                    next.number);
        return;
    }
    if (s->end == ENTRIES)
        return;
    for (type = 0; type <= c->quarantine; type++) {
        if (s->record < c->results) {
            next = *s;
            append(c, &next, s->record, type);
            if (!next.stopped)
                next.record++;
            search_move(search, SEARCH_OWN, &next,
                        "record %d is announced %s at offset %d%s", s->record,
                        type ? "quarantined" : "verified", s->end,
                        next.stopped ? "; not above the last ack: stops" : "");
        }
        for (r = 0; r < s->record && s->repeats > 0; r++) {
            next = *s;
            append(c, &next, r, type);
            next.repeats--;
            search_move(search, SEARCH_WORLD, &next,
                        "record %d is announced again, %s, at offset %d", r,
                        type ? "quarantined" : "verified", s->end);
        }
    }
    if (s->gaps > 0) {
        next = *s;
        append(c, &next, -1, 0);
        next.gaps--;
        search_move(search, SEARCH_WORLD, &next, "offset %d has no result",
                    s->end);
    }
}

static void disturb_topic(const struct screen *c, const struct screen_state *s,
                          struct search *search)
{
    struct screen_state next = *s;

    if (c->expire && s->start < s->end) {
        next.start++;
        search_move(search, SEARCH_WORLD, &next, "the topic now starts at %d",
                    next.start);
    }
    if (s->recreations > 0 && s->end > 0) {
        next = *s;
        memset(next.entry, 0, sizeof(next.entry));
        next.start = next.end = 0;
        next.said = 0; /* what went with it is no longer promised */
        next.recreations--;
        search_move(search, SEARCH_WORLD, &next,
                    "somebody deletes the topic and makes it again");
    }
}

/* ---- the notifier ---- */

static void notifier_moves(const struct screen *c, const struct screen_state *s,
                           int n, struct search *search)
{
    struct screen_state next = *s;
    struct notifier *t = &next.notifier[n];
    int to, from = t->next;

    if (!t->up || t->next > s->end || t->next < s->start) {
        t->next = t->committed > 0 ? (uint8_t)(t->committed - 1) : s->end;
        if (t->up || t->next < s->start || t->next > s->end)
            t->next = s->start; /* out of range */
        if (holds(c, RULE(PREVIOUS)))
            t->previous = 0;
        t->up = 1;
        search_move(search, SEARCH_OWN, &next, "notifier %d starts at %d", n,
                    t->next);
        return;
    }
    for (to = from + 1; to <= s->end; to++) {
        if (s->entry[to - 1].number != s->entry[from].number)
            break; /* a run is of one log */
        next = *s;
        if (s->gateway.is != GATEWAY_DOWN)
            gateway_run(c, &next, n, to, false);
        t->next = t->previous = (uint8_t)to;
        search_move(search, SEARCH_OWN, &next,
                    "notifier %d publishes [%d,%d); the gateway knows [%d,%d)",
                    n, from, to, next.gateway.from, next.gateway.next);
        if (s->gateway.is == GATEWAY_DOWN)
            continue;
        next = *s;
        t->next = t->previous = (uint8_t)to;
        search_move(search, SEARCH_WORLD, &next,
                    "notifier %d publishes [%d,%d); it is lost", n, from, to);
        next = *s;
        gateway_run(c, &next, n, to, true);
        t->next = t->previous = (uint8_t)to;
        search_move(search, SEARCH_OWN, &next,
                    "notifier %d publishes the header of [%d,%d)", n, from, to);
    }
    next = *s;
    if (s->gateway.is == GATEWAY_UP && holds(c, RULE(HEARTBEAT))) {
        gateway_run(c, &next, n, from, false);
        search_move(search, SEARCH_OWN, &next,
                    "notifier %d publishes its heartbeat, last offset %d", n,
                    from - 1);
    }
    next = *s;
    t->committed = (uint8_t)(t->next + 1);
    if (!c->forget)
        search_move(search, SEARCH_OWN, &next, "notifier %d commits %d", n,
                    t->next);
    next = *s;
    t->up = t->next = 0;
    if (holds(c, RULE(PREVIOUS)))
        t->previous = 0;
    search_move(search, SEARCH_WORLD, &next, "notifier %d crashes", n);
}

/* ---- the gateway and its subscriber ---- */

static void gateway_moves(const struct screen *c, const struct screen_state *s,
                          struct search *search)
{
    struct screen_state next = *s;

    if (s->gateway.is == GATEWAY_DOWN) {
        gateway_begin(c, &next);
        search_move(search, SEARCH_OWN, &next,
                    "the gateway starts and knows [%d,%d)", next.gateway.from,
                    next.gateway.next);
        return;
    }
    memset(&next.gateway, 0, sizeof(next.gateway));
    if (next.subscriber.is == SUBSCRIBER_ON)
        next.subscriber.is = SUBSCRIBER_AWAY;
    search_move(search, SEARCH_WORLD, &next, "the gateway crashes");
}

/* Everything that a snapshot shows or that was not promised. */
static void take_snapshot(struct screen_state *s)
{
    s->subscriber.heard |= s->said;
    s->subscriber.cursor = s->gateway.next;
}

/* Results at or above the cursor: from the ring, else from the topic. */
static const char *resume(const struct screen *c, struct screen_state *s)
{
    struct subscriber *u = &s->subscriber;
    const struct gateway *g = &s->gateway;
    const char *how = "from the ring";
    int o, at = u->cursor;

    if (g->is == GATEWAY_UP && u->log != g->log && holds(c, RULE(NUMBER))) {
        take_snapshot(s);
        return "and is told: recovered false";
    }
    if (g->is == GATEWAY_UP && at < g->from && holds(c, RULE(BELOW))) {
        how = "from the topic";
        if (at < s->start || g->next - at > FETCH_MAX) {
            if (!holds(c, RULE(TELL)))
                return "and is told nothing";
            take_snapshot(s);
            return "and is told: recovered false";
        }
        for (o = at; o < g->from; o++) {
            if (s->entry[o].said > 0)
                u->heard |= (uint8_t)(1 << (s->entry[o].said - 1));
        }
    }
    for (o = at; o < g->next; o++) {
        if (g->held[o] != 0)
            u->heard |= (uint8_t)(1 << (g->held[o] - 1));
    }
    if (g->is == GATEWAY_UP)
        u->cursor = g->next;
    return how;
}

static void subscriber_moves(const struct screen *c,
                             const struct screen_state *s,
                             struct search *search)
{
    struct screen_state next = *s;
    struct subscriber *u = &next.subscriber;
    const struct gateway *g = &s->gateway;
    const char *how;
    int o;

    if (u->is == SUBSCRIBER_ON) {
        if (u->cursor != g->next && g->is == GATEWAY_UP) {
            u->cursor = g->next;
            u->log = g->log;
            search_move(search, SEARCH_OWN, &next,
                        "a frame brings the subscriber cursor %d", u->cursor);
        }
        next = *s;
        u->is = SUBSCRIBER_AWAY;
        search_move(search, SEARCH_WORLD, &next,
                    "the subscriber is cut off, with cursor %d", u->cursor);
        return;
    }
    if (g->is == GATEWAY_DOWN)
        return;
    if (u->is == SUBSCRIBER_NEW) {
        u->heard = s->said;
        for (o = g->next; o < s->end; o++) {
            if (s->entry[o].said > 0)
                u->heard &= (uint8_t) ~(1 << (s->entry[o].said - 1));
        }
        for (o = s->start; o < g->next && o < s->end; o++) {
            if (s->entry[o].said > 0)
                u->heard |= (uint8_t)(1 << (s->entry[o].said - 1));
        }
        u->cursor = g->next;
        u->log = g->log;
        u->is = SUBSCRIBER_ON;
        search_move(search, SEARCH_OWN, &next,
                    "a subscriber begins at offset %d", u->cursor);
        return;
    }
    if (g->is == GATEWAY_UP && u->cursor > g->next && u->log == g->log)
        return; /* this gateway is behind another one; later */
    how = resume(c, &next);
    u->log = g->log;
    u->is = SUBSCRIBER_ON;
    search_move(search, SEARCH_OWN, &next, "the subscriber resumes at %d, %s",
                s->subscriber.cursor, how);
}

/* The subscriber is cut off while results are on their way to it. */
static void cut_while_sending(const struct screen *c,
                              const struct screen_state *s,
                              struct search *search)
{
    struct screen_state next = *s;
    struct notifier *t = &next.notifier[0];
    int from = t->next, to = from + 1;

    if (s->subscriber.is != SUBSCRIBER_ON || !t->up || t->next >= s->end ||
        s->gateway.is != GATEWAY_UP || t->next < s->start)
        return;
    while (to < s->end && s->entry[to].number == s->entry[from].number)
        to++;
    next.subscriber.is = SUBSCRIBER_AWAY;
    gateway_run(c, &next, 0, to, false);
    t->next = t->previous = (uint8_t)to;
    if (!holds(c, RULE(SENT)))
        next.subscriber.cursor = next.gateway.next;
    search_move(search, SEARCH_WORLD, &next,
                "notifier 0 publishes [%d,%d); the subscriber is cut off "
                "before it gets it, with cursor %d",
                from, t->next, next.subscriber.cursor);
}

static void all_moves(const void *arg, const void *state, struct search *search)
{
    const struct screen *c = arg;
    const struct screen_state *s = state;
    int n;

    announce(c, s, search);
    disturb_topic(c, s, search);
    for (n = 0; n < c->notifiers; n++)
        notifier_moves(c, s, n, search);
    gateway_moves(c, s, search);
    subscriber_moves(c, s, search);
    cut_while_sending(c, s, search);
}

/* ---- what must hold ---- */

static const char *what_is_broken(const void *arg, const void *state)
{
    const struct screen *c = arg;
    const struct screen_state *s = state;
    const struct subscriber *u = &s->subscriber;
    bool on = u->is == SUBSCRIBER_ON;
    int o, place = on ? s->gateway.next : u->cursor;
    int log = on ? s->gateway.log : u->log;

    if (u->is == SUBSCRIBER_NEW)
        return NULL;
    for (o = s->start; o < s->end && o < place; o++) {
        if (!s->entry[o].counted || u->heard & 1 << (s->entry[o].said - 1))
            continue;
        if (s->entry[o].number == log || (!on && !holds(c, RULE(NUMBER))))
            return "a subscriber has a silent hole";
    }
    return NULL;
}

static bool is_done(const void *arg, const void *state)
{
    const struct screen *c = arg;
    const struct screen_state *s = state;

    return s->record == c->results && !s->stopped &&
           s->subscriber.is != SUBSCRIBER_NEW &&
           (s->said & ~s->subscriber.heard) == 0;
}

static const struct search_part parts[] = {{0, sizeof(struct screen_state), 0}};

const struct search_model screen_model = {
    parts,
    1,
    sizeof(struct screen_state),
    first_state,
    all_moves,
    what_is_broken,
    is_done,
    "a subscriber never hears of a result"};

/* ---- acks: two announcers that both believe they own the partition ---- */

enum { ACK_LAST, ACK_FLYING, ACK_FORGOTTEN };

static void ack_moves(const void *arg, const void *state, struct search *search)
{
    const struct screen *c = arg;
    const struct screen_state *s = state;
    struct screen_state next;
    uint8_t *a;
    int n;

    for (n = 0; n < 2; n++) {
        next = *s;
        a = next.acks[n];
        if (a[ACK_FLYING] == 0 && s->end < ENTRIES) {
            a[ACK_FLYING] = ++next.end;
            search_move(search, SEARCH_OWN, &next,
                        "%c announces; it becomes offset %d", "VZ"[n],
                        s -> end);
        }
        next = *s;
        if (a[ACK_FLYING] != 0) {
            next.stopped = a[ACK_FLYING] <= a[ACK_LAST] && !a[ACK_FORGOTTEN];
            if (a[ACK_FLYING] > a[ACK_LAST])
                a[ACK_LAST] = a[ACK_FLYING];
            a[ACK_FLYING] = a[ACK_FORGOTTEN] = 0;
            search_move(search, SEARCH_OWN, &next, "%c gets the ack of %d",
                        "VZ"[n], s -> acks[n][ACK_FLYING] - 1);
        }
        next = *s;
        if (a[ACK_LAST] > s->marked) {
            next.marked = a[ACK_LAST];
            search_move(search, SEARCH_OWN, &next,
                        "%c notes %d beside `announced`", "VZ"[n],
                        next.marked - 1);
        }
        next = *s;
        a[ACK_LAST] = s->marked;
        a[ACK_FORGOTTEN] = a[ACK_FLYING] != 0 && holds(c, RULE(FORGET));
        search_move(search, SEARCH_OWN, &next,
                    "%c is fenced and reads: last ack %d", "VZ"[n],
                    s -> marked - 1);
    }
}

static const char *acks_broken(const void *arg, const void *state)
{
    const struct screen_state *s = state;

    (void)arg;
    return s->stopped ? "announcing stops although the log is the one we know"
                      : NULL;
}

const struct search_model screen_acks_model = {
    parts,       1,         sizeof(struct screen_state),
    first_state, ack_moves, acks_broken,
    NULL,        NULL};
