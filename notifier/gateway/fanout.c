/*
 * notifier/gateway/fanout.c: channels, who listens, and frames made once.
 *
 *   event --> transactions ------------> [frame 1][frame 2] --> a, b, c
 *         \-> transaction:<chain>:<hash>
 *         \-> account:<sender> --------> [frame 1] -----------> b
 *         \-> account:<recipient>
 *
 * A frame is encoded at most four times: for WebSocket and SSE, with cursor and
 * without. Which of the two a client gets is known only when the turn has no
 * more for it, so its last frame is held back until then: b above gets
 * `transactions` without the cursor and `account:` with it.
 *
 * From: notifier/gateway/intake.c, result by result.
 * To:   notifier/gateway/client.c, whose queue takes the chunk.
 */
#include "notifier/gateway/fanout.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/base/chunk.h"
#include "consumer/base/http.h"
#include "notifier/gateway/channel.h"
#include "notifier/gateway/websocket.h"

#define TABLE_FIRST 64
/* Room for the words around the events. */
#define FRAME_BYTES_MAX (FANOUT_FRAME_BYTES + RESULT_BYTES_MAX + 2048)

struct fanout_frame {
    struct buffer text; /* {"channel":"…","events":[…  without the end */
    size_t count;
    const char *cursor; /* of the flush */
    struct chunk *chunks[FANOUT_FORM_END][2];
    struct fanout_frame *next;
};

struct fanout_channel {
    struct fanout_channel *next; /* in its bucket */
    struct fanout_subscription **subscriptions;
    size_t count, capacity;
    struct fanout_watch *watches;
    struct fanout_frame *frames, *last; /* gathered in this turn */
    struct fanout_channel *dirty_next;
    uint32_t hash;
    char name[];
};

struct fanout {
    struct fanout_channel **table;
    size_t table_count; /* a power of two */
    size_t channels;
    size_t subscriptions;
    size_t gathered;
    struct fanout_channel *dirty, *dirty_last;
};

static struct fanout_channel *find(const struct fanout *f, struct bytes name);
static struct fanout_channel *make(struct fanout *f, const char *name);
static void drop_if_idle(struct fanout *f, struct fanout_channel *c);
static void grow(struct fanout *f);
static void gather(struct fanout *f, struct bytes name,
                   const struct run_event *e);
static void gather_json(struct fanout *f, struct fanout_channel *c,
                        struct bytes json);
static struct fanout_frame *frame_for(struct fanout_channel *c, size_t bytes);
static void tell_watches(struct fanout_channel *c, const struct run_event *e);
static size_t hand_out(struct fanout_frame *frame, struct fanout_client *c,
                       struct fanout_client **dirty);
static void frame_free(struct fanout_frame *frame);
static struct chunk *dress(enum fanout_form form, struct bytes text,
                           const char *cursor);
static uint32_t hash_name(struct bytes name);

struct fanout *fanout_open(void)
{
    struct fanout *f = calloc(1, sizeof(*f));

    CHECK(f != NULL);
    f->table_count = TABLE_FIRST;
    f->table = calloc(f->table_count, sizeof(*f->table));
    CHECK(f->table != NULL);
    return f;
}

void fanout_close(struct fanout *f)
{
    if (f == NULL)
        return;
    CHECK(f->channels == 0 && f->dirty == NULL);
    free(f->table);
    free(f);
}

void fanout_subscribe(struct fanout *f, const char *channel,
                      struct fanout_client *client,
                      struct fanout_subscription *s)
{
    struct fanout_channel *c = make(f, channel);

    CHECK(s->channel == NULL);
    if (c->count == c->capacity) {
        c->capacity = c->capacity == 0 ? 4 : 2 * c->capacity;
        c->subscriptions =
            realloc(c->subscriptions, c->capacity * sizeof(*c->subscriptions));
        CHECK(c->subscriptions != NULL);
    }
    s->client = client;
    s->channel = c;
    s->place = c->count;
    c->subscriptions[c->count++] = s;
    f->subscriptions++;
}

void fanout_unsubscribe(struct fanout *f, struct fanout_subscription *s)
{
    struct fanout_channel *c = s->channel;

    if (c == NULL)
        return;
    c->subscriptions[s->place] = c->subscriptions[--c->count];
    c->subscriptions[s->place]->place = s->place;
    s->channel = NULL;
    f->subscriptions--;
    drop_if_idle(f, c);
}

void fanout_watch(struct fanout *f, const char *channel, struct fanout_watch *w)
{
    struct fanout_channel *c = make(f, channel);

    CHECK(w->channel == NULL);
    w->channel = c;
    w->next = c->watches;
    c->watches = w;
}

void fanout_unwatch(struct fanout *f, struct fanout_watch *w)
{
    struct fanout_channel *c = w->channel;
    struct fanout_watch **at;

    if (c == NULL)
        return;
    for (at = &c->watches; *at != w; at = &(*at)->next)
        CHECK(*at != NULL);
    *at = w->next;
    w->channel = NULL;
    drop_if_idle(f, c);
}

void fanout_event(struct fanout *f, const struct run_event *e)
{
    char name[CHANNEL_NAME_MAX + 1];
    size_t count;

    if (f->channels == 0)
        return;
    gather(f, BYTES_LITERAL(CHANNEL_TRANSACTIONS), e);
    count = channel_of_transaction(e->chain, e->hash, name);
    gather(f, bytes_of(name, count), e);
    count = channel_of_account(e->sender, name);
    gather(f, bytes_of(name, count), e);
    if (!bytes_equal(e->sender, e->recipient)) {
        count = channel_of_account(e->recipient, name);
        gather(f, bytes_of(name, count), e);
    }
}

void fanout_system(struct fanout *f, struct bytes json)
{
    struct fanout_channel *c = find(f, BYTES_LITERAL(CHANNEL_SYSTEM));

    if (c != NULL && c->count > 0)
        gather_json(f, c, json);
}

size_t fanout_flush(struct fanout *f, const char *cursor)
{
    struct fanout_client *clients = NULL;
    size_t sends = 0;

    for (struct fanout_channel *c = f->dirty; c != NULL; c = c->dirty_next)
        for (struct fanout_frame *frame = c->frames; frame != NULL;
             frame = frame->next) {
            frame->cursor = cursor;
            for (size_t i = 0; i < c->count; i++)
                sends += hand_out(frame, c->subscriptions[i]->client, &clients);
        }
    while (clients != NULL) {
        struct fanout_client *client = clients;
        struct fanout_frame *frame = client->pending;

        clients = client->dirty_next;
        client->pending = NULL;
        client->dirty = false;
        client->receive(client, frame, true);
        sends++;
    }
    while (f->dirty != NULL) {
        struct fanout_channel *c = f->dirty;

        f->dirty = c->dirty_next;
        while (c->frames != NULL) {
            struct fanout_frame *frame = c->frames;

            c->frames = frame->next;
            frame_free(frame);
        }
        c->last = NULL;
        drop_if_idle(f, c);
    }
    f->dirty_last = NULL;
    f->gathered = 0;
    return sends;
}

size_t fanout_gathered(const struct fanout *f)
{
    return f->gathered;
}

size_t fanout_subscriptions(const struct fanout *f)
{
    return f->subscriptions;
}

size_t fanout_channels(const struct fanout *f)
{
    return f->channels;
}

struct chunk *fanout_frame_chunk(struct fanout_frame *frame,
                                 enum fanout_form form, bool cursor)
{
    struct chunk **at = &frame->chunks[form][cursor ? 1 : 0];

    if (*at == NULL) {
        size_t before = frame->text.count;

        *at =
            fanout_push_end(&frame->text, form, cursor ? frame->cursor : NULL);
        frame->text.count = before;
    }
    return *at;
}

size_t fanout_frame_count(const struct fanout_frame *frame)
{
    return frame->count;
}

void fanout_push_begin(struct buffer *out, const char *channel,
                       const char *member)
{
    buffer_clear(out);
    buffer_append_format(out, "{\"channel\":\"%s\",\"%s\":[", channel, member);
}

void fanout_push_add(struct buffer *out, struct bytes json)
{
    CHECK(out->count > 0);
    if (out->data[out->count - 1] != '[')
        buffer_append_byte(out, ',');
    buffer_append_bytes(out, json);
}

struct chunk *fanout_push_end(struct buffer *out, enum fanout_form form,
                              const char *cursor)
{
    buffer_append_byte(out, ']');
    if (cursor != NULL)
        buffer_append_format(out, ",\"cursor\":\"%s\"", cursor);
    buffer_append_byte(out, '}');
    CHECK(!out->overflow);
    return dress(form, buffer_bytes(out), cursor);
}

struct chunk *fanout_push_null(struct buffer *out, enum fanout_form form)
{
    CHECK(out->count > 0 && out->data[out->count - 1] == '[');
    out->count--;
    buffer_append_text(out, "null}");
    return dress(form, buffer_bytes(out), NULL);
}

struct chunk *fanout_cursor_chunk(enum fanout_form form, const char *cursor)
{
    struct buffer text;
    struct chunk *c;

    buffer_init(&text, 4096);
    buffer_append_format(&text, "{\"cursor\":\"%s\"}", cursor);
    c = dress(form, buffer_bytes(&text), cursor);
    buffer_fini(&text);
    return c;
}

static struct fanout_channel *find(const struct fanout *f, struct bytes name)
{
    uint32_t hash = hash_name(name);
    struct fanout_channel *c = f->table[hash & (f->table_count - 1)];

    while (c != NULL && (c->hash != hash || !bytes_equal_text(name, c->name)))
        c = c->next;
    return c;
}

static struct fanout_channel *make(struct fanout *f, const char *name)
{
    struct bytes text = bytes_text(name);
    struct fanout_channel *c = find(f, text), **bucket;

    if (c != NULL)
        return c;
    if (f->channels == f->table_count)
        grow(f);
    c = calloc(1, sizeof(*c) + text.count + 1);
    CHECK(c != NULL);
    memcpy(c->name, name, text.count);
    c->hash = hash_name(text);
    bucket = &f->table[c->hash & (f->table_count - 1)];
    c->next = *bucket;
    *bucket = c;
    f->channels++;
    return c;
}

static void drop_if_idle(struct fanout *f, struct fanout_channel *c)
{
    struct fanout_channel **at = &f->table[c->hash & (f->table_count - 1)];

    if (c->count > 0 || c->watches != NULL || c->frames != NULL)
        return;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    f->channels--;
    free(c->subscriptions);
    free(c);
}

static void grow(struct fanout *f)
{
    size_t count = 2 * f->table_count;
    struct fanout_channel **table = calloc(count, sizeof(*table));

    CHECK(table != NULL);
    for (size_t i = 0; i < f->table_count; i++)
        while (f->table[i] != NULL) {
            struct fanout_channel *c = f->table[i];

            f->table[i] = c->next;
            c->next = table[c->hash & (count - 1)];
            table[c->hash & (count - 1)] = c;
        }
    free(f->table);
    f->table = table;
    f->table_count = count;
}

static void gather(struct fanout *f, struct bytes name,
                   const struct run_event *e)
{
    struct fanout_channel *c = name.count > 0 ? find(f, name) : NULL;

    if (c == NULL)
        return;
    if (c->count > 0)
        gather_json(f, c, e->json);
    /* Last: a watcher that leaves may take the channel with it. */
    tell_watches(c, e);
}

static void gather_json(struct fanout *f, struct fanout_channel *c,
                        struct bytes json)
{
    struct fanout_frame *frame;

    if (c->frames == NULL) {
        c->dirty_next = NULL;
        if (f->dirty == NULL)
            f->dirty = c;
        else
            f->dirty_last->dirty_next = c;
        f->dirty_last = c;
    }
    frame = frame_for(c, json.count);
    fanout_push_add(&frame->text, json);
    frame->count++;
    f->gathered += json.count;
}

static struct fanout_frame *frame_for(struct fanout_channel *c, size_t bytes)
{
    struct fanout_frame *frame = c->last;

    if (frame != NULL && frame->text.count + bytes <= FANOUT_FRAME_BYTES)
        return frame;
    frame = calloc(1, sizeof(*frame));
    CHECK(frame != NULL);
    buffer_init(&frame->text, FRAME_BYTES_MAX);
    fanout_push_begin(&frame->text, c->name, "events");
    if (c->last == NULL)
        c->frames = frame;
    else
        c->last->next = frame;
    c->last = frame;
    return frame;
}

static void tell_watches(struct fanout_channel *c, const struct run_event *e)
{
    struct fanout_watch *next;

    for (struct fanout_watch *w = c->watches; w != NULL; w = next) {
        next = w->next;
        w->event(w->arg, e);
    }
}

/* Gives the client the frame before this one, and remembers this one. */
static size_t hand_out(struct fanout_frame *frame, struct fanout_client *c,
                       struct fanout_client **dirty)
{
    struct fanout_frame *before = c->pending;

    c->pending = frame;
    if (!c->dirty) {
        c->dirty = true;
        c->dirty_next = *dirty;
        *dirty = c;
    }
    if (before == NULL)
        return 0;
    c->receive(c, before, false);
    return 1;
}

static void frame_free(struct fanout_frame *frame)
{
    for (int form = 0; form < FANOUT_FORM_END; form++)
        for (int cursor = 0; cursor < 2; cursor++)
            chunk_drop(frame->chunks[form][cursor]);
    buffer_fini(&frame->text);
    free(frame);
}

static struct chunk *dress(enum fanout_form form, struct bytes text,
                           const char *cursor)
{
    struct buffer sse;
    struct chunk *c;

    if (form == FANOUT_WEBSOCKET)
        return websocket_frame(WEBSOCKET_OP_TEXT, text);
    buffer_init(&sse, text.count + FRAME_BYTES_MAX);
    if (cursor != NULL)
        buffer_append_format(&sse, "id: %s\n", cursor);
    buffer_append_text(&sse, "data: ");
    buffer_append_bytes(&sse, text);
    buffer_append_text(&sse, "\n\n");
    CHECK(!sse.overflow);
    c = http_shared_new(buffer_bytes(&sse));
    buffer_fini(&sse);
    return c;
}

/* FNV-1a. Names come from clients, but each may have only a hundred. */
static uint32_t hash_name(struct bytes name)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < name.count; i++)
        hash = (hash ^ name.data[i]) * 16777619u;
    return hash;
}
