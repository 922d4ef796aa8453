/*
 * verifier/ledger_leaves.h: the leaf list as one connection last read it.
 *
 * Thread: one at a time. Pure.
 */
#ifndef VERIFIER_LEDGER_LEAVES_H
#define VERIFIER_LEDGER_LEAVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/base/bytes.h"

struct leaf_known {
    int leaf;
    int64_t to_at; /* when it was sealed, ms; of sealed ones */
    uint8_t seal[16];
};

/* Zero-filled is empty. */
struct ledger_leaves {
    int live;                  /* 0: unknown */
    struct leaf_known *sealed; /* newest first once sorted */
    size_t count, capacity;
};

void ledger_leaves_fini(struct ledger_leaves *l);
/* Forgets all; keeps the memory. */
void ledger_leaves_clear(struct ledger_leaves *l);
void ledger_leaves_add(struct ledger_leaves *l, int leaf, struct bytes seal,
                       int64_t to_at);
/* Newest first. After the last add. */
void ledger_leaves_sort(struct ledger_leaves *l);

/*
 * How many of the sealed leaves, from the newest on, may hold a transaction
 * accepted after `since_ms`.
 */
size_t ledger_leaves_within(const struct ledger_leaves *l, int64_t since_ms);

/* Leaves that are asked in one statement. */
#define LEDGER_LEAVES_ASKED 16

/*
 * The next group of the first `count` sealed leaves, from `at` on: those that
 * share leaf / LEDGER_LEAVES_ASKED, so that the text for old leaves stays the
 * same when new ones are sealed. Writes their numbers; returns how many.
 */
size_t ledger_leaves_group(const struct ledger_leaves *l, size_t at,
                           size_t count, int out[LEDGER_LEAVES_ASKED]);

#endif
