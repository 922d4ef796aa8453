/*
 * consumer/kafka.h: the brokers: how to reach them, what is true there, and
 * what an operator may change.
 *
 *   kafka_config   brokers and librdkafka keys from the environment
 *   kafka_survey   facts about topics, asked again and again, on the loop
 *   kafka_admin    blocking calls for the command; never on a loop
 *
 * Thread: stated at each part.
 */
#ifndef CONSUMER_KAFKA_H
#define CONSUMER_KAFKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "consumer/base/loop.h"
#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

/* ---- How to reach them. Any thread; read-only once filled. ---- */

#define KAFKA_KEYS_MAX 64
#define KAFKA_KEY_BYTES_MAX 64
#define KAFKA_VALUE_BYTES_MAX 4096

struct kafka_key {
    char name[KAFKA_KEY_BYTES_MAX]; /* librdkafka's, with dots */
    char *value;                    /* owned by the config */
};

struct kafka_config {
    char *brokers; /* host:port,host:port; owned */
    struct kafka_key keys[KAFKA_KEYS_MAX];
    size_t key_count;
};

/*
 * Fills a config: `brokers`, and every TIDEMILL_KAFKA_<KEY> that the settings
 * let pass (setting_passed()), where KEY is a librdkafka key in capitals with
 * its dots written as underscores. Keys that the promise rests on are refused
 * by name. Returns 0, then kafka_config_fini(), or
 *   FAIL_SETTING  `out_why` (a text of ours, appended) names variable, value
 *                 and reason.
 */
int kafka_config_init(struct kafka_config *out, const char *brokers,
                      struct buffer *out_why) MUST_CHECK;

/*
 * Sets one more key, by its librdkafka name or as written in a setting
 * ("LINGER_MS"). The last one counts. Same returns.
 */
int kafka_config_set(struct kafka_config *k, const char *name,
                     const char *value, struct buffer *out_why) MUST_CHECK;

void kafka_config_fini(struct kafka_config *k);

/* The linger that keeps broker and producer cheap: 5 ms, or 20 with replicas.
 */
int kafka_linger_ms(int replication);

/* "librdkafka 2.0.2", and what is known to be wrong with it. Static. */
const char *kafka_library(void);
const char *kafka_library_warning(void); /* "" when nothing is */

/* ---- What is true there. ---- */

#define KAFKA_TOPICS_MAX 4
#define KAFKA_TOPIC_NAME_MAX 249
#define KAFKA_WHY_MAX 255

struct kafka_topic {
    char name[KAFKA_TOPIC_NAME_MAX + 1];
    bool exists;
    bool described; /* what its configuration says is known: min_insync … */
    int32_t partitions;
    int replication;           /* the least of all its partitions */
    int leaderless;            /* partitions without a leader now */
    int min_insync;            /* min.insync.replicas */
    bool log_append_time;      /* message.timestamp.type */
    bool unclean;              /* unclean.leader.election.enable */
    bool compacted;            /* cleanup.policy names compact */
    bool deleted;              /* cleanup.policy names delete */
    int64_t retention_ms;      /* -1: for ever */
    int64_t retention_bytes;   /* -1: no limit */
    int64_t message_bytes_max; /* max.message.bytes */
};

struct kafka_facts {
    bool known;          /* brokers have answered at least once */
    bool fresh;          /* and the last question was answered, too */
    char cluster_id[64]; /* "" when not known */
    int brokers;         /* how many there are */
    int32_t broker_id;   /* of one of them */
    size_t topic_count;  /* as asked */
    struct kafka_topic topics[KAFKA_TOPICS_MAX];
    char why[KAFKA_WHY_MAX + 1]; /* what the last question failed on; "" */
};

/* A topic's facts by name; NULL when it was not asked for. */
const struct kafka_topic *kafka_facts_topic(const struct kafka_facts *f,
                                            const char *name);

/*
 * Do these facts carry the promise? True, or false and one line of why not:
 * no answer yet, topic missing, CreateTime, compaction, fewer in-sync replicas
 * than two where there are replicas.
 */
bool kafka_facts_hold(const struct kafka_facts *f, struct buffer *out_why);

/*
 * For how long an answer may stand before the question is asked again:
 * refresh_ms, but 2 s at most while it does not hold. Somebody waits for it
 * then: a topic is about to be made, leaders are being elected.
 */
int kafka_facts_stand_ms(const struct kafka_facts *f, int refresh_ms);

/*
 * Asks on a thread of its own, with growing pauses, until brokers answer, then
 * every refresh_ms, sooner while the facts do not hold. `changed` comes on the loop after every answer or failure
 * (facts->known tells), with facts borrowed for the call.
 * Thread: loop thread only.
 */
struct kafka_survey;
struct kafka_survey_options {
    struct loop *loop;
    const struct kafka_config *config; /* borrowed during the open */
    const char *name;                  /* for client id; a literal */
    const char *const *topics;         /* copied */
    size_t topic_count;                /* 1..KAFKA_TOPICS_MAX */
    int refresh_ms;                    /* 0: 60,000 */
    int deadline_ms;                   /* of one question; 0: 4,000 */
    void (*changed)(void *arg, const struct kafka_facts *facts);
    void *arg;
};
int kafka_survey_open(const struct kafka_survey_options *o,
                      struct kafka_survey **out) MUST_CHECK;

/* The newest facts, never NULL; borrowed until the next `changed`. */
const struct kafka_facts *kafka_survey_facts(const struct kafka_survey *s);

/*
 * Ends it. `closed` (may be NULL) comes on the loop when the thread has ended,
 * within 6 s. No `changed` comes after the call. NULL is fine.
 */
void kafka_survey_close(struct kafka_survey *s, loop_fn closed, void *arg);

/* ---- What an operator may change. Blocking, each call within the deadline;
 * one thread at a time. ---- */

struct kafka_admin;
/* `config` is borrowed until kafka_admin_close(). Returns 0, FAIL_SETTING or
 * FAIL_SYSTEM; no broker needs to answer yet. */
int kafka_admin_open(const struct kafka_config *config, int deadline_ms,
                     struct kafka_admin **out) MUST_CHECK;
void kafka_admin_close(struct kafka_admin *a);

/* Words about the last failure; borrowed until the next call. */
const char *kafka_admin_why(const struct kafka_admin *a);

struct kafka_pair {
    const char *name, *value;
};

/*
 * All of these return 0, or
 *   FAIL_UNREACHABLE, FAIL_TIMEOUT  no answer
 *   FAIL_NOT_FOUND                  no such topic, partition or group
 *   FAIL_DENIED                     the brokers do not allow it
 *   FAIL_BROKEN                     the brokers refuse it; kafka_admin_why()
 */

/*
 * Creates a topic. `replication` -1: the brokers' default. When it is there
 * already nothing is changed, *out_existed is true, and the caller compares
 * with kafka_admin_facts(); otherwise waits until every partition has a leader.
 */
int kafka_admin_create_topic(struct kafka_admin *a, const char *topic,
                             int32_t partitions, int replication,
                             const struct kafka_pair *configs,
                             size_t config_count, bool *out_existed) MUST_CHECK;

/* Raises the count of partitions to `total`, and waits for their leaders. */
int kafka_admin_add_partitions(struct kafka_admin *a, const char *topic,
                               int32_t total) MUST_CHECK;

/* Deletes a topic, and waits until no broker lists it. */
int kafka_admin_delete_topic(struct kafka_admin *a,
                             const char *topic) MUST_CHECK;

/* The same facts a survey gives, now. */
int kafka_admin_facts(struct kafka_admin *a, const char *const *topics,
                      size_t topic_count, struct kafka_facts *out) MUST_CHECK;

/*
 * The same, when all of the topics were made a moment ago: each broker hears of
 * them in its own time, and any of them may be the one that is asked. Asks
 * until they are there with leaders and their configuration, or the deadline
 * has passed; then what the last answer was.
 */
int kafka_admin_new_facts(struct kafka_admin *a, const char *const *topics,
                          size_t topic_count,
                          struct kafka_facts *out) MUST_CHECK;

/* Every config entry of a topic, or of broker `id` when `topic` is NULL. */
typedef void (*kafka_entry_fn)(void *arg, const char *name, const char *value,
                               bool is_default);
int kafka_admin_describe(struct kafka_admin *a, const char *topic, int id,
                         kafka_entry_fn entry, void *arg) MUST_CHECK;

/* The first offset kept and the one after the last, of one partition. */
int kafka_admin_offsets(struct kafka_admin *a, const char *topic,
                        int32_t partition, int64_t *out_start,
                        int64_t *out_end) MUST_CHECK;

/*
 * The first offset that was appended at or after `ms` (wall clock of the
 * brokers, for LogAppendTime); the end of the log when none was.
 */
int kafka_admin_offset_at(struct kafka_admin *a, const char *topic,
                          int32_t partition, int64_t ms,
                          int64_t *out_offset) MUST_CHECK;

/* What a group committed: out_offsets[0..count-1], -1 where nothing is. */
int kafka_admin_committed(struct kafka_admin *a, const char *group,
                          const char *topic, int32_t count,
                          int64_t *out_offsets) MUST_CHECK;

/*
 * Joins `group` on `topic` for a moment and leaves, so that the brokers make
 * their group topic now and not when the first verifier starts.
 */
int kafka_admin_join(struct kafka_admin *a, const char *group,
                     const char *topic) MUST_CHECK;

/* The cluster's id; "" when it has none. Borrowed until close. */
int kafka_admin_cluster_id(struct kafka_admin *a, const char **out) MUST_CHECK;

#endif
