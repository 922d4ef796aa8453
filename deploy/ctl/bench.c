/*
 * deploy/ctl/bench.c: `tidemill bench`: sends at its times, whatever the
 * answers do.
 *
 *      time 0   1   2   3   4   5 ms      intended
 *           a   b   c   d   e   f
 *           |   '-- b waits for a connection: its latency counts from here
 *           '-- answered, arrived: latency from the intended time
 *
 * A closed loop slows down with what it measures and hides the worst; this one
 * does not. Everything is signed before the clock starts.
 *
 * From: deploy/ctl/main.c, tests/bench.
 * To:   deploy/ctl/posts.c, feed.c; procs.c tells what it cost others.
 */
#include "deploy/ctl/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consumer/base/clock.h"
#include "consumer/base/loop.h"
#include "deploy/ctl/feed.h"
#include "deploy/ctl/load.h"
#include "deploy/ctl/posts.h"
#include "deploy/ctl/tx.h"
#include "deploy/ctl/url.h"
#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "schemas/names.h"
#include "schemas/result.h"

#define SUBSCRIBE_MS 15000
#define DRAIN_MS 30000 /* after the last send */
#define SUBSCRIBERS_MAX 64
#define CONNECTIONS_MAX 2000

struct bench;

struct listener {
    struct bench *bench;
    struct feed *feed;
    uint8_t *arrived; /* a byte each */
};

/* Of each transaction: what the door said. */
enum fate { FATE_OUT, FATE_STORED, FATE_REPEATED, FATE_FAILED };

struct bench {
    struct loop *loop;
    struct loop_timer *timer;
    struct load *load;
    struct posts *posts;
    uint8_t *fates;
    struct listener listeners[SUBSCRIBERS_MAX];
    struct command_progress *progress;
    struct bench_report *report;
    size_t count, warm; /* the first `warm` are not counted */
    size_t sent, answered, stored_all;
    size_t arrived_all; /* over all listeners */
    size_t ready;       /* listeners that are subscribed */
    int64_t start_ns, warm_ns, last_answer_ns;
    uint64_t cpu_before[PROCS_MAX];
    int64_t own_before_us;
    bool subscribed, done, refused;
    int trouble; /* a command_exit from inside the loop */
    char why[256];
};

static const char *http_url, *gateway_url, *presigned, *pids;
static long long rate = 1000, seconds = 10, warm_seconds, connections;
static long long subscribers = 1, chain_id = 1;
static bool json;

static const struct setting settings[] = {
    SETTING_TEXT("HTTP_URL", &http_url, TX_HTTP_URL,
                 "where the door is: http://host:port"),
    SETTING_TEXT("GATEWAY_URL", &gateway_url, TX_GATEWAY_URL,
                 "where the gateway is: http://host:port"),
};

static const struct command_option options[] = {
    COMMAND_COUNT("rate", &rate, 1, 100000, "transactions a second (1000)"),
    COMMAND_COUNT("seconds", &seconds, 1, 86400, "how long (10)"),
    COMMAND_COUNT("warm", &warm_seconds, 0, 600,
                  "seconds before that, which are not counted (0)"),
    COMMAND_COUNT("connections", &connections, 1, CONNECTIONS_MAX,
                  "kept open to the door (16, and one for 20/s)"),
    COMMAND_COUNT("subscribers", &subscribers, 0, SUBSCRIBERS_MAX,
                  "WebSocket listeners to all transactions (1)"),
    COMMAND_COUNT("chain-id", &chain_id, 1, 4611686018427387000,
                  "EIP-155 chain id (1)"),
    COMMAND_TEXT("presigned", &presigned, "FILE",
                 "hex made by `tidemill gen`, instead of signing now"),
    COMMAND_TEXT("pids", &pids, "NAME=PID,…",
                 "processes whose CPU time is told for each transaction"),
    COMMAND_FLAG("json", &json, "one JSON object"),
};

/* When the i-th is to be sent. */
static int64_t intended_ns(const struct bench *b, size_t i)
{
    return b->start_ns + (int64_t)((double)i * 1000000000.0 / (double)rate);
}

/* Everything answered, and everything stored has arrived everywhere? */
static void look(struct bench *b)
{
    if (b->progress != NULL && b->answered % 64 == 0)
        command_progress_set(b->progress, b->answered);
    b->done = b->answered == b->count &&
              b->arrived_all >= b->stored_all * (size_t)subscribers;
}

static void count_error(struct bench_report *r, const struct posted *p)
{
    char kind[BENCH_KIND_MAX + 1];
    size_t i;

    snprintf(kind, sizeof(kind), "%d %.48s", p->status, p->code);
    for (i = 0; i < r->error_kinds; i++)
        if (strcmp(r->errors[i].kind, kind) == 0)
            break;
    if (i == BENCH_KINDS_MAX)
        return;
    if (i == r->error_kinds) {
        memcpy(r->errors[i].kind, kind, sizeof(kind));
        r->error_kinds++;
    }
    r->errors[i].count++;
}

static void on_answer(void *arg, void *item, const struct http_outcome *o)
{
    struct bench *b = arg;
    size_t i = (size_t)(uintptr_t)item;
    int64_t now = clock_ns();
    struct posted p;

    b->answered++;
    b->last_answer_ns = now;
    if (o->rc == 0 && o->answer->status == 202) {
        b->fates[i] = FATE_STORED;
        b->stored_all++;
        /* Listeners may have been faster than the answer. */
        for (long long k = 0; k < subscribers; k++)
            b->arrived_all += b->listeners[k].arrived[i];
        if (i >= b->warm)
            latency_note(&b->report->answered,
                         (now - intended_ns(b, i)) / 1000);
    } else if (o->rc == 0 && o->answer->status == 200) {
        b->fates[i] = FATE_REPEATED;
    } else {
        b->fates[i] = FATE_FAILED;
        posted_read(o, &p);
        count_error(b->report, &p);
    }
    look(b);
}

/* ---- listeners ---- */

static void on_event(void *arg, struct bytes channel, struct bytes event)
{
    struct listener *l = arg;
    struct bench *b = l->bench;
    struct result_view v;
    uint8_t hash[32];
    size_t bytes;
    int64_t i;

    (void)channel;
    if (result_view_parse(event, &v) < 0 || v.hash.data == NULL ||
        hex_decode_0x(v.hash, hash, sizeof(hash), &bytes) < 0 || bytes != 32)
        return;
    i = load_find(b->load, hash);
    if (i < 0 || l->arrived[i] != 0)
        return;
    l->arrived[i] = 1;
    if ((size_t)i >= b->warm)
        latency_note(&b->report->arrived,
                     (clock_ns() - intended_ns(b, (size_t)i)) / 1000);
    if (b->fates[i] == FATE_STORED) {
        b->arrived_all++;
        look(b);
    }
}

static void on_ready(void *arg, bool first, bool recovered)
{
    struct listener *l = arg;

    if (first && ++l->bench->ready == (size_t)subscribers)
        l->bench->subscribed = true;
    if (!recovered)
        fprintf(stderr, "tidemill: a listener could not resume\n");
}

static void on_lost(void *arg, const char *why, int64_t pause_ms)
{
    struct listener *l = arg;

    (void)pause_ms;
    snprintf(l->bench->why, sizeof(l->bench->why), "%s", why);
    if (l->bench->subscribed)
        fprintf(stderr, "tidemill: a listener lost its connection: %s\n", why);
}

static void on_refused(void *arg, const char *why)
{
    struct listener *l = arg;

    snprintf(l->bench->why, sizeof(l->bench->why), "%s", why);
    l->bench->refused = true;
    l->bench->subscribed = true;
    l->bench->done = true;
}

static const struct feed_events events = {
    .ready = on_ready,
    .event = on_event,
    .lost = on_lost,
    .refused = on_refused,
};

static int subscribe(struct bench *b, const struct url *url)
{
    static const char *const channels[] = {NAMES_CHANNEL_TRANSACTIONS};
    struct feed_options o = {
        .loop = b->loop,
        .url = url,
        .channels = channels,
        .channel_count = 1,
        .events = &events,
    };

    for (long long k = 0; k < subscribers; k++) {
        struct listener *l = &b->listeners[k];
        l->bench = b;
        l->arrived = calloc(b->count, 1);
        CHECK(l->arrived != NULL);
        o.arg = l;
        l->feed = feed_open(&o);
    }
    b->subscribed = subscribers == 0;
    if (command_run_until(b->loop, &b->subscribed, SUBSCRIBE_MS) < 0)
        return command_fail(COMMAND_UNAVAILABLE, "the gateway at %s: %s",
                            gateway_url, b->why);
    return b->refused ? command_fail(COMMAND_DENIED, "the gateway: %s", b->why)
                      : 0;
}

/* ---- sending ---- */

static int64_t own_cpu_us(void)
{
    struct timespec t;

    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void read_cpu(struct bench *b, uint64_t *out_us)
{
    size_t gone;

    if (procs_read(&b->report->procs, out_us, &gone) < 0) {
        b->trouble = command_fail(COMMAND_DATA, "%s, process %d, has gone",
                                  b->report->procs.list[gone].name,
                                  b->report->procs.list[gone].pid);
        b->done = true;
    }
}

/* The first counted one goes out now. */
static void begin_to_count(struct bench *b, int64_t now)
{
    b->warm_ns = now;
    b->own_before_us = own_cpu_us();
    read_cpu(b, b->cpu_before);
}

static void tick(void *arg)
{
    struct bench *b = arg;
    int64_t now = clock_ns();
    size_t waiting;

    while (b->sent < b->count && intended_ns(b, b->sent) <= now) {
        if (b->sent == b->warm)
            begin_to_count(b, now);
        posts_put(b->posts, load_raw(b->load, b->sent),
                  (void *)(uintptr_t)b->sent);
        b->sent++;
    }
    waiting = posts_waiting(b->posts);
    if (waiting > b->report->connections &&
        waiting - b->report->connections > b->report->waited_max)
        b->report->waited_max = waiting - b->report->connections;
    if (b->sent == b->count)
        loop_timer_stop(b->timer);
}

static int send_all(struct bench *b, const struct url *url)
{
    char chain[48];
    struct posts_options o = {
        .loop = b->loop,
        .url = url,
        .chain = chain,
        .connections = b->report->connections,
        .done = on_answer,
        .arg = b,
    };
    int rc;

    snprintf(chain, sizeof(chain), "eip155:%lld", chain_id);
    b->posts = posts_open(&o);
    b->timer = loop_timer_open(b->loop, "bench.tick", tick, b);
    b->progress = command_progress_open("bench", b->count);
    b->start_ns = clock_ns();
    loop_timer_start(b->timer, 0, 1);
    rc = command_run_until(b->loop, &b->done,
                           (seconds + warm_seconds) * 1000 + DRAIN_MS);
    command_progress_set(b->progress, b->answered);
    command_progress_close(b->progress);
    loop_timer_close(b->timer);
    posts_close(b->posts);
    if (b->refused)
        return command_fail(COMMAND_DENIED, "the gateway: %s", b->why);
    return rc == FAIL_GONE ? COMMAND_TEMPORARY : b->trouble;
}

/* ---- the sums ---- */

static void sum(struct bench *b)
{
    struct bench_report *r = b->report;
    uint64_t cpu_after[PROCS_MAX];
    int64_t own_after_us = own_cpu_us();

    for (size_t i = b->warm; i < b->sent; i++) {
        r->sent++;
        r->repeated += b->fates[i] == FATE_REPEATED;
        if (b->fates[i] != FATE_STORED)
            continue;
        r->stored++;
        for (long long k = 0; k < subscribers; k++)
            r->missing += b->listeners[k].arrived[i] == 0;
    }
    if (r->stored == 0)
        return;
    r->stored_rate =
        (double)r->stored * 1e9 / (double)(b->last_answer_ns - b->warm_ns + 1);
    r->client_cpu_us =
        (double)(own_after_us - b->own_before_us) / (double)r->stored;
    read_cpu(b, cpu_after);
    for (size_t i = 0; i < r->procs.count && b->trouble == 0; i++)
        r->cpu_us[procs_first(&r->procs, i)] +=
            (double)(cpu_after[i] - b->cpu_before[i]) / (double)r->stored;
}

static int run_on(struct bench *b)
{
    struct url door, gateway;
    int rc;

    tx_quiet();
    if (tx_url(http_url, &door) != 0)
        return COMMAND_USAGE;
    if (tx_url(gateway_url, &gateway) != 0)
        return COMMAND_USAGE;
    rc = subscribe(b, &gateway);
    if (rc == 0)
        rc = send_all(b, &door);
    if (rc == 0)
        sum(b);
    if (rc == 0)
        rc = b->trouble;
    if (rc != 0)
        return rc;
    if (json)
        bench_print_json(b->report);
    else
        bench_print(b->report);
    return b->report->missing > 0                ? COMMAND_DIFFERS
           : b->report->stored < b->report->sent ? COMMAND_TEMPORARY
                                                 : COMMAND_OK;
}

static int open_load(struct bench *b)
{
    long long count = rate * (seconds + warm_seconds);

    if (count > LOAD_MAX)
        return command_fail(COMMAND_USAGE,
                            "%lld transactions are more than %d: a lower rate, "
                            "or fewer seconds",
                            count, LOAD_MAX);
    b->count = (size_t)count;
    b->warm = (size_t)(rate * warm_seconds);
    b->fates = calloc(b->count, 1);
    CHECK(b->fates != NULL);
    if (presigned != NULL)
        return load_read(presigned, b->count, &b->load);
    return load_sign(b->count, (uint64_t)chain_id, &b->load) < 0
               ? command_fail(COMMAND_SOFTWARE, "no signer")
               : 0;
}

static int run(int argc, char **argv)
{
    static struct bench_report report;
    static struct bench b;
    int rc;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE, "bench takes no operands");
    if (pids != NULL && procs_parse(pids, &report.procs) < 0)
        return command_fail(COMMAND_USAGE, "--pids is name=pid,name=pid");
    report.rate = (double)rate;
    report.seconds = (double)seconds;
    report.connections =
        connections > 0 ? (size_t)connections : 16 + (size_t)(rate / 20);
    report.subscribers = (size_t)subscribers;
    b.report = &report;
    rc = open_load(&b);
    if (rc == 0 && loop_open(&b.loop) < 0)
        rc = command_fail(COMMAND_SOFTWARE, "no loop");
    if (rc == 0)
        rc = run_on(&b);
    for (size_t k = 0; k < SUBSCRIBERS_MAX; k++) {
        feed_close(b.listeners[k].feed);
        free(b.listeners[k].arrived);
    }
    if (b.loop != NULL)
        loop_close(b.loop);
    load_close(b.load);
    free(b.fates);
    return rc;
}

const struct command command_bench = {
    .name = "bench",
    .usage = "[--rate=N] [--seconds=S] [--subscribers=N] [--pids=NAME=PID,…]",
    .help =
        "sends at fixed times, whatever the answers do, and tells latencies\n"
        "Each is counted from the time its transaction was to be sent. Ends "
        "with 1 when\none that was stored does not arrive, with 75 when one "
        "was not stored.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
