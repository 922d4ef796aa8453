/*
 * tests/unit/ctl/doctor_test.c: each fault by itself fails its own check, and
 * nothing else does.
 *
 * From: ctest.
 * To:   verifier/command/doctor_kafka.c, doctor_database.c, and
 *       deploy/ctl/doctor_redis.c.
 */
#include "deploy/ctl/doctor.h"

#include <string.h>

#include "tests/support/harness.h"

#define DAY 86400000

static const struct kafka_topic good_topic = {
    .name = "t",
    .exists = true,
    .described = true,
    .partitions = 12,
    .replication = 3,
    .min_insync = 2,
    .log_append_time = true,
    .deleted = true,
    .retention_ms = (int64_t)7 * DAY,
    .retention_bytes = -1,
    .message_bytes_max = 1048588,
};

static const struct doctor_database good_database = {
    .version = 150004,
    .fsync = "on",
    .full_pages = "on",
    .commit = "on",
    .standbys = "one",
    .standbys_seen = 1,
    .locks = 64,
    .leaves = 16,
    .live = true,
    .next = true,
    .pid_first = 7,
    .pid_second = 7,
    .pid_told = 7,
};

/* Exactly `name` was found at `level`; NULL: all is well. */
static void expect(const struct doctor *d, const char *name,
                   enum doctor_level level)
{
    if (name != NULL)
        EXPECT_INT(doctor_level_of(d, name), level);
    EXPECT_INT(d->counts[DOCTOR_WARNING],
               name != NULL && level == DOCTOR_WARNING);
    EXPECT_INT(d->counts[DOCTOR_FAILED],
               name != NULL && level == DOCTOR_FAILED);
    EXPECT_INT(doctor_end(d), d->counts[DOCTOR_FAILED] > 0);
}

static void expect_topic(const struct kafka_topic *t, bool submitted,
                         int brokers, const char *name, enum doctor_level level)
{
    struct doctor d = {.quiet = true};

    doctor_topic(&d, t, submitted, brokers);
    expect(&d, name, level);
}

static void expect_database(const struct doctor_database *f, const char *name,
                            enum doctor_level level)
{
    struct doctor d = {.quiet = true};

    doctor_judge_database(&d, f);
    doctor_judge_leaves(&d, f);
    expect(&d, name, level);
}

TEST(what_is_well_is_not_complained_about)
{
    expect_topic(&good_topic, true, 3, NULL, DOCTOR_OK);
    expect_topic(&good_topic, false, 3, NULL, DOCTOR_OK);
    expect_database(&good_database, NULL, DOCTOR_OK);
}

TEST(copies_decide_what_an_acknowledgement_means)
{
    static const struct {
        int brokers, copies, insync;
        enum doctor_level level;
    } rows[] = {
        {1, 1, 1, DOCTOR_WARNING}, {3, 1, 1, DOCTOR_FAILED},
        {3, 2, 1, DOCTOR_FAILED},  {3, 2, 2, DOCTOR_WARNING},
        {3, 3, 1, DOCTOR_FAILED},  {3, 3, 3, DOCTOR_WARNING},
        {3, 3, 4, DOCTOR_FAILED},  {1, 1, 2, DOCTOR_FAILED},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kafka_topic t = good_topic;

        t.replication = rows[i].copies;
        t.min_insync = rows[i].insync;
        expect_topic(&t, true, rows[i].brokers, "t.copies", rows[i].level);
    }
}

TEST(each_fault_of_a_topic_fails_by_itself)
{
    struct kafka_topic t = good_topic;

    t.exists = false;
    expect_topic(&t, true, 3, "t", DOCTOR_FAILED);
    t = good_topic;
    t.described = false;
    expect_topic(&t, true, 3, "t", DOCTOR_FAILED);
    t = good_topic;
    t.unclean = true;
    expect_topic(&t, true, 3, "t.election", DOCTOR_FAILED);
    t = good_topic;
    t.log_append_time = false;
    expect_topic(&t, true, 3, "t.clock", DOCTOR_FAILED);
    t = good_topic;
    t.compacted = true;
    expect_topic(&t, true, 3, "t.cleanup", DOCTOR_FAILED);
    t = good_topic;
    t.leaderless = 1;
    expect_topic(&t, true, 3, "t.leaders", DOCTOR_FAILED);
    t = good_topic;
    t.message_bytes_max = 999999;
    expect_topic(&t, true, 3, "t.message", DOCTOR_WARNING);
}

TEST(retention_below_a_day_loses_what_was_accepted)
{
    struct kafka_topic t = good_topic;

    t.retention_ms = DAY - 1;
    expect_topic(&t, true, 3, "t.retention", DOCTOR_FAILED);
    expect_topic(&t, false, 3, "t.retention", DOCTOR_WARNING);
    t.retention_ms = DAY;
    expect_topic(&t, true, 3, "t.retention", DOCTOR_WARNING);
    t.retention_ms = (int64_t)7 * DAY - 1;
    expect_topic(&t, true, 3, "t.retention", DOCTOR_WARNING);
    t.retention_ms = -1;
    expect_topic(&t, true, 3, NULL, DOCTOR_OK);
    t.retention_bytes = 1 << 30;
    expect_topic(&t, true, 3, "t.retention", DOCTOR_WARNING);
}

TEST(each_setting_of_the_database_fails_by_itself)
{
    struct doctor_database f = good_database;

    strcpy(f.fsync, "off");
    expect_database(&f, "fsync", DOCTOR_FAILED);
    f = good_database;
    strcpy(f.full_pages, "off");
    expect_database(&f, "full_page_writes", DOCTOR_FAILED);
    f = good_database;
    strcpy(f.commit, "off");
    expect_database(&f, "synchronous_commit", DOCTOR_FAILED);
    f = good_database;
    f.locks = 63;
    expect_database(&f, "locks", DOCTOR_FAILED);
    f = good_database;
    f.live = false;
    expect_database(&f, "leaves", DOCTOR_FAILED);
    f = good_database;
    f.next = false;
    expect_database(&f, "leaves", DOCTOR_WARNING);
    f = good_database;
    f.half_detached = 1;
    expect_database(&f, "leaves", DOCTOR_WARNING);
    f = good_database;
    f.snapshot_ms = 600001;
    expect_database(&f, "snapshot", DOCTOR_FAILED);
    f.snapshot_ms = 600000;
    expect_database(&f, NULL, DOCTOR_OK);
}

TEST(a_pooler_that_changes_servers_fails_and_one_that_does_not_is_named)
{
    struct doctor_database f = good_database;

    f.pid_second = 8;
    expect_database(&f, "pooler", DOCTOR_FAILED);
    f = good_database;
    f.pool_mode = true;
    expect_database(&f, "pooler", DOCTOR_FAILED);
    f = good_database;
    f.pid_told = 9;
    expect_database(&f, "pooler", DOCTOR_WARNING);
}

TEST(a_standby_is_missed_but_not_demanded)
{
    struct doctor_database f = good_database;

    f.standbys[0] = '\0';
    expect_database(&f, "standby", DOCTOR_WARNING);
    f = good_database;
    f.standbys_seen = 0;
    expect_database(&f, "standby", DOCTOR_WARNING);
    f = good_database;
    strcpy(f.commit, "local");
    expect_database(&f, "standby", DOCTOR_WARNING);
    f = good_database;
    f.standbys_seen = -1; /* we may not see them: no complaint */
    expect_database(&f, NULL, DOCTOR_OK);
}

TEST(the_schema_is_neither_missing_nor_older_nor_newer)
{
    struct schema_state s = {schema_newest(), 1};
    struct doctor d = {.quiet = true};

    doctor_judge_schema(&d, &s);
    expect(&d, NULL, DOCTOR_OK);
    for (int i = 0; i < 3; i++) {
        s = (struct schema_state){schema_newest(), 1};
        if (i == 0)
            s.version = 0;
        if (i == 1)
            s.version = schema_newest() - 1;
        if (i == 2)
            s.oldest_reader = schema_newest() + 1;
        d = (struct doctor){.quiet = true};
        doctor_judge_schema(&d, &s);
        expect(&d, "tables", DOCTOR_FAILED);
    }
}

/* ---- Redis ---- */

static const char limits[] =
    "*2\r\n$26\r\nclient-output-buffer-limit\r\n$64\r\n"
    "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60\r\n";

TEST(the_reply_of_redis_is_read_however_it_is_cut)
{
    char text[256] = "+OK\r\n";
    struct doctor_redis r;
    size_t count;

    strcat(text, limits);
    count = strlen(text);
    for (size_t cut = 0; cut < count; cut++) {
        doctor_redis_parse(bytes_of(text, cut), true, &r);
        EXPECT(!r.answered);
    }
    doctor_redis_parse(bytes_of(text, count), true, &r);
    EXPECT(r.answered && !r.refused);
    EXPECT_INT(r.hard, 33554432);
    EXPECT_INT(r.soft, 8388608);
    EXPECT_INT(r.soft_seconds, 60);
}

TEST(what_redis_refuses_is_said_in_its_words)
{
    static const char *const replies[] = {
        "-NOAUTH Authentication required.\r\n", "+OK\r\n-ERR unknown\r\n",
        "*0\r\n", ":1\r\n"};

    for (size_t i = 0; i < 4; i++) {
        struct doctor_redis r;

        doctor_redis_parse(bytes_text(replies[i]), i == 1, &r);
        EXPECT(r.answered && r.refused && r.why[0] != '\0');
    }
}

static void expect_redis(int64_t hard, int64_t soft, bool ok)
{
    struct doctor_redis r = {.answered = true, .hard = hard, .soft = soft};
    struct doctor d = {.quiet = true};

    doctor_judge_redis(&d, &r);
    expect(&d, ok ? NULL : "redis", ok ? DOCTOR_OK : DOCTOR_WARNING);
}

TEST(a_small_buffer_for_subscribers_is_named)
{
    expect_redis(268435456, 268435456, true);
    expect_redis(0, 0, true);
    expect_redis(268435455, 0, false);
    expect_redis(0, 8388608, false);
}
