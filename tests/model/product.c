/*
 * tests/model/product.c: every end of a batch, as answers of statements.
 *
 * The model says "fenced" or "the answer is lost" in one word. The product has
 * to conclude it from SQLSTATEs and command tags; here is what the database
 * answers at each of those ends, and what verifier/decide.c must make of it.
 *
 * From: tests/model/model.c, in the test.
 * To:   verifier/decide.c.
 */
#include "tests/model/product.h"

#include <stdio.h>
#include <string.h>

#include "verifier/decide.h"

/* One answer; `state` "" is OK, "lost" a lost connection, "-" an answer that
 * an earlier failure made worthless. */
struct answer {
    enum decide_step step;
    const char *state;
    const char *table; /* of an error; of COMMIT: its tag */
};

struct ending {
    const char *words; /* in the model's */
    bool asks;         /* the flight is ASK: the batch has not begun */
    size_t stored;     /* own rows found in flight WRITE, of one record */
    bool stale;        /* the look shows another leaf */
    struct answer close[4];
    enum ledger_outcome outcome;
};

#define END                                                                    \
    {                                                                          \
        DECIDE_FIND, NULL, NULL                                                \
    }
static const struct ending endings[] = {
    {"commits",
     false,
     1,
     false,
     {{DECIDE_LEDGER, "", ""}, {DECIDE_COMMIT, "", "COMMIT"}, END},
     LEDGER_WRITTEN},
    {"COMMIT answers ROLLBACK",
     false,
     1,
     false,
     {{DECIDE_LEDGER, "", ""}, {DECIDE_COMMIT, "", "ROLLBACK"}, END},
     LEDGER_OUTAGE},
    {"the answer to COMMIT is lost",
     false,
     1,
     false,
     {{DECIDE_LEDGER, "", ""}, {DECIDE_COMMIT, "lost", ""}, END},
     LEDGER_UNKNOWN},
    {"is fenced by the check",
     false,
     1,
     false,
     {{DECIDE_LEDGER, "23502", "batches_1"}, {DECIDE_COMMIT, "-", ""}, END},
     LEDGER_FENCED},
    {"is fenced by the key",
     false,
     1,
     false,
     {{DECIDE_LEDGER, "23505", "batches_1"}, {DECIDE_COMMIT, "-", ""}, END},
     LEDGER_FENCED},
    {"finds another leaf live", false, 1, true, {END}, LEDGER_STALE},
    {"rows do not add up to records", false, 0, false, {END}, LEDGER_OUTAGE},
    {"asks a sealed leaf that is gone",
     true,
     0,
     false,
     {{DECIDE_FIND, "42P01", ""}, END},
     LEDGER_STALE},
};

static void play(struct decide *d, const struct answer *answers,
                 enum decide_flight flight)
{
    struct postgres_answer a;
    size_t count = 0, i;

    while (answers[count].state != NULL)
        count++;
    decide_sent(d, flight, count);
    for (i = 0; i < count; i++) {
        const char *state = answers[i].state;

        memset(&a, 0, sizeof(a));
        a.tag = answers[i].table;
        a.table = answers[i].table;
        a.message = "as in the model";
        a.outcome = POSTGRES_ERROR;
        if (state[0] == '\0')
            a.outcome = POSTGRES_OK;
        else if (strcmp(state, "lost") == 0)
            a.outcome = POSTGRES_LOST;
        else if (strcmp(state, "-") == 0)
            a.outcome = POSTGRES_ABORTED;
        else
            snprintf(a.sqlstate, sizeof(a.sqlstate), "%s", state);
        decide_answer(d, answers[i].step, &a);
    }
}

static enum ledger_outcome outcome_of(const struct ending *e)
{
    static const struct answer write[] = {{DECIDE_BEGIN, "", "BEGIN"},
                                          {DECIDE_LOCK, "", "SELECT 1"},
                                          {DECIDE_LOOK, "", "SELECT 1"},
                                          {DECIDE_INSERT, "", "INSERT 0 1"},
                                          END};
    static const struct answer undo[] = {{DECIDE_ROLLBACK, "", "ROLLBACK"},
                                         END};
    struct decide d;

    decide_start(&d, 1);
    play(&d, e->asks ? e->close : write, e->asks ? DECIDE_ASK : DECIDE_WRITE);
    d.present = e->stored;
    if (e->stale)
        decide_stale(&d, "as in the model");
    if (!e->asks && decide_next(&d) == DECIDE_GO_CLOSE)
        play(&d, e->close, DECIDE_CLOSE);
    if (decide_next(&d) == DECIDE_GO_UNDO)
        play(&d, undo, DECIDE_UNDO);
    return decide_next(&d) == DECIDE_DONE ? d.outcome : LEDGER_BAD_DATA;
}

void product_agrees(size_t *passed, size_t *failed)
{
    static const char *const names[] = {"written",  "fenced", "stale",
                                        "bad data", "outage", "unknown"};
    enum ledger_outcome found;
    bool good;
    size_t i;

    for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        found = outcome_of(&endings[i]);
        good = found == endings[i].outcome;
        printf("%s  a batch that %s is %s", good ? "ok  " : "FAIL",
               endings[i].words, names[found]);
        printf(good ? "\n" : ", not %s\n", names[endings[i].outcome]);
        *passed += good;
        *failed += !good;
    }
}
