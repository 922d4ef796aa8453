/*
 * producer/recent.c: a hash table of entries, and two lists ordered by age.
 *
 * The key is a SHA-256, so its first bytes are the bucket.
 *
 * From: producer/submit.c.
 * To:   nobody: it answers.
 */
#include "producer/recent.h"

#include <stdlib.h>
#include <string.h>

struct list {
    struct recent_entry *oldest, *newest;
    size_t count;
};

struct recent {
    size_t started_max, finished_max;
    int64_t keep_ms;
    struct list started, finished;
    struct recent_entry **buckets;
    size_t bucket_count; /* a power of two */
};

static void list_add(struct list *l, struct recent_entry *e)
{
    e->newer = NULL;
    e->older = l->newest;
    if (l->newest != NULL)
        l->newest->newer = e;
    else
        l->oldest = e;
    l->newest = e;
    l->count++;
}

static void list_remove(struct list *l, struct recent_entry *e)
{
    if (e->older != NULL)
        e->older->newer = e->newer;
    else
        l->oldest = e->newer;
    if (e->newer != NULL)
        e->newer->older = e->older;
    else
        l->newest = e->older;
    l->count--;
}

static struct recent_entry **bucket_of(struct recent *r, const uint8_t *key)
{
    uint64_t first;

    memcpy(&first, key, sizeof(first));
    return &r->buckets[first & (r->bucket_count - 1)];
}

void recent_open(size_t started_max, size_t finished_max, int64_t keep_ms,
                 struct recent **out)
{
    struct recent *r = calloc(1, sizeof(*r));

    CHECK(r != NULL);
    r->started_max = started_max;
    r->finished_max = finished_max;
    r->keep_ms = keep_ms;
    r->bucket_count = 1024;
    while (r->bucket_count < started_max + finished_max)
        r->bucket_count *= 2;
    r->buckets = calloc(r->bucket_count, sizeof(r->buckets[0]));
    CHECK(r->buckets != NULL);
    *out = r;
}

/* Out of its bucket and its list, and freed. */
static void drop(struct recent *r, struct recent_entry *e)
{
    struct recent_entry **at = bucket_of(r, e->key);

    CHECK(e->waiters == NULL);
    while (*at != e)
        at = &(*at)->in_bucket;
    *at = e->in_bucket;
    list_remove(e->finished ? &r->finished : &r->started, e);
    free(e);
}

void recent_close(struct recent *r)
{
    if (r == NULL)
        return;
    while (r->started.oldest != NULL)
        drop(r, r->started.oldest);
    while (r->finished.oldest != NULL)
        drop(r, r->finished.oldest);
    free(r->buckets);
    free(r);
}

struct recent_entry *recent_find(struct recent *r, const uint8_t key[32],
                                 int64_t now_ms)
{
    struct recent_entry *e = *bucket_of(r, key);

    while (e != NULL && memcmp(e->key, key, 32) != 0)
        e = e->in_bucket;
    if (e != NULL && e->finished && now_ms - e->started_ms > r->keep_ms) {
        drop(r, e);
        return NULL;
    }
    return e;
}

struct recent_entry *recent_start(struct recent *r, const uint8_t key[32],
                                  int64_t now_ms)
{
    struct recent_entry **bucket = bucket_of(r, key);
    struct recent_entry *e;

    if (r->started.count >= r->started_max)
        return NULL;
    e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    memcpy(e->key, key, 32);
    e->started_ms = now_ms;
    e->in_bucket = *bucket;
    *bucket = e;
    list_add(&r->started, e);
    return e;
}

void recent_finish(struct recent *r, struct recent_entry *e, int64_t now_ms)
{
    CHECK(!e->finished);
    list_remove(&r->started, e);
    e->finished = true;
    e->started_ms = now_ms;
    list_add(&r->finished, e);
    while (r->finished.count > r->finished_max ||
           (r->finished.oldest != NULL &&
            now_ms - r->finished.oldest->started_ms > r->keep_ms))
        drop(r, r->finished.oldest);
}

void recent_forget(struct recent *r, struct recent_entry *e)
{
    CHECK(!e->finished);
    drop(r, e);
}

struct recent_entry *recent_oldest(const struct recent *r)
{
    return r->started.oldest;
}

struct recent_entry *recent_next(const struct recent_entry *e)
{
    return e->newer;
}

size_t recent_under_way(const struct recent *r)
{
    return r->started.count;
}
