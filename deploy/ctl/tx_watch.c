/*
 * deploy/ctl/tx_watch.c: `tidemill tx watch`: prints events as they come.
 *
 *      14:20:00.123 verified   eip155:1 0x5c50… 0xa1e4… -> 0x5df9… 1.5 1-3-88
 *
 * After a lost connection it comes back with its cursor, so that nothing is
 * missed while the gateway still has it, and says so.
 *
 * From: deploy/ctl/main.c.
 * To:   deploy/ctl/feed.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "deploy/ctl/event.h"
#include "deploy/ctl/feed.h"
#include "deploy/ctl/tx.h"
#include "deploy/ctl/url.h"
#include "schemas/base/fail.h"

struct watch {
    struct feed *feed;
    long long seen;
    bool done;
    int exit;
};

static const char *gateway_url, *url_option, *cursor;
static long long count;
static bool json;

static const struct setting settings[] = {
    SETTING_TEXT("GATEWAY_URL", &gateway_url, TX_GATEWAY_URL,
                 "where the gateway is: http://host:port"),
};

static const struct command_option options[] = {
    COMMAND_TEXT("url", &url_option, "URL", "the same as --gateway-url"),
    COMMAND_TEXT("cursor", &cursor, "CURSOR", "resume there"),
    COMMAND_COUNT("count", &count, 1, 1000000000000, "end after so many"),
    COMMAND_FLAG("json", &json, "events as they are, one JSON object a line"),
};

static void on_ready(void *arg, bool first, bool recovered)
{
    (void)arg;
    if (!recovered)
        fprintf(stderr,
                "tidemill: some events are gone: the gateway does not "
                "reach back to the cursor\n");
    else if (!first)
        fprintf(stderr, "tidemill: connected again, nothing was missed\n");
}

static void on_event(void *arg, struct bytes channel, struct bytes event)
{
    struct watch *w = arg;

    (void)channel;
    if (json) {
        fwrite(event.data, 1, event.count, stdout);
        putchar('\n');
    } else {
        event_print(event);
    }
    fflush(stdout);
    if (++w->seen == count || ferror(stdout)) {
        w->done = true;
        feed_close(w->feed);
        w->feed = NULL;
    }
}

static void on_lost(void *arg, const char *why, int64_t pause_ms)
{
    struct watch *w = arg;
    const char *at = feed_cursor(w->feed);

    fprintf(stderr, "tidemill: %s; again in %.2f s%s%s\n", why,
            (double)pause_ms / 1000, *at != '\0' ? ", from cursor " : "", at);
}

static void on_refused(void *arg, const char *why)
{
    struct watch *w = arg;

    w->exit = command_fail(COMMAND_DENIED, "%s", why);
    w->done = true;
}

static const struct feed_events events = {
    .ready = on_ready,
    .event = on_event,
    .lost = on_lost,
    .refused = on_refused,
};

/* A signal is how one that has no count is meant to end. */
static int watch(struct loop *loop, const struct url *url, int argc,
                 char **argv)
{
    struct watch w = {.exit = COMMAND_OK};
    struct feed_options o = {
        .loop = loop,
        .url = url,
        .channels = (const char *const *)argv + 1,
        .channel_count = (size_t)argc - 1,
        .cursor = cursor,
        .events = &events,
        .arg = &w,
    };
    int rc;

    w.feed = feed_open(&o);
    rc = command_run_until(loop, &w.done, 0);
    if (rc < 0 && *feed_cursor(w.feed) != '\0')
        fprintf(stderr, "tidemill: to go on: --cursor=%s\n",
                feed_cursor(w.feed));
    feed_close(w.feed);
    return rc < 0 && count > 0 ? COMMAND_TEMPORARY : w.exit;
}

static int run(int argc, char **argv)
{
    static char name[] = "transactions";
    char *all[] = {argv[0], name, NULL};
    struct loop *loop;
    struct url url;
    const char *text = url_option != NULL ? url_option : gateway_url;
    int rc;

    if (argc > 1 + FEED_CHANNELS_MAX)
        return command_fail(COMMAND_USAGE, "at most %d channels",
                            FEED_CHANNELS_MAX);
    tx_quiet();
    if (tx_url(text, &url) != 0)
        return COMMAND_USAGE;
    if (loop_open(&loop) < 0)
        return command_fail(COMMAND_SOFTWARE, "no loop");
    rc = argc > 1 ? watch(loop, &url, argc, argv) : watch(loop, &url, 2, all);
    loop_close(loop);
    return rc;
}

const struct command command_tx_watch = {
    .name = "tx watch",
    .usage = "[--url=URL] [--cursor=CURSOR] [--count=N] [--json] CHANNEL…",
    .help =
        "prints events of channels as they come\n"
        "Channels: transactions (when none is named), account:<address>,\n"
        "transaction:<chain>:<hash>, system.",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .settings = settings,
    .settings_count = sizeof(settings) / sizeof(settings[0]),
    .run = run,
};
