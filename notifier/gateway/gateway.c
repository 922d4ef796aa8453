/*
 * notifier/gateway/gateway.c: holds the parts together and decides when frames
 * go out.
 *
 * Results of a loop turn leave together at its end; when that takes long, those
 * of several turns (notifier/gateway/pace.h), and `system` says so.
 *
 * From: notifier/gateway/main.c.
 * To:   notifier/gateway/source.c for results, route.c for requests.
 */
#include "notifier/gateway/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/chunk.h"
#include "consumer/base/clock.h"
#include "consumer/base/http.h"
#include "consumer/base/log.h"
#include "consumer/base/metrics.h"
#include "notifier/gateway/catchup.h"
#include "notifier/gateway/fanout.h"
#include "notifier/gateway/history.h"
#include "notifier/gateway/intake.h"
#include "notifier/gateway/origin.h"
#include "notifier/gateway/pace.h"
#include "notifier/gateway/route.h"
#include "notifier/gateway/source.h"
#include "notifier/gateway/stats.h"
#include "notifier/gateway/submitted.h"
#include "schemas/base/fail.h"

#define GATHERED_BYTES_MAX (4 << 20)
#define SWEEP_MS 1000
#define DRAIN_WAVE 500 /* listeners sent away per DRAIN_WAVE_MS */
#define DRAIN_WAVE_MS 50

struct gateway {
    struct gateway_options options;
    struct source *source;
    struct fanout *fanout;
    struct history *history;
    struct catchup_pool *catchups;
    struct http_server *http;
    struct submitted *submitted;
    struct stats stats;
    struct loop_hook *turn_end;
    struct loop_timer *spread; /* runs while turns are put together */
    struct loop_timer *sweep;
    struct pace pace;
    struct subscriber *subscribers;
    size_t clients, behind, lookups;
    struct subscriber *overflowed;
    struct cursor flushed; /* positions at the last flush */
    char cursor[CURSOR_TEXT_MAX + 1];
    bool ready, draining, closed;
    loop_fn drained;
    void *drained_arg;
    struct metric *events, *frames, *delay, *clients_now, *subscriptions;
    struct metric *cut_slow, *cut_other, *repairs, *repeats, *behind_now;
    uint64_t frames_count, slow_count, other_count;
};

static int open_http(struct gateway *g);
static void request(void *arg, struct http_exchange *x,
                    const struct http_request *r);
static void on_event(void *arg, const struct run_event *e);
static void on_ready(void *arg);
static void on_broken(void *arg, const char *why);
static void turn_ended(void *arg);
static void spread(void *arg);
static void flush_timed(struct gateway *g);
static void say_spread(struct gateway *g);
static void sweep(void *arg);
static void wave(struct gateway *g);
static void open_metrics(struct gateway *g);
static void measure(void *arg);
static void release(struct gateway *g);

int gateway_open(const struct gateway_options *o, struct gateway **out)
{
    struct gateway *g = calloc(1, sizeof(*g));
    struct source_options source = {
        .loop = o->loop,
        .config = o->config,
        .topic = o->topic_results,
        .redis_url = o->redis_url,
        .ring_count_max = o->ring_count_max,
        .hooks = {on_event, on_ready, on_broken},
        .arg = g,
    };
    int rc;

    CHECK(g != NULL);
    g->options = *o;
    stats_init(&g->stats, clock_wall_ms());
    g->fanout = fanout_open();
    g->catchups = catchup_pool_open(g);
    g->turn_end = loop_hook_open(o->loop, "gateway.flush", turn_ended, g);
    g->spread = loop_timer_open(o->loop, "gateway.spread", spread, g);
    g->sweep = loop_timer_open(o->loop, "gateway.sweep", sweep, g);
    loop_timer_start(g->sweep, SWEEP_MS, SWEEP_MS);
    open_metrics(g);
    rc =
        history_open(o->loop, o->database_url, o->topic_submitted, &g->history);
    if (rc < 0)
        log_error("gateway.setting",
                  "name=DATABASE_URL why=\"it does not parse\"");
    if (rc == 0)
        rc = source_open(&source, &g->source);
    if (rc == 0)
        rc = submitted_open(o->loop, o->config, o->topic_submitted,
                            &g->submitted);
    if (rc == 0)
        rc = open_http(g);
    if (rc < 0) {
        gateway_close(g);
        return rc;
    }
    *out = g;
    return 0;
}

static int open_http(struct gateway *g)
{
    struct http_options o = {
        .listen = g->options.listen,
        .name = "gateway",
        .arg = g,
        .request = request,
        .connections_max = (int)g->options.clients_max + 1000,
    };
    int rc = http_server_open(g->options.loop, &o, &g->http);

    if (rc < 0)
        log_error("gateway.listen", "listen=%s why=%s",
                  LOG_TEXT(g->options.listen), fail_name(rc));
    else
        log_info("gateway.listening", "port=%d", http_server_port(g->http));
    return rc;
}

void gateway_drain(struct gateway *g, loop_fn done, void *arg)
{
    g->draining = true;
    g->drained = done;
    g->drained_arg = arg;
    loop_timer_start(g->sweep, 0, DRAIN_WAVE_MS);
}

/*
 * Everything that is open ends; the object itself goes when the last listener
 * and the last lookup have noticed, which is in later turns.
 */
void gateway_close(struct gateway *g)
{
    if (g == NULL)
        return;
    g->closed = true;
    metrics_forget(g);
    for (struct subscriber *s = g->subscribers; s != NULL; s = s->next) {
        s->ops->cut(s, SUBSCRIBER_AWAY, "restart");
        subscriber_end_all(s);
    }
    http_server_close(g->http);
    history_close(g->history);
    source_close(g->source);
    submitted_close(g->submitted);
    loop_hook_close(g->turn_end);
    loop_timer_close(g->spread);
    loop_timer_close(g->sweep);
    release(g);
}

static void release(struct gateway *g)
{
    if (!g->closed || g->clients > 0 || g->lookups > 0)
        return;
    catchup_pool_close(g->catchups);
    fanout_flush(g->fanout, "");
    fanout_close(g->fanout);
    free(g);
}

static void request(void *arg, struct http_exchange *x,
                    const struct http_request *r)
{
    route_request(arg, x, r);
}

static void on_event(void *arg, const struct run_event *e)
{
    struct gateway *g = arg;
    /* What is read at the start was not delivered now. */
    int64_t delay = stats_event(&g->stats, e, g->ready, clock_wall_ms());

    if (delay >= 0)
        metric_observe(g->delay, (double)delay / 1000);
    fanout_event(g->fanout, e);
    loop_hook_arm(g->turn_end);
}

static void on_ready(void *arg)
{
    struct gateway *g = arg;

    intake_cursor(gateway_intake(g), &g->flushed);
    gateway_submitted_ends(g);
    g->ready = true;
}

/* Nobody may go on as if nothing were missing. */
static void on_broken(void *arg, const char *why)
{
    struct gateway *g = arg;

    log_warn("gateway.resync", "clients=%zu why=%s", g->clients, LOG_TEXT(why));
    for (struct subscriber *s = g->subscribers; s != NULL; s = s->next) {
        s->ops->cut(s, SUBSCRIBER_RESYNC, why);
        subscriber_end_all(s);
    }
    fanout_flush(g->fanout, "");
    g->ready = false;
}

static void turn_ended(void *arg)
{
    struct gateway *g = arg;

    if (g->pace.ms == 0 || fanout_gathered(g->fanout) > GATHERED_BYTES_MAX)
        flush_timed(g);
    else if (!loop_timer_running(g->spread))
        loop_timer_start(g->spread, g->pace.ms, 0);
}

static void spread(void *arg)
{
    flush_timed(arg);
}

/* Flushes, and weighs whether turns must be put together. */
static void flush_timed(struct gateway *g)
{
    int64_t began = clock_ms();

    gateway_flush(g);
    if (pace_flushed(&g->pace, clock_ms() - began))
        say_spread(g);
}

static void say_spread(struct gateway *g)
{
    char text[64];
    int count =
        snprintf(text, sizeof(text), "{\"event\":\"coalescing\",\"ms\":%lld}",
                 (long long)g->pace.ms);

    fanout_system(g->fanout, bytes_of(text, (size_t)count));
    log_debug("gateway.coalescing", "ms=%lld", (long long)g->pace.ms);
}

void gateway_flush(struct gateway *g)
{
    struct cursor before = g->flushed;

    if (gateway_intake(g) == NULL)
        return;
    intake_cursor(gateway_intake(g), &g->flushed);
    if (fanout_gathered(g->fanout) == 0)
        return;
    g->frames_count += fanout_flush(g->fanout, gateway_cursor(g));
    while (g->overflowed != NULL) {
        struct subscriber *s = g->overflowed;

        g->overflowed = s->overflowed_next;
        s->overflowed = false;
        /* A partition that is new since then is caught up from its start. */
        subscriber_fall_behind(s, &before);
    }
}

void gateway_overflowed(struct gateway *g, struct subscriber *s)
{
    s->overflowed = true;
    s->overflowed_next = g->overflowed;
    g->overflowed = s;
}

const char *gateway_cursor(struct gateway *g)
{
    struct cursor now;

    intake_cursor(gateway_intake(g), &now);
    cursor_format(&now, g->cursor);
    return g->cursor;
}

/* Once a second; while draining more often. */
static void sweep(void *arg)
{
    struct gateway *g = arg;
    int64_t now = clock_ms();
    struct chunk *alone[FANOUT_FORM_END] = {NULL};

    if (g->draining) {
        wave(g);
        return;
    }
    if (!gateway_serving(g) || g->subscribers == NULL)
        return;
    gateway_flush(g);
    for (int form = 0; form < FANOUT_FORM_END; form++)
        alone[form] =
            fanout_cursor_chunk((enum fanout_form)form, gateway_cursor(g));
    for (struct subscriber *s = g->subscribers; s != NULL; s = s->next)
        subscriber_sweep(s, now, alone[s->ops->form]);
    for (int form = 0; form < FANOUT_FORM_END; form++)
        chunk_drop(alone[form]);
}

/* Sends some away, so that not all of them come again in the same instant. */
static void wave(struct gateway *g)
{
    size_t sent = 0;

    for (struct subscriber *s = g->subscribers; s != NULL && sent < DRAIN_WAVE;
         s = s->next)
        if (!s->ended) {
            s->ops->cut(s, SUBSCRIBER_AWAY, "restart");
            sent++;
        }
    if (g->clients > 0 || g->drained == NULL)
        return;
    loop_timer_stop(g->sweep);
    http_server_drain(g->http, g->drained, g->drained_arg);
    g->drained = NULL;
}

const int64_t *gateway_submitted_ends(struct gateway *g)
{
    const struct intake *in = gateway_intake(g);

    return submitted_ends(g->submitted, in == NULL ? 0 : intake_partitions(in));
}

static void open_metrics(struct gateway *g)
{
    g->events = metric_counter("tidemill_gateway_events_total", NULL,
                               "new results fanned out");
    g->frames = metric_counter("tidemill_gateway_frames_total", NULL,
                               "frames handed to listeners");
    g->repeats = metric_counter("tidemill_gateway_repeats_total", NULL,
                                "results dropped as repeats");
    g->repairs = metric_counter("tidemill_gateway_repairs_total", NULL,
                                "gaps read from the topic");
    g->cut_slow = metric_counter("tidemill_gateway_cut_total", "why=\"slow\"",
                                 "listeners that were cut");
    g->cut_other = metric_counter("tidemill_gateway_cut_total", "why=\"other\"",
                                  "listeners that were cut");
    g->clients_now =
        metric_gauge("tidemill_gateway_clients", NULL, "listeners connected");
    g->subscriptions = metric_gauge("tidemill_gateway_subscriptions", NULL,
                                    "subscriptions that are live");
    g->behind_now = metric_gauge("tidemill_gateway_behind", NULL,
                                 "results in the topic not taken yet");
    g->delay = metric_histogram("tidemill_gateway_delay_seconds", NULL,
                                "accepted to fanned out", METRIC_SECONDS);
    metrics_before(measure, g);
}

static void measure(void *arg)
{
    const struct gateway *g = arg;
    const struct intake *in = gateway_intake(g);

    metric_set(g->frames, (double)g->frames_count);
    metric_set(g->cut_slow, (double)g->slow_count);
    metric_set(g->cut_other, (double)g->other_count);
    metric_set(g->clients_now, (double)g->clients);
    metric_set(g->subscriptions, (double)fanout_subscriptions(g->fanout));
    if (in == NULL)
        return;
    /* A new intake begins at zero; a counter never falls. */
    metric_set(g->events, (double)intake_counts(in)->events);
    metric_set(g->repeats, (double)intake_counts(in)->repeats);
    metric_set(g->repairs, (double)intake_counts(in)->repairs);
    metric_set(g->behind_now, (double)intake_behind(in));
}

int gateway_port(const struct gateway *g)
{
    return http_server_port(g->http);
}

bool gateway_ready(const struct gateway *g, struct buffer *why)
{
    return source_ready(g->source, why);
}

bool gateway_serving(const struct gateway *g)
{
    return g->ready && !g->draining && !g->closed;
}

void gateway_status(const struct gateway *g, struct buffer *json)
{
    const struct intake *in = gateway_intake(g);

    buffer_append_format(
        json,
        "{\"port\":%d,\"clients\":%zu,\"subscriptions\":%zu,\"channels\":%zu,"
        "\"behind\":%lld,\"log\":%d,\"redis\":%s,\"reading_topic\":%s,"
        "\"database\":%s,\"coalescing_ms\":%lld}",
        gateway_port(g), g->clients, fanout_subscriptions(g->fanout),
        fanout_channels(g->fanout),
        (long long)(in == NULL ? 0 : intake_behind(in)),
        in == NULL ? 0 : (int)intake_log(in),
        source_redis(g->source) ? "true" : "false",
        source_tailing(g->source) ? "true" : "false",
        history_up(g->history) ? "true" : "false", (long long)g->pace.ms);
}

struct loop *gateway_loop(const struct gateway *g)
{
    return g->options.loop;
}

const struct gateway_options *gateway_options(const struct gateway *g)
{
    return &g->options;
}

struct fanout *gateway_fanout(struct gateway *g)
{
    return g->fanout;
}

struct history *gateway_history(struct gateway *g)
{
    return g->history;
}

struct catchup_pool *gateway_catchups(struct gateway *g)
{
    return g->catchups;
}

struct reader *gateway_reader(struct gateway *g)
{
    return source_reader(g->source);
}

const struct source *gateway_source(const struct gateway *g)
{
    return g->source;
}

const struct stats *gateway_stats(const struct gateway *g)
{
    return &g->stats;
}

const struct intake *gateway_intake(const struct gateway *g)
{
    return g->source == NULL ? NULL : source_intake(g->source);
}

void gateway_enter(struct gateway *g, struct subscriber *s)
{
    s->next = g->subscribers;
    s->link = &g->subscribers;
    if (s->next != NULL)
        s->next->link = &s->next;
    g->subscribers = s;
    g->clients++;
}

void gateway_leave(struct gateway *g, struct subscriber *s)
{
    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    g->clients--;
    release(g);
}

size_t gateway_clients(const struct gateway *g)
{
    return g->clients;
}

size_t *gateway_behind(struct gateway *g)
{
    return &g->behind;
}

bool gateway_lookup_begin(struct gateway *g, size_t most)
{
    if (g->lookups >= most || g->closed)
        return false;
    g->lookups++;
    return true;
}

void gateway_lookup_end(struct gateway *g)
{
    g->lookups--;
    release(g);
}

void gateway_count_cut(struct gateway *g, int code)
{
    if (code == SUBSCRIBER_SLOW)
        g->slow_count++;
    else
        g->other_count++;
}

bool gateway_origin_allowed(const struct gateway *g, struct bytes origin,
                            struct bytes host)
{
    return origin_allowed(g->options.origins, origin, host);
}
