/*
 * tests/unit/schemas/leaf_test.c: names and statements of leaves. That the
 * statements are right is tests/unit/verifier/ledger_test.c's, with a server.
 *
 * From: ctest.
 * To:   schemas/leaf.c.
 */
#include "schemas/leaf.h"

#include <string.h>

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

TEST(tables_are_named_by_their_leaf)
{
    char name[LEAF_NAME_MAX + 1];

    EXPECT_INT(leaf_table_name(LEAF_TRANSACTIONS, 7, name), 23);
    EXPECT_TEXT(name, "tidemill.transactions_7");
    leaf_table_name(LEAF_BATCHES, 2147483647, name);
    EXPECT_TEXT(name, "tidemill.batches_2147483647");
}

TEST(states_have_one_word_each)
{
    enum leaf_state state;
    int i;

    for (i = LEAF_NEXT; i <= LEAF_DROPPED; i++) {
        EXPECT_INT(leaf_state_find(
                       bytes_text(leaf_state_name((enum leaf_state)i)), &state),
                   0);
        EXPECT_INT(state, i);
    }
    EXPECT_INT(leaf_state_find(BYTES_LITERAL("liv"), &state), FAIL_MALFORMED);
    EXPECT_INT(leaf_state_find(BYTES_NONE, &state), FAIL_MALFORMED);
}

/* A statement of the hot path that names a parent locks every leaf. */
TEST(no_statement_of_a_leaf_names_a_parent)
{
    static int (*const texts[])(int, struct buffer *) = {
        leaf_sql_insert_transactions,
        leaf_sql_find,
        leaf_sql_insert_duplicates,
        leaf_sql_insert_rejections,
        leaf_sql_insert_quarantine,
        leaf_sql_insert_batches,
        leaf_sql_rows};
    struct buffer sql;
    size_t i;
    int t;

    buffer_init(&sql, 1 << 16);
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        buffer_clear(&sql);
        EXPECT_INT(texts[i](42, &sql), 0);
        for (t = 0; t < LEAF_TABLES; t++) {
            char parent[80] = "tidemill.";
            const char *at = buffer_text(&sql);

            strcat(parent, leaf_table_word((enum leaf_table)t));
            while ((at = strstr(at, parent)) != NULL) {
                at += strlen(parent);
                EXPECT(strncmp(at, "_42", 3) == 0);
            }
        }
    }
    buffer_fini(&sql);
}

/* Both proofs of the fence: the live leaf and the position. */
TEST(the_ledger_statement_proves_leaf_and_position)
{
    struct buffer sql;

    buffer_init(&sql, 1 << 16);
    EXPECT_INT(leaf_sql_insert_batches(8, &sql), 0);
    EXPECT(strstr(buffer_text(&sql), "state = 'live') = 8 AND") != NULL);
    EXPECT(strstr(buffer_text(&sql), "c.leaf = 7 AND") != NULL);
    buffer_fini(&sql);
}

TEST(several_leaves_are_asked_in_the_order_given)
{
    static const int leaves[] = {9, 8};
    struct buffer sql;
    const char *nine, *eight;

    buffer_init(&sql, 1 << 16);
    EXPECT_INT(leaf_sql_find_in(leaves, 2, &sql), 0);
    nine = strstr(buffer_text(&sql), "transactions_9");
    eight = strstr(buffer_text(&sql), "UNION ALL");
    EXPECT(nine != NULL && eight != NULL && nine < eight);
    buffer_fini(&sql);
    buffer_init(&sql, 50);
    EXPECT_INT(leaf_sql_find_in(leaves, 2, &sql), FAIL_FULL);
    buffer_fini(&sql);
}
