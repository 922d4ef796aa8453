/*
 * tests/unit/producer/admission_test.c: when the gate closes and opens.
 *
 * From: ctest.
 * To:   producer/admission.c.
 */
#include "producer/admission.h"

#include "tests/support/harness.h"

static struct admission open_gate(void)
{
    struct admission a;

    admission_init(&a);
    admission_connected(&a, true);
    return a;
}

TEST(admission_refuses_while_no_broker_is_connected)
{
    struct admission a;

    admission_init(&a);
    EXPECT_INT(admission_ask(&a, 0), ADMISSION_CLOSED);
    admission_connected(&a, true);
    EXPECT_INT(admission_ask(&a, 0), ADMISSION_TAKE);
}

TEST(admission_closes_only_after_two_seconds_of_nothing_but_failures)
{
    struct admission a = open_gate();

    admission_report(&a, false, 1000);
    admission_report(&a, false, 2999);
    EXPECT_INT(admission_ask(&a, 2999), ADMISSION_TAKE);
    admission_report(&a, true, 2999);
    admission_report(&a, false, 3000);
    EXPECT_INT(admission_ask(&a, 3000), ADMISSION_TAKE);
    admission_report(&a, false, 5000);
    (void)admission_ask(&a, 5000); /* the first probe */
    EXPECT_INT(admission_ask(&a, 5001), ADMISSION_CLOSED);
}

TEST(admission_probes_four_times_a_second_until_one_is_persisted)
{
    struct admission a = open_gate();
    int taken = 0, ms;

    admission_report(&a, false, 1);
    admission_report(&a, false, 2001);
    for (ms = 3000; ms < 5000; ms++)
        taken += admission_ask(&a, ms) == ADMISSION_TAKE;
    EXPECT_INT(taken, 8);
    admission_report(&a, true, 5000);
    EXPECT_INT(admission_ask(&a, 5000), ADMISSION_TAKE);
    EXPECT_INT(admission_ask(&a, 5000), ADMISSION_TAKE);
}
