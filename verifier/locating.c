/*
 * verifier/locating.c: where each partition starts.
 *
 *      logs ----> positions ----> each lane: goes on | begins there | stops
 *                                 the first time: consumer_start()
 *
 * Positions are read again whenever what we knew may be false: another owner
 * moved one, the connection was lost, the live leaf changed. A lane whose
 * position is still the one it had simply goes on.
 *
 * From: verifier/pipeline.c, when positions are to be read.
 * To:   verifier/ledger_read.c and back; consumer/consumer.c.
 */
#include <inttypes.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "schemas/base/fail.h"
#include "verifier/pipeline_inside.h"

/* Everything from the lane's start again; what it held is forgotten. */
static void begin(struct pipeline *p, struct lane *l,
                  const struct ledger_position *at)
{
    lane_begin(l, at->position, at->announced, at->results_offset,
               at->has_last ? at->last_sha256 : NULL);
    l->stop = LANE_RUNS;
    intake_move(l, PARTITION_POSITION_KNOWN);
    log_info("partition.located",
             "partition=%d position=%" PRId64 " announced=%" PRId64
             " start=%" PRId64,
             l->partition.id, at->position, at->announced, l->proof.start);
    if (p->started)
        consumer_restart(p->consumer, l->partition.id, l->proof.start);
}

/* The log was noted on another Kafka cluster: its offsets are others. */
static bool is_other_cluster(const struct pipeline *p)
{
    const char *here = kafka_survey_facts(p->survey)->cluster_id;

    return here[0] != '\0' && p->submitted.cluster_id[0] != '\0' &&
           strcmp(here, p->submitted.cluster_id) != 0;
}

/*
 * A lane that runs and stands where the database says simply goes on; any other
 * begins there.
 */
static void located(struct pipeline *p, struct lane *l,
                    const struct ledger_position *at)
{
    if (intake_takes(l)) {
        if (at->known && at->position == l->position && !is_other_cluster(p))
            return;
        lane_forget(l);
        intake_move(l, PARTITION_POSITION_LOST);
    }
    if (l->partition.state != PARTITION_LOCATING)
        return;
    if (!at->known)
        intake_stop(p, l, LANE_NOT_PLANTED);
    else if (is_other_cluster(p))
        intake_stop(p, l, LANE_UNKNOWN_LOG);
    else if (l->stop == LANE_NEWER_RULES && at->position == l->position)
        intake_stop(p, l, LANE_NEWER_RULES); /* still that record */
    else
        begin(p, l, at);
}

/*
 * What everybody types to replay a topic does nothing here: PostgreSQL owns the
 * position. Said once an assignment, when it is far from where we stand.
 */
static void on_committed(void *arg, int rc, const struct consumer_place *places,
                         size_t count)
{
    struct pipeline *p = arg;
    struct lane *l;
    size_t i;

    for (i = 0; rc == 0 && i < count; i++) {
        l = intake_lane(p, places[i].partition);
        if (l == NULL || places[i].offset < 0 || l->stop != LANE_RUNS)
            continue;
        if (places[i].offset <= l->position &&
            places[i].offset + (int64_t)p->o.window_records >= l->position)
            continue;
        log_warn("group.reset",
                 "partition=%d committed=%" PRId64 " position=%" PRId64
                 " why=\"the group's offsets are only for lag tools and were "
                 "set by somebody: that does nothing; see `tidemill replay`\"",
                 l->partition.id, places[i].offset, l->position);
    }
}

/* The first start of this assignment: every located lane at once. */
static void start(struct pipeline *p)
{
    struct consumer_place places[PIPELINE_LANES_MAX];
    size_t count = 0, i;

    for (i = 0; i < p->lane_count; i++)
        places[count++] = (struct consumer_place){p->lanes[i]->partition.id,
                                                  intake_takes(p->lanes[i])
                                                      ? p->lanes[i]->next_offset
                                                      : CONSUMER_END};
    consumer_start(p->consumer, places, count);
    p->started = true;
    if (consumer_committed(p->consumer, on_committed, p) < 0)
        log_debug("group.unasked", "why=busy");
    for (i = 0; i < p->lane_count; i++) {
        if (!intake_takes(p->lanes[i]))
            consumer_pause(p->consumer, p->lanes[i]->partition.id);
    }
}

static void on_positions(void *arg, int rc,
                         const struct ledger_position *positions, size_t count)
{
    struct pipeline *p = arg;
    struct lane *l;
    size_t i;

    p->talk = TALK_NONE;
    if (rc < 0) {
        log_warn("positions.unread", "why=%s", LOG_TEXT(ledger_why(p->ledger)));
        p->refresh = true;
        p->retry_ms = clock_ms() + 200;
        pipeline_next(p);
        return;
    }
    for (i = 0; i < count; i++) {
        l = intake_lane(p, positions[i].partition);
        if (l != NULL)
            located(p, l, &positions[i]);
    }
    if (!p->started && p->lane_count > 0)
        start(p);
    pipeline_next(p);
}

static void ask_positions(struct pipeline *p)
{
    int32_t partitions[PIPELINE_LANES_MAX];
    size_t i;

    if (p->lane_count == 0) {
        p->talk = TALK_NONE;
        pipeline_next(p);
        return;
    }
    for (i = 0; i < p->lane_count; i++)
        partitions[i] = p->lanes[i]->partition.id;
    ledger_positions(p->ledger, partitions, p->lane_count, on_positions, p);
}

/* The logs as the database has them; a change means: another log. */
static void take_logs(struct pipeline *p, const struct ledger_log *submitted,
                      const struct ledger_log *results)
{
    size_t i;

    if (p->submitted.log != 0 && (submitted->log != p->submitted.log ||
                                  results->log != p->results.log)) {
        log_warn("log.adopted", "log=%d results_log=%d", submitted->log,
                 results->log);
        for (i = 0; i < p->lane_count; i++) {
            lane_forget(p->lanes[i]);
            if (intake_takes(p->lanes[i]))
                intake_move(p->lanes[i], PARTITION_POSITION_LOST);
        }
    }
    p->submitted = *submitted;
    p->results = *results;
    ledger_use_log(p->ledger, submitted->log);
    if (p->announce != NULL)
        announce_logs(p->announce, submitted->log, results->log);
}

static void logs_unread(struct pipeline *p, int rc, const char *topic)
{
    p->talk = TALK_NONE;
    p->refresh = true;
    p->retry_ms = clock_ms() + PIPELINE_NOT_PLANTED_MS;
    log_warn("log.unread", "topic=%s reason=%s why=%s", topic, fail_name(rc),
             rc == FAIL_NOT_FOUND ? "\"run `tidemill init`\""
                                  : LOG_TEXT(ledger_why(p->ledger)));
    pipeline_next(p);
}

static void on_results_log(void *arg, int rc, const struct ledger_log *log)
{
    struct pipeline *p = arg;

    if (rc < 0) {
        logs_unread(p, rc, p->o.topic_results);
        return;
    }
    take_logs(p, &p->read_submitted, log);
    ask_positions(p);
}

static void on_submitted_log(void *arg, int rc, const struct ledger_log *log)
{
    struct pipeline *p = arg;

    if (rc < 0) {
        logs_unread(p, rc, p->o.topic_submitted);
        return;
    }
    p->read_submitted = *log;
    ledger_log(p->ledger, p->o.topic_results, on_results_log, p);
}

void locating_begin(struct pipeline *p)
{
    p->refresh = false;
    p->talk = TALK_REFRESH;
    ledger_log(p->ledger, p->o.topic_submitted, on_submitted_log, p);
}
