/*
 * producer/admission.h: may one more transaction be taken?
 *
 *      OPEN --- no broker, or only failures for 2 s ---> CLOSED
 *        ^                                                 |
 *        +------------ one report "persisted" -------------+
 *
 * While it is closed one transaction every 250 ms is let through as a probe;
 * all others are refused at once, cheaply, with 503. What was accepted is never
 * dropped.
 *
 * Pure: the caller brings the clock. Thread: one at a time.
 */
#ifndef PRODUCER_ADMISSION_H
#define PRODUCER_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

enum admission_answer {
    ADMISSION_TAKE,
    ADMISSION_CLOSED /* nothing is acknowledged now */
};

struct admission {
    bool connected;        /* any broker is */
    bool closed;           /* failures only */
    int64_t failing_ms;    /* since when reports fail; 0: they do not */
    int64_t last_probe_ms; /* when one was let through */
};

void admission_init(struct admission *a);

/* May one more be taken at `now_ms`? */
enum admission_answer admission_ask(struct admission *a, int64_t now_ms);

/* What the outlet says about the brokers. */
void admission_connected(struct admission *a, bool connected);

/* A report came: was it persisted? */
void admission_report(struct admission *a, bool persisted, int64_t now_ms);

#endif
