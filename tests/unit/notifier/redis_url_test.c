/*
 * tests/unit/notifier/redis_url_test.c: where a Redis is.
 *
 * From: notifier/redis_url.h.
 * To:   nobody.
 */
#include <string.h>

#include "notifier/redis_url.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

static struct redis_url u;
static const char *why;

TEST(redis_url_reads_every_part)
{
    EXPECT_INT(redis_url_parse("redis://me:s%40cret@10.0.0.7:6380/2", &u, &why),
               0);
    EXPECT_TEXT(u.host, "10.0.0.7");
    EXPECT_INT(u.port, 6380);
    EXPECT_INT(u.db, 2);
    EXPECT_TEXT(u.user, "me");
    EXPECT_TEXT(u.password, "s@cret");
}

TEST(redis_url_fills_in_what_is_left_out)
{
    EXPECT_INT(redis_url_parse("redis://", &u, &why), 0);
    EXPECT_TEXT(u.host, "localhost");
    EXPECT_INT(u.port, 6379);
    EXPECT_INT(u.db, 0);
    EXPECT_INT(redis_url_parse("redis://:pw@[::1]", &u, &why), 0);
    EXPECT_TEXT(u.host, "::1");
    EXPECT_TEXT(u.user, "");
    EXPECT_TEXT(u.password, "pw");
    EXPECT_INT(redis_url_parse("redis://h/", &u, &why), 0);
    EXPECT_INT(redis_url_parse("unix:///run/r.sock?db=3", &u, &why), 0);
    EXPECT_TEXT(u.path, "/run/r.sock");
    EXPECT_INT(u.db, 3);
}

TEST(redis_url_refuses_tls_by_name)
{
    EXPECT_INT(redis_url_parse("rediss://h", &u, &why), FAIL_UNSUPPORTED);
    EXPECT(strstr(why, "rediss://") != NULL);
}

TEST(redis_url_refuses_the_rest_without_repeating_it)
{
    static const char *const urls[] = {
        "",
        "h:6379",
        "http://h",
        "redis://h:0",
        "redis://h:",
        "redis://h:65536",
        "redis://h:12x",
        "redis://h/x",
        "redis://u@h",
        "redis://[::1",
        "redis://[::1]x",
        "redis://h?x=1",
        "redis://:%4@h",
        "redis://:%zz@h",
        "redis://:%00@h",
        "unix://run",
        "unix:///r?x=1",
    };
    char longer[600] = "redis://";

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        int rc = redis_url_parse(urls[i], &u, &why);

        /* An empty port is the default one, as browsers read it. */
        if (strcmp(urls[i], "redis://h:") == 0)
            EXPECT_INT(rc, 0);
        else if (rc != FAIL_MALFORMED)
            EXPECT_TEXT(urls[i], "refused");
    }
    memset(longer + 8, 'h', 500);
    EXPECT_INT(redis_url_parse(longer, &u, &why), FAIL_MALFORMED);
}
