/*
 * tests/unit/schemas/reason_test.c: the closed list keeps its numbers.
 */
#include "schemas/reason.h"

#include <string.h>

#include "tests/support/harness.h"

TEST(every_reason_is_found_by_its_name)
{
    for (int i = REASON_NONE + 1; i < REASON_END; i++) {
        const char *name = reason_name((enum reason)i);

        EXPECT_INT(reason_find(bytes_text(name)), i);
        EXPECT(strlen(name) <= 32);
        EXPECT(strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
        EXPECT(*reason_words((enum reason)i) != '\0');
    }
}

TEST(none_and_unknown_names_are_no_reason)
{
    EXPECT_INT(reason_find(bytes_text("none")), REASON_NONE);
    EXPECT_INT(reason_find(bytes_text("High_s")), REASON_NONE);
    EXPECT_INT(reason_find(BYTES_NONE), REASON_NONE);
    EXPECT_TEXT(reason_name(REASON_NONE), "none");
}

/* Tables hold these numbers: a line that fails here was moved, not added. */
TEST(released_reasons_keep_their_numbers)
{
    EXPECT_INT(REASON_EMPTY, 1);
    EXPECT_INT(REASON_TOO_LARGE, 2);
    EXPECT_INT(REASON_UNSUPPORTED_TYPE, 3);
    EXPECT_INT(REASON_MALFORMED, 4);
    EXPECT_INT(REASON_NON_CANONICAL, 5);
    EXPECT_INT(REASON_FIELD_RANGE, 6);
    EXPECT_INT(REASON_CHAIN_REQUIRED, 7);
    EXPECT_INT(REASON_WRONG_CHAIN, 8);
    EXPECT_INT(REASON_CHAIN_NOT_SERVED, 9);
    EXPECT_INT(REASON_BAD_RECOVERY_ID, 10);
    EXPECT_INT(REASON_OUT_OF_RANGE, 11);
    EXPECT_INT(REASON_HIGH_S, 12);
    EXPECT_INT(REASON_INITCODE_SIZE, 13);
    EXPECT_INT(REASON_TIP_ABOVE_CAP, 14);
    EXPECT_INT(REASON_NONCE_TOO_HIGH, 15);
    EXPECT_INT(REASON_INTRINSIC_GAS, 16);
    EXPECT_INT(REASON_COST_OVERFLOW, 17);
    EXPECT_INT(REASON_RECOVERY_FAILED, 18);
    EXPECT_INT(REASON_UNSUPPORTED_CHAIN, 19);
    EXPECT_INT(REASON_FLOOR_GAS, 20);
    EXPECT_INT(REASON_GAS_ABOVE_CAP, 21);
    EXPECT_INT(REASON_BLOB_COUNT, 22);
    EXPECT_INT(REASON_BLOB_VERSION, 23);
    EXPECT_INT(REASON_BLOB_SIDECAR, 24);
    EXPECT_INT(REASON_NO_AUTHORIZATION, 25);
    EXPECT_INT(REASON_BLOB_FEE, 26);
    EXPECT_INT(REASON_INCONSISTENT, 27);
    EXPECT_INT(REASON_DUPLICATE_KEY, 28);
    EXPECT_INT(REASON_BAD_SIGNATURE, 29);
    EXPECT_INT(REASON_BAD_KEY, 30);
    EXPECT_INT(REASON_PRIVATE_KEY, 31);
    EXPECT_INT(REASON_UNSUPPORTED_ALGORITHM, 32);
    EXPECT_INT(REASON_CRITICAL_HEADER, 33);
    EXPECT_INT(REASON_NOT_A_PAYMENT, 34);
}
