/*
 * tests/unit/base/resolve_test.c: names to addresses.
 *
 * From: ctest.
 * To:   consumer/base/resolve.c.
 */
#include "consumer/base/resolve.h"

#include <stdio.h>
#include <string.h>

#include "consumer/base/loop.h"
#include "schemas/base/fail.h"
#include "tests/support/harness.h"

static struct loop *loop;
static bool done;
static int found_rc;
static char found[200];

static void on_found(void *arg, int rc, const char *const *addresses,
                     size_t count)
{
    size_t i;

    (void)arg;
    found_rc = rc;
    found[0] = '\0';
    for (i = 0; i < count; i++) {
        strcat(found, addresses[i]);
        strcat(found, " ");
    }
    done = true;
}

static void look_up(const char *host)
{
    done = false;
    EXPECT_INT(loop_open(&loop), 0);
    EXPECT(resolve_start(loop, host, on_found, NULL) != NULL);
    EXPECT(!done);
    EXPECT(loop_run_until(loop, &done, 20000));
    loop_close(loop);
}

TEST(numbers_resolve_to_themselves)
{
    look_up("127.0.0.1");
    EXPECT_INT(found_rc, 0);
    EXPECT_TEXT(found, "127.0.0.1 ");
    look_up("::1");
    EXPECT_INT(found_rc, 0);
    EXPECT_TEXT(found, "::1 ");
}

TEST(localhost_is_this_machine)
{
    look_up("localhost");
    EXPECT_INT(found_rc, 0);
    EXPECT(strstr(found, "127.0.0.1") != NULL || strstr(found, "::1") != NULL);
}

TEST(name_that_cannot_be_one_is_refused_later_not_at_once)
{
    static char name[2000];

    memset(name, 'a', sizeof(name) - 1);
    look_up(name);
    EXPECT(found_rc == FAIL_NOT_FOUND || found_rc == FAIL_UNREACHABLE);
    EXPECT_TEXT(found, "");
}

TEST(cancelled_look_up_is_never_reported)
{
    static char name[2000];

    done = false;
    memset(name, 'a', sizeof(name) - 1);
    EXPECT_INT(loop_open(&loop), 0);
    resolve_cancel(resolve_start(loop, "127.0.0.1", on_found, NULL));
    resolve_cancel(resolve_start(loop, name, on_found, NULL));
    resolve_cancel(NULL);
    EXPECT(!loop_run_until(loop, &done, 50));
    loop_close(loop);
    EXPECT(!done);
}
