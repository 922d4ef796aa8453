/*
 * producer/admission.c: closes the gate when nothing is acknowledged, and
 * probes until something is.
 *
 * From: producer/submit.c, before each send and at each report.
 * To:   its answer to the client.
 */
#include "producer/admission.h"

#define CLOSE_AFTER_MS 2000
#define PROBE_MS 250

void admission_init(struct admission *a)
{
    *a = (struct admission){.last_probe_ms = -PROBE_MS};
}

enum admission_answer admission_ask(struct admission *a, int64_t now_ms)
{
    if (!a->connected)
        return ADMISSION_CLOSED;
    if (!a->closed)
        return ADMISSION_TAKE;
    if (now_ms - a->last_probe_ms < PROBE_MS)
        return ADMISSION_CLOSED;
    a->last_probe_ms = now_ms;
    return ADMISSION_TAKE;
}

void admission_connected(struct admission *a, bool connected)
{
    a->connected = connected;
}

void admission_report(struct admission *a, bool persisted, int64_t now_ms)
{
    if (persisted) {
        a->closed = false;
        a->failing_ms = 0;
        return;
    }
    if (a->failing_ms == 0)
        a->failing_ms = now_ms;
    if (now_ms - a->failing_ms >= CLOSE_AFTER_MS)
        a->closed = true;
}
