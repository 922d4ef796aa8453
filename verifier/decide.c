/*
 * verifier/decide.c: from SQLSTATEs and command tags to one of six outcomes.
 *
 *   BEGIN ok, lock ok, look ok, INSERT 22P02      first error: the record's
 *   -> UNDO -> ROLLBACK ok -> LEDGER_BAD_DATA
 *
 *   ... ledger 23502 on batches_7, COMMIT aborted   first error: the fence
 *   -> UNDO -> ROLLBACK ok -> LEDGER_FENCED
 *
 *   ... ledger ok, COMMIT lost                      nobody knows
 *   -> LEDGER_UNKNOWN
 *
 * From: verifier/ledger_write.c, which sends and counts.
 * To:   the pipeline, by way of struct ledger_result.
 */
#include "verifier/decide.h"

#include <stdio.h>
#include <string.h>

#include "schemas/leaf.h"

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Is it a table of a leaf: "rejections_7"? */
static bool is_leaf_table(const char *table)
{
    int i;

    for (i = 0; i < LEAF_TABLES; i++) {
        const char *word = leaf_table_word((enum leaf_table)i);

        if (starts(table, word) && table[strlen(word)] == '_')
            return true;
    }
    return false;
}

enum decide_class decide_class_of(const char *sqlstate, const char *table)
{
    bool unique = strcmp(sqlstate, "23505") == 0;

    if (strcmp(sqlstate, "55P03") == 0)
        return DECIDE_BLOCKED;
    if (unique || strcmp(sqlstate, "23502") == 0)
        if (starts(table, "batches_"))
            return DECIDE_OURS;
    /* A record above the position that has its row already contradicts the
     * ledger. To quarantine it would be a second row. */
    if (unique && is_leaf_table(table))
        return DECIDE_WORLD;
    if (starts(sqlstate, "22") || starts(sqlstate, "23") ||
        starts(sqlstate, "54"))
        return DECIDE_DATA;
    return DECIDE_WORLD;
}

/* Steps that carry what a record brought. Of the others it is innocent; and a
 * record that cannot even be quarantined is the database's fault. */
static bool carries_records(enum decide_step step)
{
    return step == DECIDE_INSERT || step == DECIDE_DUPLICATES ||
           step == DECIDE_REJECTIONS || step == DECIDE_COMMIT;
}

static void note(struct decide *d, enum ledger_outcome outcome,
                 const char *sqlstate, const char *why)
{
    if (d->failed)
        return;
    d->failed = true;
    d->outcome = outcome;
    snprintf(d->sqlstate, sizeof(d->sqlstate), "%s", sqlstate);
    snprintf(d->why, sizeof(d->why), "%s", why);
}

void decide_start(struct decide *d, size_t expected)
{
    memset(d, 0, sizeof(*d));
    d->expected = expected;
}

void decide_sent(struct decide *d, enum decide_flight flight, size_t count)
{
    CHECK(d->outstanding == 0 && count > 0 && !d->lost);
    d->flight = flight;
    d->outstanding = count;
    if (flight == DECIDE_WRITE)
        d->open = true;
}

static void failed_step(struct decide *d, enum decide_step step,
                        const struct postgres_answer *a)
{
    enum ledger_outcome outcome = LEDGER_OUTAGE;

    /* A sealed leaf that we knew was dropped: our list is old. */
    if (step == DECIDE_FIND && strcmp(a->sqlstate, "42P01") == 0)
        outcome = LEDGER_STALE;
    switch (decide_class_of(a->sqlstate, a->table)) {
    case DECIDE_OURS:
        if (step == DECIDE_LEDGER)
            outcome = LEDGER_FENCED;
        break;
    case DECIDE_DATA:
        if (carries_records(step))
            outcome = LEDGER_BAD_DATA;
        break;
    case DECIDE_BLOCKED:
    case DECIDE_WORLD:
        break;
    }
    note(d, outcome, a->sqlstate, a->message);
}

/* After a failed step COMMIT answers OK as well, with the tag ROLLBACK. */
static void ended(struct decide *d, enum decide_step step, const char *tag)
{
    d->open = false;
    if (step == DECIDE_COMMIT && strcmp(tag, "COMMIT") == 0)
        d->committed = true;
    else if (step == DECIDE_COMMIT)
        note(d, LEDGER_OUTAGE, "", "COMMIT rolled back");
}

void decide_answer(struct decide *d, enum decide_step step,
                   const struct postgres_answer *a)
{
    CHECK(d->outstanding > 0);
    d->outstanding--;
    switch (a->outcome) {
    case POSTGRES_OK:
        if (step == DECIDE_COMMIT || step == DECIDE_ROLLBACK)
            ended(d, step, a->tag);
        return;
    case POSTGRES_ERROR:
        failed_step(d, step, a);
        return;
    case POSTGRES_ABORTED:
        note(d, LEDGER_OUTAGE, "", "aborted without a cause");
        return;
    case POSTGRES_LOST:
        note(d, LEDGER_UNKNOWN, a->sqlstate, a->message);
        d->lost = true;
    }
}

void decide_stale(struct decide *d, const char *why)
{
    note(d, LEDGER_STALE, "", why);
}

void decide_fenced(struct decide *d, const char *why)
{
    note(d, LEDGER_FENCED, "", why);
}

void decide_doubt(struct decide *d, const char *why)
{
    note(d, LEDGER_OUTAGE, "", why);
}

static enum decide_move close_or_doubt(struct decide *d)
{
    size_t sum = d->present + d->duplicates + d->rejected + d->quarantined;

    if (sum == d->expected)
        return DECIDE_GO_CLOSE;
    snprintf(d->why, sizeof(d->why), "%zu rows for %zu records", sum,
             d->expected);
    d->failed = true;
    d->outcome = LEDGER_OUTAGE;
    return DECIDE_GO_UNDO;
}

static enum decide_move next_failed(struct decide *d)
{
    if (d->open && d->flight != DECIDE_UNDO)
        return DECIDE_GO_UNDO;
    /* A ROLLBACK that failed leaves who knows what behind. */
    d->doubtful = d->open;
    return DECIDE_DONE;
}

enum decide_move decide_next(struct decide *d)
{
    if (d->outstanding > 0)
        return DECIDE_WAIT;
    if (d->lost) {
        d->outcome = d->committed ? LEDGER_WRITTEN : LEDGER_UNKNOWN;
        return DECIDE_DONE;
    }
    if (d->failed)
        return next_failed(d);
    switch (d->flight) {
    case DECIDE_ASK:
        return DECIDE_GO_WRITE;
    case DECIDE_WRITE:
        return d->conflicts > 0 ? DECIDE_GO_RESOLVE : close_or_doubt(d);
    case DECIDE_RESOLVE:
        if (d->conflicts == 0)
            return close_or_doubt(d);
        decide_doubt(d, "a conflict without a row");
        return DECIDE_GO_UNDO;
    case DECIDE_CLOSE:
        if (!d->committed) {
            decide_doubt(d, "COMMIT did not answer");
            return DECIDE_GO_UNDO;
        }
        d->outcome = LEDGER_WRITTEN;
        return DECIDE_DONE;
    case DECIDE_UNDO:
        break;
    }
    check_failed(__FILE__, __LINE__, "UNDO follows a failure");
    return DECIDE_DONE;
}
