/*
 * verifier/command/cluster.h: brokers and database of one topic, for commands
 * that look at both.
 *
 *      cluster_open(&c, brokers, url, topic) ... cluster_close(&c)
 *
 * Thread: main thread.
 */
#ifndef VERIFIER_COMMAND_CLUSTER_H
#define VERIFIER_COMMAND_CLUSTER_H

#include "consumer/base/command.h"
#include "consumer/kafka.h"
#include "consumer/reader.h"
#include "schemas/names.h"
#include "verifier/command/database.h"

#define CLUSTER_PARTITIONS_MAX 1024

/* The settings of a command that looks at both sides of tx.submitted. */
#define CLUSTER_SETTINGS(brokers, url, topic)                                  \
    SETTING_TEXT("KAFKA_BROKERS", brokers, "127.0.0.1:9092",                   \
                 "brokers to ask first, host:port,host:port"),                 \
        SETTING_TEXT_ALIAS(                                                    \
            "DATABASE_URL", "DATABASE_URL", url, NULL,                         \
            "PostgreSQL, as a URL; without it PGHOST and the like"),           \
        SETTING_TEXT("TOPIC_SUBMITTED", topic, NAMES_TOPIC_SUBMITTED,          \
                     "topic of what was accepted")

/* One partition, as both sides see it. */
struct cluster_place {
    int64_t position;  /* first offset without a row; -1: never planted */
    int64_t announced; /* first offset not known to be announced */
    bool has_last;
    uint8_t last_sha256[32]; /* of the record before the position */
    int64_t start, end;      /* offsets the brokers keep: [start, end) */
};

struct cluster {
    const char *topic;
    struct kafka_config config;
    bool configured;
    struct kafka_admin *admin;
    struct database *db;
    int log; /* the topic's newest number; 0: `tidemill init` never ran */
    int32_t partition_count;
    struct cluster_place places[CLUSTER_PARTITIONS_MAX];
};

/*
 * Connects to both, finds the log's number and partitions. Returns 0, or a
 * command_exit after printing why. cluster_close() in any case.
 */
int cluster_open(struct cluster *c, const char *brokers, const char *url,
                 const char *topic) MUST_CHECK;
void cluster_close(struct cluster *c);

/* Reads the places of all partitions, now. The same returns. */
int cluster_read(struct cluster *c) MUST_CHECK;

/* One statement; `what` stands before the words of a failure. The same. */
int cluster_ask(struct cluster *c, const char *sql,
                const struct postgres_param *params, size_t count,
                database_fn rows, void *arg, const char *what) MUST_CHECK;

/*
 * Reads [from, to) of a partition; the records are borrowed for the call. The
 * same returns.
 */
int cluster_fetch(struct cluster *c, int32_t partition, int64_t from,
                  int64_t to, reader_record_fn record, void *arg) MUST_CHECK;

#endif
