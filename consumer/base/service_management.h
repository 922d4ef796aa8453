/*
 * consumer/base/service_management.h: the management port of a process.
 *
 *     /livez    200 as long as the loop turns; depends on nothing else
 *     /readyz   200, or 503 and why not; JSON when Accept asks for it
 *     /metrics  Prometheus text
 *     /version  {"name":…,"version":…}
 *     /status   everything about this process, for people
 *
 * GET and HEAD only.
 *
 * Thread: the loop's.
 */
#ifndef CONSUMER_BASE_SERVICE_MANAGEMENT_H
#define CONSUMER_BASE_SERVICE_MANAGEMENT_H

#include <stdbool.h>

#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

struct loop;
struct service_management;

/* Who is asked. */
struct service_answers {
    const char *name; /* the program */
    void *arg;
    bool (*ready)(void *arg, struct buffer *why);
    const char *(*state)(void *arg); /* "starting", "running", "draining" */
    /* Appends one JSON object, or nothing. */
    void (*status)(void *arg, struct buffer *json);
};

/*
 * Listens on `address` and `port` (0: any free one). `answers` is copied.
 * Returns 0, FAIL_SETTING (the address is none) or FAIL_SYSTEM (it is taken).
 */
MUST_CHECK int service_management_open(struct loop *l, const char *address,
                                       int port,
                                       const struct service_answers *answers,
                                       struct service_management **out);

/* The port it listens on. */
int service_management_port(const struct service_management *m);

/* NULL is fine. */
void service_management_close(struct service_management *m);

#endif
