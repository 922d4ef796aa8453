/*
 * verifier/pipeline.c: opens the parts, and decides what happens next.
 *
 * Nothing is waited for: brokers and database may come and go in any order.
 *
 *      survey knows the replication factor      -> outlet (its linger)
 *      ledger up, logs known, outlet there      -> consumer joins the group
 *      assigned, or the database came back      -> positions are read
 *      judged below the position                -> their rows are looked up
 *      judged at the position                   -> a batch is written
 *
 * From: verifier/main.c.
 * To:   verifier/intake.c, verifier/writing.c.
 */
#include "verifier/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "schemas/base/fail.h"
#include "schemas/names.h"
#include "verifier/pipeline_inside.h"

#define TICK_MS 250
#define RAISE_IDLE_MS 1000
#define OUTLET_CLOSE_MS 2000

static void open_outlet(struct pipeline *p);
static void open_consumer(struct pipeline *p);

/* ---- what comes next ---- */

void pipeline_later(struct pipeline *p, int64_t ms)
{
    int64_t at = clock_ms() + ms;

    if (p->closing || (loop_timer_running(p->next_timer) && p->next_ms <= at))
        return;
    p->next_ms = at;
    loop_timer_start(p->next_timer, ms, 0);
}

static bool all_announced(const struct pipeline *p)
{
    size_t i;

    for (i = 0; i < p->lane_count; i++) {
        if (p->lanes[i]->count > 0 && p->lanes[i]->stop == LANE_RUNS)
            return false;
    }
    return true;
}

/* Draining: is everything that was taken finished, or is time up? */
static void look_whether_drained(struct pipeline *p)
{
    loop_fn drained = p->drained;

    if (drained == NULL)
        return;
    if (clock_ms() < p->drain_deadline_ms &&
        !(p->talk == TALK_NONE && all_announced(p)))
        return;
    if (p->ledger_up)
        writing_raise(p);
    p->drained = NULL;
    drained(p->drained_arg);
}

void pipeline_next(struct pipeline *p)
{
    if (p->closing)
        return;
    if (p->talk == TALK_NONE && p->ledger_up) {
        if (clock_ms() < p->retry_ms)
            pipeline_later(p, p->retry_ms - clock_ms());
        else if (p->refresh)
            locating_begin(p);
        else if (p->consumer == NULL || !writing_look(p))
            (void)(p->consumer != NULL && writing_batch(p));
    }
    look_whether_drained(p);
}

static void on_next(void *arg)
{
    pipeline_next(arg);
}

/* ---- the pool ---- */

static void on_judged(void *arg, struct work *w)
{
    struct pipeline *p = arg;

    (void)p;
    w->judged = true;
    work_drop(w, WORK_HELD_BY_POOL);
}

static void on_turn_judged(void *arg)
{
    pipeline_next(arg);
}

/* ---- the ledger ---- */

static void on_ledger_up(void *arg)
{
    struct pipeline *p = arg;

    log_info("ledger.connected", "leaf=%d", ledger_live_leaf(p->ledger));
    p->ledger_up = true;
    p->outages = 0;
    p->retry_ms = 0;
    p->refresh = true;
    pipeline_next(p);
}

/* What we knew belonged to that connection. */
static void on_ledger_down(void *arg, const char *why)
{
    struct pipeline *p = arg;

    log_warn("ledger.disconnected", "why=%s", LOG_TEXT(why));
    p->ledger_up = false;
    p->talk = TALK_NONE;
    writing_abandon(p);
    intake_forget(p);
}

static const struct ledger_events ledger_events = {on_ledger_up,
                                                   on_ledger_down};

/* ---- announcing ---- */

static void on_acked(void *arg, struct lane *l)
{
    struct pipeline *p = arg;

    announce_send(p->announce, l);
    intake_resume(p, l);
    if (p->drained != NULL)
        pipeline_next(p);
}

static void on_results_unknown(void *arg, struct lane *l, int64_t offset)
{
    log_error("results.unknown_log",
              "partition=%d offset=%lld last=%lld why=\"the results topic "
              "gave an offset that is not above the last one\"",
              l->partition.id, (long long)offset, (long long)l->results_offset);
    intake_stop(arg, l, LANE_RESULTS_UNKNOWN);
}

/* ---- the brokers ---- */

static void on_survey(void *arg, const struct kafka_facts *facts)
{
    struct pipeline *p = arg;

    if (!facts->known || p->closing)
        return;
    if (p->outlet == NULL)
        open_outlet(p);
    pipeline_next(p);
}

static void open_outlet(struct pipeline *p)
{
    const struct kafka_facts *facts = kafka_survey_facts(p->survey);
    const struct kafka_topic *t = kafka_facts_topic(facts, p->o.topic_results);
    const char *const topics[] = {p->o.topic_results};
    struct outlet_options o = {
        .loop = p->o.loop,
        .config = p->o.kafka,
        .name = "verifier.results",
        .topics = topics,
        .topic_count = 1,
        .header = NAMES_HEADER_RECORD,
        .message_timeout_ms = 0,
        .record_bytes_max = 8192,
    };

    if (t == NULL || !t->exists)
        return;
    o.linger_ms = kafka_linger_ms(t->replication);
    if (outlet_open(&o, &p->outlet) < 0)
        p->o.failed(p->o.arg, FAIL_SETTING,
                    "the results producer does not open");
}

static void open_announce(struct pipeline *p)
{
    struct announce_options o = {
        .loop = p->o.loop,
        .outlet = p->outlet,
        .log = p->submitted.log,
        .results_log = p->results.log,
        .acked = on_acked,
        .results_unknown = on_results_unknown,
        .arg = p,
    };

    announce_open(&o, &p->announce);
}

static void open_consumer(struct pipeline *p)
{
    struct consumer_options o = {
        .loop = p->o.loop,
        .config = p->o.kafka,
        .name = "verifier.submitted",
        .topic = p->o.topic_submitted,
        .group = NAMES_GROUP_VERIFIER,
        .header = NAMES_HEADER_RECORD,
        .events = &intake_events,
        .arg = p,
    };

    if (consumer_open(&o, &p->consumer) < 0)
        p->o.failed(p->o.arg, FAIL_SETTING, "the consumer does not open");
}

/* Logs are known and the outlet is there: records may come. */
static void open_the_rest(struct pipeline *p)
{
    struct chain chain;

    if (p->consumer != NULL || p->outlet == NULL || p->submitted.log == 0 ||
        p->draining)
        return;
    if (chain_parse(bytes_text(p->submitted.chain), &chain) < 0) {
        p->o.failed(p->o.arg, FAIL_BROKEN, "the log's default chain is none");
        return;
    }
    pool_defaults(p->pool, &chain, p->submitted.rules);
    open_announce(p);
    open_consumer(p);
}

/* ---- time ---- */

static void on_tick(void *arg)
{
    struct pipeline *p = arg;
    size_t i;

    if (p->closing)
        return;
    open_the_rest(p);
    if (p->outlet == NULL && kafka_survey_facts(p->survey)->known)
        open_outlet(p);
    intake_retry(p);
    for (i = 0; p->announce != NULL && i < p->lane_count; i++) {
        announce_send(p->announce, p->lanes[i]);
        intake_resume(p, p->lanes[i]);
    }
    if (p->ledger_up && clock_ms() - p->raise_ms >= RAISE_IDLE_MS)
        writing_raise(p);
    status_gauges(p);
    pipeline_next(p);
}

/* ---- opening and closing ---- */

static int open_parts(struct pipeline *p)
{
    const char *const topics[] = {p->o.topic_submitted, p->o.topic_results};
    struct kafka_survey_options so = {
        .loop = p->o.loop,
        .config = p->o.kafka,
        .name = "verifier.survey",
        .topics = topics,
        .topic_count = 2,
        .changed = on_survey,
        .arg = p,
    };
    struct pool_options po = {
        .loop = p->o.loop,
        .threads = p->o.threads,
        .judged = on_judged,
        .turn_end = on_turn_judged,
        .arg = p,
    };
    struct ledger_options lo = {
        .url = p->o.database_url,
        .application_name = p->application_name,
    };
    struct sealer_options eo = {
        .url = p->o.database_url,
        .application_name = p->application_name,
        .leaf_rows = p->o.leaf_rows,
        .keep_days = p->o.keep_days,
    };
    struct audit_options ao = {
        .url = p->o.database_url,
        .application_name = p->application_name,
        .turn_ms = p->o.reconcile_ms,
    };
    int rc;

    rc = judge_open(&p->judge);
    if (rc < 0)
        return rc;
    po.judge = p->judge;
    rc = pool_open(&po, &p->pool);
    if (rc < 0)
        return rc;
    rc = ledger_open(p->o.loop, &lo, &ledger_events, p, &p->ledger);
    if (rc < 0)
        return rc;
    rc = sealer_open(p->o.loop, &eo, &p->sealer);
    if (rc < 0)
        return rc;
    rc = audit_open(p->o.loop, &ao, &p->audit);
    if (rc < 0)
        return rc;
    return kafka_survey_open(&so, &p->survey);
}

int pipeline_open(const struct pipeline_options *o, struct pipeline **out)
{
    struct pipeline *p = calloc(1, sizeof(*p));
    char host[64] = "?";
    int rc;

    CHECK(p != NULL);
    CHECK(o->batch_records <= LEDGER_RECORDS_MAX);
    p->o = *o;
    p->batch_limit = o->batch_records;
    gethostname(host, sizeof(host) - 1);
    snprintf(p->application_name, sizeof(p->application_name), "%s/%s/%d",
             NAMES_APPLICATION_VERIFIER, host, (int)getpid());
    CHECK(writing_init(&p->writing, o->batch_records));
    status_metrics(p);
    p->next_timer = loop_timer_open(o->loop, "pipeline.next", on_next, p);
    p->tick = loop_timer_open(o->loop, "pipeline.tick", on_tick, p);
    rc = open_parts(p);
    if (rc < 0) {
        pipeline_close(p);
        return rc;
    }
    loop_timer_start(p->tick, TICK_MS, TICK_MS);
    *out = p;
    return 0;
}

void pipeline_drain(struct pipeline *p, int deadline_ms, loop_fn drained,
                    void *arg)
{
    size_t i;

    p->draining = true;
    p->drained = drained;
    p->drained_arg = arg;
    p->drain_deadline_ms = clock_ms() + deadline_ms;
    for (i = 0; p->consumer != NULL && i < p->lane_count; i++)
        consumer_pause(p->consumer, p->lanes[i]->partition.id);
    pipeline_next(p);
}

/* The last part is gone. */
static void on_survey_closed(void *arg)
{
    struct pipeline *p = arg;

    writing_fini(&p->writing);
    free(p);
}

static void on_consumer_closed(void *arg)
{
    struct pipeline *p = arg;

    kafka_survey_close(p->survey, on_survey_closed, p);
}

static void on_outlet_closed(void *arg)
{
    struct pipeline *p = arg;

    announce_close(p->announce);
    CHECK(work_alive() == 0);
    consumer_close(p->consumer, on_consumer_closed, p);
}

/*
 * The order matters: first nobody gives works back any more (ledger, lanes,
 * pool), then the outlet reports what it holds, then no record is alive and the
 * consumer may go.
 */
void pipeline_close(struct pipeline *p)
{
    if (p == NULL)
        return;
    p->closing = true;
    loop_timer_close(p->next_timer);
    loop_timer_close(p->tick);
    sealer_close(p->sealer);
    audit_close(p->audit);
    ledger_close(p->ledger);
    writing_abandon(p);
    intake_drop_lanes(p);
    pool_close(p->pool);
    judge_close(p->judge);
    outlet_close(p->outlet, OUTLET_CLOSE_MS, on_outlet_closed, p);
}
