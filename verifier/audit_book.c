/*
 * verifier/audit_book.c: one entry a leaf.
 *
 * A leaf that is sealed keeps what was noted while it was live: what a replay
 * wrote into it stays counted until it is visited again.
 *
 * From: verifier/audit.c.
 * To:   the same, with the sum for the gauge.
 */
#include "verifier/audit_book.h"

#include <string.h>

static struct audit_leaf *find(struct audit_book *b, int leaf)
{
    size_t i;

    for (i = 0; i < b->count; i++)
        if (b->leaves[i].leaf == leaf)
            return &b->leaves[i];
    return NULL;
}

void audit_book_list(struct audit_book *b, const int *leaves, size_t count)
{
    size_t skip = count > AUDIT_LEAVES_MAX ? count - AUDIT_LEAVES_MAX : 0;
    struct audit_leaf next[AUDIT_LEAVES_MAX];
    const struct audit_leaf *known;
    size_t i;

    for (i = skip; i < count; i++) {
        known = find(b, leaves[i]);
        next[i - skip] =
            known != NULL ? *known : (struct audit_leaf){.leaf = leaves[i]};
    }
    b->count = count - skip;
    memcpy(b->leaves, next, b->count * sizeof(next[0]));
}

int audit_book_live(const struct audit_book *b)
{
    return b->count == 0 ? 0 : b->leaves[b->count - 1].leaf;
}

int audit_book_sealed(const struct audit_book *b)
{
    const struct audit_leaf *oldest = NULL;
    size_t i;

    for (i = 0; i + 1 < b->count; i++)
        if (oldest == NULL || b->leaves[i].visited < oldest->visited)
            oldest = &b->leaves[i];
    return oldest == NULL ? 0 : oldest->leaf;
}

void audit_book_note(struct audit_book *b, int leaf, int64_t exact,
                     int64_t replayed)
{
    struct audit_leaf *l = find(b, leaf);

    if (l == NULL)
        return;
    l->visited = ++b->turn;
    l->exact = exact;
    l->replayed = replayed;
}

int64_t audit_book_difference(const struct audit_book *b)
{
    int64_t exact = 0, replayed = 0;
    bool all = true;
    size_t i;

    for (i = 0; i < b->count; i++) {
        exact += b->leaves[i].exact;
        replayed += b->leaves[i].replayed;
        all = all && b->leaves[i].visited > 0;
    }
    /* More rows than ledger are those of leaves that were dropped since. */
    return exact + (all && replayed < 0 ? -replayed : 0);
}
