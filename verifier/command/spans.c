/*
 * verifier/command/spans.c: appended in order, found by halving.
 *
 * From: verifier/command/reconcile.c, with ledger ranges and then rows.
 * To:   the same, with what differs.
 */
#include "verifier/command/spans.h"

#include <stdlib.h>

#include "schemas/base/check.h"

void spans_fini(struct spans *s)
{
    free(s->all);
    *s = (struct spans){0};
}

static struct span *append(struct spans *s, int64_t from, bool replayed)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity == 0 ? 16 : 2 * s->capacity;
        s->all = realloc(s->all, s->capacity * sizeof(*s->all));
        CHECK(s->all != NULL);
    }
    s->all[s->count] =
        (struct span){.from = from, .to = from, .replayed = replayed};
    return &s->all[s->count++];
}

void spans_range(struct spans *s, int64_t from, int64_t to,
                 const int64_t counts[TALLY_KINDS], bool replayed)
{
    struct span *p = s->count == 0 ? NULL : &s->all[s->count - 1];
    int k;

    if (p == NULL || p->replayed != replayed || p->to != from ||
        p->records >= SPAN_RECORDS)
        p = append(s, from, replayed);
    p->to = to;
    for (k = 0; k < TALLY_KINDS; k++) {
        p->apart[k] -= counts[k];
        p->records += counts[k];
    }
}

/* The last span that begins at or below the offset. */
static struct span *find(struct spans *s, int64_t offset)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (s->all[mid].from <= offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low == 0 || s->all[low - 1].to <= offset ? NULL : &s->all[low - 1];
}

void spans_row(struct spans *s, int kind, int64_t offset)
{
    struct span *p = find(s, offset);

    CHECK(kind >= 0 && kind < TALLY_KINDS);
    if (p != NULL)
        p->apart[kind]++;
    else if (s->outside++ == 0)
        s->first_outside = offset;
}

bool span_agrees(const struct span *p)
{
    int64_t all = 0;
    bool each = true;
    int k;

    for (k = 0; k < TALLY_KINDS; k++) {
        all += p->apart[k];
        each = each && p->apart[k] == 0;
    }
    return p->replayed ? all == 0 : each;
}

uint64_t spans_differ(const struct spans *s)
{
    uint64_t count = s->outside;
    size_t i;

    for (i = 0; i < s->count; i++)
        count += !span_agrees(&s->all[i]);
    return count;
}
