/*
 * verifier/pool.c: a queue, N threads, a finished list.
 *
 * Both lists are singly linked through the works themselves and guarded by one
 * mutex each, held for a few instructions. The threads touch only the judged
 * fields of a work, and only between taking and giving it back.
 *
 * From: verifier/pipeline.c, as records arrive.
 * To:   verifier/judge.c on a thread, then verifier/pipeline.c on the loop.
 */
#include "verifier/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "schemas/base/fail.h"

#define TAKE_MAX 32 /* works a thread takes at a time */

struct list {
    struct work *first;
    struct work **last; /* where the next one is linked */
    size_t count;
};

struct pool {
    struct pool_options o;
    struct chain chain; /* of records without a header */
    int rules;
    struct loop_wake *wake;
    struct loop_hook *hook;
    struct list added; /* loop thread only: this turn's */
    size_t count;      /* loop thread only */

    pthread_mutex_t queue_lock;
    pthread_cond_t queue_filled;
    struct list queue;
    bool stopping;

    pthread_mutex_t finished_lock;
    struct list finished;

    int thread_count;
    pthread_t threads[];
};

static void list_init(struct list *l)
{
    *l = (struct list){.last = &l->first};
}

static void list_append(struct list *l, struct work *w)
{
    w->next = NULL;
    *l->last = w;
    l->last = &w->next;
    l->count++;
}

/* Moves all of `from` behind `to`. */
static void list_move(struct list *to, struct list *from)
{
    if (from->count == 0)
        return;
    *to->last = from->first;
    to->last = from->last;
    to->count += from->count;
    list_init(from);
}

/* Takes up to `count` from the front. */
static struct list list_take(struct list *l, size_t count)
{
    struct list taken;
    struct work *w;

    list_init(&taken);
    while (count-- > 0 && l->first != NULL) {
        w = l->first;
        l->first = w->next;
        l->count--;
        list_append(&taken, w);
    }
    if (l->first == NULL)
        list_init(l);
    return taken;
}

static void judge_one(const struct pool *p, struct work *w)
{
    w->header = record_header_parse(w->record.header, &w->chain, &w->rules);
    if (w->header == RECORD_HEADER_NEWER)
        return;
    if (w->header == RECORD_HEADER_FOREIGN) {
        w->chain = p->chain;
        w->rules = p->rules;
    }
    judge_payload(p->o.judge, &w->chain, w->rules, w->record.value,
                  &w->verdict);
}

/* Takes a share of the queue, waiting for one. False: the pool ends. */
static bool wait_for_share(struct pool *p, struct list *out)
{
    size_t share;

    pthread_mutex_lock(&p->queue_lock);
    while (p->queue.count == 0 && !p->stopping)
        pthread_cond_wait(&p->queue_filled, &p->queue_lock);
    if (p->stopping) {
        pthread_mutex_unlock(&p->queue_lock);
        return false;
    }
    share = 1 + p->queue.count / (size_t)(2 * p->thread_count);
    *out = list_take(&p->queue, share < TAKE_MAX ? share : TAKE_MAX);
    pthread_mutex_unlock(&p->queue_lock);
    return true;
}

static void give_back(struct pool *p, struct list *done)
{
    bool first;

    pthread_mutex_lock(&p->finished_lock);
    first = p->finished.count == 0;
    list_move(&p->finished, done);
    pthread_mutex_unlock(&p->finished_lock);
    if (first)
        loop_wake(p->wake);
}

static void *run(void *arg)
{
    struct pool *p = arg;
    struct list share;
    struct work *w;

    while (wait_for_share(p, &share)) {
        for (w = share.first; w != NULL; w = w->next)
            judge_one(p, w);
        give_back(p, &share);
    }
    return NULL;
}

/* End of a turn: this turn's works go to the threads. */
static void hand_over(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->queue_lock);
    list_move(&p->queue, &p->added);
    pthread_cond_broadcast(&p->queue_filled);
    pthread_mutex_unlock(&p->queue_lock);
}

static void woken(void *arg)
{
    struct pool *p = arg;
    struct list done;
    struct work *w;

    list_init(&done);
    pthread_mutex_lock(&p->finished_lock);
    list_move(&done, &p->finished);
    pthread_mutex_unlock(&p->finished_lock);
    while ((w = done.first) != NULL) {
        done.first = w->next;
        p->count--;
        p->o.judged(p->o.arg, w);
    }
    p->o.turn_end(p->o.arg);
}

int pool_open(const struct pool_options *o, struct pool **out)
{
    struct pool *p;

    CHECK(o->threads > 0);
    p = calloc(1, sizeof(*p) + (size_t)o->threads * sizeof(pthread_t));
    CHECK(p != NULL);
    p->o = *o;
    list_init(&p->added);
    list_init(&p->queue);
    list_init(&p->finished);
    pthread_mutex_init(&p->queue_lock, NULL);
    pthread_mutex_init(&p->finished_lock, NULL);
    pthread_cond_init(&p->queue_filled, NULL);
    p->wake = loop_wake_open(o->loop, "pool.judged", woken, p);
    p->hook = loop_hook_open(o->loop, "pool.hand_over", hand_over, p);
    while (p->thread_count < o->threads) {
        if (pthread_create(&p->threads[p->thread_count], NULL, run, p) != 0) {
            pool_close(p);
            return FAIL_SYSTEM;
        }
        p->thread_count++;
    }
    *out = p;
    return 0;
}

void pool_defaults(struct pool *p, const struct chain *chain, int rules)
{
    CHECK(p->count == 0);
    p->chain = *chain;
    p->rules = rules;
}

void pool_add(struct pool *p, struct work *w)
{
    CHECK(p->rules > 0);
    w->holders |= WORK_HELD_BY_POOL;
    list_append(&p->added, w);
    p->count++;
    loop_hook_arm(p->hook);
}

size_t pool_count(const struct pool *p)
{
    return p->count;
}

static void drop_all(struct list *l)
{
    struct work *w;

    while ((w = l->first) != NULL) {
        l->first = w->next;
        work_drop(w, WORK_HELD_BY_POOL);
    }
}

void pool_close(struct pool *p)
{
    int i;

    if (p == NULL)
        return;
    pthread_mutex_lock(&p->queue_lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->queue_filled);
    pthread_mutex_unlock(&p->queue_lock);
    for (i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    loop_wake_close(p->wake);
    loop_hook_close(p->hook);
    drop_all(&p->added);
    drop_all(&p->queue);
    drop_all(&p->finished);
    pthread_cond_destroy(&p->queue_filled);
    pthread_mutex_destroy(&p->finished_lock);
    pthread_mutex_destroy(&p->queue_lock);
    free(p);
}
