/*
 * producer/admission.c: closes a partition's gate when nothing is acknowledged,
 * and probes until something is.
 *
 * From: producer/submit.c, before each send and at each report.
 * To:   its answer to the client.
 */
#include "producer/admission.h"

#define CLOSE_AFTER_MS 2000
#define PROBE_MS 250

enum admission_answer admission_ask(struct admission *a, int64_t now_ms)
{
    if (!a->closed)
        return ADMISSION_TAKE;
    if (a->probing || now_ms - a->probed_ms < PROBE_MS)
        return ADMISSION_CLOSED;
    a->probing = true;
    return ADMISSION_TAKE;
}

void admission_report(struct admission *a, bool persisted, int64_t now_ms)
{
    a->probing = false;
    if (persisted) {
        a->closed = false;
        a->failing_ms = 0;
        return;
    }
    a->probed_ms = now_ms;
    if (a->failing_ms == 0)
        a->failing_ms = now_ms;
    if (now_ms - a->failing_ms >= CLOSE_AFTER_MS)
        a->closed = true;
}

void admission_give_back(struct admission *a)
{
    a->probing = false;
}
