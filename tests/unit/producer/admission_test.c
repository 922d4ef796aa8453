/*
 * tests/unit/producer/admission_test.c: when the gate closes and opens.
 *
 * From: ctest.
 * To:   producer/admission.c.
 */
#include "producer/admission.h"

#include "tests/support/harness.h"

/* Closed since 2001. */
static struct admission closed_gate(void)
{
    struct admission a = {.closed = false};

    admission_report(&a, false, 1);
    admission_report(&a, false, 2001);
    return a;
}

TEST(admission_closes_only_after_two_seconds_of_nothing_but_failures)
{
    struct admission a = {.closed = false};

    EXPECT_INT(admission_ask(&a, 0), ADMISSION_TAKE);
    admission_report(&a, false, 1000);
    admission_report(&a, false, 2999);
    EXPECT_INT(admission_ask(&a, 2999), ADMISSION_TAKE);
    admission_report(&a, true, 2999);
    admission_report(&a, false, 3000);
    EXPECT_INT(admission_ask(&a, 3000), ADMISSION_TAKE);
    admission_report(&a, false, 5000);
    EXPECT_INT(admission_ask(&a, 5000), ADMISSION_CLOSED);
    EXPECT_INT(admission_ask(&a, 5249), ADMISSION_CLOSED);
}

TEST(admission_lets_one_probe_through_until_one_is_persisted)
{
    struct admission a = closed_gate();
    int taken = 0, ms;

    for (ms = 3000; ms < 9000; ms++)
        taken += admission_ask(&a, ms) == ADMISSION_TAKE;
    EXPECT_INT(taken, 1);
    admission_report(&a, false, 9000);
    EXPECT_INT(admission_ask(&a, 9249), ADMISSION_CLOSED);
    EXPECT_INT(admission_ask(&a, 9250), ADMISSION_TAKE);
    EXPECT_INT(admission_ask(&a, 9999), ADMISSION_CLOSED);
    admission_report(&a, true, 10000);
    EXPECT_INT(admission_ask(&a, 10000), ADMISSION_TAKE);
    EXPECT_INT(admission_ask(&a, 10000), ADMISSION_TAKE);
}

TEST(admission_probes_with_another_when_one_was_not_sent)
{
    struct admission a = closed_gate();

    EXPECT_INT(admission_ask(&a, 3000), ADMISSION_TAKE);
    admission_give_back(&a);
    EXPECT_INT(admission_ask(&a, 3000), ADMISSION_TAKE);
}
