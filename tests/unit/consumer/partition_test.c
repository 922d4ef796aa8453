/*
 * tests/unit/consumer/partition_test.c: every string of up to seven events.
 *
 * From: ctest.
 * To:   consumer/partition.c.
 */
#include "consumer/partition.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/harness.h"

enum { LENGTH_MAX = 7 };

static long reached[PARTITION_STATE_COUNT];
static long refused;

static void walk(struct partition p, int left)
{
    reached[p.state]++;
    if (left == 0)
        return;
    for (int event = 0; event < PARTITION_EVENT_COUNT; event++) {
        struct partition next = p;
        const struct partition_rule *rule =
            partition_rule(p.state, (enum partition_event)event);
        if (rule == NULL) {
            refused++;
            continue;
        }
        EXPECT(partition_move(&next, (enum partition_event)event) == rule);
        EXPECT_INT(rule->from, p.state);
        EXPECT_INT(next.state, rule->to);
        EXPECT_INT(next.id, p.id);
        /* Only a new claim makes old work foreign. */
        EXPECT_INT(next.generation - p.generation,
                   next.state == PARTITION_LOCATING);
        walk(next, left - 1);
    }
}

TEST(partition_reaches_every_state_by_some_string_of_events)
{
    struct partition p;

    partition_init(&p, 7);
    walk(p, LENGTH_MAX);
    for (int state = 0; state < PARTITION_STATE_COUNT; state++)
        EXPECT(reached[state] > 0);
    EXPECT(refused > 0);
}

/* Runs one move in a child: did the process stop? */
static bool move_stops(enum partition_state state, enum partition_event event)
{
    struct partition p = {.id = 1, .state = state};
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        close(STDERR_FILENO);
        partition_move(&p, event);
        _exit(0);
    }
    EXPECT(child > 0);
    EXPECT_INT(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

TEST(partition_accepts_no_move_that_its_table_does_not_list)
{
    for (int state = 0; state < PARTITION_STATE_COUNT; state++) {
        for (int event = 0; event < PARTITION_EVENT_COUNT; event++) {
            enum partition_state s = (enum partition_state)state;
            enum partition_event e = (enum partition_event)event;
            EXPECT_INT(move_stops(s, e), partition_rule(s, e) == NULL);
        }
    }
}

TEST(partition_that_is_ours_can_always_be_revoked_and_becomes_gone)
{
    for (int state = 0; state < PARTITION_STATE_COUNT; state++) {
        struct partition p = {.id = 1, .state = (enum partition_state)state};
        bool ours = state == PARTITION_LOCATING ||
                    state == PARTITION_FETCHING || state == PARTITION_PAUSED ||
                    state == PARTITION_STOPPED;
        EXPECT_INT(partition_rule(p.state, PARTITION_REVOKED) != NULL, ours);
        if (!ours)
            continue;
        partition_move(&p, PARTITION_REVOKED);
        EXPECT_INT(p.state, PARTITION_DRAINING);
        partition_move(&p, PARTITION_DRAINED);
        EXPECT_INT(p.state, PARTITION_GONE);
    }
}

TEST(partition_delivers_only_between_a_known_position_and_its_end)
{
    /* Records are wanted in one state only, and it has one way in from
     * outside. */
    for (int state = 0; state < PARTITION_STATE_COUNT; state++) {
        for (int event = 0; event < PARTITION_EVENT_COUNT; event++) {
            const struct partition_rule *rule =
                partition_rule((enum partition_state)state,
                               (enum partition_event)event);
            if (rule == NULL || rule->to != PARTITION_FETCHING)
                continue;
            EXPECT(
                (state == PARTITION_LOCATING &&
                 event == PARTITION_POSITION_KNOWN) ||
                (state == PARTITION_PAUSED && event == PARTITION_WINDOW_HALF));
        }
    }
}

TEST(partition_states_and_events_have_names)
{
    EXPECT_TEXT(partition_state_name(PARTITION_DRAINING), "draining");
    EXPECT_TEXT(partition_event_name(PARTITION_WINDOW_HALF), "window_half");
    for (int state = 0; state < PARTITION_STATE_COUNT; state++)
        EXPECT(partition_state_name((enum partition_state)state) != NULL);
    for (int event = 0; event < PARTITION_EVENT_COUNT; event++)
        EXPECT(partition_event_name((enum partition_event)event) != NULL);
}
