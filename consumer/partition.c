/*
 * consumer/partition.c: the table of moves of an assigned partition.
 *
 * To add a state or an event: add it to the list in partition.h, add its rows
 * here, and run the test, which walks every string of events and says which
 * state cannot be reached or left.
 *
 * From: verifier/pipeline.c and whoever else owns partitions.
 * To:   nothing; it is a table.
 */
#include "consumer/partition.h"

#include <stddef.h>

#include "schemas/base/check.h"

static const struct partition_rule rules[] = {
    {PARTITION_IDLE, PARTITION_ASSIGNED, PARTITION_LOCATING, "assigned"},
    {PARTITION_LOCATING, PARTITION_POSITION_KNOWN, PARTITION_FETCHING,
     "position known"},
    {PARTITION_FETCHING, PARTITION_WINDOW_FULL, PARTITION_PAUSED,
     "window full"},
    {PARTITION_PAUSED, PARTITION_WINDOW_HALF, PARTITION_FETCHING, "room again"},

    /* Fenced, or a new connection to the database: ask again. While we ask
     * already, another loss asks once more, and the first answer is of an older
     * generation. */
    {PARTITION_LOCATING, PARTITION_POSITION_LOST, PARTITION_LOCATING,
     "position lost again"},
    {PARTITION_FETCHING, PARTITION_POSITION_LOST, PARTITION_LOCATING,
     "position lost"},
    {PARTITION_PAUSED, PARTITION_POSITION_LOST, PARTITION_LOCATING,
     "position lost"},

    {PARTITION_LOCATING, PARTITION_FAULT, PARTITION_STOPPED, "fault"},
    {PARTITION_FETCHING, PARTITION_FAULT, PARTITION_STOPPED, "fault"},
    {PARTITION_PAUSED, PARTITION_FAULT, PARTITION_STOPPED, "fault"},
    {PARTITION_STOPPED, PARTITION_RELEASED, PARTITION_LOCATING,
     "released by the operator"},

    {PARTITION_LOCATING, PARTITION_REVOKED, PARTITION_DRAINING, "revoked"},
    {PARTITION_FETCHING, PARTITION_REVOKED, PARTITION_DRAINING, "revoked"},
    {PARTITION_PAUSED, PARTITION_REVOKED, PARTITION_DRAINING, "revoked"},
    {PARTITION_STOPPED, PARTITION_REVOKED, PARTITION_DRAINING, "revoked"},
    {PARTITION_DRAINING, PARTITION_DRAINED, PARTITION_GONE,
     "nothing in flight"},

    /* A rebalance may give a partition back at once: what is still in flight
     * is of an older generation then, and the database fences it. */
    {PARTITION_DRAINING, PARTITION_ASSIGNED, PARTITION_LOCATING,
     "assigned again"},
    {PARTITION_GONE, PARTITION_ASSIGNED, PARTITION_LOCATING, "assigned again"},
};

void partition_init(struct partition *p, int32_t id)
{
    p->id = id;
    p->state = PARTITION_IDLE;
    p->generation = 0;
}

const struct partition_rule *partition_rule(enum partition_state state,
                                            enum partition_event event)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].from == state && rules[i].event == event)
            return &rules[i];
    return NULL;
}

const struct partition_rule *partition_move(struct partition *p,
                                            enum partition_event event)
{
    const struct partition_rule *rule = partition_rule(p->state, event);

    CHECK(rule != NULL);
    p->state = rule->to;
    if (rule->to == PARTITION_LOCATING)
        p->generation++;
    return rule;
}

#define NAME_OF(value, name) [value] = name,

const char *partition_state_name(enum partition_state state)
{
    static const char *const names[] = {PARTITION_STATES(NAME_OF)};

    CHECK(state < PARTITION_STATE_COUNT);
    return names[state];
}

const char *partition_event_name(enum partition_event event)
{
    static const char *const names[] = {PARTITION_EVENTS(NAME_OF)};

    CHECK(event < PARTITION_EVENT_COUNT);
    return names[event];
}
