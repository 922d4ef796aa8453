/*
 * verifier/ledger_plan.c: sorts a batch and follows each record to its table.
 *
 * From: verifier/ledger_write.c, answer by answer.
 * To:   verifier/ledger_columns.c, which turns fates into rows.
 */
#include "verifier/ledger_plan.h"

#include <stdlib.h>
#include <string.h>

#include "verifier/judge.h"

void ledger_plan_fini(struct ledger_plan *p)
{
    free(p->fates);
    free(p->leaders);
    memset(p, 0, sizeof(*p));
}

static void make_room(struct ledger_plan *p, size_t count)
{
    if (count <= p->capacity)
        return;
    p->fates = realloc(p->fates, count * sizeof(*p->fates));
    p->leaders = realloc(p->leaders, count * sizeof(*p->leaders));
    CHECK(p->fates != NULL && p->leaders != NULL);
    p->capacity = count;
}

static int compare_transaction(const struct ledger_record *a,
                               const uint8_t hash[32], int64_t chain)
{
    int order = memcmp(a->verdict->tx.id, hash, 32);

    if (order != 0)
        return order;
    return (a->chain->number > chain) - (a->chain->number < chain);
}

/* By transaction, then by place in the batch: the first stays the first. */
static int compare_leaders(const void *a, const void *b, void *arg)
{
    const struct ledger_record *records = arg;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    int order = compare_transaction(&records[i], records[j].verdict->tx.id,
                                    records[j].chain->number);

    return order != 0 ? order : (i > j) - (i < j);
}

/* Keeps the first of each transaction; the others become its repeats. */
static void pick_leaders(struct ledger_plan *p, size_t candidates)
{
    const struct ledger_record *r = p->batch->records;
    size_t i, kept = 0;

    for (i = 0; i < candidates; i++) {
        uint32_t here = p->leaders[i];
        uint32_t first = kept == 0 ? here : p->leaders[kept - 1];

        if (kept > 0 && compare_transaction(&r[here], r[first].verdict->tx.id,
                                            r[first].chain->number) == 0) {
            p->fates[here].kind = FATE_REPEAT;
            p->fates[here].leader = first;
        } else {
            p->leaders[kept++] = here;
        }
    }
    p->leader_count = kept;
}

static void check_sorted(const struct ledger_record *r, size_t i)
{
    CHECK(i == 0 || r[i - 1].partition < r[i].partition ||
          (r[i - 1].partition == r[i].partition &&
           r[i - 1].offset < r[i].offset));
}

void ledger_plan_start(struct ledger_plan *p, int log,
                       const struct ledger_batch *b)
{
    size_t i, candidates = 0;

    CHECK(b->count <= LEDGER_RECORDS_MAX);
    make_room(p, b->count);
    p->log = log;
    p->batch = b;
    p->present = p->duplicates = p->rejected = p->quarantined = 0;
    for (i = 0; i < b->count; i++) {
        const struct ledger_record *r = &b->records[i];

        check_sorted(b->records, i);
        memset(&p->fates[i], 0, sizeof(p->fates[i]));
        if (r->quarantine_sqlstate != NULL) {
            p->fates[i].kind = FATE_QUARANTINED;
        } else if (!r->verdict->verified) {
            p->fates[i].kind = FATE_REJECTED;
        } else {
            p->fates[i].kind = FATE_OFFERED;
            p->leaders[candidates++] = (uint32_t)i;
        }
    }
    if (candidates > 0)
        qsort_r(p->leaders, candidates, sizeof(*p->leaders), compare_leaders,
                b->records);
    pick_leaders(p, candidates);
}

size_t ledger_plan_offered(const struct ledger_plan *p)
{
    size_t i, count = 0;

    for (i = 0; i < p->leader_count; i++)
        count += p->fates[p->leaders[i]].kind == FATE_OFFERED;
    return count;
}

void ledger_plan_inserted(struct ledger_plan *p)
{
    size_t i;

    for (i = 0; i < p->leader_count; i++)
        if (p->fates[p->leaders[i]].kind == FATE_OFFERED)
            p->fates[p->leaders[i]].kind = FATE_PRESENT;
}

void ledger_plan_found(struct ledger_plan *p, const uint8_t hash[32],
                       int64_t chain, struct record_id of)
{
    const struct ledger_record *r = p->batch->records;
    size_t low = 0, high = p->leader_count;
    struct fate *f;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (compare_transaction(&r[p->leaders[mid]], hash, chain) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == p->leader_count ||
        compare_transaction(&r[p->leaders[low]], hash, chain) != 0)
        return;
    f = &p->fates[p->leaders[low]];
    r += p->leaders[low];
    if (f->kind != FATE_OFFERED)
        return;
    f->of = of;
    f->kind = of.log == p->log && of.partition == r->partition &&
                      of.offset == r->offset
                  ? FATE_PRESENT
                  : FATE_DUPLICATE;
}

static void settle_repeat(struct ledger_plan *p, struct fate *f)
{
    const struct fate *leader = &p->fates[f->leader];
    const struct ledger_record *r = &p->batch->records[f->leader];

    f->kind = FATE_DUPLICATE;
    if (leader->kind == FATE_DUPLICATE)
        f->of = leader->of;
    else
        f->of = (struct record_id){p->log, r->partition, r->offset};
}

void ledger_plan_settle(struct ledger_plan *p)
{
    size_t i;

    p->present = p->duplicates = p->rejected = p->quarantined = 0;
    for (i = 0; i < p->batch->count; i++) {
        struct fate *f = &p->fates[i];

        if (f->kind == FATE_REPEAT)
            settle_repeat(p, f);
        p->present += f->kind == FATE_PRESENT;
        p->duplicates += f->kind == FATE_DUPLICATE;
        p->rejected += f->kind == FATE_REJECTED;
        p->quarantined += f->kind == FATE_QUARANTINED;
    }
}

void ledger_plan_report(const struct ledger_plan *p,
                        struct ledger_record *records)
{
    size_t i;

    for (i = 0; i < p->batch->count; i++) {
        switch (p->fates[i].kind) {
        case FATE_PRESENT:
            records[i].out_kind = LEDGER_VERIFIED;
            break;
        case FATE_DUPLICATE:
            records[i].out_kind = LEDGER_DUPLICATE;
            records[i].out_of = p->fates[i].of;
            break;
        case FATE_REJECTED:
            records[i].out_kind = LEDGER_REJECTED;
            break;
        case FATE_QUARANTINED:
            records[i].out_kind = LEDGER_QUARANTINED;
            break;
        case FATE_OFFERED:
        case FATE_REPEAT:
            check_failed(__FILE__, __LINE__, "settled");
        }
    }
}
