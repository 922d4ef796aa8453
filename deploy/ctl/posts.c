/*
 * deploy/ctl/posts.c: a queue in front of connections, first come first served.
 *
 * From: tx send, tx demo, bench.
 * To:   deploy/ctl/http_client.c, and the door's POST /v1/…/transactions.
 */
#include "deploy/ctl/posts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/base/fail.h"
#include "schemas/hex.h"
#include "schemas/json.h"

#define TARGET_MAX 128
#define QUEUE_FIRST 256

struct post {
    struct bytes raw;
    void *item;
};

/* One connection; busy while it has an item. */
struct lane {
    struct posts *posts;
    struct http_client *client;
    void *item;
};

struct posts {
    struct posts_options o;
    char target[TARGET_MAX];
    struct lane *lanes;
    struct lane **idle; /* a stack: the warmest connection first */
    size_t idle_count;
    struct post *queue; /* a ring */
    size_t head, count, capacity;
};

struct posts *posts_open(const struct posts_options *o)
{
    struct http_client_options client = {
        .loop = o->loop, .url = o->url, .answer_ms = o->answer_ms};
    struct posts *p = calloc(1, sizeof(*p));

    CHECK(p != NULL && o->connections > 0);
    p->o = *o;
    if (o->chain != NULL && *o->chain != '\0')
        snprintf(p->target, sizeof(p->target), "/v1/%.41s/transactions",
                 o->chain);
    else
        snprintf(p->target, sizeof(p->target), "/v1/transactions");
    p->lanes = calloc(o->connections, sizeof(*p->lanes));
    p->idle = calloc(o->connections, sizeof(struct lane *));
    p->capacity = QUEUE_FIRST;
    p->queue = calloc(p->capacity, sizeof(*p->queue));
    CHECK(p->lanes != NULL && p->idle != NULL && p->queue != NULL);
    for (size_t i = o->connections; i-- > 0;) {
        p->lanes[i].posts = p;
        p->lanes[i].client = http_client_open(&client);
        p->idle[p->idle_count++] = &p->lanes[i];
    }
    return p;
}

void posts_close(struct posts *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->o.connections; i++)
        http_client_close(p->lanes[i].client);
    free(p->lanes);
    free(p->idle);
    free(p->queue);
    free(p);
}

size_t posts_waiting(const struct posts *p)
{
    return p->count + p->o.connections - p->idle_count;
}

static void on_answer(void *arg, const struct http_outcome *o);

static void send_on(struct lane *lane, struct bytes raw, void *item)
{
    lane->item = item;
    http_client_send(lane->client, "POST", lane->posts->target,
                     "application/octet-stream", raw, on_answer, lane);
}

static void on_answer(void *arg, const struct http_outcome *o)
{
    struct lane *lane = arg;
    struct posts *p = lane->posts;
    void *item = lane->item;

    p->o.done(p->o.arg, item, o);
    if (p->count > 0) {
        struct post next = p->queue[p->head];
        p->head = (p->head + 1) % p->capacity;
        p->count--;
        send_on(lane, next.raw, next.item);
    } else {
        p->idle[p->idle_count++] = lane;
    }
}

static void grow(struct posts *p)
{
    struct post *wider = calloc(p->capacity * 2, sizeof(*wider));

    CHECK(wider != NULL);
    for (size_t i = 0; i < p->count; i++)
        wider[i] = p->queue[(p->head + i) % p->capacity];
    free(p->queue);
    p->queue = wider;
    p->head = 0;
    p->capacity *= 2;
}

void posts_put(struct posts *p, struct bytes raw, void *item)
{
    if (p->idle_count > 0) {
        send_on(p->idle[--p->idle_count], raw, item);
        return;
    }
    if (p->count == p->capacity)
        grow(p);
    p->queue[(p->head + p->count++) % p->capacity] = (struct post){raw, item};
}

/* ---- what a door says ---- */

static void set(char *at, size_t max, struct json_value v)
{
    size_t count;

    if (v.type == JSON_STRING &&
        json_unescape(v, (uint8_t *)at, max - 1, &count) == 0)
        at[count] = '\0';
}

static bool read_stored(struct json_value doc, struct posted *out)
{
    enum { CHAIN, HASH, PARTITION, OFFSET, ACCEPTED_AT, MEMBERS };
    static const char *const names[MEMBERS] = {"chain", "hash", "partition",
                                               "offset", "accepted_at"};
    struct json_value v[MEMBERS];
    struct bytes hash;
    int64_t partition;
    size_t count;

    if (json_members(doc, names, MEMBERS, false, v) < 0 ||
        json_plain(v[HASH], &hash) < 0 ||
        hex_decode_0x(hash, out->hash, 32, &count) < 0 || count != 32 ||
        json_int64(v[PARTITION], &partition) < 0 || partition < 0 ||
        partition > INT32_MAX || json_int64(v[OFFSET], &out->offset) < 0 ||
        json_int64(v[ACCEPTED_AT], &out->accepted_at_ms) < 0)
        return false;
    out->partition = (int32_t)partition;
    set(out->chain, sizeof(out->chain), v[CHAIN]);
    return true;
}

/* RFC 9457: `code` is for programs, `detail` or `title` for people. */
static void read_problem(struct json_value doc, struct posted *out)
{
    enum { CODE, TITLE, DETAIL, MEMBERS };
    static const char *const names[MEMBERS] = {"code", "title", "detail"};
    struct json_value v[MEMBERS];

    if (json_members(doc, names, MEMBERS, false, v) < 0)
        return;
    set(out->code, sizeof(out->code), v[CODE]);
    set(out->why, sizeof(out->why),
        v[DETAIL].type == JSON_STRING ? v[DETAIL] : v[TITLE]);
}

void posted_read(const struct http_outcome *o, struct posted *out)
{
    struct json_value doc;

    *out = (struct posted){0};
    if (o->rc < 0) {
        snprintf(out->code, sizeof(out->code), "%s", fail_name(o->rc));
        snprintf(out->why, sizeof(out->why), "%s", o->why);
        return;
    }
    out->status = o->answer->status;
    if (json_parse(o->answer->body, 8, &doc, NULL) < 0)
        doc = (struct json_value){0};
    if (out->status == 200 || out->status == 202)
        out->stored = read_stored(doc, out);
    else
        read_problem(doc, out);
    if (!out->stored && out->why[0] == '\0')
        snprintf(out->why, sizeof(out->why), "no answer of a door");
    if (!out->stored && out->code[0] == '\0')
        snprintf(out->code, sizeof(out->code), "http_%d", out->status);
}
