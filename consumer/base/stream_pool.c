/*
 * consumer/base/stream_pool.c: what the streams of one loop share.
 *
 * Deadlines of streams that finish or connect are few and rough, so one timer
 * looks at all of them four times a second while there are any.
 *
 * From: consumer/base/stream.c and http_server.c, which hold it.
 * To:   consumer/base/stream.c, stream_flush() of each dirty stream.
 */
#include <signal.h>
#include <stdlib.h>

#include "consumer/base/stream_socket.h"

#define CLOCK_MS 250

/* The pools of this thread's loops: one, or two in a test. */
static _Thread_local struct stream_pool *pools;

static void flush_all(void *arg);
static void look_at_clock(void *arg);
static void ignore_pipe(void);

struct stream_pool *stream_pool_hold(struct loop *loop)
{
    struct stream_pool *p = pools;

    while (p != NULL && p->loop != loop)
        p = p->next;
    if (p == NULL) {
        p = calloc(1, sizeof(*p));
        CHECK(p != NULL);
        p->read_buffer = malloc(STREAM_READ_BYTES);
        CHECK(p->read_buffer != NULL);
        p->loop = loop;
        p->flush = loop_hook_open(loop, "stream.flush", flush_all, p);
        p->clock = loop_timer_open(loop, "stream.clock", look_at_clock, p);
        p->next = pools;
        pools = p;
        ignore_pipe();
    }
    p->holders++;
    return p;
}

void stream_pool_drop(struct stream_pool *p)
{
    struct stream_pool **at = &pools;

    CHECK(p->holders > 0);
    if (--p->holders > 0)
        return;
    CHECK(p->dirty == NULL && p->finishing == NULL);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    loop_hook_close(p->flush);
    loop_timer_close(p->clock);
    free(p->read_buffer);
    free(p);
}

/* A write to a socket that was reset is an error code, not a signal. */
static void ignore_pipe(void)
{
    struct sigaction now;

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static void flush_all(void *arg)
{
    struct stream_pool *p = arg;

    while (p->dirty != NULL)
        stream_flush(p->dirty);
}

void stream_deadline(struct stream *s, int ms)
{
    struct stream_pool *p = s->pool;

    s->finish_ms = ms;
    s->finish_by_ms = loop_now_ms(p->loop) + ms;
    s->finish_taken = stream_taken(s);
    if (s->finish_at != NULL)
        return;
    s->finish_next = p->finishing;
    if (s->finish_next != NULL)
        s->finish_next->finish_at = &s->finish_next;
    p->finishing = s;
    s->finish_at = &p->finishing;
    if (!loop_timer_running(p->clock))
        loop_timer_start(p->clock, CLOCK_MS, CLOCK_MS);
}

void stream_deadline_off(struct stream *s)
{
    if (s->finish_at == NULL)
        return;
    *s->finish_at = s->finish_next;
    if (s->finish_next != NULL)
        s->finish_next->finish_at = s->finish_at;
    s->finish_at = NULL;
    if (s->pool->finishing == NULL)
        loop_timer_stop(s->pool->clock);
}

static void look_at_clock(void *arg)
{
    struct stream_pool *p = arg;
    int64_t now = loop_now_ms(p->loop);
    struct stream *s, *next;

    for (s = p->finishing; s != NULL; s = next) {
        next = s->finish_next;
        if (s->finish_by_ms > now)
            continue;
        if (stream_taken(s) != s->finish_taken)
            stream_deadline(s, s->finish_ms);
        else
            stream_end(s, STREAM_END_TIMEOUT);
    }
}
