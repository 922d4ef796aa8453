/*
 * tests/model/screen.h: from the results topic to a subscriber.
 *
 *   verifiers -> results (one partition) -> notifiers -> gateway -> subscriber
 *
 * What the notifiers publish and what the gateway makes of it is the product's
 * own code: notifier/publish.c, schemas/run.c, notifier/gateway/intake.c and
 * ring.c run in every move.
 *
 * Thread: one search a process.
 */
#ifndef TESTS_MODEL_SCREEN_H
#define TESTS_MODEL_SCREEN_H

#include "tests/model/rules.h"
#include "tests/model/search.h"

enum { ENTRIES = 6, NOTIFIERS = 2, RING_COUNT = 3, FETCH_MAX = 4 };

/* One record of tx.results. What it says is a bit: record * 2 + type; a client
 * has heard a set of these. */
struct entry {
    uint8_t said;    /* bit number + 1; 0: an offset without a result */
    uint8_t number;  /* of the results log, as stamped */
    uint8_t counted; /* its ack was believed */
};

struct notifier {
    uint8_t up;
    uint8_t next;      /* the next offset it reads */
    uint8_t previous;  /* last offset it published, + 1; 0: none */
    uint8_t committed; /* + 1; 0: nothing was */
};

enum gateway_is { GATEWAY_DOWN, GATEWAY_BLIND, GATEWAY_UP };
enum subscriber_is { SUBSCRIBER_NEW, SUBSCRIBER_ON, SUBSCRIBER_AWAY };

struct gateway {
    uint8_t is;
    uint8_t from, next; /* what its ring covers */
    uint8_t log;
    uint8_t held[ENTRIES]; /* its entries by offset: what they say */
};

struct subscriber {
    uint8_t is;
    uint8_t cursor; /* the newest it was given: next offset */
    uint8_t log;    /* the log number in it */
    uint8_t heard;  /* set of said */
};

struct screen_state {
    struct entry entry[ENTRIES];
    uint8_t start, end; /* of the topic */
    uint8_t record;     /* the next one to be announced */
    uint8_t acked;      /* offset of the last believed ack, + 1 */
    uint8_t stopped;    /* announcing stopped: not the log we know */
    uint8_t number;     /* stamped on results */
    uint8_t repeats, gaps, recreations; /* that may still happen */
    uint8_t said; /* set: everything that was announced and counted */
    struct notifier notifier[NOTIFIERS];
    struct gateway gateway;
    struct subscriber subscriber;
    uint8_t acks[2][3]; /* acks search: last, in flight, forgotten */
    uint8_t marked;     /* acks search: the database's last, + 1 */
};

/* One configuration. Fields left out are 0. */
struct screen {
    uint8_t results;   /* records that are announced */
    uint8_t notifiers; /* 1 or 2 that believe they own the partition */
    uint8_t repeats;   /* results that a zombie announces again */
    uint8_t gaps;      /* offsets without a result */
    bool quarantine;   /* a repeat has the other type */
    bool expire;       /* the topic forgets its first results */
    bool forget;       /* notifiers commit nothing: they start at the end */
    bool recreate;     /* somebody deletes and makes the topic again, once */
    bool acks;         /* only two announcers and their acks */
    uint64_t off;      /* rules that are switched off */
};

extern const struct search_model screen_model;
extern const struct search_model screen_acks_model;

/*
 * gateway.c: each runs the product's code on the state and writes back what
 * became of it. What is new to the subscriber is added to what it heard, if it
 * is connected.
 */

/* The gateway starts: reads the last results of the topic. */
void gateway_begin(const struct screen *c, struct screen_state *s);

/*
 * Notifier `n` publishes [next, to) and the gateway takes it; with
 * `headers_only` the run has no lines, with to = next it is a heartbeat.
 */
void gateway_run(const struct screen *c, struct screen_state *s, int n, int to,
                 bool headers_only);

#endif
