/*
 * consumer/kafka_survey.c: asks the brokers again and again, beside the loop.
 *
 *      open -> ask -> answered: after refresh_ms again
 *                  -> answered, but a topic is not there: after 2 s again
 *                  -> failed: after 250, 500, 1000, 2000, 4000 ms again
 *
 * Facts once known stay known while brokers are away; `fresh` tells.
 *
 * From: each program's main.c: partition counts and linger at start, readiness
 *       afterwards.
 * To:   consumer/kafka_facts.c on a thread, by consumer/offload.c.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/log.h"
#include "consumer/kafka_handle.h"
#include "consumer/offload.h"
#include "schemas/base/fail.h"

enum {
    ASK_MS = 4000,
    END_MS = 4000,
    REFRESH_MS = 60000,
    PAUSE_MS = 250,
    PAUSE_MS_MAX = 4000
};

struct kafka_survey {
    struct loop *loop;
    rd_kafka_t *handle;
    char names[KAFKA_TOPICS_MAX][KAFKA_TOPIC_NAME_MAX + 1];
    const char *topics[KAFKA_TOPICS_MAX];
    size_t topic_count;
    int refresh_ms;
    int deadline_ms;
    int pause_ms; /* before the next try after a failure */
    void (*changed)(void *arg, const struct kafka_facts *facts);
    void *arg;
    struct loop_timer *timer;
    struct kafka_facts facts;  /* the newest; loop thread */
    struct kafka_facts answer; /* the thread's while it asks */
    int answer_rc;
    bool asking;
    bool closing;
    loop_fn closed;
    void *closed_arg;
};

static void ask(void *arg);
static void ask_on_thread(void *job);
static void answered(void *job, bool finished);
static void take_answer(struct kafka_survey *s);
static void end(struct kafka_survey *s);
static void ended(void *arg);

int kafka_survey_open(const struct kafka_survey_options *o,
                      struct kafka_survey **out)
{
    static const struct kafka_rule fixed[] = {
        {"allow.auto.create.topics", "false", false},
        {"socket.timeout.ms", "3000", false},
    };
    struct kafka_survey *s = calloc(1, sizeof(*s));
    rd_kafka_conf_t *conf;
    char why[KAFKA_WHY_MAX + 1];
    int rc;

    CHECK(o->topic_count >= 1 && o->topic_count <= KAFKA_TOPICS_MAX);
    if (s == NULL)
        return FAIL_SYSTEM;
    rc = kafka_conf_make(o->config, o->name, NULL, 0, fixed, 2, &conf);
    if (rc == 0)
        rc = kafka_handle_new(false, conf, why, &s->handle);
    if (rc < 0) {
        free(s);
        return rc;
    }
    s->loop = o->loop;
    s->topic_count = s->facts.topic_count = o->topic_count;
    for (size_t i = 0; i < o->topic_count; i++) {
        snprintf(s->names[i], sizeof(s->names[i]), "%s", o->topics[i]);
        s->topics[i] = s->names[i];
        memcpy(s->facts.topics[i].name, s->names[i], sizeof(s->names[i]));
    }
    s->refresh_ms = o->refresh_ms > 0 ? o->refresh_ms : REFRESH_MS;
    s->deadline_ms = o->deadline_ms > 0 ? o->deadline_ms : ASK_MS;
    s->pause_ms = PAUSE_MS;
    s->changed = o->changed;
    s->arg = o->arg;
    s->timer = loop_timer_open(s->loop, "kafka.survey", ask, s);
    loop_timer_start(s->timer, 0, 0);
    *out = s;
    return 0;
}

const struct kafka_facts *kafka_survey_facts(const struct kafka_survey *s)
{
    return &s->facts;
}

void kafka_survey_close(struct kafka_survey *s, loop_fn closed, void *arg)
{
    if (s == NULL) {
        if (closed != NULL)
            closed(arg);
        return;
    }
    CHECK(!s->closing);
    s->closing = true;
    s->closed = closed;
    s->closed_arg = arg;
    loop_timer_stop(s->timer);
    if (!s->asking)
        end(s);
}

static void ask(void *arg)
{
    static const struct offload_work work = {
        .name = "kafka.survey", .run = ask_on_thread, .done = answered};
    struct kafka_survey *s = arg;

    s->asking = true;
    if (offload(s->loop, &work, s) == 0)
        return;
    s->asking = false;
    loop_timer_start(s->timer, PAUSE_MS_MAX, 0);
}

static void ask_on_thread(void *job)
{
    struct kafka_survey *s = job;

    s->answer_rc = kafka_facts_ask(s->handle, s->topics, s->topic_count,
                                   s->deadline_ms, &s->answer);
}

static void answered(void *job, bool finished)
{
    struct kafka_survey *s = job;

    CHECK(finished);
    s->asking = false;
    if (s->closing) {
        end(s);
        return;
    }
    take_answer(s);
    if (s->answer_rc == 0) {
        s->pause_ms = PAUSE_MS;
        loop_timer_start(s->timer,
                         kafka_facts_stand_ms(&s->facts, s->refresh_ms), 0);
    } else {
        loop_timer_start(s->timer, s->pause_ms, 0);
        s->pause_ms =
            s->pause_ms * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : s->pause_ms * 2;
    }
    if (s->changed != NULL)
        s->changed(s->arg, &s->facts);
}

/* A failed question leaves what is known, and says why it is not fresh. */
static void take_answer(struct kafka_survey *s)
{
    if (s->answer_rc == 0 || (!s->facts.known && s->answer.known)) {
        s->facts = s->answer;
        return;
    }
    if (s->facts.fresh || !s->facts.known)
        log_warn("kafka.unanswered", "why=%s", LOG_TEXT(s->answer.why));
    s->facts.fresh = false;
    memcpy(s->facts.why, s->answer.why, sizeof(s->facts.why));
}

static void end(struct kafka_survey *s)
{
    kafka_handle_end(s->loop, s->handle, END_MS, ended, s);
}

static void ended(void *arg)
{
    struct kafka_survey *s = arg;
    loop_fn closed = s->closed;
    void *closed_arg = s->closed_arg;

    loop_timer_close(s->timer);
    free(s);
    if (closed != NULL)
        closed(closed_arg);
}
