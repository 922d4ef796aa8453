/*
 * tests/unit/consumer/assignment_test.c: what is delivered once, and when the
 * library may be trusted to go on.
 *
 * From: ctest.
 * To:   consumer/assignment.c.
 */
#include "consumer/assignment.h"

#include "tests/support/harness.h"

static const struct consumer_place places[] = {{5, 100}, {1, CONSUMER_END}};

TEST(assignment_delivers_only_what_is_started_and_rises)
{
    struct assignment a = {0};
    const int32_t ours[] = {5, 1, 3};

    assignment_own(&a, ours, 3);
    EXPECT(!assignment_accept(&a, 5, 100));
    EXPECT_INT(assignment_start(&a, places, 2, true), 2);
    EXPECT(!assignment_accept(&a, 5, 99));
    EXPECT(assignment_accept(&a, 5, 100));
    EXPECT(!assignment_accept(&a, 5, 100));
    EXPECT(assignment_accept(&a, 5, 103));
    EXPECT_INT(assignment_find(&a, 5)->next, 104);
    EXPECT(assignment_accept(&a, 1, 0));
    EXPECT(!assignment_accept(&a, 3, 0));
    EXPECT(!assignment_accept(&a, 9, 0));
    assignment_fini(&a);
}

TEST(assignment_starts_only_what_is_ours_in_a_group_and_anything_alone)
{
    struct assignment a = {0};
    const int32_t ours[] = {1};

    assignment_own(&a, ours, 1);
    EXPECT_INT(assignment_start(&a, places, 2, true), 1);
    EXPECT(assignment_find(&a, 5) == NULL);
    EXPECT_INT(assignment_start(&a, places, 2, false), 2);
    EXPECT(assignment_find_started(&a, 5) != NULL);
    EXPECT_INT(a.parts[0].id, 1);
    EXPECT_INT(a.parts[1].id, 5);
    /* A new start stops what is not in it. */
    EXPECT_INT(assignment_start(&a, places, 1, false), 1);
    EXPECT(assignment_find_started(&a, 1) == NULL);
    assignment_fini(&a);
}

TEST(assignment_trusts_a_resume_only_when_the_library_has_a_number)
{
    struct assignment a = {0};
    struct assignment_part *p;

    assignment_start(&a, places, 2, false);
    p = assignment_find(&a, 5);
    EXPECT_INT(assignment_resume(p), ASSIGNMENT_RESUME_NOTHING);
    p->paused = true;
    EXPECT_INT(assignment_resume(p), ASSIGNMENT_RESUME_PLAIN);
    EXPECT(!p->paused);
    /* The end of the log is still being looked up. */
    p = assignment_find(&a, 1);
    p->paused = true;
    EXPECT_INT(assignment_resume(p), ASSIGNMENT_RESUME_AGAIN);
    EXPECT(assignment_accept(&a, 1, 7));
    p->paused = true;
    EXPECT_INT(assignment_resume(p), ASSIGNMENT_RESUME_PLAIN);
    assignment_fini(&a);
}

TEST(assignment_reads_again_what_came_while_it_was_paused)
{
    struct assignment a = {0};
    struct assignment_part *p;

    assignment_start(&a, places, 1, false);
    p = assignment_find(&a, 5);
    EXPECT(assignment_accept(&a, 5, 100));
    p->paused = true;
    EXPECT(!assignment_accept(&a, 5, 101));
    EXPECT_INT(p->next, 101);
    EXPECT_INT(assignment_resume(p), ASSIGNMENT_RESUME_AGAIN);
    EXPECT(assignment_accept(&a, 5, 101));
    p->paused = true;
    EXPECT_INT(assignment_resume(p), ASSIGNMENT_RESUME_PLAIN);
    assignment_fini(&a);
}
