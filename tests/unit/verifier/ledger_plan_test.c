/*
 * tests/unit/verifier/ledger_plan_test.c: each record comes to exactly one
 * fate.
 *
 * From: ctest.
 * To:   verifier/ledger_plan.c, verifier/ledger_leaves.c.
 */
#include "verifier/ledger_plan.h"

#include <string.h>

#include "tests/support/harness.h"
#include "verifier/judge.h"
#include "verifier/ledger_leaves.h"

#define RECORDS 6

static struct ledger_record records[RECORDS];
static struct verdict verdicts[RECORDS];
static struct chain chains[2];
static struct ledger_batch batch;
static struct ledger_plan plan;

/* Records of partition 0 and, from the third on, of partition 1. */
static void begin(const char *what)
{
    size_t i;

    memset(verdicts, 0, sizeof(verdicts));
    chains[0].number = 5;
    chains[1].number = 4;
    for (i = 0; what[i] != '\0'; i++) {
        records[i] = (struct ledger_record){.partition = i < 3 ? 0 : 1,
                                            .offset = (int64_t)i,
                                            .chain = &chains[what[i] == 'b'],
                                            .verdict = &verdicts[i]};
        verdicts[i].verified = what[i] != 'r';
        memset(verdicts[i].tx.id, what[i] == 'b' ? 'B' : what[i], 32);
        if (what[i] == 'q')
            records[i].quarantine_sqlstate = "22021";
    }
    batch = (struct ledger_batch){.records = records, .count = i};
    ledger_plan_start(&plan, 1, &batch);
}

static void found(char what, int64_t chain, struct record_id of)
{
    uint8_t hash[32];

    memset(hash, what, sizeof(hash));
    ledger_plan_found(&plan, hash, chain, of);
}

TEST(leaders_are_sorted_and_the_first_of_each_leads)
{
    begin("CABACA");
    EXPECT_INT(plan.leader_count, 3);
    EXPECT_INT(plan.leaders[0], 1);
    EXPECT_INT(plan.leaders[1], 2);
    EXPECT_INT(plan.leaders[2], 0);
    EXPECT_INT(plan.fates[3].kind, FATE_REPEAT);
    EXPECT_INT(plan.fates[3].leader, 1);
    EXPECT_INT(plan.fates[5].leader, 1);
    EXPECT_INT(plan.fates[4].leader, 0);
    EXPECT_INT(ledger_plan_offered(&plan), 3);
}

TEST(the_chain_is_part_of_the_name)
{
    begin("Bb");
    EXPECT_INT(plan.leader_count, 2);
    EXPECT_INT(plan.leaders[0], 1); /* chain 4 is before 5 */
    found('B', 5, (struct record_id){1, 9, 9});
    found('B', 6, (struct record_id){1, 8, 8});
    EXPECT_INT(plan.fates[0].kind, FATE_DUPLICATE);
    EXPECT_INT(plan.fates[1].kind, FATE_OFFERED);
}

TEST(the_newest_row_found_first_is_the_one)
{
    begin("A");
    found('A', 5, (struct record_id){1, 2, 3});
    found('A', 5, (struct record_id){1, 7, 7});
    found('Z', 5, (struct record_id){1, 7, 7});
    ledger_plan_settle(&plan);
    ledger_plan_report(&plan, records);
    EXPECT_INT(records[0].out_kind, LEDGER_DUPLICATE);
    EXPECT_INT(records[0].out_of.partition, 2);
}

TEST(a_row_of_ones_own_is_no_duplicate)
{
    begin("AB");
    found('A', 5, (struct record_id){1, 0, 0});
    found('B', 5, (struct record_id){2, 0, 1}); /* of another log */
    EXPECT_INT(plan.fates[0].kind, FATE_PRESENT);
    EXPECT_INT(plan.fates[1].kind, FATE_DUPLICATE);
}

/* Each record of a batch of four is A, B, rejected or quarantined; each leader
 * is inserted, found or its own: the sum is always the batch. */
TEST(every_batch_of_four_adds_up_and_repeats_name_the_first)
{
    static const char letters[] = "ABrq";
    char what[5] = "";
    int code, fate, i;

    for (code = 0; code < 256; code++) {
        for (fate = 0; fate < 9; fate++) {
            int how[2] = {fate % 3, fate / 3};
            int first[2] = {-1, -1};

            for (i = 0; i < 4; i++)
                what[i] = letters[code >> 2 * i & 3];
            begin(what);
            for (i = 0; i < 4; i++)
                if (what[i] <= 'B' && first[what[i] - 'A'] < 0)
                    first[what[i] - 'A'] = i;
            for (i = 0; i < 2; i++) {
                int at = first[i];

                if (at < 0)
                    continue;
                if (how[i] == 0)
                    continue;
                if (how[i] == 1)
                    found((char)('A' + i), 5, (struct record_id){1, 5, 77});
                else
                    found((char)('A' + i), 5,
                          (struct record_id){1, records[at].partition,
                                             records[at].offset});
            }
            ledger_plan_inserted(&plan); /* what nobody was before */
            EXPECT_INT(ledger_plan_offered(&plan), 0);
            ledger_plan_settle(&plan);
            EXPECT_INT(plan.present + plan.duplicates + plan.rejected +
                           plan.quarantined,
                       4);
            ledger_plan_report(&plan, records);
            for (i = 0; i < 4; i++) {
                int letter = what[i] - 'A';
                int at = what[i] <= 'B' ? first[letter] : -1;

                if (at < 0) {
                    EXPECT_INT(records[i].out_kind, what[i] == 'r'
                                                        ? LEDGER_REJECTED
                                                        : LEDGER_QUARANTINED);
                } else if (how[letter] == 1) {
                    EXPECT_INT(records[i].out_kind, LEDGER_DUPLICATE);
                    EXPECT_INT(records[i].out_of.offset, 77);
                } else if (i == at) {
                    EXPECT_INT(records[i].out_kind, LEDGER_VERIFIED);
                } else {
                    EXPECT_INT(records[i].out_kind, LEDGER_DUPLICATE);
                    EXPECT_INT(records[i].out_of.partition,
                               records[at].partition);
                    EXPECT_INT(records[i].out_of.offset, records[at].offset);
                }
            }
        }
    }
    ledger_plan_fini(&plan);
}

TEST(leaves_are_asked_newest_first_in_groups_that_do_not_shift)
{
    struct ledger_leaves l = {0};
    int group[LEDGER_LEAVES_ASKED], i;
    size_t n;

    for (i = 1; i <= 35; i++)
        ledger_leaves_add(&l, i, BYTES_LITERAL("0123456789abcdef"), i * 100);
    ledger_leaves_sort(&l);
    EXPECT_INT(l.sealed[0].leaf, 35);
    n = ledger_leaves_group(&l, 0, l.count, group);
    EXPECT_INT(n, 4); /* 35 34 33 32 */
    EXPECT_INT(group[3], 32);
    n = ledger_leaves_group(&l, n, l.count, group);
    EXPECT_INT(n, 16); /* 31 .. 16, whatever was sealed since */
    EXPECT_INT(group[0], 31);
    n = ledger_leaves_group(&l, 20, l.count, group);
    EXPECT_INT(n, 15);
    EXPECT_INT(ledger_leaves_within(&l, 3300), 3);
    EXPECT_INT(ledger_leaves_within(&l, 0), 35);
    EXPECT_INT(ledger_leaves_within(&l, 99999), 0);
    ledger_leaves_fini(&l);
}
