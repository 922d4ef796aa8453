/*
 * tests/unit/consumer/pending_test.c: every send is answered exactly once, in
 * whatever order reports, deadlines and replacements come.
 *
 * From: ctest.
 * To:   consumer/pending.c.
 */
#include "consumer/pending.h"

#include "schemas/base/fail.h"
#include "tests/support/harness.h"

enum { SENT = 3 };

static int answers[SENT + 1];
static enum outlet_outcome outcomes[SENT + 1];
static struct pending *answering; /* sends once more from inside an answer */

static void on_answer(void *arg, const struct outlet_report *r)
{
    int i = (int)(intptr_t)arg;

    answers[i]++;
    outcomes[i] = r->outcome;
    if (answering != NULL && pending_next(answering) != NULL) {
        struct pending *p = answering;
        answering = NULL;
        pending_start(p, on_answer, (void *)(intptr_t)SENT, 1);
    }
}

static const struct outlet_report good = {OUTLET_PERSISTED, 0, 1, 2, ""};

/*
 * One string of events: digits 0..2 report that record, 3 is a deadline for
 * what was sent, 4 a replacement (no more reports). Returns whether it made
 * sense: a record is reported once, and not after a replacement.
 */
static bool run(const int *events, int count)
{
    struct pending p;
    struct pending_slot *slots[SENT];
    bool reported[SENT] = {false};
    bool replaced = false;

    EXPECT_INT(pending_init(&p, SENT + 1), 0);
    for (int i = 0; i < SENT; i++) {
        answers[i] = 0;
        slots[i] = pending_next(&p);
        pending_start(&p, on_answer, (void *)(intptr_t)i, 10);
    }
    pending_mark(&p);
    for (int e = 0; e < count; e++) {
        if (events[e] < SENT) {
            if (reported[events[e]] || replaced) {
                pending_fini(&p);
                return false;
            }
            reported[events[e]] = true;
            pending_answer(&p, slots[events[e]], &good);
            pending_give(&p, slots[events[e]]);
        } else {
            replaced = replaced || events[e] == 4;
            pending_answer_all(&p, p.sequence, "late", events[e] == 4);
            EXPECT_INT(p.backlog.count, 0);
            EXPECT_INT(p.marked, 0);
        }
    }
    pending_answer_all(&p, p.sequence, "the end", true);
    for (int i = 0; i < SENT; i++)
        EXPECT_INT(answers[i], 1);
    EXPECT_INT(p.backlog.count, 0);
    EXPECT_INT(p.backlog.bytes, 0);
    /* Every slot is free again. */
    for (int i = 0; i < SENT + 1; i++) {
        EXPECT(pending_next(&p) != NULL);
        pending_start(&p, on_answer, (void *)(intptr_t)SENT, 0);
    }
    EXPECT(pending_next(&p) == NULL);
    pending_fini(&p);
    return true;
}

TEST(pending_answers_each_send_once_in_every_string_of_five_events)
{
    int sensible = 0;

    for (int n = 0; n < 5 * 5 * 5 * 5 * 5; n++) {
        int events[5];
        for (int i = 0, rest = n; i < 5; i++, rest /= 5)
            events[i] = rest % 5;
        sensible += run(events, 5);
    }
    EXPECT(sensible > 100);
}

TEST(pending_deadline_leaves_what_is_sent_from_inside_an_answer)
{
    struct pending p;

    EXPECT_INT(pending_init(&p, SENT + 1), 0);
    for (int i = 0; i <= SENT; i++)
        answers[i] = 0;
    for (int i = 0; i < SENT; i++)
        pending_start(&p, on_answer, (void *)(intptr_t)i, 1);
    pending_mark(&p);
    answering = &p;
    pending_answer_all(&p, p.mark, "late", false);
    for (int i = 0; i < SENT; i++) {
        EXPECT_INT(answers[i], 1);
        EXPECT_INT(outcomes[i], OUTLET_UNKNOWN);
    }
    EXPECT_INT(answers[SENT], 0);
    EXPECT_INT(p.backlog.count, 1);
    EXPECT_INT(p.marked, 0);
    pending_fini(&p);
}
