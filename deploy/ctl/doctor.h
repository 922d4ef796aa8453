/*
 * deploy/ctl/doctor.h: `tidemill doctor`: do the settings of brokers, database
 * and Redis carry the promise?
 *
 * Thread: main thread.
 */
#ifndef DEPLOY_CTL_DOCTOR_H
#define DEPLOY_CTL_DOCTOR_H

#include "consumer/base/command.h"
#include "verifier/command/doctor.h"

extern const struct command command_doctor;

/* What Redis said about its subscribers' buffers. */
struct doctor_redis {
    bool answered;        /* the whole reply is there */
    bool refused;         /* it was an error; `why` says which */
    int64_t hard, soft;   /* bytes; 0: no limit */
    int64_t soft_seconds; /* the soft one counts after so long */
    char why[128];        /* its words, or ours */
};

/*
 * Reads what came so far in answer to AUTH (if one was sent) and CONFIG GET
 * client-output-buffer-limit. Pure.
 */
void doctor_redis_parse(struct bytes reply, bool auth,
                        struct doctor_redis *out);

/* Says what it means. Pure but for the output. */
void doctor_judge_redis(struct doctor *d, const struct doctor_redis *r);

/* Asks. */
void doctor_ask_redis(struct doctor *d, const char *url);

#endif
