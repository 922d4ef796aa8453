/*
 * producer/admission.h: may one more transaction be sent to this partition?
 *
 *      OPEN --- only failures for 2 s ---> CLOSED --- may probe ---> PROBING
 *        ^                                   ^                          |
 *        |                                   +--- it failed, 250 ms ----+
 *        +------------- one report "persisted" -------------------------+
 *
 * A partition whose leader does not answer is refused by itself: its records
 * would only wait, and each that the library gives up on makes it begin a new
 * epoch, for which all partitions wait. Therefore a closed gate lets one
 * transaction through at a time, as a probe, and all others are refused at
 * once, cheaply, with 503. What was accepted is never dropped.
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

/* Zero-filled is open. */
struct admission {
    bool closed;        /* failures only */
    bool probing;       /* one is under way */
    int64_t failing_ms; /* since when reports fail; 0: they do not */
    int64_t probed_ms;  /* when the last one failed */
};

/*
 * May one more be sent at `now_ms`? What is taken is reported, or given back.
 */
enum admission_answer admission_ask(struct admission *a, int64_t now_ms);

/* A report came: was it persisted? */
void admission_report(struct admission *a, bool persisted, int64_t now_ms);

/* What was taken has not been sent after all. */
void admission_give_back(struct admission *a);

#endif
