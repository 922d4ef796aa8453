/*
 * verifier/command/doctor_kafka.c: do topics and brokers keep what they
 * acknowledged?
 *
 * From: deploy/ctl/doctor.c.
 * To:   consumer/kafka_admin.c; verifier/command/doctor.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/command/doctor.h"

#define DAY_MS ((int64_t)86400000)
#define MESSAGE_BYTES_MIN 1000000

/* A check of one topic, named "tx.submitted.retention". */
struct about {
    struct doctor *d;
    const struct kafka_topic *t;
    char name[KAFKA_TOPIC_NAME_MAX + 24];
    char run[KAFKA_TOPIC_NAME_MAX + 160];
};

static const char *name_of(struct about *a, const char *what)
{
    snprintf(a->name, sizeof(a->name), "%s.%s", a->t->name, what);
    return a->name;
}

/* How an operator sets one key of the topic. */
static const char *set(struct about *a, const char *pair)
{
    snprintf(a->run, sizeof(a->run),
             "kafka-configs.sh --bootstrap-server BROKER --alter "
             "--entity-type topics --entity-name %s --add-config %s",
             a->t->name, pair);
    return a->run;
}

#define ADD_COPIES                                                             \
    "kafka-reassign-partitions.sh, to three copies, then "                     \
    "min.insync.replicas=2"

static void check_copies(struct about *a, int brokers)
{
    const struct kafka_topic *t = a->t;
    const char *name = name_of(a, "copies");

    if (t->min_insync > t->replication)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_STORED,
                   set(a, "min.insync.replicas=2"),
                   "min.insync.replicas=%d of %d copies: nothing can be "
                   "acknowledged",
                   t->min_insync, t->replication);
    else if (t->replication == 1 && brokers <= 1)
        doctor_say(a->d, DOCTOR_WARNING, name, DOCTOR_STORED,
                   "three brokers, then " ADD_COPIES,
                   "1 copy on the only broker: as safe as its one disk");
    else if (t->replication == 1)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_STORED, ADD_COPIES,
                   "1 copy, although there are %d brokers", brokers);
    else if (t->min_insync < 2)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_STORED,
                   set(a, "min.insync.replicas=2"),
                   "min.insync.replicas=%d of %d copies: an acknowledged "
                   "record may be on one disk only",
                   t->min_insync, t->replication);
    else if (t->min_insync == t->replication)
        doctor_say(a->d, DOCTOR_WARNING, name, DOCTOR_FLOW, ADD_COPIES,
                   "%d of %d copies: while one broker is away, nothing is "
                   "accepted",
                   t->min_insync, t->replication);
    else
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL,
                   "%d copies, %d of them before an acknowledgement",
                   t->replication, t->min_insync);
}

static void check_election(struct about *a)
{
    const char *name = name_of(a, "election");

    if (a->t->unclean)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_STORED,
                   set(a, "unclean.leader.election.enable=false"),
                   "a copy that lacks acknowledged records may become the "
                   "leader");
    else
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL, "clean leaders only");
}

static void check_clock(struct about *a)
{
    const char *name = name_of(a, "clock");

    if (!a->t->log_append_time)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_STORED,
                   set(a, "message.timestamp.type=LogAppendTime"),
                   "CreateTime: a client's clock can age a record out of the "
                   "log");
    else
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL, "LogAppendTime");
}

static void check_cleanup(struct about *a)
{
    const char *name = name_of(a, "cleanup");

    if (a->t->compacted || !a->t->deleted)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_ONE_ROW,
                   set(a, "cleanup.policy=delete"),
                   "cleanup.policy removes repeats before they are judged, "
                   "or keeps what is old for ever");
    else
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL, "cleanup.policy=delete");
}

/* Records live until they are judged; results until clients have resumed. */
static void check_retention(struct about *a, bool submitted)
{
    const char *name = name_of(a, "retention");
    const char *sentence = submitted ? DOCTOR_STORED : DOCTOR_ANNOUNCED;
    int64_t ms = a->t->retention_ms;
    double days = (double)ms / (double)DAY_MS;

    if (ms >= 0 && ms < DAY_MS)
        doctor_say(a->d, submitted ? DOCTOR_FAILED : DOCTOR_WARNING, name,
                   sentence, set(a, "retention.ms=604800000"),
                   "%.2g days: an outage that long loses what was accepted",
                   days);
    else if (ms >= 0 && ms < 7 * DAY_MS)
        doctor_say(a->d, DOCTOR_WARNING, name, sentence,
                   set(a, "retention.ms=604800000"),
                   "%.2g days: 7 leave time to find and mend an outage", days);
    else if (a->t->retention_bytes >= 0)
        doctor_say(a->d, DOCTOR_WARNING, name, sentence,
                   set(a, "retention.bytes=-1"),
                   "a partition above %" PRId64
                   " bytes loses its oldest "
                   "records, however young",
                   a->t->retention_bytes);
    else if (ms < 0)
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL, "for ever");
    else
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL, "%.3g days", days);
}

static void check_message_bytes(struct about *a)
{
    const char *name = name_of(a, "message");

    if (a->t->message_bytes_max < MESSAGE_BYTES_MIN)
        doctor_say(a->d, DOCTOR_WARNING, name, DOCTOR_FLOW,
                   set(a, "max.message.bytes=1048588"),
                   "max.message.bytes=%" PRId64
                   ": batches that doors and "
                   "verifiers send may be refused",
                   a->t->message_bytes_max);
    else
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL, "up to %" PRId64 " bytes",
                   a->t->message_bytes_max);
}

static void check_leaders(struct about *a)
{
    const char *name = name_of(a, "leaders");

    if (a->t->leaderless > 0)
        doctor_say(a->d, DOCTOR_FAILED, name, DOCTOR_FLOW,
                   "look at the brokers: which are away?",
                   "%d of %d partitions have no leader", a->t->leaderless,
                   a->t->partitions);
    else
        doctor_say(a->d, DOCTOR_OK, name, NULL, NULL,
                   "all of %d partitions have one", a->t->partitions);
}

void doctor_topic(struct doctor *d, const struct kafka_topic *t, bool submitted,
                  int brokers)
{
    struct about a = {.d = d, .t = t};

    if (!t->exists) {
        doctor_say(d, DOCTOR_FAILED, t->name, DOCTOR_STORED, "tidemill init",
                   "the topic is not there");
        return;
    }
    check_leaders(&a);
    if (!t->described) {
        doctor_say(d, DOCTOR_FAILED, t->name, DOCTOR_STORED,
                   "give this user DESCRIBE_CONFIGS on topics",
                   "its configuration cannot be read");
        return;
    }
    check_copies(&a, brokers);
    check_election(&a);
    check_clock(&a);
    check_cleanup(&a);
    check_retention(&a, submitted);
    check_message_bytes(&a);
}

static void check_partitions(struct doctor *d, const struct kafka_facts *facts)
{
    const struct kafka_topic *submitted = &facts->topics[0];
    const struct kafka_topic *results = &facts->topics[1];
    char run[64];

    if (!submitted->exists || !results->exists)
        return;
    snprintf(run, sizeof(run), "tidemill partitions %d --execute",
             submitted->partitions);
    if (results->partitions < submitted->partitions)
        doctor_say(d, DOCTOR_FAILED, "partitions", DOCTOR_ANNOUNCED, run,
                   "%s has %d and %s %d: a result goes to the partition of "
                   "its record",
                   results->name, results->partitions, submitted->name,
                   submitted->partitions);
    else
        doctor_say(d, DOCTOR_OK, "partitions", NULL, NULL, "%d and %d",
                   submitted->partitions, results->partitions);
}

struct broker {
    bool auto_create, unclean;
};

static void on_entry(void *arg, const char *name, const char *value,
                     bool is_default)
{
    struct broker *b = arg;

    (void)is_default;
    if (value == NULL)
        return;
    if (strcmp(name, "auto.create.topics.enable") == 0)
        b->auto_create = strcmp(value, "true") == 0;
    if (strcmp(name, "unclean.leader.election.enable") == 0)
        b->unclean = strcmp(value, "true") == 0;
}

static void check_broker(struct doctor *d, struct kafka_admin *admin, int id)
{
    struct broker b = {false, false};
    int rc = kafka_admin_describe(admin, NULL, id, on_entry, &b);

    if (rc < 0) {
        doctor_say(d, DOCTOR_WARNING, "broker", NULL,
                   "give this user DESCRIBE_CONFIGS on the cluster",
                   "the settings of broker %d cannot be read: %s", id,
                   kafka_admin_why(admin));
        return;
    }
    if (b.auto_create)
        doctor_say(d, DOCTOR_WARNING, "broker.topics", DOCTOR_STORED,
                   "set auto.create.topics.enable=false on every broker",
                   "a topic that was deleted, or mistyped, comes into being "
                   "by itself, with one copy and CreateTime");
    else
        doctor_say(d, DOCTOR_OK, "broker.topics", NULL, NULL,
                   "topics are made on purpose only");
    if (b.unclean)
        doctor_say(d, DOCTOR_WARNING, "broker.election", DOCTOR_STORED,
                   "set unclean.leader.election.enable=false on every broker",
                   "unclean leaders are the default of new topics");
}

void doctor_brokers(struct doctor *d, struct kafka_admin *admin,
                    const char *brokers, const char *const topics[2],
                    struct kafka_facts *out_facts)
{
    const char *library = kafka_library_warning();
    struct kafka_facts *facts = out_facts;
    int rc = kafka_admin_facts(admin, topics, 2, facts);

    if (rc < 0) {
        facts->known = false;
        doctor_say(d, DOCTOR_FAILED, "brokers", DOCTOR_STORED,
                   "is KAFKA_BROKERS right, and do they run?", "%s: %s",
                   brokers, kafka_admin_why(admin));
        return;
    }
    doctor_say(d, DOCTOR_OK, "brokers", NULL, NULL, "%d of them, cluster %s",
               facts->brokers, facts->cluster_id);
    if (*library != '\0')
        doctor_say(d, DOCTOR_OK, "library", NULL, NULL, "%s: %s",
                   kafka_library(), library);
    check_broker(d, admin, facts->broker_id);
    doctor_topic(d, &facts->topics[0], true, facts->brokers);
    doctor_topic(d, &facts->topics[1], false, facts->brokers);
    check_partitions(d, facts);
}
