/*
 * verifier/announce.h: tells the results topic what the rows say.
 *
 * Only committed works are announced, in offset order per partition, to the
 * partition of their record, under the id log-partition-offset. What is
 * announced is what the rows say; the recomputed verdict only fills the fields.
 *
 * Thread: loop thread.
 */
#ifndef VERIFIER_ANNOUNCE_H
#define VERIFIER_ANNOUNCE_H

#include "consumer/base/loop.h"
#include "consumer/outlet.h"
#include "verifier/lane.h"

struct announce;

struct announce_options {
    struct loop *loop;
    struct outlet *outlet; /* topic 0 is the results topic; outlives this */
    int32_t log;           /* of the records: the first part of their ids */
    int32_t results_log;   /* stamped on every result */
    /* A result of this lane was acked; lane_announced() may have risen. */
    void (*acked)(void *arg, struct lane *l);
    /* The results topic gave an offset that is not above the last one. */
    void (*results_unknown)(void *arg, struct lane *l, int64_t offset);
    void *arg;
};

void announce_open(const struct announce_options *o, struct announce **out);

/* The numbers of the logs changed (an operator adopted another log). */
void announce_logs(struct announce *a, int32_t log, int32_t results_log);

/*
 * Sends what the lane has decided and not sent. When the outlet is full the
 * rest stays, and is sent when announce_send() is called again: after an ack,
 * or by the caller's timer.
 */
void announce_send(struct announce *a, struct lane *l);

/* Everything sent has been reported: nothing of ours is in the outlet. NULL is
 * fine. */
void announce_close(struct announce *a);

#endif
