/*
 * deploy/ctl/tx_demo.c: `tidemill tx demo`: the main job before your eyes.
 *
 *      subscribe --> send N --> 202s and events come --> when was what? --> end
 *
 * Sends at its rate over keep-alive connections, shows what arrives, and ends
 * with the time each stage took. Nothing in a result helps it: the send, the
 * 202 and the arrival are its own times, the two appends are the broker's.
 *
 * From: deploy/ctl/main.c, deploy/local/demo.
 * To:   deploy/ctl/posts.c, feed.c, results.c; demo.c counts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/loop.h"
#include "deploy/ctl/demo.h"
#include "deploy/ctl/event.h"
#include "deploy/ctl/feed.h"
#include "deploy/ctl/results.h"
#include "deploy/ctl/tx.h"
#include "deploy/ctl/url.h"
#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "schemas/names.h"

#define SUBSCRIBE_MS 15000
#define MISSING_MS 30000 /* a 202 arrives within this, or it is missing */
#define MISSING_NAMED 5
#define LINES 20    /* shown of all arrivals when nobody looks */
#define LINE_MS 100 /* and for somebody who looks, one in so long */
#define LINE_BYTES_MAX 8192

struct demo {
    struct loop *loop;
    struct loop_timer *timer;
    struct posts *posts;
    struct feed *feed;
    struct hashes *hashes;
    struct demo_item *items;
    size_t count, sent, answered;
    size_t expected; /* stored for the first time */
    size_t arrived;  /* of them */
    size_t settled;  /* items of which nothing more is waited for */
    struct command_progress *progress;
    int64_t started_ms, line_ms;
    size_t line_every;
    bool subscribed, done;
    const char *trouble; /* why the subscription is over; NULL: it is not */
    char why[256];
    char first_failure[400];
};

static const char *http_url, *gateway_url, *brokers, *topic_results;
static long long count = 500, rate = 200, chain_id = 1;
static bool json;

static const struct setting settings[] = {
    SETTING_TEXT("HTTP_URL", &http_url, TX_HTTP_URL,
                 "where the door is: http://host:port"),
    SETTING_TEXT("GATEWAY_URL", &gateway_url, TX_GATEWAY_URL,
                 "where the gateway is: http://host:port"),
    SETTING_TEXT("KAFKA_BROKERS", &brokers, "127.0.0.1:9092",
                 "brokers to ask first, host:port,host:port"),
    SETTING_TEXT("TOPIC_RESULTS", &topic_results, NAMES_TOPIC_RESULTS,
                 "topic of what became of it"),
};

static const struct command_option options[] = {
    COMMAND_COUNT("count", &count, 1, 100000, "transactions (500)"),
    COMMAND_COUNT("rate", &rate, 1, 20000, "a second (200)"),
    COMMAND_COUNT("chain-id", &chain_id, 1, 4611686018427387000,
                  "EIP-155 chain id (1)"),
    COMMAND_FLAG("json", &json, "only the sums, as one JSON object"),
};

/* ---- what comes back ---- */

/* Everything is answered, and everything stored has arrived? */
static void look(struct demo *d)
{
    if (d->progress != NULL)
        command_progress_set(d->progress, d->settled);
    d->done = d->answered == d->count && d->arrived == d->expected;
}

static void on_answer(void *arg, void *opaque, const struct http_outcome *o)
{
    struct demo *d = arg;
    struct demo_item *item = opaque;

    item->answered_ns = clock_ns();
    posted_read(o, &item->posted);
    d->answered++;
    if (item->posted.stored && item->repeats < 0)
        d->expected++;
    else
        d->settled++;
    if (!item->posted.stored && item->posted.status != 422 &&
        d->first_failure[0] == '\0')
        snprintf(d->first_failure, sizeof(d->first_failure), "%d %s: %s",
                 item->posted.status, item->posted.code, item->posted.why);
    /* The event may have come before the answer. */
    if (item->posted.stored && item->repeats < 0 && item->arrived_ns > 0) {
        d->arrived++;
        d->settled++;
    }
    look(d);
}

/* Prints a few of many, and all forgeries, above the bar. */
static void show(struct demo *d, size_t number, struct bytes event)
{
    bool honest = d->items[number].kind == GEN_HONEST;
    bool watched = isatty(STDOUT_FILENO) == 1;
    int64_t now = clock_ms();
    struct buffer line;

    if (json || (honest && (watched ? now - d->line_ms < LINE_MS
                                    : number % d->line_every != 0)))
        return;
    d->line_ms = now;
    buffer_init(&line, LINE_BYTES_MAX);
    event_format(event, &line);
    printf("%s%s\n", watched ? "\r\033[K" : "", buffer_text(&line));
    fflush(stdout);
    buffer_fini(&line);
}

static void on_event(void *arg, struct bytes channel, struct bytes event)
{
    struct demo *d = arg;
    struct result_view v;
    struct demo_item *item;
    uint8_t hash[32];
    size_t bytes;
    int64_t i;

    (void)channel;
    if (result_view_parse(event, &v) < 0 || v.hash.data == NULL ||
        hex_decode_0x(v.hash, hash, sizeof(hash), &bytes) < 0 || bytes != 32)
        return;
    i = hashes_find(d->hashes, hash);
    if (i < 0 || d->items[i].arrived_ns > 0)
        return;
    item = &d->items[i];
    item->arrived_ns = clock_ns();
    item->type = v.type;
    if (item->posted.stored) {
        d->arrived++;
        d->settled++;
    }
    show(d, (size_t)i, event);
    look(d);
}

static void on_ready(void *arg, bool first, bool recovered)
{
    struct demo *d = arg;

    (void)first;
    (void)recovered;
    d->subscribed = true;
}

static void on_lost(void *arg, const char *why, int64_t pause_ms)
{
    struct demo *d = arg;

    (void)pause_ms;
    snprintf(d->why, sizeof(d->why), "%s", why);
    if (d->subscribed)
        fprintf(stderr, "\ntidemill: %s; connecting again\n", why);
}

static void on_refused(void *arg, const char *why)
{
    struct demo *d = arg;

    snprintf(d->why, sizeof(d->why), "%s", why);
    d->trouble = d->why;
    d->subscribed = true;
    d->done = true;
}

static const struct feed_events events = {
    .ready = on_ready,
    .event = on_event,
    .lost = on_lost,
    .refused = on_refused,
};

/* ---- the steps, in order ---- */

static int subscribe(struct demo *d, const struct url *url)
{
    static const char *const channels[] = {NAMES_CHANNEL_TRANSACTIONS};
    struct feed_options o = {
        .loop = d->loop,
        .url = url,
        .channels = channels,
        .channel_count = 1,
        .events = &events,
        .arg = d,
    };
    int rc;

    d->feed = feed_open(&o);
    rc = command_run_until(d->loop, &d->subscribed, SUBSCRIBE_MS);
    if (rc < 0)
        return command_fail(COMMAND_UNAVAILABLE, "the gateway at %s: %s",
                            gateway_url, d->why);
    if (d->trouble != NULL)
        return command_fail(COMMAND_DENIED, "the gateway at %s: %s",
                            gateway_url, d->trouble);
    return 0;
}

/* Sends what is due by now. */
static void tick(void *arg)
{
    struct demo *d = arg;
    int64_t now = clock_ms();
    size_t due = (size_t)((now - d->started_ms) * rate / 1000) + 1;

    for (; d->sent < d->count && d->sent < due; d->sent++) {
        struct demo_item *item = &d->items[d->sent];
        item->sent_ns = clock_ns();
        item->sent_ms = clock_wall_ms();
        posts_put(d->posts, bytes_of(item->raw, item->count), item);
    }
    if (d->sent == d->count)
        loop_timer_stop(d->timer);
}

static int send_all(struct demo *d, const struct url *url)
{
    struct posts_options o = {
        .loop = d->loop,
        .url = url,
        .connections = 16 + (size_t)rate / 40,
        .done = on_answer,
        .arg = d,
    };
    char chain[48];
    int rc;

    snprintf(chain, sizeof(chain), "eip155:%lld", chain_id);
    o.chain = chain;
    d->posts = posts_open(&o);
    d->timer = loop_timer_open(d->loop, "demo.tick", tick, d);
    d->progress = json ? NULL : command_progress_open("demo", d->count);
    d->started_ms = clock_ms();
    loop_timer_start(d->timer, 0, 1);
    rc = command_run_until(d->loop, &d->done,
                           (int64_t)d->count * 1000 / rate + MISSING_MS);
    command_progress_close(d->progress);
    loop_timer_close(d->timer);
    posts_close(d->posts);
    return rc == FAIL_GONE ? COMMAND_TEMPORARY : 0;
}

static void on_result(void *arg, const uint8_t hash[32], int64_t append_ms)
{
    struct demo *d = arg;
    int64_t i = hashes_find(d->hashes, hash);

    if (i >= 0 && d->items[i].results_ms == 0)
        d->items[i].results_ms = append_ms;
}

/* Names the first few that did not arrive. */
static void name_missing(const struct demo *d)
{
    const struct demo_item *item;
    char hash[65];
    int named = 0;

    for (size_t i = 0; i < d->count && named < MISSING_NAMED; i++) {
        item = &d->items[i];
        if (!item->posted.stored || item->repeats >= 0 || item->arrived_ns > 0)
            continue;
        hex_encode(bytes_of(item->hash, 32), hash);
        fprintf(stderr,
                "tidemill: 0x%s was answered 202 (record %" PRId32 "-%" PRId64
                ") and has not arrived\n",
                hash, item->posted.partition, item->posted.offset);
        named++;
    }
}

static int verdict(const struct demo *d, const struct demo_sums *s)
{
    if (s->missing > 0) {
        name_missing(d);
        return command_fail(COMMAND_DIFFERS,
                            "%zu of %zu did not arrive within %d s", s->missing,
                            s->stored, MISSING_MS / 1000);
    }
    if (s->wrong > 0)
        return command_fail(COMMAND_DIFFERS, "%zu have a wrong verdict",
                            s->wrong);
    if (s->failed > 0 || d->answered < d->count)
        return command_fail(COMMAND_TEMPORARY,
                            "%zu were not stored; the first: %s", s->failed,
                            d->first_failure);
    return COMMAND_OK;
}

static int demo(struct demo *d, struct results *results)
{
    static struct demo_sums sums;
    struct url door, gateway;
    int64_t took;
    bool known;
    int rc;

    tx_quiet();
    if (tx_url(http_url, &door) != 0)
        return COMMAND_USAGE;
    if (tx_url(gateway_url, &gateway) != 0)
        return COMMAND_USAGE;
    rc = subscribe(d, &gateway);
    if (rc == 0)
        rc = send_all(d, &door);
    took = clock_ms() - d->started_ms;
    if (rc != 0)
        return rc;
    known = results_read(results, on_result, d) == 0;
    demo_sum(d->items, d->count, &sums);
    if (json)
        demo_print_json(&sums, d->count, took);
    else
        demo_print(&sums, d->count, took, known);
    fflush(stdout);
    return verdict(d, &sums);
}

static int run(int argc, char **argv)
{
    struct demo d = {.count = (size_t)count};
    struct results *results = NULL;
    int rc;

    (void)argv;
    if (argc > 1)
        return command_fail(COMMAND_USAGE, "tx demo takes no operands");
    if (loop_open(&d.loop) < 0)
        return command_fail(COMMAND_SOFTWARE, "no loop");
    d.line_every = d.count < LINES ? 1 : d.count / LINES;
    d.items = calloc(d.count, sizeof(*d.items));
    CHECK(d.items != NULL);
    d.hashes = hashes_open(d.count);
    if (demo_make(d.items, d.count, (uint64_t)chain_id, d.hashes) < 0)
        rc = command_fail(COMMAND_SOFTWARE, "no signer");
    else
        rc = results_open(d.loop, brokers, topic_results, &results);
    if (rc == 0)
        rc = demo(&d, results);
    feed_close(d.feed);
    results_close(results);
    loop_close(d.loop);
    hashes_close(d.hashes);
    for (size_t i = 0; i < d.count; i++)
        free(d.items[i].raw);
    free(d.items);
    return rc;
}

const struct command command_tx_demo = {
    .name = "tx demo",
    .usage = "[--count=N] [--rate=N] [--json]",
    .help =
        "sends fresh transactions, shows them arrive, and times each stage\n"
        "Some are forged, and some are sent twice. Ends with 1 when one\n"
        "that was answered 202 does not arrive within 30 s.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
