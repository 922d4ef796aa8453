/*
 * notifier/gateway/subscriber.h: somebody who listens, by WebSocket or SSE, and
 * what is common to both.
 *
 * A subscription is born in one of three ways and ends up live:
 *
 *   no cursor                            --answer--> LIVE
 *   cursor, in reach    PROBING?         --answer--> CATCHING_UP --> LIVE
 *   cursor, out of reach                 --answer--> LIVE   (recovered: false)
 *                                   [snapshot from the database in between]
 *
 * A subscriber whose queue is full stops being live: it catches up from where
 * it was told last, at its own pace, from the ring. If it makes no progress for
 * a short grace, or is behind for long, it is cut. Nothing is buffered for it.
 *
 * Thread: loop thread only.
 */
#ifndef NOTIFIER_GATEWAY_SUBSCRIBER_H
#define NOTIFIER_GATEWAY_SUBSCRIBER_H

#include "notifier/gateway/channel.h"
#include "notifier/gateway/fanout.h"
#include "notifier/gateway/protocol.h"

#define SUBSCRIBER_GRACE_MS 5000   /* without any progress */
#define SUBSCRIBER_BEHIND_MS 30000 /* behind at all */
#define SUBSCRIBER_BEHIND_COUNT 64 /* subscribers behind at a time */
#define SUBSCRIBER_CURSOR_MS 30000 /* the cursor comes alone after this */

/* Our own close codes. */
enum subscriber_code {
    SUBSCRIBER_AWAY = 1001,
    SUBSCRIBER_SLOW = 4008,  /* resume with the last cursor */
    SUBSCRIBER_RESYNC = 4009 /* resume; what is missing will be said */
};

struct catchup;
struct gateway;
struct history_query;
struct subscriber;
struct subscription;

/* What differs between WebSocket and SSE. */
struct subscriber_ops {
    enum fanout_form form;
    /* 0; FAIL_FULL: nothing was queued; FAIL_GONE: the client has gone. */
    int (*send)(struct subscriber *s, struct chunk *c);
    size_t (*queued)(const struct subscriber *s);
    /* Writes what the socket takes now, so that what stays queued will be
     * followed by subscriber_drained(). */
    void (*flush)(struct subscriber *s);
    /* Once a second: signs of life. */
    void (*heart)(struct subscriber *s, int64_t now_ms);
    /* Answers a subscribe: delivery starts at `cursor`. */
    void (*answer)(struct subscriber *s, const struct subscription *sub,
                   bool recovered, const char *cursor);
    /* Ends it, with a close code; `ended` is set, the storage goes later. */
    void (*cut)(struct subscriber *s, int code, const char *why);
};

struct subscriber {
    struct fanout_client fanout; /* first: fanout.h wants it so */
    struct gateway *gateway;
    const struct subscriber_ops *ops;
    struct subscription *subscriptions;
    size_t count;
    size_t not_live;     /* subscriptions that are not LIVE */
    bool overflowed;     /* its queue was full in the flush going on */
    bool fell_behind;    /* its queue was full; being caught up */
    bool ended;          /* cut, or gone */
    int64_t behind_ms;   /* since when; monotonic */
    int64_t progress_ms; /* when it last took something */
    int64_t cursor_ms;   /* when it last got a cursor */
    struct subscriber *next, **link;    /* in the gateway's list */
    struct subscriber *overflowed_next; /* in the gateway's list of a flush */
};

enum subscription_state {
    SUBSCRIPTION_PROBING,  /* does the topic still have what it misses? */
    SUBSCRIPTION_SNAPSHOT, /* the database is asked */
    SUBSCRIPTION_CATCHING_UP,
    SUBSCRIPTION_LIVE
};

struct subscription {
    struct fanout_subscription live;
    struct subscription *next;
    struct subscriber *owner;
    enum subscription_state state;
    struct catchup *catchup;     /* NULL when LIVE */
    bool snapshot;               /* wanted, and not sent yet */
    struct history_query *query; /* the one under way, or NULL */
    struct channel channel;
    char id[PROTOCOL_ID_MAX + 1]; /* of the request */
};

/* Enters the gateway's list. */
void subscriber_init(struct subscriber *s, struct gateway *g,
                     const struct subscriber_ops *ops);

/* Ends every subscription now; for one that was cut. */
void subscriber_end_all(struct subscriber *s);

/* The same, and leaves the list. The storage is the caller's. */
void subscriber_fini(struct subscriber *s);

/*
 * Does what `r` asks: subscribe or unsubscribe. Answers a subscribe by
 * ops->answer(), now or later; PROTOCOL_FINE for an unsubscribe is the caller's
 * to answer.
 */
enum protocol_fault subscriber_do(struct subscriber *s,
                                  const struct protocol_request *r);

/* The queue has room again. */
void subscriber_drained(struct subscriber *s);

/* After a flush in which its queue was full: it catches up from `next`, one
 * offset per partition. */
void subscriber_fall_behind(struct subscriber *s, const struct cursor *from);

/* Once a second: cuts who is too slow, sends a cursor that is due. `alone` is
 * {"cursor":"…"} dressed for its form. */
void subscriber_sweep(struct subscriber *s, int64_t now_ms,
                      struct chunk *alone);

/* Called by the catch-up: the answer, the end, and the failure. */
void subscription_probed(struct subscription *sub, bool recovered);
void subscription_caught_up(struct subscription *sub);

#endif
