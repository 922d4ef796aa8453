/*
 * tests/unit/verifier/audit_book_test.c: what differences of leaves come to.
 *
 * From: ctest.
 * To:   verifier/audit_book.c.
 */
#include "verifier/audit_book.h"

#include <stdlib.h>

#include "tests/support/harness.h"

static struct audit_book *book_of(const int *leaves, size_t count)
{
    struct audit_book *b = calloc(1, sizeof(*b));

    audit_book_list(b, leaves, count);
    return b;
}

TEST(audit_visits_the_sealed_leaf_that_was_visited_longest_ago)
{
    static const int three[] = {4, 5, 6};
    static const int four[] = {4, 5, 6, 7};
    struct audit_book *b = book_of(three, 3);

    EXPECT_INT(audit_book_live(b), 6);
    EXPECT_INT(audit_book_sealed(b), 4);
    audit_book_note(b, 6, 0, 0);
    audit_book_note(b, 4, 0, 0);
    EXPECT_INT(audit_book_sealed(b), 5);
    audit_book_note(b, 5, 0, 0);
    audit_book_list(b, four, 4);
    EXPECT_INT(audit_book_live(b), 7);
    EXPECT_INT(audit_book_sealed(b), 6);
    free(b);
}

TEST(audit_of_one_leaf_has_no_sealed_one)
{
    static const int one[] = {1};
    struct audit_book *b = book_of(one, 1);

    EXPECT_INT(audit_book_live(b), 1);
    EXPECT_INT(audit_book_sealed(b), 0);
    EXPECT_INT(audit_book_difference(b), 0);
    free(b);
}

TEST(audit_keeps_a_difference_until_its_leaf_is_visited_again)
{
    static const int three[] = {4, 5, 6};
    static const int last[] = {5, 6};
    struct audit_book *b = book_of(three, 3);

    audit_book_note(b, 4, 7, 0);
    audit_book_note(b, 5, 1, 0);
    audit_book_note(b, 6, 0, 0);
    EXPECT_INT(audit_book_difference(b), 8);
    audit_book_note(b, 4, 2, 0);
    EXPECT_INT(audit_book_difference(b), 3);
    audit_book_list(b, last, 2);
    EXPECT_INT(audit_book_difference(b), 1);
    free(b);
}

TEST(audit_counts_a_row_that_a_replay_wrote_into_a_later_leaf)
{
    static const int two[] = {4, 5};
    static const int three[] = {4, 5, 6};
    struct audit_book *b = book_of(two, 2);

    audit_book_note(b, 4, 0, -3);
    EXPECT_INT(audit_book_difference(b), 0); /* not all are visited */
    audit_book_note(b, 5, 0, 2);
    EXPECT_INT(audit_book_difference(b), 1);
    audit_book_note(b, 5, 0, 3);
    EXPECT_INT(audit_book_difference(b), 0);
    /* It is sealed; what is in it stays counted. */
    audit_book_list(b, three, 3);
    audit_book_note(b, 6, 0, 0);
    EXPECT_INT(audit_book_difference(b), 0);
    /* The leaf with the hole is dropped: more rows than ledger is well. */
    audit_book_list(b, three + 1, 2);
    EXPECT_INT(audit_book_difference(b), 0);
    free(b);
}
