/*
 * tests/unit/consumer/mock.h: brokers inside the test's own process.
 *
 * librdkafka's mock cluster: real listeners on loopback, no disk, no
 * configuration of topics. One cluster a test program, with new topics for each
 * test. Its interface is experimental, so it is used here only.
 */
#ifndef TESTS_UNIT_CONSUMER_MOCK_H
#define TESTS_UNIT_CONSUMER_MOCK_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "consumer/base/log.h"
#include "consumer/base/loop.h"
#include "consumer/kafka.h"
#include "tests/support/harness.h"

static rd_kafka_t *mock_owner;
static rd_kafka_t *mock_producer; /* for records by somebody else */
static rd_kafka_mock_cluster_t *mock;
static rd_kafka_topic_t *mock_handles[64]; /* warm: a new one costs 1 s */
static int mock_count;
static struct kafka_config mock_config;

/* Starts the cluster with the first test. */
static void mock_start(void)
{
    char why[256];
    rd_kafka_conf_t *conf;
    struct buffer words;

    if (mock != NULL)
        return;
    CHECK(log_configure("error", "text") == 0);
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    mock_owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    CHECK(mock_owner != NULL);
    mock = rd_kafka_mock_cluster_new(mock_owner, 1);
    CHECK(mock != NULL);
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    CHECK(rd_kafka_conf_set(conf, "bootstrap.servers",
                            rd_kafka_mock_cluster_bootstraps(mock), why,
                            sizeof(why)) == RD_KAFKA_CONF_OK);
    mock_producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    CHECK(mock_producer != NULL);
    buffer_init(&words, 1024);
    CHECK(kafka_config_init(&mock_config,
                            rd_kafka_mock_cluster_bootstraps(mock),
                            &words) == 0);
    buffer_fini(&words);
}

/* A topic with a name of its own and `partitions` partitions. */
static inline const char *mock_topic(int partitions)
{
    static char name[64];

    mock_start();
    CHECK(mock_count < 64);
    snprintf(name, sizeof(name), "topic-%d", mock_count);
    CHECK(rd_kafka_mock_topic_create(mock, name, partitions, 1) ==
          RD_KAFKA_RESP_ERR_NO_ERROR);
    mock_handles[mock_count++] = rd_kafka_topic_new(mock_producer, name, NULL);
    return name;
}

#ifdef __SANITIZE_THREAD__
/* The library makes its threads by C11's thrd_create(), which this sanitizer
 * does not see: any program with the library crashes under it. */
__attribute__((constructor)) static void mock_skip(void)
{
    puts("0 passed, 0 failed, 1 skipped (librdkafka under this sanitizer)");
    fflush(stdout);
    _exit(0);
}
#endif

/* Ends the cluster, so that a leak of ours is the only one. */
__attribute__((destructor)) static void mock_stop(void)
{
    if (mock == NULL)
        return;
    while (mock_count > 0)
        rd_kafka_topic_destroy(mock_handles[--mock_count]);
    rd_kafka_destroy(mock_producer);
    rd_kafka_mock_cluster_destroy(mock);
    rd_kafka_destroy(mock_owner);
    kafka_config_fini(&mock_config);
    mock = NULL;
}

static inline void mock_set_true(void *flag)
{
    *(bool *)flag = true;
}

#endif
