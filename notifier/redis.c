/*
 * notifier/redis.c: the only file that talks to Redis.
 *
 *   DOWN --pause--> RESOLVING --> CONNECTING --> GREETING --> UP
 *     ^                 |             |             |          |
 *     +-----------------+-------------+-------------+----------+
 *
 * GREETING is AUTH, SELECT, then PING or SUBSCRIBE; when they are answered we
 * are UP. hiredis parses and formats; descriptors, deadlines and reconnecting
 * are ours, because its own adapter never reports a refused connection. Its
 * context may free itself inside any call that reads or writes: cleaned_up()
 * hears of it, and nothing here touches `context` after such a call without
 * looking again.
 *
 * The sign of life of a listening connection is a repeated SUBSCRIBE of its
 * first channel: hiredis 0.14 keeps a little memory for every PING sent there.
 *
 * From: notifier/publish.c with runs; the gateway with channels to listen to.
 * To:   Redis, and notifier/gateway/intake.c with what others published.
 */
#include "notifier/redis.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/resolve.h"
#include "notifier/redis_url.h"
#include "schemas/base/fail.h"

#define CONNECT_MS 3000
#define SILENCE_MS 3000
#define QUEUED_BYTES_MAX (32u << 20)
#define PAUSE_MS_FIRST 100
#define PAUSE_MS_MAX 2000
#define WATCH_MS 250
#define ASK_MS 1000
#define CHANNELS_MAX 256
#define WHY_MAX 200

enum redis_state {
    REDIS_DOWN,
    REDIS_RESOLVING,
    REDIS_CONNECTING,
    REDIS_GREETING,
    REDIS_UP
};

struct redis {
    struct redis_options options;
    struct redis_url url;
    enum redis_state state;
    bool closing;
    struct resolve *resolve;
    redisAsyncContext *context; /* NULL when there is none */
    struct loop_poll *poll;
    bool want_read, want_write;
    bool flushing;
    struct loop_hook *flush;
    struct loop_timer *retry;
    struct loop_timer *watch;
    int64_t deadline_ms; /* until UP */
    int64_t alive_ms;    /* when something was last received */
    int64_t asked_ms;    /* when a sign of life was last asked for */
    int64_t pause_ms;
    uint64_t random;
    char *channels[CHANNELS_MAX];
    size_t channels_count;
    size_t confirmed; /* subscriptions that stand */
    size_t queued_bytes;
    char why[WHY_MAX];
    char told[WHY_MAX]; /* why, as it was last logged */
};

static void retry_later(struct redis *r);
static void retry_now(void *arg);
static void resolved(void *arg, int rc, const char *const *addresses,
                     size_t count);
static void connect_to(struct redis *r, const char *address);
static bool adopt(struct redis *r, redisAsyncContext *c);
static void connected(const redisAsyncContext *c, int status);
static void disconnected(const redisAsyncContext *c, int status);
static void greet(struct redis *r);
static void greeted(redisAsyncContext *c, void *reply, void *arg);
static void subscribe_one(struct redis *r, const char *channel);
static void heard(redisAsyncContext *c, void *reply, void *arg);
static void published(redisAsyncContext *c, void *reply, void *arg);
static void answered(redisAsyncContext *c, void *reply, void *arg);
static void up(struct redis *r);
static void drop(struct redis *r, const char *why);
static void lost(struct redis *r);
static void watched(void *arg);
static void polled(void *arg, bool readable, bool writable, bool error);
static void flush(void *arg);
static void want(struct redis *r);
static void add_read(void *arg);
static void del_read(void *arg);
static void add_write(void *arg);
static void del_write(void *arg);
static void cleaned_up(void *arg);
static bool refused(struct redis *r, const redisReply *reply);

int redis_open(const struct redis_options *o, struct redis **out_redis,
               const char **out_why)
{
    struct redis *r = calloc(1, sizeof(*r));

    CHECK(r != NULL && o->state != NULL);
    if (redis_url_parse(o->url, &r->url, out_why) < 0) {
        free(r);
        return FAIL_SETTING;
    }
    r->options = *o;
    r->options.url = NULL;
    if (r->options.connect_ms == 0)
        r->options.connect_ms = CONNECT_MS;
    if (r->options.silence_ms == 0)
        r->options.silence_ms = SILENCE_MS;
    if (r->options.queued_bytes_max == 0)
        r->options.queued_bytes_max = QUEUED_BYTES_MAX;
    r->pause_ms = PAUSE_MS_FIRST;
    r->random = (uint64_t)clock_ns() | 1;
    r->flush = loop_hook_open(o->loop, "redis.flush", flush, r);
    r->retry = loop_timer_open(o->loop, "redis.retry", retry_now, r);
    r->watch = loop_timer_open(o->loop, "redis.watch", watched, r);
    loop_timer_start(r->retry, 0, 0);
    loop_timer_start(r->watch, WATCH_MS, WATCH_MS);
    *out_redis = r;
    return 0;
}

void redis_close(struct redis *r)
{
    if (r == NULL)
        return;
    r->closing = true;
    resolve_cancel(r->resolve);
    if (r->context != NULL)
        redisAsyncFree(r->context);
    loop_hook_close(r->flush);
    loop_timer_close(r->retry);
    loop_timer_close(r->watch);
    for (size_t i = 0; i < r->channels_count; i++)
        free(r->channels[i]);
    free(r);
}

bool redis_up(const struct redis *r)
{
    return r->state == REDIS_UP;
}

size_t redis_queued_bytes(const struct redis *r)
{
    return r->queued_bytes;
}

int redis_publish(struct redis *r, struct bytes channel, struct bytes text)
{
    const char *argv[] = {"PUBLISH", (const char *)channel.data,
                          (const char *)text.data};
    const size_t counts[] = {7, channel.count, text.count};

    CHECK(r->channels_count == 0);
    if (r->state != REDIS_UP)
        return FAIL_UNREACHABLE;
    if (r->queued_bytes + text.count > r->options.queued_bytes_max)
        return FAIL_FULL;
    /* The callback gives the bytes back; its argument is how many. */
    if (redisAsyncCommandArgv(r->context, published, (void *)text.count, 3,
                              argv, counts) != REDIS_OK)
        return FAIL_UNREACHABLE;
    r->queued_bytes += text.count;
    return 0;
}

void redis_subscribe(struct redis *r, const char *channel)
{
    CHECK(r->channels_count < CHANNELS_MAX);
    r->channels[r->channels_count] = strdup(channel);
    CHECK(r->channels[r->channels_count] != NULL);
    r->channels_count++;
    if (r->state == REDIS_UP)
        subscribe_one(r, channel);
}

/* Doubles the pause, and spreads it so that a fleet does not come at once. */
static void retry_later(struct redis *r)
{
    int64_t pause = r->pause_ms;

    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    r->pause_ms = pause * 2 < PAUSE_MS_MAX ? pause * 2 : PAUSE_MS_MAX;
    loop_timer_start(r->retry,
                     pause / 2 + (int64_t)(r->random % (uint64_t)pause), 0);
}

static void retry_now(void *arg)
{
    struct redis *r = arg;

    CHECK(r->state == REDIS_DOWN && r->context == NULL);
    r->deadline_ms = clock_ms() + r->options.connect_ms;
    if (r->url.path[0] != '\0') {
        connect_to(r, NULL);
        return;
    }
    r->state = REDIS_RESOLVING;
    r->resolve = resolve_start(r->options.loop, r->url.host, resolved, r);
}

static void resolved(void *arg, int rc, const char *const *addresses,
                     size_t count)
{
    struct redis *r = arg;

    r->resolve = NULL;
    if (rc < 0 || count == 0) {
        snprintf(r->why, sizeof(r->why), "the host name is not known");
        lost(r);
        return;
    }
    /* The next address is tried after the next pause, and so on round. */
    connect_to(r, addresses[(r->random >> 8) % count]);
}

static void connect_to(struct redis *r, const char *address)
{
    redisAsyncContext *c = address == NULL
                               ? redisAsyncConnectUnix(r->url.path)
                               : redisAsyncConnect(address, r->url.port);

    r->state = REDIS_CONNECTING;
    if (c == NULL || c->err != 0 || !adopt(r, c)) {
        snprintf(r->why, sizeof(r->why), "%s",
                 c != NULL && c->err != 0 ? c->errstr : "no descriptor");
        if (c != NULL)
            redisAsyncFree(c);
        lost(r);
    }
}

/* From here on the context tells us when it goes. */
static bool adopt(struct redis *r, redisAsyncContext *c)
{
    r->poll =
        loop_poll_open(r->options.loop, "redis.socket", c->c.fd, polled, r);
    if (r->poll == NULL)
        return false;
    r->context = c;
    r->want_read = false;
    r->want_write = false;
    r->confirmed = 0;
    c->data = r;
    c->ev.data = r;
    c->ev.addRead = add_read;
    c->ev.delRead = del_read;
    c->ev.addWrite = add_write;
    c->ev.delWrite = del_write;
    c->ev.cleanup = cleaned_up;
    redisAsyncSetConnectCallback(c, connected);
    redisAsyncSetDisconnectCallback(c, disconnected);
    /* Connected is when the socket can be written to. */
    r->want_write = true;
    want(r);
    return true;
}

static void connected(const redisAsyncContext *c, int status)
{
    struct redis *r = c->data;

    if (r->closing)
        return;
    if (status != REDIS_OK) {
        snprintf(r->why, sizeof(r->why), "%s",
                 c->errstr != NULL ? c->errstr : "refused");
        return;
    }
    r->state = REDIS_GREETING;
    r->alive_ms = clock_ms();
    greet(r);
}

static void disconnected(const redisAsyncContext *c, int status)
{
    struct redis *r = c->data;

    if (!r->closing && status != REDIS_OK && r->why[0] == '\0')
        snprintf(r->why, sizeof(r->why), "%s",
                 c->errstr != NULL ? c->errstr : "ended by the server");
}

/* The answers come in this order; the last one makes us UP. */
static void greet(struct redis *r)
{
    const char *login[] = {"AUTH", r->url.user, r->url.password};
    const char *secret[] = {"AUTH", r->url.password};

    if (r->url.user[0] != '\0')
        redisAsyncCommandArgv(r->context, greeted, NULL, 3, login, NULL);
    else if (r->url.password[0] != '\0')
        redisAsyncCommandArgv(r->context, greeted, NULL, 2, secret, NULL);
    if (r->url.db != 0)
        redisAsyncCommand(r->context, greeted, NULL, "SELECT %d", r->url.db);
    redisAsyncCommand(r->context, greeted, r, "PING");
}

/* `arg` is set for the last of the greeting. */
static void greeted(redisAsyncContext *c, void *reply, void *arg)
{
    struct redis *r = c->data;

    if (reply == NULL || r->closing || refused(r, reply))
        return;
    r->alive_ms = clock_ms();
    if (arg == NULL)
        return;
    if (r->channels_count == 0) {
        up(r);
        return;
    }
    for (size_t i = 0; i < r->channels_count; i++)
        subscribe_one(r, r->channels[i]);
}

static void subscribe_one(struct redis *r, const char *channel)
{
    redisAsyncCommand(r->context, heard, NULL, "SUBSCRIBE %s", channel);
}

/* ["subscribe", channel, n] or ["message", channel, text]. */
static void heard(redisAsyncContext *c, void *opaque, void *arg)
{
    struct redis *r = c->data;
    const redisReply *reply = opaque;
    const redisReply *const *e;

    (void)arg;
    if (reply == NULL || r->closing || refused(r, reply))
        return;
    r->alive_ms = clock_ms();
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
        return;
    e = (const redisReply *const *)reply->element;
    if (e[0]->type != REDIS_REPLY_STRING || e[1]->type != REDIS_REPLY_STRING)
        return;
    if (strcmp(e[0]->str, "subscribe") == 0) {
        r->confirmed++;
        if (r->state == REDIS_GREETING && r->confirmed == r->channels_count)
            up(r);
    } else if (strcmp(e[0]->str, "message") == 0 &&
               e[2]->type == REDIS_REPLY_STRING && r->options.message != NULL) {
        r->options.message(r->options.arg, bytes_of(e[1]->str, e[1]->len),
                           bytes_of(e[2]->str, e[2]->len));
    }
}

static void published(redisAsyncContext *c, void *reply, void *arg)
{
    struct redis *r = c->data;

    r->queued_bytes -= (size_t)arg;
    answered(c, reply, NULL);
}

static void answered(redisAsyncContext *c, void *reply, void *arg)
{
    struct redis *r = c->data;

    (void)arg;
    if (reply == NULL || r->closing || refused(r, reply))
        return;
    r->alive_ms = clock_ms();
}

static void up(struct redis *r)
{
    r->state = REDIS_UP;
    r->pause_ms = PAUSE_MS_FIRST;
    r->asked_ms = clock_ms();
    r->why[0] = '\0';
    r->told[0] = '\0';
    log_info("redis.up", "name=%s host=%s port=%d channels=%zu",
             r->options.name, LOG_TEXT(r->url.host), r->url.port,
             r->channels_count);
    r->options.state(r->options.arg, true, "");
}

/* An error answer means that Redis does not serve us: it is not up for us. */
static bool refused(struct redis *r, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return false;
    drop(r, reply->str);
    return true;
}

/* Ends the connection; cleaned_up() follows, perhaps from inside. */
static void drop(struct redis *r, const char *why)
{
    snprintf(r->why, sizeof(r->why), "%s", why);
    if (r->context != NULL)
        redisAsyncFree(r->context);
}

/* There is no connection (any more). `why` says so. */
static void lost(struct redis *r)
{
    bool was_up = r->state == REDIS_UP;

    r->state = REDIS_DOWN;
    r->queued_bytes = 0;
    /* Once for each reason, not for each attempt. */
    if (was_up || strcmp(r->why, r->told) != 0)
        log_warn("redis.down", "name=%s host=%s port=%d why=%s",
                 r->options.name, LOG_TEXT(r->url.host), r->url.port,
                 LOG_TEXT(r->why));
    memcpy(r->told, r->why, sizeof(r->told));
    retry_later(r);
    if (was_up)
        r->options.state(r->options.arg, false, r->why);
    r->why[0] = '\0';
}

/* A stopped server keeps its connections open: only the clock notices. */
static void watched(void *arg)
{
    struct redis *r = arg;
    int64_t now = clock_ms();

    if (r->state == REDIS_CONNECTING || r->state == REDIS_GREETING) {
        if (now > r->deadline_ms)
            drop(r, "no answer within the connect deadline");
        return;
    }
    if (r->state != REDIS_UP)
        return;
    if (now - r->alive_ms > r->options.silence_ms) {
        drop(r, "no sign of life");
        return;
    }
    if (now - r->asked_ms < ASK_MS)
        return;
    r->asked_ms = now;
    if (r->channels_count > 0)
        subscribe_one(r, r->channels[0]);
    else
        redisAsyncCommand(r->context, answered, NULL, "PING");
}

static void polled(void *arg, bool readable, bool writable, bool error)
{
    struct redis *r = arg;

    /* hiredis asks the socket for its error when it reads or writes. */
    if ((readable || error) && r->context != NULL)
        redisAsyncHandleRead(r->context);
    if ((writable || error) && r->context != NULL) {
        r->flushing = true;
        redisAsyncHandleWrite(r->context);
        r->flushing = false;
    }
    if (r->context != NULL)
        want(r);
}

/* Commands of a turn leave together, without waiting for the next turn. */
static void flush(void *arg)
{
    struct redis *r = arg;

    if (r->context == NULL || !r->want_write)
        return;
    if (r->state != REDIS_CONNECTING) {
        r->flushing = true;
        redisAsyncHandleWrite(r->context);
        r->flushing = false;
    }
    if (r->context != NULL)
        want(r);
}

static void want(struct redis *r)
{
    if (r->poll != NULL)
        loop_poll_want(r->poll, r->want_read, r->want_write);
}

static void add_read(void *arg)
{
    struct redis *r = arg;

    if (!r->want_read) {
        r->want_read = true;
        want(r);
    }
}

static void del_read(void *arg)
{
    struct redis *r = arg;

    r->want_read = false;
    want(r);
}

/* The end of the turn writes; the socket is asked only if that was not enough.
 */
static void add_write(void *arg)
{
    struct redis *r = arg;

    r->want_write = true;
    if (!r->flushing)
        loop_hook_arm(r->flush);
}

static void del_write(void *arg)
{
    struct redis *r = arg;

    r->want_write = false;
}

/* The context is being freed. */
static void cleaned_up(void *arg)
{
    struct redis *r = arg;

    loop_poll_close(r->poll);
    r->poll = NULL;
    if (r->context != NULL && r->why[0] == '\0' && r->context->errstr != NULL)
        snprintf(r->why, sizeof(r->why), "%s", r->context->errstr);
    r->context = NULL;
    if (!r->closing)
        lost(r);
}
