/*
 * notifier/gateway/fanout.h: one result to everybody who asked for it.
 *
 * Results of a loop turn are gathered per channel and encoded once:
 *
 *   {"channel":"account:0x…","events":[<result>,…],"cursor":"…"}
 *
 * and every subscriber gets a reference to the same bytes. The cursor is in the
 * last frame of a turn that a subscriber gets, never in one before it: a client
 * that has read a cursor has everything below it.
 *
 * Names of channels are in the one spelling of notifier/gateway/channel.h.
 *
 * Thread: loop thread only. Memory: a channel exists while it has subscribers;
 * a frame holds at most FANOUT_FRAME_BYTES of events.
 */
#ifndef NOTIFIER_GATEWAY_FANOUT_H
#define NOTIFIER_GATEWAY_FANOUT_H

#include "schemas/base/bytes.h"
#include "schemas/run.h"

#define FANOUT_FRAME_BYTES 65536 /* of events, before the next frame begins */

struct fanout;
struct fanout_channel;
struct chunk;

/* How a frame is dressed. */
enum fanout_form { FANOUT_WEBSOCKET, FANOUT_SSE, FANOUT_FORM_END };

/* One encoded push, shared by all who get it. Lives during receive(). */
struct fanout_frame;

/*
 * The bytes of the frame as one piece to send, with or without the cursor.
 * Encoded on first use. Borrowed: chunk_hold() to keep.
 */
struct chunk *fanout_frame_chunk(struct fanout_frame *f, enum fanout_form form,
                                 bool cursor);

/* Results in the frame. */
size_t fanout_frame_count(const struct fanout_frame *f);

/*
 * Somebody who gets frames: the first member of a client. `receive` is called
 * from fanout_flush(); `cursor` says that this is the last one of the turn. It
 * must not subscribe, unsubscribe or go away inside.
 */
struct fanout_client {
    void (*receive)(struct fanout_client *c, struct fanout_frame *f,
                    bool cursor);
    struct fanout_frame *pending;     /* fanout's: its last frame so far */
    struct fanout_client *dirty_next; /* fanout's */
    bool dirty;                       /* fanout's */
};

/* One channel of one client; caller's storage, zero-filled before. */
struct fanout_subscription {
    struct fanout_client *client;
    struct fanout_channel *channel; /* NULL while not attached */
    size_t place;                   /* fanout's */
};

/*
 * Somebody who waits for one transaction: called at once, inside
 * fanout_event(). Caller's storage. It may unwatch itself inside, nothing else.
 */
struct fanout_watch {
    void (*event)(void *arg, const struct run_event *e);
    void *arg;
    struct fanout_channel *channel; /* fanout's; NULL while not watching */
    struct fanout_watch *next;      /* fanout's */
};

struct fanout *fanout_open(void);
void fanout_close(struct fanout *f);

/* From now on `s->client` gets what comes on `channel` (spelled). Flush first:
 * what is gathered already would be sent too. */
void fanout_subscribe(struct fanout *f, const char *channel,
                      struct fanout_client *c, struct fanout_subscription *s);
void fanout_unsubscribe(struct fanout *f, struct fanout_subscription *s);

/* Waits for one channel's next event. */
void fanout_watch(struct fanout *f, const char *channel,
                  struct fanout_watch *w);
void fanout_unwatch(struct fanout *f, struct fanout_watch *w);

/* Gathers one new result. Watchers hear it now, subscribers at the flush. */
void fanout_event(struct fanout *f, const struct run_event *e);

/* Gathers words on the channel `system`: one JSON object. */
void fanout_system(struct fanout *f, struct bytes json);

/*
 * Sends what was gathered. `cursor` is the text of the positions now. Returns
 * how many frames were handed out.
 */
size_t fanout_flush(struct fanout *f, const char *cursor);

/* Bytes that are gathered; 0: a flush would do nothing. */
size_t fanout_gathered(const struct fanout *f);

/* Subscriptions that are attached, and channels that exist. */
size_t fanout_subscriptions(const struct fanout *f);
size_t fanout_channels(const struct fanout *f);

/*
 * One push outside of the turn, for a client that catches up: begin, add what
 * matches, end. fanout_push_end() gives a held chunk; `cursor` NULL: none.
 * `member` is "events" or "snapshot".
 */
void fanout_push_begin(struct buffer *out, const char *channel,
                       const char *member);
void fanout_push_add(struct buffer *out, struct bytes json);
struct chunk *fanout_push_end(struct buffer *out, enum fanout_form form,
                              const char *cursor);
/* Instead of the end, when nothing was added: the list is null. */
struct chunk *fanout_push_null(struct buffer *out, enum fanout_form form);
/* {"cursor":"…"} by itself. */
struct chunk *fanout_cursor_chunk(enum fanout_form form, const char *cursor);

#endif
