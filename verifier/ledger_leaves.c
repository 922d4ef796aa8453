/*
 * verifier/ledger_leaves.c: a list, newest first.
 *
 * From: verifier/ledger_read.c, which fills it with the positions.
 * To:   verifier/ledger_write.c and ledger_read.c, which ask these leaves.
 */
#include "verifier/ledger_leaves.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/check.h"

void ledger_leaves_fini(struct ledger_leaves *l)
{
    free(l->sealed);
    memset(l, 0, sizeof(*l));
}

void ledger_leaves_clear(struct ledger_leaves *l)
{
    l->live = 0;
    l->count = 0;
}

void ledger_leaves_add(struct ledger_leaves *l, int leaf, struct bytes seal,
                       int64_t to_at)
{
    struct leaf_known *k;

    if (l->count == l->capacity) {
        l->capacity = l->capacity == 0 ? 64 : l->capacity * 2;
        l->sealed = realloc(l->sealed, l->capacity * sizeof(*l->sealed));
        CHECK(l->sealed != NULL);
    }
    k = &l->sealed[l->count++];
    *k = (struct leaf_known){.leaf = leaf, .to_at = to_at};
    if (seal.count == sizeof(k->seal))
        memcpy(k->seal, seal.data, sizeof(k->seal));
}

static int newest_first(const void *a, const void *b)
{
    int x = ((const struct leaf_known *)a)->leaf;
    int y = ((const struct leaf_known *)b)->leaf;

    return (x < y) - (x > y);
}

void ledger_leaves_sort(struct ledger_leaves *l)
{
    if (l->count > 0)
        qsort(l->sealed, l->count, sizeof(*l->sealed), newest_first);
}

size_t ledger_leaves_within(const struct ledger_leaves *l, int64_t since_ms)
{
    size_t i = 0;

    while (i < l->count && l->sealed[i].to_at >= since_ms)
        i++;
    return i;
}

size_t ledger_leaves_group(const struct ledger_leaves *l, size_t at,
                           size_t count, int out[LEDGER_LEAVES_ASKED])
{
    size_t n = 0;

    while (at + n < count && n < LEDGER_LEAVES_ASKED &&
           l->sealed[at + n].leaf / LEDGER_LEAVES_ASKED ==
               l->sealed[at].leaf / LEDGER_LEAVES_ASKED) {
        out[n] = l->sealed[at + n].leaf;
        n++;
    }
    return n;
}
