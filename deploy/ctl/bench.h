/*
 * deploy/ctl/bench.h: `tidemill bench`: an open-loop load, and what it cost.
 *
 * Thread: main thread.
 */
#ifndef DEPLOY_CTL_BENCH_H
#define DEPLOY_CTL_BENCH_H

#include "consumer/base/command.h"
#include "deploy/ctl/latency.h"
#include "deploy/ctl/procs.h"

extern const struct command command_bench; /* tidemill bench */

#define BENCH_KINDS_MAX 16
#define BENCH_KIND_MAX 63

/* What one run measured. What was sent while warming up is in no number. */
struct bench_report {
    double rate; /* intended, a second */
    double seconds;
    size_t connections, subscribers;
    size_t sent, stored, repeated;
    double stored_rate; /* a second, until the last answer */
    size_t missing;     /* stored, times subscribers, that did not arrive */
    size_t waited_max;  /* requests that were due and found no connection */
    struct latency answered; /* from the intended time to the 202 */
    struct latency arrived;  /* from the intended time to the WebSocket */
    struct {
        char kind[BENCH_KIND_MAX + 1];
        size_t count;
    } errors[BENCH_KINDS_MAX];
    size_t error_kinds;
    struct procs procs;
    double cpu_us[PROCS_MAX]; /* a stored transaction; of procs_first() */
    double client_cpu_us;     /* our own */
};

/* For people, or as one JSON object. */
void bench_print(const struct bench_report *r);
void bench_print_json(const struct bench_report *r);

#endif
