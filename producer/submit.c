/*
 * producer/submit.c: decodes, remembers, sends, and answers.
 *
 * The record is the exact bytes that will be judged, without the blobs that may
 * have come beside them; its key is chain and transaction id, so that first and
 * repeat of one transaction are in one partition; its header names chain and
 * rule set.
 *
 *      entry under way ---- report ----> finished: remembered for a moment
 *        | waiters                  \--> forgotten
 *        '- 6 s: answered UNKNOWN; the entry waits on for its report
 *
 * From: producer/rest.c and producer/rpc.c, with bytes and a chain.
 * To:   consumer/outlet.c; then back, with what the log says.
 */
#include "producer/submit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/base/clock.h"
#include "consumer/base/log.h"
#include "consumer/base/metrics.h"
#include "consumer/kafka.h"
#include "consumer/outlet.h"
#include "producer/admission.h"
#include "producer/recent.h"
#include "schemas/base/fail.h"
#include "schemas/hash.h"
#include "schemas/record.h"
#include "schemas/transaction.h"

#define TICK_MS 100
/* Gates; a topic of more partitions shares them. */
#define GATES 64

static const char *const kind_names[] = {
    "accepted",   "repeated", "refused", "chain_required",
    "not_served", "busy",     "away",    "unknown",
};
#define KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

struct recent_waiter {
    struct recent_waiter *next;
    submit_fn done;
    void *arg;
};

struct submit {
    struct submit_options o;
    struct kafka_survey *survey;
    struct outlet *outlet; /* NULL until the topic's facts are known */
    struct recent *recent;
    struct buffer stripped; /* room for one transaction without its blobs */
    struct admission gates[GATES];
    int32_t partitions; /* of the topic, as last known */
    struct loop_timer *tick;
    bool holds; /* the topic's settings carry the promise */
    bool closing;
    loop_fn closed;
    void *closed_arg;
    int close_ms;
    struct metric *kinds[KINDS], *refused[REASON_END];
    struct metric *ack_seconds, *bytes, *late;
};

/* What a report needs: which entry, of whom, through which gate. */
struct sent {
    struct submit *submit;
    struct recent_entry *entry;
    struct admission *gate;
};

static void answer(struct submit *s, const struct submit_answer *a,
                   submit_fn done, void *arg)
{
    metric_add(s->kinds[a->kind], 1);
    if (a->kind == SUBMIT_REFUSED)
        metric_add(s->refused[a->reason], 1);
    done(arg, a);
}

/* ---- before sending ---- */

/* Forms of transactions that name no chain. */
static bool serves_other_forms(const struct chains *c)
{
    return chains_serve(c, CHAIN_JWS) || chains_serve(c, CHAIN_SOLANA) ||
           chains_serve(c, CHAIN_BIP122);
}

/* Which chain, and by which rule set? 0, or answers and returns negative. */
static int choose_chain(struct submit *s, const struct chain *asked,
                        struct bytes transaction, struct chain *out,
                        int *out_rules, submit_fn done, void *arg)
{
    struct submit_answer a = {.kind = SUBMIT_NOT_SERVED,
                              .words =
                                  "this door "
                                  "does not accept transactions of that chain"};
    bool has = false;
    int rc = 0;

    if (asked == NULL)
        asked = chains_only(s->o.chains);
    if (asked != NULL) {
        *out = *asked;
    } else {
        rc = transaction_chain(transaction, &has, out);
        if (rc == FAIL_MALFORMED && serves_other_forms(s->o.chains))
            rc = 0;
        if (rc == 0 && !has) {
            a.kind = SUBMIT_CHAIN_REQUIRED;
            a.words =
                "several chains are served and the transaction names "
                "none: post it to /v1/{chain}/transactions";
            answer(s, &a, done, arg);
            return FAIL_UNSUPPORTED;
        }
        /* What does not decode is refused by the first chain's rules. */
        if (rc == FAIL_MALFORMED)
            *out = s->o.chains->entries[0].chain;
    }
    *out_rules = rc == FAIL_TOO_BIG ? 0 : chains_rules(s->o.chains, out);
    if (*out_rules > 0)
        return 0;
    a.chain = rc == FAIL_TOO_BIG ? NULL : out;
    answer(s, &a, done, arg);
    return FAIL_UNSUPPORTED;
}

static void key_of(const struct chain *chain, struct bytes transaction,
                   uint8_t out[32])
{
    struct hash_sha256 h;

    hash_sha256_init(&h);
    hash_sha256_update(&h, bytes_of(chain->name, strlen(chain->name) + 1));
    hash_sha256_update(&h, transaction);
    hash_sha256_final(&h, out);
}

static void wait_for(struct recent_entry *e, submit_fn done, void *arg)
{
    struct recent_waiter *w = malloc(sizeof(*w));

    CHECK(w != NULL);
    *w = (struct recent_waiter){e->waiters, done, arg};
    e->waiters = w;
}

static void answer_entry(struct submit *s, struct recent_entry *e,
                         enum submit_kind kind, const char *words)
{
    struct submit_answer a = {
        .kind = kind,
        .chain = &e->chain,
        .hash = e->hash,
        .partition = e->partition,
        .offset = e->offset,
        .accepted_at_ms = e->accepted_at_ms,
        .words = words,
    };
    struct recent_waiter *w;

    while ((w = e->waiters) != NULL) {
        e->waiters = w->next;
        answer(s, &a, w->done, w->arg);
        free(w);
    }
}

/* The same bytes are known. True: that settles it. */
static bool known_already(struct submit *s, struct recent_entry *e,
                          submit_fn done, void *arg)
{
    if (e == NULL)
        return false;
    wait_for(e, done, arg);
    if (e->finished)
        answer_entry(s, e, SUBMIT_REPEATED, "");
    return true;
}

/* ---- sending ---- */

static void on_report(void *arg, const struct outlet_report *r);

static bool may_send(const struct submit *s)
{
    return s->outlet != NULL && s->holds && !s->closing &&
           outlet_connected(s->outlet);
}

static struct admission *gate_of(struct submit *s, struct bytes key)
{
    return &s->gates[outlet_partition_of(key, s->partitions) % GATES];
}

static int send(struct submit *s, struct recent_entry *e, int rules,
                const uint8_t key[RECORD_KEY_BYTES], struct admission *gate,
                struct bytes transaction)
{
    char header[RECORD_HEADER_MAX + 1];
    struct sent *sent = malloc(sizeof(*sent));
    int count, rc;

    CHECK(sent != NULL);
    *sent = (struct sent){s, e, gate};
    count = record_header_format(&e->chain, rules, header);
    rc = outlet_send(s->outlet, 0, -1, bytes_of(key, RECORD_KEY_BYTES),
                     transaction, bytes_of(header, (size_t)count), on_report,
                     sent);
    if (rc < 0)
        free(sent);
    return rc;
}

static void submit_new(struct submit *s, const struct chain *chain, int rules,
                       const struct transaction *tx, const uint8_t key[32],
                       submit_fn done, void *arg)
{
    struct submit_answer a = {.kind = SUBMIT_AWAY,
                              .chain = chain,
                              .hash = tx->id,
                              .words = "no broker acknowledges now"};
    struct bytes record = transaction_canonical(tx, &s->stripped);
    uint8_t record_name[RECORD_KEY_BYTES];
    struct recent_entry *e = NULL;
    struct admission *gate = NULL;
    int64_t now = clock_ms();
    int rc = FAIL_UNREACHABLE;

    record_key(chain, tx->id, record_name);
    if (may_send(s))
        gate = gate_of(s, bytes_of(record_name, RECORD_KEY_BYTES));
    if (gate != NULL && admission_ask(gate, now) == ADMISSION_TAKE) {
        rc = FAIL_FULL;
        e = recent_start(s->recent, key, now);
        if (e == NULL)
            admission_give_back(gate);
    }
    if (e != NULL) {
        e->chain = *chain;
        memcpy(e->hash, tx->id, sizeof(e->hash));
        rc = send(s, e, rules, record_name, gate, record);
        if (rc == 0) {
            metric_add(s->bytes, record.count);
            wait_for(e, done, arg);
            return;
        }
        admission_give_back(gate);
        recent_forget(s->recent, e);
    }
    if (rc != FAIL_UNREACHABLE) {
        a.kind = SUBMIT_BUSY;
        a.words = "the queue to the brokers is full";
    }
    answer(s, &a, done, arg);
}

void submit_take(struct submit *s, const struct chain *asked,
                 struct bytes transaction, submit_fn done, void *arg)
{
    struct transaction_words words = {.text = ""};
    struct submit_answer a = {.kind = SUBMIT_REFUSED};
    struct transaction tx;
    struct chain chain;
    uint8_t key[32];
    int rules;

    if (choose_chain(s, asked, transaction, &chain, &rules, done, arg) < 0)
        return;
    key_of(&chain, transaction, key);
    if (known_already(s, recent_find(s->recent, key, clock_ms()), done, arg))
        return;
    a.reason = transaction_decode(&chain, rules, transaction, &tx, &words);
    if (a.reason != REASON_NONE) {
        a.chain = &chain;
        a.hash = tx.has_id ? tx.id : NULL;
        a.words = words.text;
        answer(s, &a, done, arg);
        return;
    }
    submit_new(s, &chain, rules, &tx, key, done, arg);
}

/* ---- the report ---- */

static void persisted(struct submit *s, struct recent_entry *e,
                      const struct outlet_report *r)
{
    int64_t now = clock_ms();

    metric_observe(s->ack_seconds, (double)(now - e->started_ms) / 1e3);
    if (e->waiters == NULL)
        metric_add(s->late, 1);
    e->partition = r->partition;
    e->offset = r->offset;
    e->accepted_at_ms = r->append_ms;
    answer_entry(s, e, SUBMIT_ACCEPTED, "");
    recent_finish(s->recent, e, now);
}

static void on_report(void *arg, const struct outlet_report *r)
{
    struct sent *sent = arg;
    struct submit *s = sent->submit;
    struct recent_entry *e = sent->entry;

    admission_report(sent->gate, r->outcome == OUTLET_PERSISTED, clock_ms());
    free(sent);
    switch (r->outcome) {
    case OUTLET_PERSISTED:
        persisted(s, e, r);
        return;
    case OUTLET_NOT_PERSISTED:
        answer_entry(s, e, SUBMIT_AWAY, "the brokers did not take it");
        break;
    case OUTLET_UNKNOWN:
        answer_entry(s, e, SUBMIT_UNKNOWN, "outcome unknown, send again");
        break;
    }
    recent_forget(s->recent, e);
}

/* ---- time and brokers ---- */

static void on_tick(void *arg)
{
    struct submit *s = arg;
    struct recent_entry *e = recent_oldest(s->recent);
    int64_t before = clock_ms() - s->o.deadline_ms;

    for (; e != NULL && e->started_ms <= before; e = recent_next(e))
        answer_entry(s, e, SUBMIT_UNKNOWN, "outcome unknown, send again");
}

static void open_outlet(struct submit *s, const struct kafka_topic *t)
{
    const char *const topics[] = {s->o.topic};
    struct outlet_options o = {
        .loop = s->o.loop,
        .config = s->o.kafka,
        .name = "producer.submitted",
        .topics = topics,
        .topic_count = 1,
        .header = RECORD_HEADER_NAME,
        .linger_ms = s->o.linger_ms >= 0 ? s->o.linger_ms
                                         : kafka_linger_ms(t->replication),
        .message_timeout_ms = s->o.message_timeout_ms,
        .records_max = (size_t)s->o.records_max,
    };
    int rc = outlet_open(&o, &s->outlet);

    if (rc < 0)
        log_error("outlet.unopened", "reason=%s", fail_name(rc));
}

static void on_survey(void *arg, const struct kafka_facts *facts)
{
    struct submit *s = arg;
    const struct kafka_topic *t = kafka_facts_topic(facts, s->o.topic);
    struct buffer why;
    bool holds;

    if (s->closing || !facts->known)
        return;
    if (t != NULL && t->partitions > 0)
        s->partitions = t->partitions;
    if (s->outlet == NULL && t != NULL && t->exists)
        open_outlet(s, t);
    /* A passing silence of the brokers is the outlet's business. */
    if (!facts->fresh)
        return;
    buffer_init(&why, 1024);
    holds = kafka_facts_hold(facts, &why);
    if (holds != s->holds || !holds)
        log_info("topic.checked", "holds=%d why=%s", holds,
                 LOG_TEXT(buffer_text(&why)));
    s->holds = holds;
    buffer_fini(&why);
}

bool submit_ready(const struct submit *s, struct buffer *why)
{
    if (!kafka_facts_hold(kafka_survey_facts(s->survey), why))
        return false;
    if (s->outlet != NULL && outlet_connected(s->outlet))
        return true;
    buffer_append_text(why, "kafka: no broker is connected");
    return false;
}

size_t submit_under_way(const struct submit *s)
{
    return recent_under_way(s->recent);
}

static size_t gates_closed(const struct submit *s)
{
    size_t closed = 0;

    for (size_t i = 0; i < GATES; i++)
        closed += s->gates[i].closed;
    return closed;
}

void submit_status(const struct submit *s, struct buffer *json)
{
    bool connected = s->outlet != NULL && outlet_connected(s->outlet);
    size_t closed = gates_closed(s);

    buffer_append_format(json,
                         "{\"brokers\":%s,\"topic_holds\":%s,"
                         "\"admission\":\"%s\",\"partitions_closed\":%zu,"
                         "\"under_way\":%zu}",
                         connected ? "true" : "false",
                         s->holds ? "true" : "false",
                         !connected   ? "closed"
                         : closed > 0 ? "partly"
                                      : "open",
                         closed, submit_under_way(s));
}

/* ---- opening and closing ---- */

static void register_metrics(struct submit *s)
{
    char labels[96];
    size_t i;

    for (i = 0; i < KINDS; i++) {
        snprintf(labels, sizeof(labels), "outcome=\"%s\"", kind_names[i]);
        s->kinds[i] = metric_counter("tidemill_door_transactions_total", labels,
                                     "answers given, by outcome");
    }
    for (i = 0; i < REASON_END; i++) {
        snprintf(labels, sizeof(labels), "reason=\"%s\"",
                 reason_name((enum reason)i));
        s->refused[i] = metric_counter("tidemill_door_refused_total", labels,
                                       "transactions refused, by reason");
    }
    s->ack_seconds = metric_histogram("tidemill_door_ack_seconds", NULL,
                                      "from taking a transaction to its ack",
                                      METRIC_SECONDS);
    s->bytes = metric_counter("tidemill_door_bytes_total", NULL,
                              "bytes of transactions sent to the brokers");
    s->late = metric_counter("tidemill_door_late_acks_total", NULL,
                             "acks that came after the deadline of all who "
                             "waited");
}

int submit_open(const struct submit_options *o, struct submit **out)
{
    struct submit *s = calloc(1, sizeof(*s));
    struct kafka_survey_options so = {
        .loop = o->loop,
        .config = o->kafka,
        .name = "producer.survey",
        .topics = &o->topic,
        .topic_count = 1,
        .changed = on_survey,
        .arg = s,
    };
    int rc;

    CHECK(s != NULL);
    s->o = *o;
    buffer_init(&s->stripped, TRANSACTION_BYTES_MAX);
    s->partitions = 1;
    register_metrics(s);
    recent_open((size_t)o->records_max, (size_t)o->recent_max, o->recent_ms,
                &s->recent);
    rc = kafka_survey_open(&so, &s->survey);
    if (rc < 0) {
        recent_close(s->recent);
        free(s);
        return rc;
    }
    s->tick = loop_timer_open(o->loop, "submit.tick", on_tick, s);
    loop_timer_start(s->tick, TICK_MS, TICK_MS);
    *out = s;
    return 0;
}

static void on_survey_closed(void *arg)
{
    struct submit *s = arg;
    loop_fn closed = s->closed;
    void *closed_arg = s->closed_arg;

    recent_close(s->recent);
    buffer_fini(&s->stripped);
    free(s);
    if (closed != NULL)
        closed(closed_arg);
}

static void on_outlet_closed(void *arg)
{
    struct submit *s = arg;

    kafka_survey_close(s->survey, on_survey_closed, s);
}

void submit_close(struct submit *s, int deadline_ms, loop_fn closed, void *arg)
{
    if (s == NULL) {
        if (closed != NULL)
            closed(arg);
        return;
    }
    s->closing = true;
    s->closed = closed;
    s->closed_arg = arg;
    loop_timer_close(s->tick);
    outlet_close(s->outlet, deadline_ms, on_outlet_closed, s);
}
