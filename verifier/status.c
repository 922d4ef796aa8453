/*
 * verifier/status.c: what the verifier says about itself.
 *
 * From: consumer/base/service.c, asked for /readyz, /status and /metrics.
 * To:   an operator.
 */
#include <inttypes.h>
#include <stdio.h>

#include "consumer/base/clock.h"
#include "verifier/pipeline_inside.h"

void status_metrics(struct pipeline *p)
{
    static const double sizes[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};
    static const char *const kinds[] = {"verified", "duplicate", "rejected",
                                        "quarantined"};
    char labels[96];
    int i;

    for (i = 0; i < 4; i++) {
        snprintf(labels, sizeof(labels), "type=\"%s\"", kinds[i]);
        p->kinds[i] = metric_counter("tidemill_verifier_rows_total", labels,
                                     "rows committed, by type");
    }
    for (i = 0; i < REASON_END; i++) {
        snprintf(labels, sizeof(labels), "reason=\"%s\"",
                 reason_name((enum reason)i));
        p->reasons[i] = metric_counter("tidemill_verifier_rejected_total",
                                       labels, "rejections, by reason");
    }
    p->taken = metric_counter("tidemill_verifier_records_total", NULL,
                              "records taken to be judged");
    p->below = metric_counter("tidemill_verifier_proof_records_total", NULL,
                              "records read only to prove the log");
    p->unproven = metric_counter("tidemill_verifier_unproven_total", NULL,
                                 "partitions that went on without proof");
    p->expired = metric_counter("tidemill_verifier_expired_total", NULL,
                                "offsets that expired unannounced");
    p->batches = metric_counter("tidemill_verifier_batches_total", NULL,
                                "batches committed");
    p->batch_records = metric_histogram("tidemill_verifier_batch_records", NULL,
                                        "records in a batch", sizes, 10);
    p->write_seconds =
        metric_histogram("tidemill_verifier_write_seconds", NULL,
                         "from sending a batch to its commit", METRIC_SECONDS);
    p->commit_seconds =
        metric_histogram("tidemill_verifier_commit_seconds", NULL,
                         "from the broker's append to the commit",
                         METRIC_SECONDS);
    p->fenced = metric_counter("tidemill_verifier_fenced_total", NULL,
                               "batches that another owner's fenced");
    p->stale = metric_counter("tidemill_verifier_stale_total", NULL,
                              "batches for a leaf no longer live");
    p->outage = metric_counter("tidemill_verifier_outage_total", NULL,
                               "batches the database could not take");
    p->unknown = metric_counter("tidemill_verifier_unknown_total", NULL,
                                "batches whose outcome was lost");
    p->bad_data = metric_counter("tidemill_verifier_bad_data_total", NULL,
                                 "batches with a record the database refuses");
    p->lanes_gauge = metric_gauge("tidemill_verifier_partitions", NULL,
                                  "partitions this process owns");
    p->stopped_gauge =
        metric_gauge("tidemill_verifier_partitions_stopped", NULL,
                     "partitions that wait for an operator");
    p->window_gauge = metric_gauge("tidemill_verifier_window_records", NULL,
                                   "records taken and not announced");
    p->oldest_gauge =
        metric_gauge("tidemill_verifier_oldest_seconds", NULL,
                     "age of the oldest record that is not announced");
    p->retention_gauge =
        metric_gauge("tidemill_verifier_retention_seconds", NULL,
                     "what the submitted topic keeps; 0: for ever, or unknown");
}

/* How long the topic keeps what waits: beyond it, records are lost. */
static double retention_seconds(const struct pipeline *p)
{
    const struct kafka_topic *t =
        kafka_facts_topic(kafka_survey_facts(p->survey), p->o.topic_submitted);

    return t == NULL || !t->described || t->retention_ms < 0
               ? 0
               : (double)t->retention_ms / 1000;
}

void status_gauges(struct pipeline *p)
{
    size_t i, stopped = 0, window = 0;
    int64_t now = clock_wall_ms(), oldest = now, since;

    for (i = 0; i < p->lane_count; i++) {
        stopped += p->lanes[i]->stop != LANE_RUNS;
        window += p->lanes[i]->count;
        since = lane_waits_since(p->lanes[i], now);
        if (since != 0 && since < oldest)
            oldest = since;
    }
    metric_set(p->oldest_gauge, (double)(now - oldest) / 1000);
    metric_set(p->retention_gauge, retention_seconds(p));
    metric_set(p->lanes_gauge, (double)p->lane_count);
    metric_set(p->stopped_gauge, (double)stopped);
    metric_set(p->window_gauge, (double)window);
}

bool pipeline_ready(const struct pipeline *p, struct buffer *why)
{
    if (!p->ledger_up) {
        buffer_append_format(why, "postgresql: %s", ledger_why(p->ledger));
        return false;
    }
    if (p->submitted.log == 0) {
        buffer_append_text(why,
                           "postgresql: no log is noted; run `tidemill "
                           "init`");
        return false;
    }
    if (!kafka_facts_hold(kafka_survey_facts(p->survey), why))
        return false;
    if (p->consumer == NULL || !consumer_connected(p->consumer)) {
        buffer_append_text(why, "kafka: no broker is connected");
        return false;
    }
    return true;
}

static void lane_status(const struct lane *l, struct buffer *json)
{
    buffer_append_format(
        json,
        "{\"partition\":%d,\"state\":\"%s\",\"stopped\":%s%s%s,\"position\":"
        "%" PRId64 ",\"announced\":%" PRId64 ",\"window\":%zu,\"next\":%" PRId64
        "}",
        l->partition.id, partition_state_name(l->partition.state),
        l->stop == LANE_RUNS ? "" : "\"",
        l->stop == LANE_RUNS ? "null" : lane_stop_name(l->stop),
        l->stop == LANE_RUNS ? "" : "\"", l->position, lane_announced(l),
        l->count, l->next_offset);
}

void pipeline_status(const struct pipeline *p, struct buffer *json)
{
    size_t i;

    buffer_append_format(
        json,
        "{\"database\":%s,\"log\":%d,\"results_log\":%d,\"leaf\":%d,"
        "\"judging\":%zu,\"partitions\":[",
        p->ledger_up ? "true" : "false", p->submitted.log, p->results.log,
        ledger_live_leaf(p->ledger), pool_count(p->pool));
    for (i = 0; i < p->lane_count; i++) {
        if (i > 0)
            buffer_append_byte(json, ',');
        lane_status(p->lanes[i], json);
    }
    buffer_append_text(json, "]}");
}
