/*
 * deploy/ctl/hashes.c: open addressing; a transaction's hash is already one.
 *
 * From: tx demo, bench.
 * To:   their lists of transactions.
 */
#include "deploy/ctl/hashes.h"

#include <stdlib.h>
#include <string.h>

#include "schemas/base/bytes.h"
#include "schemas/base/check.h"

struct entry {
    uint8_t hash[32];
    uint32_t index;
    uint32_t used;
};

struct hashes {
    size_t mask, count, count_max;
    struct entry *entries;
};

struct hashes *hashes_open(size_t count_max)
{
    struct hashes *h = calloc(1, sizeof(*h));
    size_t room = 16;

    CHECK(h != NULL);
    while (room < count_max * 3 / 2)
        room *= 2;
    h->mask = room - 1;
    h->count_max = count_max;
    h->entries = calloc(room, sizeof(*h->entries));
    CHECK(h->entries != NULL);
    return h;
}

void hashes_close(struct hashes *h)
{
    if (h == NULL)
        return;
    free(h->entries);
    free(h);
}

/* Its entry, or the free one where it would go. */
static struct entry *seek(const struct hashes *h, const uint8_t hash[32])
{
    size_t i = (size_t)bytes_get_be64(hash) & h->mask;

    while (h->entries[i].used != 0 && memcmp(h->entries[i].hash, hash, 32) != 0)
        i = (i + 1) & h->mask;
    return &h->entries[i];
}

void hashes_add(struct hashes *h, const uint8_t hash[32], uint32_t index)
{
    struct entry *e = seek(h, hash);

    if (e->used != 0)
        return;
    CHECK(h->count++ < h->count_max);
    memcpy(e->hash, hash, 32);
    e->index = index;
    e->used = 1;
}

int64_t hashes_find(const struct hashes *h, const uint8_t hash[32])
{
    const struct entry *e = seek(h, hash);

    return e->used != 0 ? (int64_t)e->index : -1;
}
