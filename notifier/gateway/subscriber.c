/*
 * notifier/gateway/subscriber.c: from "subscribe" to live, and what happens to
 * those who do not keep up.
 *
 * The answer always precedes the first event of its channel, because a
 * subscription is attached to the fan-out only after it. While any subscription
 * of a listener is not live, its frames carry no cursor: a cursor promises
 * everything below it on all of its channels.
 *
 * From: notifier/gateway/client.c and notifier/gateway/events.c.
 * To:   notifier/gateway/fanout.c when live, notifier/gateway/catchup.c before.
 */
#include "notifier/gateway/subscriber.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/base/chunk.h"
#include "consumer/base/clock.h"
#include "notifier/gateway/catchup.h"
#include "notifier/gateway/gateway.h"
#include "notifier/gateway/history.h"
#include "notifier/gateway/intake.h"
#include "schemas/base/fail.h"

#define SNAPSHOT_BYTES_MAX (HISTORY_BYTES_MAX + 8192)

static void receive(struct fanout_client *c, struct fanout_frame *f,
                    bool cursor);
static enum protocol_fault subscribe(struct subscriber *s,
                                     const struct protocol_request *r);
static enum protocol_fault unsubscribe(struct subscriber *s,
                                       const struct protocol_request *r);
static struct subscription *find(const struct subscriber *s, const char *name);
static void start(struct subscription *sub, const struct protocol_request *r);
static void after_answer(struct subscription *sub);
static bool ask_snapshot(struct subscription *sub);
static void got_snapshot(void *arg, int rc, struct bytes results, size_t count);
static void snapshot_of_rings(struct subscription *sub);
static void send_snapshot(struct subscription *sub, struct bytes results);
static void catch_up(struct subscription *sub);
static void go_live(struct subscription *sub);
static void end(struct subscription *sub);
static void answer(struct subscription *sub, bool recovered);

void subscriber_init(struct subscriber *s, struct gateway *g,
                     const struct subscriber_ops *ops)
{
    memset(s, 0, sizeof(*s));
    s->fanout.receive = receive;
    s->gateway = g;
    s->ops = ops;
    s->cursor_ms = clock_ms();
    s->progress_ms = s->cursor_ms;
    gateway_enter(g, s);
}

void subscriber_fini(struct subscriber *s)
{
    subscriber_end_all(s);
    gateway_leave(s->gateway, s);
}

void subscriber_end_all(struct subscriber *s)
{
    s->ended = true;
    while (s->subscriptions != NULL) {
        struct subscription *sub = s->subscriptions;

        s->subscriptions = sub->next;
        end(sub);
        free(sub);
    }
    if (s->fell_behind)
        (*gateway_behind(s->gateway))--;
    s->fell_behind = false;
    s->count = 0;
    s->not_live = 0;
}

enum protocol_fault subscriber_do(struct subscriber *s,
                                  const struct protocol_request *r)
{
    return r->op == PROTOCOL_SUBSCRIBE ? subscribe(s, r) : unsubscribe(s, r);
}

static enum protocol_fault subscribe(struct subscriber *s,
                                     const struct protocol_request *r)
{
    const struct gateway_options *o = gateway_options(s->gateway);
    struct subscription *sub = find(s, r->channel.name);

    if (r->channel.kind == CHANNEL_KIND_TRANSACTIONS && !o->open)
        return PROTOCOL_TOKEN_REQUIRED;
    if (sub != NULL) {
        /* Twice is once; nothing of it is sent again. */
        if (sub->state != SUBSCRIPTION_LIVE)
            return PROTOCOL_BUSY;
        memcpy(sub->id, r->id, sizeof(sub->id));
        gateway_flush(s->gateway);
        answer(sub, true);
        return PROTOCOL_FINE;
    }
    if (s->count >= o->subscriptions_max)
        return PROTOCOL_TOO_MANY;

    sub = calloc(1, sizeof(*sub));
    CHECK(sub != NULL);
    sub->owner = s;
    sub->channel = r->channel;
    sub->snapshot = r->snapshot;
    memcpy(sub->id, r->id, sizeof(sub->id));
    sub->next = s->subscriptions;
    s->subscriptions = sub;
    s->count++;
    s->not_live++;
    start(sub, r);
    return PROTOCOL_FINE;
}

static enum protocol_fault unsubscribe(struct subscriber *s,
                                       const struct protocol_request *r)
{
    struct subscription **at = &s->subscriptions;

    while (*at != NULL && strcmp((*at)->channel.name, r->channel.name) != 0)
        at = &(*at)->next;
    if (*at == NULL)
        return PROTOCOL_NOT_SUBSCRIBED;
    /* What is gathered for it belongs before the answer. */
    gateway_flush(s->gateway);
    for (at = &s->subscriptions;
         strcmp((*at)->channel.name, r->channel.name) != 0;)
        at = &(*at)->next;
    {
        struct subscription *sub = *at;

        *at = sub->next;
        s->count--;
        if (sub->state != SUBSCRIPTION_LIVE)
            s->not_live--;
        end(sub);
        free(sub);
    }
    return PROTOCOL_FINE;
}

/* Decides which way the subscription goes, once, from its cursor. */
static void start(struct subscription *sub, const struct protocol_request *r)
{
    struct gateway *g = sub->owner->gateway;
    const struct intake *in = gateway_intake(g);
    enum catchup_reach reach = CATCHUP_OTHER;
    struct cursor from;

    CHECK(in != NULL);
    intake_cursor(in, &from);
    if (r->has_cursor)
        reach = catchup_reach(in, &r->cursor, &from);
    if (reach == CATCHUP_TOO_FAR || reach == CATCHUP_OTHER)
        intake_cursor(in, &from);
    sub->catchup = catchup_open(gateway_catchups(g), sub, &from);
    if (reach == CATCHUP_TOPIC) {
        sub->state = SUBSCRIPTION_PROBING;
        catchup_probe(sub->catchup);
        return;
    }
    subscription_probed(sub, reach == CATCHUP_RING);
}

void subscription_probed(struct subscription *sub, bool recovered)
{
    struct gateway *g = sub->owner->gateway;

    if (!recovered) {
        struct cursor now;

        intake_cursor(gateway_intake(g), &now);
        catchup_close(sub->catchup);
        sub->catchup = catchup_open(gateway_catchups(g), sub, &now);
    } else {
        sub->snapshot = false; /* nothing is missing */
    }
    answer(sub, recovered);
    if (!sub->owner->ended)
        after_answer(sub);
}

static void after_answer(struct subscription *sub)
{
    if (sub->snapshot && sub->channel.kind != CHANNEL_KIND_SYSTEM &&
        ask_snapshot(sub))
        return;
    catch_up(sub);
}

/* False: it is sent already, or the client was told that nobody answers. */
static bool ask_snapshot(struct subscription *sub)
{
    sub->snapshot = false;
    if (sub->channel.kind == CHANNEL_KIND_TRANSACTIONS) {
        snapshot_of_rings(sub);
        return false;
    }
    sub->query =
        history_channel(gateway_history(sub->owner->gateway), &sub->channel,
                        HISTORY_ROWS_MAX, got_snapshot, sub);
    if (sub->query == NULL) {
        send_snapshot(sub, BYTES_NONE);
        return false;
    }
    sub->state = SUBSCRIPTION_SNAPSHOT;
    return true;
}

static void got_snapshot(void *arg, int rc, struct bytes results, size_t count)
{
    struct subscription *sub = arg;

    (void)count;
    sub->query = NULL;
    send_snapshot(sub, rc == 0 ? results : BYTES_NONE);
    if (!sub->owner->ended)
        catch_up(sub);
}

/* The newest of all transactions are in memory: of each partition its newest,
 * then the one before, and so on. */
static void snapshot_of_rings(struct subscription *sub)
{
    const struct intake *in = gateway_intake(sub->owner->gateway);
    struct buffer results;
    struct run_event e;
    size_t count = 0;
    bool more = true;

    buffer_init(&results, HISTORY_BYTES_MAX);
    for (size_t back = 0; more && count < HISTORY_ROWS_MAX; back++) {
        more = false;
        for (size_t i = 0; i < intake_partitions(in); i++) {
            if (!ring_recent(intake_ring(in, (int32_t)i), back, &e) ||
                results.count + e.json.count + 1 > HISTORY_BYTES_MAX)
                continue;
            if (count++ > 0)
                buffer_append_byte(&results, ',');
            buffer_append_bytes(&results, e.json);
            more = true;
        }
    }
    send_snapshot(sub, count > 0 ? buffer_bytes(&results) : BYTES_LITERAL(""));
    buffer_fini(&results);
}

/* {"channel":…,"snapshot":[…]}, or null when the database does not answer. */
static void send_snapshot(struct subscription *sub, struct bytes results)
{
    struct subscriber *s = sub->owner;
    struct buffer text;
    struct chunk *c;

    buffer_init(&text, SNAPSHOT_BYTES_MAX);
    fanout_push_begin(&text, sub->channel.name, "snapshot");
    if (results.count > 0)
        fanout_push_add(&text, results);
    c = results.data == NULL ? fanout_push_null(&text, s->ops->form)
                             : fanout_push_end(&text, s->ops->form, NULL);
    if (s->ops->send(s, c) == FAIL_FULL)
        s->ops->cut(s, SUBSCRIBER_SLOW, "slow listener");
    chunk_drop(c);
    buffer_fini(&text);
}

static void catch_up(struct subscription *sub)
{
    sub->state = SUBSCRIPTION_CATCHING_UP;
    if (sub->channel.kind == CHANNEL_KIND_SYSTEM)
        go_live(sub);
    else
        catchup_start(sub->catchup);
}

void subscription_caught_up(struct subscription *sub)
{
    go_live(sub);
}

/* Nothing is gathered, so the first frame holds only what comes from here on.
 */
static void go_live(struct subscription *sub)
{
    struct subscriber *s = sub->owner;

    gateway_flush(s->gateway);
    if (s->ended)
        return;
    catchup_close(sub->catchup);
    sub->catchup = NULL;
    sub->state = SUBSCRIPTION_LIVE;
    fanout_subscribe(gateway_fanout(s->gateway), sub->channel.name, &s->fanout,
                     &sub->live);
    s->not_live--;
    if (s->not_live == 0 && s->fell_behind) {
        s->fell_behind = false;
        (*gateway_behind(s->gateway))--;
    }
}

void subscriber_drained(struct subscriber *s)
{
    s->progress_ms = clock_ms();
    for (struct subscription *sub = s->subscriptions; sub != NULL;
         sub = sub->next)
        if (sub->catchup != NULL)
            catchup_poke(sub->catchup);
}

void subscriber_fall_behind(struct subscriber *s, const struct cursor *from)
{
    size_t *behind = gateway_behind(s->gateway);

    if (s->ended)
        return;
    if (*behind >= SUBSCRIBER_BEHIND_COUNT) {
        s->ops->cut(s, SUBSCRIBER_SLOW, "slow listener");
        return;
    }
    if (!s->fell_behind) {
        s->fell_behind = true;
        s->behind_ms = clock_ms();
        s->progress_ms = s->behind_ms;
        (*behind)++;
    }
    for (struct subscription *sub = s->subscriptions; sub != NULL;
         sub = sub->next) {
        if (sub->state != SUBSCRIPTION_LIVE ||
            sub->channel.kind == CHANNEL_KIND_SYSTEM)
            continue;
        fanout_unsubscribe(gateway_fanout(s->gateway), &sub->live);
        s->not_live++;
        sub->state = SUBSCRIPTION_CATCHING_UP;
        sub->catchup = catchup_open(gateway_catchups(s->gateway), sub, from);
        catchup_start(sub->catchup);
    }
}

void subscriber_sweep(struct subscriber *s, int64_t now_ms, struct chunk *alone)
{
    if (s->ended)
        return;
    s->ops->heart(s, now_ms);
    if (s->ended)
        return;
    if (s->fell_behind && now_ms - s->behind_ms > SUBSCRIBER_BEHIND_MS) {
        s->ops->cut(s, SUBSCRIBER_SLOW, "slow listener");
        return;
    }
    if (s->not_live > 0 && s->ops->queued(s) > 0 &&
        now_ms - s->progress_ms > SUBSCRIBER_GRACE_MS) {
        s->ops->cut(s, SUBSCRIBER_SLOW, "slow listener");
        return;
    }
    if (s->not_live > 0 && s->ops->queued(s) == 0)
        subscriber_drained(s);
    if (s->count > 0 && s->not_live == 0 &&
        now_ms - s->cursor_ms > SUBSCRIBER_CURSOR_MS &&
        s->ops->send(s, alone) == 0)
        s->cursor_ms = now_ms;
}

/* From fanout_flush(): one frame, perhaps the last of the turn. */
static void receive(struct fanout_client *c, struct fanout_frame *f,
                    bool cursor)
{
    struct subscriber *s = (struct subscriber *)c;
    bool promise = cursor && s->not_live == 0;
    int rc;

    if (s->ended || s->overflowed)
        return;
    rc = s->ops->send(s, fanout_frame_chunk(f, s->ops->form, promise));
    if (rc == FAIL_FULL)
        gateway_overflowed(s->gateway, s);
    else if (promise)
        s->cursor_ms = clock_ms();
}

static struct subscription *find(const struct subscriber *s, const char *name)
{
    struct subscription *sub = s->subscriptions;

    while (sub != NULL && strcmp(sub->channel.name, name) != 0)
        sub = sub->next;
    return sub;
}

static void end(struct subscription *sub)
{
    fanout_unsubscribe(gateway_fanout(sub->owner->gateway), &sub->live);
    catchup_close(sub->catchup);
    history_cancel(sub->query);
}

/*
 * The cursor of an answer holds for the whole connection, as every cursor does:
 * it is the lowest of all subscriptions that are still catching up.
 */
static void answer(struct subscription *sub, bool recovered)
{
    struct subscriber *s = sub->owner;
    char text[CURSOR_TEXT_MAX + 1];
    struct cursor least;

    intake_cursor(gateway_intake(s->gateway), &least);
    for (const struct subscription *each = s->subscriptions; each != NULL;
         each = each->next) {
        const struct cursor *next;

        if (each->catchup == NULL)
            continue;
        next = catchup_next(each->catchup);
        for (size_t i = 0; i < least.count; i++) {
            int64_t at = i < next->count ? next->next[i] : 0;

            if (at < least.next[i])
                least.next[i] = at;
        }
    }
    cursor_format(&least, text);
    s->ops->answer(s, sub, recovered, text);
}
