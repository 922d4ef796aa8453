/*
 * tests/unit/verifier/decide_test.c: the write decision against every order of
 * answers.
 *
 * A small server answers each statement in every way it can: OK, an error of
 * each class, or not at all. It knows whether it committed; what the decision
 * says is compared with that, for every path there is.
 *
 * From: ctest.
 * To:   verifier/decide.c.
 */
#include "verifier/decide.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/harness.h"

TEST(each_sqlstate_has_one_remedy)
{
    static const struct {
        const char *sqlstate, *table;
        enum decide_class wanted;
    } rows[] = {
        {"23502", "batches_7", DECIDE_OURS},
        {"23505", "batches_7", DECIDE_OURS},
        {"23505", "batches_", DECIDE_OURS},
        {"23514", "batches_7", DECIDE_DATA},
        {"23502", "transactions_7", DECIDE_DATA},
        {"23502", "", DECIDE_DATA},
        {"23503", "transactions_7", DECIDE_DATA},
        {"23505", "rejections_7", DECIDE_WORLD},
        {"23505", "duplicates_7", DECIDE_WORLD},
        {"23505", "quarantine_7", DECIDE_WORLD},
        {"23505", "transactions_7", DECIDE_WORLD},
        {"23505", "audit", DECIDE_DATA},
        {"23505", "rejectionsx", DECIDE_DATA},
        {"23514", "transactions_7", DECIDE_DATA},
        {"23P01", "x", DECIDE_DATA},
        {"22001", "", DECIDE_DATA},
        {"22P05", "", DECIDE_DATA},
        {"54000", "transactions_7", DECIDE_DATA},
        {"55P03", "", DECIDE_BLOCKED},
        {"55006", "", DECIDE_WORLD},
        {"08006", "", DECIDE_WORLD},
        {"25006", "", DECIDE_WORLD},
        {"25P02", "", DECIDE_WORLD},
        {"40001", "", DECIDE_WORLD},
        {"40P01", "", DECIDE_WORLD},
        {"42501", "", DECIDE_WORLD},
        {"42703", "", DECIDE_WORLD},
        {"42P01", "batches_7", DECIDE_WORLD},
        {"53100", "", DECIDE_WORLD},
        {"53200", "", DECIDE_WORLD},
        {"57014", "", DECIDE_WORLD},
        {"57P01", "", DECIDE_WORLD},
        {"58030", "", DECIDE_WORLD},
        {"XX000", "", DECIDE_WORLD},
        {"XX002", "batches_7", DECIDE_WORLD},
        {"3D000", "", DECIDE_WORLD},
        {"28P01", "", DECIDE_WORLD},
        {"0A000", "", DECIDE_WORLD},
        {"", "", DECIDE_WORLD},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (decide_class_of(rows[i].sqlstate, rows[i].table) != rows[i].wanted)
            printf("%s on \"%s\"\n", rows[i].sqlstate, rows[i].table);
        EXPECT_INT(decide_class_of(rows[i].sqlstate, rows[i].table),
                   rows[i].wanted);
    }
}

/* ---- every path ------------------------------------------------------- */

/* How a statement may be answered. */
enum event { OK, DATA, OURS, BLOCKED, WORLD, GONE, LOST, EVENTS };

/* A batch of three records, and what is to happen to it. */
struct batch {
    bool ask;       /* sealed leaves are asked */
    bool stale;     /* the look finds another leaf */
    bool conflict;  /* one is not inserted */
    bool resolved;  /* its row is found */
    bool short_one; /* one record is nowhere: our own mistake */
};

/* The server's side: what is true, whatever the client hears. */
struct truth {
    bool open, failed, committed, lost;
    bool close_sent;        /* the client sent COMMIT */
    enum event first;       /* the first error, OK if none */
    enum decide_step where; /* its step */
};

static struct {
    long paths, outcomes[6];
    bool broken;
} found;

static const enum decide_step flights[][8] = {
    [DECIDE_ASK] = {DECIDE_FIND, DECIDE_FIND},
    [DECIDE_WRITE] = {DECIDE_BEGIN, DECIDE_LOCK, DECIDE_LOOK, DECIDE_INSERT},
    [DECIDE_RESOLVE] = {DECIDE_WHOSE},
    [DECIDE_CLOSE] = {DECIDE_CHAINS, DECIDE_LEDGER, DECIDE_DUPLICATES,
                      DECIDE_REJECTIONS, DECIDE_QUARANTINE, DECIDE_ANNOUNCED,
                      DECIDE_COMMIT},
    [DECIDE_UNDO] = {DECIDE_ROLLBACK},
};
static const size_t flight_counts[] = {2, 4, 1, 7, 1};

static void fault(const char *words, const struct decide *d,
                  const struct truth *t)
{
    if (!found.broken)
        printf("%s: outcome %d, first error %d at step %d, committed %d\n",
               words, d->outcome, t->first, t->where, t->committed);
    found.broken = true;
}

static struct postgres_answer answer_of(enum event e, enum decide_step step,
                                        const struct truth *t)
{
    static const char *const states[] = {"",      "22021", "23505", "55P03",
                                         "XX000", "42P01", ""};
    struct postgres_answer a = {.tag = "", .table = "", .message = "m"};

    memcpy(a.sqlstate, states[e], strlen(states[e]) + 1);
    a.table = e == OURS ? "batches_1" : "";
    a.outcome = e == OK     ? POSTGRES_OK
                : e == LOST ? POSTGRES_LOST
                            : POSTGRES_ERROR;
    if (e == OK && step == DECIDE_COMMIT)
        a.tag = t->failed ? "ROLLBACK" : "COMMIT";
    return a;
}

/* What the server does with one statement. */
static void serve(struct truth *t, enum decide_step step, enum event e)
{
    if (e != OK && e != LOST) {
        if (t->first == OK) {
            t->first = e;
            t->where = step;
        }
        t->failed = true;
        return;
    }
    if (e == LOST)
        t->lost = true;
    if (step == DECIDE_BEGIN)
        t->open = true;
    if (step == DECIDE_ROLLBACK)
        t->open = false;
    /* A lost answer to COMMIT may hide either; the worse one is tried. */
    if (step == DECIDE_COMMIT && t->open) {
        t->committed = !t->failed;
        t->open = false;
    }
}

static void check_done(const struct decide *d, const struct truth *t)
{
    found.paths++;
    found.outcomes[d->outcome]++;
    if (d->outcome == LEDGER_WRITTEN && !t->committed)
        fault("written, and it is not", d, t);
    if (t->committed && d->outcome != LEDGER_WRITTEN &&
        d->outcome != LEDGER_UNKNOWN)
        fault("committed, and nobody says so", d, t);
    if (d->outcome == LEDGER_UNKNOWN && !t->lost)
        fault("unknown, and every answer came", d, t);
    if (t->lost && d->outcome != LEDGER_UNKNOWN && d->outcome != LEDGER_WRITTEN)
        fault("a lost connection goes on", d, t);
    if (d->outcome == LEDGER_BAD_DATA &&
        (t->first != DATA ||
         (t->where != DECIDE_INSERT && t->where != DECIDE_DUPLICATES &&
          t->where != DECIDE_REJECTIONS && t->where != DECIDE_COMMIT)))
        fault("a record is blamed for nothing", d, t);
    if (d->outcome == LEDGER_FENCED &&
        (t->first != OURS || t->where != DECIDE_LEDGER))
        fault("fenced by nobody", d, t);
    if (!t->lost && t->open && !d->doubtful)
        fault("a transaction is left open", d, t);
}

static void go(struct decide d, struct truth t, const struct batch *b);

/* What the client counts after a flight, as verifier/ledger_write.c does. */
static void count(struct decide *d, const struct batch *b)
{
    if (d->failed || d->lost)
        return;
    if (d->flight == DECIDE_WRITE)
        d->conflicts = b->conflict;
    if (d->flight == DECIDE_RESOLVE)
        d->conflicts = !b->resolved;
    if (d->conflicts > 0)
        return;
    d->present = 2 - (b->conflict ? 1 : 0);
    d->duplicates = b->conflict;
    d->rejected = b->short_one ? 0 : 1;
}

/* Answers statement `i` of the flight in every way, and goes on from each. */
static void answer_all(struct decide d, struct truth t, const struct batch *b,
                       size_t i)
{
    enum decide_step step = flights[d.flight][i];
    bool aborted = t.failed && step != DECIDE_ROLLBACK;
    int e;

    if (i == flight_counts[d.flight]) {
        count(&d, b);
        go(d, t, b);
        return;
    }
    for (e = OK; e < EVENTS; e++) {
        struct decide next = d;
        struct truth then = t;
        struct postgres_answer a;

        if (t.lost && e != LOST)
            continue;
        if (aborted && e != OK && e != LOST)
            continue; /* aborted stands for all of them */
        a = answer_of((enum event)e, step, &t);
        if (aborted && e == OK)
            a = (struct postgres_answer){.outcome = POSTGRES_ABORTED,
                                         .tag = "",
                                         .table = "",
                                         .message = "aborted"};
        else if (!(t.lost && e == LOST))
            serve(&then, step, (enum event)e);
        if (step == DECIDE_LOOK && a.outcome == POSTGRES_OK && b->stale)
            decide_stale(&next, "another leaf");
        decide_answer(&next, step, &a);
        answer_all(next, then, b, i + 1);
    }
}

static void send(struct decide d, struct truth t, const struct batch *b,
                 enum decide_flight flight)
{
    if (flight == DECIDE_CLOSE) {
        if (d.failed || b->stale || b->short_one ||
            (b->conflict && !b->resolved))
            fault("COMMIT is sent for a batch that must not", &d, &t);
        t.close_sent = true;
    }
    if (flight == DECIDE_UNDO)
        t.failed = false; /* ROLLBACK is taken in a failed transaction */
    decide_sent(&d, flight, flight_counts[flight]);
    answer_all(d, t, b, 0);
}

static void go(struct decide d, struct truth t, const struct batch *b)
{
    switch (decide_next(&d)) {
    case DECIDE_WAIT:
        fault("waits for nothing", &d, &t);
        return;
    case DECIDE_GO_WRITE:
        send(d, t, b, DECIDE_WRITE);
        return;
    case DECIDE_GO_RESOLVE:
        send(d, t, b, DECIDE_RESOLVE);
        return;
    case DECIDE_GO_CLOSE:
        send(d, t, b, DECIDE_CLOSE);
        return;
    case DECIDE_GO_UNDO:
        if (d.flight == DECIDE_UNDO)
            fault("undoes for ever", &d, &t);
        else
            send(d, t, b, DECIDE_UNDO);
        return;
    case DECIDE_DONE:
        check_done(&d, &t);
    }
}

TEST(no_order_of_answers_makes_it_say_what_is_not)
{
    int bits;

    memset(&found, 0, sizeof(found));
    for (bits = 0; bits < 32; bits++) {
        struct batch b = {bits & 1, bits & 2, bits & 4, bits & 8, bits & 16};
        struct truth t = {0};
        struct decide d;

        decide_start(&d, 3);
        send(d, t, &b, b.ask ? DECIDE_ASK : DECIDE_WRITE);
        EXPECT(!found.broken);
    }
    printf(
        "         %ld paths: %ld written, %ld fenced, %ld stale, %ld bad"
        " data, %ld outage, %ld unknown\n",
        found.paths, found.outcomes[LEDGER_WRITTEN],
        found.outcomes[LEDGER_FENCED], found.outcomes[LEDGER_STALE],
        found.outcomes[LEDGER_BAD_DATA], found.outcomes[LEDGER_OUTAGE],
        found.outcomes[LEDGER_UNKNOWN]);
    EXPECT(found.paths > 1000);
    for (bits = 0; bits < 6; bits++)
        EXPECT(found.outcomes[bits] > 0);
}

TEST(a_commit_that_answers_rollback_wrote_nothing)
{
    struct decide d;
    struct postgres_answer ok = {.tag = "ROLLBACK", .table = ""};

    decide_start(&d, 0);
    decide_sent(&d, DECIDE_WRITE, 1);
    decide_answer(&d, DECIDE_BEGIN, &ok);
    EXPECT_INT(decide_next(&d), DECIDE_GO_CLOSE);
    decide_sent(&d, DECIDE_CLOSE, 1);
    decide_answer(&d, DECIDE_COMMIT, &ok);
    EXPECT_INT(decide_next(&d), DECIDE_DONE);
    EXPECT_INT(d.outcome, LEDGER_OUTAGE);
}
