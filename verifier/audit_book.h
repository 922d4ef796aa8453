/*
 * verifier/audit_book.h: what the auditor found in each leaf, and what it comes
 * to.
 *
 *      leaf       4 sealed   5 sealed   6 live
 *      exact             0          0        0    no replay ever touched these
 *      replayed         -3          0       +3    rows less ledger, where one
 * did sum                 0: what leaf 4 lost was written again into leaf 6
 *
 * Partitions without a replay are compared kind by kind in every leaf. Where
 * there was one, a row may lie in a later leaf than its ledger: then only the
 * sum over all leaves says whether one is missing, and not before every leaf
 * was visited once.
 *
 * Pure. Thread: one at a time. Memory: AUDIT_LEAVES_MAX entries.
 */
#ifndef VERIFIER_AUDIT_BOOK_H
#define VERIFIER_AUDIT_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_LEAVES_MAX 2048 /* the newest; older ones are not visited */

struct audit_leaf {
    int leaf;
    int64_t visited;  /* the book's turn; 0: never */
    int64_t exact;    /* rows and ledger differ by so many, and chain breaks */
    int64_t replayed; /* rows less ledger, of partitions with a replay */
};

/* Zero-filled is an empty one. */
struct audit_book {
    struct audit_leaf leaves[AUDIT_LEAVES_MAX]; /* rising; the last is live */
    size_t count;
    int64_t turn; /* how many notes there were */
};

/*
 * These leaves are kept now, in rising order, the last one live. What was noted
 * about them stays, others are forgotten.
 */
void audit_book_list(struct audit_book *b, const int *leaves, size_t count);

/* The live leaf, and the sealed one that was visited longest ago; 0: none. */
int audit_book_live(const struct audit_book *b);
int audit_book_sealed(const struct audit_book *b);

/* What a visit found. A leaf that is not on the list is ignored. */
void audit_book_note(struct audit_book *b, int leaf, int64_t exact,
                     int64_t replayed);

/* By how many records rows and ledger differ, as far as is known. */
int64_t audit_book_difference(const struct audit_book *b);

#endif
