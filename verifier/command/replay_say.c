/*
 * verifier/command/replay_say.c: one partition, one line or one object; then
 * the first records it is about.
 *
 * From: verifier/command/replay.c.
 * To:   standard output.
 */
#include "verifier/command/replay_say.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- rows ---- */

static void print_ids(const struct replay_saying *y, const struct replay *r,
                      const struct replay_counts *n, const char *before,
                      const char *after)
{
    uint64_t i,
        count = n->missing < REPLAY_EXAMPLES ? n->missing : REPLAY_EXAMPLES;

    for (i = 0; i < count; i++)
        printf("%s%s%d-%d-%" PRId64 "%s", y->json && i > 0 ? "," : "", before,
               y->log, r->partition, n->first[i], after);
}

static void pass_json(const struct replay_saying *y, const struct replay *r,
                      const struct replay_counts *n)
{
    printf("{\"partition\":%d,\"from\":%" PRId64 ",\"to\":%" PRId64
           ",\"executed\":%s,\"looked\":%" PRIu64 ",\"missing\":%" PRIu64
           ",\"verified\":%" PRIu64 ",\"rejected\":%" PRIu64
           ",\"duplicates\":%" PRIu64 ",\"quarantined\":%" PRIu64
           ",\"announced\":%" PRIu64 ",\"expired\":%" PRIu64
           ",\"rowless\":%" PRIu64 ",\"first\":[",
           r->partition, r->from, r->to, y->executed ? "true" : "false",
           n->looked, n->missing, n->rows[LEDGER_VERIFIED],
           n->rows[LEDGER_REJECTED], n->rows[LEDGER_DUPLICATE],
           n->rows[LEDGER_QUARANTINED], n->announced, n->expired, n->rowless);
    print_ids(y, r, n, "\"", "\"");
    printf("]}\n");
}

static void say_expired(uint64_t expired)
{
    if (expired > 0)
        printf("  %" PRIu64 " offsets expired meanwhile\n", expired);
}

static void pass_text(const struct replay_saying *y, const struct replay *r,
                      const struct replay_counts *n)
{
    printf("partition %3d  %" PRId64 " to %" PRId64 ": %" PRIu64
           " records, %" PRIu64 " without a row",
           r->partition, r->from, r->to, n->looked, n->missing);
    if (n->missing > 0)
        printf(" (%s%" PRIu64 " verified, %" PRIu64 " rejected, %" PRIu64
               " duplicates, %" PRIu64 " quarantined)",
               y->executed ? "written: " : "judged today: ",
               n->rows[LEDGER_VERIFIED], n->rows[LEDGER_REJECTED],
               n->rows[LEDGER_DUPLICATE], n->rows[LEDGER_QUARANTINED]);
    if (y->executed)
        printf(", %" PRIu64 " announced", n->announced);
    printf("\n");
    print_ids(y, r, n, "  no row     ", "\n");
    say_expired(n->expired);
    if (n->rowless > 0)
        printf("  %" PRIu64
               " below where it stood have lost their row again: "
               "replay once more\n",
               n->rowless);
}

void replay_say_pass(const struct replay_saying *y, const struct replay *r,
                     const struct replay_counts *n)
{
    (y->json ? pass_json : pass_text)(y, r, n);
    fflush(stdout);
}

/* ---- verdicts ---- */

static const char *was_word(enum ledger_kind was)
{
    switch (was) {
    case LEDGER_VERIFIED:
        return "verified";
    case LEDGER_DUPLICATE:
        return "duplicate";
    case LEDGER_REJECTED:
        return "rejected";
    case LEDGER_QUARANTINED:
    case LEDGER_NO_ROW:
        break;
    }
    return "quarantined";
}

static void difference_text(const struct replay_saying *y,
                            const struct replay *r,
                            const struct replay_difference *d)
{
    bool verified = d->is_reason == REASON_NONE;

    printf("  differs    %d-%d-%" PRId64 "  %s%s%s -> %s%s%s\n", y->log,
           r->partition, d->offset, was_word(d->was),
           d->was_reason == REASON_NONE ? "" : ": ",
           d->was_reason == REASON_NONE ? "" : reason_name(d->was_reason),
           verified ? "verified" : "rejected", verified ? "" : ": ",
           verified ? "" : reason_name(d->is_reason));
}

static void print_reason(enum reason reason)
{
    if (reason == REASON_NONE)
        printf("null");
    else
        printf("\"%s\"", reason_name(reason));
}

static void difference_json(const struct replay_saying *y,
                            const struct replay *r,
                            const struct replay_difference *d)
{
    printf("{\"record\":\"%d-%d-%" PRId64 "\",\"was\":\"%s\",\"was_reason\":",
           y->log, r->partition, d->offset, was_word(d->was));
    print_reason(d->was_reason);
    printf(",\"is\":\"%s\",\"is_reason\":",
           d->is_reason == REASON_NONE ? "verified" : "rejected");
    print_reason(d->is_reason);
    printf("}");
}

static uint64_t differences_shown(const struct replay_rules_counts *n)
{
    return n->differ < REPLAY_DIFFERENCES ? n->differ : REPLAY_DIFFERENCES;
}

static void rules_json(const struct replay_saying *y, const struct replay *r,
                       const struct replay_rules_counts *n)
{
    uint64_t i;

    printf("{\"partition\":%d,\"from\":%" PRId64 ",\"to\":%" PRId64
           ",\"rules\":%d,\"executed\":%s,\"looked\":%" PRIu64
           ",\"same\":%" PRIu64 ",\"differ\":%" PRIu64 ",\"verified\":%" PRIu64
           ",\"rejected\":%" PRIu64 ",\"not_applicable\":%" PRIu64
           ",\"rowless\":%" PRIu64 ",\"expired\":%" PRIu64 ",\"first\":[",
           r->partition, r->from, r->to, r->rules,
           y->executed ? "true" : "false", n->looked, n->same, n->differ,
           n->verified, n->rejected, n->not_applicable, n->rowless, n->expired);
    for (i = 0; i < differences_shown(n); i++) {
        if (i > 0)
            printf(",");
        difference_json(y, r, &n->first[i]);
    }
    printf("]}\n");
}

static void rules_text(const struct replay_saying *y, const struct replay *r,
                       const struct replay_rules_counts *n)
{
    uint64_t i;

    printf("partition %3d  %" PRId64 " to %" PRId64 ": %" PRIu64
           " records, %" PRIu64 " the same by set %d, %" PRIu64 " differ",
           r->partition, r->from, r->to, n->looked, n->same, r->rules,
           n->differ);
    if (n->differ > 0)
        printf(" (%" PRIu64 " are verified by it, %" PRIu64 " rejected)",
               n->verified, n->rejected);
    printf("\n");
    for (i = 0; i < differences_shown(n); i++)
        difference_text(y, r, &n->first[i]);
    if (n->not_applicable > 0)
        printf("  %" PRIu64 " are of a chain without a set %d\n",
               n->not_applicable, r->rules);
    if (n->rowless > 0)
        printf("  %" PRIu64
               " have no row to compare with: replay without --rules\n",
               n->rowless);
    say_expired(n->expired);
}

void replay_say_rules(const struct replay_saying *y, const struct replay *r,
                      const struct replay_rules_counts *n)
{
    (y->json ? rules_json : rules_text)(y, r, n);
    fflush(stdout);
}
