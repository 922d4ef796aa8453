/*
 * notifier/gateway/lookup.c: one question, one answer, perhaps after a wait.
 *
 *   watch the channel --> ask the rows --found--> 200
 *                             |not yet
 *                             v
 *                 an event or the deadline --> ask again --> 200 or 404
 *
 * The watch comes first, so that a row which is written between the question
 * and the wait is not missed. A row is committed before it is announced, so the
 * second question finds it.
 *
 * From: notifier/gateway/route.c.
 * To:   notifier/gateway/history.c and back.
 */
#include "notifier/gateway/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/http.h"
#include "consumer/base/loop.h"
#include "notifier/gateway/answer_stats.h"
#include "notifier/gateway/channel.h"
#include "notifier/gateway/fanout.h"
#include "notifier/gateway/gateway.h"
#include "notifier/gateway/history.h"
#include "schemas/base/fail.h"

struct lookup {
    struct gateway *gateway;
    struct http_exchange *exchange;
    struct history_query *query;
    struct fanout_watch watch;
    struct loop_timer *deadline; /* NULL: does not wait */
    struct channel channel;
    bool again;          /* something happened since the rows were asked */
    bool last;           /* it does not wait any longer */
    struct buffer event; /* a rejection or quarantine that was announced */
};

static struct lookup *begin(struct gateway *g, struct http_exchange *x);
static void end(struct lookup *l);
static void gone(void *arg);
static bool read_path(struct bytes rest, struct channel *out);
static bool read_limit(struct http_exchange *x, const struct http_request *r,
                       size_t *out_limit);
static void ask(struct lookup *l);
static void found(void *arg, int rc, struct bytes results, size_t count);
static void happened(void *arg, const struct run_event *e);
static void passed(void *arg);
static void reply_rejected(struct lookup *l);
static void reply_unknown(struct lookup *l);
static void reply_away(struct http_exchange *x);
static void listed(void *arg, int rc, struct bytes results, size_t count);

void lookup_transaction(struct gateway *g, struct http_exchange *x,
                        const struct http_request *r, struct bytes rest)
{
    char text[16];
    int64_t wait_ms = 0;
    struct channel channel;
    struct lookup *l;
    int rc = http_query(r, "wait", text, sizeof(text));

    if (!read_path(rest, &channel)) {
        http_reply_problem(x, 400, "bad_path", NULL,
                           "/v1/transactions/{chain}/{hash}, as in "
                           "eip155:1/0x…");
        return;
    }
    if (rc >= 0) {
        char *past;

        wait_ms = strtoll(text, &past, 10);
        if (*past != '\0' || wait_ms < 0 || wait_ms > LOOKUP_WAIT_MS_MAX)
            rc = FAIL_MALFORMED;
    }
    if (rc < 0 && rc != FAIL_NOT_FOUND) {
        http_reply_problem(x, 400, "bad_wait", NULL,
                           "wait is milliseconds, at most 30000");
        return;
    }
    l = begin(g, x);
    if (l == NULL)
        return;
    l->channel = channel;
    if (wait_ms > 0) {
        l->watch.event = happened;
        l->watch.arg = l;
        fanout_watch(gateway_fanout(g), channel.name, &l->watch);
        l->deadline =
            loop_timer_open(gateway_loop(g), "lookup.wait", passed, l);
        loop_timer_start(l->deadline, wait_ms, 0);
    } else {
        l->last = true;
    }
    ask(l);
}

void lookup_account(struct gateway *g, struct http_exchange *x,
                    const struct http_request *r)
{
    char address[CHANNEL_NAME_MAX], name[CHANNEL_NAME_MAX + 16];
    struct lookup *l;
    size_t limit;

    if (!read_limit(x, r, &limit))
        return;
    if (http_query(r, "account", address, sizeof(address)) < 0 ||
        snprintf(name, sizeof(name), "account:%s", address) < 0) {
        http_reply_problem(x, 400, "account_required", NULL,
                           "/v1/transactions?account=0x…");
        return;
    }
    l = begin(g, x);
    if (l == NULL)
        return;
    if (channel_parse(bytes_text(name), &l->channel) < 0) {
        end(l);
        http_reply_problem(x, 400, "bad_account", NULL,
                           "an address is hex with 0x, or 32 bytes in base58");
        return;
    }
    l->query =
        history_channel(gateway_history(g), &l->channel, limit, listed, l);
    if (l->query == NULL) {
        end(l);
        reply_away(x);
    }
}

void lookup_rejections(struct gateway *g, struct http_exchange *x,
                       const struct http_request *r)
{
    char text[RECORD_ID_TEXT_MAX];
    struct record_id id;
    struct lookup *l;
    size_t limit;
    int rc = http_query(r, "record", text, sizeof(text));

    if (!read_limit(x, r, &limit))
        return;
    if (rc >= 0)
        rc = record_id_parse(bytes_text(text), &id);
    if (rc < 0 && rc != FAIL_NOT_FOUND) {
        http_reply_problem(x, 400, "bad_record", NULL,
                           "a record is log-partition-offset");
        return;
    }
    l = begin(g, x);
    if (l == NULL)
        return;
    l->query =
        history_rejections(gateway_history(g),
                           rc == FAIL_NOT_FOUND ? NULL : &id, limit, listed, l);
    if (l->query == NULL) {
        end(l);
        reply_away(x);
    }
}

/* NULL: refused, and answered. */
static struct lookup *begin(struct gateway *g, struct http_exchange *x)
{
    struct lookup *l;

    if (!gateway_lookup_begin(g, LOOKUP_MAX)) {
        http_add_header(x, "Retry-After", "1");
        http_reply_problem(x, 503, "busy", NULL,
                           "as many questions as may be are under way");
        return NULL;
    }
    l = calloc(1, sizeof(*l));
    CHECK(l != NULL);
    l->gateway = g;
    l->exchange = x;
    buffer_init(&l->event, RESULT_BYTES_MAX);
    http_on_gone(x, gone, l);
    return l;
}

/* Lets go of everything but the exchange, which is answered by the caller. */
static void end(struct lookup *l)
{
    struct gateway *g = l->gateway;

    http_on_gone(l->exchange, NULL, NULL);
    fanout_unwatch(gateway_fanout(l->gateway), &l->watch);
    history_cancel(l->query);
    loop_timer_close(l->deadline);
    buffer_fini(&l->event);
    free(l);
    gateway_lookup_end(g);
}

/* Nobody waits any more. */
static void gone(void *arg)
{
    struct lookup *l = arg;
    struct http_exchange *x = l->exchange;

    end(l);
    http_reply(x, 499, NULL, BYTES_NONE, BYTES_NONE);
}

/* "eip155:1/0x…" is the channel "transaction:eip155:1:0x…". */
static bool read_path(struct bytes rest, struct channel *out)
{
    const uint8_t *slash = memchr(rest.data, '/', rest.count);
    char name[CHANNEL_NAME_MAX + 1];
    int count;

    if (slash == NULL || rest.count > 200)
        return false;
    count = (int)(slash - rest.data);
    if (channel_parse_alias(bytes_of(rest.data, (size_t)count),
                            bytes_slice(rest, (size_t)count + 1, rest.count),
                            out) == 0)
        return true;
    count = snprintf(name, sizeof(name), "transaction:%.*s:%.*s",
                     (int)(slash - rest.data), (const char *)rest.data,
                     (int)(rest.count - (size_t)(slash - rest.data) - 1),
                     (const char *)slash + 1);
    return count > 0 && (size_t)count < sizeof(name) &&
           channel_parse(bytes_of(name, (size_t)count), out) == 0;
}

static bool read_limit(struct http_exchange *x, const struct http_request *r,
                       size_t *out_limit)
{
    char text[8], *past;
    int rc = http_query(r, "limit", text, sizeof(text));
    long limit = HISTORY_ROWS_MAX;

    if (rc >= 0) {
        limit = strtol(text, &past, 10);
        if (*past != '\0' || limit < 1 || limit > HISTORY_ROWS_MAX)
            rc = FAIL_MALFORMED;
    }
    if (rc < 0 && rc != FAIL_NOT_FOUND) {
        http_reply_problem(x, 400, "bad_limit", NULL, "limit is 1 to 100");
        return false;
    }
    *out_limit = (size_t)limit;
    return true;
}

static void ask(struct lookup *l)
{
    struct http_exchange *x = l->exchange;

    l->again = false;
    l->query =
        history_detail(gateway_history(l->gateway), &l->channel, found, l);
    if (l->query != NULL)
        return;
    end(l);
    reply_away(x);
}

static void found(void *arg, int rc, struct bytes results, size_t count)
{
    struct lookup *l = arg;
    struct http_exchange *x = l->exchange;

    l->query = NULL;
    if (rc < 0) {
        end(l);
        reply_away(x);
    } else if (count > 0) {
        end(l);
        http_reply(x, 200, "application/json", BYTES_NONE, results);
    } else if (l->event.count > 0) {
        reply_rejected(l);
    } else if (l->again) {
        ask(l);
    } else if (l->last) {
        reply_unknown(l);
    }
}

/* A result about this transaction was announced. */
static void happened(void *arg, const struct run_event *e)
{
    struct lookup *l = arg;

    if (e->type == RESULT_REJECTED || e->type == RESULT_QUARANTINED) {
        buffer_clear(&l->event);
        buffer_append_bytes(&l->event, e->json);
    }
    l->again = true;
    if (l->query == NULL)
        ask(l);
}

/* The client has waited as long as it wanted to. */
static void passed(void *arg)
{
    struct lookup *l = arg;

    l->last = true;
    if (l->query == NULL)
        reply_unknown(l);
}

/* {"chain":…,"hash":…,"state":"rejected","result":<as announced>} */
static void reply_rejected(struct lookup *l)
{
    struct http_exchange *x = l->exchange;
    struct bytes hash = channel_value(&l->channel);
    struct buffer body;

    buffer_init(&body, RESULT_BYTES_MAX + 1024);
    buffer_append_format(&body,
                         "{\"chain\":\"%s\",\"hash\":\"%.*s\",\"state\":"
                         "\"rejected\",\"result\":",
                         l->channel.chain, (int)hash.count,
                         (const char *)hash.data);
    buffer_append_bytes(&body, buffer_bytes(&l->event));
    buffer_append_byte(&body, '}');
    end(l);
    http_reply(x, 200, "application/json", BYTES_NONE, buffer_bytes(&body));
    buffer_fini(&body);
}

/* 404 says how far behind we are: unknown may only mean "not yet". */
static void reply_unknown(struct lookup *l)
{
    struct http_exchange *x = l->exchange;
    struct bytes hash = channel_value(&l->channel);
    struct buffer body;

    buffer_init(&body, 2048);
    buffer_append_format(
        &body,
        "{\"type\":\"about:blank\",\"status\":404,\"code\":"
        "\"transaction_unknown\",\"title\":\"Not Found\",\"detail\":\"no row "
        "of this transaction is written\",\"chain\":\"%s\",\"hash\":\"%.*s\","
        "\"state\":\"unknown\",\"behind_s\":",
        l->channel.chain, (int)hash.count, (const char *)hash.data);
    answer_stats_behind(l->gateway, &body);
    buffer_append_byte(&body, '}');
    end(l);
    http_reply(x, 404, "application/problem+json", BYTES_NONE,
               buffer_bytes(&body));
    buffer_fini(&body);
}

static void reply_away(struct http_exchange *x)
{
    http_add_header(x, "Retry-After", "1");
    http_reply_problem(x, 503, "history_unavailable", NULL,
                       "the database does not answer; live events go on");
}

/* {"count":2,"results":[…]} */
static void listed(void *arg, int rc, struct bytes results, size_t count)
{
    struct lookup *l = arg;
    struct http_exchange *x = l->exchange;
    struct buffer body;

    l->query = NULL;
    end(l);
    if (rc < 0) {
        reply_away(x);
        return;
    }
    buffer_init(&body, HISTORY_BYTES_MAX + 256);
    buffer_append_format(&body, "{\"count\":%zu,\"results\":[", count);
    buffer_append_bytes(&body, results);
    buffer_append_text(&body, "]}");
    http_reply(x, 200, "application/json", BYTES_NONE, buffer_bytes(&body));
    buffer_fini(&body);
}
