/*
 * deploy/ctl/feed.c: subscribes, reads pushes, and comes back after a loss.
 *
 *      {"id":1,"op":"subscribe","channel":"transactions","cursor":"…"}
 *      {"channel":"transactions","events":[<result>,…],"cursor":"…"}
 *
 * From: tx watch, tx demo, bench.
 * To:   deploy/ctl/ws_client.c.
 */
#include "deploy/ctl/feed.h"

#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/loop.h"
#include "deploy/ctl/ws_client.h"
#include "schemas/base/fail.h"
#include "schemas/cursor.h"
#include "schemas/json.h"
#include "schemas/names.h"

#define TARGET "/v1/ws"
/* A turn's events, and a snapshot: fanout's frames hold 64 KiB of events. */
#define MESSAGE_BYTES_MAX (4 * 1048576)
#define DEPTH_MAX 16
#define PAUSE_MS 250
#define PAUSE_MS_MAX 5000
#define REQUEST_BYTES_MAX 2048

struct feed {
    struct feed_options o;
    struct ws_client *client; /* NULL between connections */
    struct loop_timer *timer;
    size_t answered; /* subscriptions of this connection */
    bool resumes;    /* they were asked for with a cursor */
    bool recovered;  /* and all of them were */
    bool ready_once;
    bool over;
    bool inside;  /* in a callback of the owner: the memory must stay */
    bool closing; /* feed_close() came from there */
    int64_t pause_ms;
    char cursor[CURSOR_TEXT_MAX + 1];
};

static void on_opened(void *arg);
static void on_text(void *arg, struct bytes message);
static void on_closed(void *arg, int code, const char *why);

static const struct ws_client_events client_events = {
    .opened = on_opened,
    .text = on_text,
    .closed = on_closed,
};

static void connect_now(void *arg)
{
    struct feed *f = arg;
    struct ws_client_options o = {
        .loop = f->o.loop,
        .url = f->o.url,
        .target = TARGET,
        .protocol = NAMES_WEBSOCKET_PROTOCOL,
        .message_bytes_max = MESSAGE_BYTES_MAX,
        .events = &client_events,
        .arg = f,
    };

    f->answered = 0;
    f->recovered = true;
    f->client = ws_client_open(&o);
}

struct feed *feed_open(const struct feed_options *o)
{
    struct feed *f = calloc(1, sizeof(*f));

    CHECK(f != NULL && o->channel_count > 0 &&
          o->channel_count <= FEED_CHANNELS_MAX);
    f->o = *o;
    f->pause_ms = PAUSE_MS;
    if (o->cursor != NULL)
        snprintf(f->cursor, sizeof(f->cursor), "%s", o->cursor);
    f->timer = loop_timer_open(o->loop, "feed.again", connect_now, f);
    connect_now(f);
    return f;
}

const char *feed_cursor(const struct feed *f)
{
    return f->cursor;
}

static void release(struct feed *f)
{
    loop_timer_close(f->timer);
    ws_client_close(f->client);
    free(f);
}

void feed_close(struct feed *f)
{
    if (f == NULL)
        return;
    f->over = true;
    f->closing = true;
    if (!f->inside)
        release(f);
}

static void ask(struct feed *f, size_t i)
{
    struct json_writer w;
    struct buffer b;

    buffer_init(&b, REQUEST_BYTES_MAX);
    json_writer_init(&w, &b);
    json_writer_object(&w);
    json_writer_name(&w, "id");
    json_writer_int(&w, (int64_t)i);
    json_writer_name(&w, "op");
    json_writer_text(&w, "subscribe");
    json_writer_name(&w, "channel");
    json_writer_text(&w, f->o.channels[i]);
    if (f->cursor[0] != '\0') {
        json_writer_name(&w, "cursor");
        json_writer_text(&w, f->cursor);
    }
    json_writer_end(&w);
    CHECK(!b.overflow);
    ws_client_send(f->client, buffer_bytes(&b));
    buffer_fini(&b);
}

static void on_opened(void *arg)
{
    struct feed *f = arg;

    f->resumes = f->cursor[0] != '\0';
    for (size_t i = 0; i < f->o.channel_count; i++)
        ask(f, i);
}

static void refuse(struct feed *f, struct json_value error)
{
    struct json_value message;
    char why[256] = "the gateway refuses";
    size_t count;

    if (json_member(error, "message", &message) == 0 &&
        json_unescape(message, (uint8_t *)why, sizeof(why) - 1, &count) == 0)
        why[count] = '\0';
    f->over = true;
    f->o.events->refused(f->o.arg, why);
}

/* The answer to one subscribe. */
static void take_answer(struct feed *f, struct json_value ok,
                        struct json_value recovered, struct json_value error)
{
    if (error.type != JSON_ABSENT) {
        refuse(f, error);
        return;
    }
    if (ok.type != JSON_TRUE)
        return;
    if (f->resumes && recovered.type == JSON_FALSE)
        f->recovered = false;
    if (++f->answered != f->o.channel_count)
        return;
    bool first = !f->ready_once;
    f->ready_once = true;
    f->pause_ms = PAUSE_MS;
    f->o.events->ready(f->o.arg, first, f->recovered);
}

static void take_events(struct feed *f, struct json_value channel,
                        struct json_value events)
{
    struct json_walk walk = json_walk(events);
    struct json_value event;
    struct bytes name = BYTES_NONE;

    if (json_plain(channel, &name) < 0)
        return;
    while (!f->over && json_next(&walk, NULL, &event))
        f->o.events->event(f->o.arg, name, event.raw);
}

static void take_cursor(struct feed *f, struct json_value cursor)
{
    struct bytes text;

    if (json_plain(cursor, &text) == 0 && text.count < sizeof(f->cursor))
        snprintf(f->cursor, sizeof(f->cursor), "%.*s", (int)text.count,
                 (const char *)text.data);
}

static void read_message(struct feed *f, struct bytes message)
{
    enum { OK, RECOVERED, ERROR, CHANNEL, EVENTS, CURSOR, MEMBERS };
    static const char *const names[MEMBERS] = {
        "ok", "recovered", "error", "channel", "events", "cursor"};
    struct json_value doc, v[MEMBERS];

    if (json_parse(message, DEPTH_MAX, &doc, NULL) < 0 ||
        json_members(doc, names, MEMBERS, false, v) < 0)
        return;
    if (v[CHANNEL].type != JSON_ABSENT)
        take_events(f, v[CHANNEL], v[EVENTS]);
    /* Only now: the cursor says that everything below it was taken. */
    if (!f->over && v[CURSOR].type == JSON_STRING)
        take_cursor(f, v[CURSOR]);
    if (!f->over && v[CHANNEL].type == JSON_ABSENT)
        take_answer(f, v[OK], v[RECOVERED], v[ERROR]);
}

static void on_text(void *arg, struct bytes message)
{
    struct feed *f = arg;

    if (f->over)
        return;
    f->inside = true;
    read_message(f, message);
    f->inside = false;
    if (f->closing)
        release(f);
}

static void on_closed(void *arg, int code, const char *why)
{
    struct feed *f = arg;
    char words[256];

    f->client = NULL;
    if (f->over)
        return;
    snprintf(words, sizeof(words), code > 0 ? "%s (%d)" : "%s", why, code);
    f->inside = true;
    f->o.events->lost(f->o.arg, words, f->pause_ms);
    f->inside = false;
    if (f->closing) {
        release(f);
        return;
    }
    loop_timer_start(f->timer, f->pause_ms, 0);
    f->pause_ms =
        f->pause_ms * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : f->pause_ms * 2;
}
