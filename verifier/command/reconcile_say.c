/*
 * verifier/command/reconcile_say.c: do log, rows and ledger agree, and if not,
 * where?
 *
 * From: verifier/command/reconcile.c, when everything is read.
 * To:   standard output; the exit status is 1 when anything differs.
 */
#include <inttypes.h>
#include <stdio.h>

#include "verifier/command/reconcile_state.h"

struct totals {
    uint64_t records, rows[TALLY_KINDS], missing, stray, twice;
    uint64_t spans; /* pieces of the ledger that differ from their rows */
};

static struct totals add_up(struct reconcile *r)
{
    struct totals all = {0};
    struct tally *t;
    int32_t p;
    int k;

    for (p = 0; p < r->c.partition_count; p++) {
        t = &r->tallies[p];
        tally_compare(t);
        all.records += t->record_count;
        all.missing += t->missing_count;
        all.stray += t->stray_count;
        all.twice += t->twice_count;
        all.spans += spans_differ(&r->spans[p]);
        for (k = 0; k < TALLY_KINDS; k++)
            all.rows[k] += t->row_count[k];
    }
    return all;
}

static bool agree(const struct reconcile *r, const struct totals *all)
{
    return all->missing == 0 && all->stray == 0 && all->twice == 0 &&
           all->spans == 0 && r->twins == 0 && r->ledger_faults == 0;
}

/* ---- for people ---- */

static void print_examples(const struct reconcile *r, const char *what,
                           const int64_t *offsets, uint64_t count, int32_t p)
{
    uint64_t i;

    for (i = 0; i < count && i < TALLY_EXAMPLES; i++)
        printf("  %-10s %d-%d-%" PRId64 "\n", what, r->c.log, p, offsets[i]);
}

static void print_span(const struct reconcile *r, int32_t p,
                       const struct span *s)
{
    static const char *const kinds[TALLY_KINDS] = {"verified", "rejected",
                                                   "duplicates", "quarantined"};
    int k;

    printf("  ledger     %d-%d-%" PRId64 " to %" PRId64 ", rows less ledger:",
           r->c.log, p, s->from, s->to);
    for (k = 0; k < TALLY_KINDS; k++)
        if (s->apart[k] != 0)
            printf(" %+" PRId64 " %s", s->apart[k], kinds[k]);
    printf("\n");
}

static void print_spans(const struct reconcile *r, int32_t p)
{
    const struct spans *s = &r->spans[p];
    size_t i, printed = 0;

    for (i = 0; i < s->count && printed < TALLY_EXAMPLES; i++) {
        if (span_agrees(&s->all[i]))
            continue;
        print_span(r, p, &s->all[i]);
        printed++;
    }
    if (s->outside > 0)
        printf("  no ledger  %d-%d-%" PRId64 "\n", r->c.log, p,
               s->first_outside);
}

static void print_offenders(const struct reconcile *r)
{
    const struct tally *t;
    int32_t p;

    for (p = 0; p < r->c.partition_count; p++) {
        t = &r->tallies[p];
        print_examples(r, "no row", t->missing, t->missing_count, p);
        print_examples(r, "no record", t->stray, t->stray_count, p);
        print_examples(r, "two rows", t->twice, t->twice_count, p);
        print_spans(r, p);
    }
    if (r->twins > 0)
        printf("  two rows   transaction %s\n", r->first_twin);
    if (r->ledger_faults > 0)
        printf("  hole       %d-%d-%" PRId64 "\n", r->first_hole.log,
               r->first_hole.partition, r->first_hole.offset);
}

static void print_text(const struct reconcile *r, const struct totals *all)
{
    printf("records in the log   %" PRIu64 "\n", all->records);
    printf("rows                 %" PRIu64 "  (%" PRIu64 " verified, %" PRIu64
           " rejected, %" PRIu64 " duplicates, %" PRIu64 " quarantined)\n",
           all->rows[0] + all->rows[1] + all->rows[2] + all->rows[3],
           all->rows[0], all->rows[1], all->rows[2], all->rows[3]);
    printf("ledger               %s, %s\n",
           r->ledger_faults == 0 ? "without a hole" : "HAS HOLES",
           all->spans == 0 ? "its counts are the rows'"
                           : "ITS COUNTS ARE NOT THE ROWS'");
    printf("waiting              %" PRIu64 " to be judged, %" PRIu64
           " to be announced\n",
           reconcile_waiting(r), reconcile_unannounced(r));
    if (agree(r, all)) {
        printf("agrees: every record has exactly one row\n");
        return;
    }
    printf("DIFFERS: %" PRIu64 " records without a row, %" PRIu64
           " rows without a record, %" PRIu64 " records with two rows, %" PRIu64
           " transactions with two rows\n",
           all->missing, all->stray, all->twice, r->twins);
    print_offenders(r);
}

/* ---- for programs ---- */

typedef const int64_t *(*examples_fn)(const struct tally *t, uint64_t *out);

static const int64_t *missing(const struct tally *t, uint64_t *out_count)
{
    *out_count = t->missing_count;
    return t->missing;
}

static const int64_t *stray(const struct tally *t, uint64_t *out_count)
{
    *out_count = t->stray_count;
    return t->stray;
}

static const int64_t *twice(const struct tally *t, uint64_t *out_count)
{
    *out_count = t->twice_count;
    return t->twice;
}

/* "first_missing":["1-0-7"], at most TALLY_EXAMPLES over all partitions. */
static void print_first(const struct reconcile *r, const char *name,
                        examples_fn examples)
{
    size_t printed = 0;
    int32_t p;

    printf(",\"%s\":[", name);
    for (p = 0; p < r->c.partition_count; p++) {
        uint64_t i, count;
        const int64_t *offsets = examples(&r->tallies[p], &count);

        for (i = 0; i < count && i < TALLY_EXAMPLES; i++)
            if (printed++ < TALLY_EXAMPLES)
                printf("%s\"%d-%d-%" PRId64 "\"", printed > 1 ? "," : "",
                       r->c.log, p, offsets[i]);
    }
    printf("]");
}

static void print_json(const struct reconcile *r, const struct totals *all)
{
    printf("{\"agrees\":%s,\"log\":%d,\"records\":%" PRIu64
           ",\"verified\":%" PRIu64 ",\"rejected\":%" PRIu64
           ",\"duplicates\":%" PRIu64 ",\"quarantined\":%" PRIu64
           ",\"missing\":%" PRIu64 ",\"stray\":%" PRIu64 ",\"twice\":%" PRIu64
           ",\"twins\":%" PRIu64 ",\"ledger_faults\":%" PRIu64
           ",\"ledger_counts_agree\":%s,\"waiting\":%" PRIu64
           ",\"unannounced\":%" PRIu64,
           agree(r, all) ? "true" : "false", r->c.log, all->records,
           all->rows[0], all->rows[1], all->rows[2], all->rows[3], all->missing,
           all->stray, all->twice, r->twins, r->ledger_faults,
           all->spans == 0 ? "true" : "false", reconcile_waiting(r),
           reconcile_unannounced(r));
    print_first(r, "first_missing", missing);
    print_first(r, "first_stray", stray);
    print_first(r, "first_twice", twice);
    printf("}\n");
}

int reconcile_say(struct reconcile *r)
{
    struct totals all = add_up(r);

    (r->json ? print_json : print_text)(r, &all);
    return agree(r, &all) ? COMMAND_OK : COMMAND_DIFFERS;
}
