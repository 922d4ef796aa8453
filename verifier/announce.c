/*
 * verifier/announce.c: from a decided work to a result in its topic.
 *
 * The result is encoded once, by announcement.c; the same bytes travel through
 * Kafka, Redis and the WebSocket frame. A report that is not "persisted" sends
 * everything of that lane again from the first result that is not acked:
 * results may repeat, but the first of each keeps its place.
 *
 * From: verifier/pipeline.c, after a commit or a look-up.
 * To:   consumer/outlet.c, and back to verifier/pipeline.c, which raises
 *       `announced`.
 */
#include "verifier/announce.h"

#include <stdio.h>
#include <stdlib.h>

#include "consumer/base/log.h"
#include "consumer/base/metrics.h"
#include "schemas/base/fail.h"
#include "schemas/result.h"
#include "verifier/announcement.h"

struct announce {
    struct announce_options o;
    char header[32]; /* "1;<results log>" */
    struct buffer json;
    struct metric *announced, *again, *refused, *no_row, *drift;
};

void announce_open(const struct announce_options *o, struct announce **out)
{
    struct announce *a = calloc(1, sizeof(*a));

    CHECK(a != NULL);
    a->o = *o;
    buffer_init(&a->json, RESULT_BYTES_MAX);
    a->announced = metric_counter("tidemill_verifier_announced_total", NULL,
                                  "results acknowledged by the brokers");
    a->again = metric_counter("tidemill_verifier_announced_again_total", NULL,
                              "results whose report was not an ack, sent "
                              "again");
    a->refused = metric_counter("tidemill_verifier_announce_refused_total",
                                NULL, "results the outlet refused for now");
    a->no_row = metric_counter("tidemill_verifier_no_row_total", NULL,
                               "records below the position without any row");
    a->drift = metric_counter("tidemill_verdict_drift_total", NULL,
                              "records whose row and recomputed verdict "
                              "disagree; the row wins");
    announce_logs(a, o->log, o->results_log);
    *out = a;
}

void announce_logs(struct announce *a, int32_t log, int32_t results_log)
{
    a->o.log = log;
    a->o.results_log = results_log;
    snprintf(a->header, sizeof(a->header), "1;%d", results_log);
}

void announce_close(struct announce *a)
{
    if (a == NULL)
        return;
    buffer_fini(&a->json);
    free(a);
}

static void count_drift(struct announce *a, const struct work *w)
{
    bool said_good = w->kind == LEDGER_VERIFIED || w->kind == LEDGER_DUPLICATE;

    if (w->kind == LEDGER_QUARANTINED || said_good == w->verdict.verified)
        return;
    metric_add(a->drift, 1);
    log_error("announce.drift",
              "partition=%d offset=%lld row=%s verdict=%s why=\"the row and "
              "the verdict of today disagree; the row is announced\"",
              w->record.partition, (long long)w->record.offset,
              said_good ? "verified" : "rejected",
              w->verdict.verified ? "verified"
                                  : reason_name(w->verdict.reason));
}

static void reported(void *arg, const struct outlet_report *r);

/* Hands one result to the outlet. Returns 0 or why it cannot be taken now. */
static int send(struct announce *a, struct work *w)
{
    struct announcement n = {
        .id = {a->o.log, w->record.partition, w->record.offset},
        .chain = &w->chain,
        .append_ms = w->record.append_ms,
        .key = w->record.key,
        .value = w->record.value,
        .verdict = &w->verdict,
        .kind = w->kind,
        .reason = w->reason,
        .of = w->of,
    };
    int rc;

    announcement_encode(&n, &a->json);
    rc =
        outlet_send(a->o.outlet, 0, w->record.partition, announcement_key(&n),
                    buffer_bytes(&a->json), bytes_text(a->header), reported, w);
    if (rc == 0)
        w->holders |= WORK_HELD_BY_OUTLET;
    else
        metric_add(a->refused, 1);
    return rc;
}

void announce_send(struct announce *a, struct lane *l)
{
    struct work *w;

    while (l->stop != LANE_RESULTS_UNKNOWN && (w = lane_to_send(l)) != NULL) {
        if (w->acked) {
            lane_sent(l);
            continue;
        }
        /* Its report has not come yet: send it again only after that. */
        if ((w->holders & WORK_HELD_BY_OUTLET) != 0)
            return;
        w->announce = a;
        if (w->kind == LEDGER_NO_ROW) {
            metric_add(a->no_row, 1);
            log_error("announce.no_row",
                      "partition=%d offset=%lld why=\"below the position, yet "
                      "no table holds it: run `tidemill reconcile`\"",
                      w->record.partition, (long long)w->record.offset);
            lane_sent(l);
            lane_acked(l, w);
            continue;
        }
        if (send(a, w) < 0)
            return;
        count_drift(a, w);
        lane_sent(l);
    }
}

/* The brokers have it, or may have it. */
static void reported(void *arg, const struct outlet_report *r)
{
    struct work *w = arg;
    struct lane *l = w->lane;
    struct announce *a = w->announce;

    if (l != NULL && r->outcome != OUTLET_PERSISTED) {
        metric_add(a->again, 1);
        lane_unsent(l);
    } else if (l != NULL) {
        metric_add(a->announced, 1);
        if (r->offset <= l->results_offset) {
            a->o.results_unknown(a->o.arg, l, r->offset);
        } else {
            l->results_offset = r->offset;
            lane_acked(l, w);
            a->o.acked(a->o.arg, l);
        }
    }
    work_drop(w, WORK_HELD_BY_OUTLET);
}
