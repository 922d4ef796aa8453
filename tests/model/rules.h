/*
 * tests/model/rules.h: every rule that the searches can switch off.
 *
 * The first group is DESIGN 6 and 7 (the ledger), the second replays, the third
 * DESIGN 8 (from result to screen). A rule that can be removed without harm in
 * every run is not needed; the test fails then.
 *
 * Thread: any.
 */
#ifndef TESTS_MODEL_RULES_H
#define TESTS_MODEL_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* X(name, what the rule says) */
#define RULE_LIST(X)                                                           \
    X(F1, "the ledger's key: one row per leaf, partition and from_off")        \
    X(F2, "the ledger's check: from_off is the position, or null (23502)")     \
    X(LIVE, "the ledger's check also asks that the leaf is still live")        \
    X(K1, "a new connection forgets everything and reads again")               \
    X(K2, "another live leaf: all positions are read again")                   \
    X(K3, "leaf list and positions are read in one statement")                 \
    X(K4, "fenced: the positions of all partitions of the batch are read")     \
    X(L1, "the live leaf is compared under the shared lock")                   \
    X(L2, "the lock is a statement of its own, before the look")               \
    X(RC, "READ COMMITTED: every statement has its own snapshot")              \
    X(S2, "the flip holds the lock exclusively")                               \
    X(S3, "the flip writes the positions into leaf_counts")                    \
    X(S4, "and those of idle partitions as well")                              \
    X(PLANT, "a position is planted before the first record")                  \
    X(D1, "no drop of a leaf with a record at or above `announced`")           \
    X(D2, "a sealed leaf that is gone (42P01): read the list again")           \
    X(FILTER, "filters are kept by seal id, not by leaf number")               \
    X(RESOLVE, "conflicts are resolved in a separate statement")               \
    X(COUNT, "rows must add up to records before COMMIT is sent")              \
    X(NOTHING, "rows that are there already leave the answer to the ledger")   \
    X(SORT, "the array is sorted by hash, partition, offset")                  \
    X(ORDER, "everybody writes the tables in one order")                       \
    X(A1, "announcing starts at `announced`, not at the position")             \
    X(A2, "`announced` is forgotten with the connection")                      \
    X(A7, "`announced` below the log start is raised to it")                   \
    X(C1, "connections are renewed, so nobody stays on an old primary")        \
    X(Q1, "a repeat with another type counts as news")                         \
    X(Q2, "of two types verified counts, not the later line")                  \
    X(R1, "a replay is created only below the live position")                  \
    X(R2, "a replay moves by compare-and-set with its rows")                   \
    X(R3, "a replay looks for a record's row in all kept leaves")              \
    X(R4, "a replay writes nothing below the end of a dropped leaf")           \
    X(R5, "a restarted replay announces all between its marks")                \
    X(R6, "a replay has its own `announced`")                                  \
    X(R7, "a replay is created only below the live `announced`")               \
    X(HEARTBEAT, "every partition's last offset is published again and again") \
    X(CHAIN, "a run that does not follow is fetched from the topic")           \
    X(REPAIR, "what cannot be fetched any more is told to the subscriber")     \
    X(CONTIGUOUS, "an entry that does not follow empties the ring")            \
    X(BEGIN, "the last results are read before the gateway is ready")          \
    X(PREVIOUS, "a notifier that started says previous = -1")                  \
    X(TYPE, "repeats are dropped by record id and type")                       \
    X(BELOW, "a cursor below the ring is served from the topic")               \
    X(TELL, "a cursor that cannot be served is told recovered: false")         \
    X(NUMBER, "a cursor carries the number of its results log")                \
    X(SENT, "a cursor covers what this subscriber was sent, no more")          \
    X(ACK, "an ack that is not above the last one stops announcing")           \
    X(FORGET, "acks from before the last reading of positions do not count")

enum rule {
#define RULE_ENUM(name, words) RULE_##name,
    RULE_LIST(RULE_ENUM)
#undef RULE_ENUM
        RULES
};
#define RULE(name) (1ull << RULE_##name)

#endif
