/*
 * producer/submit.h: one transaction, from its bytes to what the log says.
 *
 *      decode, id, rules without a curve      -> REFUSED, nothing is stored
 *      the same bytes a moment ago            -> REPEATED, or shares its end
 *      outlet -> "persisted"                  -> ACCEPTED
 *                "not persisted", queue full  -> BUSY, AWAY: send again
 *                "possibly", or 6 s           -> UNKNOWN: send again, it is
 *                                                the same transaction
 *
 * ACCEPTED is said only on the broker's report that the record is persisted.
 *
 * Thread: loop thread.
 */
#ifndef PRODUCER_SUBMIT_H
#define PRODUCER_SUBMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "consumer/base/loop.h"
#include "producer/chains.h"
#include "schemas/reason.h"

struct submit;
struct kafka_config;

enum submit_kind {
    SUBMIT_ACCEPTED,       /* stored now */
    SUBMIT_REPEATED,       /* the same bytes were stored a moment ago */
    SUBMIT_REFUSED,        /* `reason` and `words` */
    SUBMIT_CHAIN_REQUIRED, /* several chains are served, the bytes name none */
    SUBMIT_NOT_SERVED,     /* a chain this door does not accept */
    SUBMIT_BUSY,           /* the queue is full: not stored */
    SUBMIT_AWAY,           /* no broker answers: not stored */
    SUBMIT_UNKNOWN         /* nobody knows whether it was stored */
};

/* Borrowed for the call. */
struct submit_answer {
    enum submit_kind kind;
    const struct chain *chain; /* NULL until it is known */
    const uint8_t *hash;       /* 32 bytes; NULL when it has none */
    int32_t partition;         /* ACCEPTED, REPEATED */
    int64_t offset;
    int64_t accepted_at_ms;
    enum reason reason; /* REFUSED */
    const char *words;  /* REFUSED: geth's words; else ours; never NULL */
};

typedef void (*submit_fn)(void *arg, const struct submit_answer *a);

struct submit_options {
    struct loop *loop;
    const struct kafka_config *kafka; /* outlives it */
    const char *topic;
    const struct chains *chains; /* outlives it */
    int linger_ms;               /* -1: by the topic's replication factor */
    int deadline_ms;             /* then the outcome is UNKNOWN */
    int message_timeout_ms;      /* the outlet gives up; below deadline_ms */
    long long records_max;       /* under way at a time */
    long long recent_max;        /* remembered */
    int recent_ms;               /* for how long */
};

/* Starts; no broker needs to answer yet. 0, FAIL_SETTING, FAIL_SYSTEM. */
int submit_open(const struct submit_options *o, struct submit **out) MUST_CHECK;

/*
 * Takes one transaction; the bytes are borrowed for the call. `chain` NULL: the
 * bytes name it. `done` comes exactly once, maybe from inside this call.
 */
void submit_take(struct submit *s, const struct chain *chain,
                 struct bytes transaction, submit_fn done, void *arg);

/* Can it store something now? If not, appends why. */
bool submit_ready(const struct submit *s, struct buffer *why);

/* Transactions that wait for their report. */
size_t submit_under_way(const struct submit *s);

/* Appends a JSON object: brokers, topic, what is under way. */
void submit_status(const struct submit *s, struct buffer *json);

/*
 * Waits for every report (at most `deadline_ms`), answers the rest UNKNOWN, and
 * ends; `closed` comes when all is gone. NULL is fine.
 */
void submit_close(struct submit *s, int deadline_ms, loop_fn closed, void *arg);

#endif
