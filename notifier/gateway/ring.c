/*
 * notifier/gateway/ring.c: the last results of one partition, in memory.
 *
 *   from          entries, oldest to newest            next
 *    |  [88001]  [88002]  (no result)  [88004] ...      |
 *
 * One allocation per entry: its fields, then a copy of their bytes. The entries
 * stand in a circle that doubles as it fills; a table by record id and type,
 * twice as large, knows repeats.
 *
 * From: notifier/gateway/intake.c, result by result.
 * To:   notifier/gateway/catchup.c, for a client that was away.
 */
#include "notifier/gateway/ring.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64
/* What an entry costs beside its text, towards bytes_max. */
#define ENTRY_BYTES (sizeof(struct entry) + 32)

struct entry {
    struct run_event event; /* its bytes point into `text` */
    size_t bytes;           /* what it counts for */
    uint8_t text[];
};

struct ring {
    struct entry **entries; /* a circle of `capacity` */
    struct entry **table;   /* open addressing, 2 * capacity slots */
    size_t capacity;        /* a power of two */
    size_t first;           /* place of the oldest */
    size_t count;
    size_t bytes;
    size_t count_max;
    size_t bytes_max;
    int64_t from;
    int64_t next;
};

static void grow(struct ring *r);
static void evict(struct ring *r);
static struct entry *entry_new(const struct run_event *e);
static struct bytes entry_keep(struct entry *n, size_t *used, struct bytes b);
static struct entry *entry_at(const struct ring *r, size_t i);
static size_t table_home(const struct ring *r, const struct run_event *e);
static size_t table_slot(const struct ring *r, const struct run_event *e);
static void table_remove(struct ring *r, const struct run_event *e);
static bool same_result(const struct run_event *a, const struct run_event *b);

struct ring *ring_open(size_t count_max, size_t bytes_max, int64_t next)
{
    struct ring *r = calloc(1, sizeof(*r));

    CHECK(r != NULL && count_max > 0);
    r->count_max = count_max;
    r->bytes_max = bytes_max;
    r->from = next;
    r->next = next;
    return r;
}

void ring_close(struct ring *r)
{
    if (r == NULL)
        return;
    ring_reset(r, 0);
    free(r->entries);
    free(r->table);
    free(r);
}

int64_t ring_from(const struct ring *r)
{
    return r->from;
}

int64_t ring_next(const struct ring *r)
{
    return r->next;
}

size_t ring_count(const struct ring *r)
{
    return r->count;
}

void ring_reset(struct ring *r, int64_t next)
{
    while (r->count > 0)
        evict(r);
    r->from = next;
    r->next = next;
}

void ring_cover(struct ring *r, int64_t from, int64_t to)
{
    CHECK(from <= to);
    if (from > r->next)
        ring_reset(r, from);
    if (to > r->next)
        r->next = to;
}

bool ring_add(struct ring *r, const struct run_event *e)
{
    struct entry *n;

    CHECK(e->offset >= r->next);
    r->next = e->offset + 1;
    if (r->count > 0 && r->table[table_slot(r, e)] != NULL)
        return false;

    n = entry_new(e);
    while (r->count > 0 &&
           (r->count == r->count_max || r->bytes + n->bytes > r->bytes_max))
        evict(r);
    if (r->count == r->capacity)
        grow(r);
    r->entries[(r->first + r->count) & (r->capacity - 1)] = n;
    r->table[table_slot(r, &n->event)] = n;
    r->count++;
    r->bytes += n->bytes;
    return true;
}

bool ring_find(const struct ring *r, int64_t offset,
               struct run_event *out_event)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (entry_at(r, middle)->event.offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == r->count)
        return false;
    *out_event = entry_at(r, low)->event;
    return true;
}

bool ring_recent(const struct ring *r, size_t back, struct run_event *out_event)
{
    if (back >= r->count)
        return false;
    *out_event = entry_at(r, r->count - 1 - back)->event;
    return true;
}

static void grow(struct ring *r)
{
    size_t capacity = r->capacity == 0 ? FIRST_CAPACITY : 2 * r->capacity;
    struct entry **entries = calloc(capacity, sizeof(*entries));
    struct entry **table = calloc(2 * capacity, sizeof(*table));

    CHECK(entries != NULL && table != NULL);
    for (size_t i = 0; i < r->count; i++)
        entries[i] = entry_at(r, i);
    free(r->entries);
    free(r->table);
    r->entries = entries;
    r->table = table;
    r->capacity = capacity;
    r->first = 0;
    for (size_t i = 0; i < r->count; i++)
        r->table[table_slot(r, &entries[i]->event)] = entries[i];
}

/* Drops the oldest: from now on the ring knows only what comes after it. */
static void evict(struct ring *r)
{
    struct entry *n = entry_at(r, 0);

    table_remove(r, &n->event);
    r->from = n->event.offset + 1;
    r->bytes -= n->bytes;
    r->first = (r->first + 1) & (r->capacity - 1);
    r->count--;
    free(n);
}

static struct entry *entry_new(const struct run_event *e)
{
    size_t text = e->json.count + e->chain.count + e->hash.count +
                  e->sender.count + e->recipient.count;
    struct entry *n = malloc(sizeof(*n) + text);
    size_t used = 0;

    CHECK(n != NULL);
    n->event = *e;
    n->event.json = entry_keep(n, &used, e->json);
    n->event.chain = entry_keep(n, &used, e->chain);
    n->event.hash = entry_keep(n, &used, e->hash);
    n->event.sender = entry_keep(n, &used, e->sender);
    n->event.recipient = entry_keep(n, &used, e->recipient);
    n->bytes = ENTRY_BYTES + text;
    return n;
}

static struct bytes entry_keep(struct entry *n, size_t *used, struct bytes b)
{
    uint8_t *at = n->text + *used;

    if (b.data == NULL)
        return b;
    memcpy(at, b.data, b.count);
    *used += b.count;
    return bytes_of(at, b.count);
}

static struct entry *entry_at(const struct ring *r, size_t i)
{
    return r->entries[(r->first + i) & (r->capacity - 1)];
}

static size_t table_home(const struct ring *r, const struct run_event *e)
{
    uint64_t h = (uint64_t)e->id.offset * 4 + (uint64_t)e->type;

    h += (uint64_t)(uint32_t)e->id.log << 32;
    h ^= (uint64_t)(uint32_t)e->id.partition << 48;
    h *= 0x9e3779b97f4a7c15ull;
    return (size_t)(h >> 32) & (2 * r->capacity - 1);
}

/* The slot that holds the same result, or the free one where it belongs. */
static size_t table_slot(const struct ring *r, const struct run_event *e)
{
    size_t mask = 2 * r->capacity - 1;
    size_t slot = table_home(r, e);

    while (r->table[slot] != NULL && !same_result(&r->table[slot]->event, e))
        slot = (slot + 1) & mask;
    return slot;
}

/* Takes it out, and moves up whoever was pushed past the slot. */
static void table_remove(struct ring *r, const struct run_event *e)
{
    size_t mask = 2 * r->capacity - 1;
    size_t hole = table_slot(r, e);

    CHECK(r->table[hole] != NULL);
    for (size_t slot = (hole + 1) & mask; r->table[slot] != NULL;
         slot = (slot + 1) & mask) {
        size_t home = table_home(r, &r->table[slot]->event);

        if (((slot - home) & mask) < ((slot - hole) & mask))
            continue;
        r->table[hole] = r->table[slot];
        hole = slot;
    }
    r->table[hole] = NULL;
}

static bool same_result(const struct run_event *a, const struct run_event *b)
{
    return a->id.offset == b->id.offset && a->type == b->type &&
           a->id.partition == b->id.partition && a->id.log == b->id.log;
}
