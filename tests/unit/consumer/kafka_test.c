/*
 * tests/unit/consumer/kafka_test.c: settings that are refused, statistics, and
 * facts about topics.
 *
 * From: ctest.
 * To:   consumer/kafka_config.c, kafka_stats.c, kafka_survey.c.
 */
#include "consumer/kafka.h"

#include <stdlib.h>

#include "consumer/kafka_handle.h"
#include "schemas/base/fail.h"
#include "tests/unit/consumer/mock.h"

static struct kafka_config config_of(const char *brokers)
{
    struct kafka_config k;
    struct buffer why;

    buffer_init(&why, 1024);
    EXPECT_INT(kafka_config_init(&k, brokers, &why), 0);
    buffer_fini(&why);
    return k;
}

TEST(kafka_config_takes_keys_as_they_are_written_in_the_environment)
{
    struct kafka_config k = config_of("localhost:1");
    struct buffer why;

    buffer_init(&why, 1024);
    EXPECT_INT(kafka_config_set(&k, "LINGER_MS", "7", &why), 0);
    EXPECT_INT(kafka_config_set(&k, "linger.ms", "9", &why), 0);
    EXPECT_INT(kafka_config_set(&k, "LOG_LEVEL", "5", &why), 0);
    EXPECT_INT(k.key_count, 2);
    EXPECT_TEXT(k.keys[0].name, "linger.ms");
    EXPECT_TEXT(k.keys[0].value, "9");
    EXPECT_TEXT(k.keys[1].name, "log_level");
    kafka_config_fini(&k);
    buffer_fini(&why);
}

TEST(kafka_config_refuses_by_name_every_key_the_promise_rests_on)
{
    static const char *const keys[] = {"ACKS",
                                       "REQUEST_REQUIRED_ACKS",
                                       "ENABLE_IDEMPOTENCE",
                                       "AUTO_OFFSET_RESET",
                                       "ENABLE_AUTO_COMMIT",
                                       "ENABLE_AUTO_OFFSET_STORE",
                                       "PARTITIONER",
                                       "MESSAGE_TIMEOUT_MS",
                                       "DELIVERY_TIMEOUT_MS",
                                       "ISOLATION_LEVEL",
                                       "PARTITION_ASSIGNMENT_STRATEGY",
                                       "GROUP_ID",
                                       "GROUP_INSTANCE_ID",
                                       "TRANSACTIONAL_ID",
                                       "BOOTSTRAP_SERVERS",
                                       "ENABLE_PARTITION_EOF",
                                       "ALLOW_AUTO_CREATE_TOPICS",
                                       "MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION",
                                       "acks"};
    struct kafka_config k = config_of("localhost:1");

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct buffer why;
        buffer_init(&why, 1024);
        EXPECT_INT(kafka_config_set(&k, keys[i], "1", &why), FAIL_SETTING);
        EXPECT(strncmp(buffer_text(&why), "TIDEMILL_KAFKA_", 15) == 0);
        EXPECT(strcasestr(buffer_text(&why), keys[i]) != NULL);
        buffer_fini(&why);
    }
    EXPECT_INT(k.key_count, 0);
    kafka_config_fini(&k);
}

TEST(kafka_config_says_what_the_library_says_and_hides_a_password)
{
    struct kafka_config k = config_of("localhost:1");
    struct buffer why;

    buffer_init(&why, 1024);
    EXPECT_INT(kafka_config_set(&k, "LINGER_MS", "soon", &why), FAIL_SETTING);
    EXPECT(strstr(buffer_text(&why), "TIDEMILL_KAFKA_LINGER_MS=soon") != NULL);
    buffer_clear(&why);
    EXPECT_INT(kafka_config_set(&k, "NO_SUCH_KEY", "1", &why), FAIL_SETTING);
    EXPECT(strstr(buffer_text(&why), "NO_SUCH_KEY") != NULL);
    buffer_clear(&why);
    EXPECT_INT(kafka_config_set(&k, "SSL_KEY_PASSWORDS", "hunter2", &why),
               FAIL_SETTING);
    EXPECT(strstr(buffer_text(&why), "hunter2") == NULL);
    buffer_clear(&why);
    kafka_config_fini(&k);
    EXPECT_INT(kafka_config_init(&k, "", &why), FAIL_SETTING);
    buffer_fini(&why);
}

TEST(kafka_linger_is_short_without_replicas_and_long_with_them)
{
    EXPECT_INT(kafka_linger_ms(1), 5);
    EXPECT_INT(kafka_linger_ms(3), 20);
}

TEST(kafka_stats_adds_the_wakeups_of_all_brokers)
{
    struct kafka_stats s = kafka_stats_read(
        BYTES_LITERAL("{\"brokers\":{ \"a\":{\"state\":\"UP\",\"wakeups\":120},"
                      "\"b\":{\"state\":\"DOWN\",\"wakeups\":7},"
                      "\"c\":{\"state\":\"UP\",\"wakeups\":3}},\"cgrp\":{"
                      "\"state\":\"up\"}}"));

    EXPECT_INT(s.wakeups, 130);
    EXPECT_INT(s.brokers_up, 2);
    s = kafka_stats_read(BYTES_NONE);
    EXPECT_INT(s.wakeups, 0);
    s = kafka_stats_read(BYTES_LITERAL("\"wakeups\":"));
    EXPECT_INT(s.wakeups, 0);
}

TEST(kafka_facts_hold_only_when_an_acknowledgement_means_stored)
{
    struct kafka_facts good = {.known = true, .topic_count = 1};
    struct kafka_facts f;
    struct buffer why;

    snprintf(good.topics[0].name, sizeof(good.topics[0].name), "t");
    good.topics[0].exists = good.topics[0].described = true;
    good.topics[0].log_append_time = good.topics[0].deleted = true;
    good.topics[0].partitions = 4;
    good.topics[0].replication = 3;
    good.topics[0].min_insync = 2;
    buffer_init(&why, 1024);
    EXPECT(kafka_facts_hold(&good, &why));
    EXPECT_INT(why.count, 0);

#define WORSE(change)                                                          \
    do {                                                                       \
        f = good;                                                              \
        change;                                                                \
        buffer_clear(&why);                                                    \
        EXPECT(!kafka_facts_hold(&f, &why));                                   \
        EXPECT(why.count > 0);                                                 \
    } while (0)
    WORSE(f.known = false);
    WORSE(f.topics[0].exists = false);
    WORSE(f.topics[0].described = false);
    WORSE(f.topics[0].log_append_time = false);
    WORSE(f.topics[0].compacted = true);
    WORSE(f.topics[0].deleted = false);
    WORSE(f.topics[0].min_insync = 1);
    WORSE(f.topics[0].leaderless = 4);
#undef WORSE
    f = good;
    f.topics[0].replication = f.topics[0].min_insync = 1;
    EXPECT(kafka_facts_hold(&f, &why));
    buffer_fini(&why);
}

TEST(kafka_facts_that_do_not_hold_are_asked_again_within_two_seconds)
{
    struct kafka_facts f = {.known = true, .topic_count = 1};

    EXPECT_INT(kafka_facts_stand_ms(&f, 60000), 2000);
    f.topics[0].exists = f.topics[0].described = true;
    f.topics[0].log_append_time = f.topics[0].deleted = true;
    f.topics[0].partitions = f.topics[0].leaderless = 4;
    EXPECT_INT(kafka_facts_stand_ms(&f, 60000), 2000);
    EXPECT_INT(kafka_facts_stand_ms(&f, 500), 500);
    f.topics[0].leaderless = 3;
    EXPECT_INT(kafka_facts_stand_ms(&f, 60000), 60000);
}

/* ---- The survey. ---- */

struct seen {
    struct kafka_facts facts;
    int count;
    bool known;
    bool failed;
};

static void on_changed(void *arg, const struct kafka_facts *facts)
{
    struct seen *s = arg;

    s->facts = *facts;
    s->count++;
    s->known = facts->known;
    s->failed = !facts->known;
}

TEST(kafka_survey_finds_partitions_and_says_what_it_could_not_learn)
{
    char name[64];
    const char *topics[] = {name};
    struct seen s = {0};
    struct kafka_survey_options o = {.config = &mock_config,
                                     .name = "test",
                                     .topics = topics,
                                     .topic_count = 1,
                                     .deadline_ms = 700,
                                     .changed = on_changed,
                                     .arg = &s};
    struct kafka_survey *survey;
    const struct kafka_topic *t;
    bool closed = false;

    snprintf(name, sizeof(name), "%s", mock_topic(4));
    EXPECT_INT(loop_open(&o.loop), 0);
    EXPECT_INT(kafka_survey_open(&o, &survey), 0);
    EXPECT(!kafka_survey_facts(survey)->known);
    EXPECT(loop_run_until(o.loop, &s.known, 8000));
    t = kafka_facts_topic(kafka_survey_facts(survey), name);
    EXPECT(t != NULL && t->exists);
    EXPECT_INT(t->partitions, 4);
    EXPECT_INT(t->replication, 1);
    EXPECT_INT(s.facts.brokers, 1);
    EXPECT(s.facts.cluster_id[0] != '\0');
    EXPECT(kafka_facts_topic(&s.facts, "other") == NULL);
    /* Mock brokers describe nothing: known, but not all of it. */
    EXPECT(!s.facts.fresh && s.facts.why[0] != '\0');
    kafka_survey_close(survey, mock_set_true, &closed);
    EXPECT(loop_run_until(o.loop, &closed, 8000));
    loop_close(o.loop);
}

TEST(kafka_survey_says_that_no_broker_answers_and_can_be_closed_then)
{
    struct kafka_config k = config_of("127.0.0.1:1");
    const char *topics[] = {"t"};
    struct seen s = {0};
    struct kafka_survey_options o = {.config = &k,
                                     .name = "test",
                                     .topics = topics,
                                     .topic_count = 1,
                                     .deadline_ms = 700,
                                     .changed = on_changed,
                                     .arg = &s};
    struct kafka_survey *survey;
    bool closed = false;

    CHECK(log_configure("error", "text") == 0);
    EXPECT_INT(loop_open(&o.loop), 0);
    EXPECT_INT(kafka_survey_open(&o, &survey), 0);
    kafka_config_fini(&k);
    EXPECT(loop_run_until(o.loop, &s.failed, 8000));
    EXPECT(!s.facts.known);
    EXPECT(s.facts.why[0] != '\0');
    kafka_survey_close(survey, mock_set_true, &closed);
    EXPECT(loop_run_until(o.loop, &closed, 8000));
    loop_close(o.loop);
}
